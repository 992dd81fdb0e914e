//! When what is due: decisions that follow from dates alone.

use std::sync::Arc;
use std::time::Duration;

use x509_parser::pem::Pem;

use super::options::ms;
use super::store::Held;

const HOUR_MS: i64 = 60 * 60 * 1000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// What is remembered of a certificate that is held; the rest stays in the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) issuer: String,
    pub(super) obtained_ms: i64,
    pub(super) expires_ms: i64,
    pub(super) renew_ms: i64,
    pub(super) ask_ms: i64,
}

impl From<&Held> for Known {
    fn from(held: &Held) -> Self {
        let Held { issuer, obtained_ms, expires_ms, renew_ms, ask_ms, .. } = held;
        let (obtained_ms, expires_ms, renew_ms, ask_ms) = (*obtained_ms, *expires_ms, *renew_ms, *ask_ms);
        Known { issuer: issuer.clone(), obtained_ms, expires_ms, renew_ms, ask_ms }
    }
}

impl Known {
    fn lifetime(&self) -> i64 {
        self.expires_ms - self.obtained_ms
    }

    /// From when on it is to be renewed: as planned, but not in the last twentieth of its life, and not as soon as it is
    /// there. An authority that wants every new certificate renewed at once would be asked without end.
    pub(super) fn due_ms(&self) -> i64 {
        let latest = self.expires_ms - self.lifetime() / 20;
        let soonest = self.obtained_ms + HOUR_MS.min(self.lifetime() / 4);
        self.renew_ms.min(latest).max(soonest)
    }

    /// Whether so little is left that somebody should look.
    pub(super) fn is_late(&self, now: i64) -> bool {
        self.expires_ms - now < self.lifetime() / 4
    }
}

/// When to renew a certificate whose authority does not say: with a third of its life left, or half of a short one.
pub(super) fn renewal_of(obtained_ms: i64, expires_ms: i64) -> i64 {
    let lifetime = expires_ms - obtained_ms;
    expires_ms - if lifetime < 10 * DAY_MS { lifetime / 2 } else { lifetime / 3 }
}

/// When an authority would like a certificate to be renewed (RFC 9773).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) start_ms: i64,
    pub(super) end_ms: i64,
}

impl Window {
    /// A time in the window: the one chosen before if it is in there, else any, so that not everybody comes at once.
    pub(super) fn choose(self, chosen_ms: Option<i64>) -> i64 {
        let window = self.start_ms..=self.end_ms.max(self.start_ms);
        chosen_ms.filter(|chosen_ms| window.contains(chosen_ms)).unwrap_or_else(|| rand::random_range(window))
    }
}

/// How long to wait after that many failures in a row, a fifth more or less.
pub(super) fn pause(ladder: &[Duration], failures: u32) -> i64 {
    let step = (failures.max(1) - 1) as usize;
    let pause = ladder.get(step).or(ladder.last()).copied().unwrap_or_default();
    let pause = ms(pause);
    rand::random_range(pause - pause / 5..=pause + pause / 5)
}

/// Whether an authority of the public could certify the name at all.
pub(super) fn can_be_certified(name: &str) -> bool {
    let host = host(name);
    let is_label = |label: &str| label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    match host.rsplit_once('.') {
        Some((_, last)) => host.split('.').all(is_label) && !is_number(last),
        None => false,
    }
}

/// The host an authority asks for: the name without `*.`.
pub(super) fn host(name: &str) -> &str {
    name.strip_prefix("*.").unwrap_or(name)
}

/// When the first certificate of a chain ends.
pub(super) fn end_of(chain_pem: &str) -> Option<i64> {
    let pem = Pem::iter_from_buffer(chain_pem.as_bytes()).next()?.ok()?;
    let end_ms = pem.parse_x509().ok()?.validity().not_after.timestamp() * 1000;
    Some(end_ms)
}

/// A name that is wanted and has to have something done about it sooner or later.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: Arc<str>,
    pub(super) task: Task,
    /// When it would be done if nothing stood against it.
    pub(super) due_ms: i64,
    /// Not before then, whatever is due.
    pub(super) not_before_ms: i64,
}

/// Why something is to be done about a name, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Task {
    /// It has no certificate, and somebody waits for it.
    Hurry,
    /// It has no certificate.
    First,
    /// It has one that is to be renewed.
    Renew,
}

