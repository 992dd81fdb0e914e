//! The `indexes` of a definition.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension};

use super::Definition;
use super::limits::about_field;
use crate::error::{FieldError, Problems, Result};
use crate::schema::Collection;
use crate::schema::index::{Index, IndexColumn};

/// Notes what is wrong: with the list as a whole, or with the first expression that is unsound.
pub fn validate(definition: &Definition<'_>, problems: &mut Problems) -> Result<()> {
    let new = definition.new;
    if new.is_view() {
        if !new.indexes.is_empty() {
            let message = "View collections don't support indexes.";
            problems.add("indexes", FieldError::new("validation_indexes_not_supported", message));
        }
        return Ok(());
    }
    let (mut names, mut definitions) = (HashSet::new(), HashSet::new());
    for (at, text) in new.indexes.iter().enumerate() {
        let error = match Index::parse(text) {
            None => Some(FieldError::new("validation_invalid_index_expression", "Invalid CREATE INDEX expression.")),
            Some(index) if !names.insert(index.name.to_lowercase()) => {
                Some(FieldError::new("validation_duplicated_index_name", "The index name already exists."))
            }
            Some(index) => match table_of(definition, &index.name)? {
                Some(table) => Some(taken(&table)),
                None if !definitions.insert(nameless(index).to_sql()) => Some(FieldError::new(
                    "validation_duplicated_index_definition",
                    "The index definition already exists.",
                )),
                None => None,
            },
        };
        if let Some(error) = error {
            problems.nest("indexes", Problems::of(&at.to_string(), error));
            return Ok(());
        }
    }
    if let Some(name) = definition.original.and_then(|original| lost_unique(original, new)) {
        let message = format!("Unique index definition on system fields ({name}) is invalid or missing.");
        problems.add("indexes", about_field("validation_invalid_unique_system_field_index", &message, name));
    }
    Ok(())
}

fn taken(table: &str) -> FieldError {
    let message = format!("The index name is already used in {table} collection.");
    FieldError::new("validation_existing_index_name", &message).with("usedTableName", table)
}

/// Another table that has an index of that name.
fn table_of(definition: &Definition<'_>, index: &str) -> Result<Option<String>> {
    let stored = definition.schema.by_id(&definition.new.id).map_or("", |known| known.name.as_str());
    find_table(
        definition.db,
        index,
        [stored, definition.original.map_or("", |known| &known.name), &definition.new.name],
    )
}

fn find_table(db: &Connection, index: &str, own: [&str; 3]) -> Result<Option<String>> {
    let sql = "SELECT `tbl_name` FROM sqlite_schema WHERE `type` = 'index' AND lower(`name`) = lower(?1)
        AND lower(`tbl_name`) NOT IN (lower(?2), lower(?3), lower(?4)) LIMIT 1";
    let [first, second, third] = own;
    Ok(db.query_row(sql, [index, first, second, third], |row| row.get(0)).optional()?)
}

/// A system field whose uniqueness the new definition would end.
fn lost_unique<'a>(original: &'a Collection, new: &Collection) -> Option<&'a str> {
    let kept: Vec<Index> = new.indexes.iter().filter_map(|text| Index::parse(text)).map(constraint).collect();
    let lost = original.indexes.iter().filter_map(|text| Index::parse(text)).filter(|index| index.unique);
    lost.map(constraint).filter(|index| !kept.contains(index)).find_map(|index| {
        let covers = |name: &str| index.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
        original.fields.iter().find(|field| field.system && covers(&field.name)).map(|field| field.name.as_str())
    })
}

/// What an index demands of the values, whatever it is called and however it sorts.
fn constraint(index: Index) -> Index {
    let columns = index.columns.into_iter().map(|column| IndexColumn { name: column.name, ..IndexColumn::default() });
    Index { unique: index.unique, columns: columns.collect(), ..Index::default() }
}

fn nameless(index: Index) -> Index {
    Index { name: String::new(), schema: String::new(), table: String::new(), ..index }
}
