//! How often somebody may try: a window for whatever is counted, in memory, bounded.
//!
//! Strangers have addresses without end, and make up mail addresses; accounts are as many as there are. So each kind has
//! windows of its own: no crowd pushes out what stands between an account's code of six digits and whoever guesses it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::StatusCode;

use super::Email;
use super::store::Stored;
use crate::error::{Error, Result};
use crate::http::ClientAddress;

/// Windows kept at most of each kind. Another one takes the place of the one that would end first.
const MOST: usize = 100_000;
/// As often as so many places may try, a site may that has thousands of them.
const PLACES_OF_A_SITE: u32 = 16;

/// Counters of tries.
pub struct Tries {
    /// Off in development: tests and people at their own machine try a lot.
    enabled: bool,
    places: Mutex<Windows>,
    sites: Mutex<Windows>,
    accounts: Mutex<Windows>,
    typed: Mutex<Windows>,
}

/// By what tries are counted.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// Where they come from.
    Place(ClientAddress),
    /// The account they are about, by its id: only of accounts that are there.
    Account(&'a str),
    /// What somebody typed, such as a mail address.
    Typed(&'a str),
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

impl<'a> By<'a> {
    /// By the account if there is one with the address that was typed, else by that: a refusal tells nobody which.
    pub fn account_or_typed(stored: Option<&'a Stored>, email: &'a Email) -> By<'a> {
        stored.map_or(By::Typed(email.as_str()), |stored| By::Account(&stored.account.id))
    }
}

impl Tries {
    /// Counts if `enabled`, else lets everything pass.
    pub fn new(enabled: bool) -> Tries {
        let windows = || Mutex::new(Windows::with_room_for(MOST));
        Tries { enabled, places: windows(), sites: windows(), accounts: windows(), typed: windows() }
    }

    /// Counts one try to do something. From IPv6 the site counts, too.
    ///
    /// # Errors
    /// 429 when there were more than `most` within `window`.
    pub fn count(&self, what: &str, by: By<'_>, most: u32, window: Duration) -> Result<()> {
        if !self.enabled {
            return Ok(());
        }
        let now = Instant::now();
        count(self.windows(by), &key(what, by), most, now, window)?;
        if let By::Place(address) = by
            && let Some(site) = address.site()
        {
            count(&self.sites, &format!("{what} {site}"), most.saturating_mul(PLACES_OF_A_SITE), now, window)?;
        }
        Ok(())
    }

    /// Forgets the tries, for instance after a success.
    pub fn forget(&self, what: &str, by: By<'_>) {
        self.windows(by).lock().unwrap_or_else(PoisonError::into_inner).forget(&key(what, by));
    }

    fn windows(&self, by: By<'_>) -> &Mutex<Windows> {
        match by {
            By::Place(_) => &self.places,
            By::Account(_) => &self.accounts,
            By::Typed(_) => &self.typed,
        }
    }
}

fn key(what: &str, by: By<'_>) -> String {
    match by {
        By::Place(address) => format!("{what} {}", address.place()),
        By::Account(key) | By::Typed(key) => format!("{what} {key}"),
    }
}

fn count(windows: &Mutex<Windows>, key: &str, most: u32, now: Instant, length: Duration) -> Result<()> {
    let (count, end) = windows.lock().unwrap_or_else(PoisonError::into_inner).count(key, now, length);
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
    use crate::clock::{HOUR, MINUTE};

    #[test]
    fn a_window_holds_so_many_tries_for_each_key() {
        let tries = Tries::new(true);
        let (ann, bob) = (By::Account("ann"), By::Account("bob"));
        for _ in 0..3 {
            tries.count("code", ann, 3, MINUTE).expect("passes");
        }
        assert!(tries.count("code", ann, 3, MINUTE).is_err());
        tries.count("code", bob, 3, MINUTE).expect("another account passes");
        tries.count("password", ann, 3, MINUTE).expect("something else passes");
        tries.forget("code", ann);
        tries.count("code", ann, 3, MINUTE).expect("passes again");
    }

    #[test]
    fn a_crowd_of_addresses_and_of_what_strangers_type_pushes_no_account_out() {
        let tries = Tries::new(true);
        let guess = || tries.count("code", By::Account("ann"), 1, MINUTE);
        guess().expect("passes");
        for n in 0..MOST {
            let place = ClientAddress::read(&format!("2001:db8:{:x}:{:x}::1", n >> 16, n & 0xffff));
            let _ = tries.count("sign-up", By::Place(place), 20, HOUR);
            let _ = tries.count("sign-in", By::Typed(&format!("{n}@example.com")), 100, HOUR);
        }
        assert!(guess().is_err(), "it is still known");
    }

    #[test]
    fn a_site_with_thousands_of_networks_tries_as_often_as_a_few() {
        let tries = Tries::new(true);
        let passed = |site: &str| {
            let places = (0..100).map(|n| ClientAddress::read(&format!("2001:db8:{site}:{n:x}::1")));
            places.filter(|place| tries.count("sign-in", By::Place(*place), 1, MINUTE).is_ok()).count()
        };
        assert_eq!((passed("1"), passed("2"), passed("1")), (16, 16, 0));
        // Whoever is refused at one place takes nothing from the others of the site.
        let (loud, other) = (ClientAddress::read("2001:db8:3::1"), ClientAddress::read("2001:db8:3:1::1"));
        let refused = (0..100).filter(|_| tries.count("sign-in", By::Place(loud), 1, MINUTE).is_err()).count();
        assert_eq!(refused, 99);
        tries.count("sign-in", By::Place(other), 1, MINUTE).expect("passes");
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
