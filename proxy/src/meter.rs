//! What requests to somebody's routes used, and how far they may go.
//!
//! A meter belongs to whoever publishes routes and may be shared by several of them. It counts by relaxed atomics where
//! things happen; its allowance is put there from outside, in the same counts, so that a bound is met to the request
//! although whoever sets it looks only now and then.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use http::HeaderValue;

use crate::answers::Answer;

/// How fast all answers that are slowed go together, in bytes a second. What is small gets through at once.
const SLOW: u64 = 256 << 10;
/// How long slowed answers may wait.
const LONGEST: Duration = Duration::from_secs(10);
/// So much of each answer is never slowed.
const SMALL: u64 = 64 << 10;

/// Counts requests and the bytes of their answers. See the [module](self).
pub struct Meter {
    requests: AtomicU64,
    bytes: AtomicU64,
    allowance: ArcSwap<Allowance>,
    origin: Instant,
    /// When the slowed answers may go on, in nanoseconds after the origin.
    free_at: AtomicU64,
}

/// How far a meter may count before something happens. By default nothing ever does.
#[derive(Clone, Debug)]
pub struct Allowance {
    /// All requests are refused from this count on, with that answer.
    pub requests: Option<(u64, Answer)>,
    /// Answers that are not small are slowed from this count of bytes on.
    pub fast_bytes: u64,
    /// Requests whose path begins so are refused from this count of bytes on.
    pub heavy: Option<(&'static str, u64, Answer)>,
    /// What every answer says in `x-roost-quota`, refusals included.
    pub quota: Option<HeaderValue>,
}

impl Default for Allowance {
    fn default() -> Self {
        Allowance { requests: None, fast_bytes: u64::MAX, heavy: None, quota: None }
    }
}

impl Default for Meter {
    fn default() -> Self {
        Meter {
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            allowance: ArcSwap::default(),
            origin: Instant::now(),
            free_at: AtomicU64::new(0),
        }
    }
}

impl Meter {
    /// Requests so far, refused ones apart.
    pub fn requests(&self) -> u64 {
        self.requests.load(Relaxed)
    }

    /// Bytes of answers' bodies so far.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Relaxed)
    }

    /// Sets how far it may count.
    pub fn allow(&self, allowance: Allowance) {
        self.allowance.store(Arc::new(allowance));
    }

    /// What answers say of how far it is.
    pub(crate) fn quota(&self) -> Option<HeaderValue> {
        self.allowance.load().quota.clone()
    }

    /// Counts a request, unless it must be refused.
    pub(crate) fn admit(&self, path: &str) -> Result<(), Answer> {
        let allowance = self.allowance.load();
        if let Some((most, answer)) = &allowance.requests
            && self.requests() >= *most
        {
            return Err(answer.clone());
        }
        if let Some((heavy, most, answer)) = &allowance.heavy
            && self.bytes() >= *most
            && path.starts_with(heavy)
        {
            return Err(answer.clone());
        }
        self.requests.fetch_add(1, Relaxed);
        Ok(())
    }

    /// Refuses an answer of that size when so many wait already that it would take too long: they are held in memory.
    pub(crate) fn queue(&self, size: u64) -> Result<(), Answer> {
        let allowance = self.allowance.load();
        if size <= SMALL || self.bytes() < allowance.fast_bytes {
            return Ok(());
        }
        let now = self.origin.elapsed().as_nanos() as u64;
        let wait = Duration::from_nanos(self.free_at.load(Relaxed).saturating_sub(now));
        match &allowance.heavy {
            Some((_, _, answer)) if wait > LONGEST => Err(answer.clone().retry_after(wait)),
            _ => Ok(()),
        }
    }

    /// Counts bytes of an answer of which so many were sent before. Says how long they have to wait.
    pub(crate) fn sent(&self, bytes: u64, before: u64) -> Option<Duration> {
        let total = self.bytes.fetch_add(bytes, Relaxed);
        if before.saturating_add(bytes) <= SMALL || total < self.allowance.load().fast_bytes {
            return None;
        }
        let now = self.origin.elapsed().as_nanos() as u64;
        let cost = bytes.saturating_mul(1_000_000_000) / SLOW;
        let taken = self.free_at.fetch_update(Relaxed, Relaxed, |free_at| Some(free_at.max(now) + cost));
        let free_at = taken.unwrap_or(now).max(now) + cost;
        Some(Duration::from_nanos(free_at - now))
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meter").field("requests", &self.requests()).field("bytes", &self.bytes()).finish()
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    fn answer(code: &'static str) -> Answer {
        Answer::new(StatusCode::TOO_MANY_REQUESTS, code, "")
    }

    #[test]
    fn requests_are_counted_up_to_the_last_one_allowed() {
        let meter = Meter::default();
        meter.allow(Allowance { requests: Some((2, answer("requests"))), ..Allowance::default() });
        let admitted = (0..5).filter(|_| meter.admit("/").is_ok()).count();
        assert_eq!((admitted, meter.requests()), (2, 2));
        meter.allow(Allowance::default());
        assert!(meter.admit("/").is_ok());
    }

    #[test]
    fn what_is_heavy_is_refused_and_what_is_small_goes_on() {
        let meter = Meter::default();
        meter.allow(Allowance {
            heavy: Some(("/files/", 100, answer("bytes"))),
            fast_bytes: 50,
            ..Allowance::default()
        });
        assert!(meter.admit("/files/a").is_ok());
        assert_eq!(meter.sent(100, 0), None);
        assert_eq!(meter.admit("/files/a").map_err(|answer| answer.code().to_owned()), Err("bytes".to_owned()));
        assert!(meter.admit("/other").is_ok());
        assert_eq!(meter.sent(SMALL, 0), None, "the beginning of any answer");
        let first = meter.sent(SLOW, SMALL).expect("is slowed");
        let second = meter.sent(SLOW, SMALL).expect("is slowed");
        assert!(second > first, "together they are as slow as one");
        assert!(meter.queue(SLOW).is_ok());
        meter.sent(20 * SLOW, SMALL).expect("is slowed");
        assert!(meter.queue(SLOW).is_err() && meter.queue(SMALL).is_ok());
    }
}
