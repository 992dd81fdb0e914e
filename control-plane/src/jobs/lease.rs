//! What workers write about jobs. Every statement names the lease it is made under; no row means that somebody else took
//! over.

use std::time::Duration;

use sqlx::{AnyPool, AssertSqlSafe, Row as _};

use super::kinds::{Kind, Step};
use crate::clock;

/// How long a claim holds unless it is renewed.
const LEASE: Duration = Duration::from_secs(15);

/// One job, somebody's until the lease ends.
#[derive(Clone)]
pub(super) struct Claim {
    pub(super) id: String,
    pub(super) project: String,
    pub(super) kind: String,
    pub(super) input: String,
    pub(super) step: String,
    pub(super) progress: i64,
    pub(super) attempt: i64,
    pub(super) deadline_ms: i64,
    pub(super) epoch: i64,
}

/// What came of an attempt to write under a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hold {
    Held,
    /// Somebody wants the job to end.
    Stopping,
    /// Somebody else works on it now.
    Lost,
}

/// Takes the job that has been due longest among some kinds, or one whose worker is gone. A project has one of them at a
/// time, and whoever's team has none at work goes first: nobody keeps all workers to themselves while others wait.
pub(super) async fn claim(db: &AnyPool, kinds: &str, owner: &str) -> sqlx::Result<Option<Claim>> {
    let now = clock::now_ms();
    let sql = format!(
        "UPDATE job SET state = 'running', attempt = attempt + 1, lease_epoch = lease_epoch + 1, lease_owner = $3,
           lease_until_ms = $1, updated_ms = $2
         WHERE id = (
             WITH busy AS (SELECT p.id, p.team_id FROM job j JOIN project p ON p.id = j.tenant_id
               WHERE j.kind IN ({kinds}) AND j.state = 'running' AND j.lease_until_ms > $2)
             SELECT j.id FROM job j LEFT JOIN project p ON p.id = j.tenant_id
             WHERE j.kind IN ({kinds}) AND ((j.state = 'queued' AND j.due_ms <= $2)
                 OR (j.state = 'running' AND j.lease_until_ms <= $2))
               AND NOT EXISTS (SELECT 1 FROM busy b WHERE b.id = j.tenant_id)
             ORDER BY (SELECT COUNT(*) FROM busy b WHERE b.team_id = p.team_id), j.due_ms, j.id LIMIT 1)
           AND (state = 'queued' OR lease_until_ms <= $2)
         RETURNING id, tenant_id, kind, input, step, progress, attempt, deadline_ms, lease_epoch"
    );
    let row = sqlx::query(AssertSqlSafe(sql))
        .bind(now + clock::millis(LEASE))
        .bind(now)
        .bind(owner)
        .fetch_optional(db)
        .await?;
    row.map(|row| {
        Ok(Claim {
            id: row.try_get(0)?,
            project: row.try_get(1)?,
            kind: row.try_get(2)?,
            input: row.try_get(3)?,
            step: row.try_get(4)?,
            progress: row.try_get(5)?,
            attempt: row.try_get(6)?,
            deadline_ms: row.try_get(7)?,
            epoch: row.try_get(8)?,
        })
    })
    .transpose()
}

/// Gives back what a worker that ends in good order leaves undone.
pub(super) async fn release(db: &AnyPool, owner: &str) -> sqlx::Result<()> {
    sqlx::query("UPDATE job SET state = 'queued', lease_until_ms = 0 WHERE state = 'running' AND lease_owner = $1")
        .bind(owner)
        .execute(db)
        .await?;
    Ok(())
}

/// Notes that a step begins, unless the job is to end.
pub(super) async fn begin_step(db: &AnyPool, claim: &Claim, step: Step) -> sqlx::Result<Hold> {
    let begun = sqlx::query(
        "UPDATE job SET step = $1, progress = $2, updated_ms = $3 WHERE id = $4 AND lease_epoch = $5 AND stopping = 0",
    )
    .bind(step.name)
    .bind(i64::from(step.begins_at))
    .bind(clock::now_ms())
    .bind(&claim.id)
    .bind(claim.epoch)
    .execute(db)
    .await?;
    if begun.rows_affected() > 0 { Ok(Hold::Held) } else { renew(db, claim, 0).await }
}

/// Renews the lease and notes the progress.
pub(super) async fn renew(db: &AnyPool, claim: &Claim, progress: i64) -> sqlx::Result<Hold> {
    let now = clock::now_ms();
    let stopping: Option<i64> = sqlx::query_scalar(
        "UPDATE job SET lease_until_ms = $1, progress = CASE WHEN progress > $2 THEN progress ELSE $2 END, updated_ms = $3
         WHERE id = $4 AND lease_epoch = $5 AND state = 'running' RETURNING stopping",
    )
    .bind(now + clock::millis(LEASE))
    .bind(progress)
    .bind(now)
    .bind(&claim.id)
    .bind(claim.epoch)
    .fetch_optional(db)
    .await?;
    Ok(match stopping {
        None => Hold::Lost,
        Some(0) => Hold::Held,
        Some(_) => Hold::Stopping,
    })
}

