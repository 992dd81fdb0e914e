//! Jobs as they are asked for, listed and remembered.

use std::time::Duration;

use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{Any, AnyPool, AssertSqlSafe, Row as _, Transaction};
use utoipa::ToSchema;

use super::kinds::{Kind, Step};
use crate::clock;
use crate::database::is_unique_violation;
use crate::error::Result;
use crate::page;

/// A job as the console shows it. Its input may hold secrets and is not shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Stable.
    pub id: String,
    /// The project it is about.
    pub project_id: String,
    /// Such as `backup` or `restore`.
    pub kind: String,
    /// `queued`, `running`, `done`, `failed` or `cancelled`.
    pub state: String,
    /// The step it is at.
    pub step: String,
    /// All its steps in their order.
    pub steps: Vec<JobStep>,
    /// How much of it is done, of a hundred.
    pub progress: i64,
    /// Whether it may be cancelled now.
    pub can_cancel: bool,
    /// How often it was tried.
    pub attempt: i64,
    /// Why the last try failed.
    pub error: Option<String>,
    /// Milliseconds since the epoch, like the others.
    pub created_ms: i64,
    /// Of the last change.
    pub updated_ms: i64,
    /// When it is tried next, while it is queued.
    pub due_ms: i64,
    /// When it is given up.
    pub deadline_ms: i64,
}

/// A step of a job and what became of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobStep {
    /// A stable word.
    pub name: String,
    /// `waiting`, `running` or `done`.
    pub state: String,
}

/// A line of a job's log.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct JobLine {
    /// Milliseconds since the epoch.
    pub at_ms: i64,
    /// A sentence.
    pub text: String,
}

/// How many of a project's jobs are shown.
const LATEST: i64 = 20;
/// How long a job that is tried again may take, all its tries together.
const SECOND_CHANCE: Duration = clock::DAY;

/// Adds a job; its id. None if there is one under that key, be it one that ended, or an exclusive one of that project.
pub async fn enqueue(
    tx: &mut Transaction<'static, Any>,
    kind: Kind,
    project: &str,
    key: Option<&str>,
    input: &str,
    due_ms: i64,
    deadline: Duration,
) -> Result<Option<String>> {
    let id = tenant_runtime::random_id(15);
    let added = sqlx::query(
        "INSERT INTO job (id, tenant_id, kind, idem_key, input, state, step, exclusive, attempt, due_ms, deadline_ms,
           lease_epoch, lease_until_ms, created_ms, updated_ms)
         VALUES ($1, $2, $3, $4, $5, 'queued', $6, $7, 0, $8, $9, 0, 0, $10, $10) ON CONFLICT DO NOTHING",
    )
    .bind(&id)
    .bind(project)
    .bind(kind.name())
    .bind(key)
    .bind(input)
    .bind(kind.steps().first().map_or("", |step| step.name))
    .bind(i64::from(kind.is_exclusive()))
    .bind(due_ms)
    .bind(due_ms + clock::millis(deadline))
    .bind(clock::now_ms())
    .execute(&mut **tx)
    .await?;
    Ok((added.rows_affected() > 0).then_some(id))
}

/// Lets go of a key whose job has ended, so that there may be another under it.
pub async fn release_key(tx: &mut Transaction<'static, Any>, project: &str, key: &str) -> Result<()> {
    sqlx::query(
        "UPDATE job SET idem_key = NULL
         WHERE tenant_id = $1 AND idem_key = $2 AND state IN ('done', 'failed', 'cancelled')",
    )
    .bind(project)
    .bind(key)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Whether something is under way under a key.
pub async fn is_under_way(db: &AnyPool, project: &str, key: &str) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM job WHERE tenant_id = $1 AND idem_key = $2 AND state IN ('queued', 'running')";
    let count: i64 = sqlx::query_scalar(sql).bind(project).bind(key).fetch_one(db).await?;
    Ok(count > 0)
}

