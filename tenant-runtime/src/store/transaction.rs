//! A write in progress, and what waits for its commit.

use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};

use anyhow::anyhow;
use rusqlite::Connection;

use crate::error::{Error, Result};

type Effect = Box<dyn FnOnce() + Send>;

/// The writer inside a transaction. Derefs to the connection, so reads through it see what was written.
///
/// Several writes may share the SQLite transaction: each runs in a savepoint, and its effects happen only after the
/// commit that carries it.
pub struct Tx {
    connection: Connection,
    effects: Vec<(Outcome, Effect)>,
    depth: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Commit,
    Rollback,
}

/// What one write asked to happen later.
#[derive(Default)]
pub(super) struct Effects(Vec<(Outcome, Effect)>);

impl Tx {
    pub(super) fn new(connection: Connection) -> Tx {
        Tx { connection, effects: Vec::new(), depth: 0 }
    }

    /// Runs `effect` once the data is safely committed, before the write's caller hears of it. Must not block.
    pub fn after_commit(&mut self, effect: impl FnOnce() + Send + 'static) {
        self.effects.push((Outcome::Commit, Box::new(effect)));
    }

    /// Runs `effect` if this write, or the commit that carries it, fails.
    pub fn after_rollback(&mut self, effect: impl FnOnce() + Send + 'static) {
        self.effects.push((Outcome::Rollback, Box::new(effect)));
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
        let result = catch_unwind(AssertUnwindSafe(|| work(self)))
            .unwrap_or_else(|_| Err(Error::Internal(anyhow!("a write panicked"))));
        self.depth = depth;
        if result.is_err() {
            self.run(UNDO[level])?;
            for (outcome, effect) in self.effects.split_off(known) {
                if outcome == Outcome::Rollback {
                    effect();
                }
            }
        }
        self.run(RELEASE[level])?;
        result
    }

    /// Executes a fixed statement without parameters.
    pub(super) fn run(&self, sql: &str) -> Result<()> {
        self.connection.prepare_cached(sql)?.execute([])?;
        Ok(())
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
    /// Does what belongs to that outcome.
    pub(super) fn happen(self, committed: bool) {
        let wanted = if committed { Outcome::Commit } else { Outcome::Rollback };
        for (outcome, effect) in self.0 {
            if outcome == wanted {
                effect();
            }
        }
    }
}
