//! How often tenants were woken, how long whoever woke them waited, and how often it failed.
//!
//! Two histograms in less than 40 KiB, however many wake: one since the host opened, which only ever grows, as whoever draws
//! curves wants it; and a finer one of the last hours, from which people are told what half and nearly all of them took.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Seconds that wakes since the host opened are told apart by: most take thousandths, and nobody waits longer than the last.
const BOUNDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// How many hours count as lately, the present one included.
const HOURS: u64 = 24;
const HOUR: Duration = Duration::from_secs(60 * 60);
/// Buckets for each doubling: a figure is at most an eighth more than what was measured.
const STEPS: usize = 1 << STEPS_LOG;
const STEPS_LOG: u32 = 3;
/// Whatever takes longer counts as that long, about a minute: nobody waits for it any more.
const LONGEST_US: u64 = (1 << 26) - 1;
const BUCKETS: usize = bucket_of(LONGEST_US) + 1;

/// How the wakes of a host went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WakeReport {
    /// Seconds that wakes are told apart by.
    pub bounds: Vec<f64>,
    /// How many since the host opened took at most so long and longer than the bound before, and at last those beyond all.
    pub took: Vec<u64>,
    /// All of them together.
    pub seconds: f64,
    /// How many came to nothing.
    pub failed: u64,
    /// Those of the last 24 hours, or since the host opened if that is less.
    pub lately: LatelyWoken,
}

/// How the last wakes went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LatelyWoken {
    /// How many there were.
    pub count: u64,
    /// Half of them took at most so many microseconds; absent if there were none.
    pub p50_us: Option<u64>,
    /// 95 of 100 took at most so many.
    pub p95_us: Option<u64>,
}

/// Counts for all tenants of a host.
#[derive(Default)]
pub(super) struct Wakes(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    took: [u64; BOUNDS.len() + 1],
    microseconds: u64,
    failed: u64,
    /// Those of hours since the host opened in which somebody woke, the oldest first.
    lately: VecDeque<(u64, Histogram)>,
}

struct Histogram(Box<[u64; BUCKETS]>);

