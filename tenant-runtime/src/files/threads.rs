//! The threads files are looked after on: syncing and decoding take too long for those that serve the databases.

use crate::store::{Turn, Turns, half_the_cores};

/// Waiting for a disk takes no computing, and disks like to be asked several things at once.
const DISK_THREADS: usize = 4;
const DISK_WAITING: usize = 1024;
/// Each may need much memory.
const MOST_IMAGE_THREADS: usize = 4;
const IMAGES_WAITING: usize = 256;

/// The threads; shared by all backends of a process.
#[derive(Clone)]
pub struct Threads {
    disk: Turns,
    images: Turns,
}

impl Threads {
    /// As many as suit this machine.
    pub fn for_this_machine() -> Threads {
        let image_threads = half_the_cores().min(MOST_IMAGE_THREADS);
        Threads {
            disk: Turns::new("roost-files", DISK_THREADS, DISK_WAITING),
            images: Turns::new("roost-images", image_threads, IMAGES_WAITING),
        }
    }

    /// One more backend's place among those that write.
    pub(super) fn disk(&self) -> Turn {
        self.disk.for_tenant()
    }

    /// One more backend's place among those that decode.
    pub(super) fn images(&self) -> Turn {
        self.images.for_tenant()
    }
}
