//! Proving an archive: it is unpacked beside everything, checked page by page and counted. What then still may fail is
//! opening it as a backend, which is left to whoever can.

use std::path::Path;

use super::bounds::Bounds;
use super::unpack::{self, Unfit};
use super::{Census, DATABASES, census};
use crate::app::OpenError;
use crate::settings::EncryptionKey;
use crate::store;

/// What an archive turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// Whose data it says it is; empty when it says nothing.
    pub owner: String,
    /// What it holds.
    pub census: Census,
}

/// Unpacks an archive into a new folder, as a restore would, and checks all of it. Blocks.
///
/// # Errors
/// Why it could not be restored.
pub fn prove(archive: &Path, into: &Path, key: Option<&EncryptionKey>, bounds: &Bounds) -> Result<Proof, Unfit> {
    let owner = unpack::unpack(archive, into, key, bounds)?;
    let counted = count(into, bounds);
    if counted.is_err() {
        // Whoever was told to stop says why.
        bounds.check()?;
    }
    Ok(Proof { owner, census: counted? })
}

fn count(dir: &Path, bounds: &Bounds) -> Result<Census, Unfit> {
    for database in DATABASES.into_iter().filter(|name| dir.join(name).is_file()) {
        check_integrity(&dir.join(database), bounds)?;
    }
    let db = store::open_untouched(&dir.join(DATABASES[0])).map_err(OpenError::from_store)?;
    let records = census::records(&db, bounds.stop()).map_err(OpenError::from_sqlite)?;
    Ok(Census { records, files: census::files(dir)? })
}

fn check_integrity(database: &Path, bounds: &Bounds) -> Result<(), Unfit> {
    let db = store::open_untouched(database).map_err(OpenError::from_store)?;
    store::distrust_all(&db, bounds.stop()).map_err(OpenError::from_sqlite)?;
    let sound: String =
        db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(OpenError::from_sqlite)?;
    if sound == "ok" { Ok(()) } else { Err(OpenError::Damaged(sound).into()) }
}
