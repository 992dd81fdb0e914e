//! Connections to addresses a tenant names: mail servers, object stores, identity providers, avatars.
//!
//! On a shared host such an address may not lead back to the machine or its network. What counts is the resolved
//! address, looked at each time a connection is made: a name may change its mind between two look-ups, and a redirect
//! may name anything.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect;
use url::{Host, Url};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two reads of an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(30);
const MOST_REDIRECTS: usize = 5;

/// A way out. Clones share their connections.
#[derive(Clone)]
pub struct Outbound {
    guard: Arc<Guard>,
    /// Built when first needed: reading the system's certificates takes a while.
    client: Arc<OnceLock<reqwest::Client>>,
}

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum OutboundError {
    /// The address is not one a tenant may reach.
    #[error("the address {0} is not allowed")]
    Refused(String),
    /// The connection or the answer failed. The address is left out, for it may hold secrets.
    #[error("the request failed: {0}")]
    Failed(#[source] reqwest::Error),
}

/// Addresses that share their first bits, written `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Deserialize)]
#[serde(try_from = "String")]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

/// A text that is no network.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is no network; one looks like 10.0.0.0/8 or fd00::/8")]
pub struct NotANetwork(String);

enum Guard {
    Anywhere,
    /// The internet, and these networks besides.
    Public(Vec<Network>),
}

impl Outbound {
    /// For a backend that stands alone: its owner owns the machine, too.
    pub fn anywhere() -> Outbound {
        Outbound { guard: Arc::new(Guard::Anywhere), client: Arc::default() }
    }

    /// For tenants of a host: public addresses, and those the operator opened.
    pub fn public_and(opened: Vec<Network>) -> Outbound {
        Outbound { guard: Arc::new(Guard::Public(opened)), client: Arc::default() }
    }

    /// Sends a request and waits for the head of its answer.
    pub async fn send(&self, request: reqwest::Request) -> Result<reqwest::Response, OutboundError> {
        if !self.guard.allows_url(request.url()) {
            return Err(OutboundError::Refused(request.url().host_str().unwrap_or_default().to_owned()));
        }
        let client = self.client().map_err(OutboundError::Failed)?;
        client.execute(request).await.map_err(|error| OutboundError::Failed(error.without_url()))
    }

    /// The addresses of a host that may be connected to.
    ///
    /// # Errors
    /// `PermissionDenied` when it has addresses, but none that is allowed.
    pub async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        self.guard.resolve(host, port).await
    }

    fn client(&self) -> Result<&reqwest::Client, reqwest::Error> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let guard = Arc::clone(&self.guard);
        let redirects = redirect::Policy::custom(move |attempt| {
            if attempt.previous().len() > MOST_REDIRECTS {
                attempt.error("too many redirects")
            } else if guard.allows_url(attempt.url()) {
                attempt.follow()
            } else {
                attempt.error("a redirect to an address that is not allowed")
            }
        });
        let client = reqwest::Client::builder()
            .user_agent(concat!("roost/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .redirect(redirects)
            .dns_resolver(Arc::new(GuardedResolver(Arc::clone(&self.guard))))
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .build()?;
        Ok(self.client.get_or_init(|| client))
    }
}

impl fmt::Debug for Outbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Outbound")
    }
}

impl Guard {
    /// Names are judged when they are resolved; an address in the URL never is resolved, so it is judged here.
    fn allows_url(&self, url: &Url) -> bool {
        let host_is_allowed = match url.host() {
            Some(Host::Ipv4(address)) => self.allows(address.into()),
            Some(Host::Ipv6(address)) => self.allows(address.into()),
            Some(Host::Domain(_)) => true,
            None => false,
        };
        host_is_allowed && matches!(url.scheme(), "http" | "https")
    }

    fn allows(&self, address: IpAddr) -> bool {
        match self {
            Guard::Anywhere => true,
            Guard::Public(opened) => {
                let address = address.to_canonical();
                is_public(address) || opened.iter().any(|network| network.contains(address))
            }
        }
    }

    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let found: Vec<SocketAddr> = tokio::net::lookup_host((host, port)).await?.collect();
        let any = !found.is_empty();
        let allowed: Vec<SocketAddr> = found.into_iter().filter(|address| self.allows(address.ip())).collect();
        if allowed.is_empty() && any {
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, "the address is not allowed"));
        }
        Ok(allowed)
    }
}

struct GuardedResolver(Arc<Guard>);

impl Resolve for GuardedResolver {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = Arc::clone(&self.0);
        Box::pin(async move {
            let found = guard.resolve(name.as_str(), 0).await?;
            Ok(Box::new(found.into_iter()) as Addrs)
        })
    }
}

