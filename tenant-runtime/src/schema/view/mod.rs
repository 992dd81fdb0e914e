//! Views: the fields their `SELECT` has, and the SQL view that stands for it.

pub mod identifiers;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock};

use regex::Regex;
use rusqlite::{Connection, ErrorCode};

use self::identifiers::{Identifier, Identifiers, split};
use super::field::{JsonOptions, NumberOptions, RelationOptions, TextOptions};
use super::sync::reason;
use super::validate::field_name;
use super::{Collection, Field, FieldKind, Schema};
use crate::error::{Error, FieldError, Result};
use crate::records::find::quote;
use crate::records::pattern;

/// What the id of a field begins with that a view took over from another collection.
const CLONE: &str = "_clone_";

/// A view nobody else sees, to look at a query's columns through.
const PROBE: &str = "temp.`_query`";
const NO_ID: &str = "missing required id column (you can use `(ROW_NUMBER() OVER()) as id` if you don't have one)";
const WILDCARD: &str = "wildcard columns (*) are not supported - manually type the collection field names you want the \
     view query to have";

/// What a query amounts to.
#[derive(Clone, Debug, Default)]
pub struct Derived {
    /// One field for each column, in order; possibly incomplete if the query is refused.
    pub fields: Vec<Field>,
    /// Why the query cannot be a view's.
    pub refusal: Option<String>,
}

/// The fields of a query.
///
/// # Errors
/// Only when the database fails or the query runs out of time; a query that makes no sense is a refusal.
pub fn derive(db: &Connection, schema: &Schema, query: &str) -> Result<Derived> {
    let refused = |refusal: String| Ok(Derived { fields: Vec::new(), refusal: Some(refusal) });
    let known = match one_statement(query).and_then(|()| suggest(schema, query)) {
        Ok(known) => known,
        Err(refusal) => return refused(refusal),
    };
    let columns = match columns(db, query)? {
        Ok(columns) => columns,
        Err(refusal) => return refused(refusal),
    };
    let field = |(name, _): &(String, String)| known.get(name).cloned().unwrap_or_else(|| computed(name, json()));
    let fields: Vec<Field> = columns.iter().map(field).collect();
    let refusal =
        if fields.iter().any(|field| field.name == "id") { misnamed(&fields) } else { Some(NO_ID.to_owned()) };
    Ok(Derived { fields, refusal })
}

/// Creates the SQL view of a collection, in the place of the one it had.
///
/// # Errors
/// What SQLite says about the query.
pub fn create(db: &Connection, view: &Collection) -> Result<()> {
    let query = with_text_id(db, &view.view_query)?;
    let name = quote(&view.name);
    db.execute_batch(&format!("DROP VIEW IF EXISTS {name}"))?;
    // One statement, whatever the query contains.
    db.prepare(&format!("CREATE VIEW {name} AS SELECT * FROM ({query})"))?.execute([])?;
    Ok(())
}

/// Gives a view back the columns it lost because they were renamed where it selects them: empty ones, until its query
/// is edited. Does nothing for a view that cannot be read at all.
pub fn fill_lost_columns(db: &Connection, view: &Collection) -> Result<()> {
    let present = db.prepare("SELECT `name` FROM pragma_table_info(?1)").and_then(|mut statement| {
        statement.query_map([&view.name], |row| row.get(0))?.collect::<rusqlite::Result<HashSet<String>>>()
    });
    let Ok(present) = present else { return Ok(()) };
    if view.fields.iter().all(|field| present.contains(&field.name)) {
        return Ok(());
    }
    let sql = "SELECT `sql` FROM sqlite_schema WHERE `type` = 'view' AND `name` = ?1";
    let sql: String = db.query_row(sql, [&view.name], |row| row.get(0))?;
    let Some((_, query)) = sql.split_once(" AS ") else { return Ok(()) };
    let columns: Vec<String> = view
        .fields
        .iter()
        .map(|field| match quote(&field.name) {
            name if present.contains(&field.name) => name,
            name => format!("NULL AS {name}"),
        })
        .collect();
    let name = quote(&view.name);
    db.execute_batch(&format!("DROP VIEW {name}"))?;
    db.prepare(&format!("CREATE VIEW {name} AS SELECT {} FROM ({query})", columns.join(",")))?.execute([])?;
    Ok(())
}

/// Runs `work` while the query can be read like a table, under the name it is given.
pub fn with_probe<T>(db: &Connection, query: &str, work: impl FnOnce(&str) -> Result<T>) -> Result<T> {
    let query = with_text_id(db, query)?;
    probe(db, &query)?;
    let answer = work(PROBE);
    let dropped = db.execute_batch(&format!("DROP VIEW IF EXISTS {PROBE}"));
    let answer = answer?;
    dropped?;
    Ok(answer)
}

fn probe(db: &Connection, query: &str) -> Result<()> {
    db.execute_batch(&format!("DROP VIEW IF EXISTS {PROBE}"))?;
    db.prepare(&format!("CREATE TEMP VIEW `_query` AS SELECT * FROM ({query})"))?.execute([])?;
    Ok(())
}

/// Names and declared types of a query's columns, or why SQLite refuses it.
fn columns(db: &Connection, query: &str) -> Result<Result<Vec<(String, String)>, String>> {
    let query = bare(query);
    let columns = probe(db, query).and_then(|()| {
        let mut statement = db.prepare("SELECT `name`, `type` FROM pragma_table_info('_query', 'temp')")?;
        let columns = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(columns.collect::<rusqlite::Result<Vec<(String, String)>>>()?)
    });
    let dropped = db.execute_batch(&format!("DROP VIEW IF EXISTS {PROBE}"));
    match columns {
        Ok(columns) => dropped.map(|()| Ok(columns)).map_err(Error::from),
        Err(Error::Sqlite(error)) if is_about_the_query(&error) => Ok(Err(reason(&error))),
        Err(error) => Err(error),
    }
}

