//! Limits for one client, told apart by address, so that nobody takes everybody's place.
//!
//! Whoever has IPv6 has at least a /64 and could come from a new address each time, so half an address says who it is.
//! Memory is bounded whoever comes: [`Places`] remembers only who is here, [`Paces`] never grows.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::client::contains;
use crate::limits::Pace;
use crate::metrics::Limit;
use crate::server::Edge;
use crate::{PerAddress, preamble};

/// Whom limits take for one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Origin {
    /// An address.
    V4(Ipv4Addr),
    /// The first half of an address.
    V6(u64),
}

impl From<IpAddr> for Origin {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Origin::V4(address),
            IpAddr::V6(address) => Origin::V6((address.to_bits() >> 64) as u64),
        }
    }
}

/// Somebody who was let in.
pub(crate) struct Visitor {
    pub(crate) address: IpAddr,
    /// Whether it may say that it speaks for somebody else.
    pub(crate) is_trusted: bool,
    /// Its place among the connections, unless it brings other people's requests: then it is not one client.
    pub(crate) place: Option<Place>,
}

impl Visitor {
    /// Finds out who is there, and whether there is room for them. No answer is owed to who is refused.
    pub(crate) async fn admit(edge: &Edge, tcp: &mut TcpStream, peer: IpAddr) -> Option<Visitor> {
        let options = &edge.options;
        let peer = peer.to_canonical();
        let mut address = peer;
        let is_balancer = contains(&options.proxy_protocol_from, peer);
        if is_balancer {
            let named = timeout(options.timeouts.preamble, preamble::read(tcp)).await.map_err(io::Error::from);
            match named.flatten() {
                Ok(named) => address = named.unwrap_or(peer),
                Err(cause) => {
                    tracing::warn!(%peer, "a connection that has to begin with a PROXY header does not: {cause}");
                    return None;
                }
            }
        }
        let is_trusted = contains(&options.trust_forwarded_from, address);
        let brings_others = is_trusted || is_balancer && address == peer;
        let place = if brings_others { None } else { Some(edge.visitors.admit(address.into(), edge)?) };
        Some(Visitor { address, is_trusted, place })
    }

    pub(crate) fn origin(&self) -> Origin {
        self.address.into()
    }
}

/// What is counted for each client.
#[derive(Debug, Default)]
pub(crate) struct Visitors {
    connections: Places,
    arrivals: Paces,
    pub(crate) handshakes: Places,
    requests: Paces,
}

impl Visitors {
    /// A place for a connection, unless its client has or opens too many.
    fn admit(&self, origin: Origin, edge: &Edge) -> Option<Place> {
        let PerAddress { connections, new_connections, .. } = edge.options.per_address;
        let pace = Pace { per_second: new_connections, burst: new_connections.saturating_mul(4) };
        if new_connections > 0 && !self.arrivals.admits(origin, pace, Instant::now()) {
            edge.metrics.hit(Limit::NewConnections);
            return None;
        }
        let place = self.connections.enter(origin, connections);
        if place.is_none() {
            edge.metrics.hit(Limit::Connections);
        }
        place
    }

    /// Counts a client's request for this; `false` if it is one too many.
    pub(crate) fn may_ask(&self, origin: Origin, what: &str, per_second: u32) -> bool {
        per_second == 0 || self.requests.admits((origin, what), Pace::of(per_second), Instant::now())
    }
}

/// How many of something each client has at this moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places(Arc<Mutex<HashMap<Origin, usize>>>);

impl Places {
    /// One more for this client, unless it has `limit` already; 0 means that any number is fine.
    pub(crate) fn enter(&self, origin: Origin, limit: usize) -> Option<Place> {
        let mut taken = self.taken();
        let count = taken.entry(origin).or_default();
        if limit > 0 && *count >= limit {
            return None;
        }
        *count += 1;
        Some(Place { places: self.clone(), origin })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<Origin, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One of those [`Places`] counts, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    places: Places,
    origin: Origin,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        if let Some(count) = taken.get_mut(&self.origin) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.origin);
            }
        }
    }
}

