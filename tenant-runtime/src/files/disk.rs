//! Files beside the database: `storage/<collection id>/<record id>/<name>` with a sidecar that says what each is.
//!
//! A file appears under its name complete and synced, after its sidecar; so do its new directories.

use std::fs::{self, File};
use std::io::{self, ErrorKind, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt as _;
use serde::Serialize;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use super::Threads;
use super::key::{FileKey, Folder};
use super::spool::{Spooled, TEMPORARY};
use super::storage::{About, ByteStream, Content, Label};
use crate::error::Result;
use crate::meter::{Claim, Quota};
use crate::records::pattern::random_id;
use crate::store::Turn;

const SIDECAR: &str = ".attrs";
const MOST_NAME_BYTES: usize = 255;
const CHUNK: usize = 64 << 10;

/// The files of a data directory.
#[derive(Clone)]
pub struct Disk {
    data: PathBuf,
    turn: Turn,
    quota: Arc<Quota>,
}

impl Disk {
    pub(super) fn new(data: &Path, threads: &Threads, quota: &Arc<Quota>) -> Disk {
        Disk { data: data.to_owned(), turn: threads.disk(), quota: Arc::clone(quota) }
    }

    /// Does something that blocks when its turn comes.
    pub(super) async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Disk) -> io::Result<T> + Send + 'static,
    {
        let disk = self.clone();
        Ok(self.turn.run(move || work(&disk)).await??)
    }

    /// Room for a file that is about to be written.
    pub(super) fn claim(&self) -> Claim {
        Claim::on(&self.quota)
    }

    /// Where files wait.
    pub(super) fn temporary(&self) -> PathBuf {
        self.data.join(TEMPORARY)
    }

    pub(super) fn path(&self, key: &FileKey) -> PathBuf {
        self.folder(key.folder()).join(key.name())
    }

    fn folder(&self, folder: &Folder) -> PathBuf {
        self.data.join("storage").join(folder.as_str())
    }

    /// Blocks.
    pub(super) fn put(&self, key: &FileKey, content: &Content, label: &Label) -> io::Result<()> {
        // Whoever removes the last other file of this folder at this moment takes the folder along.
        let attempt = || self.put_once(key, content, label);
        attempt().or_else(|error| if error.kind() == ErrorKind::NotFound { attempt() } else { Err(error) })
    }

    fn put_once(&self, key: &FileKey, content: &Content, label: &Label) -> io::Result<()> {
        let dir = self.folder(key.folder());
        self.create_synced(&dir)?;
        let target = dir.join(key.name());
        let sidecar_text = sidecar_text(label)?;
        let claim = self.claim();
        grow(&claim, sidecar_text.len())?;
        write_synced(&sidecar(&target), &sidecar_text)?;
        match content {
            Content::Spooled(spooled) => match fs::hard_link(spooled.path(), &target) {
                Ok(()) => self.settle(spooled)?,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(_) => {
                    self.write_aside(&target, |file| io::copy(&mut File::open(spooled.path())?, file).map(drop))?;
                    self.settle(spooled)?;
                }
            },
            Content::Bytes(bytes) => {
                grow(&claim, bytes.len())?;
                self.write_aside(&target, |file| file.write_all(bytes))?;
            }
        }
        claim.keep();
        File::open(&dir)?.sync_all()
    }

    /// What was taken in for a spooled file is now the stored one's. Another place of the same file counts as well.
    fn settle(&self, spooled: &Spooled) -> io::Result<()> {
        if spooled.claim().keep() == 0 {
            let claim = self.claim();
            grow(&claim, usize::try_from(spooled.path().metadata()?.len()).unwrap_or(usize::MAX))?;
            claim.keep();
        }
        Ok(())
    }

    /// Writes elsewhere first, so that nobody meets half a file.
    fn write_aside(&self, target: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
        let dir = self.temporary();
        fs::create_dir_all(&dir)?;
        let aside = dir.join(format!("aside_{}", random_id(20)));
        let written = File::create_new(&aside).and_then(|mut file| {
            fill(&mut file)?;
            file.sync_all()?;
            fs::rename(&aside, target)
        });
        if written.is_err() {
            let _ = fs::remove_file(&aside);
        }
        written
    }

    /// Makes a directory and syncs each parent that got a new entry. Never makes the data directory itself, which may
    /// have been taken away for good.
    fn create_synced(&self, dir: &Path) -> io::Result<()> {
        if dir.is_dir() {
            return Ok(());
        }
        let parent = dir.parent().filter(|_| dir != self.data).ok_or(ErrorKind::NotFound)?;
        self.create_synced(parent)?;
        match fs::create_dir(dir) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
        File::open(parent)?.sync_all()
    }

    pub(super) async fn about(&self, key: &FileKey) -> io::Result<About> {
        let path = self.path(key);
        let metadata = tokio::fs::metadata(&path).await?;
        if !metadata.is_file() {
            return Err(ErrorKind::NotFound.into());
        }
        let stored = match tokio::fs::read(sidecar(&path)).await {
            Ok(bytes) => serde_json::from_slice::<Json>(&bytes).ok(),
            Err(_) => None,
        };
        let content_type = stored.as_ref().and_then(|keys| keys.get("user.content_type")).and_then(Json::as_str);
        Ok(About {
            size: metadata.len(),
            modified: metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH).into(),
            content_type: content_type.unwrap_or("application/octet-stream").to_owned(),
        })
    }

    pub(super) async fn part(&self, key: &FileKey, start: u64, length: u64) -> io::Result<ByteStream> {
        let mut file = tokio::fs::File::open(self.path(key)).await?;
        file.seek(SeekFrom::Start(start)).await?;
        Ok(ReaderStream::with_capacity(file.take(length), CHUNK).boxed())
    }

    /// Blocks.
    pub(super) fn remove(&self, key: &FileKey) -> io::Result<()> {
        let file = self.path(key);
        for path in [&file, &sidecar(&file)] {
            let size = path.metadata().map_or(0, |file| file.len());
            match fs::remove_file(path) {
                Ok(()) => self.quota.give_back(size),
                Err(error) => ignore_missing(Err(error))?,
            }
        }
        self.remove_folder(&key.thumbs())?;
        // Only an empty one goes.
        let _ = fs::remove_dir(self.folder(key.folder()));
        Ok(())
    }

    /// Blocks.
    pub(super) fn remove_folder(&self, folder: &Folder) -> io::Result<()> {
        let folder = self.folder(folder);
        let size = tree_size(&folder);
        match fs::remove_dir_all(folder) {
            Ok(()) => self.quota.give_back(size),
            Err(error) => ignore_missing(Err(error))?,
        }
        Ok(())
    }
}

