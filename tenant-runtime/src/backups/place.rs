//! Where backups are kept: in the folder `backups` of the data directory.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::sync_dir;
use crate::records::datetime;

const FOLDER: &str = "backups";
/// Stock servers put one of these beside each backup.
const SIDECAR: &str = ".attrs";
/// What file systems take for a name, with room for the sidecar's.
const LONGEST_KEY: usize = 240;

/// The name of a backup: any that is the name of a file in the folder and nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(String);

/// A backup as lists show it.
#[derive(Clone, Debug, Serialize)]
pub struct Stored {
    #[serde(serialize_with = "as_stored")]
    /// When it was made.
    pub modified: DateTime<Utc>,
    /// Its name.
    pub key: String,
    /// Bytes.
    pub size: u64,
}

impl Key {
    /// Takes a name if it is one.
    pub fn parse(text: &str) -> Option<Key> {
        let plain = !text.contains(['/', '\\', '\0']) && !text.chars().any(char::is_control);
        let fits = plain && !text.starts_with('.') && !text.ends_with(SIDECAR);
        (fits && (1..=LONGEST_KEY).contains(&text.len())).then(|| Key(text.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Where a backup lies.
pub(super) fn path(dir: &Path, key: &Key) -> PathBuf {
    dir.join(FOLDER).join(key.as_str())
}

/// All backups in the order of their names.
pub(super) fn list(dir: &Path) -> io::Result<Vec<Stored>> {
    let entries = match fs::read_dir(dir.join(FOLDER)) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut backups = Vec::new();
    for entry in entries {
        let entry = entry?;
        let key = entry.file_name().to_str().and_then(Key::parse);
        // What is gone again was not there.
        if let (Some(key), Ok(file)) = (key, entry.metadata())
            && file.is_file()
        {
            backups.push(Stored { modified: file.modified()?.into(), key: key.0, size: file.len() });
        }
    }
    backups.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(backups)
}

/// Moves a finished, synced file here.
pub(super) fn put(dir: &Path, key: &Key, file: &Path) -> io::Result<()> {
    let folder = dir.join(FOLDER);
    if !folder.is_dir() {
        fs::create_dir(&folder)?;
        sync_dir(dir)?;
    }
    fs::rename(file, folder.join(key.as_str()))?;
    sync_dir(&folder)
}

/// Removes a backup.
pub(super) fn remove(dir: &Path, key: &Key) -> io::Result<()> {
    let file = path(dir, key);
    fs::remove_file(&file)?;
    let mut sidecar = file.into_os_string();
    sidecar.push(SIDECAR);
    match fs::remove_file(sidecar) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn as_stored<S: serde::Serializer>(moment: &DateTime<Utc>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&datetime::format(*moment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_name_of_a_file() {
        for good in ["a.zip", "@auto_pb_backup_acme_20250101000000.zip", "We Ird@1.zip", "ä.zip", "x.txt"] {
            assert!(Key::parse(good).is_some(), "{good}");
        }
        for bad in ["", ".", "..", "../data.db", "a/b.zip", "a\\b", ".hidden", "a.zip.attrs", "a\nb", &"a".repeat(241)]
        {
            assert!(Key::parse(bad).is_none(), "{bad:?}");
        }
    }
}
