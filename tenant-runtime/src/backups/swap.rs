//! Putting a restored data directory in the place of the present one, so that a crash at any moment leaves the old data
//! or the new, never a mixture that is served.
//!
//! The new data waits, complete and synced, under a name nobody looks at. One rename makes it wanted, and from then on
//! whoever opens the directory first carries on where the last one stopped: what is there moves to `before`, then what
//! waits moves in. Each step is one rename whose need can be seen on the disk, so that any of them may be the last one
//! before a crash.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{KEPT, sync_dir};

/// The folder a restore uses.
pub(super) const HOME: &str = ".roost-restore";
/// New data that is wanted; the old is not all gone yet.
const NEXT: &str = "next";
/// New data, the old being gone.
const ARRIVING: &str = "arriving";
/// The data before.
const BEFORE: &str = "before";
/// How long that is kept.
const KEEP_BEFORE: Duration = Duration::from_secs(7 * 24 * 3600);

/// Makes new data wanted that lies, synced, in a folder of the same file system. Nothing changes before this returns, and
/// nothing is lost after it.
pub(super) fn commit(dir: &Path, new: &Path) -> io::Result<()> {
    let home = dir.join(HOME);
    fs::remove_dir_all(&home).or_else(unless_absent)?;
    fs::create_dir(&home)?;
    fs::create_dir(home.join(BEFORE))?;
    sync_dir(&home)?;
    sync_dir(dir)?;
    fs::rename(new, home.join(NEXT))?;
    sync_dir(&home)
}

/// Finishes a restore that was committed. To be called before anything in the directory is opened, by whoever has its
/// lock; costs one look when there is nothing to do.
pub fn finish(dir: &Path) -> io::Result<()> {
    let home = dir.join(HOME);
    if !home.exists() {
        return Ok(());
    }
    let mut moved = false;
    while let Some((from, to)) = next_move(dir)? {
        fs::rename(&from, &to)?;
        [&from, &to].into_iter().filter_map(|path| path.parent()).try_for_each(sync_dir)?;
        moved = true;
    }
    if moved {
        tracing::info!("restored {}", dir.display());
    }
    // Whatever becomes of the data before, the present is complete.
    if let Err(error) = forget_old(&home) {
        tracing::warn!("failed to remove what {} held before its restore: {error}", dir.display());
    }
    Ok(())
}

/// Whether a restore was committed and not finished.
pub fn is_unfinished(dir: &Path) -> bool {
    [NEXT, ARRIVING].iter().any(|part| dir.join(HOME).join(part).exists())
}

/// What is to be renamed next, judged by what is where.
fn next_move(dir: &Path) -> io::Result<Option<(PathBuf, PathBuf)>> {
    let home = dir.join(HOME);
    let (next, arriving) = (home.join(NEXT), home.join(ARRIVING));
    if next.exists() {
        let old = first_entry(dir, |name| !KEPT.contains(&name))?;
        return Ok(Some(match old {
            Some(name) => (dir.join(&name), home.join(BEFORE).join(name)),
            None => (next, arriving),
        }));
    }
    if !arriving.exists() {
        return Ok(None);
    }
    let new = first_entry(&arriving, |_| true)?;
    Ok(new.map(|name| (arriving.join(&name), dir.join(name))))
}

fn first_entry(dir: &Path, wanted: impl Fn(&str) -> bool) -> io::Result<Option<std::ffi::OsString>> {
    for entry in fs::read_dir(dir)? {
        let name = entry?.file_name();
        if wanted(&name.to_string_lossy()) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Removes the data before the restore when it is old enough.
fn forget_old(home: &Path) -> io::Result<()> {
    let age = home.join(BEFORE).metadata().and_then(|before| before.modified()).map(|since| since.elapsed());
    match age {
        Ok(Ok(age)) if age > KEEP_BEFORE => fs::remove_dir_all(home),
        _ => Ok(()),
    }
}

fn unless_absent(error: io::Error) -> io::Result<()> {
    if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(dir: &Path, what: &str) {
        fs::create_dir_all(dir.join("storage/c/r")).expect("creates");
        for name in ["data.db", "data.db-wal", "storage/c/r/f.txt"] {
            fs::write(dir.join(name), what).expect("writes");
        }
        fs::write(dir.join(format!("only-{what}")), what).expect("writes");
    }

    /// The data directory's own files, in order.
    fn state(dir: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(dir)
            .expect("lists")
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .filter(|name| !KEPT.contains(&name.as_str()))
            .collect();
        names.sort();
        names
    }

    fn holds(dir: &Path, what: &str) {
        assert_eq!(state(dir), ["data.db", "data.db-wal", &format!("only-{what}"), "storage"], "{what}");
        for name in ["data.db", "storage/c/r/f.txt"] {
            assert_eq!(fs::read_to_string(dir.join(name)).expect("reads"), what);
        }
        assert_eq!(fs::read_to_string(dir.join("backups/b.zip")).expect("stays"), "zip");
    }

    fn prepared() -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a directory");
        fill(dir.path(), "old");
        fs::create_dir(dir.path().join("backups")).expect("creates");
        fs::write(dir.path().join("backups/b.zip"), "zip").expect("writes");
        fill(&dir.path().join(".pb_temp_to_delete/new"), "new");
        dir
    }

    #[test]
    fn before_the_commit_nothing_changed() {
        let dir = prepared();
        finish(dir.path()).expect("finds nothing to do");
        holds(dir.path(), "old");
    }

    #[test]
    fn a_crash_after_any_step_ends_with_the_new_data() {
        let steps = {
            let dir = prepared();
            commit(dir.path(), &dir.path().join(".pb_temp_to_delete/new")).expect("commits");
            crash_after(dir.path(), usize::MAX)
        };
        assert!(steps > 8, "{steps}");
        for step in 0..=steps {
            let dir = prepared();
            commit(dir.path(), &dir.path().join(".pb_temp_to_delete/new")).expect("commits");
            crash_after(dir.path(), step);
            finish(dir.path()).expect("carries on");
            holds(dir.path(), "new");
            finish(dir.path()).expect("finds nothing to do");
            holds(dir.path(), "new");
            let before = dir.path().join(HOME).join(BEFORE);
            assert_eq!(fs::read_to_string(before.join("data.db")).expect("is kept"), "old");
        }
    }

    #[test]
    fn what_was_before_goes_with_the_next_restore() {
        let dir = prepared();
        commit(dir.path(), &dir.path().join(".pb_temp_to_delete/new")).expect("commits");
        finish(dir.path()).expect("restores");
        fill(&dir.path().join(".pb_temp_to_delete/third"), "third");
        commit(dir.path(), &dir.path().join(".pb_temp_to_delete/third")).expect("commits");
        finish(dir.path()).expect("restores");
        holds(dir.path(), "third");
        let before = dir.path().join(HOME).join(BEFORE).join("data.db");
        assert_eq!(fs::read_to_string(before).expect("is kept"), "new");
    }

    /// Does that many steps and no more; how many there were.
    fn crash_after(dir: &Path, most: usize) -> usize {
        let mut steps = 0;
        while steps < most
            && let Some((from, to)) = next_move(dir).expect("looks")
        {
            fs::rename(from, to).expect("renames");
            steps += 1;
        }
        steps
    }
}
