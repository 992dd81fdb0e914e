//! Changing what a tenant's data looks like: creating, updating, deleting, emptying and importing collections.
//!
//! Everything happens inside one transaction of the writer; the new schema is published with its commit. What a
//! request is told about failures is for `http/` to say.

mod dry_run;
mod import;
mod revision;

#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use dry_run::{DryRun, dry_run};
pub use import::import;

use self::revision::{Checks, Revision};
use crate::app::App;
use crate::error::{Error, Result};
use crate::records::find::{columns, quote};
use crate::records::{self, Record};
use crate::schema::{Collection, Schema, sync};
use crate::store::Tx;

/// Records deleted between two looks at the table.
const BATCH: usize = 500;

/// Creates a collection and its table or view.
///
/// # Errors
/// `Error::Invalid` with all that is unsound; anything else in SQLite's words.
pub fn create(app: &App, tx: &mut Tx, collection: Collection) -> Result<Arc<Collection>> {
    let mut revision = Revision::begin(app, tx);
    let collection = revision.save(collection, None, Checks::All)?;
    revision.publish(app)?;
    Ok(collection)
}

/// Replaces the definition of `original`. Its table follows, and so do views whose fields change with it.
///
/// # Errors
/// As for [`create`]; and `Error::NotFound` when the id is another.
pub fn update(app: &App, tx: &mut Tx, original: &Arc<Collection>, new: Collection) -> Result<Arc<Collection>> {
    if new.id != original.id {
        return Err(Error::NotFound);
    }
    let mut revision = Revision::begin(app, tx);
    let collection = revision.save(new, Some(original), Checks::All)?;
    revision.refresh_views(&collection.id)?;
    revision.publish(app)?;
    Ok(collection)
}

/// Deletes a collection with its table or view.
///
/// # Errors
/// When it belongs to the system, other collections need it, or a view makes no sense without it (or at all).
pub fn delete(app: &App, tx: &mut Tx, collection: &Arc<Collection>) -> Result<()> {
    if collection.system {
        return Err(refused(format!("{} belongs to the system", collection.name)));
    }
    let referencing = referencing(&app.schema(), collection);
    if !referencing.is_empty() {
        return Err(refused(format!("{} is referenced by {}", collection.name, referencing.join(", "))));
    }
    let mut revision = Revision::begin(app, tx);
    revision.delete(collection)?;
    revision.require_views()?;
    revision.publish(app)
}

/// The names of other collections with relation fields, computed ones included, that point to this one.
pub fn referencing(schema: &Schema, collection: &Collection) -> Vec<String> {
    let points_here = |owner: &&Arc<Collection>| {
        let mut relations = owner.fields.iter().filter_map(|field| field.relation());
        owner.id != collection.id && relations.any(|relation| relation.collection_id == collection.id)
    };
    let mut names: Vec<String> = schema.iter().filter(points_here).map(|owner| owner.name.clone()).collect();
    names.sort();
    names
}

/// Deletes all records, each as if by itself.
///
/// # Errors
/// When one cannot be deleted.
pub fn truncate(app: &App, tx: &mut Tx, collection: &Arc<Collection>) -> Result<()> {
    let sql = format!("SELECT {} FROM {} LIMIT {BATCH}", columns(collection, None), quote(&collection.name));
    loop {
        let batch = tx
            .prepare_cached(&sql)?
            .query_map([], |row| Record::from_row(collection, row, 0))?
            .collect::<rusqlite::Result<Vec<Record>>>()?;
        if batch.is_empty() {
            return Ok(());
        }
        for record in batch {
            // A record may be gone already, with another that it depended on.
            match records::delete::delete(app, tx, record) {
                Ok(_) | Err(Error::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// What an error says about a change, in SQLite's words where it is SQLite that refused; none if it is not for the
/// client to know.
pub fn words(error: &Error) -> Option<String> {
    match error {
        _ if error.is_storage_failure() => None,
        Error::Sqlite(error) => Some(sync::reason(error)),
        Error::Internal(error) => Some(format!("{error:#}")),
        _ => None,
    }
}

fn refused(reason: String) -> Error {
    Error::Internal(anyhow::anyhow!(reason))
}