/// Removes what is queued under a key.
pub async fn cancel_queued(tx: &mut Transaction<'static, Any>, project: &str, key: &str) -> Result<()> {
    sqlx::query("DELETE FROM job WHERE tenant_id = $1 AND idem_key = $2 AND state = 'queued'")
        .bind(project)
        .bind(key)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

const SHOWN: &str = "j.id, j.tenant_id, j.kind, j.state, j.step, j.progress, j.stopping, j.attempt, j.error, \
     j.created_ms, j.updated_ms, j.due_ms, j.deadline_ms";

/// The id of the project a job is for.
pub async fn project_of(db: &AnyPool, id: &str) -> Result<Option<String>> {
    let sql = "SELECT tenant_id FROM job WHERE id = $1 AND tenant_id <> ''";
    Ok(sqlx::query_scalar(sql).bind(id).fetch_optional(db).await?)
}

/// A job's kind, and what it was given.
pub(super) async fn given(db: &AnyPool, id: &str) -> Result<Option<(Kind, String)>> {
    let row = sqlx::query("SELECT kind, input FROM job WHERE id = $1").bind(id).fetch_optional(db).await?;
    let given = row.map(|row| Ok::<_, sqlx::Error>((Kind::from_name(row.try_get(0)?), row.try_get(1)?)));
    Ok(given.transpose()?.and_then(|(kind, input)| Some((kind?, input))))
}

/// A project's latest jobs, newest first; mails are not among them.
pub async fn latest_of(db: &AnyPool, project: &str) -> Result<Vec<Job>> {
    let sql = format!("SELECT {SHOWN} FROM job j WHERE j.tenant_id = $1 ORDER BY j.created_ms DESC, j.id LIMIT $2");
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(project).bind(LATEST).fetch_all(db).await?;
    Ok(rows.iter().map(job_from_row).collect::<sqlx::Result<_>>()?)
}

/// Any job.
pub async fn by_id(db: &AnyPool, id: &str) -> Result<Option<Job>> {
    let sql = format!("SELECT {SHOWN} FROM job j WHERE j.id = $1");
    let row = sqlx::query(AssertSqlSafe(sql)).bind(id).fetch_optional(db).await?;
    Ok(row.map(|row| job_from_row(&row)).transpose()?)
}

/// A page of everybody's jobs in that state and of that kind, the latest change first, and where the next one begins.
///
/// # Errors
/// `invalid_page` for a `before` that was never such a place.
pub async fn list(db: &AnyPool, state: &str, kind: &str, before: &str) -> Result<(Vec<Job>, Option<String>)> {
    let (before_ms, before_id) = page::begin(before)?;
    let sql = format!(
        "SELECT {SHOWN} FROM job j WHERE ($1 = '' OR j.state = $1) AND ($2 = '' OR j.kind = $2)
           AND (j.updated_ms < $3 OR (j.updated_ms = $3 AND j.id < $4)) ORDER BY j.updated_ms DESC, j.id DESC LIMIT $5"
    );
    let rows = sqlx::query(AssertSqlSafe(sql))
        .bind(state)
        .bind(kind)
        .bind(before_ms)
        .bind(before_id)
        .bind(page::READ)
        .fetch_all(db)
        .await?;
    let mut jobs = rows.iter().map(job_from_row).collect::<sqlx::Result<Vec<Job>>>()?;
    let next = page::end(&mut jobs, |job| (job.updated_ms, job.id.as_str()));
    Ok((jobs, next))
}

/// Whether a job failed and can be tried again. What a mail said may have been a secret, and is gone.
pub fn can_retry(job: &Job) -> bool {
    job.state == "failed" && Kind::from_name(&job.kind).is_some_and(Kind::keeps_input)
}

/// Has a failed job tried again, from its first step unless there was only forward; whether it is.
pub async fn retry(db: &AnyPool, job: &Job) -> Result<bool> {
    let steps = Kind::from_name(&job.kind).map_or(&[] as &[Step], Kind::steps);
    let at = steps.iter().find(|step| step.name == job.step);
    let from = if at.is_some_and(|step| !step.can_cancel) { at } else { steps.first() };
    let now = clock::now_ms();
    let begun = sqlx::query(
        "UPDATE job SET state = 'queued', step = $1, progress = $2, attempt = 0, stopping = 0, due_ms = $3,
           deadline_ms = $4, updated_ms = $3
         WHERE id = $5 AND state = 'failed'",
    )
    .bind(from.map_or("", |step| step.name))
    .bind(from.map_or(0, |step| i64::from(step.begins_at)))
    .bind(now)
    .bind(now + clock::millis(SECOND_CHANCE))
    .bind(&job.id)
    .execute(db)
    .await;
    match begun {
        Ok(begun) => Ok(begun.rows_affected() > 0),
        // Another one of its project is under way that must be alone.
        Err(error) if is_unique_violation(&error) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Has what is kept under a key done now, if it waits or failed.
pub async fn begin_again(tx: &mut Transaction<'static, Any>, project: &str, key: &str) -> Result<()> {
    let now = clock::now_ms();
    sqlx::query(
        "UPDATE job SET state = 'queued', attempt = 0, due_ms = $1, deadline_ms = $2, updated_ms = $1
         WHERE tenant_id = $3 AND idem_key = $4 AND state IN ('queued', 'failed')",
    )
    .bind(now)
    .bind(now + clock::millis(SECOND_CHANCE))
    .bind(project)
    .bind(key)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// The jobs of a project that are under way and take long.
pub async fn active_of(db: &AnyPool, project: &str) -> Result<Vec<Job>> {
    let sql = format!(
        "SELECT {SHOWN} FROM job j WHERE j.tenant_id = $1 AND j.state IN ('queued', 'running') AND j.kind IN ({})
         ORDER BY j.created_ms, j.id",
        Kind::names(true)
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(project).fetch_all(db).await?;
    Ok(rows.iter().map(job_from_row).collect::<sqlx::Result<_>>()?)
}

/// A job's log.
pub async fn lines(db: &AnyPool, job: &str) -> Result<Vec<JobLine>> {
    let rows = sqlx::query("SELECT at_ms, text FROM job_line WHERE job_id = $1 ORDER BY at_ms, id")
        .bind(job)
        .fetch_all(db)
        .await?;
    let lines = rows.iter().map(|row| Ok(JobLine { at_ms: row.try_get(0)?, text: row.try_get(1)? }));
    Ok(lines.collect::<sqlx::Result<_>>()?)
}

/// Asks a job to end, if it is still at that step. A queued one is due at once, to be cleaned up after.
pub(super) async fn ask_to_stop(tx: &mut Transaction<'static, Any>, id: &str, step: &str) -> Result<bool> {
    let asked = sqlx::query(
        "UPDATE job SET stopping = 1, due_ms = CASE WHEN state = 'queued' THEN 0 ELSE due_ms END
         WHERE id = $1 AND step = $2 AND state IN ('queued', 'running')",
    )
    .bind(id)
    .bind(step)
    .execute(&mut **tx)
    .await?;
    Ok(asked.rows_affected() > 0)
}

fn job_from_row(row: &AnyRow) -> sqlx::Result<Job> {
    let (kind, state, step): (String, String, String) = (row.try_get(2)?, row.try_get(3)?, row.try_get(4)?);
    let steps = Kind::from_name(&kind).map_or(&[] as &[Step], Kind::steps);
    let at = steps.iter().position(|known| known.name == step).unwrap_or(0);
    let step_state = |n: usize| match () {
        () if state == "done" || n < at => "done",
        () if n == at && state == "running" => "running",
        () => "waiting",
    };
    let active = state == "queued" || state == "running";
    let stopping: i64 = row.try_get(6)?;
    Ok(Job {
        id: row.try_get(0)?,
        project_id: row.try_get(1)?,
        steps: (0..)
            .zip(steps)
            .map(|(n, step)| JobStep { name: step.name.into(), state: step_state(n).into() })
            .collect(),
        can_cancel: active && stopping == 0 && steps.get(at).is_some_and(|step| step.can_cancel),
        kind,
        state,
        step,
        progress: row.try_get(5)?,
        attempt: row.try_get(7)?,
        error: row.try_get(8)?,
        created_ms: row.try_get(9)?,
        updated_ms: row.try_get(10)?,
        due_ms: row.try_get(11)?,
        deadline_ms: row.try_get(12)?,
    })
}

/// Removes jobs that ended before that moment, and their logs.
pub(super) async fn forget(db: &AnyPool, before_ms: i64) -> sqlx::Result<()> {
    sqlx::query("DELETE FROM job WHERE state IN ('done', 'failed', 'cancelled') AND updated_ms < $1")
        .bind(before_ms)
        .execute(db)
        .await?;
    Ok(())
}

pub(super) async fn say(db: &AnyPool, job: &str, text: &str) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO job_line (id, job_id, at_ms, text) VALUES ($1, $2, $3, $4)")
        .bind(tenant_runtime::random_id(15))
        .bind(job)
        .bind(clock::now_ms())
        .bind(text)
        .execute(db)
        .await?;
    Ok(())
}