/// How fast each of any number of clients is, in memory that never grows.
///
/// A client's bucket is in two places at once, and it is refused only when both are spent: an innocent one would have
/// to share both with somebody who is over the limit. Where a client's places are is a secret of this process, so nobody
/// can aim at another's.
#[derive(Debug)]
pub(crate) struct Paces {
    secret: RandomState,
    origin: Instant,
    full_at: Box<[AtomicU64]>,
}

/// Half a megabyte. With a thousand clients over their limit, one in four thousand others is refused with them.
const PLACES: usize = 1 << 16;

impl Default for Paces {
    fn default() -> Self {
        let full_at = (0..PLACES).map(|_| AtomicU64::new(0)).collect();
        Paces { secret: RandomState::new(), origin: Instant::now(), full_at }
    }
}

impl Paces {
    /// Counts one more of this client; `false` if it is one too many.
    pub(crate) fn admits(&self, who: impl Hash, pace: Pace, now: Instant) -> bool {
        let now = now.saturating_duration_since(self.origin).as_nanos() as u64;
        let hash = self.secret.hash_one(who);
        let places = [hash, hash >> 32].map(|half| &self.full_at[half as usize % PLACES]);
        let full_at = places[0].load(Relaxed).min(places[1].load(Relaxed));
        let Some(full_at) = pace.spend(full_at, now) else {
            return false;
        };
        for place in places {
            place.fetch_max(full_at, Relaxed);
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn origin(text: &str) -> Origin {
        text.parse::<IpAddr>().expect("an address").into()
    }

    #[test]
    fn an_ipv6_network_is_one_client() {
        assert_eq!(origin("2001:db8:1:2::1"), origin("2001:db8:1:2:ffff::9"));
        assert_ne!(origin("2001:db8:1:2::1"), origin("2001:db8:1:3::1"));
        assert_eq!(origin("::ffff:192.0.2.1"), origin("192.0.2.1"));
        assert_ne!(origin("192.0.2.1"), origin("192.0.2.2"));
    }

    #[test]
    fn places_are_counted_for_each_and_forgotten_when_empty() {
        let places = Places::default();
        let (one, other) = (origin("192.0.2.1"), origin("192.0.2.2"));
        let first = places.enter(one, 1);
        assert!(first.is_some());
        assert!(places.enter(one, 1).is_none());
        assert!(places.enter(other, 1).is_some());
        assert!(places.enter(one, 0).is_some(), "no limit");
        drop(first);
        assert!(places.taken().is_empty());
    }

    #[test]
    fn a_fast_client_is_stopped_and_others_are_not() {
        let paces = Paces::default();
        let now = paces.origin;
        let pace = Pace { per_second: 10, burst: 20 };
        assert_eq!((0..100).filter(|_| paces.admits(origin("192.0.2.1"), pace, now)).count(), 20);
        assert_eq!((0..100).filter(|_| paces.admits(origin("192.0.2.2"), pace, now)).count(), 20);
        let later = now + Duration::from_millis(500);
        assert_eq!((0..100).filter(|_| paces.admits(origin("192.0.2.1"), pace, later)).count(), 5);
    }

    #[test]
    fn a_thousand_fast_clients_hardly_touch_the_others() {
        let paces = Paces::default();
        let pace = Pace { per_second: 1, burst: 1 };
        let client = |number: u32| Origin::V4(Ipv4Addr::from_bits(number));
        for fast in 0..1_000 {
            while paces.admits(client(fast), pace, paces.origin) {}
        }
        let refused = (1_000..2_000).filter(|slow| !paces.admits(client(*slow), pace, paces.origin)).count();
        assert!(refused < 20, "{refused} of 1,000");
    }
}
