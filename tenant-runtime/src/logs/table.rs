//! The table `_logs`: stock servers' columns and indexes.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::{Connection, OptionalExtension, Row, params, params_from_iter};
use serde_json::{Map, Value as Json};

use super::{Entry, WARN};
use crate::error::{ApiError, Error, Result};
use crate::json;
use crate::records::find::to_sql;
use crate::records::list::Page;
use crate::records::{datetime, pattern};
use crate::rules::Columns;
use crate::settings::Logs as Wanted;

const COLUMNS: Columns<'static> =
    Columns::new("_logs", &["id", "created", "level", "message", "data"]).with_json("data");
/// What is read of an entry, in the order [`write_item`] expects.
const ITEM: &str = "`id`, `created`, `data`, `message`, `level`";
/// The expression of an index.
const HOUR: &str = "strftime('%Y-%m-%d %H:00:00', `created`)";
const ID_LENGTH: usize = 15;

/// Makes what is absent.
pub(super) fn prepare(db: &Connection) -> Result<()> {
    db.execute_batch(
        "BEGIN;
        CREATE TABLE IF NOT EXISTS `_logs` (
            `id`      TEXT PRIMARY KEY DEFAULT ('r'||lower(hex(randomblob(7)))) NOT NULL,
            `level`   INTEGER DEFAULT 0 NOT NULL,
            `message` TEXT DEFAULT '' NOT NULL,
            `data`    JSON DEFAULT '{}' NOT NULL,
            `created` TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%fZ')) NOT NULL
        );
        CREATE INDEX IF NOT EXISTS idx_logs_level on `_logs` (`level`);
        CREATE INDEX IF NOT EXISTS idx_logs_message on `_logs` (`message`);
        CREATE INDEX IF NOT EXISTS idx_logs_created_hour on `_logs` (strftime('%Y-%m-%d %H:00:00', `created`));
        COMMIT;",
    )?;
    Ok(())
}

/// Writes entries, and one more that tells how many others there was no room for.
pub(super) fn insert(db: &Connection, entries: &[Entry], dropped: u64) -> Result<()> {
    let sql = "INSERT INTO `_logs` (`id`, `level`, `message`, `data`, `created`) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut statement = db.prepare_cached(sql)?;
    let told = (dropped > 0).then(|| {
        let data = Map::from_iter([("dropped".to_owned(), Json::from(dropped))]);
        Entry::new(WARN, "Too much happened at once: some entries were dropped", data)
    });
    for entry in entries.iter().chain(&told) {
        let created = datetime::format(entry.created);
        let id = pattern::random_id(ID_LENGTH);
        statement.execute(params![id, entry.level, entry.message, entry.data, created])?;
    }
    Ok(())
}

/// A page of entries.
pub(super) fn list(db: &Connection, page: &Page) -> Result<Vec<u8>> {
    let refused = |_| Error::from(ApiError::bad_request(""));
    let filter = COLUMNS.filter(&page.filter, Utc::now()).map_err(refused)?;
    let sort = COLUMNS.sort(&page.sort).map_err(refused)?;
    let params = || params_from_iter(filter.params.iter().map(to_sql));
    let total = if page.totals {
        let sql = format!("SELECT COUNT(*) FROM `_logs` WHERE {}", filter.text);
        Some(db.query_row(&sql, params(), |row| row.get(0))?)
    } else {
        None
    };
    let order = if sort.is_empty() { "`_logs`._rowid_" } else { &sort };
    let condition = &filter.text;
    let (limit, offset) = (page.per_page, page.offset());
    let sql = format!("SELECT {ITEM} FROM `_logs` WHERE {condition} ORDER BY {order} LIMIT {limit} OFFSET {offset}");
    let mut statement = db.prepare(&sql)?;
    let mut rows = statement.query(params())?;
    page.write(total, |out| {
        let mut first = true;
        while let Some(row) = rows.next()? {
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            write_item(row, out)?;
        }
        Ok(())
    })
}

/// One entry.
pub(super) fn find(db: &Connection, id: &str) -> Result<Option<Vec<u8>>> {
    let sql = format!("SELECT {ITEM} FROM `_logs` WHERE `id` = ?1");
    let item = db.query_row(&sql, [id], |row| {
        let mut out = Vec::new();
        write_item(row, &mut out)?;
        Ok(out)
    });
    Ok(item.optional()?)
}

/// How many entries there are in each hour that has some.
pub(super) fn stats(db: &Connection, filter: &str) -> Result<Vec<u8>> {
    let filter = COLUMNS.filter(filter, Utc::now()).map_err(|_| ApiError::bad_request("Invalid filter format."))?;
    let condition = &filter.text;
    let sql = format!("SELECT {HOUR} AS `hour`, COUNT(*) FROM `_logs` WHERE {condition} GROUP BY `hour`");
    let mut statement = db.prepare(&sql)?;
    let hours = statement.query_map(params_from_iter(filter.params.iter().map(to_sql)), |row| {
        let hour: Option<String> = row.get(0)?;
        let date = hour.map(|hour| format!("{hour}.000Z")).unwrap_or_default();
        Ok(serde_json::json!({ "date": date, "total": row.get::<_, i64>(1)? }))
    })?;
    let hours = hours.collect::<rusqlite::Result<Vec<Json>>>()?;
    let mut out = Vec::new();
    json::write_value(&mut out, &Json::Array(hours));
    Ok(out)
}

