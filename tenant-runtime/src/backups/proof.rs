//! Proving an archive: it is unpacked beside everything, checked page by page and counted. What then still may fail is
//! opening it as a backend, which is left to whoever can.

use std::fs::File;
use std::path::Path;

use zip::ZipArchive;

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
pub fn prove(archive: &Path, into: &Path, key: Option<&EncryptionKey>) -> Result<Proof, Unfit> {
    let zip = ZipArchive::new(File::open(archive)?)?;
    let owner = String::from_utf8_lossy(zip.comment()).into_owned();
    unpack::unpack(archive, into, key)?;
    for database in DATABASES.into_iter().filter(|name| into.join(name).is_file()) {
        check_integrity(&into.join(database))?;
    }
    let db = store::open_untouched(&into.join(DATABASES[0])).map_err(OpenError::from_store)?;
    let records = census::records(&db).map_err(OpenError::from_sqlite)?;
    Ok(Proof { owner, census: Census { records, files: census::files(into)? } })
}

fn check_integrity(database: &Path) -> Result<(), Unfit> {
    let db = store::open_untouched(database).map_err(OpenError::from_store)?;
    let sound: String =
        db.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0)).map_err(OpenError::from_sqlite)?;
    if sound == "ok" { Ok(()) } else { Err(OpenError::Damaged(sound).into()) }
}
