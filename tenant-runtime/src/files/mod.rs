//! Uploaded files: spooled while a request is read, stored beside the database before their record is.

mod content_type;
pub mod names;
mod spool;
pub mod storage;
mod upload;

use crate::error::Result;
use crate::hooks::events::{
    CollectionOutcome, CollectionOutcomes, RecordEvent, RecordEvents, RecordOutcome, RecordOutcomes,
};
use crate::hooks::{Hooks, Next};

pub use spool::{TEMPORARY, spool};
pub use upload::Upload;

/// Registers the handlers that keep files and records together.
pub fn bind(hooks: &mut Hooks) {
    hooks.record_create_execute.bind(&[], store_uploads);
    hooks.record_update_execute.bind(&[], store_uploads);
    hooks.record_after_update_success.bind(&[], remove_replaced);
    hooks.record_after_delete_success.bind(&[], remove_all);
    hooks.collection_after_delete_success.bind(&[], remove_collection);
}

/// Files come before their record: a crash in between leaves a file nobody names, never a record without its file.
fn store_uploads(event: &mut RecordEvent<'_>, next: Next<'_, RecordEvents>) -> Result<()> {
    for upload in event.record.uploads() {
        let (app, upload) = (event.app.clone(), upload.clone());
        let (collection, id) = (event.record.collection().id.clone(), event.record.id().to_owned());
        storage::store(&app, event.record, &upload)?;
        event.tx.once_undone(move || {
            if let Err(error) = storage::remove(app.dir(), &collection, &id, &upload.name) {
                tracing::warn!("failed to remove the file of a record that was not saved: {error}");
            }
        });
    }
    next.run(event)
}

fn remove_replaced(event: &mut RecordOutcome<'_>, next: Next<'_, RecordOutcomes>) -> Result<()> {
    next.run(event)?;
    let replaced = event.record.replaced_files();
    if !replaced.is_empty() {
        let (app, record) = (event.app.clone(), event.record.clone());
        event.app.pool().spawn_detached(move || {
            for name in replaced {
                if let Err(error) = storage::remove(app.dir(), &record.collection().id, record.id(), &name) {
                    tracing::warn!("failed to remove a replaced file: {error}");
                }
            }
        });
    }
    Ok(())
}

fn remove_all(event: &mut RecordOutcome<'_>, next: Next<'_, RecordOutcomes>) -> Result<()> {
    next.run(event)?;
    if event.record.collection().has_files() {
        let (app, record) = (event.app.clone(), event.record.clone());
        event.app.pool().spawn_detached(move || {
            if let Err(error) = storage::remove_record(app.dir(), &record.collection().id, record.id()) {
                tracing::warn!("failed to remove the files of a deleted record: {error}");
            }
        });
    }
    Ok(())
}

fn remove_collection(event: &mut CollectionOutcome<'_>, next: Next<'_, CollectionOutcomes>) -> Result<()> {
    next.run(event)?;
    let (app, collection) = (event.app.clone(), event.collection.clone());
    event.app.pool().spawn_detached(move || {
        if let Err(error) = storage::remove_collection(app.dir(), &collection.id) {
            tracing::warn!("failed to remove the files of a deleted collection: {error}");
        }
    });
    Ok(())
}
