//! Small copies of images, made when first asked for and kept beside the original.
//!
//! Whatever cannot be made is not: the original is served instead. Requests for a thumb that is being made wait for
//! it; images are decoded on threads of their own, where tenants take turns.

mod render;
mod size;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use md5::{Digest as _, Md5};
use tokio::sync::OnceCell;

use super::key::FileKey;
use super::spool::TEMPORARY;
use super::storage::{Content, Label, Storage};
use crate::store::{Turn, Turns};

pub use size::ThumbSize;

/// In this size every image can be had, whatever its field says.
const ALWAYS: &str = "100x100";
const TYPES: [&str; 5] = ["image/png", "image/jpg", "image/jpeg", "image/gif", "image/webp"];
/// Larger files are not looked into.
const MOST_BYTES: u64 = 64 << 20;
/// How long a request waits for its turn and its thumb.
const PATIENCE: Duration = Duration::from_secs(60);

/// The threads images are decoded on; shared by all backends of a process.
#[derive(Clone)]
pub struct Resizer(Turns);

/// The thumbs of one backend.
pub struct Thumbs {
    turn: Turn,
    temporary: PathBuf,
    making: Mutex<HashMap<FileKey, Arc<Making>>>,
}

/// Whether there is a thumb in the end.
type Making = OnceCell<bool>;

/// A reason to serve the original.
#[derive(Debug, thiserror::Error)]
enum NoThumb {
    #[error("it is no image of a kind that thumbs are made of")]
    NoImage,
    #[error(transparent)]
    Unreadable(#[from] render::RenderError),
    #[error("it took too long")]
    TooLong(#[from] tokio::time::error::Elapsed),
    #[error(transparent)]
    Failed(#[from] crate::error::Error),
}

impl Resizer {
    /// Half as many threads as there are cores, at least one.
    pub fn for_this_machine() -> Resizer {
        Resizer(Turns::for_this_machine("roost-image"))
    }
}

impl Thumbs {
    /// Those of a data directory.
    pub fn new(data: &Path, resizer: &Resizer) -> Thumbs {
        Thumbs { turn: resizer.0.for_tenant(), temporary: data.join(TEMPORARY), making: Mutex::default() }
    }

    /// The thumb of a file, made if need be. None if there cannot be one in that size, of which `sizes` are wanted.
    pub async fn find(&self, storage: &Storage, original: &FileKey, size: &str, sizes: &[String]) -> Option<FileKey> {
        if size != ALWAYS && !sizes.iter().any(|wanted| wanted == size) {
            return None;
        }
        let (parsed, thumb) = (ThumbSize::parse(size)?, original.thumb(size).ok()?);
        if storage.about(&thumb).await.is_ok() {
            return Some(thumb);
        }
        let making = Entry::of(self, &thumb);
        let made = making.cell.get_or_init(|| async {
            let made = self.make(storage, original, &thumb, parsed).await;
            made.inspect_err(|reason| tracing::debug!("no thumb of {original}: {reason}")).is_ok()
        });
        made.await.then(|| thumb.clone())
    }

    async fn make(
        &self,
        storage: &Storage,
        original: &FileKey,
        thumb: &FileKey,
        size: ThumbSize,
    ) -> Result<(), NoThumb> {
        let about = storage.about(original).await?;
        if !TYPES.contains(&about.content_type.as_str()) || about.size > MOST_BYTES {
            return Err(NoThumb::NoImage);
        }
        let copy = storage.local_copy(original, &self.temporary).await?;
        let rendering = self.turn.run(move || render::render(copy.path(), size));
        let image = tokio::time::timeout(PATIENCE, rendering).await???;
        let label = Label {
            content_type: image.content_type.to_owned(),
            original_name: None,
            md5: Md5::digest(&image.bytes).into(),
        };
        storage.put(thumb, Content::Bytes(image.bytes.into()), label).await?;
        Ok(())
    }

    fn making(&self) -> MutexGuard<'_, HashMap<FileKey, Arc<Making>>> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One request's part in making a thumb; the last one to leave tidies up.
struct Entry<'t> {
    thumbs: &'t Thumbs,
    thumb: &'t FileKey,
    cell: Arc<Making>,
}

impl<'t> Entry<'t> {
    fn of(thumbs: &'t Thumbs, thumb: &'t FileKey) -> Entry<'t> {
        let cell = Arc::clone(thumbs.making().entry(thumb.clone()).or_default());
        Entry { thumbs, thumb, cell }
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        let mut making = self.thumbs.making();
        // The map's handle and this one.
        if Arc::strong_count(&self.cell) <= 2 {
            making.remove(self.thumb);
        }
    }
}
