//! How often tenants were woken since the host opened, how long whoever woke them waited, and how often it failed.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Seconds that wakes are told apart by: a small backend takes hundredths, and nobody waits longer than the last.
const BOUNDS: [f64; 9] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Counts for all tenants of a host.
#[derive(Default)]
pub(super) struct Wakes {
    took: [AtomicU64; BOUNDS.len() + 1],
    microseconds: AtomicU64,
    failed: AtomicU64,
}

/// How the wakes of a host went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct WakeReport {
    /// Seconds that wakes are told apart by.
    pub bounds: Vec<f64>,
    /// How many took at most so long and longer than the bound before, and at last those beyond all.
    pub took: Vec<u64>,
    /// All of them together.
    pub seconds: f64,
    /// How many came to nothing.
    pub failed: u64,
}

impl Wakes {
    pub(super) fn succeeded(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        self.took[BOUNDS.partition_point(|bound| *bound < seconds)].fetch_add(1, Relaxed);
        self.microseconds.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    pub(super) fn failed(&self) {
        self.failed.fetch_add(1, Relaxed);
    }

    pub(super) fn report(&self) -> WakeReport {
        WakeReport {
            bounds: BOUNDS.to_vec(),
            took: self.took.iter().map(|count| count.load(Relaxed)).collect(),
            seconds: self.microseconds.load(Relaxed) as f64 / 1e6,
            failed: self.failed.load(Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_counts_by_how_long_it_took() {
        let wakes = Wakes::default();
        for millis in [10, 11, 60_000] {
            wakes.succeeded(Duration::from_millis(millis));
        }
        wakes.failed();
        let report = wakes.report();
        assert_eq!(report.took, [1, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!((report.seconds, report.failed), (60.021, 1));
    }
}
