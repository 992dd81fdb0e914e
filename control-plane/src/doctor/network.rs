//! How the world finds this machine: names, ports, and the rights to certificates.
//!
//! A server that runs answers the challenge this puts into its database, so "the port is ours" is seen and not guessed.
//! Where none runs, the ports are taken for a moment to see whether they can be had.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use proxy::acme::store::{ChallengeAnswer, ChallengeKind, Store};
use tokio::net::{TcpListener, TcpStream, UdpSocket};

use super::Finding;
use crate::clock;
use crate::config::Config;
use crate::database::Database;
use crate::domains::{Check, CheckKind, CheckState, Domains};
use crate::edge::dns::Dns;
use crate::edge::probe::probe;
use crate::edge::store::EdgeStore;

const PATIENCE: Duration = Duration::from_secs(5);
/// How long an answer stays for our own question.
const ANSWER_FOR: Duration = Duration::from_secs(60);

/// Looks at names and ports. A server for this machine alone has none to look at.
pub async fn examine(config: &Config) -> anyhow::Result<Vec<Finding>> {
    let mut listening = config.listen.http.iter().chain(&config.listen.https);
    if listening.all(|address| address.ip().is_loopback()) && !config.acme.is_on() {
        let found = "it listens on this machine alone";
        return Ok(vec![Finding::unknown("network", found, "to serve others, set domain and email (see README.md)")]);
    }
    let database = Database::open(&config.database_url()).await.context("open the control database")?;
    let store: Arc<dyn Store> = Arc::new(EdgeStore::new(database.clone()));
    let domains = Domains::new(config, store.clone())?;
    let here = Here {
        public: domains.addresses().await,
        running: if config.acme.is_on() { Some(is_running(config, store.as_ref()).await?) } else { None },
    };
    let mut findings = here.ports(config).await;
    findings.extend(here.names(config, &domains).await);
    if config.wildcard() {
        findings.push(delegation(config, store.as_ref()).await?);
    }
    database.close().await;
    Ok(findings)
}

/// What is known of this machine.
struct Here {
    /// The addresses the world uses.
    public: Vec<IpAddr>,
    /// Whether a server with this control database runs. Only one that answers challenges can tell.
    running: Option<bool>,
}

/// Whether what listens on one of our ports for plain HTTP answers from our control database.
async fn is_running(config: &Config, store: &dyn Store) -> anyhow::Result<bool> {
    let (token, value) = (tenant_runtime::random_key(32), tenant_runtime::random_key(32));
    let host = config.console_host();
    put_answer(store, ChallengeKind::Http01, host, &token, &value).await?;
    for address in &config.listen.http {
        let ip = match address.ip() {
            ip if !ip.is_unspecified() => ip,
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        };
        if probe(ip, address.port(), host, &token, &value).await.is_ok() {
            return Ok(true);
        }
    }
    Ok(false)
}

impl Here {
    /// The console's name, and one that only exists because every name under the domain does.
    async fn names(&self, config: &Config, domains: &Domains) -> Vec<Finding> {
        let some_project = format!("{}.{}", tenant_runtime::random_id(12), config.domain);
        let mut findings = Vec::new();
        for (check, name) in [("console", config.console_host()), ("projects", some_project.as_str())] {
            for Check { kind, state, message, .. } in domains.look(name, None).await {
                let found = match kind {
                    CheckKind::Http => format!("{name}, port 80: {message}"),
                    CheckKind::Caa => format!("{name}, CAA: {message}"),
                    _ => format!("{name}: {message}"),
                };
                findings.push(match (kind, state) {
                    (_, CheckState::Ok) => Finding::good(check, found),
                    (CheckKind::Http, CheckState::Wrong) if self.running == Some(true) => {
                        Finding::bad(check, found, "let port 80 through to this machine")
                    }
                    (CheckKind::Http, CheckState::Wrong) => Finding::unknown(check, found, "start Roost and ask again"),
                    (_, CheckState::Waiting) => {
                        Finding::unknown(check, found, "mend what is wrong first, then ask again")
                    }
                    _ => Finding::bad(check, found, format!("change the records of {name} at your DNS provider")),
                });
            }
        }
        findings
    }

