//! What a backend did, kept in `auxiliary.db`: noted in memory, written in batches beside the path of any request.
//!
//! Nothing that notes an entry waits. The queue is bounded, and what does not fit is counted and told by an entry of its
//! own. The file is opened by the first batch rather than by waking, and closed again when the backend rests.

mod look;
mod table;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use chrono::{DateTime, Utc};
use rusqlite::Connection;
use serde_json::{Map, Value as Json};
use tokio::sync::{Notify, OwnedRwLockReadGuard, RwLock};

use crate::error::Result;
use crate::json;
use crate::meter::Meter;
use crate::records::list::Page;
use crate::settings::Logs as Wanted;
use crate::store::{self, Pool, Store};

pub use look::{LogEntry, LogPage, LogQuery, look_aside};

/// The name of the file in a data directory.
pub const FILE: &str = "auxiliary.db";
/// Levels as stock servers number them.
pub const INFO: i64 = 0;
/// Something that somebody should look at.
pub const WARN: i64 = 4;
/// Something that failed.
pub const ERROR: i64 = 8;

/// Entries that may wait; more are dropped.
const WAITING: usize = 4096;
/// So many entries are written without waiting for more.
const BATCH: usize = 1000;
/// Each takes a part of what is there away, so that after a few there is room.
const MOST_ROUNDS: usize = 16;
/// How long an entry waits for others.
const GATHER: Duration = Duration::from_secs(3);
/// Two batches are at least so far apart: a storm of requests is logged only as far as that leaves them their time.
const APART: Duration = Duration::from_secs(1);

/// The log of one backend.
pub struct Logs {
    path: PathBuf,
    pool: Pool,
    meter: Meter,
    wanted: ArcSwap<Wanted>,
    queue: Mutex<Queue>,
    /// Told when a batch is full.
    full: Notify,
    /// Absent until it is needed.
    database: Arc<RwLock<Option<Store>>>,
    /// Whether entries are there that the settings no longer want.
    unwanted: AtomicBool,
}

#[derive(Default)]
struct Queue {
    entries: Vec<Entry>,
    dropped: u64,
    /// Whether somebody is going to write what waits.
    expected: bool,
    closed: bool,
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// When it happened.
    pub created: DateTime<Utc>,
    /// -4 debug, 0 info, 4 warning, 8 error; others as one likes.
    pub level: i64,
    /// What happened.
    pub message: String,
    /// A JSON object.
    pub data: String,
}

impl Entry {
    /// An entry of this moment.
    pub fn new(level: i64, message: impl Into<String>, data: Map<String, Json>) -> Entry {
        Entry { created: Utc::now(), level, message: message.into(), data: json::text(&Json::Object(data)) }
    }
}

impl Logs {
    /// The log of a data directory. Opens nothing.
    pub fn new(dir: &Path, pool: &Pool, meter: &Meter, wanted: &Wanted) -> Arc<Logs> {
        let path = dir.join(FILE);
        meter.logs.set_used(path.metadata().map_or(0, |file| file.len()));
        Arc::new(Logs {
            path,
            pool: pool.clone(),
            meter: meter.clone(),
            wanted: ArcSwap::from_pointee(wanted.clone()),
            queue: Mutex::default(),
            full: Notify::new(),
            database: Arc::default(),
            unwanted: AtomicBool::new(false),
        })
    }

    /// What is to be logged.
    pub fn wanted(&self) -> Arc<Wanted> {
        self.wanted.load_full()
    }

    /// Takes new settings. What they no longer want goes with the next batch.
    pub fn set_wanted(&self, wanted: &Wanted) {
        if *self.wanted.load_full() != *wanted {
            self.wanted.store(Arc::new(wanted.clone()));
            self.unwanted.store(true, Ordering::Release);
        }
    }

    /// Whether entries of that level are kept.
    pub fn wants(&self, level: i64) -> bool {
        let wanted = self.wanted.load();
        wanted.max_days > 0 && level >= wanted.min_level
    }

