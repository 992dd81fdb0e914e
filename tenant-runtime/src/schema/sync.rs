//! Making the database look like a collection's definition: tables, columns and indexes.

use std::collections::HashSet;

use rusqlite::Connection;

use super::index::Index;
use super::{Collection, Field};
use crate::error::{Error, FieldError, Problems, Result};
use crate::records::find::quote;
use crate::records::pattern;

/// Creates the collection's table and indexes. Columns stand in alphabetical order, as stock servers make them.
pub fn create_table(db: &Connection, collection: &Collection) -> Result<()> {
    let mut fields: Vec<&Field> = collection.fields.iter().collect();
    fields.sort_by(|a, b| a.name.cmp(&b.name));
    let columns: Vec<String> =
        fields.iter().map(|field| format!("{} {}", quote(&field.name), field.column())).collect();
    db.execute_batch(&format!("CREATE TABLE {} ({})", quote(&collection.name), columns.join(", ")))?;
    create_indexes(db, collection)
}

/// Brings the table of `old` to the shape of `new`. Columns follow their field's id; a field without its old id is
/// another column.
///
/// # Errors
/// What SQLite says, for instance when a view needs a column that goes.
pub fn update_table(db: &Connection, old: &Collection, new: &Collection) -> Result<()> {
    let same_fields = old.fields.len() == new.fields.len()
        && old
            .fields
            .iter()
            .zip(&new.fields)
            .all(|(a, b)| a.id == b.id && a.name == b.name && a.column() == b.column());
    let reindex = old.name != new.name || !same_fields || old.indexes != new.indexes;
    if reindex {
        drop_indexes(db, old)?;
    }
    if !old.name.eq_ignore_ascii_case(&new.name) {
        db.execute_batch(&format!("ALTER TABLE {} RENAME TO {}", quote(&old.name), quote(&new.name)))?;
    }
    if !same_fields {
        sync_columns(db, old, new)?;
    }
    if reindex {
        create_indexes(db, new)?;
    }
    Ok(())
}

fn sync_columns(db: &Connection, old: &Collection, new: &Collection) -> Result<()> {
    let table = quote(&new.name);
    for gone in old.fields.iter().filter(|field| new.field_by_id(&field.id).is_none()) {
        db.execute_batch(&format!("ALTER TABLE {table} DROP COLUMN {}", quote(&gone.name)))
            .map_err(|error| in_words(&format!("failed to drop column {}", gone.name), &error))?;
    }
    // Names may be swapped, so every new name is first taken under a temporary one.
    let mut pending: Vec<(String, &Field)> = Vec::new();
    for field in &new.fields {
        let temporary = format!("{}{}", field.name, pattern::random_id(5));
        match old.field_by_id(&field.id) {
            None => {
                let column = field.column();
                db.execute_batch(&format!("ALTER TABLE {table} ADD COLUMN {} {column}", quote(&temporary)))?;
                pending.push((temporary, field));
            }
            Some(known) if known.name != field.name => {
                rename_column(db, &table, &known.name, &temporary)?;
                pending.push((temporary, field));
            }
            Some(_) => {}
        }
    }
    for (temporary, field) in pending {
        rename_column(db, &table, &temporary, &field.name)?;
    }
    for field in &new.fields {
        let Some(known) = old.field_by_id(&field.id) else { continue };
        if known.is_multiple() != field.is_multiple() {
            convert_column(db, new, field)?;
        }
    }
    Ok(())
}

fn rename_column(db: &Connection, table: &str, from: &str, to: &str) -> Result<()> {
    db.execute_batch(&format!("ALTER TABLE {table} RENAME COLUMN {} TO {}", quote(from), quote(to)))?;
    Ok(())
}

