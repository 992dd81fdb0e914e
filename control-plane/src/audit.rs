//! What happened, by whom: lines that are only ever added. A project's own lines are its activity.

use serde::Serialize;
use sqlx::{Any, AnyPool, Row as _, Transaction};
use utoipa::ToSchema;

use crate::clock;
use crate::error::Result;

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

/// Adds a line in the same transaction as what it tells of.
pub async fn note(
    tx: &mut Transaction<'static, Any>,
    account: Option<&str>,
    project: Option<&str>,
    kind: &str,
    text: &str,
) -> Result<()> {
    sqlx::query("INSERT INTO audit (id, at_ms, account_id, project_id, kind, text) VALUES ($1, $2, $3, $4, $5, $6)")
        .bind(tenant_runtime::random_id(15))
        .bind(clock::now_ms())
        .bind(account)
        .bind(project)
        .bind(kind)
        .bind(text)
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
