//! What was counted: a fixed window for each client and each thing that is counted.
//!
//! Memory is bounded by two generations: windows live in the young one, and when that is full it becomes the old one,
//! whose windows go unless somebody comes back to them. So a flood of addresses drives out those that rest, at no cost.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::settings::RateLimitRule;

/// Windows of one generation, about 64 bytes each.
const GENERATION: usize = 4096;

/// The windows of one backend.
#[derive(Debug, Default)]
pub struct Windows {
    /// Things are told apart by their keyed hash, which nobody outside can make collide.
    hasher: RandomState,
    generations: Mutex<Generations>,
}

#[derive(Debug, Default)]
struct Generations {
    young: HashMap<Key, Window>,
    old: HashMap<Key, Window>,
}

type Key = (u64, IpAddr);

#[derive(Clone, Copy, Debug)]
struct Window {
    /// When its first request came, in whole seconds.
    start: i64,
    /// The first second it is over.
    end: i64,
    left: i64,
}

impl Windows {
    /// Whether the client may have one more of what is counted under the rule.
    pub fn admit(&self, counted: &impl Hash, client: IpAddr, rule: &RateLimitRule, now: i64) -> bool {
        let key = (self.hasher.hash_one(counted), client);
        let mut generations = self.lock();
        let known = generations.young.get(&key).copied().or_else(|| generations.old.remove(&key));
        let current = known.filter(|window| (0..rule.duration).contains(&(now - window.start)));
        let mut window =
            current.unwrap_or(Window { start: now, end: now.saturating_add(rule.duration), left: rule.max_requests });
        let admitted = window.left > 0;
        window.left -= i64::from(admitted);
        generations.young.insert(key, window);
        if generations.young.len() >= GENERATION {
            generations.old = std::mem::take(&mut generations.young);
        }
        admitted
    }

    /// Whether anything has been counted lately.
    pub fn is_empty(&self) -> bool {
        let generations = self.lock();
        generations.young.is_empty() && generations.old.is_empty()
    }

    /// Gives back the memory of windows that are over.
    pub fn forget_ended(&self, now: i64) {
        let mut generations = self.lock();
        let Generations { young, old } = &mut *generations;
        for windows in [young, old] {
            windows.retain(|_, window| now < window.end);
            windows.shrink_to_fit();
        }
    }

    /// Everybody begins anew.
    pub fn clear(&self) {
        *self.lock() = Generations::default();
    }

    fn lock(&self) -> MutexGuard<'_, Generations> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn rule(max_requests: i64, duration: i64) -> RateLimitRule {
        RateLimitRule { max_requests, duration, ..RateLimitRule::default() }
    }

    #[test]
    fn a_window_begins_with_its_first_request_and_ends_after_its_seconds() {
        let (windows, rule) = (Windows::default(), rule(2, 3));
        let answers = [0, 2, 4, 5, 6, 7, 8].map(|now| windows.admit(&"x", CLIENT, &rule, now));
        assert_eq!(answers, [true, true, true, true, false, true, true]);
    }

    #[test]
    fn clients_and_things_are_counted_apart_until_all_is_forgotten() {
        let (windows, rule) = (Windows::default(), rule(1, 9));
        let other = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
        assert!(windows.admit(&"x", CLIENT, &rule, 0) && windows.admit(&"x", other, &rule, 0));
        assert!(windows.admit(&"y", CLIENT, &rule, 0) && !windows.admit(&"x", CLIENT, &rule, 0));
        windows.clear();
        assert!(windows.admit(&"x", CLIENT, &rule, 0));
    }

    #[test]
    fn a_flood_of_addresses_takes_bounded_memory_and_frees_nobody_who_keeps_asking() {
        let (windows, rule) = (Windows::default(), rule(1, 9));
        assert!(windows.admit(&"x", CLIENT, &rule, 0));
        for n in 0..100_000_u32 {
            windows.admit(&"x", IpAddr::V4(n.into()), &rule, 0);
            if n % 1000 == 0 {
                assert!(!windows.admit(&"x", CLIENT, &rule, 0));
            }
        }
        let generations = windows.lock();
        assert!(generations.young.len() + generations.old.len() <= 2 * GENERATION);
    }

    #[test]
    fn only_what_is_over_is_forgotten() {
        let windows = Windows::default();
        assert!(windows.admit(&"short", CLIENT, &rule(1, 9), 0) && windows.admit(&"long", CLIENT, &rule(1, 99), 0));
        windows.forget_ended(9);
        assert_eq!(windows.lock().young.len(), 1);
        assert!(!windows.admit(&"long", CLIENT, &rule(1, 99), 9));
        windows.forget_ended(99);
        assert!(windows.is_empty());
    }

    #[test]
    fn a_clock_set_back_opens_a_new_window() {
        let (windows, rule) = (Windows::default(), rule(1, 9));
        assert!(windows.admit(&"x", CLIENT, &rule, 1000) && windows.admit(&"x", CLIENT, &rule, 10));
    }
}
