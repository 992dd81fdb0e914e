//! A large file that is written beside a backend at work. It is synced piece by piece: what waits for the disk is in the
//! way of the next commit.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

use crate::files::disk;
use crate::meter::Claim;

/// So much may wait.
const PIECE: u64 = 4 << 20;

/// A file of which little waits to be written, and for which there is room.
pub(super) struct Paced<'a> {
    file: File,
    waiting: u64,
    claim: Option<&'a Claim>,
}

impl<'a> Paced<'a> {
    /// What is written takes of the claim, if there is one.
    pub(super) fn new(file: File, claim: Option<&'a Claim>) -> Paced<'a> {
        Paced { file, waiting: 0, claim }
    }

    /// The file, the rest of which waits still.
    pub(super) fn into_file(self) -> File {
        self.file
    }
}

impl Write for Paced<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        if let Some(claim) = self.claim {
            disk::grow(claim, written)?;
        }
        self.waiting += written as u64;
        if self.waiting >= PIECE {
            self.file.sync_data()?;
            self.waiting = 0;
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Seek for Paced<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}
