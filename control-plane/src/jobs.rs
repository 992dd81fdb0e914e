//! Durable work: written in the transaction of the change it belongs to, claimed by one worker, tried again until its
//! deadline, visible all the time. Every step may run twice.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{Any, AnyPool, Row as _, Transaction};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use crate::clock;
use crate::error::Result;
use crate::mail::Mail;
use crate::projects;
use crate::state::Platform;

/// How long a claim holds before another worker may take over.
const LEASE: Duration = Duration::from_secs(120);
/// How often due work is looked for when nobody says there is some.
const POLL: Duration = Duration::from_secs(5);
const FIRST_RETRY: Duration = Duration::from_secs(2);
const LONGEST_RETRY: Duration = Duration::from_secs(600);

/// What a job does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Hands a mail to the mail server.
    SendMail,
    /// Removes a deleted project for good.
    PurgeProject,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Kind::SendMail => "send_mail",
            Kind::PurgeProject => "purge_project",
        }
    }

    fn from_name(name: &str) -> Option<Kind> {
        [Kind::SendMail, Kind::PurgeProject].into_iter().find(|kind| kind.name() == name)
    }
}

/// A job as the console shows it. Its input may hold secrets and is not shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Stable.
    pub id: String,
    /// Such as `purge_project`.
    pub kind: String,
    /// `queued`, `running`, `done`, `failed` or `cancelled`.
    pub state: String,
    /// The step it is at.
    pub step: String,
    /// Why the last try failed.
    pub error: Option<String>,
    /// Milliseconds since the epoch, like the others.
    pub created_ms: i64,
    /// Of the last change.
    pub updated_ms: i64,
    /// When it is given up.
    pub deadline_ms: i64,
}

/// The worker's bell.
#[derive(Clone, Default)]
pub struct Jobs(Arc<Notify>);

impl Jobs {
    /// Says that there is something to do.
    pub fn poke(&self) {
        self.0.notify_one();
    }

    /// Works until cancelled; the job at hand is finished first.
    pub async fn run(self, platform: Platform, stop: CancellationToken) {
        loop {
            match claim(platform.database.write()).await {
                Ok(Some(claim)) => claim.perform(&platform).await,
                Ok(None) => {
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = self.0.notified() => {}
                        () = tokio::time::sleep(POLL) => {}
                    }
                }
                Err(error) => {
                    tracing::error!("failed to claim a job: {error}");
                    tokio::select! {
                        () = stop.cancelled() => return,
                        () = tokio::time::sleep(POLL) => {}
                    }
                }
            }
            if stop.is_cancelled() {
                return;
            }
        }
    }
}

/// Adds a job. With a key, adding it again does nothing.
pub async fn enqueue(
    tx: &mut Transaction<'static, Any>,
    kind: Kind,
    tenant: &str,
    key: Option<&str>,
    input: &str,
    due_ms: i64,
    deadline: Duration,
) -> Result<()> {
    let now = clock::now_ms();
    sqlx::query(
        "INSERT INTO job (id, tenant_id, kind, idem_key, input, state, step, exclusive, attempt, due_ms, deadline_ms,
           lease_epoch, lease_until_ms, created_ms, updated_ms)
         VALUES ($1, $2, $3, $4, $5, 'queued', 'start', 0, 0, $6, $7, 0, 0, $8, $8) ON CONFLICT DO NOTHING",
    )
    .bind(tenant_runtime::random_id(15))
    .bind(tenant)
    .bind(kind.name())
    .bind(key)
    .bind(input)
    .bind(due_ms)
    .bind(due_ms + clock::millis(deadline))
    .bind(now)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Cancels what is queued under a key.
