//! The log as the platform's console reads it: the newest entries first, or what came after those it has. A backend need
//! not be open for it.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, Row, params};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::FILE;
use crate::error::Result;
use crate::store;

/// How long a search may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// Instructions of SQLite between two looks at the clock.
const STRIDE: i32 = 10_000;
/// The most entries of one answer.
const MOST: u32 = 500;

/// Which entries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LogQuery {
    /// Part of the message or of the data; empty for all.
    pub search: String,
    /// Of this level or a higher one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<i64>,
    /// Older than the entry at this position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<i64>,
    /// Newer than the entry at this position, and the oldest of them first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<i64>,
    /// At most so many.
    pub limit: u32,
}

/// One line of the log, and where it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogEntry {
    /// Grows with every entry.
    pub position: i64,
    /// The entry's id in the backend's own API.
    pub id: String,
    /// When it happened, such as `2026-05-01 10:01:00.000Z`.
    pub created: String,
    /// -4 debug, 0 info, 4 warning, 8 error.
    pub level: i64,
    /// What happened.
    pub message: String,
    /// What is known of it.
    pub data: Map<String, Json>,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LogPage {
    /// Newest first, unless what came after a position was asked for.
    pub items: Vec<LogEntry>,
    /// The position of the newest entry of all; 0 without any.
    pub newest: i64,
}

/// Looks at the log of a data directory that is not open here. Changes nothing.
pub fn look_aside(dir: &Path, query: &LogQuery) -> Result<LogPage> {
    let path = dir.join(FILE);
    if !path.is_file() {
        return Ok(LogPage::default());
    }
    let db = store::open_aside(&path)?;
    let until = Instant::now() + PATIENCE;
    db.progress_handler(STRIDE, Some(move || Instant::now() > until))?;
    look(&db, query)
}

pub(super) fn look(db: &Connection, query: &LogQuery) -> Result<LogPage> {
    let newest = db.query_row("SELECT COALESCE(MAX(_rowid_), 0) FROM `_logs`", [], |row| row.get(0))?;
    let order = if query.after.is_some() { "ASC" } else { "DESC" };
    let sql = format!(
        "SELECT _rowid_, `id`, `created`, `level`, `message`, `data` FROM `_logs`
         WHERE _rowid_ > ?1 AND _rowid_ < ?2 AND `level` >= ?3
           AND (?4 = '' OR `message` LIKE ?4 ESCAPE '!' OR `data` LIKE ?4 ESCAPE '!')
         ORDER BY _rowid_ {order} LIMIT ?5"
    );
    let (after, before) = (query.after.unwrap_or(i64::MIN), query.before.unwrap_or(i64::MAX));
    let level = query.level.unwrap_or(i64::MIN);
    let mut statement = db.prepare(&sql)?;
    let found = statement
        .query_map(params![after, before, level, pattern(&query.search), query.limit.clamp(1, MOST)], entry_from_row)?;
    Ok(LogPage { items: found.collect::<rusqlite::Result<_>>()?, newest })
}

fn entry_from_row(row: &Row<'_>) -> rusqlite::Result<LogEntry> {
    let text = |at: usize| row.get::<_, Option<String>>(at).map(Option::unwrap_or_default);
    Ok(LogEntry {
        position: row.get(0)?,
        id: text(1)?,
        created: text(2)?,
        level: row.get::<_, Option<i64>>(3)?.unwrap_or_default(),
        message: text(4)?,
        data: serde_json::from_str(&text(5)?).unwrap_or_default(),
    })
}

/// What to compare with `LIKE`: the text anywhere.
fn pattern(search: &str) -> String {
    if search.is_empty() {
        return String::new();
    }
    let escaped: String =
        search.chars().flat_map(|c| matches!(c, '%' | '_' | '!').then_some('!').into_iter().chain([c])).collect();
    format!("%{escaped}%")
}

#[cfg(test)]
mod tests {
    use super::super::{ERROR, Entry, INFO, create, table};
    use super::*;

    fn log(dir: &Path, entries: &[(i64, &str)]) {
        create(dir).expect("makes the file");
        let db = store::open_exclusive(&dir.join(FILE)).expect("opens");
        let entries: Vec<Entry> =
            entries.iter().map(|(level, message)| Entry::new(*level, *message, Map::new())).collect();
        table::insert(&db, &entries, 0).expect("writes");
    }

    fn messages(dir: &Path, query: LogQuery) -> Vec<String> {
        let page = look_aside(dir, &LogQuery { limit: 2, ..query }).expect("looks");
        page.items.into_iter().map(|entry| entry.message).collect()
    }

    #[test]
    fn pages_go_back_and_a_tail_goes_on() {
        let dir = tempfile::tempdir().expect("a directory");
        log(dir.path(), &[(INFO, "one"), (ERROR, "two"), (INFO, "three 100%"), (INFO, "four")]);
        let any = LogQuery::default;
        assert_eq!(messages(dir.path(), any()), ["four", "three 100%"]);
        assert_eq!(messages(dir.path(), LogQuery { before: Some(3), ..any() }), ["two", "one"]);
        assert_eq!(messages(dir.path(), LogQuery { after: Some(1), ..any() }), ["two", "three 100%"]);
        assert_eq!(messages(dir.path(), LogQuery { level: Some(ERROR), ..any() }), ["two"]);
        assert_eq!(messages(dir.path(), LogQuery { search: "0%".into(), ..any() }), ["three 100%"]);
        assert_eq!(messages(dir.path(), LogQuery { search: "t_o".into(), ..any() }), Vec::<String>::new());
    }

    #[test]
    fn looking_leaves_no_trace() {
        let dir = tempfile::tempdir().expect("a directory");
        assert_eq!(look_aside(dir.path(), &LogQuery::default()).expect("looks"), LogPage::default());
        log(dir.path(), &[(INFO, "one")]);
        assert_eq!(messages(dir.path(), LogQuery::default()), ["one"]);
        assert_eq!(std::fs::read_dir(dir.path()).expect("lists").count(), 1);
    }
}
