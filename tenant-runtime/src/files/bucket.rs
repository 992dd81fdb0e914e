//! Files in an object store that speaks S3, under the keys they would have on disk. What a sidecar says on disk, headers
//! say here. Every request goes through the guard for addresses that tenants name.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::buffered::BufWriter;
use object_store::path::Path as ObjectPath;
use object_store::{
    Attribute, Attributes, BackoffConfig, ClientOptions, GetOptions, GetRange, GetResult, ObjectStore as _,
    ObjectStoreExt as _, PutOptions, RetryConfig,
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::io::{AsyncRead, AsyncWriteExt as _};
use tokio::sync::Semaphore;
use url::Url;

use super::bucket_connection::GuardedConnector;
use super::key::{FileKey, Folder};
use super::storage::{About, ByteStream, Content, Label};
use crate::error::{Error, Result};
use crate::outbound::Outbound;
use crate::records::pattern::random_id;
use crate::settings::S3;

/// What is larger travels in parts of this size.
const PART: usize = 6 << 20;
/// Parts of one upload under way at once.
const PARTS_AT_ONCE: usize = 2;
/// Uploads under way at once: each holds a few parts in memory.
const UPLOADS_AT_ONCE: usize = 4;
const RETRIES: usize = 2;
const RETRY_FOR: Duration = Duration::from_secs(20);
const ORIGINAL_NAME: &str = "original-filename";
/// What a segment of a URL's path may hold as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b':')
    .remove(b'=')
    .remove(b'@');

/// A bucket as a place for files. Clones share their connections.
#[derive(Clone)]
pub struct Bucket {
    store: Arc<AmazonS3>,
    uploads: Arc<Semaphore>,
}

impl Bucket {
    /// The bucket these settings describe. Nothing is sent yet.
    pub fn new(settings: &S3, outbound: &Outbound) -> Result<Bucket> {
        let endpoint = endpoint(settings)?;
        let retry = RetryConfig { backoff: BackoffConfig::default(), max_retries: RETRIES, retry_timeout: RETRY_FOR };
        let options = ClientOptions::new().with_allow_http(endpoint.scheme() == "http");
        // Both keys are given even when empty: without them the store would ask the machine for its own.
        let store = AmazonS3Builder::new()
            .with_client_options(options)
            .with_http_connector(GuardedConnector::new(outbound))
            .with_endpoint(endpoint.as_str().trim_end_matches('/'))
            .with_virtual_hosted_style_request(!settings.force_path_style)
            .with_bucket_name(&settings.bucket)
            .with_region(&settings.region)
            .with_access_key_id(&settings.access_key)
            .with_secret_access_key(&settings.secret)
            .with_unsigned_payload(true)
            .with_disable_bulk_delete(true)
            .with_retry(retry)
            .build()
            .context("the settings describe no bucket")?;
        Ok(Bucket { store: Arc::new(store), uploads: Arc::new(Semaphore::new(UPLOADS_AT_ONCE)) })
    }

    /// Stores a small object and removes it again: can files be kept here?
    pub async fn probe(&self) -> Result<(), object_store::Error> {
        let path = ObjectPath::from(format!("pb_settings_test_{}/test.txt", random_id(5)));
        self.store.put(&path, Bytes::from_static(b"test").into()).await?;
        self.store.delete(&path).await
    }

    pub(super) async fn put(&self, key: &FileKey, content: Content, label: &Label) -> Result<()> {
        match content {
            Content::Bytes(bytes) => {
                let _permit = self.uploads.acquire().await.context("wait to upload")?;
                let options = PutOptions { attributes: attributes(label), ..PutOptions::default() };
                self.store.put_opts(&path(&key.to_string())?, bytes.into(), options).await.map_err(failed)?;
                Ok(())
            }
            Content::Spooled(spooled) => self.upload(&key.to_string(), spooled.path(), attributes(label)).await,
        }
    }

    async fn upload(&self, key: &str, file: &Path, attributes: Attributes) -> Result<()> {
        self.upload_from(key, tokio::fs::File::open(file).await?, attributes).await
    }

    async fn upload_from(&self, key: &str, content: impl AsyncRead + Send, attributes: Attributes) -> Result<()> {
        let _permit = self.uploads.acquire().await.context("wait to upload")?;
        tokio::pin!(content);
        let mut upload = BufWriter::with_capacity(Arc::clone(&self.store) as _, path(key)?, PART)
            .with_max_concurrency(PARTS_AT_ONCE)
            .with_attributes(attributes);
        if let Err(error) = tokio::io::copy(&mut content, &mut upload).await {
            let _ = upload.abort().await;
            return Err(failed_upload(&error));
        }
        upload.shutdown().await.map_err(|error| failed_upload(&error))
    }

    pub(super) async fn about(&self, key: &FileKey) -> Result<About> {
        self.about_object(&key.to_string()).await
    }

    pub(super) async fn open(&self, key: &FileKey) -> Result<(About, ByteStream)> {
        let found = self.get(&key.to_string(), GetOptions::default()).await?;
        Ok((about(&found), stream(found)))
    }

    pub(super) async fn part(&self, key: &FileKey, start: u64, length: u64) -> Result<ByteStream> {
        self.object_part(&key.to_string(), start, length).await
    }

    /// All objects that are in no folder, in the order of their keys.
    pub async fn objects(&self) -> Result<Vec<(String, About)>> {
        let listed = self.store.list_with_delimiter(None).await.map_err(failed)?;
        let objects = listed.objects.into_iter().map(|object| {
            let content_type = String::new();
            (object.location.to_string(), About { size: object.size, modified: object.last_modified, content_type })
        });
        let mut objects: Vec<(String, About)> = objects.collect();
        objects.sort_by(|(a, _), (b, _)| a.cmp(b));
        Ok(objects)
    }

    /// What is known of an object.
    ///
    /// # Errors
    /// One that answers 404 when there is none.
    pub async fn about_object(&self, key: &str) -> Result<About> {
        let options = GetOptions { head: true, ..GetOptions::default() };
        Ok(about(&self.get(key, options).await?))
    }

    /// So many bytes of an object.
    pub async fn object_part(&self, key: &str, start: u64, length: u64) -> Result<ByteStream> {
        if length == 0 {
            return Ok(futures_util::stream::empty().boxed());
        }
        let range = Some(GetRange::Bounded(start..start + length));
        Ok(stream(self.get(key, GetOptions { range, ..GetOptions::default() }).await?))
    }

    /// Stores a file.
    pub async fn put_object(&self, key: &str, file: &Path, content_type: &str) -> Result<()> {
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::ContentType, content_type.to_owned().into());
        self.upload(key, file, attributes).await
    }

    /// Stores what is read to its end. When reading fails, nothing is stored.
    pub async fn put_object_from(&self, key: &str, content: impl AsyncRead + Send, content_type: &str) -> Result<()> {
        let mut attributes = Attributes::new();
        attributes.insert(Attribute::ContentType, content_type.to_owned().into());
        self.upload_from(key, content, attributes).await
    }

    /// Removes an object.
    ///
    /// # Errors
    /// One that answers 404 when there is none.
    pub async fn remove_object(&self, key: &str) -> Result<()> {
        // A bucket does not tell whether there was anything to remove.
        self.about_object(key).await?;
        self.store.delete(&path(key)?).await.map_err(failed)
    }

    async fn get(&self, key: &str, options: GetOptions) -> Result<GetResult> {
        self.store.get_opts(&path(key)?, options).await.map_err(failed)
    }

    pub(super) async fn remove(&self, key: &FileKey) -> Result<()> {
        match self.store.delete(&path(&key.to_string())?).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
            Err(error) => return Err(failed(error)),
        }
        self.remove_folder(&key.thumbs()).await
    }

    /// Removes what a listing names, and nothing else.
    pub(super) async fn remove_folder(&self, folder: &Folder) -> Result<()> {
        let listed = self.store.list(Some(&path(folder.as_str())?)).map_ok(|object| object.location).boxed();
        let mut removed = self.store.delete_stream(listed);
        while let Some(outcome) = removed.next().await {
            match outcome {
                Ok(_) | Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(failed(error)),
            }
        }
        Ok(())
    }
}

