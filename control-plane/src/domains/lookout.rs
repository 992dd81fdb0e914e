//! Looking at a name from outside: what DNS says of it, and whether port 80 under it is ours.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use proxy::acme;
use proxy::acme::store::{ChallengeAnswer, ChallengeKind, Store};
use tenant_runtime::outbound::Outbound;
use tokio::sync::{Mutex, Notify};

use super::Check;
use super::checks::{self, Authorities, Facts};
use crate::clock;
use crate::config::{Authority, Config};
use crate::edge::authorities;
use crate::edge::dns::{Dns, Pointing};
use crate::edge::probe::probe;

/// Addresses of one name that are asked for our token.
const MOST_ADDRESSES: usize = 8;
/// How long an answer stays for our own question.
const ANSWER_FOR: Duration = Duration::from_secs(60);
/// How long what this machine found out about itself and its authorities holds.
const KNOWN_FOR: Duration = Duration::from_secs(60);

/// What looking at domains takes; clones share it.
#[derive(Clone)]
pub struct Domains(Arc<Inner>);

struct Inner {
    dns: Dns,
    /// Where challenges are answered from; none where nobody certifies names.
    answers: Option<Arc<dyn Store>>,
    authorities: Vec<Authority>,
    configured: Vec<IpAddr>,
    console_host: String,
    http_port: u16,
    /// Says which strangers' addresses may be asked: a customer's DNS must not lead into this network.
    strangers: Outbound,
    addresses: Mutex<Option<(Instant, Vec<IpAddr>)>>,
    identities: Mutex<Option<(Instant, Vec<String>)>>,
    /// Rings when a domain was added, or something happened to its certificate.
    bell: Notify,
    /// Set once the proxy runs.
    certificates: OnceLock<acme::Handle>,
}

impl Domains {
    /// By these settings; answers to challenges go to the store, if certificates come by themselves.
    pub fn new(config: &Config, store: Arc<dyn Store>) -> anyhow::Result<Domains> {
        Ok(Domains(Arc::new(Inner {
            dns: Dns::new(&config.domains.resolvers)?,
            answers: config.acme.is_on().then_some(store),
            authorities: config.acme.authorities(),
            configured: config.domains.addresses.clone(),
            console_host: config.console_host().to_owned(),
            http_port: config.domains.http_port,
            strangers: Outbound::public_and(Vec::new()),
            addresses: Mutex::default(),
            identities: Mutex::default(),
            bell: Notify::new(),
            certificates: OnceLock::new(),
        })))
    }

    /// From now on this keeper of certificates can be asked to hurry.
    pub fn connect(&self, certificates: acme::Handle) {
        let _ = self.0.certificates.set(certificates);
    }

    /// Has a name's certificate tried for again: somebody says that what made it fail was mended.
    pub fn retry(&self, name: &str) {
        if let Some(certificates) = self.0.certificates.get() {
            certificates.retry(name);
        }
    }

    /// Says that a domain is due.
    pub fn poke(&self) {
        self.0.bell.notify_one();
    }

    /// Waits until somebody says that a domain is due.
    pub async fn poked(&self) {
        self.0.bell.notified().await;
    }

    /// Where domains have to point: what the settings say, else this machine's public addresses, else where the console's
    /// name points, else whatever address this machine has.
    pub async fn addresses(&self) -> Vec<IpAddr> {
        if !self.0.configured.is_empty() {
            return self.0.configured.clone();
        }
        let mut known = self.0.addresses.lock().await;
        if let Some((at, addresses)) = &*known
            && at.elapsed() < KNOWN_FOR
        {
            return addresses.clone();
        }
        let addresses = self.find_addresses().await;
        *known = Some((Instant::now(), addresses.clone()));
        addresses
    }

    /// Looks at a name; with a proof, at that as well.
    pub async fn look(&self, name: &str, proof: Option<&str>) -> Vec<Check> {
        let (wanted, pointing, caa, proof) =
            tokio::join!(self.addresses(), self.0.dns.pointing(name), self.authorities(name), self.proof(name, proof));
        let (addresses, alias) = match pointing {
            Ok(Pointing { addresses, alias }) => (Ok(addresses), alias),
            Err(error) => (Err(error), None),
        };
        let answers = match &addresses {
            Ok(addresses) => self.knock(name, addresses, &wanted).await,
            Err(_) => None,
        };
        checks::judge(name, &Facts { wanted, addresses, alias, answers, caa, proof })
    }

