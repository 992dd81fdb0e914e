//! A write in progress, and what waits for its commit.

use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use anyhow::anyhow;
use rusqlite::Connection;

use super::connection::Deadline;
use super::growth::Growth;
use crate::error::{Error, Result};
use crate::meter::Full;

type Effect = Box<dyn FnOnce() + Send>;

/// The writer inside a transaction. Derefs to the connection, so reads through it see what was written.
///
/// Several writes may share the SQLite transaction: each runs in a savepoint, and its effects happen only after the
/// commit that carries it.
pub struct Tx {
    connection: Connection,
    deadline: Deadline,
    growth: Growth,
    effects: Vec<(Wanted, Effect)>,
    depth: u32,
    /// SQLite undid the transaction by itself: nothing of it may be committed any more.
    lost: bool,
}

/// When an effect is wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    AfterCommit,
    AfterRollback,
    OnceUndone,
}

/// How a transaction ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Committed,
    /// Nothing of it is on disk.
    Undone,
    /// The commit failed. After a crash what it wrote to the log may be found and count.
    Unsure,
}

/// What one write asked to happen later.
#[derive(Default)]
pub(super) struct Effects(Vec<(Wanted, Effect)>);

impl Tx {
    pub(super) fn new(connection: Connection, growth: Growth) -> Result<Tx> {
        let deadline = Deadline::install(&connection)?;
        Ok(Tx { connection, deadline, growth, effects: Vec::new(), depth: 0, lost: false })
    }

    /// Runs `effect` once the data is safely committed, before the write's caller hears of it. Must not block.
    pub fn after_commit(&mut self, effect: impl FnOnce() + Send + 'static) {
        self.effects.push((Wanted::AfterCommit, Box::new(effect)));
    }

    /// Runs `effect` if this write, or the commit that carries it, fails.
    pub fn after_rollback(&mut self, effect: impl FnOnce() + Send + 'static) {
        self.effects.push((Wanted::AfterRollback, Box::new(effect)));
    }

    /// Runs `effect` if this write fails and can never come back: not after a failed commit, of which a crash may leave
    /// a complete log.
    pub fn once_undone(&mut self, effect: impl FnOnce() + Send + 'static) {
        self.effects.push((Wanted::OnceUndone, Box::new(effect)));
    }

    /// Runs `work` in a savepoint: an error or a panic undoes what it wrote and drops what it wanted done after the commit.
    pub fn nested<T>(&mut self, work: impl FnOnce(&mut Tx) -> Result<T>) -> Result<T> {
        const SAVE: [&str; 4] = ["SAVEPOINT s0", "SAVEPOINT s1", "SAVEPOINT s2", "SAVEPOINT s3"];
        const RELEASE: [&str; 4] = ["RELEASE s0", "RELEASE s1", "RELEASE s2", "RELEASE s3"];
        const UNDO: [&str; 4] = ["ROLLBACK TO s0", "ROLLBACK TO s1", "ROLLBACK TO s2", "ROLLBACK TO s3"];
        let level = self.depth as usize % SAVE.len();
        let known = self.effects.len();
        self.run(SAVE[level])?;
        let depth = self.depth;
        self.depth += 1;
        let whole = depth == 0;
        if whole {
            self.growth.enter();
        }
        let result = catch_unwind(AssertUnwindSafe(|| work(self)))
            .unwrap_or_else(|_| Err(Error::Internal(anyhow!("a write panicked"))));
        self.depth = depth;
        let result = result.map_err(|error| self.in_terms_of_room(error));
        let result =
            result.and_then(|done| if whole { self.growth.leave(&self.connection).map(|()| done) } else { Ok(done) });
        let ended = match result {
            _ if self.is_lost() => Ok(()),
            Ok(_) => self.run(RELEASE[level]),
            Err(_) => self.run(UNDO[level]).and_then(|()| self.run(RELEASE[level])),
        };
        self.lost |= ended.is_err();
        let result = if self.lost { result.and(ended).and(Err(Error::Busy)) } else { result };
        if result.is_err() {
            Effects(self.effects.split_off(known)).happen(Outcome::Undone);
        }
        result
    }

    /// What follows of this write has to be possible in a full database, too: signing in, deleting. It is let through
    /// even if it needs a little room.
    pub fn must_be_possible(&mut self) {
        self.growth.exempt();
    }

    /// Refuses to add anything to a full database, before there is work to be undone.
    ///
    /// # Errors
    /// `Error::Full`.
    pub fn check_room(&self) -> Result<()> {
        self.growth.check(&self.connection)
    }

    /// SQLite says of its bound what it says of a full disk.
    fn in_terms_of_room(&self, error: Error) -> Error {
        let full = |error: &rusqlite::Error| error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull);
        match error {
            Error::Sqlite(cause) if full(&cause) && self.growth.is_reached(&self.connection) => {
                Error::Full(Full::Database)
            }
            error => error,
        }
    }

    /// Whether SQLite undid the whole transaction by itself, as it does when the disk is full or fails and when a
    /// change runs out of time. What its writes still do then goes into another one, which is never committed.
    pub(super) fn is_lost(&mut self) -> bool {
        if !self.lost && self.connection.is_autocommit() {
            self.lost = true;
            if let Err(error) = self.run("BEGIN") {
                tracing::debug!("nothing more can be begun: {error}");
            }
        }
        self.lost
    }

    /// Begins the transaction.
    pub(super) fn begin(&mut self) -> Result<()> {
        self.lost = false;
        self.growth.begin(&self.connection)?;
        self.run("BEGIN IMMEDIATE")
    }

    /// What follows may take this long, all together; `None` lifts the limit.
    pub(super) fn limit(&self, time: Option<Duration>) {
        match time {
            Some(time) => self.deadline.allow(time),
            None => self.deadline.lift(),
        }
    }

    /// Executes a fixed statement without parameters.
    pub(super) fn run(&self, sql: &str) -> Result<()> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
    }

    /// How the transaction ended.
    pub(super) fn ended(&mut self, outcome: Outcome) {
        self.growth.end(outcome == Outcome::Committed);
    }

    pub(super) fn take_effects(&mut self) -> Effects {
        Effects(std::mem::take(&mut self.effects))
    }

    pub(super) fn into_connection(self) -> Connection {
        self.connection
    }
}

impl Deref for Tx {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        &self.connection
    }
}

impl Effects {
    /// Does what is due after that outcome.
    pub(super) fn happen(self, outcome: Outcome) {
        for (wanted, effect) in self.0 {
            let is_due = match wanted {
                Wanted::AfterCommit => outcome == Outcome::Committed,
                Wanted::AfterRollback => outcome != Outcome::Committed,
                Wanted::OnceUndone => outcome == Outcome::Undone,
            };
            if is_due {
                effect();
            }
        }
    }
}
