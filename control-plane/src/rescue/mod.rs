//! A copy of the whole platform in a directory or a bucket, and the way back from it on a fresh machine.
//!
//! `roost backup` works beside the running platform or without it: it reads the control database and every tenant as they
//! are at one moment each, and restores every tenant's archive aside before it counts. The list of what was copied,
//! `platform.json`, is written last: what has none is no copy. `roost restore` builds everything in the folder
//! `restoring` of the directory to be, and moves it to its place when all of it is there.
//!
//! ```text
//! platform.json          what there is, with sizes and checksums
//! control.db             accounts, projects, domains, certificates and their keys
//! files/<n>              the settings, and files they name
//! tenants/<id>.zip       a tenant's data, which a stock PocketBase restores, too
//! ```

mod backup;
mod draft;
mod place;
mod restore;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tenant_runtime::backups::Census;
use tenant_runtime::host::TenantRecord;

use crate::backups::Stored;
use crate::config::Config;

pub use backup::{Copied, backup};
pub use draft::refuse_unfinished;
pub use place::{Address, Place};
pub use restore::{PlacedFile, Restored, restore};

const MANIFEST: &str = "platform.json";
const CONTROL: &str = "control.db";

/// What was copied.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    /// Of this list's form.
    version: u32,
    /// The program that made it.
    roost: String,
    domain: String,
    made_ms: i64,
    control: Control,
    /// The settings, if there was a file of them, come first.
    files: Vec<File>,
    tenants: Vec<Tenant>,
    /// Tenants that could not be copied.
    missing: Vec<Missing>,
}

impl Manifest {
    const VERSION: u32 = 1;
}

/// The control database.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Control {
    /// Its copy, and the newest of the migrations it went through.
    Sqlite { migration: i64, content: Stored },
    /// A PostgreSQL server has it, and tools of its own that copy it.
    Postgres,
}

impl Control {
    fn kind(&self) -> ControlKind {
        match self {
            Control::Sqlite { .. } => ControlKind::Sqlite,
            Control::Postgres => ControlKind::Postgres,
        }
    }
}

/// What keeps the control database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ControlKind {
    /// A file, which is in the copy.
    Sqlite,
    /// A server, whose own tools copy it.
    Postgres,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct File {
    path: PathBuf,
    is_settings: bool,
    content: Stored,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tenant {
    record: TenantRecord,
    census: Census,
    content: Stored,
}

/// A tenant that is not in a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Missing {
    /// Its id.
    pub id: String,
    /// Why it could not be copied.
    pub reason: String,
}

/// The files that settings name and a machine cannot do without.
fn named_files(config: &Config) -> anyhow::Result<Vec<PathBuf>> {
    let Config { tls, acme, .. } = config;
    let named = [&tls.certificate, &tls.key, &acme.root, &acme.second.root];
    let named = named.into_iter().filter(|path| !path.as_os_str().is_empty());
    Ok(named.map(std::path::absolute).collect::<std::io::Result<_>>()?)
}

fn file_key(number: usize) -> String {
    format!("files/{number}")
}

fn tenant_key(id: &str) -> String {
    format!("tenants/{id}.zip")
}
