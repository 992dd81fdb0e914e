//! What was used, in the control database.

use sqlx::{Any, AnyPool, Row as _, Transaction};

use super::limits::{Earlier, Limit};
use crate::error::Result;

/// What came on top since it was last written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub requests: i64,
    pub egress: i64,
    pub awake_ms: i64,
    pub mails: i64,
}

/// Bytes on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sizes {
    pub database: i64,
    pub storage: i64,
}

/// An hour of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hour {
    pub hour_ms: i64,
    pub counts: Counts,
    pub sizes: Sizes,
}

/// Adds to an hour and its month. Another process may do the same at this moment.
pub async fn add(
    tx: &mut Transaction<'static, Any>,
    project: &str,
    (hour_ms, month_ms): (i64, i64),
    counts: Counts,
    sizes: Sizes,
) -> Result<()> {
    sqlx::query(
        "INSERT INTO usage_hour (project_id, hour_ms, requests, egress, awake_ms, mails, database_bytes, storage_bytes)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (project_id, hour_ms) DO UPDATE SET
           requests = usage_hour.requests + excluded.requests, egress = usage_hour.egress + excluded.egress,
           awake_ms = usage_hour.awake_ms + excluded.awake_ms, mails = usage_hour.mails + excluded.mails,
           database_bytes = excluded.database_bytes, storage_bytes = excluded.storage_bytes",
    )
    .bind(project)
    .bind(hour_ms)
    .bind(counts.requests)
    .bind(counts.egress)
    .bind(counts.awake_ms)
    .bind(counts.mails)
    .bind(sizes.database)
    .bind(sizes.storage)
    .execute(&mut **tx)
    .await?;
    sqlx::query(
        "INSERT INTO usage_month (project_id, month_ms, requests, egress, awake_ms, mails)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (project_id, month_ms) DO UPDATE SET
           requests = usage_month.requests + excluded.requests, egress = usage_month.egress + excluded.egress,
           awake_ms = usage_month.awake_ms + excluded.awake_ms, mails = usage_month.mails + excluded.mails",
    )
    .bind(project)
    .bind(month_ms)
    .bind(counts.requests)
    .bind(counts.egress)
    .bind(counts.awake_ms)
    .bind(counts.mails)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// What a project used in a month.
pub async fn month(db: &AnyPool, project: &str, month_ms: i64) -> Result<Counts> {
    let sql = "SELECT requests, egress, awake_ms, mails FROM usage_month WHERE project_id = $1 AND month_ms = $2";
    let row = sqlx::query(sql).bind(project).bind(month_ms).fetch_optional(db).await?;
    let counts = row.map(|row| {
        Ok::<_, sqlx::Error>(Counts {
            requests: row.try_get(0)?,
            egress: row.try_get(1)?,
            awake_ms: row.try_get(2)?,
            mails: row.try_get(3)?,
        })
    });
    Ok(counts.transpose()?.unwrap_or_default())
}

/// The hours of a project in which something was counted, oldest first.
pub async fn hours(db: &AnyPool, project: &str, from_ms: i64, to_ms: i64) -> Result<Vec<Hour>> {
    let rows = sqlx::query(
        "SELECT hour_ms, requests, egress, awake_ms, mails, database_bytes, storage_bytes FROM usage_hour
         WHERE project_id = $1 AND hour_ms >= $2 AND hour_ms < $3 ORDER BY hour_ms",
    )
    .bind(project)
    .bind(from_ms)
    .bind(to_ms)
    .fetch_all(db)
    .await?;
    let hours = rows.iter().map(|row| {
        Ok(Hour {
            hour_ms: row.try_get(0)?,
            counts: Counts {
                requests: row.try_get(1)?,
                egress: row.try_get(2)?,
                awake_ms: row.try_get(3)?,
                mails: row.try_get(4)?,
            },
            sizes: Sizes { database: row.try_get(5)?, storage: row.try_get(6)? },
        })
    });
    Ok(hours.collect::<sqlx::Result<_>>()?)
}

/// The first sizes of a project known since then.
pub async fn earlier(db: &AnyPool, project: &str, from_ms: i64) -> Result<Option<Earlier>> {
    let row = sqlx::query(
        "SELECT hour_ms, database_bytes, storage_bytes FROM usage_hour
         WHERE project_id = $1 AND hour_ms >= $2 ORDER BY hour_ms LIMIT 1",
    )
    .bind(project)
    .bind(from_ms)
    .fetch_optional(db)
    .await?;
    let earlier = row.map(|row| {
        Ok::<_, sqlx::Error>(Earlier { at_ms: row.try_get(0)?, database: row.try_get(1)?, storage: row.try_get(2)? })
    });
    Ok(earlier.transpose()?)
}

/// Mails a project sent on a day through the platform.
pub async fn mails_on(db: &AnyPool, project: &str, day: i64) -> Result<i64> {
    let sql = "SELECT count FROM project_mail WHERE project_id = $1 AND day = $2";
    let count: Option<i64> = sqlx::query_scalar(sql).bind(project).bind(day).fetch_optional(db).await?;
    Ok(count.unwrap_or(0))
}

/// Removes what is older than anybody looks at.
pub async fn forget_before(db: &AnyPool, hour_ms: i64) -> Result<()> {
    sqlx::query("DELETE FROM usage_hour WHERE hour_ms < $1").bind(hour_ms).execute(db).await?;
    Ok(())
}

/// Notes that people are told; `false` if they were before. `month_ms` is 0 for what stands.
pub async fn note(
    tx: &mut Transaction<'static, Any>,
    project: &str,
    limit: Limit,
    percent: i64,
    month_ms: i64,
) -> Result<bool> {
    let noted = sqlx::query(
        "INSERT INTO usage_notice (project_id, what, percent, month_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (project_id, what, percent) DO UPDATE SET month_ms = excluded.month_ms
         WHERE usage_notice.month_ms <> excluded.month_ms",
    )
    .bind(project)
    .bind(limit.name())
    .bind(percent)
    .bind(month_ms)
    .execute(&mut **tx)
    .await?;
    Ok(noted.rows_affected() > 0)
}

/// The names of the limits people were told of.
pub async fn noted(db: &AnyPool, project: &str) -> Result<Vec<String>> {
    let sql = "SELECT DISTINCT what FROM usage_notice WHERE project_id = $1";
    Ok(sqlx::query_scalar(sql).bind(project).fetch_all(db).await?)
}

/// Forgets that people were told: the next time is another one.
pub async fn forget_note(tx: &mut Transaction<'static, Any>, project: &str, limit: Limit) -> Result<()> {
    let sql = "DELETE FROM usage_notice WHERE project_id = $1 AND what = $2";
    sqlx::query(sql).bind(project).bind(limit.name()).execute(&mut **tx).await?;
    Ok(())
}
