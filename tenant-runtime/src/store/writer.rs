//! The one writer of a database: a queue whose waiting writes share a commit.
//!
//! Nobody waits to fill a batch: what queued up during one commit is the next batch. So a lone writer pays one fsync,
//! and a crowd shares it. Replies and effects come only after the commit that carries them. No thread belongs to a
//! tenant: the queue is drained on the pool, one batch at a time, so that tenants take turns.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::growth::Growth;
use super::pool::Pool;
use super::transaction::{Effects, Outcome, Tx};
use crate::error::{Error, Result};

/// Writes that may wait.
const WAITING: usize = 1024;
/// Writes that share a commit, at most.
const BATCH: usize = 256;
/// A batch that took this long is committed before it takes more.
const BATCH_TIME: Duration = Duration::from_millis(2);
/// What a write may take that keeps others waiting for their commit.
const LONGEST: Duration = Duration::from_secs(30);
/// What a write in a transaction of its own may take, such as making an index.
const LONGEST_ALONE: Duration = Duration::from_secs(300);

/// Whether a write may share its transaction with others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Sharing {
    Shared,
    Alone,
}

pub(super) struct Writer {
    pool: Pool,
    queue: Mutex<Queue>,
    commits: AtomicU64,
    /// Held only by the one thread that drains.
    tx: Mutex<Option<Tx>>,
}

#[derive(Default)]
struct Queue {
    writes: VecDeque<Write>,
    draining: bool,
    closed: bool,
}

struct Write {
    sharing: Sharing,
    /// Does the work, or with `None` just waits to tell how the batch failed.
    run: Run,
}

/// Carries a write out, or learns that there is no transaction for it.
type Run = Box<dyn FnOnce(Option<&mut Tx>) -> Reply + Send>;

/// Delivers a write's answer, given how the commit went.
type Reply = Box<dyn FnOnce(&Result<(), Failure>) + Send>;

/// Why nothing of a batch was committed, kept so that each of its writes can be told.
enum Failure {
    /// What SQLite said.
    Sqlite(rusqlite::ffi::Error, String),
    /// Another write took the transaction with it. Nothing is wrong with the rest: they may be tried again.
    Lost,
}

impl Writer {
    pub(super) fn new(connection: Connection, growth: Growth, pool: &Pool) -> Result<Writer> {
        let tx = Mutex::new(Some(Tx::new(connection, growth)?));
        Ok(Writer { pool: pool.clone(), queue: Mutex::default(), commits: AtomicU64::new(0), tx })
    }

