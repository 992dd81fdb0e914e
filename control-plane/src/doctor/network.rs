//! How the world finds this machine: names, ports, and the rights to certificates.
//!
//! A server that runs answers the challenge this puts into its database, so "port 80 is ours" is seen and not guessed.
//! Where none runs, the ports are taken for a moment to see whether they can be had.

use std::net::{IpAddr, SocketAddr};
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
use crate::edge::store::EdgeStore;

const PATIENCE: Duration = Duration::from_secs(5);
/// How long an answer stays for our own question.
const ANSWER_FOR: Duration = Duration::from_secs(60);

/// Looks at names and ports. A server for this machine alone has none to look at.
pub async fn examine(config: &Config) -> anyhow::Result<Vec<Finding>> {
    let listening = config.listen.http.iter().chain(&config.listen.https);
    if listening.clone().all(|address| address.ip().is_loopback()) && !config.acme.is_on() {
        let found = "it listens on this machine alone";
        return Ok(vec![Finding::unknown("network", found, "to serve others, set domain and email (see README.md)")]);
    }
    let database = Database::open(&config.database_url()).await.context("open the control database")?;
    let store: Arc<dyn Store> = Arc::new(EdgeStore::new(database.clone()));
    let domains = Domains::new(config, store.clone())?;
    let mut findings = ports(config, &domains.addresses().await).await;
    findings.extend(names(config, &domains).await);
    if config.wildcard() {
        findings.push(delegation(config, store.as_ref()).await?);
    }
    database.close().await;
    Ok(findings)
}

/// The console's name, and one that only exists because every name under the domain does.
async fn names(config: &Config, domains: &Domains) -> Vec<Finding> {
    let some_project = format!("{}.{}", tenant_runtime::random_id(12), config.domain);
    let mut findings = Vec::new();
    for (check, name) in [("console", config.console_host()), ("projects", some_project.as_str())] {
        for Check { kind, state, message, .. } in domains.look(name, None).await {
            // Whether port 80 is ours is only known while something answers there.
            let found = match kind {
                CheckKind::Http => format!("{name}, port 80: {message}"),
                CheckKind::Caa => format!("{name}, CAA: {message}"),
                _ => format!("{name}: {message}"),
            };
            findings.push(match (kind, state) {
                (_, CheckState::Ok) => Finding::good(check, found),
                (CheckKind::Http, CheckState::Wrong) => Finding::unknown(
                    check,
                    found,
                    "start Roost and ask again; if it runs, open port 80 in the firewall",
                ),
                (_, CheckState::Waiting) => Finding::unknown(check, found, "mend what is wrong first, then ask again"),
                _ => Finding::bad(check, found, format!("change the records of {name} at your DNS provider")),
            });
        }
    }
    findings
}

/// Every port: to be had or had already, and reachable at the addresses the world uses.
async fn ports(config: &Config, public: &[IpAddr]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for &address in config.listen.http.iter().chain(&config.listen.https) {
        findings.push(port("port", address, TcpListener::bind(address).await, public).await);
    }
    for &address in &config.listen.dns {
        findings.push(port("port (TCP)", address, TcpListener::bind(address).await, public).await);
        findings.push(match UdpSocket::bind(address).await {
            Err(error) if error.kind() != std::io::ErrorKind::AddrInUse => refused("port (UDP)", address, &error),
            Err(_) => Finding::good("port (UDP)", format!("{address} is in use, as it is while Roost runs")),
            Ok(_) => Finding::good("port (UDP)", format!("{address} can be had")),
        });
    }
    findings
}

async fn port(
    check: &'static str,
    address: SocketAddr,
    taken: std::io::Result<TcpListener>,
    public: &[IpAddr],
) -> Finding {
    let what = match &taken {
        Ok(_) => "can be had",
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => "is in use, as it is while Roost runs",
        Err(error) => return refused(check, address, error),
    };
    // While the listener is held, or the server that has it, a connection from outside arrives.
    for &ip in public.iter().filter(|ip| address.ip().is_unspecified() || address.ip() == **ip) {
        let outside = SocketAddr::new(ip, address.port());
        if !matches!(tokio::time::timeout(PATIENCE, TcpStream::connect(outside)).await, Ok(Ok(_))) {
            let advice = format!("let port {} through to this machine", address.port());
            return Finding::bad(check, format!("{address} {what}, but {outside} does not lead to it"), advice);
        }
    }
    Finding::good(check, format!("{address} {what}"))
}

fn refused(check: &'static str, address: SocketAddr, error: &std::io::Error) -> Finding {
    let advice = match error.kind() {
        std::io::ErrorKind::PermissionDenied => {
            "ports below 1024 need a right: run it as a service with AmbientCapabilities=CAP_NET_BIND_SERVICE"
        }
        _ => "use an address of this machine under [listen]",
    };
    Finding::bad(check, format!("{address} cannot be had: {error}"), advice)
}

/// Whether the name in which the wildcard is proven is ours to answer: a server that runs answers it.
async fn delegation(config: &Config, store: &dyn Store) -> anyhow::Result<Finding> {
    let name = format!("_acme-challenge.{}", config.domain);
    let value = tenant_runtime::random_key(43);
    let answer = ChallengeAnswer {
        kind: ChallengeKind::Dns01,
        name: config.domain.clone(),
        token: String::new(),
        value: value.clone(),
        until_ms: clock::now_ms() + clock::millis(ANSWER_FOR),
    };
    store.put_answer(answer).await.map_err(anyhow::Error::from_boxed)?;
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
