//! Notes on disk about files of which it is not certain whether a record names them: those placed before their record
//! is committed, and those to be removed after their record is gone.
//!
//! What an earlier process left behind says exactly what it was in the middle of. So nothing is ever listed to find
//! files that nobody needs, and nothing is removed but what was noted and no record names.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::key::FileKey;
use super::later;
use super::spool::TEMPORARY;
use crate::app::App;
use crate::error::Result;
use crate::records::{find, pattern};
use crate::store::Tx;

const PREFIX: &str = "files_";

/// Keys on disk, so that they outlive this process.
#[derive(Clone)]
pub(super) struct Note(PathBuf);

impl Note {
    /// A note that outlives this process, if not a power cut.
    fn write(dir: &Path, keys: &[FileKey]) -> io::Result<Note> {
        fs::create_dir_all(dir)?;
        let path = dir.join(format!("{PREFIX}{}", pattern::random_id(20)));
        let lines: String = keys.iter().map(|key| format!("{key}\n")).collect();
        File::create_new(&path)?.write_all(lines.as_bytes())?;
        Ok(Note(path))
    }

    /// A note that outlives everything.
    pub(super) fn write_lasting(dir: &Path, keys: &[FileKey]) -> io::Result<Note> {
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

    /// It is certain now.
    pub(super) fn remove(&self) {
        if let Err(error) = fs::remove_file(&self.0)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("failed to remove a note about a file: {error}");
        }
    }
}

/// Removes files once the transaction is committed after which no record names them. They are noted before: what this
/// process does not get to, the next one does.
pub(super) fn remove_with(tx: &mut Tx, app: &App, keys: Vec<FileKey>) {
    // Without a note they are removed all the same: on a full disk nothing else makes room.
    let note = Note::write(&app.dir().join(TEMPORARY), &keys);
    let note = note.inspect_err(|error| tracing::warn!("failed to note files to be removed: {error}")).ok();
    let (app, noted) = (app.clone(), note.clone());
    tx.once_undone(move || noted.iter().for_each(Note::remove));
    tx.after_commit(move || {
        later(async move {
            match remove(&app, &keys).await {
                Ok(()) => note.iter().for_each(Note::remove),
                Err(error) => tracing::warn!("failed to remove files that no record names any more: {error}"),
            }
        });
    });
}

async fn remove(app: &App, keys: &[FileKey]) -> Result<()> {
    let _permit = app.storages().removal().await?;
    let storage = app.storage()?;
    for key in keys {
        storage.remove(key).await?;
    }
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
            let is_note = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(PREFIX));
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
