//! Backups of projects: made by their node, stored elsewhere, and proven by restoring each from where it is stored.
//!
//! An archive and a manifest beside it are two objects in a directory or a bucket. A backup is green only after its
//! archive was read back, restored aside by the node and found to be what was made; it turns red as soon as that fails
//! again. What is removed is named by the control database, never by a listing.

pub mod api;
pub mod check;
mod mail;
pub mod make;
pub mod restore;
mod retention;
pub mod schedule;
pub(crate) mod store;
mod target;
mod transfer;

use serde::{Deserialize, Serialize};
use tenant_runtime::backups::Census;
use tenant_runtime::host::{CopyName, NodeClient, TenantId};
use utoipa::ToSchema;

use crate::error::Result;
use crate::jobs::Run;
use crate::projects;
use crate::state::Platform;

pub use store::{Kept, newest_proven};
pub use target::{Stored, Target, create_file, hex};
pub use transfer::send_zip;

/// Why a backup was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// It was due.
    Schedule,
    /// Somebody asked for it.
    Hand,
    /// The present state before a restore.
    Restore,
    /// The last state before the project was deleted.
    Delete,
    /// Somebody brought the zip.
    Import,
}

/// What is known of a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is not proven yet.
    Making,
    /// It was restored from where it is stored.
    Proven,
    /// It could not be made, or cannot be restored.
    Failed,
}

/// The object beside each archive: what the archive is and whose.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Manifest {
    version: u32,
    project: String,
    backup: String,
    origin: Origin,
    made_ms: i64,
    bytes: u64,
    sha256: String,
    /// Absent for an import until it is proven.
    census: Option<Census>,
    /// Whether the counts are exact, as nobody wrote while it was made.
    exact: bool,
}

impl Manifest {
    const VERSION: u32 = 1;
}

/// A column's word for a value that is one word in JSON, too.
fn word<T: Serialize>(value: T) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// The value a column's word means.
fn meaning<T: serde::de::DeserializeOwned>(word: &str) -> Option<T> {
    serde_json::from_value(word.into()).ok()
}

/// Where a backup's archive is kept.
pub fn archive_key(project: &str, backup: &str) -> String {
    format!("{project}/{backup}.zip")
}

fn manifest_key(project: &str, backup: &str) -> String {
    format!("{project}/{backup}.json")
}

/// Who keeps the job's project, and what it is called there.
async fn keeper(run: &Run) -> anyhow::Result<(&NodeClient, TenantId)> {
    let row = projects::store::by_id(run.platform.database.write(), &run.project).await?;
    let row = row.ok_or_else(|| crate::jobs::GiveUp("There is no such project any more.".to_owned()))?;
    Ok((run.platform.fleet.node(&row.node_id)?, row.id.parse()?))
}

fn copy_name(id: &str) -> anyhow::Result<CopyName> {
    Ok(id.parse()?)
}

/// Removes a backup unless it is the last proven one; whether it is gone. It is red before the first of its objects goes,
/// so nobody relies on what a crash left of it.
async fn remove(platform: &Platform, project: &str, backup: &str) -> Result<bool> {
    let mut tx = platform.database.begin().await?;
    if !store::give_up(&mut tx, project, backup).await? {
        return Ok(false);
    }
    tx.commit().await?;
    remove_objects(platform, project, backup).await?;
    store::remove(platform.database.write(), backup).await?;
    Ok(true)
}

/// Removes the stored objects of a backup; whether they are there does not matter.
async fn remove_objects(platform: &Platform, project: &str, backup: &str) -> anyhow::Result<()> {
    platform.backups.remove(&archive_key(project, backup)).await?;
    platform.backups.remove(&manifest_key(project, backup)).await
}

/// Removes all backups of a project that goes for good.
pub async fn forget_all(platform: &Platform, project: &str) -> anyhow::Result<()> {
    for backup in store::of_project(platform.database.write(), project).await? {
        remove_objects(platform, project, &backup.id).await?;
        store::remove(platform.database.write(), &backup.id).await?;
    }
    Ok(())
}
