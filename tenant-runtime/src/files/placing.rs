//! Files come before their record: a file is in its final place, lasting, before the transaction that names it begins.
//! So a slow disk or bucket never holds up the one writer, and a crash leaves a file nobody names, never a record
//! without its file.
//!
//! Until it is known whether a record names it, a note remembers it (see `notes`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use tokio::runtime::Handle as Runtime;

use super::key::FileKey;
use super::notes::Note;
use super::storage::Storage;
use super::{Upload, later};
use crate::app::App;
use crate::error::Result;
use crate::records::validate;
use crate::schema::Collection;
use crate::store::Tx;

/// Puts uploads where the record of that id will name them. Those its collection would refuse stay where they are: the
/// transaction tells why.
pub async fn place(app: &App, collection: &Collection, id: &str, uploads: &[(String, Upload)]) -> Result<()> {
    for (_, upload) in uploads.iter().filter(|(key, upload)| is_acceptable(collection, key, upload)) {
        let Ok(key) = FileKey::new(&collection.id, id, &upload.name) else { continue };
        Placement::make(app, key, upload).await?;
    }
    Ok(())
}

fn is_acceptable(collection: &Collection, key: &str, upload: &Upload) -> bool {
    let name = key.strip_prefix('+').or(key.strip_suffix('+')).unwrap_or(key);
    let field = collection.fields.iter().find(|field| field.name == name || field.name == key);
    let options = field.and_then(|field| field.file());
    options.is_some_and(|options| validate::upload_problem(upload, options).is_none())
}

/// A file in its final place. It goes with the last handle unless it was decided that it stays.
pub(super) struct Placement {
    storage: Storage,
    key: FileKey,
    note: Note,
    /// The transaction decides, not the last handle.
    handed_over: AtomicBool,
}

impl Placement {
    /// Puts an upload there, unless it is there already.
    async fn make(app: &App, key: FileKey, upload: &Upload) -> Result<Arc<Placement>> {
        if let Some(known) = upload.placement().filter(|known| known.key == key) {
            return Ok(known);
        }
        let (app, upload) = (app.clone(), upload.clone());
        // A task of its own: a client that leaves in the middle must not leave half of this behind.
        let made = tokio::spawn(async move {
            let storage = app.storage()?;
            let noted = key.clone();
            let note = app.storages().disk().run(move |disk| Note::write_lasting(&disk.temporary(), &[noted])).await?;
            let placement = Arc::new(Placement { storage, key, note, handed_over: AtomicBool::new(false) });
            placement.storage.put(&placement.key, upload.content(), upload.label()).await?;
            upload.set_placement(&placement);
            Ok(placement)
        });
        made.await.context("place a file")?
    }

    /// The upload in that place; puts it there if nobody did before. Blocks, and belongs on a thread of the pool.
    pub(super) fn of(app: &App, key: FileKey, upload: &Upload) -> Result<Arc<Placement>> {
        match upload.placement().filter(|known| known.key == key) {
            Some(known) => Ok(known),
            None => Runtime::try_current()
                .context("store a file outside a runtime")?
                .block_on(Placement::make(app, key, upload)),
        }
    }

    /// The file stays if the transaction does.
    pub(super) fn hand_over(self: Arc<Self>, tx: &mut Tx) {
        // Should neither effect come to happen, as after a commit that failed, the note outlives this process and the
        // next one looks what became of it.
        self.handed_over.store(true, Ordering::Release);
        let kept = Arc::clone(&self);
        tx.after_commit(move || kept.note.remove());
        tx.once_undone(move || self.handed_over.store(false, Ordering::Release));
    }
}

impl Drop for Placement {
    fn drop(&mut self) {
        if !self.handed_over.load(Ordering::Acquire) {
            let (storage, key, note) = (self.storage.clone(), self.key.clone(), self.note.clone());
            later(async move {
                match storage.remove(&key).await {
                    Ok(()) => note.remove(),
                    Err(error) => tracing::warn!("failed to remove a file that no record names: {error}"),
                }
            });
        }
    }
}

impl std::fmt::Debug for Placement {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Placement({})", self.key)
    }
}
