//! A file on its way in: spooled to disk while its request is read, so that memory stays flat.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::content_type;
use super::placing::Placement;
use super::spool::Spooled;
use super::storage::{Content, Label};

/// An uploaded file that no record owns yet. Its bytes go when the last handle does, unless a record names them by then.
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
    md5: [u8; 16],
    spooled: Spooled,
    placement: Arc<Mutex<Option<Arc<Placement>>>>,
}

impl Upload {
    /// Takes over a spooled file.
    pub(super) fn new(
        name: String,
        original_name: String,
        content_type: String,
        spooled: Spooled,
        size: u64,
        md5: [u8; 16],
    ) -> Upload {
        Upload { name, original_name, size, content_type, md5, spooled, placement: Arc::default() }
    }

    /// Whether its content is of that type, whatever parameters either brings.
    pub fn is_of_type(&self, mime_type: &str) -> bool {
        content_type::is_same(&self.content_type, mime_type)
    }

    /// Its bytes are somebody else's from now on: the room they take stays taken.
    pub fn stays(&self) {
        self.spooled.claim().keep();
    }

    /// Where its bytes lie for now.
    pub fn path(&self) -> &Path {
        self.spooled.path()
    }

    pub(super) fn content(&self) -> Content {
        Content::Spooled(self.spooled.clone())
    }

    pub(super) fn label(&self) -> Label {
        Label {
            content_type: self.content_type.clone(),
            original_name: Some(self.original_name.clone()),
            md5: self.md5,
        }
    }

    /// Where it was put already.
    pub(super) fn placement(&self) -> Option<Arc<Placement>> {
        self.placement.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes where it was put. An earlier place is given up.
    pub(super) fn set_placement(&self, placement: &Arc<Placement>) {
        *self.placement.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(placement));
    }
}