fn is_about_the_query(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqlInputError { .. } => true,
        error => {
            matches!(error.sqlite_error_code(), Some(ErrorCode::Unknown | ErrorCode::AuthorizationForStatementDenied))
        }
    }
}

fn one_statement(query: &str) -> Result<(), String> {
    if split(bare(query), |c| c == ';', false)?.len() > 1 {
        return Err("multiple statements are not supported".to_owned());
    }
    Ok(())
}

/// The query as it may stand in parentheses.
fn bare(query: &str) -> &str {
    query.trim().trim_matches(';')
}

/// The query with its `id` as text, which it may be already.
fn with_text_id(db: &Connection, query: &str) -> Result<String> {
    let query = bare(query);
    let refused = |refusal: String| Error::Internal(anyhow::anyhow!("{refusal}"));
    let columns = columns(db, query)?.map_err(refused)?;
    let is_text =
        |(name, kind): &(String, String)| name.eq_ignore_ascii_case("id") && kind.eq_ignore_ascii_case("TEXT");
    if columns.iter().any(is_text) {
        return Ok(query.to_owned());
    }
    let names: Vec<String> = Identifiers::parse(query)
        .map_err(refused)?
        .columns
        .iter()
        .map(|column| match column.alias.as_str() {
            "id" => "CAST(`id` as TEXT) `id`".to_owned(),
            name => quote(name),
        })
        .collect();
    Ok(format!("SELECT {} FROM ({query})", names.join(",")))
}

/// The fields whose type the query's text tells, by the column's name.
fn suggest(schema: &Schema, query: &str) -> Result<HashMap<String, Field>, String> {
    let Identifiers { columns, tables } = Identifiers::parse(bare(query))?;
    if columns.iter().any(|column| column.original == "*" || column.original.ends_with(".*")) {
        return Err(WILDCARD.to_owned());
    }
    let main = tables.first().map(|table| table.alias.as_str()).unwrap_or_default();
    let collections: HashMap<&str, &Arc<Collection>> = tables
        .iter()
        .filter_map(|table| {
            let collection = schema.by_name(&table.original).filter(|collection| collection.name == table.original)?;
            Some((table.alias.as_str(), collection))
        })
        .collect();
    let source = |column: &Identifier| {
        let (table, name) = match column.original.split_once('.') {
            Some((table, name)) if !name.contains('.') => (table, name),
            Some((first, _)) => (main, first),
            None => (main, column.original.as_str()),
        };
        let collection = collections.get(table)?;
        let field = collection.fields.iter().find(|field| field.name.eq_ignore_ascii_case(name))?;
        Some(copied(&column.alias, collection, field))
    };
    let suggestion = |column: &Identifier| {
        if column.alias == "id" { Some(id()) } else { expression(column).or_else(|| source(column)) }
    };
    Ok(columns.iter().filter_map(|column| Some((column.alias.clone(), suggestion(column)?))).collect())
}

/// The field of an aggregate or a cast.
fn expression(column: &Identifier) -> Option<Field> {
    static CAST: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"(?s)^cast\s*\(.*\s+as\s+(\w+)\s*\)$").ok());
    let text = column.original.to_lowercase();
    let number = |only_int| FieldKind::Number(NumberOptions { only_int, ..NumberOptions::default() });
    let kind = if text.starts_with("count(") {
        number(true)
    } else if text.starts_with("total(") {
        number(false)
    } else {
        match CAST.as_ref()?.captures(&text)?.get(1)?.as_str() {
            "real" | "decimal" | "numeric" => number(false),
            "int" | "integer" => number(true),
            "text" => FieldKind::Text(TextOptions::default()),
            "bool" | "boolean" => FieldKind::Bool,
            _ => return None,
        }
    };
    Some(computed(&column.alias, kind))
}

/// A field that shows another collection's: a relation if that is its `id`, else the same under an id of its own.
fn copied(alias: &str, collection: &Collection, field: &Field) -> Field {
    if field.name == "id" {
        let collection_id = collection.id.clone();
        let relation = RelationOptions { collection_id, max_select: 1, ..RelationOptions::default() };
        return computed(alias, FieldKind::Relation(relation));
    }
    Field { id: format!("{CLONE}{}", pattern::random_key(4)), name: alias.to_owned(), ..field.clone() }
}

/// Whether a field of a view is that of another collection rather than something computed.
pub fn is_clone(field: &Field) -> bool {
    field.id.starts_with(CLONE)
}

fn computed(name: &str, kind: FieldKind) -> Field {
    Field::new(name, kind)
}

fn json() -> FieldKind {
    FieldKind::Json(JsonOptions { max_size: 1 })
}

fn id() -> Field {
    let options = TextOptions { pattern: "^[a-z0-9]+$".into(), primary_key: true, ..TextOptions::default() };
    Field { system: true, required: true, ..Field::new("id", FieldKind::Text(options)) }
}

/// What is wrong with the first column that no field may be named like.
fn misnamed(fields: &[Field]) -> Option<String> {
    let (at, field, error) = fields
        .iter()
        .enumerate()
        .find_map(|(at, field)| field_name(&field.name).err().map(|error| (at, field, error)))?;
    let FieldError { message, .. } = error;
    let mut chars = message.chars();
    let first = chars.next().map(|c| c.to_lowercase().to_string()).unwrap_or_default();
    Some(format!("invalid field {:?} ({at}): name: {first}{}", field.name, chars.as_str()))
}
