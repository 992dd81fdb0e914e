//! What happens too often: mails to one address, guesses at one account. Kept in memory: a restart forgets
//! it, and so does a tenant that sleeps, which takes longer than anybody in a hurry can wait quietly.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Entries before those that are over are first looked for.
const ROOM: usize = 1024;

/// Counts in windows of time, by key.
#[derive(Default)]
pub struct Throttle(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    windows: HashMap<String, Window>,
    /// How many windows make it worth looking for those that are over.
    crowd: usize,
}

struct Window {
    ends: Instant,
    count: u32,
}

impl Throttle {
    /// Notes that something happens, unless it happened `most` times already in the window its first time began.
    pub fn admit(&self, key: &str, most: u32, window: Duration) -> bool {
        let now = Instant::now();
        let mut counts = self.lock();
        counts.make_room(now);
        let current = counts.windows.entry(key.to_owned()).or_insert(Window { ends: now + window, count: 0 });
        if current.ends <= now {
            *current = Window { ends: now + window, count: 0 };
        }
        current.count = current.count.saturating_add(1);
        current.count <= most
    }

    /// As if it had never happened.
    pub fn forget(&self, key: &str) {
        self.lock().windows.remove(key);
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// Twice as many as are still needed may gather, so that looking through them is rare.
    fn make_room(&mut self, now: Instant) {
        if self.windows.len() >= self.crowd.max(ROOM) {
            self.windows.retain(|_, window| window.ends > now);
            self.crowd = self.windows.len() * 2;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_are_admitted_until_the_window_is_over() {
        let throttle = Throttle::default();
        let (long, over) = (Duration::from_secs(3600), Duration::ZERO);
        assert!(throttle.admit("a", 2, long) && throttle.admit("a", 2, long) && !throttle.admit("a", 2, long));
        assert!(throttle.admit("b", 1, long));
        throttle.forget("a");
        assert!(throttle.admit("a", 1, long) && !throttle.admit("a", 1, long));
        assert!(throttle.admit("c", 1, over) && throttle.admit("c", 1, over));
    }

    #[test]
    fn what_is_over_takes_no_room() {
        let throttle = Throttle::default();
        for n in 0..3 * ROOM {
            throttle.admit(&n.to_string(), 1, Duration::ZERO);
        }
        assert!(throttle.lock().windows.len() <= ROOM);
    }
}
