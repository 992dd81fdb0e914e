//! A database as it is at one moment, to be copied while it is written to.
//!
//! An open read transaction is what pins it. No checkpoint moves a page past that moment into the database while the
//! transaction lasts, and the log is not begun anew under it: the file's bytes and then the log's bytes, read at leisure,
//! are together a database that SQLite recovers to that moment or a commit shortly after it. The writer waits for nothing.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;

use super::connection;
use crate::error::Result;

/// The database's own file, opened at most once and closed only after SQLite closed it: closing any descriptor of a
/// file drops all locks this process has on it, SQLite's too.
#[derive(Default)]
pub(super) struct Descriptor(Mutex<Option<Arc<File>>>);

impl Descriptor {
    fn get(&self, path: &Path) -> io::Result<Arc<File>> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &*slot {
            Some(file) => Ok(Arc::clone(file)),
            None => Ok(Arc::clone(slot.insert(Arc::new(File::open(path)?)))),
        }
    }

    /// To be called when no connection is left.
    pub(super) fn close(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// A database that stays as it is while this lives. To be dropped before its store is closed.
pub struct Pinned {
    /// Holds the read transaction.
    reader: Connection,
    database: Arc<File>,
    length: u64,
    log: PathBuf,
}

impl Pinned {
    pub(super) fn new(path: &Path, descriptor: &Descriptor) -> Result<Pinned> {
        let database = descriptor.get(path)?;
        let reader = connection::open_reader(path)?;
        reader.execute_batch("BEGIN; SELECT count(*) FROM sqlite_schema;")?;
        let log = connection::log_of(path);
        Ok(Pinned { reader, length: database.metadata()?.len(), database, log })
    }

    /// Pins a database that this process has not opened otherwise.
    pub fn of(path: &Path) -> Result<Pinned> {
        Pinned::new(path, &Descriptor::default())
    }

    /// The bytes of the database; to be read to their end before those of the log.
    pub fn database(&self) -> impl Read + '_ {
        Part { file: &self.database, at: 0, end: self.length }
    }

    /// Reads what is pinned.
    pub fn read<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        Ok(work(&self.reader)?)
    }

    /// How many bytes the database has.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The log as long as it is now; none if it is empty. Nobody locks it, so it may be opened and closed at will.
    pub fn log(&self) -> io::Result<Option<(u64, impl Read)>> {
        let file = match File::open(&self.log) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        Ok((length > 0).then(|| (length, file.take(length))))
    }
}

/// A stretch of a file, read without moving anybody else's place in it.
struct Part<'f> {
    file: &'f File,
    at: u64,
    end: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let wanted = buffer.len().min(left);
        let read = self.file.read_at(&mut buffer[..wanted], self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::{Pool, Store, open_exclusive};
    use super::*;

    const ROWS: i64 = 400;

    /// Both tables always have as many rows, and large ones, so that pages move about.
    fn store(path: &Path) -> Store {
        let db = open_exclusive(path).expect("opens");
        db.execute_batch("PRAGMA wal_autocheckpoint = 8; CREATE TABLE a (n, t); CREATE TABLE b (n, t);")
            .expect("creates");
        Store::new(path, db, &Pool::new(2), &crate::meter::Meter::default()).expect("takes over")
    }

    async fn add(store: &Store, n: i64) {
        let write = move |tx: &mut super::super::Tx| {
            let text = "x".repeat(usize::try_from(n % 37).unwrap_or_default() * 50);
            tx.execute("INSERT INTO a VALUES (?1, ?2)", rusqlite::params![n, text])?;
            tx.execute("INSERT INTO b VALUES (?1, ?2)", rusqlite::params![n, text])?;
            tx.execute("DELETE FROM a WHERE n = ?1 - 50", [n])?;
            tx.execute("DELETE FROM b WHERE n = ?1 - 50", [n])?;
            Ok(())
        };
        store.write(write).await.expect("writes");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_copy_taken_amid_writes_and_checkpoints_is_whole() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("data.db");
        let store = store(&path);
        let writer = store.clone();
        let writing = tokio::spawn(async move {
            for n in 0..ROWS {
                add(&writer, n).await;
            }
        });
        let mut copies = 0;
        while !writing.is_finished() {
            let target = dir.path().join(format!("copy-{copies}.db"));
            let (of, to) = (store.clone(), target.clone());
            tokio::task::spawn_blocking(move || copy_slowly(&of.pin().expect("pins"), &to)).await.expect("copies");
            let copy = Connection::open(&target).expect("opens");
            let check: String = copy.query_row("PRAGMA integrity_check", [], |row| row.get(0)).expect("checks");
            assert_eq!(check, "ok");
            let sums = "SELECT (SELECT count(*) FROM a) = (SELECT count(*) FROM b) AND (SELECT sum(n) FROM a) IS (SELECT sum(n) FROM b)";
            assert!(copy.query_row(sums, [], |row| row.get::<_, bool>(0)).expect("counts"));
            copies += 1;
        }
        writing.await.expect("wrote");
        assert!(copies > 0);
        store.close().await.expect("closes, as nothing is pinned");
    }

    /// In small pieces, so that the database changes between them.
    fn copy_slowly(pinned: &Pinned, target: &Path) {
        let mut bytes = Vec::new();
        let (mut database, mut piece) = (pinned.database(), [0; 1000]);
        while let Ok(read @ 1..) = database.read(&mut piece) {
            bytes.extend_from_slice(&piece[..read]);
            std::thread::yield_now();
        }
        fs::write(target, bytes).expect("writes");
        if let Some((_, mut log)) = pinned.log().expect("opens") {
            let mut bytes = Vec::new();
            log.read_to_end(&mut bytes).expect("reads");
            fs::write(target.with_extension("db-wal"), bytes).expect("writes");
        }
    }
}
