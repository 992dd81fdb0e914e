//! The readers of one database: opened when first needed, at most two at work at once.
//!
//! A read first runs right where it is asked for, with a budget of about a millisecond: most are over long before, and
//! a hop to another thread would cost more than the read. One that exceeds the budget is started again on the pool, so
//! the budget is of work: were it of time, a busy machine would do reads twice and be busier still.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::anyhow;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::connection::{self, Deadline};
use super::pool::{Job, Pool};
use crate::error::{Error, Result};

/// How many reads of one tenant run at the same time on the pool.
const AT_ONCE: usize = 2;
/// Idle connections kept.
const KEPT: usize = 3;
/// Reads that may wait for their turn.
const WAITING: usize = 4096;
/// The work a read may be where it is asked for.
const INLINE_WORK: Duration = Duration::from_millis(1);
/// How long it may take there, if it waits for a disk.
const INLINE_TIME: Duration = Duration::from_millis(10);
/// What any read may take.
const LONGEST: Duration = Duration::from_secs(30);

pub(super) struct Readers {
    path: PathBuf,
    pool: Pool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    idle: Vec<Reader>,
    running: usize,
    waiting: VecDeque<Job>,
    closed: bool,
}

struct Reader {
    connection: Connection,
    deadline: Deadline,
}

impl Readers {
    pub(super) fn new(path: &Path, pool: &Pool) -> Readers {
        Readers { path: path.to_owned(), pool: pool.clone(), state: Mutex::default() }
    }

    pub(super) async fn run<T, F>(self: &Arc<Self>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: Fn(&Connection) -> Result<T> + Send + Sync + 'static,
    {
        match self.attempt(&work, |deadline| deadline.allow_work(INLINE_WORK, INLINE_TIME)) {
            Err(error) if is_interrupted(&error) => {}
            answer => return answer,
        }
        let (answer, answered) = oneshot::channel();
        let readers = Arc::clone(self);
        self.queue(Box::new(move || {
            let _ = answer.send(readers.attempt(&work, as_long_as_any));
            readers.finished();
        }))?;
        answered.await.unwrap_or_else(|_| Err(Error::Internal(anyhow!("the read panicked"))))
    }

    /// Runs `work` on this thread for as long as any read may take.
    pub(super) fn run_here<T>(&self, work: impl Fn(&Connection) -> Result<T>) -> Result<T> {
        self.attempt(work, as_long_as_any)
    }

    /// Runs `work` here and now, for as long as `allow` says.
    fn attempt<T>(&self, work: impl Fn(&Connection) -> Result<T>, allow: impl FnOnce(&Deadline)) -> Result<T> {
        let reader = self.take()?;
        allow(&reader.deadline);
        let answer = catch_unwind(AssertUnwindSafe(|| work(&reader.connection)));
        self.put_back(reader);
        match answer {
            Ok(answer) => answer,
            Err(_) => Err(Error::Internal(anyhow!("a read panicked"))),
        }
    }

    fn take(&self) -> Result<Reader> {
        {
            let mut state = self.lock();
            if state.closed {
                return Err(Error::Busy);
            }
            if let Some(reader) = state.idle.pop() {
                return Ok(reader);
            }
        }
        let connection = connection::open_reader(&self.path)?;
        let deadline = Deadline::install(&connection)?;
        Ok(Reader { connection, deadline })
    }

    fn put_back(&self, reader: Reader) {
        let mut state = self.lock();
        if state.idle.len() < KEPT && !state.closed {
            state.idle.push(reader);
        }
    }

    fn queue(&self, job: Job) -> Result<()> {
        let mut state = self.lock();
        if state.closed || state.waiting.len() >= WAITING {
            return Err(Error::Busy);
        }
        if state.running < AT_ONCE {
            state.running += 1;
            drop(state);
            self.pool.spawn(job);
        } else {
            state.waiting.push_back(job);
        }
        Ok(())
    }

    /// One read on the pool is over: the next of this tenant goes to the end of the pool's queue.
    fn finished(&self) {
        let mut state = self.lock();
        match state.waiting.pop_front() {
            Some(next) => {
                drop(state);
                self.pool.spawn(next);
            }
            None => state.running -= 1,
        }
    }

    pub(super) fn rest(&self) {
        let idle = std::mem::take(&mut self.lock().idle);
        drop(idle);
    }

    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        state.waiting.clear();
        let idle = std::mem::take(&mut state.idle);
        drop(state);
        drop(idle);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn as_long_as_any(deadline: &Deadline) {
    deadline.allow(LONGEST);
}

fn is_interrupted(error: &Error) -> bool {
    matches!(error, Error::Sqlite(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::OperationInterrupted))
}