/// Where requests go; the bucket is part of the host's name unless it is to be part of the path.
fn endpoint(settings: &S3) -> Result<Url> {
    let text = match settings.endpoint.contains("://") {
        true => settings.endpoint.clone(),
        false => format!("https://{}", settings.endpoint),
    };
    let mut endpoint = Url::parse(&text).context("the endpoint of the bucket is no URL")?;
    if !settings.force_path_style {
        let host = format!("{}.{}", settings.bucket, endpoint.host_str().unwrap_or_default());
        endpoint.set_host(Some(&host)).context("the bucket's name is no part of a host name")?;
    }
    Ok(endpoint)
}

fn path(key: &str) -> Result<ObjectPath> {
    ObjectPath::parse(key).map_err(|error| Error::Internal(anyhow!("no key of a bucket: {error}")))
}

fn attributes(label: &Label) -> Attributes {
    let mut attributes = Attributes::new();
    attributes.insert(Attribute::ContentType, label.content_type.clone().into());
    if let Some(name) = &label.original_name {
        let escaped = utf8_percent_encode(name, SEGMENT).to_string();
        attributes.insert(Attribute::Metadata(ORIGINAL_NAME.into()), escaped.into());
    }
    attributes
}

fn about(found: &GetResult) -> About {
    let content_type = found.attributes.get(&Attribute::ContentType).map(|value| value.as_ref().to_owned());
    About {
        size: found.meta.size,
        modified: found.meta.last_modified,
        content_type: content_type.unwrap_or_else(|| "application/octet-stream".to_owned()),
    }
}

