//! Uploaded files: spooled while a request is read, in their final place before their record is written, and gone after it.

mod bucket;
mod bucket_connection;
pub mod content_type;
pub(crate) mod disk;
pub mod key;
pub mod names;
mod notes;
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
use crate::hooks::events::{Action, CollectionOutcome, CollectionOutcomes, RecordEvent, RecordEvents};
use crate::hooks::{Hooks, Next};
use key::{FileKey, Folder};
use placing::Placement;

pub use bucket::Bucket;
pub use notes::Undecided;
pub use placing::place;
pub use spool::{Spooled, TEMPORARY, spool};
pub use threads::Threads;
pub use upload::Upload;

/// Registers the handlers that keep files and records together.
pub fn bind(hooks: &mut Hooks) {
    hooks.record_create_execute.bind(&[], place_uploads);
    hooks.record_update_execute.bind(&[], place_uploads);
    hooks.record_update_execute.bind(&[], release_files);
    hooks.record_delete_execute.bind(&[], release_files);
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

/// Has the files removed that the record names no more, once that is certain.
fn release_files(event: &mut RecordEvent<'_>, next: Next<'_, RecordEvents>) -> Result<()> {
    next.run(event)?;
    let names = match event.action {
        Action::Delete => event.record.stored_files(),
        _ => event.record.replaced_files(),
    };
    let (collection, id) = (&event.record.collection().id, event.record.id());
    // No file was ever stored under a name that is none.
    let keys: Vec<FileKey> = names.iter().filter_map(|name| FileKey::new(collection, id, name).ok()).collect();
    if !keys.is_empty() {
        notes::remove_with(event.tx, event.app, keys);
    }
    Ok(())
}

fn remove_collection(event: &mut CollectionOutcome<'_>, next: Next<'_, CollectionOutcomes>) -> Result<()> {
    next.run(event)?;
    if let Ok(folder) = Folder::collection(&event.collection.id) {
        let app = event.app.clone();
        later(async move {
            let removed = async {
                let _permit = app.storages().removal().await?;
                app.storage()?.remove_folder(&folder).await
            };
            if let Err(error) = removed.await {
                tracing::warn!("failed to remove the files of a deleted collection: {error}");
            }
        });
    }
    Ok(())
}

/// Does what nobody waits for. Threads of the pool know the runtime they were started in.
fn later(work: impl Future<Output = ()> + Send + 'static) {
    match Runtime::try_current() {
        Ok(runtime) => drop(runtime.spawn(work)),
        Err(_) => tracing::warn!("files are left behind: there is no runtime to remove them in"),
    }
}
