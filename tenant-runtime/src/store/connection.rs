//! How a database is opened: pragmas, and what SQL that tenants write may not do.

use std::panic::RefUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow};
use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use super::functions;
use crate::error::Result;

/// Statements each connection keeps ready.
const STATEMENTS: usize = 96;
/// Virtual machine steps between two looks at the clock.
const STEPS: i32 = 1000;
/// Bytes of a row or a value, at most: twice what a body may have by default. SQLite's own limit is a gigabyte, and one
/// function call reaches it.
const LARGEST_ROW: i32 = 64 << 20;
/// How long another process may hold the database.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long a database that somebody else made may take to answer,
const LOOK: Duration = Duration::from_secs(60);
/// and for so many bytes of it another second, if what is asked is about all of it: a slow disk reads it several times.
const LOOK_BYTES: u64 = 4 << 20;
/// A database may be written anew if the disk has so many times its size free: for a temporary one, for the log, and some.
const VACUUM_TAKES: u64 = 3;

/// Opens the writer of a database, creating the file if it is absent.
pub fn open_exclusive(path: &Path) -> Result<Connection> {
    let connection = open_untouched(path)?;
    take_over(&connection)?;
    Ok(connection)
}

/// Opens a database of which it is not yet known whose it is: until [`take_over`], nothing but statements of the caller
/// changes a byte of it.
pub fn open_untouched(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    if log_of(path).exists() {
        // Whoever closes a database last would move what is in the log.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    }
    confine(&connection)?;
    connection.busy_timeout(PATIENCE)?;
    functions::register(&connection)?;
    Ok(connection)
}

/// Makes the connection the writer of a database that is ours.
pub fn take_over(connection: &Connection) -> Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA journal_size_limit = 200000000; PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -2000;",
    )?;
    Ok(())
}

/// Where a table should be, a database that somebody else made may have a view without end, or its triggers may be: from
/// now on all statements of this connection together may take as long as a look at a few tables does. [`trust`] ends that.
pub fn distrust(connection: &Connection) -> rusqlite::Result<()> {
    let until = Instant::now() + LOOK;
    connection.progress_handler(STEPS, Some(move || Instant::now() > until))
}

/// The same for questions about all of a database, which may take longer the larger it is. They end, too, as soon as
/// `stop` says so.
pub fn distrust_all(
    connection: &Connection,
    stop: impl Fn() -> bool + Send + RefUnwindSafe + 'static,
) -> rusqlite::Result<()> {
    let path = connection.path().map(PathBuf::from).unwrap_or_default();
    let bytes: u64 = [log_of(&path), path].iter().filter_map(|file| file.metadata().ok()).map(|file| file.len()).sum();
    let until = Instant::now() + LOOK + Duration::from_secs(bytes / LOOK_BYTES);
    connection.progress_handler(STEPS, Some(move || stop() || Instant::now() > until))
}

/// From now on statements of this connection may take as long as they need.
pub fn trust(connection: &Connection) -> rusqlite::Result<()> {
    connection.progress_handler(0, None::<fn() -> bool>)
}

/// Opens one more connection that can only read.
pub(super) fn open_reader(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    // What a query sorts or groups goes to a file when it outgrows the cache: it may be many times the data.
    connection.execute_batch("PRAGMA temp_store = FILE; PRAGMA cache_size = -2000;")?;
    confine(&connection)?;
    functions::register(&connection)?;
    Ok(connection)
}

/// Opens a database to look at it while nobody has it open, or somebody else may: nothing of it changes, and no file
/// appears beside it. What a crash left in the log is seen, too.
pub fn open_aside(path: &Path) -> Result<Connection> {
    if log_of(path).exists() {
        return open_reader(path);
    }
    let mut url = url::Url::from_file_path(path).map_err(|()| rusqlite::Error::InvalidPath(path.to_owned()))?;
    url.set_query(Some("immutable=1"));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(url.as_str(), flags)?;
    confine(&connection)?;
    functions::register(&connection)?;
    Ok(connection)
}