impl Network {
    /// Whether it holds the address.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                shares_bits(u128::from(network.to_bits()) << 96, u128::from(address.to_bits()) << 96, self.bits)
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => shares_bits(network.to_bits(), address.to_bits(), self.bits),
            _ => false,
        }
    }
}

fn shares_bits(a: u128, b: u128, bits: u8) -> bool {
    (a ^ b).leading_zeros() >= u32::from(bits)
}

impl TryFrom<String> for Network {
    type Error = NotANetwork;

    fn try_from(text: String) -> Result<Network, NotANetwork> {
        text.parse()
    }
}

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Network, NotANetwork> {
        let parse = || {
            let (address, bits) = match text.split_once('/') {
                Some((address, bits)) => (address, Some(bits.parse::<u8>().ok()?)),
                None => (text, None),
            };
            let address = IpAddr::from_str(address).ok()?;
            let most = if address.is_ipv4() { 32 } else { 128 };
            Some(Network { address, bits: bits.unwrap_or(most) }).filter(|network| network.bits <= most)
        };
        parse().ok_or_else(|| NotANetwork(text.to_owned()))
    }
}

/// Whether an address belongs to the internet, and to no machine or network of ours.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    let reserved = address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_documentation()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        || (a == 198 && (b == 18 || b == 19));
    !reserved
}

/// Global unicast is `2000::/3`; of it, what only wraps an IPv4 address is judged by that.
fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, second, third, ..] = address.segments();
    let wrapped = |high: u16, low: u16| {
        let [a, b] = high.to_be_bytes();
        let [c, d] = low.to_be_bytes();
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match (first, second) {
        (0x0064, 0xff9b) => wrapped(address.segments()[6], address.segments()[7]),
        (0x2002, _) => wrapped(second, third),
        // Teredo, benchmarks, ORCHID, documentation
        (0x2001, 0 | 2 | 0x10..=0x3f | 0x0db8) | (0x3fff, 0..=0x0fff) => false,
        _ => first & 0xe000 == 0x2000,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(opened: &[&str]) -> Guard {
        Guard::Public(opened.iter().map(|text| text.parse().expect("a network")).collect())
    }

    #[test]
    fn only_the_internet_is_reached() {
        let guard = guard(&[]);
        for text in [
            "127.0.0.1",
            "0.0.0.0",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "198.18.0.1",
            "192.0.0.192",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "fe80::1",
            "fd00::1",
            "ff02::1",
            "::ffff:127.0.0.1",
            "64:ff9b::7f00:1",
            "2002:7f00:1::",
            "2001:db8::1",
            "2001::1",
        ] {
            assert!(!guard.allows(text.parse().expect("an address")), "{text}");
        }
        for text in ["1.1.1.1", "93.184.215.14", "172.32.0.1", "2606:4700::1111", "64:ff9b::101:101"] {
            assert!(guard.allows(text.parse().expect("an address")), "{text}");
        }
    }

    #[test]
    fn an_operator_opens_networks() {
        let guard = guard(&["10.1.0.0/16", "fd00::/8", "192.168.1.7"]);
        for (text, allowed) in
            [("10.1.9.9", true), ("10.2.0.1", false), ("fd12::1", true), ("192.168.1.7", true), ("192.168.1.8", false)]
        {
            assert_eq!(guard.allows(text.parse().expect("an address")), allowed, "{text}");
        }
        for text in ["10.0.0.0/33", "ten", "10.0.0.0/", "::/129"] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
    }

    #[tokio::test]
    async fn a_name_an_address_and_a_redirect_are_all_judged() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let port = listener.local_addr().expect("bound").port();
        let closed = Outbound::public_and(Vec::new());
        for host in ["localhost", "127.0.0.1", "[::1]", "2130706433", "0x7f.1"] {
            let url = Url::parse(&format!("http://{host}:{port}/")).expect("a URL");
            let refused = closed.send(reqwest::Request::new(reqwest::Method::GET, url)).await;
            assert!(refused.is_err(), "{host}");
        }
        let refused = closed.resolve("localhost", port).await.expect_err("refused");
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        let redirecting = axum::Router::new()
            .fallback(async || axum::response::Redirect::temporary("http://169.254.169.254/latest/meta-data"));
        tokio::spawn(async move { axum::serve(listener, redirecting).await });
        let opened = Outbound::public_and(vec!["127.0.0.0/8".parse().expect("a network")]);
        let url = Url::parse(&format!("http://127.0.0.1:{port}/")).expect("a URL");
        let error = opened.send(reqwest::Request::new(reqwest::Method::GET, url)).await.expect_err("refused");
        assert!(format!("{:?}", error).contains("not allowed"), "{error:?}");
    }
}
