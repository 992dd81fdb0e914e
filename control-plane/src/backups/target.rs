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
/// So much of a file may wait for the disk, where it is in the way of the next commit of whoever writes.
const PIECE: usize = 4 << 20;

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
            Target::Directory(dir) => {
                let path = dir.join(key);
                // What was being written when the process was killed.
                unless_absent(tokio::fs::remove_file(draft_of(&path)).await)?;
                Ok(unless_absent(tokio::fs::remove_file(&path).await)?)
            }
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

fn unless_absent(done: io::Result<()>) -> io::Result<()> {
    done.or_else(|error| if error.kind() == ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// Makes a file that only the platform's user reads.
pub fn create_file(path: &Path, options: &mut std::fs::OpenOptions) -> io::Result<tokio::fs::File> {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    Ok(tokio::fs::File::from_std(options.write(true).open(path)?))
}

/// Where an object is written before it has its name.
fn draft_of(path: &Path) -> PathBuf {
    path.with_extension("part")
}

/// An object that is being written; it goes with this value unless it got its name.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        if let Err(error) = unless_absent(std::fs::remove_file(&self.0)) {
            tracing::warn!("{} is left: {error}", self.0.display());
        }
    }
}

/// Writes beside the place first: what has its name is complete and on the disk.
async fn put_file<S>(path: &Path, mut content: S) -> anyhow::Result<()>
where
    S: Stream<Item = Result<Bytes, BoxError>> + Send + Unpin,
{
    let folder = path.parent().context("a key has a folder")?;
    create_private(folder).await?;
    let draft = Draft(draft_of(path));
    // One that is left is not written on: whoever could read it still can.
    unless_absent(tokio::fs::remove_file(&draft.0).await)?;
    let mut file = create_file(&draft.0, std::fs::OpenOptions::new().create_new(true))?;
    let mut waiting = 0;
    while let Some(chunk) = content.try_next().await.map_err(anyhow::Error::from_boxed)? {
        file.write_all(&chunk).await?;
        waiting += chunk.len();
        if waiting >= PIECE {
            file.sync_data().await?;
            waiting = 0;
        }
    }
    file.flush().await?;
    file.sync_all().await?;
    tokio::fs::rename(&draft.0, path).await?;
    Ok(tokio::fs::File::open(folder).await?.sync_all().await?)
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
        let place = dir.path().join("backups/p");
        #[cfg(unix)]
        assert_eq!(mode(&place.join("x.zip")), 0o600);
        target.remove("p/x.zip").await.expect("removes");
        target.remove("p/x.zip").await.expect("is gone already");
        assert_eq!(std::fs::read_dir(place).expect("lists").count(), 0);
    }

    #[cfg(unix)]
    fn mode(path: &Path) -> u32 {
        std::os::unix::fs::PermissionsExt::mode(&path.metadata().expect("is there").permissions()) & 0o777
    }

    #[tokio::test]
    async fn what_is_broken_off_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let target = Target::Directory(dir.path().to_owned());
        let draft = dir.path().join("p/x.part");
        let begins = futures_util::stream::iter([Ok::<_, BoxError>(Bytes::from_static(b"ab"))]);
        let looking = async {
            while !draft.is_file() {
                tokio::task::yield_now().await;
            }
        };
        tokio::select! {
            _ = target.put("p/x.zip", begins.chain(futures_util::stream::pending())) => panic!("it never ends"),
            () = looking => {}
        }
        assert!(!draft.exists(), "whoever brought it went away");
        std::fs::write(&draft, "left by a process that was killed").expect("writes");
        target.remove("p/x.zip").await.expect("removes");
        assert!(!draft.exists());
    }
}
