//! Writing an upload to disk as it arrives.

use std::path::PathBuf;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::io::AsyncWriteExt as _;

use super::{Upload, names};
use crate::app::App;
use crate::error::Result;
use crate::records::pattern::random_id;

/// Where uploads wait; stock servers and we empty it at every start.
pub const TEMPORARY: &str = ".pb_temp_to_delete";
/// How much of a file is looked at to tell its type.
const SNIFFED: usize = 3072;

/// Takes a file in. Its bytes are on disk, synced, when this returns.
pub async fn spool(
    app: &App,
    original_name: &str,
    mut content: impl Stream<Item = Result<Bytes>> + Unpin,
) -> Result<Upload> {
    let dir = app.dir().join(TEMPORARY);
    tokio::fs::create_dir_all(&dir).await?;
    let path = Removed(dir.join(format!("upload_{}", random_id(20))));
    let mut file = tokio::fs::File::create_new(&path.0).await?;
    let (mut size, mut head) = (0_u64, Vec::new());
    while let Some(chunk) = content.next().await {
        let chunk = chunk?;
        head.extend_from_slice(&chunk[..chunk.len().min(SNIFFED.saturating_sub(head.len()))]);
        size += chunk.len() as u64;
        file.write_all(&chunk).await?;
    }
    file.flush().await?;
    file.sync_all().await?;
    let (content_type, extension) = super::content_type::sniff(&head);
    let name = names::stored_name(original_name, extension);
    Ok(Upload::new(name, original_name.to_owned(), size, content_type.to_owned(), path.keep()))
}

/// A spool file that goes unless it is kept.
struct Removed(PathBuf);

impl Removed {
    fn keep(mut self) -> PathBuf {
        std::mem::take(&mut self.0)
    }
}

impl Drop for Removed {
    fn drop(&mut self) {
        if !self.0.as_os_str().is_empty() {
            let _ = std::fs::remove_file(&self.0);
        }
    }
}
