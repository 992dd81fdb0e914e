//! Finding records: the columns to select, and rows turned into records.

use std::fmt::Write as _;
use std::sync::Arc;

use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Connection, OptionalExtension, Row, Rows, params_from_iter};

use super::Record;
use crate::error::{ApiError, Result};
pub use crate::rules::quote;
use crate::rules::{Param, Select};
use crate::schema::{Collection, FieldKind, view};

/// The record with that id, whoever asks.
pub fn by_id(db: &Connection, collection: &Arc<Collection>, id: &str) -> Result<Option<Record>> {
    let sql = format!("SELECT {} FROM {} WHERE `id` = ?1", columns(collection, None), quote(&collection.name));
    let mut statement = db.prepare_cached(&sql)?;
    Ok(statement.query_row([id], |row| Record::from_row(collection, row, 0)).optional()?)
}

/// The records with these ids, in the order of the ids; missing ones are left out.
pub fn by_ids(db: &Connection, collection: &Arc<Collection>, ids: &[String]) -> Result<Vec<Record>> {
    let sql = format!("SELECT {} FROM {} WHERE `id` = ?1", columns(collection, None), quote(&collection.name));
    let mut statement = db.prepare_cached(&sql)?;
    let mut records = Vec::with_capacity(ids.len());
    let mut weight = Weight::default();
    for id in ids {
        let mut rows = statement.query([id])?;
        if let Some(row) = rows.next()? {
            weight.add_row(row, collection.fields.len())?;
            records.push(Record::from_row(collection, row, 0)?);
        }
    }
    Ok(records)
}

/// What the rows of one answer weigh together: a view makes much from little, and all tenants share the memory.
#[derive(Default)]
pub struct Weight(usize);

impl Weight {
    /// In bytes.
    const MOST: usize = 128 << 20;

    /// Takes one more row on.
    ///
    /// # Errors
    /// 400 when all of them are too much.
    pub fn add_row(&mut self, row: &Row<'_>, columns: usize) -> Result<()> {
        for at in 0..columns {
            if let ValueRef::Text(bytes) | ValueRef::Blob(bytes) = row.get_ref(at)? {
                self.0 += bytes.len();
            }
        }
        if self.0 > Weight::MOST {
            let sentence = "The answer is too large. Ask for fewer records at once.";
            return Err(ApiError::bad_request(sentence).into());
        }
        Ok(())
    }
}

/// The first record whose column has that value, compared as the column's collation says or without letter case.
pub fn by_column(
    db: &Connection,
    collection: &Arc<Collection>,
    column: &str,
    value: &str,
    ignore_case: bool,
) -> Result<Option<Record>> {
    let sql = format!(
        "SELECT {} FROM {} WHERE {} = ?1{} LIMIT 1",
        columns(collection, None),
        quote(&collection.name),
        quote(column),
        if ignore_case { " COLLATE NOCASE" } else { "" },
    );
    let mut statement = db.prepare_cached(&sql)?;
    Ok(statement.query_row([value], |row| Record::from_row(collection, row, 0)).optional()?)
}

/// At most `limit` of the records a compiled query selects, after the first `offset`.
pub fn select(
    db: &Connection,
    collection: &Arc<Collection>,
    select: &Select,
    limit: usize,
    offset: usize,
) -> Result<Vec<Record>> {
    if select.never {
        return Ok(Vec::new());
    }
    let sql = page_sql(collection, select, limit, offset);
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query(params_from_iter(bound(select)))?;
    collect(collection, rows)
}

/// The records of rows whose columns are the collection's fields.
pub fn collect(collection: &Arc<Collection>, mut rows: Rows<'_>) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    let mut weight = Weight::default();
    while let Some(row) = rows.next()? {
        weight.add_row(row, collection.fields.len())?;
        records.push(Record::from_row(collection, row, 0)?);
    }
    Ok(records)
}

/// Whether a compiled query selects anything.
pub fn any(db: &Connection, select: &Select) -> Result<bool> {
    if select.never {
        return Ok(false);
    }
    let sql = format!("{} LIMIT 1", select.to_sql("1"));
    let mut statement = db.prepare_cached(&sql)?;
    Ok(statement.query_row(params_from_iter(bound(select)), |_| Ok(())).optional()?.is_some())
}

/// How many records a compiled query selects.
pub fn count(db: &Connection, select: &Select) -> Result<i64> {
    if select.never {
        return Ok(0);
    }
    let mut statement = db.prepare_cached(&select.to_count_sql())?;
    Ok(statement.query_row(params_from_iter(bound(select)), |row| row.get(0))?)
}

/// The statement of one page, columns in the order of the collection's fields.
pub fn page_sql(collection: &Collection, select: &Select, limit: usize, offset: usize) -> String {
    let mut sql = select.to_sql(&columns(collection, Some(&select.base_alias)));
    let _ = write!(sql, " LIMIT {limit}");
    if offset > 0 {
        let _ = write!(sql, " OFFSET {offset}");
    }
    sql
}

/// What a compiled query binds, in order.
pub fn bound(select: &Select) -> impl Iterator<Item = Sql> + '_ {
    select.all_params().map(to_sql)
}

/// A rule's parameter as SQLite takes it.
pub fn to_sql(param: &Param) -> Sql {
    match param {
        Param::Null => Sql::Null,
        Param::Bool(value) => Sql::Integer(i64::from(*value)),
        Param::Integer(number) => Sql::Integer(*number),
        Param::Number(number) => Sql::Real(*number),
        Param::Text(text) => Sql::Text(text.clone()),
    }
}

/// The collection's columns in the order of its fields, each of the quoted `alias` if one is given.
pub fn columns(collection: &Collection, alias: Option<&str>) -> String {
    let mut list = String::with_capacity(collection.fields.len() * 16);
    for (at, field) in collection.fields.iter().enumerate() {
        if at > 0 {
            list.push(',');
        }
        if let Some(alias) = alias {
            list.push_str(alias);
            list.push('.');
        }
        list.push_str(&quote(&field.name));
        // What a view computes and calls a bool may be any number, and only 1 is true.
        if collection.is_view() && matches!(field.kind, FieldKind::Bool) && !view::is_clone(field) {
            list.push_str(" = 1");
        }
    }
    list
}
