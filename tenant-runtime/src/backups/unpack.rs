//! Taking an archive apart that anybody may have made: nothing is written outside of the folder, nothing grows past
//! its bounds, be it bytes, files or folders, and what comes out is a data directory that opens.

use std::cell::Cell;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write as _};
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;

use zip::ZipArchive;
use zip::result::ZipError;

use super::paced::Paced;
use super::{Bounds, DATABASES, KEPT, sync_dir};
use crate::app::OpenError;
use crate::schema::layout;
use crate::settings::EncryptionKey;
use crate::store;

const DATABASE: &str = "data.db";
/// An archive may always take that much room unpacked,
const ALWAYS_ALLOWED: u64 = 2 << 30;
/// or that many times its own size: databases with much in common compress well, but bombs a thousandfold.
const MOST_GROWTH: u64 = 100;
/// A file takes that much room beside its bytes, and so does a folder,
const BLOCK: u64 = 4 << 10;
/// all of them together that much, or as many times the archive: files of records, each in a folder of its own, take less.
const ALWAYS_BESIDE: u64 = 64 << 20;
/// An archive may have so many entries: more than the list below has of a backend's own files.
pub(super) const MOST_ENTRIES: usize = 1 << 20;
/// So deep may files lie, and so long may a name be. Those of records lie five deep.
const DEEPEST: usize = 32;
const LONGEST_NAME: usize = 255;
const CHUNK: usize = 256 << 10;
/// So much may be read to learn what an archive holds: its list of entries is kept in memory, at several times its size.
pub(super) const LONGEST_LIST: u64 = 64 << 20;

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
    /// It has too many entries.
    #[error("it has more than {MOST_ENTRIES} entries")]
    TooMany,
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

/// Unpacks a whole archive into a new folder, where it is synced and ready to be opened; whose data it says it is. Blocks.
pub(super) fn unpack(
    archive: &Path,
    into: &Path,
    key: Option<&EncryptionKey>,
    bounds: &Bounds,
) -> Result<String, Unfit> {
    let mut archive = Archive::open(archive, bounds)?;
    archive.extract(into, |_| true)?;
    check_database(into, key, bounds)?;
    sync_all(into)?;
    Ok(String::from_utf8_lossy(archive.zip.comment()).into_owned())
}

/// Whether an archive could be restored, judged by its list of entries and its database. Blocks; `scratch` is a folder
/// that is new and may be thrown away.
pub(super) fn check(archive: &Path, scratch: &Path, key: Option<&EncryptionKey>, bounds: &Bounds) -> Result<(), Unfit> {
    let mut archive = Archive::open(archive, bounds)?;
    archive.extract(scratch, |path| path == Path::new(DATABASE) || path == Path::new("data.db-wal"))?;
    check_database(scratch, key, bounds)
}

struct Archive<'b> {
    zip: ZipArchive<Metered>,
    /// Places of the files to unpack.
    entries: Vec<(usize, PathBuf)>,
    /// The bytes its list of entries announces.
    size: u64,
    /// How many files and folders come out of it.
    nodes: u64,
    bounds: &'b Bounds,
}

impl<'b> Archive<'b> {
    /// Reads the list of entries and refuses what is wrong with it.
    fn open(path: &Path, bounds: &'b Bounds) -> Result<Archive<'b>, Unfit> {
        let file = File::open(path)?;
        let growth = file.metadata()?.len().saturating_mul(MOST_GROWTH);
        let left = Rc::new(Cell::new(LONGEST_LIST));
        let mut zip = ZipArchive::new(Metered { file, left: left.clone() })?;
        left.set(u64::MAX);
        if zip.len() > MOST_ENTRIES {
            return Err(Unfit::TooMany);
        }
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
                if !is_modest(&place) {
                    return Err(refused("lies too deep or has too long a name"));
                }
                entries.push((at, place));
            }
        }
        let nodes = count_nodes(entries.iter().map(|(_, place)| place.as_path()).collect())?;
        // A plan counts the bytes of files only: whoever has many small ones gets them back.
        let limits = [(size, growth.max(ALWAYS_ALLOWED).min(bounds.most)), (nodes * BLOCK, growth.max(ALWAYS_BESIDE))];
        for (room, limit) in limits {
            if room > limit {
                return Err(Unfit::TooLarge(limit));
            }
        }
        if !entries.iter().any(|(_, place)| place == Path::new(DATABASE)) {
            return Err(Unfit::NoDatabase);
        }
        Ok(Archive { zip, entries, size, nodes, bounds })
    }

    fn extract(&mut self, into: &Path, wanted: impl Fn(&Path) -> bool) -> Result<(), Unfit> {
        fs::create_dir_all(into)?;
        check_disk(into, self.size.saturating_add(self.nodes * BLOCK), self.nodes)?;
        let mut chunk = vec![0; CHUNK];
        let mut room = self.size;
        for (at, place) in self.entries.iter().filter(|(_, place)| wanted(place)) {
            let target = into.join(place);
            if let Some(parent) = target.parent() {
                fs::create_dir_all(parent)?;
            }
            let mut content = self.zip.by_index(*at)?;
            let mut file = Paced::new(File::create_new(&target)?, None);
            loop {
                self.bounds.check()?;
                let read = content.read(&mut chunk).map_err(of_content)?;
                if read == 0 {
                    break;
                }
                // The list of entries may have lied.
                room = room.checked_sub(read as u64).ok_or(Unfit::TooLarge(self.size))?;
                file.write_all(&chunk[..read])?;
            }
        }
        Ok(())
    }
}

