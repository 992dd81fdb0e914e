//! How many records a list has in all, remembered until something is written.
//!
//! Counting walks an index from end to end: on a large collection it costs far more than the page it stands beside, and
//! it is asked for with every page.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};

use rusqlite::Connection;

use super::find;
use crate::error::Result;
use crate::rules::Select;

/// More than these are not remembered at once: queries that name a caller or the present time hardly come twice.
const MOST: usize = 256;
/// Its answer may depend on when it is asked.
const DEPENDS_ON_TIME: &str = "strftime";

/// The totals of one backend.
#[derive(Default)]
pub struct Counts(Mutex<Known>);

#[derive(Default)]
struct Known {
    version: u64,
    totals: HashMap<String, i64>,
}

impl Counts {
    /// How many records a compiled query selects. `version` is the store's, read before `db` began to read: a total is
    /// never older than that, though it may be newer.
    pub fn of(&self, version: u64, db: &Connection, select: &Select) -> Result<i64> {
        if select.never {
            return Ok(0);
        }
        let sql = select.to_count_sql();
        if sql.contains(DEPENDS_ON_TIME) {
            return find::count(db, select);
        }
        let mut key = sql;
        for param in select.all_params() {
            let _ = write!(key, "\0{param:?}");
        }
        if let Some(total) = self.recall(version, &key) {
            return Ok(total);
        }
        let total = find::count(db, select)?;
        self.remember(version, key, total);
        Ok(total)
    }

    /// Forgets everything, to give back its memory.
    pub fn clear(&self) {
        *self.lock() = Known::default();
    }

    fn recall(&self, version: u64, key: &str) -> Option<i64> {
        let known = self.lock();
        if known.version == version { known.totals.get(key).copied() } else { None }
    }

    fn remember(&self, version: u64, key: String, total: i64) {
        let mut known = self.lock();
        if version < known.version {
            return;
        }
        if version > known.version || known.totals.len() >= MOST {
            known.totals.clear();
            known.version = version;
        }
        known.totals.insert(key, total);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