/// What can be done now, in this order, and when there will be more.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Queue {
    pub(super) ready: Vec<(Arc<str>, Task)>,
    pub(super) next_ms: Option<i64>,
}

/// Sorts what is ready: by urgency, then what was tried least recently, then what was due first.
pub(super) fn queue(entries: impl Iterator<Item = Entry>, now: i64) -> Queue {
    let mut ready = Vec::new();
    let mut next_ms: Option<i64> = None;
    for entry in entries {
        let from_ms = entry.due_ms.max(entry.not_before_ms);
        if from_ms <= now {
            ready.push(entry);
        } else {
            next_ms = Some(next_ms.map_or(from_ms, |next_ms| next_ms.min(from_ms)));
        }
    }
    ready.sort_by(|one, other| {
        let key = |entry: &Entry| (entry.task, entry.not_before_ms, entry.due_ms);
        key(one).cmp(&key(other)).then_with(|| one.name.cmp(&other.name))
    });
    Queue { ready: ready.into_iter().map(|entry| (entry.name, entry.task)).collect(), next_ms }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(days: i64) -> Known {
        let expires_ms = days * DAY_MS;
        Known { issuer: "a".into(), obtained_ms: 0, expires_ms, renew_ms: renewal_of(0, expires_ms), ask_ms: 0 }
    }

    #[test]
    fn a_third_of_life_is_left_at_renewal_or_half_of_a_short_one() {
        assert_eq!(renewal_of(0, 90 * DAY_MS), 60 * DAY_MS);
        assert_eq!(renewal_of(0, 6 * DAY_MS), 3 * DAY_MS);
    }

    #[test]
    fn an_authority_can_neither_put_renewal_off_to_the_very_end_nor_have_it_at_once() {
        let held = Known { renew_ms: 89 * DAY_MS, ..known(90) };
        assert_eq!(held.due_ms(), 90 * DAY_MS - 90 * DAY_MS / 20);
        let held = Known { renew_ms: -DAY_MS, ..known(90) };
        assert_eq!(held.due_ms(), HOUR_MS);
        assert!(!held.is_late(60 * DAY_MS));
        assert!(held.is_late(70 * DAY_MS));
    }

    #[test]
    fn a_chosen_time_stays_until_the_window_leaves_it() {
        let window = Window { start_ms: 10, end_ms: 20 };
        assert_eq!(window.choose(Some(15)), 15);
        for _ in 0..100 {
            assert!((10..=20).contains(&window.choose(Some(30))));
            assert!((10..=20).contains(&window.choose(None)));
        }
        assert_eq!(Window { start_ms: 7, end_ms: 3 }.choose(Some(5)), 7);
    }

    #[test]
    fn pauses_grow_to_the_last_step() {
        let ladder = [Duration::from_secs(60), Duration::from_secs(600)];
        for _ in 0..100 {
            assert!((48_000..=72_000).contains(&pause(&ladder, 1)));
            assert!((480_000..=720_000).contains(&pause(&ladder, 2)));
            assert!((480_000..=720_000).contains(&pause(&ladder, 9)));
        }
        assert_eq!(pause(&[], 3), 0);
    }

    #[test]
    fn only_public_names_can_be_certified() {
        for name in ["a.example.com", "*.example.com", "xn--bcher-kva.example"] {
            assert!(can_be_certified(name), "{name}");
        }
        for name in ["localhost", "10.0.0.1", "[::1]", "a_b.example.com", "*.com"] {
            assert!(!can_be_certified(name), "{name}");
        }
    }

    #[test]
    fn whoever_is_waited_for_comes_first_and_renewals_last() {
        let entry = |name: &str, task, due_ms, not_before_ms| Entry { name: name.into(), task, due_ms, not_before_ms };
        let entries = [
            entry("renewal", Task::Renew, 5, 0),
            entry("tried", Task::First, 0, 8),
            entry("new", Task::First, 0, 0),
            entry("awaited", Task::Hurry, 0, 9),
            entry("later", Task::First, 0, 30),
            entry("much-later", Task::Renew, 50, 0),
        ];
        let queue = queue(entries.into_iter(), 10);
        let names: Vec<&str> = queue.ready.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["awaited", "new", "tried", "renewal"]);
        assert_eq!(queue.next_ms, Some(30));
    }
}
