//! Writing a file to disk as it arrives.
//!
//! A hundred uploads at once are a hundred tasks that gather a little each, and few threads that write in turn: neither
//! memory nor anybody else's requests feel how many there are.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use md5::{Digest as _, Md5};

use super::disk::{Disk, grow};
use super::{Upload, names};
use crate::app::App;
use crate::error::{Error, Result};
use crate::meter::Claim;
use crate::records::pattern::random_id;

/// Where files wait; stock servers and we empty it at every start.
pub const TEMPORARY: &str = ".pb_temp_to_delete";
/// How much of a file is looked at to tell its type.
const SNIFFED: usize = 3072;
/// Bytes that are gathered before they are written.
const GATHERED: usize = 256 << 10;

/// Takes a file in. Its bytes are on disk, synced, when this returns.
pub async fn spool(
    app: &App,
    original_name: &str,
    content: impl Stream<Item = Result<Bytes>> + Unpin,
) -> Result<Upload> {
    let Written { spooled, size, head, md5 } = Spooled::write(app.storages().disk(), content).await?;
    let (content_type, extension) = super::content_type::sniff(&head);
    let name = names::stored_name(original_name, extension);
    Ok(Upload::new(name, original_name.to_owned(), content_type.to_owned(), spooled, size, md5))
}

/// A file of ours that goes when the last handle does.
#[derive(Clone, Debug)]
pub struct Spooled(Arc<Removed>);

#[derive(Debug)]
struct Removed {
    path: PathBuf,
    /// The room it takes, until it is a stored file.
    claim: Claim,
}

/// A file that has come in as a whole.
pub(super) struct Written {
    pub(super) spooled: Spooled,
    /// Bytes.
    size: u64,
    /// The first [`SNIFFED`] bytes.
    head: Vec<u8>,
    md5: [u8; 16],
}

impl Spooled {
    /// Writes a new file into the temporary directory and syncs it.
    pub(super) async fn write<E>(
        disk: &Disk,
        mut content: impl Stream<Item = Result<Bytes, E>> + Unpin,
    ) -> Result<Written>
    where
        Error: From<E>,
    {
        let mut writing = Writing::new(&disk.temporary(), disk.claim());
        let (mut gathered, mut bytes) = (Vec::new(), 0);
        while let Some(chunk) = content.next().await {
            let chunk = chunk?;
            bytes += chunk.len();
            gathered.push(chunk);
            if bytes >= GATHERED {
                let chunks = std::mem::take(&mut gathered);
                writing = disk.run(move |_| writing.append(&chunks)).await?;
                bytes = 0;
            }
        }
        disk.run(move |_| writing.append(&gathered)?.finish()).await
    }

    /// Where it lies.
    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// The room it takes.
    pub(super) fn claim(&self) -> &Claim {
        &self.0.claim
    }
}

/// A file that is coming in.
struct Writing {
    spooled: Spooled,
    /// None before the first piece.
    file: Option<File>,
    size: u64,
    head: Vec<u8>,
    md5: Md5,
}

impl Writing {
    fn new(dir: &Path, claim: Claim) -> Writing {
        let path = dir.join(format!("upload_{}", random_id(20)));
        Writing {
            spooled: Spooled(Arc::new(Removed { path, claim })),
            file: None,
            size: 0,
            head: Vec::new(),
            md5: Md5::new(),
        }
    }

    /// Blocks.
    fn append(mut self, chunks: &[Bytes]) -> io::Result<Writing> {
        let mut file = match self.file.take() {
            Some(file) => file,
            None => create(self.spooled.path())?,
        };
        for chunk in chunks {
            grow(self.spooled.claim(), chunk.len())?;
            file.write_all(chunk)?;
            self.md5.update(chunk);
            self.size += chunk.len() as u64;
            self.head.extend_from_slice(&chunk[..chunk.len().min(SNIFFED.saturating_sub(self.head.len()))]);
        }
        Ok(Writing { file: Some(file), ..self })
    }

    /// Blocks.
    fn finish(self) -> io::Result<Written> {
        if let Some(file) = self.file {
            file.sync_all()?;
        }
        Ok(Written { spooled: self.spooled, size: self.size, head: self.head, md5: self.md5.finalize().into() })
    }
}

fn create(path: &Path) -> io::Result<File> {
    File::create_new(path).or_else(|error| match (error.kind(), path.parent()) {
        (io::ErrorKind::NotFound, Some(dir)) => {
            fs::create_dir_all(dir)?;
            File::create_new(path)
        }
        _ => Err(error),
    })
}

impl Drop for Removed {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.path)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!("failed to remove a spooled file: {error}");
        }
    }
}
