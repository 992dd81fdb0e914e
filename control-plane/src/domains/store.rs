//! Domains in the control database, each with what the edge knows of its certificate.

use sqlx::any::AnyRow;
use sqlx::{Any, AnyExecutor, AnyPool, Row as _, Transaction};

use super::{CertificateFacts, Check, DomainName, DomainState, MOST, checks, progress};
use crate::clock;
use crate::database::is_unique_violation;
use crate::error::{Error, Result};

const COLUMNS: &str = "d.id, d.project_id, d.name, d.state, d.reason, d.message, d.checks, d.txt_token, d.live, \
     d.state_since_ms, d.deadline_ms, d.looked_ms, d.turn, d.created_ms, c.issuer, c.expires_ms, c.renew_ms, t.error";
/// The certificate and its failures belong to whoever has the name.
const TABLES: &str = "domain d LEFT JOIN certificate c ON c.name = d.name AND d.live = 1 \
     LEFT JOIN acme_tries t ON t.name = d.name AND d.live = 1";

/// Domains looked at in one round; the rest are due in the next, a moment later.
const A_ROUND: i64 = 100;

/// A domain as it is stored.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the migration explains the columns")]
pub struct Row {
    pub id: String,
    pub project_id: String,
    pub name: DomainName,
    pub state: DomainState,
    pub reason: Option<String>,
    pub message: Option<String>,
    pub checks: Vec<Check>,
    pub txt_token: String,
    pub live: bool,
    pub since_ms: i64,
    pub deadline_ms: i64,
    pub looked_ms: Option<i64>,
    pub turn: i64,
    pub created_ms: i64,
    pub certificate: Option<CertificateFacts>,
    /// What went wrong with the last order for its certificate.
    pub order_error: Option<String>,
}

/// Why a name needs a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rival {
    /// Another project has it, or asked for it before.
    Taken,
    /// It was another project's until a short while ago.
    Quarantined,
}

/// What a look at a domain came to.
#[derive(Debug)]
#[expect(missing_docs, reason = "as in the row")]
pub struct Outcome {
    pub state: DomainState,
    pub reason: Option<String>,
    pub message: Option<String>,
    pub checks: Vec<Check>,
    pub live: bool,
    pub since_ms: i64,
    pub deadline_ms: i64,
    pub looked_ms: Option<i64>,
    pub next_ms: i64,
}

/// Adds a domain to a project.
///
/// # Errors
/// `domain_taken_here`, `domain_limit`.
pub async fn add(tx: &mut Transaction<'static, Any>, project: &str, name: &DomainName, dns_wait_ms: i64) -> Result<()> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM domain WHERE project_id = $1")
        .bind(project)
        .fetch_one(&mut **tx)
        .await?;
    if count >= MOST {
        let message = format!("A project has at most {MOST} domains. Remove one to make room.");
        return Err(Error::field("name", "domain_limit", message));
    }
    let token = tenant_runtime::random_id(32);
    let rival = rival(&mut **tx, project, name, i64::MAX).await?;
    let (reason, message) = progress::rivalry(rival);
    let now = clock::now_ms();
    let inserted = sqlx::query(
        "INSERT INTO domain (id, project_id, name, state, reason, message, checks, txt_token, live, state_since_ms,
           deadline_ms, next_ms, turn, created_ms)
         VALUES ($1, $2, $3, 'dns_wait', $4, $5, $6, $7, 0, $8, $9, $8, 0, $8)",
    )
    .bind(tenant_runtime::random_id(15))
    .bind(project)
    .bind(name.as_str())
    .bind(reason)
    .bind(message)
    .bind(to_json(&checks::not_looked_yet(rival.is_some().then_some(&token)))?)
    .bind(&token)
    .bind(now)
    .bind(now + dns_wait_ms)
    .execute(&mut **tx)
    .await;
    match inserted {
        Ok(_) => Ok(()),
        Err(error) if is_unique_violation(&error) => {
            Err(Error::field("name", "domain_taken_here", "This project has this domain already."))
        }
        Err(error) => Err(error.into()),
    }
}

/// A project's domains, oldest first.
pub async fn of_project(db: &AnyPool, project: &str) -> Result<Vec<Row>> {
    let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE d.project_id = $1 ORDER BY d.created_ms, d.name");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(project).fetch_all(db).await?;
    rows.iter().map(from_row).collect()
}

/// One domain of a project.
pub async fn find(db: &AnyPool, project: &str, name: &DomainName) -> Result<Option<Row>> {
    let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE d.project_id = $1 AND d.name = $2");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(project).bind(name.as_str()).fetch_optional(db).await?;
    row.as_ref().map(from_row).transpose()
}

