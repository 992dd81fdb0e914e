//! Listening, accepting, and stopping without losing a request.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::acme::dns::{self, Responder};
use crate::acme::{self, Keeper};
use crate::limits::{Gauge, Limiters};
use crate::metrics::{self, Metrics};
use crate::routes::RouteTable;
use crate::visitors::Visitors;
use crate::{Options, Sockets, connection, tls};

/// How often the system asks a client that says nothing whether it is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// How long to wait when the system has no more descriptors.
const OUT_OF_FILES: Duration = Duration::from_millis(100);

/// A running proxy. Dropping it cuts every connection; [`Proxy::drain`] does not.
pub struct Proxy {
    addresses: Addresses,
    edge: Arc<Edge>,
}

/// What a proxy listens on, with the ports the system chose where 0 was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Plain HTTP.
    pub http: Vec<SocketAddr>,
    /// TLS.
    pub https: Vec<SocketAddr>,
    /// Questions of certificate authorities by DNS; UDP and TCP have the same ports.
    pub dns: Vec<SocketAddr>,
    /// Numbers for Prometheus.
    pub metrics: Option<SocketAddr>,
}

/// What all connections share.
pub(crate) struct Edge {
    pub(crate) options: Options,
    pub(crate) routes: watch::Receiver<Arc<RouteTable>>,
    pub(crate) tls: Arc<ServerConfig>,
    pub(crate) acme: Option<acme::Handle>,
    /// Where plain HTTP redirects to.
    pub(crate) https_port: Option<u16>,
    pub(crate) limiters: Limiters,
    /// Requests in flight on all routes together.
    pub(crate) requests: Gauge,
    /// Event streams and tunnels on all routes together.
    pub(crate) streams: Gauge,
    /// Turns of long request bodies.
    pub(crate) uploads: Arc<Semaphore>,
    pub(crate) visitors: Visitors,
    pub(crate) metrics: Metrics,
    pub(crate) handshakes: Semaphore,
    connections: Arc<Semaphore>,
    /// Connections there are.
    pub(crate) open: Gauge,
    /// Connections and tunnels: what a drain waits for.
    pub(crate) tasks: TaskTracker,
    stopping: CancellationToken,
    polite: AtomicBool,
    /// Event streams end.
    pub(crate) streams_end: CancellationToken,
    /// Idle connections close.
    pub(crate) closing: CancellationToken,
    pub(crate) tunnels_end: CancellationToken,
    /// Everything ends.
    pub(crate) cut: CancellationToken,
}

impl Edge {
    /// Whether clients are being asked to go elsewhere.
    pub(crate) fn is_polite(&self) -> bool {
        self.polite.load(Relaxed)
    }

    /// Cancelled when nothing new is accepted any more.
    pub(crate) fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }
}

