//! Uploaded files: spooled while a request is read, in their final place before their record is written, and gone after it.

mod bucket;
mod bucket_connection;
pub mod content_type;
mod disk;
pub mod key;
pub mod names;
mod placing;
mod spool;
pub mod storage;
mod threads;
pub mod thumbs;
mod upload;

#[cfg(test)]
mod tests;

use tokio::runtime::Handle as Runtime;

use crate::error::{Error, Result};
use crate::hooks::events::{
    CollectionOutcome, CollectionOutcomes, RecordEvent, RecordEvents, RecordOutcome, RecordOutcomes,
};
use crate::hooks::{Hooks, Next};
use key::{FileKey, Folder};
use placing::Placement;

pub use bucket::Bucket;
pub use placing::{Undecided, place};
pub use spool::{Spooled, TEMPORARY, spool};
pub use threads::Threads;
pub use upload::Upload;

/// Registers the handlers that keep files and records together.
pub fn bind(hooks: &mut Hooks) {
    hooks.record_create_execute.bind(&[], place_uploads);
    hooks.record_update_execute.bind(&[], place_uploads);
    hooks.record_after_update_success.bind(&[], remove_replaced);
    hooks.record_after_delete_success.bind(&[], remove_all);
    hooks.collection_after_delete_success.bind(&[], remove_collection);
}

/// Ties files to the transaction that names them. Usually they are in place already; what a handler added is put there now.
fn place_uploads(event: &mut RecordEvent<'_>, next: Next<'_, RecordEvents>) -> Result<()> {
    for upload in event.record.uploads() {
        let key = FileKey::new(&event.record.collection().id, event.record.id(), &upload.name);
        let key = key.map_err(|error| Error::Internal(error.into()))?;
        Placement::of(event.app, key, upload)?.hand_over(event.tx);
    }
    next.run(event)
}

fn remove_replaced(event: &mut RecordOutcome<'_>, next: Next<'_, RecordOutcomes>) -> Result<()> {
    next.run(event)?;
    remove_files(event, event.record.replaced_files(), "replaced files");
    Ok(())
}

fn remove_all(event: &mut RecordOutcome<'_>, next: Next<'_, RecordOutcomes>) -> Result<()> {
    next.run(event)?;
    remove_files(event, event.record.stored_files(), "the files of a deleted record");
    Ok(())
}

fn remove_files(event: &RecordOutcome<'_>, names: Vec<String>, what: &'static str) {
    let (collection, id) = (&event.record.collection().id, event.record.id());
    // No file was ever stored under a name that is none.
    let keys: Vec<FileKey> = names.iter().filter_map(|name| FileKey::new(collection, id, name).ok()).collect();
    if !keys.is_empty() {
        let app = event.app.clone();
        later(async move { warn_of(placing::remove(&app, keys).await, what) });
    }
}

fn remove_collection(event: &mut CollectionOutcome<'_>, next: Next<'_, CollectionOutcomes>) -> Result<()> {
    next.run(event)?;
    if let Ok(folder) = Folder::collection(&event.collection.id) {
        let app = event.app.clone();
        let removal = async move {
            let _leave = app.storages().let_go().await;
            app.storage()?.remove_folder(&folder).await
        };
        later(async move { warn_of(removal.await, "the files of a deleted collection") });
    }
    Ok(())
}

fn warn_of(outcome: Result<()>, what: &str) {
    if let Err(error) = outcome {
        tracing::warn!("failed to remove {what}: {error}");
    }
}

/// Does what nobody waits for. Threads of the pool know the runtime they were started in.
fn later(work: impl Future<Output = ()> + Send + 'static) {
    match Runtime::try_current() {
        Ok(runtime) => drop(runtime.spawn(work)),
        Err(_) => tracing::warn!("files are left behind: there is no runtime to remove them in"),
    }
}
