//! What one backend uses and how much of it there may be: plain numbers, counted where things happen and read by whoever
//! keeps the backend, who also sets the bounds.
//!
//! Nothing here waits for anybody, and a bound that changes holds from the next use on.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The numbers of one backend. By itself there are no bounds.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    /// Bytes of the database, pages that are free for reuse apart. Its bound is one for database and logs together.
    pub database: Arc<Quota>,
    /// Bytes of the file of logs.
    pub logs: Arc<Quota>,
    /// Bytes of files beside the database: those of records, and backups.
    pub storage: Arc<Quota>,
    /// Mails that went out without a server of the backend's own.
    pub mails: Arc<AtomicU64>,
}

/// How much of one thing is used, and how much may be.
#[derive(Debug)]
pub struct Quota {
    used: AtomicU64,
    /// Room for what is in the making, beside what is used.
    claimed: AtomicU64,
    most: AtomicU64,
    /// Grows with every change that is not a measurement.
    changes: AtomicU64,
}

/// What there is no more room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// Records.
    Database,
    /// Files.
    Storage,
}

impl Meter {
    /// Logs may be this part of the database's bound, so that strangers' requests do not fill what is for records.
    const LOGS_SHARE: u64 = 10;
    /// And that much of the smallest one.
    const LOGS_LEAST: u64 = 512 << 10;

    /// Sets the bounds; `u64::MAX` is none.
    pub fn bound(&self, database: u64, storage: u64) {
        let logs = if database == u64::MAX { database } else { (database / Self::LOGS_SHARE).max(Self::LOGS_LEAST) };
        self.database.set_most(database);
        self.logs.set_most(logs);
        self.storage.set_most(storage);
    }

    /// What the database alone may have beside the logs as they are now.
    pub fn database_room(&self) -> u64 {
        match self.database.most() {
            u64::MAX => u64::MAX,
            most => most.saturating_sub(self.logs.used()),
        }
    }
}

impl Default for Quota {
    fn default() -> Quota {
        Quota {
            used: AtomicU64::new(0),
            claimed: AtomicU64::new(0),
            most: AtomicU64::new(u64::MAX),
            changes: AtomicU64::new(0),
        }
    }
}

impl Quota {
    /// How much is used.
    pub fn used(&self) -> u64 {
        self.used.load(Relaxed)
    }

    /// How much may be; `u64::MAX` when there is no bound.
    pub fn most(&self) -> u64 {
        self.most.load(Relaxed)
    }

    /// Notes a measurement.
    pub fn set_used(&self, used: u64) {
        self.used.store(used, Relaxed);
    }

    /// Sets the bound.
    pub fn set_most(&self, most: u64) {
        self.most.store(most, Relaxed);
    }

    /// So much is used no more.
    pub fn give_back(&self, amount: u64) {
        let _ = self.used.fetch_update(Relaxed, Relaxed, |used| Some(used.saturating_sub(amount)));
        self.changes.fetch_add(1, Relaxed);
    }

    /// A number that is another one after every change. A measurement that takes its time counts only if nothing changed
    /// meanwhile.
    pub fn changes(&self) -> u64 {
        self.changes.load(Relaxed)
    }

    fn claim(&self, amount: u64) -> bool {
        let claimed = self.claimed.fetch_add(amount, Relaxed).saturating_add(amount);
        let fits = self.used().saturating_add(claimed) <= self.most();
        if !fits {
            self.claimed.fetch_sub(amount, Relaxed);
        }
        fits
    }

    fn keep(&self, amount: u64) {
        self.used.fetch_add(amount, Relaxed);
        self.claimed.fetch_sub(amount, Relaxed);
        self.changes.fetch_add(1, Relaxed);
    }
}

/// Room that was taken for something in the making. It is given back with this value, but for what was kept.
#[derive(Debug)]
pub struct Claim {
    quota: Arc<Quota>,
    held: AtomicU64,
}

impl Claim {
    /// None yet.
    pub fn on(quota: &Arc<Quota>) -> Claim {
        Claim { quota: Arc::clone(quota), held: AtomicU64::new(0) }
    }

    /// Takes so much more; `false` if there is no room for it.
    pub fn grow(&self, amount: u64) -> bool {
        let taken = self.quota.claim(amount);
        if taken {
            self.held.fetch_add(amount, Relaxed);
        }
        taken
    }

    /// What it is for stays: from now on it counts by itself. Answers how much that is; nothing if it was kept before.
    pub fn keep(&self) -> u64 {
        let held = self.held.swap(0, Relaxed);
        self.quota.keep(held);
        held
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        self.quota.claimed.fetch_sub(*self.held.get_mut(), Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_not_taken() {
        let quota = Arc::new(Quota::default());
        quota.set_most(10);
        let claim = Claim::on(&quota);
        assert!(claim.grow(10) && !claim.grow(1));
        claim.keep();
        quota.give_back(4);
        assert!(claim.grow(4) && !claim.grow(1));
        drop(claim);
        quota.set_most(5);
        assert!(!Claim::on(&quota).grow(1), "a smaller bound holds at once");
        quota.give_back(100);
        assert_eq!(quota.used(), 0);
    }

    #[test]
    fn a_claim_gives_back_what_was_not_kept() {
        let quota = Arc::new(Quota::default());
        quota.set_most(10);
        let claim = Claim::on(&quota);
        assert!(claim.grow(6) && !claim.grow(5) && claim.grow(4));
        drop(claim);
        let claim = Claim::on(&quota);
        assert!(claim.grow(3));
        assert_eq!((claim.keep(), claim.keep()), (3, 0));
        assert!(claim.grow(2));
        drop(claim);
        assert_eq!(quota.used(), 3);
    }

    #[test]
    fn logs_have_a_part_of_what_the_database_may_have() {
        let meter = Meter::default();
        assert_eq!(meter.database_room(), u64::MAX);
        meter.bound(100 << 20, u64::MAX);
        assert_eq!(meter.logs.most(), 10 << 20);
        meter.logs.set_used(1 << 20);
        assert_eq!(meter.database_room(), 99 << 20);
    }
}