    /// Notes an entry. Never waits; without a tokio runtime around it is written together with the next one.
    pub fn note(self: &Arc<Self>, entry: Entry) {
        if !self.wants(entry.level) {
            return;
        }
        let mut queue = self.lock();
        if queue.closed {
            return;
        }
        if queue.entries.len() >= WAITING {
            queue.dropped += 1;
            return;
        }
        queue.entries.push(entry);
        if queue.entries.len() == BATCH {
            self.full.notify_one();
        }
        if !queue.expected
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            queue.expected = true;
            drop(queue);
            runtime.spawn(Arc::clone(self).write_soon());
        }
    }

    /// Notes that something failed, for the backend's superusers and for the operator.
    pub fn failed(self: &Arc<Self>, what: &str, error: &dyn std::fmt::Display) {
        tracing::warn!("{what}: {error:#}");
        let data = Map::from_iter([("error".to_owned(), Json::from(error.to_string()))]);
        self.note(Entry::new(ERROR, what, data));
    }

    /// A page of entries as JSON.
    ///
    /// # Errors
    /// 400 for a filter or sort that makes no sense.
    pub async fn list(self: &Arc<Self>, page: Page) -> Result<Vec<u8>> {
        self.read(move |db| table::list(db, &page)).await
    }

    /// One entry as JSON.
    pub async fn find(self: &Arc<Self>, id: String) -> Result<Option<Vec<u8>>> {
        self.read(move |db| table::find(db, &id)).await
    }

    /// How many entries there are by the hour, as JSON.
    ///
    /// # Errors
    /// 400 for a filter that makes no sense.
    pub async fn stats(self: &Arc<Self>, filter: String) -> Result<Vec<u8>> {
        self.read(move |db| table::stats(db, &filter)).await
    }

    /// Entries as the platform looks at them.
    pub async fn look(self: &Arc<Self>, query: LogQuery) -> Result<LogPage> {
        self.read(move |db| look::look(db, &query)).await
    }

    /// Removes all entries.
    pub async fn clear(self: &Arc<Self>) -> Result<()> {
        self.lock().entries.clear();
        self.opened().await?.write(|tx| table::clear(tx)).await
    }

    /// Removes what is older than the settings say, or of a lower level.
    pub async fn remove_unwanted(self: &Arc<Self>) -> Result<()> {
        self.unwanted.store(false, Ordering::Release);
        let wanted = self.wanted();
        self.opened().await?.write(move |tx| table::remove_unwanted(tx, &wanted, Utc::now())).await
    }

    /// Writes what waits.
    pub async fn flush(self: &Arc<Self>) -> Result<()> {
        let (entries, dropped) = {
            let mut queue = self.lock();
            (std::mem::take(&mut queue.entries), std::mem::take(&mut queue.dropped))
        };
        if !entries.is_empty() {
            let written = self.opened().await?.write(move |tx| table::insert(tx, &entries, dropped)).await;
            self.make_room().await?;
            written?;
        }
        if self.unwanted.load(Ordering::Acquire) {
            self.remove_unwanted().await?;
        }
        Ok(())
    }

    /// Removes the oldest entries while there are more than there may be.
    async fn make_room(self: &Arc<Self>) -> Result<()> {
        for _ in 0..MOST_ROUNDS {
            if self.meter.logs.used() <= self.meter.logs.most() {
                break;
            }
            self.opened().await?.write(|tx| table::remove_oldest(tx)).await?;
        }
        Ok(())
    }

    /// The file as it is after everything noted so far, kept open while the guard lives.
    pub async fn database(self: &Arc<Self>) -> Result<OwnedRwLockReadGuard<Option<Store>, Store>> {
        self.flush().await?;
        self.opened().await
    }

    /// Writes what waits and closes the file until it is needed again.
    pub async fn rest(self: &Arc<Self>) {
        if let Err(error) = self.flush().await {
            tracing::warn!("failed to write logs: {error}");
        }
        // Whoever uses the file now keeps it open until the next rest.
        if let Ok(mut database) = self.database.try_write()
            && let Some(store) = database.take()
            && let Err(error) = store.close().await
        {
            tracing::warn!("failed to close the logs: {error}");
        }
    }

    /// Writes what waits and closes for good: later entries are forgotten.
    pub async fn close(self: &Arc<Self>) -> Result<()> {
        let written = self.flush().await;
        self.lock().closed = true;
        match self.database.write().await.take() {
            Some(store) => written.and(store.close().await),
            None => written,
        }
    }

    async fn read<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl Fn(&Connection) -> Result<T> + Send + Sync + 'static,
    ) -> Result<T> {
        self.database().await?.read(work).await
    }

    /// Opens the file if it is closed.
    async fn opened(&self) -> Result<OwnedRwLockReadGuard<Option<Store>, Store>> {
        loop {
            let database = Arc::clone(&self.database).read_owned().await;
            if let Ok(store) = OwnedRwLockReadGuard::try_map(database, Option::as_ref) {
                return Ok(store);
            }
            let mut database = self.database.write().await;
            if database.is_none() {
                let (path, pool, meter) = (self.path.clone(), self.pool.clone(), self.meter.clone());
                *database = Some(self.pool.run(move || open(&path, &pool, &meter)).await??);
            }
        }
    }

    async fn write_soon(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(GATHER) => {}
                () = self.full.notified() => {}
            }
            if let Err(error) = self.flush().await {
                tracing::warn!("failed to write logs: {error}");
            }
            tokio::time::sleep(APART).await;
            let mut queue = self.lock();
            if queue.entries.is_empty() {
                queue.expected = false;
                return;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A crash of the whole machine may cost the last entries, so commits need not wait for the disk.
fn open(path: &Path, pool: &Pool, meter: &Meter) -> Result<Store> {
    let connection = store::open_exclusive(path)?;
    connection.execute_batch("PRAGMA synchronous = NORMAL")?;
    table::prepare(&connection)?;
    Store::of_logs(path, connection, pool, meter)
}

/// Makes the file of a new data directory.
pub fn create(dir: &Path) -> Result<()> {
    table::prepare(&store::open_exclusive(&dir.join(FILE))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs(dir: &Path) -> Arc<Logs> {
        Logs::new(dir, &Pool::new(2), &Meter::default(), &Wanted::default())
    }

    fn entry(level: i64, message: &str) -> Entry {
        Entry::new(level, message, Map::new())
    }

    async fn messages(logs: &Arc<Logs>) -> Vec<String> {
        let page = Page::parse(|name| (name == "sort").then_some("@rowid")).expect("sound");
        let json: Json = serde_json::from_slice(&logs.list(page).await.expect("lists")).expect("JSON");
        let items = json["items"].as_array().expect("a list").iter();
        items.map(|item| item["message"].as_str().expect("a text").to_owned()).collect()
    }

    #[tokio::test]
    async fn entries_are_written_by_whoever_wants_to_read_them() {
        let dir = tempfile::tempdir().expect("a directory");
        let logs = logs(dir.path());
        assert!(!dir.path().join(FILE).exists(), "nothing is opened before it is needed");
        logs.note(entry(INFO, "one"));
        logs.note(entry(ERROR, "two"));
        assert_eq!(messages(&logs).await, ["one", "two"]);
    }

    #[tokio::test]
    async fn resting_writes_and_closes_and_the_log_goes_on() {
        let dir = tempfile::tempdir().expect("a directory");
        let logs = logs(dir.path());
        logs.note(entry(INFO, "one"));
        logs.rest().await;
        assert!(!dir.path().join("auxiliary.db-wal").exists());
        logs.note(entry(INFO, "two"));
        assert_eq!(messages(&logs).await, ["one", "two"]);
        logs.close().await.expect("closes");
        logs.note(entry(INFO, "three"));
        assert!(logs.lock().entries.is_empty());
    }

    #[tokio::test]
    async fn what_does_not_fit_is_counted() {
        let dir = tempfile::tempdir().expect("a directory");
        let logs = logs(dir.path());
        (0..WAITING + 3).for_each(|_| logs.note(entry(INFO, "again")));
        logs.flush().await.expect("writes");
        let last: Json = logs
            .read(|db| table::list(db, &Page::parse(|name| (name == "sort").then_some("-@rowid"))?))
            .await
            .map(|json| serde_json::from_slice(&json).expect("JSON"))
            .expect("lists");
        assert_eq!(last["items"][0]["data"]["dropped"], 3);
        assert_eq!(last["totalItems"], WAITING + 1);
    }

    #[tokio::test]
    async fn new_settings_take_away_what_they_do_not_want() {
        let dir = tempfile::tempdir().expect("a directory");
        let logs = logs(dir.path());
        logs.note(entry(INFO, "fine"));
        logs.note(entry(ERROR, "broken"));
        logs.flush().await.expect("writes");
        logs.set_wanted(&Wanted { min_level: ERROR, ..Wanted::default() });
        logs.note(entry(WARN, "odd"));
        assert_eq!(messages(&logs).await, ["broken"]);
        logs.set_wanted(&Wanted { max_days: 0, ..Wanted::default() });
        assert_eq!(messages(&logs).await, Vec::<String>::new());
    }
}