/// Writes the database anew without its free pages. SQLite attaches a temporary database for that: nobody else's
/// statement runs before the connection is confined again.
pub(super) fn vacuum(connection: &Connection) -> Result<()> {
    let path = connection.path().map(PathBuf::from).unwrap_or_default();
    let disk = rustix::fs::statvfs(&path).context("look at the disk")?;
    if disk.f_bavail.saturating_mul(disk.f_frsize) / VACUUM_TAKES
        < path.metadata().context("look at the database")?.len()
    {
        return Err(anyhow!("the disk has too little room to write the database anew").into());
    }
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 1)?;
    connection.authorizer(None::<fn(AuthContext<'_>) -> Authorization>)?;
    // The temporary database in memory would be as large as the data.
    let done = connection.execute_batch("PRAGMA temp_store = FILE; VACUUM");
    connection.execute_batch("PRAGMA temp_store = MEMORY")?;
    confine(connection)?;
    Ok(done?)
}

/// No other database file can be reached from this connection, no code loaded into it, and no value fills the memory.
fn confine(connection: &Connection) -> Result<()> {
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    // What virtual tables keep in tables of their own can be read but not written past them.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LARGEST_ROW)?;
    connection.authorizer(Some(|action: AuthContext<'_>| stays_inside(&action.action)))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    Ok(())
}

fn stays_inside(action: &AuthAction<'_>) -> Authorization {
    match action {
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => Authorization::Deny,
        AuthAction::Function { function_name } if function_name.eq_ignore_ascii_case("load_extension") => {
            Authorization::Deny
        }
        _ => Authorization::Allow,
    }
}

/// Runs `work`, whose statements somebody typed: besides staying inside the file they leave nothing behind in the
/// connection. Transactions are ours to begin and end, a temporary table would stand before a real one of its name, and
/// most pragmas change what the connection is.
pub fn typed<T>(connection: &Connection, work: impl FnOnce() -> T) -> Result<T> {
    connection.authorizer(Some(|action: AuthContext<'_>| leaves_no_trace(&action)))?;
    let guard = Typed(connection);
    let done = work();
    drop(guard);
    Ok(done)
}

/// Puts the connection back as it was, whatever happens.
struct Typed<'a>(&'a Connection);

impl Drop for Typed<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.0.authorizer(Some(|action: AuthContext<'_>| stays_inside(&action.action))) {
            tracing::error!("a connection keeps the limits of typed statements: {error}");
        }
    }
}

fn leaves_no_trace(context: &AuthContext<'_>) -> Authorization {
    match &context.action {
        AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => Authorization::Deny,
        action if context.database_name == Some("temp") && !matches!(action, AuthAction::Read { .. }) => {
            Authorization::Deny
        }
        AuthAction::Pragma { pragma_name, pragma_value } if !only_tells(pragma_name, *pragma_value) => {
            Authorization::Deny
        }
        action => stays_inside(action),
    }
}

/// Pragmas that change nothing: some in any form, some without a value.
fn only_tells(name: &str, value: Option<&str>) -> bool {
    const ANY: [&str; 12] = [
        "collation_list",
        "compile_options",
        "foreign_key_check",
        "foreign_key_list",
        "function_list",
        "index_info",
        "index_list",
        "index_xinfo",
        "integrity_check",
        "quick_check",
        "table_info",
        "table_xinfo",
    ];
    const BARE: [&str; 12] = [
        "application_id",
        "auto_vacuum",
        "encoding",
        "foreign_keys",
        "freelist_count",
        "journal_mode",
        "module_list",
        "page_count",
        "page_size",
        "schema_version",
        "table_list",
        "user_version",
    ];
    let is = |known: &&str| known.eq_ignore_ascii_case(name);
    ANY.iter().any(&is) || (value.is_none() && BARE.iter().any(&is))
}

/// Ends statements of one connection that run too long.
pub(super) struct Deadline {
    base: Instant,
    limits: Arc<Limits>,
}

struct Limits {
    /// Microseconds after [`Deadline::base`]; `u64::MAX` when there is none.
    at: AtomicU64,
    /// Microseconds of this thread's own work; `u64::MAX` when it does not matter.
    work: AtomicU64,
    /// What this thread had worked when the first [`STEPS`] were done; 0 before.
    worked: AtomicU64,
}

impl Deadline {
    /// Watches over `connection` from now on.
    pub(super) fn install(connection: &Connection) -> Result<Deadline> {
        let base = Instant::now();
        let limits = Arc::new(Limits {
            at: AtomicU64::new(u64::MAX),
            work: AtomicU64::new(u64::MAX),
            worked: AtomicU64::new(0),
        });
        let watched = Arc::clone(&limits);
        connection.progress_handler(STEPS, Some(move || watched.are_exceeded(base)))?;
        Ok(Deadline { base, limits })
    }

    /// From now on statements may run this long, all together.
    pub(super) fn allow(&self, time: Duration) {
        self.limits.at.store(micros(self.base.elapsed() + time), Ordering::Relaxed);
        self.limits.work.store(u64::MAX, Ordering::Relaxed);
    }

    /// From now on statements may run this long, and keep this thread's core busy for so much of it: what a thread
    /// waits for its turn says nothing about the statement.
    pub(super) fn allow_work(&self, work: Duration, time: Duration) {
        self.allow(time);
        self.limits.work.store(micros(work), Ordering::Relaxed);
        self.limits.worked.store(0, Ordering::Relaxed);
    }

    /// From now on statements may take as long as they need.
    pub(super) fn lift(&self) {
        self.limits.at.store(u64::MAX, Ordering::Relaxed);
        self.limits.work.store(u64::MAX, Ordering::Relaxed);
    }
}

impl Limits {
    fn are_exceeded(&self, base: Instant) -> bool {
        let at = self.at.load(Ordering::Relaxed);
        if at != u64::MAX && micros(base.elapsed()) > at {
            return true;
        }
        let work = self.work.load(Ordering::Relaxed);
        if work == u64::MAX {
            return false;
        }
        let now = thread_work();
        match self.worked.load(Ordering::Relaxed) {
            0 => self.worked.store(now, Ordering::Relaxed),
            before => return now.saturating_sub(before) > work,
        }
        false
    }
}

/// Microseconds this thread has kept a core busy.
fn thread_work() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    u64::try_from(time.tv_sec * 1_000_000 + time.tv_nsec / 1_000).unwrap_or(0)
}

/// Where a database's log is while it is open.
pub(super) fn log_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    PathBuf::from(name)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_file_cannot_be_attached() {
        let dir = tempfile::tempdir().expect("a directory");
        let connection = open_exclusive(&dir.path().join("data.db")).expect("opens");
        let other = dir.path().join("other.db").display().to_string();
        assert!(connection.execute("ATTACH ?1 AS other", [&other]).is_err());
        assert!(connection.execute("VACUUM INTO ?1", [&other]).is_err());
    }

    #[test]
    fn what_is_typed_leaves_nothing_behind() {
        let dir = tempfile::tempdir().expect("a directory");
        let connection = open_exclusive(&dir.path().join("data.db")).expect("opens");
        let run = |sql: &str| connection.execute_batch(sql);
        run("CREATE TABLE u (a)").expect("is ours to do");
        for sql in [
            "BEGIN",
            "SAVEPOINT a",
            "CREATE TEMP TABLE t (a)",
            "CREATE TEMP VIEW v AS SELECT 1",
            "CREATE TABLE temp.t (a)",
            "CREATE TEMP TRIGGER t AFTER INSERT ON u BEGIN SELECT 1; END",
            "CREATE VIRTUAL TABLE temp.t USING fts5 (a)",
            "ATTACH ':memory:' AS other",
            "SELECT load_extension('x')",
            "PRAGMA journal_mode = DELETE",
            "PRAGMA writable_schema = 1",
            "PRAGMA foreign_keys = 0",
            "PRAGMA database_list",
            "PRAGMA wal_checkpoint",
            "SELECT * FROM pragma_database_list",
            "SELECT length(zeroblob(100000000))",
        ] {
            assert!(typed(&connection, || run(sql)).expect("is limited").is_err(), "{sql}");
        }
        for sql in [
            "CREATE TABLE t (a)",
            "CREATE TABLE s AS SELECT * FROM t ORDER BY random()",
            "CREATE VIRTUAL TABLE f USING fts5 (a)",
            "INSERT INTO t VALUES (1)",
            "SELECT * FROM t UNION SELECT * FROM u ORDER BY 1",
            "PRAGMA table_info(t)",
            "PRAGMA user_version",
        ] {
            assert!(typed(&connection, || run(sql)).expect("is limited").is_ok(), "{sql}");
        }
        assert!(run("BEGIN; CREATE TEMP TABLE mine (a); COMMIT").is_ok(), "the limits are for what is typed");
        assert!(run("ATTACH ':memory:' AS other").is_err(), "others stay");
    }

    #[test]
    fn an_endless_query_is_ended() {
        let dir = tempfile::tempdir().expect("a directory");
        let connection = open_exclusive(&dir.path().join("data.db")).expect("opens");
        let deadline = Deadline::install(&connection).expect("installs");
        deadline.allow(Duration::from_millis(5));
        let endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
        let error = connection.query_row(endless, [], |row| row.get::<_, i64>(0)).expect_err("is ended");
        assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::OperationInterrupted));
    }

    #[test]
    fn what_somebody_else_made_is_asked_only_until_told_to_stop() {
        let dir = tempfile::tempdir().expect("a directory");
        let connection = open_exclusive(&dir.path().join("data.db")).expect("opens");
        let endless =
            "CREATE VIEW v AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";
        connection.execute_batch(endless).expect("creates");
        let (asked, looks) = (AtomicU64::new(0), 5);
        distrust_all(&connection, move || asked.fetch_add(1, Ordering::Relaxed) == looks).expect("installs");
        let error =
            connection.query_row("SELECT count(*) FROM v", [], |row| row.get::<_, i64>(0)).expect_err("is ended");
        assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::OperationInterrupted));
        trust(&connection).expect("removes");
        let some = "SELECT count(*) FROM (SELECT i FROM v LIMIT 100000)";
        assert_eq!(connection.query_row(some, [], |row| row.get::<_, i64>(0)).expect("counts"), 100_000);
    }

    #[test]
    fn the_linked_sqlite_has_the_wal_reset_fix() {
        assert!(rusqlite::version_number() >= 3_051_003, "{}", rusqlite::version());
    }
}