/// What the system did not say is wrong with the archive, not with the disk.
fn of_content(error: io::Error) -> Unfit {
    if error.raw_os_error().is_some() { Unfit::Io(error) } else { Unfit::Damaged(ZipError::Io(error)) }
}

/// How many files and folders there will be. Refuses one file in the place of another, or of another's folder.
fn count_nodes(mut files: Vec<&Path>) -> Result<u64, Unfit> {
    // In this order whatever lies in a folder stands together, and a folder after the file in its place.
    files.sort_unstable();
    let (mut nodes, mut last) = (0, None);
    for file in files {
        if last.is_some_and(|last| file.starts_with(last)) {
            return Err(Unfit::Overlapping);
        }
        let shared = last.map_or(0, |last: &Path| {
            let pairs = last.components().zip(file.components());
            pairs.take_while(|(one, other)| one == other).count()
        });
        nodes += (file.components().count() - shared) as u64;
        last = Some(file);
    }
    Ok(nodes)
}

/// Refuses what finds no room on the disk of that directory.
fn check_disk(dir: &Path, bytes: u64, nodes: u64) -> io::Result<()> {
    let disk = rustix::fs::statvfs(dir)?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    // Not every file system has a bound of its own.
    let is_crowded = disk.f_files > 0 && nodes > disk.f_favail;
    if bytes > free || is_crowded { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
}

/// A file of which so much may be read.
struct Metered {
    file: File,
    left: Rc<Cell<u64>>,
}

impl Read for Metered {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        let left = self.left.get().checked_sub(read as u64);
        self.left.set(left.ok_or_else(|| io::Error::other("its list of entries is too long"))?);
        Ok(read)
    }
}

