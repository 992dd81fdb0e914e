//! The archive of a data directory: a zip as stock servers make and take it, written from pinned databases.
//!
//! Its comment, which nobody else looks at, may say whose data it is.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write as _};
use std::path::Path;

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::census::{Files, is_record_file};
use super::paced::Paced;
use super::unpack::{LONGEST_LIST, MOST_ENTRIES};
use super::{NOT_ARCHIVED, is_database};
use crate::meter::Claim;
use crate::store::Pinned;

const CHUNK: usize = 256 << 10;
/// The level decides how long a backup takes; better ones hardly save space.
const FASTEST: i64 = 1;
/// Entries from here on are announced as possibly larger than 4 GiB: one may grow while it is read.
const LARGE: u64 = 2 << 30;

/// What an entry takes in the archive's list beside its name, at most.
const LISTED: u64 = 46 + 28;
/// What is read with the list: the end of the archive.
const BESIDE_LIST: u64 = 1 << 20;

/// The archive would have more files than can be taken out of one again: its list has to fit into memory then.
#[derive(Debug, thiserror::Error)]
#[error("it has more files than a backup may hold that can be restored")]
pub(super) struct TooMany;

/// Writes the archive: the databases, and every other file that belongs to a backup. Blocks. The answer counts the files
/// of records that are in it.
///
/// # Errors
/// `ErrorKind::Interrupted` as soon as `cancelled` says so; `ErrorKind::QuotaExceeded` when there is no more room to claim;
/// [`TooMany`].
pub(super) fn write(
    dir: &Path,
    databases: &[(&str, Pinned)],
    target: File,
    owner: &str,
    claim: Option<&Claim>,
    cancelled: &dyn Fn() -> bool,
) -> io::Result<Files> {
    let mut zip = ZipWriter::new(Paced::new(target, claim));
    zip.set_comment(owner)?;
    let mut archive = Archive { zip, list: List::empty(), files: Files::default(), cancelled };
    for (name, pinned) in databases {
        let now = Utc::now();
        archive.add(name, pinned.length(), now, &mut pinned.database())?;
        if let Some((length, mut log)) = pinned.log()? {
            archive.add(&format!("{name}-wal"), length, now, &mut log)?;
        }
    }
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        // Pinned ones are added above, and opening the file of another would drop the locks on it.
        if !is_database(&name) && !NOT_ARCHIVED.contains(&name.as_str()) {
            archive.add_all(&entry.path(), &name)?;
        }
    }
    archive.zip.finish()?.into_file().sync_all()?;
    Ok(archive.files)
}

struct Archive<'a> {
    zip: ZipWriter<Paced<'a>>,
    list: List,
    files: Files,
    cancelled: &'a dyn Fn() -> bool,
}

impl Archive<'_> {
    /// A file, or all files below a folder. What vanishes meanwhile is left out; links are not followed.
    fn add_all(&mut self, path: &Path, name: &str) -> io::Result<()> {
        let Some(metadata) = unless_gone(path.symlink_metadata())? else { return Ok(()) };
        if metadata.is_file() {
            let Some(mut file) = unless_gone(File::open(path))? else { return Ok(()) };
            let modified = metadata.modified().map_or_else(|_| Utc::now(), DateTime::from);
            return self.add(name, metadata.len(), modified, &mut file);
        }
        if !metadata.is_dir() {
            return Ok(());
        }
        let Some(entries) = unless_gone(fs::read_dir(path))? else { return Ok(()) };
        for entry in entries {
            let entry = entry?;
            if let Ok(inner) = entry.file_name().into_string() {
                self.add_all(&entry.path(), &format!("{name}/{inner}"))?;
            }
        }
        Ok(())
    }

    fn add(&mut self, name: &str, length: u64, modified: DateTime<Utc>, content: &mut impl Read) -> io::Result<()> {
        self.list.add(name)?;
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated)
            .compression_level(Some(FASTEST))
            .last_modified_time(zip_time(modified))
            .large_file(length >= LARGE);
        self.zip.start_file(name, options)?;
        let (mut chunk, mut size) = (vec![0; CHUNK], 0);
        loop {
            if (self.cancelled)() {
                return Err(ErrorKind::Interrupted.into());
            }
            let read = content.read(&mut chunk)?;
            if read == 0 {
                break;
            }
            self.zip.write_all(&chunk[..read])?;
            size += read as u64;
        }
        if is_record_file(name) {
            self.files.add(size);
        }
        Ok(())
    }
}

/// How much the list of entries may still grow.
struct List {
    entries: usize,
    bytes: u64,
}

impl List {
    fn empty() -> List {
        List { entries: MOST_ENTRIES, bytes: LONGEST_LIST - BESIDE_LIST }
    }

    fn add(&mut self, name: &str) -> io::Result<()> {
        let entries = self.entries.checked_sub(1);
        let bytes = self.bytes.checked_sub(LISTED + name.len() as u64);
        let left = entries.zip(bytes).ok_or_else(|| io::Error::other(TooMany))?;
        (self.entries, self.bytes) = left;
        Ok(())
    }
}

fn unless_gone<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A moment as zip archives write it.
fn zip_time(moment: DateTime<Utc>) -> zip::DateTime {
    let part = |number: u32| u8::try_from(number).unwrap_or_default();
    zip::DateTime::from_date_and_time(
        u16::try_from(moment.year()).unwrap_or_default(),
        part(moment.month()),
        part(moment.day()),
        part(moment.hour()),
        part(moment.minute()),
        part(moment.second()),
    )
    .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_archive_holds_no_more_than_comes_out_of_it_again() {
        let mut few = List { entries: 2, ..List::empty() };
        assert!(few.add("data.db").is_ok() && few.add("data.db-wal").is_ok());
        let error = few.add("storage/posts/1/cat.png").expect_err("is one too many");
        assert!(error.get_ref().is_some_and(|cause| cause.is::<TooMany>()));
        let mut short = List { bytes: 2 * (LISTED + 7), ..List::empty() };
        assert!(short.add("data.db").is_ok() && short.add("longer.db").is_err());
        let longest = "x".repeat(60);
        let mut list = List::empty();
        let fit = (0..MOST_ENTRIES).take_while(|_| list.add(&longest).is_ok()).count();
        assert!(fit as u64 * (LISTED + 60) <= LONGEST_LIST);
    }
}