pub async fn cancel(tx: &mut Transaction<'static, Any>, tenant: &str, key: &str) -> Result<()> {
    sqlx::query("DELETE FROM job WHERE tenant_id = $1 AND idem_key = $2 AND state = 'queued'")
        .bind(tenant)
        .bind(key)
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// A job of one of an account's projects.
pub async fn find(db: &AnyPool, id: &str, account: &str) -> Result<Option<Job>> {
    let sql = "SELECT j.id, j.kind, j.state, j.step, j.error, j.created_ms, j.updated_ms, j.deadline_ms FROM job j
         JOIN project p ON p.id = j.tenant_id JOIN member m ON m.team_id = p.team_id
         WHERE j.id = $1 AND m.account_id = $2";
    let row = sqlx::query(sql).bind(id).bind(account).fetch_optional(db).await?;
    Ok(row.map(|row| job_from_row(&row)).transpose()?)
}

/// The id of the project a job is for.
pub async fn project_of(db: &AnyPool, id: &str) -> Result<Option<String>> {
    let sql = "SELECT tenant_id FROM job WHERE id = $1 AND tenant_id <> ''";
    Ok(sqlx::query_scalar(sql).bind(id).fetch_optional(db).await?)
}

fn job_from_row(row: &AnyRow) -> sqlx::Result<Job> {
    Ok(Job {
        id: row.try_get(0)?,
        kind: row.try_get(1)?,
        state: row.try_get(2)?,
        step: row.try_get(3)?,
        error: row.try_get(4)?,
        created_ms: row.try_get(5)?,
        updated_ms: row.try_get(6)?,
        deadline_ms: row.try_get(7)?,
    })
}

/// One job, ours until its lease ends.
struct Claim {
    id: String,
    tenant: String,
    kind: String,
    input: String,
    attempt: i64,
    deadline_ms: i64,
    epoch: i64,
}

/// Takes the job that has been due longest, or one whose worker is gone.
async fn claim(db: &AnyPool) -> sqlx::Result<Option<Claim>> {
    let now = clock::now_ms();
    let row = sqlx::query(
        "UPDATE job SET state = 'running', attempt = attempt + 1, lease_epoch = lease_epoch + 1, lease_until_ms = $1,
           updated_ms = $2
         WHERE id = (SELECT id FROM job WHERE (state = 'queued' AND due_ms <= $2)
             OR (state = 'running' AND lease_until_ms <= $2) ORDER BY due_ms, id LIMIT 1)
           AND (state = 'queued' OR lease_until_ms <= $2)
         RETURNING id, tenant_id, kind, input, attempt, deadline_ms, lease_epoch",
    )
    .bind(now + clock::millis(LEASE))
    .bind(now)
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        Ok(Claim {
            id: row.try_get(0)?,
            tenant: row.try_get(1)?,
            kind: row.try_get(2)?,
            input: row.try_get(3)?,
            attempt: row.try_get(4)?,
            deadline_ms: row.try_get(5)?,
            epoch: row.try_get(6)?,
        })
    })
    .transpose()
}

/// Gives back what a process that ended left running. To be called when nobody else works: on a single machine, once the
/// process before has ended.
pub async fn release_all(db: &AnyPool) -> sqlx::Result<()> {
    sqlx::query("UPDATE job SET state = 'queued' WHERE state = 'running'").execute(db).await?;
    Ok(())
}

impl Claim {
    async fn perform(&self, platform: &Platform) {
        let outcome = match tokio::time::timeout(LEASE, self.work(platform)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(anyhow::anyhow!("it took longer than {LEASE:?}")),
        };
        let now = clock::now_ms();
        let (state, due_ms, error) = match outcome {
            Ok(()) => ("done", now, None),
            Err(error) => {
                let retry = now + clock::millis(self.delay());
                let state = if retry > self.deadline_ms { "failed" } else { "queued" };
                tracing::warn!("job {} ({}) failed, now {state}: {error:#}", self.id, self.kind);
                (state, retry, Some(format!("{error:#}")))
            }
        };
        // A finished job's input goes: it may hold a secret.
        let written = sqlx::query(
            "UPDATE job SET state = $1, due_ms = $2, error = $3, updated_ms = $4,
               input = CASE WHEN $1 IN ('done', 'failed') THEN '' ELSE input END
             WHERE id = $5 AND lease_epoch = $6",
        )
        .bind(state)
        .bind(due_ms)
        .bind(error)
        .bind(now)
        .bind(&self.id)
        .bind(self.epoch)
        .execute(platform.database.write())
        .await;
        if let Err(error) = written {
            tracing::error!("failed to note the end of job {}: {error}", self.id);
        }
    }

    async fn work(&self, platform: &Platform) -> anyhow::Result<()> {
        match Kind::from_name(&self.kind) {
            Some(Kind::SendMail) => {
                serde_json::from_str::<Mail>(&self.input)?.deliver(&platform.config, &platform.database).await
            }
            Some(Kind::PurgeProject) => projects::purge::purge(platform, &self.tenant).await,
            None => anyhow::bail!("no such kind of job"),
        }
    }

    /// Doubles with every try.
    fn delay(&self) -> Duration {
        let doublings = u32::try_from(self.attempt - 1).unwrap_or(0).min(16);
        (FIRST_RETRY * 2_u32.pow(doublings)).min(LONGEST_RETRY)
    }
}
