//! Backups from the command line: made beside a running server, restored only where none runs.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context as _, bail};
use chrono::Utc;

use super::place::Folder;
use super::{Bounds, DATABASES, Key, Scratch, Stored, archive, key_for, swap, unpack};
use crate::app;
use crate::files::TEMPORARY;
use crate::settings::{EncryptionKey, Settings};
use crate::store::{self, Pinned};
use crate::superusers::DataDir;

/// `backup create`: the name of what was made.
pub fn create(DataDir { path: dir, key: encryption }: DataDir<'_>, name: Option<&str>) -> anyhow::Result<String> {
    if !dir.join(DATABASES[0]).is_file() {
        bail!("there is no backend in {}", dir.display());
    }
    let key = match name {
        Some(name) => Key::parse(name).with_context(|| format!("{name:?} is no name for a backup"))?,
        None => key_for(&settings(dir, encryption)?, "pb_backup_", Utc::now())?,
    };
    let folder = Folder::of(dir);
    if folder.path(&key).exists() {
        bail!("there is a backup named {:?} already", key.as_str());
    }
    let draft = Scratch::new(dir);
    fs::create_dir_all(dir.join(TEMPORARY)).context("create the folder for temporary files")?;
    write(dir, &draft.0, "")?;
    folder.put(&key, &draft.0).context("put the archive in its place")?;
    Ok(key.as_str().to_owned())
}

/// Writes an archive, in a file that is not there yet, that says whose it is.
pub fn write(dir: &Path, target: &Path, owner: &str) -> anyhow::Result<()> {
    if swap::is_unfinished(dir) {
        bail!("a restore was interrupted; whoever opens the data finishes it");
    }
    let mut databases = Vec::new();
    for name in DATABASES.into_iter().filter(|name| dir.join(name).is_file()) {
        databases.push((name, Pinned::of(&dir.join(name))?));
    }
    let file = File::create_new(target).context("create the archive")?;
    archive::write(dir, &databases, file, owner, None, &|| false).context("write the archive")?;
    Ok(())
}

/// `backup list`
pub fn list(dir: &Path) -> anyhow::Result<Vec<Stored>> {
    Folder::of(dir).list().context("list the backups")
}

/// `backup restore`, from a backup in the data directory or any other file.
pub fn restore(DataDir { path: dir, key: encryption }: DataDir<'_>, name: &str) -> anyhow::Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
    let _lock = app::lock(dir)?;
    let own = Key::parse(name).map(|key| Folder::of(dir).path(&key)).filter(|path| path.is_file());
    let archive = own.unwrap_or_else(|| name.into());
    if !archive.is_file() {
        bail!("there is no backup named {name:?}");
    }
    swap::finish(dir).context("finish an earlier restore")?;
    let scratch = Scratch::new(dir);
    unpack::unpack(&archive, &scratch.0, encryption, &Bounds::none()).context("unpack the backup")?;
    swap::commit(dir, &scratch.0).context("take the new data in")?;
    swap::finish(dir).context("put the new data in place")
}

fn settings(dir: &Path, key: Option<&EncryptionKey>) -> anyhow::Result<Settings> {
    Ok(Settings::load(&store::open_exclusive(&dir.join(DATABASES[0]))?, key)?)
}
