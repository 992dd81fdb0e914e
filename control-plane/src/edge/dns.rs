//! Questions to DNS. Nothing is remembered: whoever looks wants to see what was changed a moment ago.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::join_all;
use hickory_resolver::TokioResolver;
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig};
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::rr::{RData, RecordType};

use crate::domains::checks::Property;

/// For one try of two. Whoever answers slower keeps other names waiting.
const PATIENCE: Duration = Duration::from_secs(2);

/// A way to ask; clones share it.
#[derive(Clone)]
pub struct Dns(TokioResolver);

/// Where a name points.
#[derive(Debug, Default)]
pub struct Pointing {
    /// All of its addresses.
    pub addresses: Vec<IpAddr>,
    /// The name its CNAME names.
    pub alias: Option<String>,
}

/// An answer, or a sentence that says why there is none.
pub type Answer<T> = Result<T, String>;

impl Dns {
    /// Asks these servers; none means the system's.
    pub fn new(servers: &[SocketAddr]) -> anyhow::Result<Dns> {
        let mut builder = if servers.is_empty() {
            TokioResolver::builder_tokio().context("read the system's DNS servers")?
        } else {
            let servers = servers.iter().copied().map(server).collect();
            let config = ResolverConfig::from_parts(None, Vec::new(), servers);
            TokioResolver::builder_with_config(config, TokioRuntimeProvider::default())
        };
        let options = builder.options_mut();
        options.cache_size = 0;
        options.timeout = PATIENCE;
        options.attempts = 2;
        options.use_hosts_file = ResolveHosts::Never;
        options.preserve_intermediates = true;
        Ok(Dns(builder.build().context("prepare for asking DNS")?))
    }

    /// Where a name points, in both families.
    pub async fn pointing(&self, name: &str) -> Answer<Pointing> {
        let (v4, v6) = tokio::join!(self.ask(name, RecordType::A), self.ask(name, RecordType::AAAA));
        let mut pointing = Pointing::default();
        for data in v4?.into_iter().chain(v6?) {
            match data {
                RData::A(address) => pointing.addresses.push(address.0.into()),
                RData::AAAA(address) => pointing.addresses.push(address.0.into()),
                RData::CNAME(target) if pointing.alias.is_none() => {
                    pointing.alias = Some(target.0.to_ascii().trim_end_matches('.').to_owned());
                }
                _ => {}
            }
        }
        Ok(pointing)
    }

    /// The values of a name's TXT records.
    pub async fn texts(&self, name: &str) -> Answer<Vec<String>> {
        let text = |data| match data {
            RData::TXT(text) => Some(String::from_utf8_lossy(&text.txt_data.concat()).into_owned()),
            _ => None,
        };
        Ok(self.ask(name, RecordType::TXT).await?.into_iter().filter_map(text).collect())
    }

    /// The CAA records that hold for a name: its own, else those of the nearest name above that has any.
    pub async fn authorities(&self, name: &str) -> Answer<Vec<Property>> {
        let ancestors = std::iter::successors(Some(name), |name| name.split_once('.').map(|(_, parent)| parent));
        // Asked all at once: servers that do not answer then cost their time only once.
        let answers = join_all(ancestors.map(|name| self.ask(name, RecordType::CAA))).await;
        for answer in answers {
            let found: Vec<Property> = answer?.into_iter().filter_map(property).collect();
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    /// All records of the answer; that there are none is an answer, too.
    async fn ask(&self, name: &str, kind: RecordType) -> Answer<Vec<RData>> {
        // The dot says that nothing is to be appended.
        match self.0.lookup(format!("{name}."), kind).await {
            Ok(lookup) => Ok(lookup.answers().iter().map(|record| record.data.clone()).collect()),
            Err(NetError::Dns(DnsError::NoRecordsFound(_))) => Ok(Vec::new()),
            Err(error) => {
                tracing::debug!("no answer about {kind} of {name}: {error}");
                Err(format!("The DNS servers of {name} do not answer."))
            }
        }
    }
}

fn server(address: SocketAddr) -> NameServerConfig {
    let connections = [ConnectionConfig::udp(), ConnectionConfig::tcp()].map(|mut connection| {
        connection.port = address.port();
        connection
    });
    NameServerConfig::new(address.ip(), true, connections.into())
}

fn property(data: RData) -> Option<Property> {
    match data {
        RData::CAA(caa) => Some(Property {
            critical: caa.issuer_critical,
            value: String::from_utf8_lossy(&caa.value).into_owned(),
            tag: caa.tag,
        }),
        _ => None,
    }
}