/// Turns a single value into a list or the other way round. Views stand aside meanwhile.
fn convert_column(db: &Connection, collection: &Collection, field: &Field) -> Result<()> {
    let views = drop_views(db)?;
    let table = quote(&collection.name);
    let (column, old) = (quote(&field.name), quote(&format!("_{}", pattern::random_id(10))));
    let value = if field.is_multiple() {
        format!(
            "CASE WHEN COALESCE({old}, '') = '' THEN '[]' \
             WHEN json_valid({old}) AND json_type({old}) = 'array' THEN {old} ELSE json_array({old}) END"
        )
    } else {
        format!(
            "CASE WHEN COALESCE({old}, '[]') = '[]' THEN '' \
             WHEN json_valid({old}) AND json_type({old}) = 'array' THEN COALESCE(json_extract({old}, '$[#-1]'), '') \
             ELSE {old} END"
        )
    };
    db.execute_batch(&format!(
        "ALTER TABLE {table} RENAME COLUMN {column} TO {old};
         ALTER TABLE {table} ADD COLUMN {column} {};
         UPDATE {table} SET {column} = {value};
         ALTER TABLE {table} DROP COLUMN {old};",
        field.column()
    ))?;
    for sql in views {
        db.execute_batch(&sql)?;
    }
    Ok(())
}

/// Drops all views and returns the statements that make them again.
fn drop_views(db: &Connection) -> Result<Vec<String>> {
    let mut statement = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'view' ORDER BY rowid")?;
    let views = statement
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    for (name, _) in &views {
        db.execute_batch(&format!("DROP VIEW {}", quote(name)))?;
    }
    Ok(views.into_iter().map(|(_, sql)| sql).collect())
}

/// Drops the collection's table, or its view.
pub fn drop_table(db: &Connection, collection: &Collection) -> Result<()> {
    let kind = if collection.is_view() { "VIEW" } else { "TABLE" };
    db.execute_batch(&format!("DROP {kind} IF EXISTS {}", quote(&collection.name)))?;
    Ok(())
}

fn drop_indexes(db: &Connection, collection: &Collection) -> Result<()> {
    for index in collection.indexes.iter().filter_map(|text| Index::parse(text)) {
        db.execute_batch(&format!("DROP INDEX IF EXISTS {}", quote(&index.name)))?;
    }
    Ok(())
}

/// Creates the collection's indexes in their canonical form; all that fail are told together.
fn create_indexes(db: &Connection, collection: &Collection) -> Result<()> {
    let mut failed = Problems::new();
    for (at, text) in collection.indexes.iter().enumerate() {
        let Some(index) = Index::parse(text) else {
            let message = "Invalid CREATE INDEX expression.";
            failed.add(&at.to_string(), FieldError::new("validation_invalid_index_expression", message));
            continue;
        };
        let index = Index { table: collection.name.clone(), ..index };
        if let Err(error) = db.execute_batch(&index.to_sql()) {
            let message = format!("Failed to create index {} - {}.", index.name, reason(&error));
            failed.add(&at.to_string(), FieldError::new("validation_invalid_index_expression", &message));
        }
    }
    let mut problems = Problems::new();
    problems.nest("indexes", failed);
    problems.into_result()
}

/// Notes indexes that exist in the database but not in the definition.
pub fn adopt_indexes(db: &Connection, collection: &mut Collection) -> Result<()> {
    let known: Vec<Index> = collection.indexes.iter().filter_map(|text| Index::parse(text)).collect();
    let names: HashSet<String> = known.iter().map(|index| index.name.to_lowercase()).collect();
    let sql = "SELECT sql FROM sqlite_schema WHERE type = 'index' AND tbl_name = ?1 COLLATE NOCASE AND sql IS NOT NULL";
    let mut statement = db.prepare(sql)?;
    let found = statement
        .query_map([&collection.name], |row| row.get::<_, String>(0))?
        .collect::<rusqlite::Result<Vec<String>>>()?;
    for text in found {
        let Some(index) = Index::parse(&text) else { continue };
        let same = |other: &Index| {
            Index { name: String::new(), ..other.clone() } == Index { name: String::new(), ..index.clone() }
        };
        if !names.contains(&index.name.to_lowercase()) && !known.iter().any(same) {
            collection.indexes.push(index.to_sql());
        }
    }
    Ok(())
}

/// SQLite's words alone, as the API shows them.
pub fn reason(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(_, Some(text)) => text.clone(),
        rusqlite::Error::SqlInputError { msg, .. } => msg.clone(),
        other => other.to_string(),
    }
}

fn in_words(what: &str, error: &rusqlite::Error) -> Error {
    Error::Internal(anyhow::anyhow!("{what} - {}", reason(error)))
}
