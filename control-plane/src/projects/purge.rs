//! Removing a deleted project for good, once its grace period is over.
//!
//! Each purge names its project, so nothing goes because some list lacks it. And only so many go within a day: more at once
//! is rather a mistake than a wish, so all of them wait for an operator's word.

use sqlx::{Any, Row as _, Transaction};
use tenant_runtime::host::Generation;

use super::{Wish, store};
use crate::clock::{self, DAY};
use crate::database::number;
use crate::error::Result;
use crate::state::Platform;
use crate::{backups, domains, jobs, teams};

/// The key of a project's purge among the jobs.
pub const KEY: &str = "purge";
/// So many may always go: of three projects, two are more than any share.
const ALWAYS: i64 = 3;

/// A project whose grace period is over, and that no operator gave yet.
#[expect(missing_docs, reason = "as in the project")]
pub struct Due {
    pub id: String,
    pub slug: String,
    pub name: String,
    /// When it was over.
    pub due_ms: i64,
}

/// What is to be removed, beside what may be.
pub struct Waiting {
    /// The longest due first.
    pub due: Vec<Due>,
    /// How many went within the last day.
    gone: i64,
    /// How many may go within a day.
    most: i64,
}

impl Waiting {
    /// Whether they are too many to go by themselves.
    pub fn is_held(&self) -> bool {
        number(self.due.len()).saturating_add(self.gone) > self.most
    }
}

/// First the backups and the data, then the row; may run twice. A project that was brought back meanwhile stays.
pub async fn purge(platform: &Platform, id: &str) -> anyhow::Result<()> {
    let Some(project) = store::by_id(platform.database.write(), id).await? else { return Ok(()) };
    let over = project.deleted_until_ms.is_some_and(|until| until <= clock::now_ms());
    if project.wish != Wish::Deleted || !over {
        return Ok(());
    }
    anyhow::ensure!(jobs::active_of(platform.database.write(), id).await?.is_empty(), "a backup is under way");
    if !is_confirmed(platform, id).await? {
        let waiting = waiting(platform).await?;
        anyhow::ensure!(
            !waiting.is_held(),
            "{} projects are due at once: an operator has to say so",
            waiting.due.len()
        );
    }
    backups::forget_all(platform, id).await?;
    let generation = Generation(u64::try_from(project.generation)?);
    platform.fleet.node(&project.node_id)?.delete_tenant(&id.parse()?, generation).await?;
    let mut tx = platform.database.begin().await?;
    domains::store::bury_all(&mut tx, id, clock::millis(platform.config.domains.quarantine())).await?;
    store::remove(&mut tx, id).await?;
    note(&mut tx, id).await?;
    teams::store::remove_if_left(&mut tx, &project.team_id).await?;
    tx.commit().await?;
    platform.changed(id);
    Ok(())
}

/// How many projects may be removed within a day without an operator's word.
pub async fn most(platform: &Platform) -> Result<i64> {
    let all: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM project").fetch_one(platform.database.write()).await?;
    let share = (all * platform.config.projects.purge_share / 100).max(ALWAYS);
    Ok(platform.config.projects.purge_most.min(share))
}

/// What is to be removed now.
pub async fn waiting(platform: &Platform) -> Result<Waiting> {
    let (db, now) = (platform.database.write(), clock::now_ms());
    let sql = "SELECT id, slug, name, deleted_until_ms FROM project
         WHERE wish = 'deleted' AND deleted_until_ms <= $1 AND purge_confirmed_ms IS NULL ORDER BY deleted_until_ms, id";
    let rows = sqlx::query(sql).bind(now).fetch_all(db).await?;
    let due = rows.iter().map(|row| {
        Ok(Due { id: row.try_get(0)?, slug: row.try_get(1)?, name: row.try_get(2)?, due_ms: row.try_get(3)? })
    });
    let day_ago = now - clock::millis(DAY);
    let gone = sqlx::query_scalar("SELECT COUNT(*) FROM purged WHERE at_ms > $1").bind(day_ago).fetch_one(db).await?;
    Ok(Waiting { due: due.collect::<sqlx::Result<_>>()?, gone, most: most(platform).await? })
}

/// Notes that an operator gave a project.
pub async fn confirm(tx: &mut Transaction<'static, Any>, id: &str) -> Result<()> {
    sqlx::query("UPDATE project SET purge_confirmed_ms = $1 WHERE id = $2 AND wish = 'deleted'")
        .bind(clock::now_ms())
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

async fn is_confirmed(platform: &Platform, id: &str) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM project WHERE id = $1 AND purge_confirmed_ms IS NOT NULL";
    let count: i64 = sqlx::query_scalar(sql).bind(id).fetch_one(platform.database.write()).await?;
    Ok(count > 0)
}

/// Notes that a project is gone, and forgets those of more than a day ago.
async fn note(tx: &mut Transaction<'static, Any>, id: &str) -> Result<()> {
    let now = clock::now_ms();
    sqlx::query("INSERT INTO purged (project_id, at_ms) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(id)
        .bind(now)
        .execute(&mut **tx)
        .await?;
    sqlx::query("DELETE FROM purged WHERE at_ms < $1").bind(now - clock::millis(DAY)).execute(&mut **tx).await?;
    Ok(())
}
