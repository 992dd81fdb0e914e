//! Counters of one route: how fast requests come, how many are in flight, what became of them.
//!
//! They belong to the route's id and not to a table, so that publishing a new table forgives nobody.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;

use crate::metrics::Traffic;
use crate::routes::{Entry, Limits, RouteId};

/// The limiters of the routes that were asked for. Those of routes that are gone are forgotten now and then.
#[derive(Debug)]
pub(crate) struct Limiters {
    by_route: Mutex<HashMap<RouteId, Arc<Limiter>>>,
    uploads: usize,
}

impl Limiters {
    /// None yet. Each route will have so many uploads.
    pub(crate) fn new(uploads: usize) -> Limiters {
        Limiters { by_route: Mutex::default(), uploads }
    }

    /// The counters of a route; the same ones however often its table is replaced.
    pub(crate) fn of<'a>(&self, entry: &'a Entry) -> &'a Arc<Limiter> {
        entry.limiter.get_or_init(|| {
            let mut by_route = self.by_route.lock().unwrap_or_else(PoisonError::into_inner);
            if by_route.len() == by_route.capacity() {
                by_route.retain(|_, limiter| Arc::strong_count(limiter) > 1 || limiter.is_in_use());
            }
            let limiter = || Arc::new(Limiter::new(self.uploads));
            by_route.entry(entry.route.id.clone()).or_insert_with(limiter).clone()
        })
    }

    /// Shows the counters of every route that was asked for.
    pub(crate) fn each(&self, mut show: impl FnMut(&RouteId, &Limiter)) {
        let by_route = self.by_route.lock().unwrap_or_else(PoisonError::into_inner);
        by_route.iter().for_each(|(id, limiter)| show(id, limiter));
    }
}

/// What is counted for one route.
#[derive(Debug)]
pub(crate) struct Limiter {
    rate: Rate,
    pub(crate) requests: Gauge,
    pub(crate) streams: Gauge,
    pub(crate) uploads: Arc<Semaphore>,
    /// When the bodies that were read so far are paid for.
    uploaded: Rate,
    pub(crate) traffic: Traffic,
}

impl Limiter {
    fn new(uploads: usize) -> Limiter {
        Limiter {
            rate: Rate::default(),
            requests: Gauge::default(),
            streams: Gauge::default(),
            uploads: Arc::new(Semaphore::new(uploads)),
            uploaded: Rate::default(),
            traffic: Traffic::default(),
        }
    }

    fn is_in_use(&self) -> bool {
        [&self.requests, &self.streams].iter().any(|gauge| gauge.count() > 0)
    }

    /// Counts one more request against the route's rate; `false` if it is one too many.
    pub(crate) fn admits(&self, limits: &Limits) -> bool {
        limits.requests_per_second.is_none_or(|rate| self.rate.admits(Pace::of(rate), Instant::now()))
    }

    /// Counts so many bytes of a body, and says how long to read no more of it, if the route's bodies come faster than
    /// so many bytes a second.
    pub(crate) fn uploaded(&self, bytes: u64, per_second: u64) -> Option<Duration> {
        self.uploaded.owe(Duration::from_secs_f64(bytes as f64 / per_second.max(1) as f64), Instant::now())
    }
}

/// How fast something may come: so many a second, and so many at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    pub(crate) per_second: u32,
    pub(crate) burst: u32,
}

impl Pace {
    /// Two seconds' worth may come at once.
    pub(crate) fn of(per_second: u32) -> Pace {
        Pace { per_second, burst: per_second.saturating_mul(2) }
    }

    /// Takes a token from a bucket that will be full at this nanosecond, and says when it will be after that; nothing
    /// if the bucket is empty. That one number is all there is to a bucket.
    pub(crate) fn spend(self, full_at: u64, now: u64) -> Option<u64> {
        let token = SECOND.checked_div(u64::from(self.per_second))?;
        let full_at = full_at.max(now) + token;
        (full_at - now <= token * u64::from(self.burst)).then_some(full_at)
    }
}

/// How much may come at once of what is paid for by time.
const AHEAD: Duration = Duration::from_millis(100);

const SECOND: u64 = Duration::from_secs(1).as_nanos() as u64;

/// A bucket of tokens.
#[derive(Debug)]
pub(crate) struct Rate {
    origin: Instant,
    full_at: AtomicU64,
}

impl Default for Rate {
    fn default() -> Self {
        Rate { origin: Instant::now(), full_at: AtomicU64::new(0) }
    }
}

impl Rate {
    fn admits(&self, pace: Pace, now: Instant) -> bool {
        let now = now.saturating_duration_since(self.origin).as_nanos() as u64;
        self.full_at.fetch_update(Relaxed, Relaxed, |full_at| pace.spend(full_at, now)).is_ok()
    }

    /// Takes what fills again in that time, be it there or not, and says how long to wait if it was not; up to
    /// [`AHEAD`] may be owed.
    fn owe(&self, cost: Duration, now: Instant) -> Option<Duration> {
        let now = now.saturating_duration_since(self.origin).as_nanos() as u64;
        let owed = |full_at: u64| Some(full_at.max(now).saturating_add(cost.as_nanos() as u64));
        let before = self.full_at.fetch_update(Relaxed, Relaxed, owed).unwrap_or_default();
        let full_at = Duration::from_nanos(owed(before)? - now);
        full_at.checked_sub(AHEAD).filter(|wait| !wait.is_zero())
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

    pub(crate) fn count(&self) -> usize {
        self.0.load(Relaxed)
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
        let admitted = (0..100).filter(|_| rate.admits(Pace::of(10), start)).count();
        assert_eq!(admitted, 20);

        let later = start + Duration::from_millis(500);
        let admitted = (0..100).filter(|_| rate.admits(Pace::of(10), later)).count();
        assert_eq!(admitted, 5);
    }

    #[test]
    fn a_rate_of_nothing_admits_nothing() {
        assert!(!Rate::default().admits(Pace::of(0), Instant::now()));
    }

    #[test]
    fn what_comes_too_fast_waits_until_it_is_paid_for() {
        let rate = Rate::default();
        let (start, cost) = (rate.origin, Duration::from_millis(60));
        assert_eq!(rate.owe(cost, start), None);
        assert_eq!(rate.owe(cost, start), Some(Duration::from_millis(20)));
        assert_eq!(rate.owe(cost, start + Duration::from_millis(40)), Some(Duration::from_millis(40)));
        assert_eq!(rate.owe(cost, start + Duration::from_secs(1)), None);
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