    async fn proof(&self, name: &str, token: Option<&str>) -> Option<(String, Result<Vec<String>, String>)> {
        Some((token?.to_owned(), self.0.dns.texts(&super::proof_name(name)).await))
    }

    async fn authorities(&self, name: &str) -> Option<Authorities> {
        self.0.answers.as_ref()?;
        let (permitted, ours) = tokio::join!(self.0.dns.authorities(name), self.identities());
        Some(Authorities { permitted, ours })
    }

    /// What our authorities are called in CAA records.
    async fn identities(&self) -> Vec<String> {
        let mut known = self.0.identities.lock().await;
        if let Some((at, identities)) = &*known
            && at.elapsed() < KNOWN_FOR * if identities.is_empty() { 1 } else { 60 }
        {
            return identities.clone();
        }
        let mut identities = Vec::new();
        for authority in &self.0.authorities {
            match authorities::directory(authority).await {
                Ok(directory) => identities.extend(directory.caa_identities),
                Err(error) => tracing::warn!("the authority {} does not answer: {error:#}", authority.name()),
            }
        }
        *known = Some((Instant::now(), identities.clone()));
        identities
    }

    /// Asks every address for a token only we know, through the same door an authority would use.
    async fn knock(
        &self,
        name: &str,
        addresses: &[IpAddr],
        ours: &[IpAddr],
    ) -> Option<Vec<(IpAddr, Result<(), String>)>> {
        let store = self.0.answers.as_ref()?;
        let (token, value) = (tenant_runtime::random_key(32), tenant_runtime::random_key(32));
        let answer = ChallengeAnswer {
            kind: ChallengeKind::Http01,
            name: name.to_owned(),
            token: token.clone(),
            value: value.clone(),
            until_ms: clock::now_ms() + clock::millis(ANSWER_FOR),
        };
        if let Err(error) = store.put_answer(answer).await {
            tracing::error!("failed to put down an answer for {name}: {error}");
        }
        let questions = addresses.iter().take(MOST_ADDRESSES).map(async |&address| {
            let may_ask = ours.contains(&address)
                || self.0.strangers.resolve(&address.to_string(), self.0.http_port).await.is_ok();
            let outcome = if may_ask {
                probe(address, self.0.http_port, name, &token, &value).await
            } else {
                Err("not an address of the internet".to_owned())
            };
            (address, outcome)
        });
        Some(join_all(questions).await)
    }

    async fn find_addresses(&self) -> Vec<IpAddr> {
        let own = own_addresses();
        let mut public = Vec::new();
        for address in &own {
            if self.0.strangers.resolve(&address.to_string(), 80).await.is_ok() {
                public.push(*address);
            }
        }
        if !public.is_empty() {
            return public;
        }
        match self.0.dns.pointing(&self.0.console_host).await {
            Ok(Pointing { addresses, .. }) if !addresses.is_empty() => addresses,
            _ if own.is_empty() => vec![Ipv4Addr::LOCALHOST.into()],
            _ => own,
        }
    }
}

/// The addresses this machine would use towards the internet. Nothing is sent: a route is looked up.
pub fn own_addresses() -> Vec<IpAddr> {
    let towards = |from: IpAddr, to: IpAddr| {
        let socket = UdpSocket::bind(SocketAddr::new(from, 0)).ok()?;
        socket.connect(SocketAddr::new(to, 53)).ok()?;
        Some(socket.local_addr().ok()?.ip()).filter(|address| !address.is_unspecified())
    };
    let v4 = towards(Ipv4Addr::UNSPECIFIED.into(), Ipv4Addr::new(192, 0, 2, 1).into());
    let v6 = towards(Ipv6Addr::UNSPECIFIED.into(), Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into());
    v4.into_iter().chain(v6).collect()
}