    /// Every port: to be had or had already, and reachable at the addresses the world uses.
    async fn ports(&self, config: &Config) -> Vec<Finding> {
        let mut findings = Vec::new();
        for &address in config.listen.http.iter().chain(&config.listen.https) {
            findings.push(self.tcp("port", address, TcpListener::bind(address).await).await);
        }
        for &address in &config.listen.dns {
            findings.push(self.tcp("port (TCP)", address, TcpListener::bind(address).await).await);
            findings.push(match UdpSocket::bind(address).await {
                Ok(_) => Finding::good("port (UDP)", format!("{address} can be had")),
                Err(error) => self.taken("port (UDP)", address, &error),
            });
        }
        findings
    }

    async fn tcp(&self, check: &'static str, address: SocketAddr, bound: std::io::Result<TcpListener>) -> Finding {
        let (port, finding) = match &bound {
            Ok(listener) => {
                let port = listener.local_addr().map_or(address.port(), |bound| bound.port());
                (port, Finding::good(check, format!("{address} can be had")))
            }
            Err(error) => (address.port(), self.taken(check, address, error)),
        };
        if finding.ok == Some(false) {
            return finding;
        }
        // While the listener is held, here or by the server, a connection from outside arrives.
        let listens = |ip: &&IpAddr| match address.ip() {
            // The socket for all IPv6 addresses takes IPv4 as well.
            all if all.is_unspecified() => address.is_ipv6() || ip.is_ipv4(),
            one => one == **ip,
        };
        for &ip in self.public.iter().filter(listens) {
            let outside = SocketAddr::new(ip, port);
            if !matches!(tokio::time::timeout(PATIENCE, TcpStream::connect(outside)).await, Ok(Ok(_))) {
                let found = format!("{address} is not reached at {outside}");
                return Finding::bad(check, found, format!("let port {port} through to this machine"));
            }
        }
        finding
    }

    /// Somebody has the port, or nobody may.
    fn taken(&self, check: &'static str, address: SocketAddr, error: &std::io::Error) -> Finding {
        match (error.kind(), self.running) {
            // The system asks for the right to a low port first, and only then whether somebody has it.
            (ErrorKind::AddrInUse | ErrorKind::PermissionDenied, Some(true)) => {
                Finding::good(check, format!("{address} is Roost's, which runs"))
            }
            (ErrorKind::AddrInUse, Some(false)) => {
                Finding::bad(check, format!("{address} is another program's"), "stop that program, or change [listen]")
            }
            (ErrorKind::AddrInUse, None) => {
                Finding::unknown(check, format!("{address} is in use"), "it should be Roost that uses it")
            }
            (ErrorKind::PermissionDenied, _) => Finding::bad(
                check,
                format!("{address} is not allowed to this user"),
                "let systemd bind it: ops/install.sh lists ports 80, 443 and those of [listen] dns in roost.socket, \
                 systemctl edit roost.socket adds others",
            ),
            _ => Finding::bad(
                check,
                format!("{address} cannot be had: {error}"),
                "use an address of this machine under [listen]",
            ),
        }
    }
}

async fn put_answer(
    store: &dyn Store,
    kind: ChallengeKind,
    name: &str,
    token: &str,
    value: &str,
) -> anyhow::Result<()> {
    let until_ms = clock::now_ms() + clock::millis(ANSWER_FOR);
    let (name, token, value) = (name.to_owned(), token.to_owned(), value.to_owned());
    let answer = ChallengeAnswer { kind, name, token, value, until_ms };
    store.put_answer(answer).await.map_err(anyhow::Error::from_boxed)
}

/// Whether the name in which the wildcard is proven is ours to answer: a server that runs answers it.
async fn delegation(config: &Config, store: &dyn Store) -> anyhow::Result<Finding> {
    let name = format!("_acme-challenge.{}", config.domain);
    let value = tenant_runtime::random_key(43);
    put_answer(store, ChallengeKind::Dns01, &config.domain, "", &value).await?;
    let dns = Dns::new(&config.domains.resolvers)?;
    let found = dns.texts(&name).await;
    if found.as_ref().is_ok_and(|texts| texts.contains(&value)) {
        return Ok(Finding::good("wildcard", format!("{name} is delegated to this server")));
    }
    let advice = format!(
        "set the record {name} NS {}, open port 53, and start Roost, which answers there. Else set wildcard = false under \
         [acme]",
        config.domain
    );
    Ok(match found {
        Ok(texts) if !texts.is_empty() => {
            Finding::bad("wildcard", format!("{name} has other values: {}", texts.join(", ")), advice)
        }
        _ => Finding::bad("wildcard", format!("this server is not asked about {name}"), advice),
    })
}