fn stream(found: GetResult) -> ByteStream {
    found.into_stream().map_err(io::Error::from).boxed()
}

/// A bucket that fails is no failure of ours: the client is told what it would be told of a wrong request.
fn failed(error: object_store::Error) -> Error {
    match error {
        object_store::Error::NotFound { .. } => Error::NotFound,
        error => {
            tracing::warn!("a bucket failed: {error}");
            Error::Internal(anyhow::Error::new(error).context("a bucket failed"))
        }
    }
}

fn failed_upload(error: &io::Error) -> Error {
    tracing::warn!("an upload to a bucket failed: {error}");
    Error::Internal(anyhow!("an upload to a bucket failed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(endpoint: &str, force_path_style: bool) -> S3 {
        S3 { enabled: true, bucket: "photos".into(), endpoint: endpoint.into(), force_path_style, ..S3::default() }
    }

    #[test]
    fn the_bucket_stands_in_the_host_or_in_the_path() {
        for (given, path_style, expected) in [
            ("https://s3.example.com", false, "https://photos.s3.example.com/"),
            ("s3.example.com:9000", false, "https://photos.s3.example.com:9000/"),
            ("http://127.0.0.1:9000", true, "http://127.0.0.1:9000/"),
        ] {
            assert_eq!(endpoint(&settings(given, path_style)).expect("a URL").as_str(), expected);
        }
        assert!(endpoint(&settings("http://", false)).is_err());
    }

    #[test]
    fn a_name_is_escaped_like_part_of_a_path() {
        let label = Label { content_type: "a/b".into(), original_name: Some("ä b/c+d.png".into()), md5: [0; 16] };
        let name = attributes(&label).get(&Attribute::Metadata(ORIGINAL_NAME.into())).expect("there").to_string();
        assert_eq!(name, "%C3%A4%20b%2Fc+d.png");
    }
}
