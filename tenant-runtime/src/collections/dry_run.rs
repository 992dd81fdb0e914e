//! Trying a view's query before it is saved.

use std::collections::HashSet;
use std::sync::Arc;

use rusqlite::Connection;

use super::refused;
use crate::error::Result;
use crate::records::export::own_record_json;
use crate::records::find::{self, columns};
use crate::records::pattern;
use crate::schema::{Collection, CollectionType, Field, Schema, scaffold, view};

const SAMPLE: usize = 10;

/// What a query would give.
#[derive(Clone, Debug)]
pub struct DryRun {
    /// The view's fields.
    pub fields: Vec<Field>,
    /// Its first records, as JSON.
    pub sample: Vec<Vec<u8>>,
}

/// Tries a query. Needs no more than a reader.
///
/// # Errors
/// Why it cannot be a view's; or that it takes too long.
pub fn dry_run(db: &Connection, schema: &Schema, query: &str) -> Result<DryRun> {
    let derived = view::derive(db, schema, query)?;
    if let Some(refusal) = derived.refusal {
        return Err(refused(refusal));
    }
    let name = format!("temp_view_{}", pattern::random_key(5));
    let fields = derived.fields;
    let view = Arc::new(Collection { fields: fields.clone(), ..scaffold::blank(CollectionType::View, &name) });
    let records = view::with_probe(db, query, |probe| {
        let sql = format!("SELECT {} FROM {probe} LIMIT {SAMPLE}", columns(&view, None));
        let mut statement = db.prepare(&sql)?;
        let rows = statement.query([])?;
        find::collect(&view, rows)
    })?;
    let mut ids = HashSet::new();
    for record in &records {
        if record.id().is_empty() {
            return Err(refused("the query could return records with empty or invalid ids".to_owned()));
        }
        if !ids.insert(record.id()) {
            return Err(refused("the query could return records with non-unique ids".to_owned()));
        }
    }
    Ok(DryRun { fields, sample: records.iter().map(own_record_json).collect() })
}