/// Takes room for so many bytes.
pub(crate) fn grow(claim: &Claim, bytes: usize) -> io::Result<()> {
    if claim.grow(bytes as u64) { Ok(()) } else { Err(ErrorKind::QuotaExceeded.into()) }
}

/// The bytes of all files in a folder and below. What vanishes meanwhile counts nothing.
pub fn tree_size(folder: &Path) -> u64 {
    size_of_entries(folder, |_| true)
}

/// The same, but of the entries of the folder itself only those that are wanted.
pub fn size_of_entries(folder: &Path, wanted: impl Fn(&str) -> bool) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let entries = entries.filter(|entry| wanted(&entry.file_name().to_string_lossy()));
    let sizes = entries.filter_map(|entry| match entry.metadata().ok()? {
        metadata if metadata.is_dir() => Some(tree_size(&entry.path())),
        metadata if metadata.is_file() => Some(metadata.len()),
        _ => None,
    });
    sizes.sum()
}

/// A sidecar's text: one line of JSON, its keys in the order stock servers write.
fn sidecar_text(label: &Label) -> io::Result<Vec<u8>> {
    let original_name = label.original_name.as_deref();
    let sidecar = Sidecar {
        content_type: &label.content_type,
        metadata: original_name.map(|name| json!({ "original-filename": cut(name, MOST_NAME_BYTES) })),
        md5: STANDARD.encode(label.md5),
        ..Sidecar::default()
    };
    let mut line = serde_json::to_vec(&sidecar)?;
    line.push(b'\n');
    Ok(line)
}

#[derive(Default, Serialize)]
struct Sidecar<'s> {
    #[serde(rename = "user.cache_control")]
    cache_control: &'s str,
    #[serde(rename = "user.content_disposition")]
    content_disposition: &'s str,
    #[serde(rename = "user.content_encoding")]
    content_encoding: &'s str,
    #[serde(rename = "user.content_language")]
    content_language: &'s str,
    #[serde(rename = "user.content_type")]
    content_type: &'s str,
    #[serde(rename = "user.metadata")]
    metadata: Option<Json>,
    md5: String,
}

fn sidecar(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(SIDECAR);
    PathBuf::from(name)
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn label() -> Label {
        Label { content_type: "text/plain".into(), original_name: Some("Ä.txt".into()), md5: [0; 16] }
    }

    #[tokio::test]
    async fn a_file_comes_with_its_sidecar_and_goes_with_its_thumbs() {
        let dir = tempfile::tempdir().expect("a directory");
        let quota = Arc::default();
        let disk = Disk::new(dir.path(), &Threads::for_this_machine(), &quota);
        let key = FileKey::new("c", "r", "a.txt").expect("plain");
        let thumb = key.thumb("1x1").expect("plain");
        disk.put(&key, &Content::Bytes("hello".into()), &label()).expect("stores");
        disk.put(&thumb, &Content::Bytes("h".into()), &Label { original_name: None, ..label() }).expect("stores");
        let sidecar = |path: &str| fs::read_to_string(dir.path().join("storage/c/r").join(path)).expect("reads");
        let keys: Json = serde_json::from_str(&sidecar("a.txt.attrs")).expect("JSON");
        assert_eq!(keys["user.metadata"], json!({ "original-filename": "Ä.txt" }));
        assert!(sidecar("thumbs_a.txt/1x1_a.txt.attrs").contains(r#""user.metadata":null"#));
        assert_eq!(quota.used(), tree_size(&dir.path().join("storage")), "what came is counted");
        let about = disk.about(&key).await.expect("is there");
        assert_eq!((about.size, about.content_type.as_str()), (5, "text/plain"));
        disk.remove(&key).expect("removes");
        assert!(!dir.path().join("storage/c/r").exists());
        assert_eq!(quota.used(), 0, "what went is not counted any more");
        assert_eq!(disk.about(&key).await.expect_err("is gone").kind(), ErrorKind::NotFound);
    }

    #[test]
    fn a_long_name_is_cut_between_characters() {
        assert_eq!(cut("aä", 2), "a");
        assert_eq!(cut("aä", 9), "aä");
    }
}