impl Wakes {
    /// Counts a wake that ended so long after the host opened.
    pub(super) fn succeeded(&self, at: Duration, took: Duration) {
        let mut counts = self.lock();
        counts.took[BOUNDS.partition_point(|bound| *bound < took.as_secs_f64())] += 1;
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).min(LONGEST_US);
        counts.microseconds += took_us;
        let hour = hour(at);
        counts.forget_before(hour);
        if counts.lately.back().is_none_or(|(last, _)| *last < hour) {
            counts.lately.push_back((hour, Histogram::default()));
        }
        if let Some((_, lately)) = counts.lately.back_mut() {
            lately.0[bucket_of(took_us)] += 1;
        }
    }

    /// Counts one that came to nothing.
    pub(super) fn failed(&self) {
        self.lock().failed += 1;
    }

    /// What is known so long after the host opened.
    pub(super) fn report(&self, at: Duration) -> WakeReport {
        let mut counts = self.lock();
        counts.forget_before(hour(at));
        WakeReport {
            bounds: BOUNDS.to_vec(),
            took: counts.took.to_vec(),
            seconds: Duration::from_micros(counts.microseconds).as_secs_f64(),
            failed: counts.failed,
            lately: counts.lately(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn forget_before(&mut self, hour: u64) {
        while self.lately.front().is_some_and(|(first, _)| first + HOURS <= hour) {
            self.lately.pop_front();
        }
    }

    fn lately(&self) -> LatelyWoken {
        let mut sum = Histogram::default();
        for (_, hour) in &self.lately {
            sum.0.iter_mut().zip(hour.0.iter()).for_each(|(sum, count)| *sum += count);
        }
        LatelyWoken { count: sum.count(), p50_us: sum.quantile(50), p95_us: sum.quantile(95) }
    }
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram(Box::new([0; BUCKETS]))
    }
}

impl Histogram {
    fn count(&self) -> u64 {
        self.0.iter().sum()
    }

    /// What that many of a hundred took at most, in microseconds.
    fn quantile(&self, percent: u64) -> Option<u64> {
        let wanted = (self.count() * percent).div_ceil(100);
        let mut passed = 0;
        let bucket = self.0.iter().position(|count| {
            passed += count;
            *count > 0 && passed >= wanted
        })?;
        Some(end_of(bucket))
    }
}

fn hour(at: Duration) -> u64 {
    at.as_secs() / HOUR.as_secs()
}

/// The bucket of so many microseconds: by the place of the highest bit, then by the bits that follow it.
const fn bucket_of(us: u64) -> usize {
    let us = if us < STEPS as u64 { STEPS as u64 } else { us };
    let shift = us.ilog2() - STEPS_LOG;
    (shift as usize) * STEPS + ((us >> shift) as usize - STEPS)
}

/// The least that belongs to the bucket after this one.
const fn end_of(bucket: usize) -> u64 {
    ((STEPS + bucket % STEPS + 1) as u64) << (bucket / STEPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Duration = Duration::ZERO;

    fn wake(wakes: &Wakes, at: Duration, micros: impl IntoIterator<Item = u64>) {
        micros.into_iter().for_each(|us| wakes.succeeded(at, Duration::from_micros(us)));
    }

    #[test]
    fn buckets_follow_each_other_and_are_fine_enough() {
        for us in [0, 8, 9, 15, 16, 17, 1_000, 4_095, 4_096, 999_999, LONGEST_US] {
            let bucket = bucket_of(us);
            let begin = if bucket == 0 { 0 } else { end_of(bucket - 1) };
            assert!(begin <= us && us < end_of(bucket), "{us} in {begin}..{}", end_of(bucket));
            assert!(end_of(bucket) - us.max(8) <= us.max(8) / 8 + 1, "{us}");
        }
        assert_eq!(end_of(BUCKETS - 1), LONGEST_US + 1);
    }

    #[test]
    fn a_wake_counts_by_how_long_it_took() {
        let wakes = Wakes::default();
        wake(&wakes, START, [10_000, 11_000, 60_000_000]);
        wakes.failed();
        let report = wakes.report(START);
        assert_eq!(report.took, [0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!((report.seconds, report.failed), (60.021, 1));
    }

    #[test]
    fn half_and_nearly_all_are_told() {
        let wakes = Wakes::default();
        assert_eq!(wakes.report(START).lately, LatelyWoken::default());
        wake(&wakes, START, (1..=100).map(|n| n * 1_000));
        let lately = wakes.report(START).lately;
        assert_eq!(lately.count, 100);
        assert!((50_000..57_000).contains(&lately.p50_us.expect("some woke")), "{lately:?}");
        assert!((95_000..107_000).contains(&lately.p95_us.expect("some woke")), "{lately:?}");
    }

    #[test]
    fn a_day_is_remembered_and_the_sum_for_ever() {
        let wakes = Wakes::default();
        wake(&wakes, START, [700, 700]);
        wake(&wakes, HOUR * 23, [1_000_000]);
        assert_eq!(wakes.report(HOUR * 23).lately.count, 3);
        let report = wakes.report(HOUR * 24);
        assert_eq!((report.lately.count, report.took.iter().sum()), (1, 3));
        assert!(report.lately.p50_us.expect("one woke") > 1_000_000);
        let report = wakes.report(HOUR * 100);
        assert_eq!((report.lately, report.took.iter().sum()), (LatelyWoken::default(), 3));
    }

    #[test]
    fn what_takes_for_ever_counts_as_a_minute() {
        let wakes = Wakes::default();
        wakes.succeeded(START, Duration::from_secs(1 << 40));
        assert_eq!(wakes.report(START).lately.p50_us, Some(LONGEST_US + 1));
    }
}
