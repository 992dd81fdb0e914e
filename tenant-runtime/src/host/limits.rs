//! What a tenant may ask for at once, decided before it is woken.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use axum::body::Body;
use http::{Request, header};
use http_body::Body as _;
use http_body_util::Limited;

use super::answers::Refusal;
use super::spec::Limits;

/// A tenant's door. Its bounds come with each request, so a new wish holds at once.
#[derive(Default)]
pub(super) struct Gate {
    bucket: Mutex<Option<Bucket>>,
    requests: Places,
    streams: Places,
}

impl Gate {
    /// Lets a request in, or says why not. Its place is free again when what is returned is dropped.
    pub(super) fn admit(&self, limits: &Limits, request: &mut Request<Body>) -> Result<Place, Refusal> {
        check_size(limits.body_bytes, request)?;
        let place = self.requests.take(limits.concurrent_requests).ok_or(Refusal::TooManyConnections)?;
        if let Some(rate) = limits.requests_per_second
            && !self.spend(rate, Instant::now())
        {
            return Err(Refusal::RateLimited);
        }
        Ok(place)
    }

    /// Lets an answer become an event stream.
    pub(super) fn admit_stream(&self, limits: &Limits) -> Result<Place, Refusal> {
        self.streams.take(limits.realtime_connections).ok_or(Refusal::TooManyConnections)
    }

    /// Event streams that are open.
    pub(super) fn streams(&self) -> u32 {
        self.streams.taken()
    }

    fn spend(&self, rate: u32, now: Instant) -> bool {
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.get_or_insert_with(|| Bucket::full(rate, now)).spend(rate, now)
    }
}

/// Refuses a body that says it is too large; one that does not say ends with an error where it becomes so.
fn check_size(most: u64, request: &mut Request<Body>) -> Result<(), Refusal> {
    let said = request.headers().get(header::CONTENT_LENGTH);
    let said: Option<u64> = said.and_then(|value| value.to_str().ok()?.parse().ok());
    let size = said.or_else(|| request.body().size_hint().exact());
    match size {
        Some(size) if size > most => Err(Refusal::TooLarge),
        Some(_) => Ok(()),
        None => {
            let most = usize::try_from(most).unwrap_or(usize::MAX);
            let body = std::mem::take(request.body_mut());
            *request.body_mut() = Body::new(Limited::new(body, most));
            Ok(())
        }
    }
}

/// A token bucket that holds two seconds' worth.
struct Bucket {
    tokens: f64,
    filled: Instant,
}

impl Bucket {
    fn full(rate: u32, now: Instant) -> Bucket {
        Bucket { tokens: 2.0 * f64::from(rate), filled: now }
    }

    fn spend(&mut self, rate: u32, now: Instant) -> bool {
        let rate = f64::from(rate);
        let gained = now.saturating_duration_since(self.filled).as_secs_f64() * rate;
        self.tokens = (self.tokens + gained).min(2.0 * rate);
        self.filled = now;
        let enough = self.tokens >= 1.0;
        if enough {
            self.tokens -= 1.0;
        }
        enough
    }
}

/// Counts what is going on at once, up to a bound.
#[derive(Default)]
pub(super) struct Places(Arc<AtomicU32>);

/// One of them, until dropped.
pub(super) struct Place(Arc<AtomicU32>);

impl Places {
    /// Takes one unless that many are taken.
    pub(super) fn take(&self, most: u32) -> Option<Place> {
        let place = Place(Arc::clone(&self.0));
        // Counted before it is known to fit: dropping the place gives it back either way.
        (self.0.fetch_add(1, Ordering::AcqRel) < most).then_some(place)
    }

    fn taken(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_rate_allows_a_burst_and_then_its_pace() {
        let start = Instant::now();
        let mut bucket = Bucket::full(2, start);
        let burst = (0..10).filter(|_| bucket.spend(2, start)).count();
        assert_eq!(burst, 4);
        assert!(bucket.spend(2, start + Duration::from_millis(500)));
        assert!(!bucket.spend(2, start + Duration::from_millis(500)));
    }

    #[test]
    fn a_refused_place_is_not_counted() {
        let places = Places::default();
        let first = places.take(1);
        assert!(first.is_some());
        assert!(places.take(1).is_none());
        drop(first);
        assert!(places.take(1).is_some());
    }

    #[test]
    fn a_body_is_refused_by_the_length_it_announces() {
        let limits = Limits { body_bytes: 10, ..Limits::default() };
        let mut request = Request::new(Body::from("eleven byte"));
        assert_eq!(Gate::default().admit(&limits, &mut request).err(), Some(Refusal::TooLarge));
    }
}
