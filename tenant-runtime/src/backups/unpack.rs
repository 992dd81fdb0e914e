//! Taking an archive apart that anybody may have made: nothing is written outside of the folder, nothing grows past
//! its bounds, and what comes out is a data directory that opens.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Component, Path, PathBuf};

use zip::ZipArchive;
use zip::result::ZipError;

use super::{KEPT, sync_dir};
use crate::app::OpenError;
use crate::schema::layout;
use crate::settings::EncryptionKey;
use crate::store;

const DATABASE: &str = "data.db";
/// An archive may always take that much room unpacked,
const ALWAYS_ALLOWED: u64 = 2 << 30;
/// or that many times its own size: databases with much in common compress well, but bombs a thousandfold.
const MOST_GROWTH: u64 = 100;
const CHUNK: usize = 256 << 10;

/// Why an archive is refused.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// It cannot be read.
    #[error("it is no sound zip archive: {0}")]
    Damaged(#[from] ZipError),
    /// Something in it is not what a backup holds.
    #[error("its entry {0:?} {1}")]
    Entry(String, &'static str),
    /// Its entries share names or bytes.
    #[error("its entries overlap")]
    Overlapping,
    /// It would take too much room.
    #[error("it would take more than {0} bytes unpacked")]
    TooLarge(u64),
    /// There is no database at its root.
    #[error("it holds no data.db")]
    NoDatabase,
    /// The database is not one of ours.
    #[error("{0}")]
    Database(#[from] OpenError),
    /// The disk failed.
    #[error("it could not be unpacked: {0}")]
    Io(#[from] io::Error),
}

/// Unpacks a whole archive into a new folder, where it is synced and ready to be opened. Blocks.
pub(super) fn unpack(archive: &Path, into: &Path, key: Option<&EncryptionKey>) -> Result<(), Unfit> {
    let mut archive = Archive::open(archive)?;
    archive.extract(into, |_| true)?;
    check_database(into, key)?;
    sync_all(into)?;
    Ok(())
}

/// Whether an archive could be restored, judged by its list of entries and its database. Blocks; `scratch` is a folder
/// that is new and may be thrown away.
pub(super) fn check(archive: &Path, scratch: &Path, key: Option<&EncryptionKey>) -> Result<(), Unfit> {
    let mut archive = Archive::open(archive)?;
    archive.extract(scratch, |path| path == Path::new(DATABASE) || path == Path::new("data.db-wal"))?;
    check_database(scratch, key)
}

struct Archive {
    zip: ZipArchive<File>,
    /// Places of the files to unpack.
    entries: Vec<(usize, PathBuf)>,
    /// What may still be unpacked.
    room: u64,
    limit: u64,
}

impl Archive {
    /// Reads the list of entries and refuses what is wrong with it.
    fn open(path: &Path) -> Result<Archive, Unfit> {
        let file = File::open(path)?;
        let limit = file.metadata()?.len().saturating_mul(MOST_GROWTH).max(ALWAYS_ALLOWED);
        let mut zip = ZipArchive::new(file)?;
        if zip.has_duplicate_names() || zip.has_overlapping_entries()? {
            return Err(Unfit::Overlapping);
        }
        let (mut entries, mut size) = (Vec::new(), 0_u64);
        for at in 0..zip.len() {
            let entry = zip.by_index_raw(at)?;
            let name = entry.name()?.into_owned();
            let refused = |why| Unfit::Entry(name.clone(), why);
            if entry.encrypted() {
                return Err(refused("is encrypted"));
            }
            if entry.is_symlink() {
                return Err(refused("is a link"));
            }
            let place = place(&name).ok_or_else(|| refused("would be unpacked elsewhere"))?;
            size = size.saturating_add(entry.size());
            if entry.is_file() && belongs(&place) {
                entries.push((at, place));
            }
        }
        if size > limit {
            return Err(Unfit::TooLarge(limit));
        }
        if !entries.iter().any(|(_, place)| place == Path::new(DATABASE)) {
            return Err(Unfit::NoDatabase);
        }
        Ok(Archive { zip, entries, room: limit, limit })
    }

    fn extract(&mut self, into: &Path, wanted: impl Fn(&Path) -> bool) -> Result<(), Unfit> {
        fs::create_dir_all(into)?;
        let mut chunk = vec![0; CHUNK];
        for (at, place) in self.entries.iter().filter(|(_, place)| wanted(place)) {
            let target = into.join(place);
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent)?;
            }
            let mut content = self.zip.by_index(*at)?;
            let mut file = File::create_new(&target)?;
            loop {
                let read = content.read(&mut chunk)?;
                if read == 0 {
                    break;
                }
                // The list of entries may have lied.
                self.room = self.room.checked_sub(read as u64).ok_or(Unfit::TooLarge(self.limit))?;
                file.write_all(&chunk[..read])?;
            }
        }
        Ok(())
    }
}

/// Where an entry goes, if that is inside the folder.
fn place(name: &str) -> Option<PathBuf> {
    if name.contains(['\\', '\0']) {
        return None;
    }
    let path = Path::new(name);
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    (plain && !name.is_empty()).then(|| path.to_owned())
}

/// Folders that stay as they are, and indexes SQLite makes anew, are not taken from an archive.
fn belongs(place: &Path) -> bool {
    let first = place.components().next().map(|part| part.as_os_str().to_string_lossy());
    let kept = first.is_some_and(|first| KEPT.contains(&&*first));
    !kept && place.extension().is_none_or(|extension| extension != "db-shm")
}

/// Opens the database as the backend will, and brings what is in its log into it.
fn check_database(dir: &Path, key: Option<&EncryptionKey>) -> Result<(), Unfit> {
    let ask = |sql: &str| {
        let db = store::open_untouched(&dir.join(DATABASE)).map_err(OpenError::from_store)?;
        db.query_row(sql, [], |row| row.get::<_, String>(0)).map_err(OpenError::from_sqlite)
    };
    let sound = ask("PRAGMA quick_check(1)")?;
    if sound != "ok" {
        return Err(OpenError::Damaged(sound).into());
    }
    if ask("SELECT CAST(count(*) AS TEXT) FROM sqlite_schema")? == "0" {
        return Err(OpenError::Foreign("its database is empty".to_owned()).into());
    }
    let db = layout::open(dir, None, key)?.db;
    let closed = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
    let closed = closed.and_then(|()| db.close().map_err(|(_, error)| error));
    Ok(closed.map_err(OpenError::from_sqlite)?)
}

fn sync_all(dir: &Path) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            sync_all(&entry.path())?;
        } else {
            File::open(entry.path())?.sync_all()?;
        }
    }
    sync_dir(dir)
}

