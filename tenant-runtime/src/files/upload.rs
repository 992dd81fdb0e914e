//! A file on its way in: spooled to disk while its request is read, so that memory stays flat.

use std::path::PathBuf;
use std::sync::Arc;

/// An uploaded file that no record owns yet. Its spool file goes when the last handle does.
#[derive(Clone, Debug)]
pub struct Upload {
    /// The name it will be stored under.
    pub name: String,
    /// The name the client gave.
    pub original_name: String,
    /// Bytes.
    pub size: u64,
    /// Found from the content, never taken from the client.
    pub content_type: String,
    spool: Arc<Spool>,
}

#[derive(Debug)]
struct Spool(PathBuf);

impl Upload {
    /// Takes over a spool file.
    pub fn new(name: String, original_name: String, size: u64, content_type: String, spool: PathBuf) -> Upload {
        Upload { name, original_name, size, content_type, spool: Arc::new(Spool(spool)) }
    }

    /// Whether its content is of that type, whatever parameters either brings.
    pub fn is_of_type(&self, mime_type: &str) -> bool {
        let essence = |text: &str| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        essence(&self.content_type) == essence(mime_type)
    }

    /// Where the content lies for now.
    pub fn path(&self) -> &std::path::Path {
        &self.spool.0
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!("failed to remove a spooled upload: {error}");
        }
    }
}