    pub(super) async fn run<T, F>(self: &Arc<Self>, sharing: Sharing, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&mut Tx) -> Result<T> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel::<Result<T>>();
        let run = Box::new(move |tx: Option<&mut Tx>| -> Reply {
            let result = tx.map(|tx| tx.nested(work));
            Box::new(move |commit| {
                let _ = answer.send(match (result, commit) {
                    (Some(Err(error)), _) => Err(error),
                    (_, Err(failure)) => Err(failure.to_error()),
                    (Some(done), Ok(())) => done,
                    (None, Ok(())) => Err(Error::Busy),
                });
            })
        });
        self.push(Write { sharing, run })?;
        answered.await.unwrap_or_else(|_| Err(Error::Internal(anyhow!("a write was dropped"))))
    }

    /// How often something was committed.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Acquire)
    }

    fn push(self: &Arc<Self>, write: Write) -> Result<()> {
        let mut queue = self.lock();
        if queue.closed || queue.writes.len() >= WAITING {
            return Err(Error::Busy);
        }
        queue.writes.push_back(write);
        if !queue.draining {
            queue.draining = true;
            drop(queue);
            self.schedule();
        }
        Ok(())
    }

    fn schedule(self: &Arc<Self>) {
        let writer = Arc::clone(self);
        self.pool.spawn(Box::new(move || writer.drain()));
    }

    /// Commits one batch, then lets other tenants have their turn.
    fn drain(self: &Arc<Self>) {
        let mut slot = self.tx.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(tx) = slot.as_mut() {
            self.batch(tx);
        } else {
            self.lock().writes.clear();
        }
        drop(slot);
        let mut queue = self.lock();
        if queue.writes.is_empty() {
            queue.draining = false;
        } else {
            drop(queue);
            self.schedule();
        }
    }

    fn batch(&self, tx: &mut Tx) {
        let Some(first) = self.next(None) else { return };
        let alone = first.sharing == Sharing::Alone;
        let longest = if alone { LONGEST_ALONE } else { LONGEST };
        let mut done: Vec<(Reply, Effects)> = Vec::new();
        let mut next = Some(first);
        let began = tx.begin().map_err(|error| Failure::of("begin a transaction", error));
        let started = Instant::now();
        while let Some(write) = next {
            tx.limit(Some(longest));
            let reply = (write.run)(began.is_ok().then_some(&mut *tx));
            done.push((reply, tx.take_effects()));
            let lost = began.is_ok() && tx.is_lost();
            let full = alone || lost || done.len() >= BATCH || started.elapsed() > BATCH_TIME;
            next = if full { None } else { self.next(Some(Sharing::Shared)) };
        }
        tx.limit(None);
        let (outcome, committed) = match began {
            Ok(()) => commit(tx),
            Err(failure) => (Outcome::Undone, Err(failure)),
        };
        tx.ended(outcome);
        self.commits.fetch_add(1, Ordering::Release);
        for (reply, effects) in done {
            if catch_unwind(AssertUnwindSafe(|| effects.happen(outcome))).is_err() {
                tracing::error!("what follows a commit panicked");
            }
            reply(&committed);
        }
    }

    fn next(&self, sharing: Option<Sharing>) -> Option<Write> {
        let mut queue = self.lock();
        let fits = queue.writes.front().is_some_and(|write| sharing.is_none_or(|wanted| write.sharing == wanted));
        if fits { queue.writes.pop_front() } else { None }
    }

    /// Runs `work` on the writer's connection between two batches, outside any transaction. It may take as long as a
    /// write that shares with nobody.
    pub(super) async fn between<T, F>(self: &Arc<Self>, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T> + Send + 'static,
    {
        let writer = Arc::clone(self);
        let work = move || match writer.tx.lock().unwrap_or_else(PoisonError::into_inner).as_ref() {
            Some(tx) => {
                tx.limit(Some(LONGEST_ALONE));
                let done = work(tx);
                tx.limit(None);
                done
            }
            None => Err(Error::Busy),
        };
        self.pool.run(work).await?
    }

    /// Refuses new writes, finishes those queued, moves the log into the database and closes it.
    pub(super) async fn close(self: &Arc<Self>) -> Result<()> {
        let (answer, answered) = oneshot::channel();
        let last = Write { sharing: Sharing::Alone, run: Box::new(move |_| Box::new(move |_| _ = answer.send(()))) };
        {
            let mut queue = self.lock();
            if std::mem::replace(&mut queue.closed, true) {
                return Ok(());
            }
            queue.writes.push_back(last);
            if !queue.draining {
                queue.draining = true;
                self.schedule();
            }
        }
        let _ = answered.await;
        let writer = Arc::clone(self);
        self.pool
            .run(move || {
                let Some(tx) = writer.tx.lock().unwrap_or_else(PoisonError::into_inner).take() else { return Ok(()) };
                let connection = tx.into_connection();
                connection.flush_prepared_statement_cache();
                connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
                connection.close().map_err(|(_, error)| error.into())
            })
            .await?
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn commit(tx: &mut Tx) -> (Outcome, Result<(), Failure>) {
    let (outcome, failure) = if tx.is_lost() {
        (Outcome::Undone, Failure::Lost)
    } else {
        match tx.run("COMMIT") {
            Ok(()) => return (Outcome::Committed, Ok(())),
            Err(error) => (Outcome::Unsure, Failure::of("commit", error)),
        }
    };
    if let Err(error) = tx.run("ROLLBACK") {
        tracing::debug!("nothing to roll back: {error}");
    }
    (outcome, Err(failure))
}

impl Failure {
    fn of(what: &str, error: Error) -> Failure {
        tracing::error!("failed to {what}: {error}");
        match error {
            Error::Sqlite(rusqlite::Error::SqliteFailure(code, text)) => {
                Failure::Sqlite(code, text.unwrap_or_default())
            }
            _ => Failure::Lost,
        }
    }

    fn to_error(&self) -> Error {
        match self {
            Failure::Sqlite(code, text) => Error::Sqlite(rusqlite::Error::SqliteFailure(*code, Some(text.clone()))),
            Failure::Lost => Error::Busy,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Pool, Store, open_exclusive};
    use super::*;
    use crate::meter::Meter;

    fn store(dir: &std::path::Path) -> Store {
        let path = dir.join("data.db");
        let connection = open_exclusive(&path).expect("opens");
        connection.execute_batch("CREATE TABLE t (n INTEGER UNIQUE)").expect("creates");
        Store::new(&path, connection, &Pool::new(2), &Meter::default()).expect("is watched over")
    }

    #[tokio::test]
    async fn a_crowd_of_writers_is_all_committed_and_a_failing_one_undoes_only_itself() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = store(dir.path());
        let writes = (0..300).map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                store
                    .write(move |tx| {
                        tx.execute("INSERT INTO t VALUES (?1)", [n])?;
                        if n % 3 == 0 { Err(Error::NotFound) } else { Ok(()) }
                    })
                    .await
            })
        });
        let answers = futures_util::future::join_all(writes).await;
        assert_eq!(answers.iter().filter(|answer| matches!(answer, Ok(Ok(())))).count(), 200);
        let count = store.read(|db| Ok(db.query_row("SELECT count(*) FROM t", [], |row| row.get::<_, i64>(0))?)).await;
        assert_eq!(count.expect("reads"), 200);
    }

    #[tokio::test]
    async fn a_full_database_takes_nothing_more_and_everything_that_needs_no_room() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("data.db");
        let connection = open_exclusive(&path).expect("opens");
        connection.execute_batch("CREATE TABLE t (n INTEGER PRIMARY KEY, text TEXT)").expect("creates");
        let meter = Meter::default();
        let store = Store::new(&path, connection, &Pool::new(2), &meter).expect("is watched over");
        meter.bound(1 << 20, u64::MAX);
        let insert = |bytes: usize| {
            store.write(move |tx| Ok(tx.execute("INSERT INTO t (text) VALUES (?1)", ["x".repeat(bytes)])?))
        };
        let full = |answer: Result<usize>| matches!(answer, Err(Error::Full(_)));
        while insert(10_000).await.is_ok() {}
        assert!(meter.database.used() <= 1 << 20 && meter.database.used() > 900 << 10, "{}", meter.database.used());
        assert!(full(insert(10_000).await));
        assert!(full(store.write(|tx| tx.check_room().map(|()| 0)).await));
        store.write(|tx| Ok(tx.execute("UPDATE t SET text = replace(text, 'x', 'y')", [])?)).await.expect("no longer");
        assert!(full(store.write(|tx| Ok(tx.execute("UPDATE t SET text = text || text", [])?)).await));
        let essential = store.write(|tx| {
            tx.must_be_possible();
            Ok(tx.execute("INSERT INTO t (text) VALUES (?1)", ["z".repeat(10_000)])?)
        });
        essential.await.expect("is let through");
        // Larger than anything that is let through: SQLite itself ends it.
        let flood = "INSERT INTO t (text) WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT hex(zeroblob(9000)) FROM c";
        assert!(full(store.write_alone(move |tx| Ok(tx.execute(flood, [])?)).await));
        assert!(store.size() < 40 << 20, "{}", store.size());
        store.write(|tx| Ok(tx.execute("DELETE FROM t WHERE n < 50", [])?)).await.expect("deletes");
        insert(10_000).await.expect("there is room again");
        meter.bound(u64::MAX, u64::MAX);
        insert(2_000_000).await.expect("nothing is too much");
    }

    #[tokio::test]
    async fn effects_follow_the_outcome() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = store(dir.path());
        let (told, hears) = std::sync::mpsc::channel();
        for fails in [false, true] {
            let told = told.clone();
            let _ = store
                .write(move |tx| {
                    let (kept, undone) = (told.clone(), told);
                    tx.after_commit(move || kept.send("kept").expect("listened to"));
                    tx.after_rollback(move || undone.send("undone").expect("listened to"));
                    if fails { Err(Error::NotFound) } else { Ok(()) }
                })
                .await;
        }
        drop(told);
        assert_eq!(hears.iter().collect::<Vec<_>>(), ["kept", "undone"]);
    }

    #[tokio::test]
    async fn a_write_that_takes_the_transaction_with_it_is_told_why_and_the_others_may_try_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = store(dir.path());
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let held = store.write_alone(move |_| {
            wait.recv().expect("is let go");
            Ok(())
        });
        let before = store.write(|tx| Ok(tx.execute("INSERT INTO t VALUES (1)", [])?));
        let breaks = store.write(|tx| {
            tx.execute("INSERT INTO t VALUES (2)", [])?;
            tx.execute_batch("ROLLBACK")?;
            Err::<(), _>(Error::NotFound)
        });
        let after = store.write(|tx| Ok(tx.execute("INSERT INTO t VALUES (3)", [])?));
        let release = async { go.send(()).expect("is waited for") };
        let (_, before, breaks, after, ()) = tokio::join!(biased; held, before, breaks, after, release);
        assert!(matches!(before, Err(Error::Busy)), "{before:?}");
        assert!(matches!(breaks, Err(Error::NotFound)), "{breaks:?}");
        after.expect("is in the next batch");
        let kept =
            store.read(|db| Ok(db.query_row("SELECT group_concat(n) FROM t", [], |row| row.get::<_, String>(0))?));
        assert_eq!(kept.await.expect("reads"), "3");
    }

    #[tokio::test]
    async fn a_panicking_write_leaves_nothing_behind() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = store(dir.path());
        let panicked: Result<()> = store
            .write(|tx| {
                tx.execute("INSERT INTO t VALUES (1)", [])?;
                panic!("on purpose")
            })
            .await;
        assert!(panicked.is_err());
        store.write(|tx| Ok(tx.execute("INSERT INTO t VALUES (1)", [])?)).await.expect("the writer goes on");
    }

    #[tokio::test]
    async fn a_closed_store_leaves_one_clean_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let store = store(dir.path());
        store.write(|tx| Ok(tx.execute("INSERT INTO t VALUES (1)", [])?)).await.expect("writes");
        store.close().await.expect("closes");
        assert!(!dir.path().join("data.db-wal").exists());
        assert!(matches!(store.read(|_| Ok(())).await, Err(Error::Busy)));
    }
}