/// The names that are served, each with its project.
pub async fn live(db: &AnyPool) -> Result<Vec<(String, String)>> {
    let rows = sqlx::query("SELECT name, project_id FROM domain WHERE live = 1").fetch_all(db).await?;
    Ok(rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<sqlx::Result<_>>()?)
}

/// Whether a name needs a proof to become this project's: another has it or asked before, or it was another's of late.
/// Whose it was of late needs none to take it back from somebody who has only asked.
pub async fn rival<'e>(
    db: impl AnyExecutor<'e>,
    project: &str,
    name: &DomainName,
    created_ms: i64,
) -> Result<Option<Rival>> {
    let weight: Option<i64> = sqlx::query_scalar(
        "SELECT MAX(weight) FROM (
           SELECT 3 AS weight FROM domain WHERE name = $1 AND project_id <> $2 AND live = 1
           UNION ALL SELECT 2 AS weight FROM domain WHERE name = $1 AND project_id <> $2 AND live = 0
             AND state <> 'failed' AND created_ms < $3 AND NOT EXISTS (
               SELECT 1 FROM domain_tombstone WHERE name = $1 AND project_id = $2 AND until_ms > $4)
           UNION ALL SELECT 1 AS weight FROM domain_tombstone WHERE name = $1 AND project_id <> $2 AND until_ms > $4
         ) AS rivals",
    )
    .bind(name.as_str())
    .bind(project)
    .bind(created_ms)
    .bind(clock::now_ms())
    .fetch_one(db)
    .await?;
    Ok(weight.map(|weight| if weight == 1 { Rival::Quarantined } else { Rival::Taken }))
}

