//! How far a database may grow.
//!
//! A write that would leave more pages in use than there may be is undone; one that needs none more is let through
//! however full the database is, and so is what has to be possible in a full one, too, such as signing in. As a
//! backstop SQLite itself is told a number of pages somewhat above the bound: it ends a statement that would pass it,
//! whatever the statement is.

use std::path::Path;

use rusqlite::Connection;

use super::connection::open_aside;
use crate::error::{Error, Result};
use crate::meter::{Full, Meter};

/// What may be used beyond the bound by writes that are let through: so many bytes, or this part of the bound.
const SPARE: u64 = 10 << 20;
const SPARE_PART: u64 = 20;
/// A database with fewer free bytes is full: no record worth mentioning fits.
const LEAST: u64 = 16 << 10;
/// SQLite's own bound.
const MOST_PAGES: u64 = 0xffff_fffe;

/// What a database may grow to, and what it holds now.
pub(super) struct Growth {
    kind: Kind,
    page: u64,
    /// Bytes in use after the last write that counts.
    used: u64,
    /// The bound SQLite was told.
    told: u64,
    /// What a full database must not keep from happening.
    exempt: bool,
}

/// Which database it is.
pub(super) enum Kind {
    /// That of records.
    Records(Meter),
    /// That of logs, which makes room by itself.
    Logs(Meter),
}

impl Growth {
    pub(super) fn of(connection: &Connection, kind: Kind) -> Result<Growth> {
        let page = pragma(connection, "PRAGMA page_size")?;
        let mut growth = Growth { kind, page, used: 0, told: u64::MAX, exempt: false };
        growth.measure(connection)?;
        growth.publish();
        Ok(growth)
    }

    /// To be called when a transaction begins: a new bound holds from now on.
    pub(super) fn begin(&mut self, connection: &Connection) -> Result<()> {
        let most = self.most();
        if self.told != most {
            let hard = most.saturating_add(SPARE.max(most / SPARE_PART));
            let pages = (hard / self.page).min(MOST_PAGES);
            connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
            self.told = most;
        }
        if self.used == 0 {
            self.measure(connection)?;
        }
        Ok(())
    }

    /// To be called when a write begins.
    pub(super) fn enter(&mut self) {
        self.exempt = false;
    }

    /// The write is let through even if it needs room.
    pub(super) fn exempt(&mut self) {
        self.exempt = true;
    }

    /// To be called when a write is done, with what it wrote.
    ///
    /// # Errors
    /// `Error::Full` if it must be undone.
    pub(super) fn leave(&mut self, connection: &Connection) -> Result<()> {
        let before = self.used;
        self.measure(connection)?;
        if self.used > before && self.used > self.most() && !self.exempt && matches!(self.kind, Kind::Records(_)) {
            self.used = before;
            return Err(Error::Full(Full::Database));
        }
        Ok(())
    }

    /// Refuses what surely needs room before any of it is done.
    pub(super) fn check(&self, connection: &Connection) -> Result<()> {
        let most = self.most();
        if most == u64::MAX || self.in_use(connection)?.saturating_add(LEAST) <= most {
            return Ok(());
        }
        Err(Error::Full(Full::Database))
    }

    /// Whether it was the bound SQLite was told that ended a statement, and not the disk.
    pub(super) fn is_reached(&self, connection: &Connection) -> bool {
        if self.most() == u64::MAX {
            return false;
        }
        let free = connection.path().and_then(|path| rustix::fs::statvfs(path).ok());
        free.is_none_or(|disk| disk.f_bavail.saturating_mul(disk.f_frsize) > SPARE)
    }

    /// To be called after a commit, or when nothing came of it.
    pub(super) fn end(&mut self, committed: bool) {
        if committed {
            self.publish();
        } else {
            // Measured again when the next one begins.
            self.used = 0;
        }
    }

    fn most(&self) -> u64 {
        match &self.kind {
            Kind::Records(meter) => meter.database_room(),
            Kind::Logs(meter) => meter.logs.most(),
        }
    }

    fn measure(&mut self, connection: &Connection) -> Result<()> {
        self.used = self.in_use(connection)?;
        Ok(())
    }

    /// Bytes of the pages that are not free for reuse.
    fn in_use(&self, connection: &Connection) -> Result<u64> {
        Ok(pages_in_use(connection)?.saturating_mul(self.page))
    }

    fn publish(&self) {
        match &self.kind {
            Kind::Records(meter) => meter.database.set_used(self.used),
            Kind::Logs(meter) => meter.logs.set_used(self.used),
        }
    }
}

/// The same for a database that nobody has open.
pub fn in_use(path: &Path) -> Result<u64> {
    let connection = open_aside(path)?;
    Ok(pages_in_use(&connection)?.saturating_mul(pragma(&connection, "PRAGMA page_size")?))
}

fn pages_in_use(connection: &Connection) -> Result<u64> {
    let pages = pragma(connection, "PRAGMA page_count")?;
    Ok(pages.saturating_sub(pragma(connection, "PRAGMA freelist_count")?))
}

fn pragma(connection: &Connection, sql: &str) -> Result<u64> {
    let number: i64 = connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?;
    Ok(u64::try_from(number).unwrap_or(0))
}
