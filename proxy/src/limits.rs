//! Counters of one route: how many requests came, how many are in flight.
//!
//! They belong to the route's id and not to a table, so that publishing a new table forgives nobody.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::routes::{Entry, Limits, RouteId};

/// The limiters of the routes that were asked for. Those of routes that are gone are forgotten now and then.
#[derive(Debug, Default)]
pub(crate) struct Limiters {
    by_route: Mutex<HashMap<RouteId, Arc<Limiter>>>,
}

impl Limiters {
    /// The counters of a route; the same ones however often its table is replaced.
    pub(crate) fn of<'a>(&self, entry: &'a Entry) -> &'a Arc<Limiter> {
        entry.limiter.get_or_init(|| {
            let mut by_route = self.by_route.lock().unwrap_or_else(PoisonError::into_inner);
            if by_route.len() == by_route.capacity() {
                by_route.retain(|_, limiter| Arc::strong_count(limiter) > 1 || limiter.is_in_use());
            }
            by_route.entry(entry.route.id.clone()).or_default().clone()
        })
    }
}

/// What is counted for one route.
#[derive(Debug, Default)]
pub(crate) struct Limiter {
    pub(crate) rate: Rate,
    pub(crate) requests: Gauge,
    pub(crate) streams: Gauge,
}

impl Limiter {
    fn is_in_use(&self) -> bool {
        [&self.requests, &self.streams].iter().any(|gauge| gauge.0.load(Relaxed) > 0)
    }

    /// Counts one more request against the route's rate; `false` if it is one too many.
    pub(crate) fn admits(&self, limits: &Limits) -> bool {
        limits.requests_per_second.is_none_or(|rate| self.rate.admits(rate, Instant::now()))
    }
}

/// A token bucket in one number: the time at which the bucket will be full again.
#[derive(Debug)]
pub(crate) struct Rate {
    origin: Instant,
    full_at: AtomicU64,
}

/// How many seconds' worth of requests may come at once.
const BURST: u64 = 2;

impl Default for Rate {
    fn default() -> Self {
        Rate { origin: Instant::now(), full_at: AtomicU64::new(0) }
    }
}

impl Rate {
    fn admits(&self, per_second: u32, now: Instant) -> bool {
        const SECOND: u64 = Duration::from_secs(1).as_nanos() as u64;
        let now = now.saturating_duration_since(self.origin).as_nanos() as u64;
        let Some(token) = SECOND.checked_div(u64::from(per_second)) else {
            return false;
        };
        self.full_at
            .fetch_update(Relaxed, Relaxed, |full_at| {
                let full_at = full_at.max(now) + token;
                (full_at - now <= BURST * SECOND).then_some(full_at)
            })
            .is_ok()
    }
}

/// How many of something there are at this moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gauge(Arc<AtomicUsize>);

impl Gauge {
    /// One more, unless there are `limit` already.
    pub(crate) fn enter(&self, limit: usize) -> Option<Permit> {
        let next = |count: usize| (count < limit).then_some(count + 1);
        self.0.fetch_update(Relaxed, Relaxed, next).ok()?;
        Some(Permit(self.0.clone()))
    }
}

/// One of those a [`Gauge`] counts, until it is dropped.
#[derive(Debug)]
pub(crate) struct Permit(Arc<AtomicUsize>);

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_allows_a_burst_and_then_its_pace() {
        let rate = Rate::default();
        let start = rate.origin;
        let admitted = (0..100).filter(|_| rate.admits(10, start)).count();
        assert_eq!(admitted, 20);

        let later = start + Duration::from_millis(500);
        let admitted = (0..100).filter(|_| rate.admits(10, later)).count();
        assert_eq!(admitted, 5);
    }

    #[test]
    fn a_rate_of_nothing_admits_nothing() {
        assert!(!Rate::default().admits(0, Instant::now()));
    }

    #[test]
    fn a_gauge_counts_permits_until_they_are_dropped() {
        let gauge = Gauge::default();
        let first = gauge.enter(1);
        assert!(first.is_some());
        assert!(gauge.enter(1).is_none());
        drop(first);
        assert!(gauge.enter(1).is_some());
    }
}