/// Removes all entries.
pub(super) fn clear(db: &Connection) -> Result<()> {
    db.execute("DELETE FROM `_logs`", [])?;
    Ok(())
}

/// Removes the oldest eighth.
pub(super) fn remove_oldest(db: &Connection) -> Result<()> {
    let sql = "DELETE FROM `_logs` WHERE `_rowid_` <= (
        SELECT `_rowid_` FROM `_logs` ORDER BY `_rowid_` LIMIT 1 OFFSET (SELECT COUNT(*) / 8 FROM `_logs`))";
    db.execute(sql, [])?;
    Ok(())
}

/// Removes what is older than wanted, or of a lower level.
pub(super) fn remove_unwanted(db: &Connection, wanted: &Wanted, now: DateTime<Utc>) -> Result<()> {
    if wanted.max_days <= 0 {
        return clear(db);
    }
    let oldest = TimeDelta::try_days(wanted.max_days).and_then(|days| now.checked_sub_signed(days));
    if let Some(oldest) = oldest {
        let hour = oldest.format("%Y-%m-%d %H:00:00").to_string();
        // The hour has an index, the moment has none.
        let sql = format!("DELETE FROM `_logs` WHERE {HOUR} <= ?1 AND `created` < ?2");
        db.execute(&sql, [hour, datetime::format(oldest)])?;
    }
    db.execute("DELETE FROM `_logs` WHERE `level` < ?1", [wanted.min_level])?;
    Ok(())
}

fn write_item(row: &Row<'_>, out: &mut Vec<u8>) -> rusqlite::Result<()> {
    let text = |at: usize| row.get::<_, Option<String>>(at).map(Option::unwrap_or_default);
    let data: Option<Json> = serde_json::from_str(&text(2)?).ok();
    out.extend_from_slice(b"{\"id\":");
    json::write_string(out, &text(0)?);
    out.extend_from_slice(b",\"created\":");
    json::write_string(out, &text(1)?);
    out.extend_from_slice(b",\"data\":");
    json::write_value(out, &data.filter(Json::is_object).unwrap_or_else(|| Json::Object(Map::new())));
    out.extend_from_slice(b",\"message\":");
    json::write_string(out, &text(3)?);
    let level: Option<i64> = row.get(4)?;
    out.extend_from_slice(format!(",\"level\":{}}}", level.unwrap_or_default()).as_bytes());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database() -> Connection {
        let db = Connection::open_in_memory().expect("a database");
        prepare(&db).expect("prepares");
        prepare(&db).expect("finds everything there");
        db
    }

    fn at(db: &Connection, created: &str, level: i64) {
        let created = datetime::parse(created).expect("a date");
        let entry = Entry { created, level, message: format!("m{level}"), data: r#"{"status":404}"#.into() };
        insert(db, &[entry], 0).expect("writes");
    }

    #[test]
    fn hours_are_counted() {
        let db = database();
        for (moment, level) in [("2024-05-01 10:01:00", 0), ("2024-05-01 10:59:00", 8), ("2024-05-01 12:00:00", 0)] {
            at(&db, moment, level);
        }
        let stats = |filter: &str| String::from_utf8(stats(&db, filter).expect("counts")).expect("a text");
        assert_eq!(
            stats(""),
            r#"[{"date":"2024-05-01 10:00:00.000Z","total":2},{"date":"2024-05-01 12:00:00.000Z","total":1}]"#
        );
        assert_eq!(stats("level > 0 && data.status = 404"), r#"[{"date":"2024-05-01 10:00:00.000Z","total":1}]"#);
        assert_eq!(stats("message = 'nobody'"), "[]");
    }

    #[test]
    fn retention_goes_by_the_moment_and_the_level() {
        let db = database();
        let now = datetime::parse("2024-05-10 10:30:00").expect("a date");
        for moment in ["2024-05-05 10:29:00", "2024-05-05 10:31:00", "2024-05-10 10:00:00"] {
            at(&db, moment, 0);
        }
        at(&db, "2024-05-10 10:00:00", -4);
        let left = |db: &Connection| db.query_row("SELECT count(*) FROM `_logs`", [], |row| row.get::<_, i64>(0));
        remove_unwanted(&db, &Wanted { max_days: 5, min_level: 0, ..Wanted::default() }, now).expect("removes");
        assert_eq!(left(&db), Ok(2));
        remove_unwanted(&db, &Wanted { max_days: 0, ..Wanted::default() }, now).expect("removes");
        assert_eq!(left(&db), Ok(0));
    }
}
