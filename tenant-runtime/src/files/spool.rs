//! Writing a file to disk as it arrives.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use md5::{Digest as _, Md5};
use tokio::io::AsyncWriteExt as _;

use super::{Upload, names};
use crate::app::App;
use crate::error::{Error, Result};
use crate::records::pattern::random_id;

/// Where files wait; stock servers and we empty it at every start.
pub const TEMPORARY: &str = ".pb_temp_to_delete";
/// How much of a file is looked at to tell its type.
const SNIFFED: usize = 3072;

/// Takes a file in. Its bytes are on disk, synced, when this returns.
pub async fn spool(
    app: &App,
    original_name: &str,
    content: impl Stream<Item = Result<Bytes>> + Unpin,
) -> Result<Upload> {
    let (mut size, mut head, mut md5) = (0_u64, Vec::new(), Md5::new());
    let content = content.inspect(|chunk| {
        if let Ok(chunk) = chunk {
            head.extend_from_slice(&chunk[..chunk.len().min(SNIFFED.saturating_sub(head.len()))]);
            size += chunk.len() as u64;
            md5.update(chunk);
        }
    });
    let spooled = Spooled::write(&app.dir().join(TEMPORARY), content).await?;
    let (content_type, extension) = super::content_type::sniff(&head);
    let name = names::stored_name(original_name, extension);
    Ok(Upload::new(name, original_name.to_owned(), content_type.to_owned(), spooled, size, md5.finalize().into()))
}

/// A file of ours that goes when the last handle does.
#[derive(Clone, Debug)]
pub struct Spooled(Arc<Removed>);

#[derive(Debug)]
struct Removed(PathBuf);

impl Spooled {
    /// Writes a new file into a directory and syncs it.
    pub(super) async fn write<E>(
        dir: &Path,
        mut content: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<Spooled>
    where
        Error: From<E>,
    {
        tokio::fs::create_dir_all(dir).await?;
        let path = dir.join(format!("upload_{}", random_id(20)));
        let mut file = tokio::fs::File::create_new(&path).await?;
        let spooled = Spooled(Arc::new(Removed(path)));
        while let Some(chunk) = content.next().await {
            file.write_all(&chunk?).await?;
        }
        file.flush().await?;
        file.sync_all().await?;
        Ok(spooled)
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.0.0
    }
}

impl Drop for Removed {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("failed to remove a spooled file: {error}");
        }
    }
}