#[cfg(test)]
mod tests {
    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    type Fill = fn(&mut ZipWriter<File>);

    fn options() -> SimpleFileOptions {
        SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated)
    }

    fn add(zip: &mut ZipWriter<File>, name: &str, content: &[u8]) {
        zip.start_file(name, options()).expect("begins");
        zip.write_all(content).expect("writes");
    }

    /// What becomes of an archive, and whether anything is outside of the folder it was unpacked to.
    fn outcome(fill: Fill) -> String {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.zip");
        let mut zip = ZipWriter::new(File::create(&path).expect("creates"));
        fill(&mut zip);
        zip.finish().expect("finishes");
        let result = unpack(&path, &dir.path().join("into"), None);
        let others = fs::read_dir(dir.path()).expect("lists").count();
        assert!(others <= 2, "something was written elsewhere");
        result.map_or_else(|error| error.to_string(), |()| "fits".to_owned())
    }

    fn database(build: &str) -> Vec<u8> {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("x.db");
        rusqlite::Connection::open(&path).expect("opens").execute_batch(build).expect("builds");
        fs::read(path).expect("reads")
    }

    #[test]
    fn what_leads_elsewhere_is_refused() {
        for fill in [
            (|zip| add(zip, "../data.db", b"")) as Fill,
            |zip| add(zip, "/etc/data.db", b""),
            |zip| add(zip, "storage/../../x", b""),
            |zip| add(zip, "storage\\..\\x", b""),
        ] {
            assert!(outcome(fill).ends_with("would be unpacked elsewhere"), "{}", outcome(fill));
        }
        let link: Fill = |zip| zip.add_symlink("storage", "/etc", options()).expect("adds");
        assert!(outcome(link).ends_with("is a link"));
    }

    #[test]
    fn a_bomb_is_refused_by_what_it_announces() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.zip");
        let mut zip = ZipWriter::new(File::create(&path).expect("creates"));
        add(&mut zip, "data.db", b"boom");
        zip.finish().expect("finishes");
        let mut bytes = fs::read(&path).expect("reads");
        let listed = bytes.windows(4).rposition(|four| four == b"PK\x01\x02").expect("a list of entries");
        bytes[listed + 24..listed + 28].copy_from_slice(&0xf000_0000_u32.to_le_bytes());
        fs::write(&path, bytes).expect("writes");
        let refused = unpack(&path, &dir.path().join("into"), None).expect_err("is too large");
        assert!(matches!(refused, Unfit::TooLarge(ALWAYS_ALLOWED)), "{refused}");
        assert!(!dir.path().join("into").exists());
    }

    #[test]
    fn other_databases_are_refused() {
        assert_eq!(outcome(|zip| add(zip, "readme.txt", b"hello")), "it holds no data.db");
        assert!(outcome(|zip| add(zip, "data.db", b"hello, this is no database at all")).contains("damaged"));
        assert!(outcome(|zip| add(zip, "data.db", b"")).contains("empty"));
        assert!(outcome(|zip| add(zip, "data.db", &database("CREATE TABLE t (n)"))).contains("no PocketBase"));
    }

    #[test]
    fn folders_that_stay_are_not_taken_from_an_archive() {
        for kept in ["backups/x.zip", ".pb_temp_to_delete/x", ".roost-restore/next/data.db", "data.db-shm"] {
            assert!(!belongs(Path::new(kept)), "{kept}");
        }
        for taken in ["data.db", "data.db-wal", "storage/backups/x", "types.d.ts", ".notify/x"] {
            assert!(belongs(Path::new(taken)), "{taken}");
        }
    }
}
