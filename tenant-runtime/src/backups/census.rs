//! What a backup holds, counted while it is written. The copy that is restored from it must count the same.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::panic::RefUnwindSafe;
use std::path::Path;

use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::store;

/// What stock servers put beside each file of a record.
const SIDECAR: &str = ".attrs";

/// Records and files of one backend.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Census {
    /// How many records each collection has, views apart.
    pub records: BTreeMap<String, u64>,
    /// The files of records.
    pub files: Files,
}

/// So many files of so many bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Files {
    /// How many.
    pub count: u64,
    /// Their bytes together.
    pub bytes: u64,
}

impl Files {
    pub(super) fn add(&mut self, bytes: u64) {
        self.count += 1;
        self.bytes += bytes;
    }
}

/// Whether an entry of an archive is a file of a record.
pub(super) fn is_record_file(name: &str) -> bool {
    name.starts_with("storage/") && !name.ends_with(SIDECAR)
}

/// Counts the records of every collection that has a table of its own. What somebody put in the place of one may have no
/// end: that, and `stop`, ends the connection's statements in time.
pub(super) fn records(
    db: &Connection,
    stop: impl Fn() -> bool + Send + RefUnwindSafe + 'static,
) -> rusqlite::Result<BTreeMap<String, u64>> {
    store::distrust_all(db, stop)?;
    let mut collections = db.prepare(
        "SELECT name FROM _collections WHERE type <> 'view'
           AND EXISTS (SELECT 1 FROM sqlite_schema s WHERE s.type = 'table' AND s.name = _collections.name COLLATE NOCASE)",
    )?;
    let names = collections.query_map([], |row| row.get::<_, String>(0))?;
    names
        .map(|name| {
            let name = name?;
            let sql = format!("SELECT count(*) FROM \"{}\"", name.replace('"', "\"\""));
            let count: i64 = db.query_row(&sql, [], |row| row.get(0))?;
            Ok((name, count.unsigned_abs()))
        })
        .collect()
}

/// Counts the files of records in a data directory.
pub(super) fn files(dir: &Path) -> io::Result<Files> {
    let mut files = Files::default();
    let storage = dir.join("storage");
    if storage.is_dir() {
        add_below(&storage, &mut files)?;
    }
    Ok(files)
}

fn add_below(dir: &Path, files: &mut Files) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            add_below(&entry.path(), files)?;
        } else if !entry.file_name().to_string_lossy().ends_with(SIDECAR) {
            files.add(entry.metadata()?.len());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDLESS: &str =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS name, i AS type FROM n";

    #[test]
    fn only_tables_are_counted_and_nothing_for_ever() {
        let db = Connection::open_in_memory().expect("opens");
        let made = format!(
            "CREATE TABLE _collections (name, type); CREATE TABLE posts (n); INSERT INTO posts VALUES (1), (2);
             CREATE VIEW ghosts AS {ENDLESS};
             INSERT INTO _collections VALUES ('posts', 'base'), ('ghosts', 'base'), ('seen', 'view'), ('gone', 'base');"
        );
        db.execute_batch(&made).expect("builds");
        assert_eq!(records(&db, || false).expect("counts"), [("posts".to_owned(), 2)].into());
        db.execute_batch(&format!("DROP TABLE _collections; CREATE VIEW _collections AS {ENDLESS}")).expect("replaces");
        let ended = records(&db, || true).expect_err("is ended");
        assert_eq!(ended.sqlite_error_code(), Some(rusqlite::ErrorCode::OperationInterrupted));
    }
}
