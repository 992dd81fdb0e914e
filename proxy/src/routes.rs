//! The route table: which name leads to which service, and what holds there.
//!
//! A table is a value. It is never changed, only replaced as a whole, so a request sees one consistent state of
//! the world. Names are looked up twice at most: as they are, and with `*` for the first label.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;
use std::sync::{Arc, OnceLock};

use http::HeaderMap;

use crate::HttpService;
use crate::answers::Answer;
use crate::limits::Limiter;
use crate::meter::Meter;

/// A host as it is looked up: lower case, without port, without a dot at the end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Host(Box<str>);

/// Text that cannot be a host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a host name")]
pub struct InvalidHost;

impl Host {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Everything behind the first label: `b.c` of `a.b.c`.
    pub(crate) fn parent(&self) -> Option<&str> {
        parent(&self.0)
    }
}

/// Everything behind the first label of a name.
pub(crate) fn parent(name: &str) -> Option<&str> {
    name.split_once('.').map(|(_, parent)| parent)
}

impl FromStr for Host {
    type Err = InvalidHost;

    /// Reads a name or an address with or without a port, as it stands in a `Host` header.
    fn from_str(text: &str) -> Result<Self, InvalidHost> {
        let (name, port) = match text.rfind(':') {
            Some(colon) if !text.ends_with(']') => (&text[..colon], Some(&text[colon + 1..])),
            _ => (text, None),
        };
        if port.is_some_and(|port| port.parse::<u16>().is_err() || port.starts_with('+')) {
            return Err(InvalidHost);
        }
        if let Some(address) = name.strip_prefix('[') {
            let address = address.strip_suffix(']').ok_or(InvalidHost)?;
            let address: Ipv6Addr = address.parse().map_err(|_| InvalidHost)?;
            return Ok(Host(format!("[{address}]").into()));
        }
        let name = name.strip_suffix('.').unwrap_or(name);
        if name.len() > 253 || !name.split('.').all(is_label) {
            return Err(InvalidHost);
        }
        Ok(Host(name.to_ascii_lowercase().into()))
    }
}

/// Letters, digits, inner hyphens; underscores, too, because names with them exist and harm nobody.
fn is_label(label: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=63).contains(&label.len()) && label.bytes().all(allowed) && !label.starts_with('-') && !label.ends_with('-')
}

impl Borrow<str> for Host {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which hosts a route is for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Pattern {
    /// This one.
    Exact(Host),
    /// Every host with exactly one more label in front: `*.example.com`.
    Wildcard(Host),
}

impl FromStr for Pattern {
    type Err = InvalidHost;

    fn from_str(text: &str) -> Result<Self, InvalidHost> {
        match text.strip_prefix("*.") {
            Some(parent) => parent.parse().map(Pattern::Wildcard),
            None => text.parse().map(Pattern::Exact),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Exact(host) => host.fmt(f),
            Pattern::Wildcard(parent) => write!(f, "*.{parent}"),
        }
    }
}

impl From<Host> for Pattern {
    fn from(host: Host) -> Self {
        Pattern::Exact(host)
    }
}

/// What stays the same when a route is published again: limits are counted by it, logs name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RouteId(pub String);

impl fmt::Display for RouteId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a host leads.
#[derive(Clone, Debug)]
pub struct Route {
    /// The same in every table that has this route.
    pub id: RouteId,
    /// What answers.
    pub upstream: HttpService,
    /// Headers set on every request, after everything a client may not send was removed.
    pub stamp: HeaderMap,
    /// How much clients may ask of it.
    pub limits: Limits,
    /// Counts what they do, and says when it is enough.
    pub meter: Arc<Meter>,
    /// Whether it is served at all.
    pub state: State,
    /// Whether it is served without TLS.
    pub tls: Tls,
    /// Whether browsers are told never to come without TLS again. A promise for a name, so only for names of our own.
    pub hsts: bool,
}

/// Whether requests reach a route's upstream.
#[derive(Clone, Debug)]
pub enum State {
    /// They do.
    Serving,
    /// They are sent to another host, same path.
    Redirect(Host),
    /// The proxy answers by itself and nothing behind it wakes: suspended, in maintenance, over quota.
    Held(Answer),
}

/// Where a route's certificate comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tls {
    /// It has none and is served on plain HTTP.
    None,
    /// From the proxy's certificate files; plain HTTP only redirects to it.
    Files,
    /// From a certificate authority, see [`acme`](crate::acme); plain HTTP only redirects to it.
    Auto {
        /// What the certificate is to be for: this host, or the wildcard that covers it.
        certificate: Pattern,
        /// Whose name it is, so that nobody spends everybody's orders: a project, or empty for the platform's own.
        owner: String,
    },
}

/// How much clients may ask of one route, all together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Requests per second, sustained; twice as many may come in a burst. `None`: no limit.
    pub requests_per_second: Option<u32>,
    /// Requests in flight, until the last byte of the response.
    pub concurrent_requests: u32,
    /// Event streams and tunnels open at once; they do not count as requests in flight.
    pub streams: u32,
    /// Bytes of one request body.
    pub body_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            requests_per_second: None,
            concurrent_requests: 256,
            streams: 1_000,
            body_bytes: 2 * 1024 * 1024 * 1024,
        }
    }
}

/// Every host the proxy knows. See the [module](self).
#[derive(Debug, Default)]
pub struct RouteTable {
    version: u64,
    exact: HashMap<Host, Arc<Entry>>,
    wildcard: HashMap<Host, Arc<Entry>>,
}

/// A route in a table, with its counters once somebody asked for it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) route: Route,
    pub(crate) limiter: OnceLock<Arc<Limiter>>,
}

impl RouteTable {
    /// A table of these routes. Of two for the same pattern the later one counts.
    pub fn new(version: u64, routes: impl IntoIterator<Item = (Pattern, Route)>) -> Self {
        let mut table = RouteTable { version, ..RouteTable::default() };
        for (pattern, route) in routes {
            let entry = Arc::new(Entry { route, limiter: OnceLock::new() });
            match pattern {
                Pattern::Exact(host) => table.exact.insert(host, entry),
                Pattern::Wildcard(parent) => table.wildcard.insert(parent, entry),
            };
        }
        table
    }

    /// The number its maker gave it.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Where this host leads: by its own name, else by a wildcard one label up.
    pub fn find(&self, host: &Host) -> Option<&Route> {
        self.entry(host).map(|entry| &entry.route)
    }

    /// All routes, in no order.
    pub(crate) fn routes(&self) -> impl Iterator<Item = &Route> {
        self.exact.values().chain(self.wildcard.values()).map(|entry| &entry.route)
    }

    pub(crate) fn entry(&self, host: &Host) -> Option<&Arc<Entry>> {
        self.exact.get(host).or_else(|| self.wildcard.get(host.parent()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_text_is_too_strange_for_a_host(text in "\\PC{0,80}|[a-zA-Z0-9.:\\[\\]_-]{0,300}") {
            if let Ok(host) = text.parse::<Host>() {
                prop_assert!(host.as_str().bytes().all(|byte| byte.is_ascii_graphic() && !byte.is_ascii_uppercase()));
                prop_assert!(!host.as_str().ends_with('.') && host.as_str().len() <= 253);
                prop_assert_eq!(host.as_str().parse::<Host>(), Ok(host.clone()), "reading it again changes nothing");
            }
        }
    }
}
