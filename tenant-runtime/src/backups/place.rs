//! Where backups are kept: in the folder `backups` of the data directory, or in a bucket when the settings say so.

use std::fs;
use std::io::{self, ErrorKind, SeekFrom};
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use futures_util::StreamExt as _;
use serde::Serialize;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};
use tokio_util::io::ReaderStream;

use super::{Scratch, sync_dir};
use crate::app::App;
use crate::error::Result;
use crate::files::storage::{About, ByteStream};
use crate::files::{Bucket, TEMPORARY};
use crate::records::datetime;
use crate::store::Pool;

/// What an archive is to a browser.
pub(super) const ARCHIVE: &str = "application/zip";
const CHUNK: usize = 64 << 10;
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

/// A place for backups.
pub(super) enum Place {
    /// Beside the data.
    Folder(Folder),
    /// An object store that speaks S3.
    Bucket(Bucket),
}

/// The folder of a data directory. All of it blocks.
#[derive(Clone)]
pub(super) struct Folder(PathBuf);

/// An archive where blocking work can read it.
pub(super) enum Copy {
    /// The backup itself.
    Original(PathBuf),
    /// One that goes with this value.
    Fetched(Scratch),
}

impl Place {
    /// The one the settings choose.
    ///
    /// # Errors
    /// When they describe no bucket.
    pub(super) fn of(app: &App) -> Result<Place> {
        let settings = app.settings();
        match settings.backups.s3.enabled {
            true => Ok(Place::Bucket(Bucket::new(&settings.backups.s3, app.outbound())?)),
            false => Ok(Place::Folder(Folder::of(app.dir()))),
        }
    }

    /// Whether what is kept there counts as files of the backend.
    pub(super) fn is_beside_data(&self) -> bool {
        matches!(self, Place::Folder(_))
    }

    /// All backups.
    pub(super) async fn list(&self, pool: &Pool) -> Result<Vec<Stored>> {
        match self {
            Place::Folder(folder) => on_disk(pool, folder, Folder::list).await,
            Place::Bucket(bucket) => {
                let objects = bucket.objects().await?.into_iter();
                let named = objects.filter(|(key, _)| Key::parse(key).is_some());
                Ok(named.map(|(key, about)| Stored { modified: about.modified, key, size: about.size }).collect())
            }
        }
    }

    /// What is known of a backup.
    ///
    /// # Errors
    /// One that answers 404 when there is none.
    pub(super) async fn about(&self, pool: &Pool, key: &Key) -> Result<About> {
        let mut about = match self {
            Place::Folder(folder) => {
                let key = key.clone();
                on_disk(pool, folder, move |folder| folder.about(&key)).await?
            }
            Place::Bucket(bucket) => bucket.about_object(key.as_str()).await?,
        };
        ARCHIVE.clone_into(&mut about.content_type);
        Ok(about)
    }

    /// So many bytes of a backup.
    pub(super) async fn part(&self, key: &Key, start: u64, length: u64) -> Result<ByteStream> {
        match self {
            Place::Folder(folder) => {
                let mut file = tokio::fs::File::open(folder.path(key)).await?;
                file.seek(SeekFrom::Start(start)).await?;
                Ok(ReaderStream::with_capacity(file.take(length), CHUNK).boxed())
            }
            Place::Bucket(bucket) => bucket.object_part(key.as_str(), start, length).await,
        }
    }

    /// Takes a finished, synced file in.
    pub(super) async fn put(&self, pool: &Pool, key: &Key, file: PathBuf) -> Result<()> {
        match self {
            Place::Folder(folder) => {
                let key = key.clone();
                on_disk(pool, folder, move |folder| folder.put(&key, &file)).await
            }
            Place::Bucket(bucket) => bucket.put_object(key.as_str(), &file, ARCHIVE).await,
        }
    }

    /// Removes a backup.
    pub(super) async fn remove(&self, pool: &Pool, key: &Key) -> Result<()> {
        match self {
            Place::Folder(folder) => {
                let key = key.clone();
                on_disk(pool, folder, move |folder| folder.remove(&key)).await
            }
            Place::Bucket(bucket) => bucket.remove_object(key.as_str()).await,
        }
    }

    /// A backup as a file.
    pub(super) async fn copy(&self, dir: &Path, key: &Key) -> Result<Copy> {
        match self {
            Place::Folder(folder) => Ok(Copy::Original(folder.path(key))),
            Place::Bucket(bucket) => {
                let scratch = Scratch::new(dir);
                tokio::fs::create_dir_all(dir.join(TEMPORARY)).await?;
                let about = bucket.about_object(key.as_str()).await?;
                let mut content = bucket.object_part(key.as_str(), 0, about.size).await?;
                let mut file = tokio::fs::File::create_new(&scratch.0).await?;
                while let Some(chunk) = content.next().await {
                    file.write_all(&chunk?).await?;
                }
                file.flush().await?;
                Ok(Copy::Fetched(scratch))
            }
        }
    }
}

impl Copy {
    pub(super) fn path(&self) -> &Path {
        match self {
            Copy::Original(path) => path,
            Copy::Fetched(scratch) => &scratch.0,
        }
    }
}

impl Folder {
    pub(super) fn of(dir: &Path) -> Folder {
        Folder(dir.join("backups"))
    }

    pub(super) fn path(&self, key: &Key) -> PathBuf {
        self.0.join(key.as_str())
    }

    /// All backups in the order of their names.
    pub(super) fn list(&self) -> io::Result<Vec<Stored>> {
        let entries = match fs::read_dir(&self.0) {
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

    fn about(&self, key: &Key) -> io::Result<About> {
        let file = self.path(key).metadata()?;
        if !file.is_file() {
            return Err(ErrorKind::NotFound.into());
        }
        Ok(About { size: file.len(), modified: file.modified()?.into(), content_type: String::new() })
    }

    /// Moves a finished, synced file here.
    pub(super) fn put(&self, key: &Key, file: &Path) -> io::Result<()> {
        if !self.0.is_dir() {
            fs::create_dir(&self.0)?;
            self.0.parent().map_or(Ok(()), sync_dir)?;
        }
        fs::rename(file, self.path(key))?;
        sync_dir(&self.0)
    }

    fn remove(&self, key: &Key) -> io::Result<()> {
        let file = self.path(key);
        fs::remove_file(&file)?;
        let mut sidecar = file.into_os_string();
        sidecar.push(SIDECAR);
        match fs::remove_file(sidecar) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

async fn on_disk<T: Send + 'static>(
    pool: &Pool,
    folder: &Folder,
    work: impl FnOnce(&Folder) -> io::Result<T> + Send + 'static,
) -> Result<T> {
    let folder = folder.clone();
    Ok(pool.run(move || work(&folder)).await??)
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
