//! Removing a deleted project for good, once its grace period is over.
//!
//! Each purge names its project, so nothing goes because some list lacks it. And only so many go within a day: more at once
//! is rather a mistake than a wish, so all of them wait for an operator's word. Each is asked for when its project is
//! deleted, and again as long as a project is due that nobody is at.

use std::time::Duration;

use sqlx::{Any, AnyPool, Row as _, Transaction};
use tenant_runtime::host::Generation;
use tokio_util::sync::CancellationToken;

use super::{Wish, store};
use crate::clock::{self, DAY, MINUTE};
use crate::database::{Database, number};
use crate::error::Result;
use crate::jobs::{self, Kind};
use crate::state::Platform;
use crate::{backups, domains, teams};

/// The key of a project's purge among the jobs.
pub const KEY: &str = "purge";
/// How long it is tried again.
const DEADLINE: Duration = DAY.saturating_mul(7);
/// How often projects are looked for that are due.
const LOOK: Duration = MINUTE;
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

/// Has a project purged at that moment, instead of whenever it was to be before, unless that is being done.
pub async fn ask_for(tx: &mut Transaction<'static, Any>, id: &str, due_ms: i64) -> Result<()> {
    jobs::cancel_queued(tx, id, KEY).await?;
    jobs::release_key(tx, id, KEY).await?;
    jobs::enqueue(tx, Kind::PurgeProject, id, Some(KEY), "", due_ms, DEADLINE).await?;
    Ok(())
}

/// Has every project purged that is due, until cancelled.
pub async fn run(platform: Platform, stop: CancellationToken) {
    while !stop.is_cancelled() {
        match ask_for_due(&platform.database).await {
            Ok(0) => {}
            Ok(_) => platform.jobs.poke(),
            Err(error) => tracing::error!("failed to look for projects to be removed for good: {error}"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

/// Has those purged that nobody is to purge, whatever became of the job that was; how many.
async fn ask_for_due(database: &Database) -> Result<usize> {
    let sql = "SELECT p.id FROM project p WHERE p.wish = 'deleted' AND p.deleted_until_ms <= $1 AND NOT EXISTS
         (SELECT 1 FROM job j WHERE j.tenant_id = p.id AND j.idem_key = $2 AND j.state IN ('queued', 'running'))";
    let now = clock::now_ms();
    let due: Vec<String> = sqlx::query_scalar(sql).bind(now).bind(KEY).fetch_all(database.read()).await?;
    for id in &due {
        let mut tx = database.begin().await?;
        ask_for(&mut tx, id, now).await?;
        tx.commit().await?;
    }
    Ok(due.len())
}

/// First the data and the backups, then the row; may run twice. A project that was brought back meanwhile stays.
pub async fn purge(platform: &Platform, id: &str) -> anyhow::Result<()> {
    let db = platform.database.write();
    let Some(project) = store::by_id(db, id).await? else { return Ok(()) };
    let over = project.deleted_until_ms.is_some_and(|until| until <= clock::now_ms());
    if project.wish != Wish::Deleted || !over {
        return Ok(());
    }
    anyhow::ensure!(jobs::active_of(db, id).await?.is_empty(), "a backup is under way");
    if !may_go(db, id).await? {
        let waiting = waiting(platform).await?;
        anyhow::ensure!(
            !waiting.is_held(),
            "{} projects are due at once: an operator has to say so",
            waiting.due.len()
        );
    }
    if !begin(db, id).await? {
        return Ok(());
    }
    let generation = Generation(u64::try_from(project.generation)?);
    platform.fleet.node(&project.node_id)?.delete_tenant(&id.parse()?, generation).await?;
    backups::forget_all(platform, id).await?;
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

/// Whether an operator gave a project, or it is half gone.
async fn may_go(db: &AnyPool, id: &str) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM project
         WHERE id = $1 AND (purge_confirmed_ms IS NOT NULL OR purge_begun_ms IS NOT NULL)";
    let count: i64 = sqlx::query_scalar(sql).bind(id).fetch_one(db).await?;
    Ok(count > 0)
}

/// Notes that a project is being removed, so that nobody brings back what is left of it; unless somebody did.
async fn begin(db: &AnyPool, id: &str) -> Result<bool> {
    let sql = "UPDATE project SET purge_begun_ms = COALESCE(purge_begun_ms, $1)
         WHERE id = $2 AND wish = 'deleted' AND deleted_until_ms <= $1";
    Ok(sqlx::query(sql).bind(clock::now_ms()).bind(id).execute(db).await?.rows_affected() > 0)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::testing::{run, with_projects};
    use crate::error::Error;

    /// A control database with a project that is deleted and due.
    async fn database() -> (Database, tempfile::TempDir) {
        let (database, dir) = with_projects(&[("orchard", "anns")]).await;
        run(&database, "UPDATE project SET wish = 'deleted', deleted_until_ms = 1").await;
        (database, dir)
    }

    async fn undelete(database: &Database) -> Result<bool> {
        let mut tx = database.begin().await?;
        let is_back = store::undelete(&mut tx, "orchard", "anns", 5).await?;
        tx.commit().await?;
        Ok(is_back)
    }

    #[tokio::test]
    async fn what_is_due_is_asked_for_whatever_became_of_the_job_before() {
        let (database, _dir) = database().await;
        for state in ["done", "failed"] {
            assert_eq!(ask_for_due(&database).await.expect("looks"), 1, "before one is {state}");
            assert_eq!(ask_for_due(&database).await.expect("looks"), 0, "one is queued");
            let end = sqlx::query("UPDATE job SET state = $1 WHERE state = 'queued'").bind(state);
            assert_eq!(end.execute(database.write()).await.expect("ends").rows_affected(), 1);
        }
        let mut tx = database.begin().await.expect("begins");
        let far = i64::MAX / 2;
        ask_for(&mut tx, "orchard", 7).await.expect("asks");
        ask_for(&mut tx, "orchard", far).await.expect("asks");
        let due: Vec<i64> = sqlx::query_scalar("SELECT due_ms FROM job WHERE state = 'queued'")
            .fetch_all(&mut *tx)
            .await
            .expect("asks");
        assert_eq!(due, [far], "a later deletion counts");
    }

    #[tokio::test]
    async fn nobody_brings_back_what_is_half_gone() {
        let (database, _dir) = database().await;
        assert!(undelete(&database).await.expect("is possible until it begins"));
        assert!(!begin(database.write(), "orchard").await.expect("asks"), "it is back");
        let mut tx = database.begin().await.expect("begins");
        store::delete(&mut tx, "orchard", i64::MAX).await.expect("is deleted");
        tx.commit().await.expect("commits");
        assert!(!begin(database.write(), "orchard").await.expect("asks"), "it is not due");
        sqlx::query("UPDATE project SET deleted_until_ms = 1").execute(database.write()).await.expect("is due");
        assert!(begin(database.write(), "orchard").await.expect("asks"));
        assert!(begin(database.write(), "orchard").await.expect("asks"), "it goes on after a crash");
        let refused = undelete(&database).await.expect_err("is too late");
        assert!(matches!(refused, Error::Refused { code: "too_late", .. }), "{refused:?}");
    }
}