impl Seek for Metered {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
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

/// Whether a file system takes a place, and whoever walks through its folders gets there.
fn is_modest(place: &Path) -> bool {
    place.components().count() <= DEEPEST && place.components().all(|part| part.as_os_str().len() <= LONGEST_NAME)
}

/// Folders that stay as they are are not taken from an archive, nor is what lies beside a database, except for its log:
/// indexes SQLite makes anew, and what a rollback journal names is removed when the database is opened.
fn belongs(place: &Path) -> bool {
    let Some(Component::Normal(first)) = place.components().next() else { return false };
    let first = first.to_string_lossy();
    let beside = DATABASES.iter().find_map(|database| first.strip_prefix(database));
    !KEPT.contains(&&*first) && beside.is_none_or(|suffix| suffix.is_empty() || suffix == "-wal")
}

/// Opens the database as the backend will, and brings what is in its log into it.
fn check_database(dir: &Path, key: Option<&EncryptionKey>, bounds: &Bounds) -> Result<(), Unfit> {
    let ask = |sql: &str| {
        let db = store::open_untouched(&dir.join(DATABASE)).map_err(OpenError::from_store)?;
        let asked = store::distrust_all(&db, bounds.stop());
        let answer = asked.and_then(|()| db.query_row(sql, [], |row| row.get::<_, String>(0)));
        if answer.is_err() {
            // Whoever was told to stop says why.
            bounds.check()?;
        }
        Ok::<_, Unfit>(answer.map_err(OpenError::from_sqlite)?)
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
    use crate::meter::Meter;

    const ENDLESS: &str = "CREATE VIEW _migrations AS
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i AS file FROM n";

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
        let result = unpack(&path, &dir.path().join("into"), None, &Bounds::none());
        let others = fs::read_dir(dir.path()).expect("lists").count();
        assert!(others <= 2, "something was written elsewhere");
        result.map_or_else(|error| error.to_string(), |_| "fits".to_owned())
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
    fn of_what_lies_beside_a_database_only_its_log_is_taken() {
        for name in ["data.db", "data.db-wal", "auxiliary.db", "auxiliary.db-wal", "storage/a/b.db-journal"] {
            assert!(belongs(Path::new(name)), "{name}");
        }
        for name in ["data.db-journal", "auxiliary.db-journal", "data.db-shm", "data.db-mj1234", "data.db-journal/x"] {
            assert!(!belongs(Path::new(name)), "{name}");
        }
    }

    #[test]
    fn what_no_disk_should_hold_is_refused() {
        for fill in [(|zip| add(zip, &format!("storage/{}x", "a/".repeat(DEEPEST)), b"")) as Fill, |zip| {
            add(zip, &format!("storage/{}", "x".repeat(LONGEST_NAME + 1)), b"")
        }] {
            assert!(outcome(fill).ends_with("lies too deep or has too long a name"), "{}", outcome(fill));
        }
        for fill in
            [(|zip| ["storage/a/b", "storage/a"].into_iter().for_each(|name| add(zip, name, b""))) as Fill, |zip| {
                ["storage/a", "storage//a"].into_iter().for_each(|name| add(zip, name, b""))
            }]
        {
            assert_eq!(outcome(fill), "its entries overlap");
        }
    }

    #[test]
    fn every_file_and_every_folder_counts() {
        let count = |names: &[&str]| count_nodes(names.iter().map(Path::new).collect()).expect("fits");
        assert_eq!(count(&[]), 0);
        assert_eq!(count(&["data.db"]), 1);
        assert_eq!(count(&["storage/c/r/f", "data.db", "storage/c/r/g", "storage/c/s/f"]), 8);
        assert_eq!(count(&["a/b", "a-b", "a.b/c"]), 5, "in whatever order such names stand");
    }

    #[test]
    fn empty_folders_by_the_million_are_refused() {
        let many: Fill = |zip| {
            // Each is some hundred bytes of the archive, and fifteen folders.
            for n in 0..10_000 {
                let name = format!("{n:x}/{}x", "a/".repeat(14));
                zip.start_file(name, SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored))
                    .expect("begins");
            }
        };
        let outcome = outcome(many);
        assert!(outcome.starts_with("it would take more than"), "{outcome}");
    }

    #[test]
    fn a_list_of_entries_without_end_is_refused() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.zip");
        // As many entries as there are in it are 66 bytes of the list each, and take nothing else.
        let entries = LONGEST_LIST / 66 + 1000;
        let mut entry = b"PK\x01\x02".to_vec();
        entry.resize(46, 0);
        entry[28..30].copy_from_slice(&20_u16.to_le_bytes());
        entry.extend([b'n'; 20]);
        let mut file = io::BufWriter::new(File::create(&path).expect("creates"));
        for _ in 0..entries {
            file.write_all(&entry).expect("writes");
        }
        let size = entries * 66;
        let mut end = b"PK\x06\x06".to_vec();
        end.extend(44_u64.to_le_bytes());
        end.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        for number in [entries, entries, size, 0] {
            end.extend(number.to_le_bytes());
        }
        end.extend(b"PK\x06\x07\0\0\0\0");
        end.extend(size.to_le_bytes());
        end.extend([1, 0, 0, 0]);
        end.extend(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\0\0");
        file.write_all(&end).expect("writes");
        file.into_inner().expect("writes");
        let refused = Archive::open(&path, &Bounds::none()).err().expect("is refused").to_string();
        assert!(refused.contains("too long"), "{refused}");
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
        let refused = unpack(&path, &dir.path().join("into"), None, &Bounds::none()).expect_err("is too large");
        assert!(matches!(refused, Unfit::TooLarge(ALWAYS_ALLOWED)), "{refused}");
        assert!(!dir.path().join("into").exists());
    }

    #[test]
    fn other_databases_are_refused() {
        assert_eq!(outcome(|zip| add(zip, "readme.txt", b"hello")), "it holds no data.db");
        assert!(outcome(|zip| add(zip, "data.db", b"hello, this is no database at all")).contains("damaged"));
        assert!(outcome(|zip| add(zip, "data.db", b"")).contains("empty"));
        assert!(outcome(|zip| add(zip, "data.db", &database("CREATE TABLE t (n)"))).contains("no PocketBase"));
        let outcome = outcome(|zip| add(zip, "data.db", &database(ENDLESS)));
        assert!(outcome.contains("_migrations is no table"), "{outcome}");
    }

    #[test]
    fn no_more_comes_out_than_its_owner_may_have_and_none_when_told_to_stop() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("a.zip");
        let mut zip = ZipWriter::new(File::create(&path).expect("creates"));
        add(&mut zip, "data.db", b"whatever it is");
        add(&mut zip, "storage/a/b/cat.png", &[7; 50_000]);
        zip.finish().expect("finishes");
        let data = dir.path().join("data");
        let meter = Meter::default();
        let unpack = |bounds: Bounds| unpack(&path, &dir.path().join("into"), None, &bounds).expect_err("is refused");
        let stopped = unpack(Bounds::of(&meter, &data, || Err(io::ErrorKind::StorageFull.into())));
        assert!(matches!(stopped, Unfit::Io(error) if error.kind() == io::ErrorKind::StorageFull));
        fs::remove_dir_all(dir.path().join("into")).expect("removes");
        let refused = unpack(Bounds { most: 50_000, ..Bounds::none() });
        assert!(matches!(refused, Unfit::TooLarge(50_000)), "{refused}");
        assert!(!dir.path().join("into").exists());
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
