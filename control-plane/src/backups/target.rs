//! Where backups are kept: a directory, or a bucket that speaks S3.

use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tenant_runtime::BoxError;
use tenant_runtime::files::Bucket;
use tenant_runtime::outbound::Outbound;
use tenant_runtime::settings::S3;
use tokio::io::AsyncWriteExt as _;
use tokio_util::io::{ReaderStream, StreamReader};

use crate::config::Config;

const CHUNK: usize = 256 << 10;

/// A place for objects; clones share it.
#[derive(Clone)]
pub enum Target {
    /// A directory, by preference of another disk.
    Directory(PathBuf),
    /// A bucket.
    Bucket(Bucket),
}

/// Size and SHA-256 of what was stored.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stored {
    /// How many bytes.
    pub bytes: u64,
    /// In hexadecimal digits.
    pub sha256: String,
}

/// An object to be read.
pub struct Object {
    pub bytes: u64,
    pub content: BoxStream<'static, Result<Bytes, BoxError>>,
}

impl Target {
    /// The one the settings choose.
    pub fn of(config: &Config) -> anyhow::Result<Target> {
        let settings = &config.backups;
        if settings.bucket.is_empty() {
            return Ok(Target::Directory(config.backups_dir()));
        }
        let bucket = S3 {
            enabled: true,
            bucket: settings.bucket.clone(),
            region: settings.region.clone(),
            endpoint: settings.endpoint.clone(),
            access_key: settings.access_key.clone(),
            secret: settings.secret_key.clone(),
            force_path_style: settings.path_style,
        };
        // The operator names it, so it may be anywhere.
        Ok(Target::Bucket(Bucket::new(&bucket, &Outbound::anywhere())?))
    }

    /// Whether it can be reached at all.
    pub async fn probe(&self) -> anyhow::Result<()> {
        match self {
            Target::Directory(dir) => Ok(create_private(dir).await?),
            Target::Bucket(bucket) => match bucket.about_object("probe").await {
                Ok(_) | Err(tenant_runtime::Error::NotFound) => Ok(()),
                Err(error) => Err(error.into()),
            },
        }
    }

    /// Stores an object, durably, under a key of letters, digits and slashes.
    pub async fn put<S>(&self, key: &str, content: S) -> anyhow::Result<Stored>
    where
        S: Stream<Item = Result<Bytes, BoxError>> + Send + Unpin,
    {
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        let content = content.inspect_ok(|chunk| {
            hash.update(chunk);
            bytes += chunk.len() as u64;
        });
        match self {
            Target::Directory(dir) => put_file(&dir.join(key), content).await?,
            Target::Bucket(bucket) => {
                let reader = StreamReader::new(content.map_err(io::Error::other));
                bucket.put_object_from(key, reader, content_type(key)).await?;
            }
        }
        Ok(Stored { bytes, sha256: hex(&hash.finalize()) })
    }

    /// Opens an object.
    pub async fn open(&self, key: &str) -> anyhow::Result<Object> {
        match self {
            Target::Directory(dir) => {
                let file = tokio::fs::File::open(dir.join(key)).await?;
                let bytes = file.metadata().await?.len();
                let content = ReaderStream::with_capacity(file, CHUNK).map_err(BoxError::from).boxed();
                Ok(Object { bytes, content })
            }
            Target::Bucket(bucket) => {
                let bytes = bucket.about_object(key).await?.size;
                let content = bucket.object_part(key, 0, bytes).await?.map_err(BoxError::from).boxed();
                Ok(Object { bytes, content })
            }
        }
    }

    /// A whole small object.
    pub async fn read(&self, key: &str) -> anyhow::Result<Vec<u8>> {
        const MOST: usize = 16 << 20;
        let mut object = self.open(key).await?;
        let mut whole = Vec::new();
        while let Some(chunk) = object.content.try_next().await.map_err(anyhow::Error::from_boxed)? {
            anyhow::ensure!(whole.len() + chunk.len() <= MOST, "the object is too large");
            whole.extend_from_slice(&chunk);
        }
        Ok(whole)
    }

    /// Removes an object; whether it was there does not matter.
    pub async fn remove(&self, key: &str) -> anyhow::Result<()> {
        match self {
            Target::Directory(dir) => match tokio::fs::remove_file(dir.join(key)).await {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
                _ => Ok(()),
            },
            Target::Bucket(bucket) => match bucket.remove_object(key).await {
                Ok(()) | Err(tenant_runtime::Error::NotFound) => Ok(()),
                Err(error) => Err(error.into()),
            },
        }
    }
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn content_type(key: &str) -> &'static str {
    match key.rsplit_once('.') {
        Some((_, "json")) => "application/json",
        Some((_, "zip")) => "application/zip",
        _ => "application/octet-stream",
    }
}

/// Makes a directory that only the platform's user may enter.
async fn create_private(dir: &Path) -> io::Result<()> {
    let mut builder = tokio::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    builder.mode(0o700);
    builder.create(dir).await
}

/// Writes beside the place first: what has its name is complete and on the disk.
async fn put_file<S>(path: &Path, mut content: S) -> anyhow::Result<()>
where
    S: Stream<Item = Result<Bytes, BoxError>> + Send + Unpin,
{
    let folder = path.parent().context("a key has a folder")?;
    create_private(folder).await?;
    let draft = path.with_extension("part");
    let written = async {
        let mut file = tokio::fs::File::create(&draft).await?;
        while let Some(chunk) = content.try_next().await.map_err(anyhow::Error::from_boxed)? {
            file.write_all(&chunk).await?;
        }
        file.flush().await?;
        file.sync_all().await?;
        tokio::fs::rename(&draft, path).await?;
        tokio::fs::File::open(folder).await?.sync_all().await?;
        anyhow::Ok(())
    };
    let written = written.await;
    if written.is_err() {
        let _ = tokio::fs::remove_file(&draft).await;
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_directory_holds_whole_objects_or_none() {
        let dir = tempfile::tempdir().expect("a directory");
        let target = Target::Directory(dir.path().join("backups"));
        let whole = [Ok::<_, BoxError>(Bytes::from_static(b"ab")), Ok(Bytes::from_static(b"c"))];
        let stored = target.put("p/x.zip", futures_util::stream::iter(whole)).await.expect("stores");
        assert_eq!(stored.bytes, 3);
        assert!(stored.sha256.starts_with("ba7816bf8f01cfea"), "{}", stored.sha256);
        assert_eq!(target.read("p/x.zip").await.expect("reads"), b"abc");
        let broken = [Ok(Bytes::from_static(b"ab")), Err(BoxError::from("gone"))];
        assert!(target.put("p/y.zip", futures_util::stream::iter(broken)).await.is_err());
        assert!(target.open("p/y.zip").await.is_err());
        target.remove("p/x.zip").await.expect("removes");
        target.remove("p/x.zip").await.expect("is gone already");
        assert_eq!(std::fs::read_dir(dir.path().join("backups/p")).expect("lists").count(), 0);
    }
}
