//! Where files are kept: beside the database, or in a bucket when the settings say so. The keys are the same in both,
//! and switching moves nothing.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures_util::stream::BoxStream;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::bucket::Bucket;
use super::disk::Disk;
use super::key::{FileKey, Folder};
use super::spool::Spooled;
use super::threads::Threads;
use crate::error::Result;
use crate::meter::Quota;
use crate::outbound::Outbound;
use crate::settings::S3;

const REMOVALS_AT_ONCE: usize = 4;

/// A place for files.
#[derive(Clone)]
pub enum Storage {
    /// The data directory.
    Disk(Disk),
    /// An object store that speaks S3.
    Bucket(Bucket),
}

/// What a file is, besides its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Found from the content when the file came.
    pub content_type: String,
    /// The name its client gave; thumbs have none.
    pub original_name: Option<String>,
    /// Of the bytes.
    pub md5: [u8; 16],
}

/// A stored file as seen from outside.
#[derive(Clone, Debug)]
pub struct About {
    /// Bytes.
    pub size: u64,
    /// When it was stored.
    pub modified: DateTime<Utc>,
    /// What its label says; a file without one is just bytes.
    pub content_type: String,
}

/// Bytes to be stored.
#[derive(Clone)]
pub enum Content {
    /// A file that never changes while the value lives.
    Spooled(Spooled),
    /// What fits into memory.
    Bytes(Bytes),
}

/// Bytes as they come.
pub type ByteStream = BoxStream<'static, io::Result<Bytes>>;

/// A stored file where blocking work can read it.
pub struct LocalCopy {
    path: PathBuf,
    /// Goes with the copy if it was made for it.
    _temporary: Option<Spooled>,
}

impl Storage {
    /// Stores a file. It is complete and lasting when this returns.
    pub async fn put(&self, key: &FileKey, content: Content, label: Label) -> Result<()> {
        match self {
            Storage::Disk(disk) => {
                let key = key.clone();
                disk.run(move |disk| disk.put(&key, &content, &label)).await
            }
            Storage::Bucket(bucket) => bucket.put(key, content, &label).await,
        }
    }

    /// What is known of a file.
    ///
    /// # Errors
    /// One that answers 404 when there is none.
    pub async fn about(&self, key: &FileKey) -> Result<About> {
        match self {
            Storage::Disk(disk) => Ok(disk.about(key).await?),
            Storage::Bucket(bucket) => bucket.about(key).await,
        }
    }

    /// A file from its first byte to its last.
    pub async fn open(&self, key: &FileKey) -> Result<(About, ByteStream)> {
        match self {
            Storage::Disk(disk) => {
                let about = disk.about(key).await?;
                let content = disk.part(key, 0, about.size).await?;
                Ok((about, content))
            }
            Storage::Bucket(bucket) => bucket.open(key).await,
        }
    }

    /// So many bytes of a file.
    pub async fn part(&self, key: &FileKey, start: u64, length: u64) -> Result<ByteStream> {
        match self {
            Storage::Disk(disk) => Ok(disk.part(key, start, length).await?),
            Storage::Bucket(bucket) => bucket.part(key, start, length).await,
        }
    }

    /// A file where blocking work can read it; a bucket's is fetched to where files wait on `local`.
    pub(super) async fn local_copy(&self, key: &FileKey, local: &Disk) -> Result<LocalCopy> {
        match self {
            Storage::Disk(disk) => Ok(LocalCopy { path: disk.path(key), _temporary: None }),
            Storage::Bucket(bucket) => {
                let (_, content) = bucket.open(key).await?;
                let copy = Spooled::write(local, content).await?.spooled;
                Ok(LocalCopy { path: copy.path().to_owned(), _temporary: Some(copy) })
            }
        }
    }

    /// Removes a file with its thumbs. What is gone already is no error.
    pub async fn remove(&self, key: &FileKey) -> Result<()> {
        match self {
            Storage::Disk(disk) => {
                let key = key.clone();
                disk.run(move |disk| disk.remove(&key)).await
            }
            Storage::Bucket(bucket) => bucket.remove(key).await,
        }
    }

    /// Removes all files of a folder and below.
    pub async fn remove_folder(&self, folder: &Folder) -> Result<()> {
        match self {
            Storage::Disk(disk) => {
                let folder = folder.clone();
                disk.run(move |disk| disk.remove_folder(&folder)).await
            }
            Storage::Bucket(bucket) => bucket.remove_folder(folder).await,
        }
    }
}

impl LocalCopy {
    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// The storages of one backend, of which the settings choose.
pub struct Storages {
    disk: Disk,
    outbound: Outbound,
    /// The last one used and the settings it was made of.
    bucket: Mutex<Option<(S3, Bucket)>>,
    /// Removals may come by the thousand, and nobody waits for them.
    removals: Semaphore,
}

impl Storages {
    /// Those of a data directory.
    pub fn new(data: &Path, threads: &Threads, outbound: &Outbound, quota: &Arc<Quota>) -> Storages {
        Storages {
            disk: Disk::new(data, threads, quota),
            outbound: outbound.clone(),
            bucket: Mutex::default(),
            removals: Semaphore::new(REMOVALS_AT_ONCE),
        }
    }

    /// The data directory, wherever files are kept.
    pub(super) fn disk(&self) -> &Disk {
        &self.disk
    }

    /// Leave to remove something.
    pub(super) async fn removal(&self) -> Result<SemaphorePermit<'_>> {
        Ok(self.removals.acquire().await.context("wait to remove a file")?)
    }

    /// Lets nothing be removed while the permit lives: a backup holds the files of the records it holds.
    pub async fn stay(&self) -> Result<SemaphorePermit<'_>> {
        let all = u32::try_from(REMOVALS_AT_ONCE).context("count the removals")?;
        Ok(self.removals.acquire_many(all).await.context("wait for removals to end")?)
    }

    /// Lets nothing be removed any more by this process: other files are about to take the place of these. What is noted
    /// to be removed is looked at again by the next.
    pub fn stay_for_good(&self) {
        self.removals.close();
    }

    /// The one these settings mean.
    ///
    /// # Errors
    /// When they describe no bucket.
    pub fn current(&self, settings: &S3) -> Result<Storage> {
        if !settings.enabled {
            return Ok(Storage::Disk(self.disk.clone()));
        }
        let mut known = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((made_of, bucket)) = &*known
            && made_of == settings
        {
            return Ok(Storage::Bucket(bucket.clone()));
        }
        let bucket = Bucket::new(settings, &self.outbound)?;
        *known = Some((settings.clone(), bucket.clone()));
        Ok(Storage::Bucket(bucket))
    }
}
