//! Files beside the database: `storage/<collection id>/<record id>/<name>` with a sidecar that says what each is.
//!
//! A file is complete and synced, its directory included, before the record that names it is committed.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use super::Upload;
use crate::app::App;
use crate::records::Record;

const SIDECAR: &str = ".attrs";
const MOST_NAME_BYTES: usize = 255;

/// What a sidecar says of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// Found from the content when the file came.
    pub content_type: String,
}

/// Where a record's files are.
pub fn record_dir(data: &Path, collection_id: &str, record_id: &str) -> PathBuf {
    data.join("storage").join(collection_id).join(record_id)
}

/// Moves a spooled upload to its place.
pub fn store(app: &App, record: &Record, upload: &Upload) -> io::Result<()> {
    let dir = record_dir(app.dir(), &record.collection().id, record.id());
    create_synced(&dir)?;
    let original: String = cut(&upload.original_name, MOST_NAME_BYTES).to_owned();
    write_synced(&sidecar(&dir.join(&upload.name)), &attributes(&upload.content_type, &original))?;
    let target = dir.join(&upload.name);
    match fs::hard_link(upload.path(), &target) {
        Ok(()) => {}
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        Err(_) => {
            fs::copy(upload.path(), &target)?;
            File::open(&target)?.sync_all()?;
        }
    }
    File::open(&dir)?.sync_all()
}

/// Removes a file, its sidecar and its thumbs. What is gone already is no error.
pub fn remove(data: &Path, collection_id: &str, record_id: &str, name: &str) -> io::Result<()> {
    let dir = record_dir(data, collection_id, record_id);
    let file = dir.join(name);
    for path in [file.clone(), sidecar(&file)] {
        ignore_missing(fs::remove_file(path))?;
    }
    ignore_missing(fs::remove_dir_all(dir.join(format!("thumbs_{name}"))))
}

/// Removes all files of a record.
pub fn remove_record(data: &Path, collection_id: &str, record_id: &str) -> io::Result<()> {
    ignore_missing(fs::remove_dir_all(record_dir(data, collection_id, record_id)))
}

/// What is known of a file; without a sidecar it is just bytes.
pub async fn read_attributes(file: &Path) -> Attributes {
    let stored = match tokio::fs::read(sidecar(file)).await {
        Ok(bytes) => serde_json::from_slice::<Json>(&bytes).ok(),
        Err(_) => None,
    };
    let content_type = stored.as_ref().and_then(|keys| keys.get("user.content_type")).and_then(Json::as_str);
    Attributes { content_type: content_type.unwrap_or("application/octet-stream").to_owned() }
}

fn attributes(content_type: &str, original_name: &str) -> Vec<u8> {
    let keys = json!({
        "user.cache_control": "", "user.content_disposition": "", "user.content_encoding": "",
        "user.content_language": "", "user.content_type": content_type,
        "user.metadata": { "original-filename": original_name }, "md5": Json::Null,
    });
    format!("{keys}\n").into_bytes()
}

fn sidecar(file: &Path) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(SIDECAR);
    PathBuf::from(name)
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Makes a directory and syncs each parent that got a new entry.
fn create_synced(dir: &Path) -> io::Result<()> {
    if dir.is_dir() {
        return Ok(());
    }
    let Some(parent) = dir.parent() else { return Ok(()) };
    create_synced(parent)?;
    match fs::create_dir(dir) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    File::open(parent)?.sync_all()
}

fn ignore_missing(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