impl Proxy {
    /// Listens, and answers by whatever table stands in the channel at that moment.
    pub async fn bind(mut options: Options, routes: watch::Receiver<Arc<RouteTable>>) -> io::Result<Proxy> {
        let http = listen(&options.sockets, &options.http)?;
        let https = listen(&options.sockets, &options.https)?;
        let numbers = listen(&options.sockets, options.metrics.as_slice())?.pop();
        let responders = match (&options.dns, &options.acme) {
            (Some(dns), Some(acme)) => dns::listen(dns, &acme.store, &options.sockets)?,
            _ => Vec::new(),
        };
        let addresses = Addresses {
            http: addresses(&http)?,
            https: addresses(&https)?,
            dns: responders.iter().map(Responder::address).collect::<io::Result<_>>()?,
            metrics: numbers.as_ref().map(TcpListener::local_addr).transpose()?,
        };
        let keeper = options.acme.take().map(|acme| Keeper::new(acme, options.certificates.clone(), routes.clone()));
        let (acme, keeper) = keeper.transpose().map_err(io::Error::other)?.unzip();
        let edge = Arc::new(Edge {
            tls: tls_config(&options)?,
            acme,
            https_port: addresses.https.first().map(SocketAddr::port),
            routes,
            limiters: Limiters::new(options.bounds.uploads_per_route),
            requests: Gauge::default(),
            streams: Gauge::default(),
            uploads: Arc::new(Semaphore::new(options.bounds.uploads)),
            visitors: Visitors::default(),
            metrics: Metrics::default(),
            handshakes: Semaphore::new(options.bounds.handshakes),
            connections: Arc::new(Semaphore::new(options.bounds.connections)),
            open: Gauge::default(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
            polite: AtomicBool::new(false),
            streams_end: CancellationToken::new(),
            closing: CancellationToken::new(),
            tunnels_end: CancellationToken::new(),
            cut: CancellationToken::new(),
            options,
        });
        if let Some(keeper) = keeper {
            edge.tasks.spawn(keeper.run(edge.stopping.clone()));
        }
        for listener in http {
            edge.tasks.spawn(accept(edge.clone(), listener, connection::plain));
        }
        for listener in https {
            edge.tasks.spawn(accept(edge.clone(), listener, tls::serve));
        }
        if let Some(listener) = numbers {
            edge.tasks.spawn(metrics::serve(edge.clone(), listener));
        }
        for responder in responders {
            edge.tasks.spawn(responder.serve(edge.stopping()));
        }
        Ok(Proxy { addresses, edge })
    }

    /// What it listens on.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// The keeper of certificates, if there is one.
    pub fn acme(&self) -> Option<&acme::Handle> {
        self.edge.acme.as_ref()
    }

    /// Stops accepting (a successor may go on), lets every request in flight end, and returns when nothing is left.
    /// [`Drain`](crate::Drain) says how long what may take.
    pub async fn drain(self) {
        let Edge { options, tasks, .. } = &*self.edge;
        let begun = Instant::now();
        self.edge.stopping.cancel();
        self.edge.polite.store(true, Relaxed);
        self.edge.streams_end.cancel();
        options.sockets.close();
        tasks.close();
        let phases = [
            (options.drain.polite, &self.edge.closing),
            (options.drain.tunnels, &self.edge.tunnels_end),
            (options.drain.total, &self.edge.cut),
        ];
        for (end, next) in phases {
            if timeout_at(begun + end, tasks.wait()).await.is_ok() {
                return;
            }
            next.cancel();
        }
        tasks.wait().await;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let Edge { stopping, streams_end, closing, tunnels_end, cut, .. } = &*self.edge;
        for end in [stopping, streams_end, closing, tunnels_end, cut] {
            end.cancel();
        }
    }
}

fn listen(sockets: &Sockets, wanted: &[SocketAddr]) -> io::Result<Vec<TcpListener>> {
    wanted.iter().map(|address| TcpListener::from_std(sockets.tcp(*address)?)).collect()
}

fn addresses(listeners: &[TcpListener]) -> io::Result<Vec<SocketAddr>> {
    listeners.iter().map(TcpListener::local_addr).collect()
}

fn tls_config(options: &Options) -> io::Result<Arc<ServerConfig>> {
    let mut config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(options.certificates.clone()));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    config.ticketer = aws_lc_rs::Ticketer::new().map_err(io::Error::other)?;
    Ok(Arc::new(config))
}

/// Accepts until the proxy stops. Full up, it leaves new connections in the system's queue.
async fn accept<F>(edge: Arc<Edge>, listener: TcpListener, serve: fn(Arc<Edge>, TcpStream, IpAddr) -> F)
where
    F: Future<Output = ()> + Send + 'static,
{
    let next = async || {
        let permit = edge.connections.clone().acquire_owned().await.map_err(io::Error::other)?;
        let (tcp, peer) = listener.accept().await?;
        Ok::<_, io::Error>((permit, tcp, peer.ip()))
    };
    loop {
        let accepted = tokio::select! {
            // First: whoever waits to be accepted when both are ready is the successor's.
            biased;
            () = edge.stopping.cancelled() => return,
            accepted = next() => accepted,
        };
        match accepted {
            Ok((permit, tcp, peer)) => {
                prepare(&tcp);
                let held = (permit, edge.open.enter(usize::MAX));
                let connection = serve(edge.clone(), tcp, peer);
                edge.tasks.spawn(async move {
                    connection.await;
                    drop(held);
                });
            }
            Err(cause) if cause.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(cause) => {
                tracing::warn!("could not accept a connection: {cause}");
                sleep(OUT_OF_FILES).await;
            }
        }
    }
}

/// A socket that sends at once and notices a client that vanished. One that refuses works all the same.
fn prepare(tcp: &TcpStream) {
    let _ = tcp.set_nodelay(true);
    let keep_alive = TcpKeepalive::new().with_time(KEEP_ALIVE).with_interval(KEEP_ALIVE / 4);
    let _ = SockRef::from(tcp).set_tcp_keepalive(&keep_alive);
}
