//! How busy projects are: requests a second over the last half to whole minute.
//!
//! The edge's meters only count, and no request pays for more. Their counts are noted every half minute; whoever looks
//! divides what came on top by the time since.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use crate::state::Platform;

/// How often counts are noted.
const EVERY: Duration = Duration::from_secs(30);
/// Over less time nothing is told: one request would look like many.
const LEAST: Duration = Duration::from_secs(10);

/// The counts of two moments.
pub struct Pace(Mutex<Marks>);

struct Marks {
    earlier: Mark,
    latest: Mark,
}

#[derive(Clone)]
struct Mark {
    at: Instant,
    /// Only of projects that had any.
    requests: HashMap<String, u64>,
}

/// Notes counts until cancelled.
pub async fn run(platform: Platform, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(EVERY)).await.is_some() {
        platform.pace.note(Instant::now(), platform.usage.requests());
    }
}

impl Pace {
    /// The pace of meters that begin to count now.
    pub fn begin() -> Pace {
        let mark = Mark { at: Instant::now(), requests: HashMap::new() };
        Pace(Mutex::new(Marks { earlier: mark.clone(), latest: mark }))
    }

    /// Requests a second of a project that had so many by now.
    pub(super) fn of(&self, project: &str, requests: u64) -> f64 {
        self.at(Instant::now(), project, requests)
    }

    fn at(&self, now: Instant, project: &str, requests: u64) -> f64 {
        let marks = self.lock();
        let before = marks.earlier.requests.get(project).copied().unwrap_or(0);
        let time = now.saturating_duration_since(marks.earlier.at).max(LEAST);
        requests.saturating_sub(before) as f64 / time.as_secs_f64()
    }

    fn note(&self, at: Instant, requests: HashMap<String, u64>) {
        let mut marks = self.lock();
        let latest = std::mem::replace(&mut marks.latest, Mark { at, requests });
        marks.earlier = latest;
    }

    fn lock(&self) -> MutexGuard<'_, Marks> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_on_top_counts_and_is_over_soon() {
        let pace = Pace::begin();
        let start = pace.lock().latest.at;
        assert_eq!(pace.at(start, "blog", 5), 0.5, "as if of ten seconds");
        let counted = |requests| HashMap::from([("blog".to_owned(), requests)]);
        pace.note(start + EVERY, counted(300));
        assert_eq!(pace.at(start + EVERY, "blog", 300), 10.0);
        pace.note(start + EVERY * 2, counted(600));
        assert_eq!(pace.at(start + EVERY * 3, "blog", 600), 5.0);
        pace.note(start + EVERY * 3, counted(600));
        assert_eq!(pace.at(start + EVERY * 4, "blog", 600), 0.0);
        assert_eq!(pace.at(start + EVERY * 4, "quarry", 0), 0.0);
    }
}
