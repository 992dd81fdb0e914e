//! Removing a deleted project for good, once its grace period is over.

use tenant_runtime::host::Generation;

use super::{Wish, store};
use crate::state::Platform;
use crate::{backups, clock, domains, jobs};

/// The key of a project's purge among the jobs.
pub const KEY: &str = "purge";

/// First the backups and the data, then the row; may run twice. A project that was brought back meanwhile stays.
pub async fn purge(platform: &Platform, id: &str) -> anyhow::Result<()> {
    let Some(project) = store::by_id(platform.database.write(), id).await? else { return Ok(()) };
    let over = project.deleted_until_ms.is_some_and(|until| until <= clock::now_ms());
    if project.wish != Wish::Deleted || !over {
        return Ok(());
    }
    anyhow::ensure!(jobs::active_of(platform.database.write(), id).await?.is_empty(), "a backup is under way");
    backups::forget_all(platform, id).await?;
    let generation = Generation(u64::try_from(project.generation)?);
    platform.fleet.node(&project.node_id)?.delete_tenant(&id.parse()?, generation).await?;
    let mut tx = platform.database.begin().await?;
    domains::store::bury_all(&mut tx, id, clock::millis(platform.config.domains.quarantine())).await?;
    store::remove(&mut tx, id).await?;
    tx.commit().await?;
    platform.changed(id);
    Ok(())
}