/// How a job leaves its worker.
pub(super) struct Outcome<'a> {
    pub(super) state: &'static str,
    pub(super) step: &'a str,
    pub(super) due_ms: i64,
    pub(super) error: Option<String>,
}

/// Lets go of a job. A finished one's input goes: it may hold a secret. That of a failed one is kept if it holds none, so
/// that it can be tried again.
pub(super) async fn finish(db: &AnyPool, claim: &Claim, outcome: Outcome<'_>) -> sqlx::Result<()> {
    let is_harmless = Kind::from_name(&claim.kind).is_some_and(Kind::keeps_input);
    let keeps_input = outcome.state == "queued" || (outcome.state == "failed" && is_harmless);
    sqlx::query(
        "UPDATE job SET state = $1, step = $2, due_ms = $3, error = $4, updated_ms = $5, lease_until_ms = 0,
           input = CASE WHEN $8 = 1 THEN input ELSE '' END,
           progress = CASE WHEN $1 = 'done' THEN 100 ELSE progress END
         WHERE id = $6 AND lease_epoch = $7",
    )
    .bind(outcome.state)
    .bind(outcome.step)
    .bind(outcome.due_ms)
    .bind(outcome.error)
    .bind(clock::now_ms())
    .bind(&claim.id)
    .bind(claim.epoch)
    .bind(i64::from(keeps_input))
    .execute(db)
    .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Database;
    use crate::database::testing::with_projects;

    const LONG: &str = "'check_backup', 'backup'";

    /// A control database with Ann's orchard and meadow, and Bob's burrow.
    async fn database() -> (Database, tempfile::TempDir) {
        with_projects(&[("orchard", "anns"), ("meadow", "anns"), ("burrow", "bobs")]).await
    }

    /// Jobs, named and due in that order.
    async fn queue(database: &Database, jobs: &[(&str, &str)]) {
        for (n, (kind, project)) in (1_i64..).zip(jobs) {
            let sql =
                "INSERT INTO job (id, tenant_id, kind, input, state, step, exclusive, attempt, due_ms, deadline_ms,
                   lease_epoch, lease_until_ms, created_ms, updated_ms)
                 VALUES ($1, $2, $3, '', 'queued', '', 0, 0, $4, 0, 0, 0, 0, 0)";
            let query = sqlx::query(sql).bind(format!("{n} {project}")).bind(*project).bind(*kind).bind(n);
            query.execute(database.write()).await.expect("is queued");
        }
    }

    async fn next(database: &Database, kinds: &str) -> Option<Claim> {
        claim(database.write(), kinds, "a worker").await.expect("asks")
    }

    async fn next_id(database: &Database, kinds: &str) -> Option<String> {
        next(database, kinds).await.map(|claim| claim.id)
    }

    #[tokio::test]
    async fn a_project_keeps_one_worker_however_much_it_asks_for() {
        let (database, _dir) = database().await;
        queue(&database, &[("check_backup", "orchard"), ("check_backup", "orchard"), ("backup", "burrow")]).await;
        let first = next(&database, LONG).await.expect("a job");
        assert_eq!(first.id, "1 orchard");
        assert_eq!(next_id(&database, LONG).await.as_deref(), Some("3 burrow"));
        assert_eq!(next_id(&database, LONG).await, None, "the orchard has a worker");
        let done = Outcome { state: "done", step: "", due_ms: 0, error: None };
        finish(database.write(), &first, done).await.expect("notes");
        assert_eq!(next_id(&database, LONG).await.as_deref(), Some("2 orchard"));
    }

    #[tokio::test]
    async fn whoever_waits_goes_before_a_team_that_has_a_worker() {
        let (database, _dir) = database().await;
        queue(&database, &[("backup", "orchard"), ("backup", "meadow"), ("backup", "burrow")]).await;
        let mut taken = Vec::new();
        while let Some(id) = next_id(&database, LONG).await {
            taken.push(id);
        }
        assert_eq!(taken, ["1 orchard", "3 burrow", "2 meadow"]);
    }

    #[tokio::test]
    async fn what_belongs_to_no_project_does_not_wait_for_its_like() {
        let (database, _dir) = database().await;
        queue(&database, &[("send_mail", ""), ("send_mail", "")]).await;
        assert!(next(&database, "'send_mail'").await.is_some() && next(&database, "'send_mail'").await.is_some());
    }

    #[tokio::test]
    async fn a_worker_that_is_gone_stands_in_nobodys_way() {
        let (database, _dir) = database().await;
        queue(&database, &[("check_backup", "orchard"), ("check_backup", "orchard")]).await;
        let first = next(&database, LONG).await.expect("a job");
        sqlx::query("UPDATE job SET lease_until_ms = 1").execute(database.write()).await.expect("is over");
        let again = next(&database, LONG).await.expect("the same one");
        assert_eq!((again.id, again.epoch), (first.id, first.epoch + 1));
    }
}
