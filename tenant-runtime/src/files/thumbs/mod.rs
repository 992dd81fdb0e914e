//! Small copies of images, made when first asked for and kept beside the original.
//!
//! Whatever cannot be made is not: the original is served instead. Requests for a thumb that is being made wait for
//! it; images are decoded on threads of their own, where tenants take turns.

mod render;
mod size;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use md5::{Digest as _, Md5};
use tokio::sync::OnceCell;

use super::Threads;
use super::disk::Disk;
use super::key::FileKey;
use super::storage::{Content, Label, Storage, Storages};
use crate::store::Turn;

use size::ThumbSize;

/// In this size every image can be had, whatever its field says.
const ALWAYS: &str = "100x100";
const TYPES: [&str; 5] = ["image/png", "image/jpg", "image/jpeg", "image/gif", "image/webp"];
/// Larger files are not looked into.
const MOST_BYTES: u64 = 64 << 20;
/// How long a request waits for its turn and its thumb.
const PATIENCE: Duration = Duration::from_secs(60);

/// A thumb as it may be asked for, whether it is there or not.
pub struct Thumb {
    key: FileKey,
    size: ThumbSize,
}

/// The thumbs of one backend.
pub struct Thumbs {
    turn: Turn,
    disk: Disk,
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

impl Thumb {
    /// The thumb of a file in a size that its field offers. None for other sizes, and for what is no size.
    pub fn of(original: &FileKey, size: &str, offered: &[String]) -> Option<Thumb> {
        let is_offered = size == ALWAYS || offered.iter().any(|offered| offered == size);
        let (parsed, key) = (ThumbSize::parse(size)?, original.thumb(size).ok()?);
        is_offered.then_some(Thumb { key, size: parsed })
    }

    /// Where it is, or would be.
    pub fn key(&self) -> &FileKey {
        &self.key
    }
}

impl Thumbs {
    /// Those of a data directory.
    pub fn new(storages: &Storages, threads: &Threads) -> Thumbs {
        Thumbs { turn: threads.images(), disk: storages.disk().clone(), making: Mutex::default() }
    }

    /// Makes a thumb and stores it, unless that is being done already: then only waits for it. Answers whether there is
    /// one in the end.
    pub async fn make(&self, storage: &Storage, original: &FileKey, thumb: &Thumb) -> bool {
        let making = Entry::of(self, &thumb.key);
        let made = making.cell.get_or_init(|| async {
            let made = self.render_and_store(storage, original, thumb).await;
            made.inspect_err(|reason| tracing::debug!("no thumb of {original}: {reason}")).is_ok()
        });
        *made.await
    }

    async fn render_and_store(&self, storage: &Storage, original: &FileKey, thumb: &Thumb) -> Result<(), NoThumb> {
        let about = storage.about(original).await?;
        if !TYPES.contains(&about.content_type.as_str()) || about.size > MOST_BYTES {
            return Err(NoThumb::NoImage);
        }
        let copy = storage.local_copy(original, &self.disk).await?;
        let size = thumb.size;
        let rendering = self.turn.run(move || render::render(copy.path(), size));
        let image = tokio::time::timeout(PATIENCE, rendering).await???;
        let label = Label {
            content_type: image.content_type.to_owned(),
            original_name: None,
            md5: Md5::digest(&image.bytes).into(),
        };
        storage.put(&thumb.key, Content::Bytes(image.bytes.into()), label).await?;
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
