//! How often somebody may try: a window per key, in memory, bounded.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::StatusCode;

use crate::error::{Error, Result};

/// Windows kept at most. Another one takes the place of the one that would end first.
const MOST: usize = 100_000;

/// Counters of tries.
pub struct Tries {
    /// Off in development: tests and people at their own machine try a lot.
    enabled: bool,
    windows: Mutex<Windows>,
}

/// The windows by what they are for, and in the order in which they end.
struct Windows {
    most: usize,
    by_key: HashMap<Arc<str>, Window>,
    by_end: BTreeMap<End, Arc<str>>,
    begun: u64,
}

struct Window {
    end: End,
    count: u32,
}

/// When a window ends, and a number, as several may at once.
type End = (Instant, u64);

impl Tries {
    /// Counts if `enabled`, else lets everything pass.
    pub fn new(enabled: bool) -> Tries {
        Tries { enabled, windows: Mutex::new(Windows::with_room_for(MOST)) }
    }

    /// Counts one try.
    ///
    /// # Errors
    /// 429 when there were more than `most` within `window`.
    pub fn count(&self, key: &str, most: u32, window: Duration) -> Result<()> {
        if !self.enabled {
            return Ok(());
        }
        let now = Instant::now();
        let (count, end) = self.windows.lock().unwrap_or_else(PoisonError::into_inner).count(key, now, window);
        if count <= most {
            return Ok(());
        }
        let seconds = u32::try_from(end.saturating_duration_since(now).as_secs()).unwrap_or(u32::MAX).max(1);
        Err(Error::TryLater {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: "too_many_requests",
            message: "Too many tries. Please wait a little.",
            seconds,
        })
    }

    /// Forgets a key, for instance after a success.
    pub fn forget(&self, key: &str) {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner).forget(key);
    }
}

impl Windows {
    fn with_room_for(most: usize) -> Windows {
        Windows { most, by_key: HashMap::new(), by_end: BTreeMap::new(), begun: 0 }
    }

    /// Counts one try; how many there were in its window, and when that ends.
    fn count(&mut self, key: &str, now: Instant, length: Duration) -> (u32, Instant) {
        if let Some(window) = self.by_key.get_mut(key)
            && window.end.0 > now
        {
            window.count = window.count.saturating_add(1);
            return (window.count, window.end.0);
        }
        self.forget(key);
        if self.by_key.len() >= self.most
            && let Some((_, key)) = self.by_end.pop_first()
        {
            self.by_key.remove(&key);
        }
        let (key, end): (Arc<str>, End) = (key.into(), (now + length, self.begun));
        self.begun += 1;
        self.by_end.insert(end, Arc::clone(&key));
        self.by_key.insert(key, Window { end, count: 1 });
        (1, end.0)
    }

    fn forget(&mut self, key: &str) {
        if let Some(window) = self.by_key.remove(key) {
            self.by_end.remove(&window.end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::MINUTE;

    #[test]
    fn a_window_holds_so_many_tries_for_each_key() {
        let tries = Tries::new(true);
        for _ in 0..3 {
            tries.count("a", 3, MINUTE).expect("passes");
        }
        assert!(tries.count("a", 3, MINUTE).is_err());
        tries.count("b", 3, MINUTE).expect("another key passes");
        tries.forget("a");
        tries.count("a", 3, MINUTE).expect("passes again");
    }

    #[test]
    fn a_window_that_is_over_begins_anew() {
        let mut windows = Windows::with_room_for(10);
        let now = Instant::now();
        windows.count("a", now, MINUTE);
        assert_eq!(windows.count("a", now + MINUTE / 2, MINUTE), (2, now + MINUTE));
        assert_eq!(windows.count("a", now + MINUTE, MINUTE), (1, now + 2 * MINUTE));
        assert_eq!((windows.by_key.len(), windows.by_end.len()), (1, 1));
    }

    #[test]
    fn a_crowd_of_fresh_keys_takes_the_place_of_what_ends_first() {
        let mut windows = Windows::with_room_for(3);
        let now = Instant::now();
        windows.count("long", now, 10 * MINUTE);
        windows.count("short", now, MINUTE);
        for n in 0..100 {
            windows.count(&format!("crowd {n}"), now, 5 * MINUTE);
            assert!(windows.by_key.len() <= 3 && windows.by_end.len() == windows.by_key.len());
        }
        assert_eq!(windows.count("long", now, 10 * MINUTE).0, 2, "it is still known");
        assert_eq!(windows.count("short", now, MINUTE).0, 1, "it made room");
    }
}
