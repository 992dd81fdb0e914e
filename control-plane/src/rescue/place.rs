//! Where a copy of the platform lies: a directory, or a prefix in a bucket.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, bail, ensure};
use futures_util::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use tenant_runtime::BoxError;
use tenant_runtime::files::Bucket;
use tenant_runtime::outbound::Outbound;
use tenant_runtime::settings::S3;
use tokio::io::AsyncWriteExt as _;
use tokio_util::io::ReaderStream;

use super::MANIFEST;
use crate::backups::{Stored, Target, create_file, hex};
use crate::config;
use crate::failure::Failure;

const CHUNK: usize = 256 << 10;

/// What somebody typed: a path, or `s3://bucket/prefix`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A directory.
    Directory(PathBuf),
    /// A bucket, and what the keys of all objects begin with: nothing, or something that ends with a slash.
    Bucket {
        /// The bucket's name.
        name: String,
        /// The beginning.
        prefix: String,
    },
}

impl FromStr for Address {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Address, &'static str> {
        let Some(rest) = text.strip_prefix("s3://") else { return Ok(Address::Directory(text.into())) };
        let (name, prefix) = rest.split_once('/').unwrap_or((rest, ""));
        let prefix = prefix.trim_matches('/');
        if name.is_empty() {
            return Err("an address of a bucket looks like s3://bucket/prefix");
        }
        let prefix = if prefix.is_empty() { String::new() } else { format!("{prefix}/") };
        Ok(Address::Bucket { name: name.to_owned(), prefix })
    }
}

/// The opened place.
pub struct Place {
    pub(super) target: Target,
    pub(super) prefix: String,
}

impl Place {
    /// Opens a place. What a bucket takes besides its name is in the settings for backups, or in the variables that
    /// every program for S3 knows, which win: on a fresh machine there are no settings yet.
    ///
    /// # Errors
    /// When the bucket's settings make no address.
    pub fn open(address: &Address, settings: &config::Backups) -> anyhow::Result<Place> {
        let (name, prefix) = match address {
            Address::Directory(dir) => {
                let dir = std::path::absolute(dir).context("find the directory")?;
                return Ok(Place { target: Target::Directory(dir), prefix: String::new() });
            }
            Address::Bucket { name, prefix } => (name, prefix),
        };
        let given = |variable: &str, setting: &str| std::env::var(variable).unwrap_or_else(|_| setting.to_owned());
        let bucket = S3 {
            enabled: true,
            bucket: name.clone(),
            region: given("AWS_REGION", &settings.region),
            endpoint: given("AWS_ENDPOINT_URL", &settings.endpoint),
            access_key: given("AWS_ACCESS_KEY_ID", &settings.access_key),
            secret: given("AWS_SECRET_ACCESS_KEY", &settings.secret_key),
            force_path_style: settings.path_style,
        };
        let bucket = Bucket::new(&bucket, &Outbound::anywhere()).context("open the bucket")?;
        Ok(Place { target: Target::Bucket(bucket), prefix: prefix.clone() })
    }

    /// Refuses a place that is used already.
    pub(super) async fn refuse_used(&self) -> anyhow::Result<()> {
        if let Target::Directory(dir) = &self.target {
            let empty = match std::fs::read_dir(dir) {
                Ok(mut entries) => entries.next().is_none(),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => true,
                Err(error) => return Err(error).with_context(|| format!("look into {}", dir.display())),
            };
            let told = || format!("{} is not empty: every copy has a directory of its own", dir.display());
            ensure!(empty, Failure::new("not_empty", told()));
        }
        self.target.probe().await.context("reach the place for the copy")?;
        if self.read_manifest().await.is_ok() {
            let told = "a copy of the platform is there already: every copy has a prefix of its own";
            bail!(Failure::new("not_empty", told));
        }
        Ok(())
    }

    pub(super) async fn read_manifest(&self) -> anyhow::Result<Vec<u8>> {
        self.target.read(&self.key(MANIFEST)).await
    }

    /// Stores a file.
    pub(super) async fn put(&self, key: &str, file: &Path) -> anyhow::Result<Stored> {
        let file = tokio::fs::File::open(file).await?;
        let content = ReaderStream::with_capacity(file, CHUNK).map_err(BoxError::from);
        self.target.put(&self.key(key), content).await.with_context(|| format!("store {key}"))
    }

    pub(super) async fn put_manifest(&self, text: Vec<u8>) -> anyhow::Result<()> {
        let content = futures_util::stream::iter([Ok(text.into())]);
        self.target.put(&self.key(MANIFEST), content).await.context("store the list of what was copied")?;
        Ok(())
    }

    /// Reads an object to its end, into a new file if one is given, and compares it with what was stored.
    pub(super) async fn fetch(&self, key: &str, made: &Stored, into: Option<&Path>) -> anyhow::Result<()> {
        let read = async {
            let mut object = self.target.open(&self.key(key)).await?;
            let mut file = match into {
                Some(path) => Some(create_file(path, std::fs::OpenOptions::new().create_new(true))?),
                None => None,
            };
            let (mut hash, mut bytes) = (Sha256::new(), 0);
            while let Some(chunk) = object.content.try_next().await.map_err(anyhow::Error::from_boxed)? {
                hash.update(&chunk);
                bytes += chunk.len() as u64;
                if let Some(file) = &mut file {
                    file.write_all(&chunk).await?;
                }
            }
            if let Some(mut file) = file {
                file.flush().await?;
                file.sync_all().await?;
            }
            anyhow::Ok(Stored { bytes, sha256: hex(&hash.finalize()) })
        };
        let found = read.await.with_context(|| format!("read {key}"))?;
        let told = || format!("{key} is damaged: its checksum is not that of what was stored");
        ensure!(found == *made, Failure::new("damaged", told()));
        Ok(())
    }

    /// Removes an object of a copy that was given up; whether that succeeds does not matter.
    pub(super) async fn forget(&self, key: &str) {
        if let Err(error) = self.target.remove(&self.key(key)).await {
            tracing::warn!("{key} is left: {error:#}");
        }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_a_path_or_a_bucket_with_a_prefix() {
        let bucket = |name: &str, prefix: &str| Address::Bucket { name: name.to_owned(), prefix: prefix.to_owned() };
        assert_eq!("/mnt/disk".parse(), Ok(Address::Directory("/mnt/disk".into())));
        assert_eq!("s3://safe".parse(), Ok(bucket("safe", "")));
        assert_eq!("s3://safe/roost/monday/".parse(), Ok(bucket("safe", "roost/monday/")));
        assert!("s3:///roost".parse::<Address>().is_err());
    }
}
