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

/// Takes the job that has been due longest among some kinds, or one whose worker is gone.
pub(super) async fn claim(db: &AnyPool, kinds: &str, owner: &str) -> sqlx::Result<Option<Claim>> {
    let now = clock::now_ms();
    let sql = format!(
        "UPDATE job SET state = 'running', attempt = attempt + 1, lease_epoch = lease_epoch + 1, lease_owner = $3,
           lease_until_ms = $1, updated_ms = $2
         WHERE id = (SELECT id FROM job WHERE kind IN ({kinds}) AND ((state = 'queued' AND due_ms <= $2)
             OR (state = 'running' AND lease_until_ms <= $2)) ORDER BY due_ms, id LIMIT 1)
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