/// The domains, not of deleted projects, whose time has come or whose certificate's fate changed since the last look.
pub async fn due(db: &AnyPool, now: i64, certified: bool) -> Result<Vec<Row>> {
    let changed = if certified {
        "OR (d.state = 'issuing' AND (c.expires_ms > $1 OR COALESCE(t.error, '') <> COALESCE(d.message, '')))
         OR (d.state = 'live' AND (c.name IS NULL OR c.expires_ms <= $1 OR c.expires_ms <> d.deadline_ms
              OR COALESCE(t.error, '') <> COALESCE(d.message, '')))"
    } else {
        ""
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM {TABLES} JOIN project p ON p.id = d.project_id
         WHERE p.wish <> 'deleted' AND (d.next_ms <= $1 {changed}) ORDER BY d.next_ms LIMIT $2"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(now).bind(A_ROUND).fetch_all(db).await?;
    rows.iter().map(from_row).collect()
}

/// Takes the next turn at a domain, unless another process did: nobody else looks until then.
pub async fn take_turn(db: &AnyPool, row: &Row, until_ms: i64) -> Result<Option<Row>> {
    let taken = sqlx::query("UPDATE domain SET turn = turn + 1, next_ms = $1 WHERE id = $2 AND turn = $3")
        .bind(until_ms)
        .bind(&row.id)
        .bind(row.turn)
        .execute(db)
        .await?;
    Ok((taken.rows_affected() == 1).then(|| Row { turn: row.turn + 1, ..row.clone() }))
}

/// Writes what a turn came to, unless a later turn has begun or the domain is gone.
pub async fn finish(tx: &mut Transaction<'static, Any>, row: &Row, outcome: &Outcome) -> Result<bool> {
    let written = sqlx::query(
        "UPDATE domain SET state = $1, reason = $2, message = $3, checks = $4, live = $5, state_since_ms = $6,
           deadline_ms = $7, looked_ms = $8, next_ms = $9 WHERE id = $10 AND turn = $11",
    )
    .bind(outcome.state.name())
    .bind(&outcome.reason)
    .bind(&outcome.message)
    .bind(to_json(&outcome.checks)?)
    .bind(i64::from(outcome.live))
    .bind(outcome.since_ms)
    .bind(outcome.deadline_ms)
    .bind(outcome.looked_ms)
    .bind(outcome.next_ms)
    .bind(&row.id)
    .bind(row.turn)
    .execute(&mut **tx)
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Keeps what was found about the domain that is served under a name. Answers whose it is.
pub async fn note_checks(db: &AnyPool, name: &str, checks: &[Check]) -> Result<Option<String>> {
    let sql = "UPDATE domain SET checks = $1, looked_ms = $2 WHERE name = $3 AND live = 1 RETURNING project_id";
    let project = sqlx::query_scalar(sql).bind(to_json(checks)?).bind(clock::now_ms()).bind(name);
    Ok(project.fetch_optional(db).await?)
}

/// Ends the claim another project has on a name. Answers whose it was.
pub async fn dethrone(
    tx: &mut Transaction<'static, Any>,
    row: &Row,
    message: &str,
    deadline_ms: i64,
) -> Result<Option<String>> {
    let project = sqlx::query_scalar(
        "UPDATE domain SET live = 0, state = 'failed', reason = 'transferred', message = $1, state_since_ms = $2,
           deadline_ms = $3, next_ms = $3, turn = turn + 1
         WHERE name = $4 AND live = 1 AND id <> $5 RETURNING project_id",
    )
    .bind(message)
    .bind(clock::now_ms())
    .bind(deadline_ms)
    .bind(row.name.as_str())
    .bind(&row.id)
    .fetch_optional(&mut **tx)
    .await?;
    sqlx::query("DELETE FROM domain_tombstone WHERE name = $1").bind(row.name.as_str()).execute(&mut **tx).await?;
    Ok(project)
}

/// Removes a domain. A name that was served leaves a tombstone.
pub async fn remove(tx: &mut Transaction<'static, Any>, row: &Row, quarantine_ms: i64) -> Result<()> {
    bury(tx, row, quarantine_ms).await?;
    sqlx::query("DELETE FROM domain WHERE id = $1").bind(&row.id).execute(&mut **tx).await?;
    Ok(())
}

/// Leaves a tombstone for every served name of a project that is about to go.
pub async fn bury_all(tx: &mut Transaction<'static, Any>, project: &str, quarantine_ms: i64) -> Result<()> {
    bury_where(tx, "project_id", project, quarantine_ms).await
}

/// Leaves a tombstone for a domain if it is served.
pub async fn bury(tx: &mut Transaction<'static, Any>, row: &Row, quarantine_ms: i64) -> Result<()> {
    bury_where(tx, "id", &row.id, quarantine_ms).await
}

async fn bury_where(
    tx: &mut Transaction<'static, Any>,
    column: &'static str,
    value: &str,
    quarantine_ms: i64,
) -> Result<()> {
    let sql = format!(
        "INSERT INTO domain_tombstone (name, project_id, until_ms)
         SELECT name, project_id, $1 FROM domain WHERE {column} = $2 AND live = 1
         ON CONFLICT (name) DO UPDATE SET project_id = excluded.project_id, until_ms = excluded.until_ms"
    );
    sqlx::query(sqlx::AssertSqlSafe(sql)).bind(clock::now_ms() + quarantine_ms).bind(value).execute(&mut **tx).await?;
    Ok(())
}

/// Removes tombstones that have had their time, and failed domains nobody took up again.
pub async fn sweep(db: &AnyPool, now: i64) -> Result<()> {
    sqlx::query("DELETE FROM domain_tombstone WHERE until_ms <= $1").bind(now).execute(db).await?;
    sqlx::query("DELETE FROM domain WHERE state = 'failed' AND deadline_ms <= $1").bind(now).execute(db).await?;
    Ok(())
}

fn to_json(checks: &[Check]) -> Result<String> {
    Ok(serde_json::to_string(checks).map_err(anyhow::Error::new)?)
}

fn from_row(row: &AnyRow) -> Result<Row> {
    let checks: String = row.try_get("checks")?;
    let name: String = row.try_get("name")?;
    let issuer: Option<String> = row.try_get("issuer")?;
    let certificate = match issuer {
        None => None,
        Some(issuer) => Some(CertificateFacts {
            issuer,
            expires_ms: row.try_get("expires_ms")?,
            renew_ms: row.try_get("renew_ms")?,
        }),
    };
    Ok(Row {
        id: row.try_get("id")?,
        project_id: row.try_get("project_id")?,
        name: name.parse().map_err(anyhow::Error::new)?,
        state: DomainState::from_name(row.try_get("state")?),
        reason: row.try_get("reason")?,
        message: row.try_get("message")?,
        checks: serde_json::from_str(&checks).map_err(anyhow::Error::new)?,
        txt_token: row.try_get("txt_token")?,
        live: row.try_get::<i64, _>("live")? == 1,
        since_ms: row.try_get("state_since_ms")?,
        deadline_ms: row.try_get("deadline_ms")?,
        looked_ms: row.try_get("looked_ms")?,
        turn: row.try_get("turn")?,
        created_ms: row.try_get("created_ms")?,
        certificate,
        order_error: row.try_get("error")?,
    })
}

#[cfg(test)]
mod tests;
