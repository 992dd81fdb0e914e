//! A proxy whose certificates come from an authority of the test's own, with a clock that the test moves.

mod authority;
mod pebble;
mod store;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering::SeqCst};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use proxy::acme::{AcmeOptions, Event, Handle, Issuer, Times};
use proxy::routes::{Pattern, Route, RouteTable, Tls};
use proxy::{Options, PerAddress};
use rustls::client::Resumption;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::edge::{Edge, Wire, echo, loopback, to};

pub use authority::{Authority, Mood, Tell};
pub use pebble::Pebble;
pub use store::Memory;

/// Far longer than anything here takes: a test that reaches it has failed.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub const MINUTE_MS: i64 = 60 * 1000;
pub const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// The time, as the proxy is told. It stands still until it is moved.
#[derive(Clone)]
pub struct Time(Arc<AtomicI64>);

impl Time {
    pub fn now() -> Time {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        Time(Arc::new(AtomicI64::new(since.as_millis() as i64)))
    }

    pub fn ms(&self) -> i64 {
        self.0.load(SeqCst)
    }

    pub fn pass(&self, ms: i64) {
        self.0.fetch_add(ms, SeqCst);
    }
}

/// A proxy with a keeper.
pub struct Site {
    pub edge: Edge,
    pub handle: Handle,
    events: mpsc::UnboundedReceiver<Event>,
}

impl Site {
    /// A proxy that gets a certificate for each of these names.
    pub async fn open(acme: AcmeOptions, time: &Time, names: &[&str]) -> Site {
        Site::with(Options::default(), acme, time, names).await
    }

    pub async fn with(options: Options, mut acme: AcmeOptions, time: &Time, names: &[&str]) -> Site {
        let (sender, events) = mpsc::unbounded_channel();
        let clock = time.clone();
        acme.clock = Arc::new(move || clock.ms());
        acme.events = Some(sender);
        let options =
            Options { https: vec![loopback()], acme: Some(acme), per_address: PerAddress::unlimited(), ..options };
        let edge = Edge::start(options, names.iter().map(|name| (*name, wanted(name, "")))).await;
        let handle = edge.proxy.acme().expect("a keeper").clone();
        Site { edge, handle, events }
    }

    /// What happens next.
    pub async fn event(&mut self) -> Event {
        timeout(PATIENCE, self.events.recv()).await.expect("something happens").expect("a keeper")
    }

    /// The next failure's message.
    pub async fn failure(&mut self) -> String {
        loop {
            match self.event().await {
                Event::Failed { message, .. } => return message,
                Event::Issued { name, .. } => panic!("{name} was issued"),
                Event::Ordered { .. } => {}
            }
        }
    }

    /// Waits for a certificate and says who issued it.
    pub async fn issued(&mut self, wanted: &str) -> String {
        loop {
            match self.event().await {
                Event::Issued { name, issuer, .. } if name == wanted => return issuer,
                Event::Issued { .. } | Event::Ordered { .. } => {}
                Event::Failed { name, message, .. } => panic!("{name} failed: {message}"),
            }
        }
    }

    /// What happened that nobody has asked for yet.
    pub fn unseen(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.events.try_recv().ok()).collect()
    }

    pub fn http(&self) -> SocketAddr {
        self.edge.proxy.addresses().http[0]
    }

    pub fn https(&self) -> SocketAddr {
        self.edge.proxy.addresses().https[0]
    }

    /// Lets the keeper look at everything a few times.
    pub async fn settle(&self) {
        tokio::time::sleep(quick().look * 10).await;
    }
}

/// A route whose certificate comes by itself.
pub fn wanted(certificate: &str, owner: &str) -> Route {
    let certificate: Pattern = certificate.parse().expect("a pattern");
    Route { tls: Tls::Auto { certificate, owner: owner.into() }, ..to(echo()) }
}

/// A table of such routes, each for the name it wants a certificate for.
pub fn table(names: &[(String, String)]) -> Arc<RouteTable> {
    let routes = names.iter().map(|(name, owner)| (name.parse().expect("a pattern"), wanted(name, owner)));
    Arc::new(RouteTable::new(1, routes))
}

pub fn issuer(name: &str, directory: String) -> Issuer {
    Issuer { name: name.into(), directory, root_pem: None, profile: None, external_account: None }
}

pub fn options(issuers: Vec<Issuer>, store: &Arc<Memory>) -> AcmeOptions {
    AcmeOptions { times: quick(), ..AcmeOptions::new(issuers, store.clone()) }
}

/// Times of the machine are short, times of the clock as in life.
fn quick() -> Times {
    Times {
        request: Duration::from_secs(5),
        order: Duration::from_secs(20),
        look: Duration::from_millis(20),
        elsewhere: Duration::from_millis(50),
        reread: Duration::from_secs(5),
        ..Times::default()
    }
}

/// Somebody who comes to visit and believes an authority.
#[derive(Clone)]
pub struct Visitor {
    config: Arc<ClientConfig>,
}

impl Visitor {
    pub fn trusting(root: CertificateDer<'static>) -> Visitor {
        Visitor::speaking(root, &["http/1.1"])
    }

    pub fn speaking(root: CertificateDer<'static>, protocols: &[&str]) -> Visitor {
        let mut roots = RootCertStore::empty();
        roots.add(root).expect("a root");
        let mut config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        // A resumed session would show the certificate of the one before.
        config.resumption = Resumption::disabled();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        Visitor { config: Arc::new(config) }
    }

    pub async fn hello(&self, to: SocketAddr, name: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(to).await?;
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        let shaken = TlsConnector::from(self.config.clone()).connect(name, tcp);
        timeout(PATIENCE, shaken).await.expect("an answer to the hello")
    }

    /// Visits, and says which certificate it was shown.
    pub async fn visit(&self, to: SocketAddr, name: &str) -> std::io::Result<CertificateDer<'static>> {
        let stream = self.hello(to, name).await?;
        let shown = stream.get_ref().1.peer_certificates().expect("a certificate")[0].clone().into_owned();
        let mut wire = Wire::new(stream);
        wire.send(&format!("GET / HTTP/1.1\r\nHost: {name}\r\n\r\n")).await;
        assert_eq!(wire.answer().await.status, 200);
        Ok(shown)
    }
}

/// Counts of anything, by name.
pub type Counts = BTreeMap<String, usize>;
