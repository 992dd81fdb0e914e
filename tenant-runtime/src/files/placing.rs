//! Files come before their record: a file is in its final place, lasting, before the transaction that names it begins.
//! So a slow disk or bucket never holds up the one writer, and a crash leaves a file nobody names, never a record
//! without its file.
//!
//! Such a file is remembered in a note on disk until it is known whether a record names it. The notes an earlier process
//! left behind say exactly what it was in the middle of: nothing has to be listed, and nothing else is ever removed.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::Context as _;
use tokio::runtime::Handle as Runtime;

use super::key::FileKey;
use super::spool::TEMPORARY;
use super::storage::Storage;
use super::{Upload, later};
use crate::app::App;
use crate::error::Result;
use crate::records::{find, pattern, validate};
use crate::schema::Collection;
use crate::store::Tx;

const NOTE: &str = "files_";

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

/// Keys on disk, so that they outlive this process.
#[derive(Clone)]
struct Note(PathBuf);

impl Note {
    /// A note that outlives this process, if not a power cut.
    fn write(dir: &Path, keys: &[FileKey]) -> io::Result<Note> {
        fs::create_dir_all(dir)?;
        let path = dir.join(format!("{NOTE}{}", pattern::random_id(20)));
        let lines: String = keys.iter().map(|key| format!("{key}\n")).collect();
        File::create_new(&path)?.write_all(lines.as_bytes())?;
        Ok(Note(path))
    }

    /// A note that outlives everything.
    fn write_lasting(dir: &Path, keys: &[FileKey]) -> io::Result<Note> {
        let note = Note::write(dir, keys)?;
        File::open(&note.0)?.sync_all()?;
        File::open(dir)?.sync_all()?;
        Ok(note)
    }

    /// The keys of a note that was finished.
    fn read(path: &Path) -> Option<Vec<FileKey>> {
        let text = fs::read_to_string(path).ok()?;
        text.strip_suffix('\n')?.split('\n').map(|line| line.parse().ok()).collect()
    }

    fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.0) {
            tracing::warn!("failed to remove a note about a file: {error}");
        }
    }
}

/// Removes files that no record names any more. What this process does not get to, the next one does.
pub(super) async fn remove(app: &App, keys: Vec<FileKey>) -> Result<()> {
    let _permit = app.storages().removal().await?;
    let noted = keys.clone();
    let note = app.storages().disk().run(move |disk| Note::write(&disk.temporary(), &noted)).await?;
    let storage = app.storage()?;
    let _leave = app.storages().let_go().await;
    for key in &keys {
        storage.remove(key).await?;
    }
    note.remove();
    Ok(())
}

/// Files of which an earlier process did not learn whether a record names them.
pub struct Undecided(Vec<(Note, Vec<FileKey>)>);

impl Undecided {
    /// Reads the notes of an earlier process and removes everything else it left in its temporary directory.
    pub fn left_in(data: &Path) -> Undecided {
        let mut undecided = Vec::new();
        let entries = fs::read_dir(data.join(TEMPORARY)).into_iter().flatten().filter_map(Result::ok);
        for path in entries.map(|entry| entry.path()) {
            let is_note = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(NOTE));
            match is_note.then(|| Note::read(&path)).flatten() {
                Some(keys) => undecided.push((Note(path), keys)),
                // A note that was never finished was never acted upon.
                None => remove_entry(&path),
            }
        }
        // Only an empty one goes.
        let _ = fs::remove_dir(data.join(TEMPORARY));
        Undecided(undecided)
    }

    /// Removes those files that no record names, without anybody waiting for it.
    pub fn settle(self, app: &App) {
        if self.0.is_empty() {
            return;
        }
        let app = app.clone();
        later(async move {
            for (note, keys) in self.0 {
                match settle(&app, &keys).await {
                    Ok(()) => note.remove(),
                    // The next start tries again.
                    Err(error) => tracing::warn!("failed to look after files of an earlier process: {error}"),
                }
            }
        });
    }
}

async fn settle(app: &App, keys: &[FileKey]) -> Result<()> {
    for key in keys {
        if !is_named(app, key).await? {
            app.storage()?.remove(key).await?;
        }
    }
    Ok(())
}

async fn is_named(app: &App, key: &FileKey) -> Result<bool> {
    let (schema, wanted) = (app.schema(), key.clone());
    let named = app.store().read(move |db| {
        let (collection_id, record_id) = wanted.owner();
        let Some(collection) = schema.by_id(collection_id) else { return Ok(false) };
        let record = find::by_id(db, collection, record_id)?;
        Ok(record.is_some_and(|record| record.stored_files().iter().any(|name| name == wanted.name())))
    });
    named.await
}

fn remove_entry(path: &Path) {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    if let Err(error) = removed {
        tracing::warn!("failed to remove {}: {error}", path.display());
    }
}
