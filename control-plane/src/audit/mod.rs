//! What happened, by whom, from where: lines that are only ever added, in the transaction of what they tell of. A
//! project's latest lines are its activity; all of them, with who and where, are the audit.

pub mod api;
mod forget;
mod list;

use serde::Serialize;
use sqlx::{Any, AnyPool, Row as _, Transaction};
use utoipa::ToSchema;

use crate::clock;
use crate::error::Result;

pub use forget::{forget_account, forget_address};

tokio::task_local! {
    /// From where the request at hand comes. Work in the background has none.
    static ORIGIN: Origin;
}

/// From where a request comes.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The client's address.
    pub address: Option<String>,
    /// The name of the token, if a program asks.
    pub via: Option<String>,
}

impl Origin {
    /// Does work whose lines bear this origin.
    pub async fn scope<T>(self, work: impl Future<Output = T>) -> T {
        ORIGIN.scope(self, work).await
    }
}

/// One line of a project's activity.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Activity {
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// A stable word such as `created` or `renamed`.
    pub kind: String,
    /// A sentence.
    pub text: String,
}

/// Adds a line about a project, or about the account itself.
pub async fn note(
    tx: &mut Transaction<'static, Any>,
    account: Option<&str>,
    project: Option<&str>,
    kind: &str,
    text: &str,
) -> Result<()> {
    let team: Option<String> = match project {
        None => None,
        Some(project) => {
            let sql = "SELECT team_id FROM project WHERE id = $1";
            sqlx::query_scalar(sql).bind(project).fetch_optional(&mut **tx).await?
        }
    };
    add(tx, account, team.as_deref(), project, kind, text).await
}

/// Adds a line about a team.
pub async fn note_in_team(
    tx: &mut Transaction<'static, Any>,
    account: Option<&str>,
    team: &str,
    kind: &str,
    text: &str,
) -> Result<()> {
    add(tx, account, Some(team), None, kind, text).await
}

async fn add(
    tx: &mut Transaction<'static, Any>,
    account: Option<&str>,
    team: Option<&str>,
    project: Option<&str>,
    kind: &str,
    text: &str,
) -> Result<()> {
    let origin = ORIGIN.try_with(Clone::clone).unwrap_or_default();
    sqlx::query(
        "INSERT INTO audit (id, at_ms, account_id, team_id, project_id, kind, text, address, via)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(tenant_runtime::random_id(15))
    .bind(clock::now_ms())
    .bind(account)
    .bind(team)
    .bind(project)
    .bind(kind)
    .bind(text)
    .bind(origin.address)
    .bind(origin.via)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A project's latest lines, newest first.
pub async fn of_project(db: &AnyPool, project: &str, limit: i64) -> Result<Vec<Activity>> {
    let sql = "SELECT at_ms, kind, text FROM audit WHERE project_id = $1 ORDER BY at_ms DESC, id LIMIT $2";
    let rows = sqlx::query(sql).bind(project).bind(limit).fetch_all(db).await?;
    let lines =
        rows.iter().map(|row| Ok(Activity { at_ms: row.try_get(0)?, kind: row.try_get(1)?, text: row.try_get(2)? }));
    Ok(lines.collect::<sqlx::Result<Vec<Activity>>>()?)
}
