//! The folder a restored platform is built in. As long as it is there, the directory around it holds nothing but a restore
//! that was not finished: nobody serves it, and the next restore begins anew.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail, ensure};

use crate::failure::Failure;

const FOLDER: &str = "restoring";
/// What a restore brings.
const PARTS: [&str; 3] = ["tenants", "control.db", FILES];
/// Files of the old machine whose place is not known to be theirs.
const FILES: &str = "restored-files";

/// The folder, and the directory around it.
pub(super) struct Draft {
    dir: PathBuf,
    pub(super) path: PathBuf,
}

/// Refuses to serve a directory that is not restored to the end.
///
/// # Errors
/// When it is such a directory.
pub fn refuse_unfinished(dir: &Path) -> anyhow::Result<()> {
    if dir.join(FOLDER).exists() {
        bail!("a restore of {} was interrupted: run `roost restore` again", dir.display());
    }
    Ok(())
}

impl Draft {
    /// Makes the folder in a directory that is empty, absent, or left by a restore that was interrupted.
    pub(super) fn begin(dir: &Path) -> anyhow::Result<Draft> {
        make_private(dir).with_context(|| format!("create {}", dir.display()))?;
        let path = dir.join(FOLDER);
        if path.exists() {
            for part in PARTS.map(|part| dir.join(part)).into_iter().chain([path.clone()]) {
                remove(&part).with_context(|| format!("remove {}", part.display()))?;
            }
        }
        let mut entries = fs::read_dir(dir).with_context(|| format!("look into {}", dir.display()))?;
        // A file system of its own has this from the beginning.
        let used = entries.any(|entry| entry.is_ok_and(|entry| entry.file_name() != "lost+found"));
        let told = || format!("{} is not empty: a platform is restored into a directory of its own", dir.display());
        ensure!(!used, Failure::new("not_empty", told()));
        make_private(&path).context("create the folder to restore in")?;
        Ok(Draft { dir: dir.to_owned(), path })
    }

    /// Where a file goes that has no place of its own: now, and when all is done.
    pub(super) fn aside(&self, number: usize, path: &Path) -> (PathBuf, PathBuf) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = PathBuf::from(FILES).join(format!("{number}-{name}"));
        (self.path.join(&name), self.dir.join(name))
    }

    /// Moves what was built to its place. Killed in between, the restore has to be run again.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        self.give_to_owner().context("give everything to whom the directory belongs to")?;
        for part in PARTS.into_iter().filter(|part| self.path.join(part).exists()) {
            fs::rename(self.path.join(part), self.dir.join(part)).with_context(|| format!("move {part}"))?;
        }
        let sync = || fs::File::open(&self.dir)?.sync_all();
        sync().context("sync the directory")?;
        remove(&self.path).context("remove the folder it was restored in")?;
        sync().context("sync the directory")
    }

    /// Root restores for the user whose directory it is.
    fn give_to_owner(&self) -> std::io::Result<()> {
        let (wanted, is) = (fs::metadata(&self.dir)?, fs::metadata(&self.path)?);
        if (wanted.uid(), wanted.gid()) == (is.uid(), is.gid()) { Ok(()) } else { give(&self.path, &wanted) }
    }
}

fn give(path: &Path, owner: &fs::Metadata) -> std::io::Result<()> {
    std::os::unix::fs::lchown(path, Some(owner.uid()), Some(owner.gid()))?;
    if path.symlink_metadata()?.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), owner)?;
        }
    }
    Ok(())
}

fn make_private(dir: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

fn remove(path: &Path) -> std::io::Result<()> {
    let removed = match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    removed.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_directory_without_anything_else_is_restored_into() {
        let dir = tempfile::tempdir().expect("a directory");
        let data = dir.path().join("data");
        let draft = Draft::begin(&data).expect("it was absent");
        assert!(refuse_unfinished(&data).is_err());
        fs::write(draft.path.join("control.db"), "half").expect("writes");
        // Killed after the first of two moves.
        fs::create_dir(data.join("tenants")).expect("makes");
        let draft = Draft::begin(&data).expect("begins anew");
        assert!(!draft.path.join("control.db").exists() && !data.join("tenants").exists());
        fs::write(draft.path.join("control.db"), "whole").expect("writes");
        draft.finish().expect("finishes");
        refuse_unfinished(&data).expect("is finished");
        assert_eq!(fs::read(data.join("control.db")).expect("reads"), b"whole");
        assert!(Draft::begin(&data).is_err());
    }
}
