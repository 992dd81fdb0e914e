//! How long tenants took to wake, from the moment somebody wanted one until it could answer.
//!
//! Two histograms in less than 40 KiB, however many wake: one of the last hours, of which people are told, and one since the
//! host started, which only ever grows, as whoever draws curves wants it.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Buckets for each doubling: a figure is at most an eighth more than what was measured.
const STEPS: usize = 1 << STEPS_LOG;
const STEPS_LOG: u32 = 3;
/// Whatever takes longer counts as that long, about a minute: nobody waits for it any more.
const LONGEST_US: u64 = (1 << 26) - 1;
const BUCKETS: usize = bucket_of(LONGEST_US) + 1;
/// How many hours count as lately, the present one included.
const HOURS: u64 = 24;
const HOUR: Duration = Duration::from_secs(60 * 60);

/// How long tenants of a host took to wake.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WakeTimes {
    /// How many woke in the last 24 hours, or since the host started if that is less.
    pub count: u64,
    /// Half of those took at most so many microseconds; absent if there were none.
    pub p50_us: Option<u64>,
    /// 95 of 100 took at most so many.
    pub p95_us: Option<u64>,
    /// All since the host started, the fastest first. Only what is not empty.
    pub since_start: Vec<WakeBucket>,
    /// How many microseconds all of those took together.
    pub since_start_us: u64,
}

/// Some of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WakeBucket {
    /// They took fewer microseconds than this. Powers of two are among these bounds.
    pub below_us: u64,
    /// How many, those of other buckets apart.
    pub count: u64,
}

/// Counts wakes.
#[derive(Default)]
pub(super) struct Wakes(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    /// Those of hours since the host started in which somebody woke, the oldest first.
    lately: VecDeque<(u64, Histogram)>,
    ever: Histogram,
    ever_us: u64,
}

struct Histogram(Box<[u64; BUCKETS]>);

impl Wakes {
    /// Notes a wake that ended so long after the host started.
    pub(super) fn note(&self, at: Duration, took: Duration) {
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).min(LONGEST_US);
        let hour = hour(at);
        let mut counts = self.lock();
        counts.forget_before(hour);
        if counts.lately.back().is_none_or(|(last, _)| *last < hour) {
            counts.lately.push_back((hour, Histogram::default()));
        }
        let bucket = bucket_of(took_us);
        if let Some((_, lately)) = counts.lately.back_mut() {
            lately.0[bucket] += 1;
        }
        counts.ever.0[bucket] += 1;
        counts.ever_us += took_us;
    }

    /// What is known so long after the host started.
    pub(super) fn times(&self, at: Duration) -> WakeTimes {
        let mut counts = self.lock();
        counts.forget_before(hour(at));
        let mut lately = Histogram::default();
        for (_, hour) in &counts.lately {
            lately.0.iter_mut().zip(hour.0.iter()).for_each(|(sum, count)| *sum += count);
        }
        WakeTimes {
            count: lately.0.iter().sum(),
            p50_us: lately.quantile(50),
            p95_us: lately.quantile(95),
            since_start: counts.ever.buckets().collect(),
            since_start_us: counts.ever_us,
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
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram(Box::new([0; BUCKETS]))
    }
}

impl Histogram {
    fn buckets(&self) -> impl Iterator<Item = WakeBucket> {
        let buckets = self.0.iter().enumerate().filter(|(_, count)| **count > 0);
        buckets.map(|(bucket, count)| WakeBucket { below_us: end_of(bucket), count: *count })
    }

    /// What that many of a hundred took at most.
    fn quantile(&self, percent: u64) -> Option<u64> {
        let wanted = (self.0.iter().sum::<u64>() * percent).div_ceil(100);
        let mut passed = 0;
        let mut buckets = self.buckets();
        buckets.find_map(|bucket| {
            passed += bucket.count;
            (passed >= wanted).then_some(bucket.below_us)
        })
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

    fn note(wakes: &Wakes, at: Duration, micros: impl IntoIterator<Item = u64>) {
        micros.into_iter().for_each(|us| wakes.note(at, Duration::from_micros(us)));
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
        assert!((3..26).all(|power| (0..BUCKETS).any(|bucket| end_of(bucket) == 1 << (power + 1))));
    }

    #[test]
    fn half_and_nearly_all_are_told() {
        let wakes = Wakes::default();
        assert_eq!(wakes.times(START), WakeTimes::default());
        note(&wakes, START, (1..=100).map(|n| n * 1_000));
        let times = wakes.times(START);
        assert_eq!((times.count, times.since_start_us), (100, 5_050_000));
        assert!((50_000..57_000).contains(&times.p50_us.expect("some woke")), "{times:?}");
        assert!((95_000..107_000).contains(&times.p95_us.expect("some woke")), "{times:?}");
    }

    #[test]
    fn a_day_is_remembered_and_the_sum_for_ever() {
        let wakes = Wakes::default();
        note(&wakes, START, [700, 700]);
        note(&wakes, HOUR * 23, [1_000_000]);
        assert_eq!(wakes.times(HOUR * 23).count, 3);
        let times = wakes.times(HOUR * 24);
        assert_eq!((times.count, times.since_start.iter().map(|bucket| bucket.count).sum()), (1, 3));
        assert!(times.p50_us.expect("one woke") > 1_000_000);
        let times = wakes.times(HOUR * 100);
        assert_eq!((times.count, times.p95_us, times.since_start.len()), (0, None, 2));
    }

    #[test]
    fn what_takes_for_ever_counts_as_a_minute() {
        let wakes = Wakes::default();
        wakes.note(START, Duration::from_secs(1 << 40));
        assert_eq!(wakes.times(START).p50_us, Some(LONGEST_US + 1));
    }
}
