//! How often somebody may try: a window per key, in memory, bounded.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::StatusCode;

use crate::error::{Error, Result};

/// Keys remembered at most; past that the oldest windows are forgotten.
const MOST_KEYS: usize = 100_000;

/// Counters of tries.
#[derive(Default)]
pub struct Tries {
    /// Off in development: tests and people at their own machine try a lot.
    enabled: bool,
    windows: Mutex<HashMap<String, (Instant, u32)>>,
}

impl Tries {
    /// Counts if `enabled`, else lets everything pass.
    pub fn new(enabled: bool) -> Tries {
        Tries { enabled, windows: Mutex::default() }
    }

    /// Counts one try.
    ///
    /// # Errors
    /// 429 when there were more than `most` within `window`.
    pub fn count(&self, key: String, most: u32, window: Duration) -> Result<()> {
        if !self.enabled {
            return Ok(());
        }
        let now = Instant::now();
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        if windows.len() >= MOST_KEYS {
            windows.retain(|_, (since, _)| now.duration_since(*since) < window);
        }
        let (since, count) = windows.entry(key).or_insert((now, 0));
        let passed = now.duration_since(*since);
        if passed >= window {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        if *count <= most {
            return Ok(());
        }
        let seconds = u32::try_from(window.saturating_sub(passed).as_secs()).unwrap_or(u32::MAX).max(1);
        Err(Error::TryLater {
            status: StatusCode::TOO_MANY_REQUESTS,
            code: "too_many_requests",
            message: "Too many tries. Please wait a little.",
            seconds,
        })
    }

    /// Forgets a key, for instance after a success.
    pub fn forget(&self, key: &str) {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_holds_so_many_tries_for_each_key() {
        let tries = Tries::new(true);
        for _ in 0..3 {
            tries.count("a".into(), 3, Duration::from_secs(60)).expect("passes");
        }
        assert!(tries.count("a".into(), 3, Duration::from_secs(60)).is_err());
        tries.count("b".into(), 3, Duration::from_secs(60)).expect("another key passes");
        tries.forget("a");
        tries.count("a".into(), 3, Duration::from_secs(60)).expect("passes again");
    }
}
