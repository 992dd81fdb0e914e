//! What needs somebody: derived anew whenever it is asked for, so that nothing is ever left on the list by mistake.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use sqlx::{AnyPool, AssertSqlSafe, Row as _};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::disk::{self, Room};
use super::{NamedProject, purges};
use crate::backups::check::CHECK;
use crate::clock::{self, DAY, MINUTE};
use crate::error::{ErrorBody, Result};
use crate::fleet::LOCAL;
use crate::projects::{Wish, store};
use crate::state::Platform;
use crate::usage;
use crate::usage::limits::LimitState;

/// A project without a proven backup for so long is told of: the default schedule makes one every day.
pub(super) const UNPROVEN_DAYS: u32 = 3;
/// A disk that will be full within this time is.
const FULL_SOON_DAYS: i64 = 14;
/// A job that nobody works on for so long although it is due.
pub(super) const STUCK: std::time::Duration = MINUTE.saturating_mul(10);
/// Projects whose latest backup is red.
pub(super) const BACKUPS_FAILED: &str = "FROM backup b JOIN project p ON p.id = b.project_id
         WHERE b.state = 'failed' AND b.origin <> 'import' AND p.wish <> 'deleted' AND NOT EXISTS
           (SELECT 1 FROM backup n WHERE n.project_id = b.project_id AND n.created_ms > b.created_ms
              AND n.state <> 'making' AND n.origin <> 'import')";
/// Projects with a schedule whose newest proven backup is older than a moment, or that have none although they are older.
pub(super) const BACKUPS_UNPROVEN: &str = "FROM (SELECT p.id, p.slug, p.name, COALESCE((SELECT MAX(b.created_ms)
             FROM backup b WHERE b.project_id = p.id AND b.state = 'proven'), p.created_ms) AS since_ms
           FROM project p JOIN backup_schedule s ON s.project_id = p.id
           WHERE p.wish = 'active' AND s.cron <> '') AS found
         WHERE since_ms < $1";
/// Whatever struck more has one cause, and nobody reads further.
const MOST_OF_A_KIND: i64 = 100;

pub(super) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(list_attention))
}

/// What needs attention
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum AttentionKind {
    DiskFilling,
    PurgesHeld,
    Damaged,
    NotStarting,
    BackupFailed,
    BackupUnproven,
    BackupUnchecked,
    OverQuota,
    CertificateFailing,
    JobStuck,
    JobFailed,
    MailNotSent,
}

/// How soon
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
enum Urgency {
    /// Something does not work.
    Now,
    /// Something will not.
    Soon,
}

/// Something that needs somebody
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AttentionItem {
    kind: AttentionKind,
    urgency: Urgency,
    /// A sentence.
    text: String,
    /// Since when, in milliseconds since the epoch, if that is known.
    since_ms: Option<i64>,
    /// The project it is about.
    project: Option<NamedProject>,
    /// The job it is about.
    job_id: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct AttentionList {
    /// The most urgent first.
    items: Vec<AttentionItem>,
}

/// What needs somebody, the most urgent first
#[utoipa::path(get, path = "/api/operator/attention",
    responses((status = 200, body = AttentionList), (status = 403, body = ErrorBody)))]
async fn list_attention(State(platform): State<Platform>) -> Result<Json<AttentionList>> {
    let mut items = disk_filling(&platform).await?;
    items.extend(purges_held(&platform).await?);
    items.extend(projects_broken(&platform).await?);
    items.extend(backups_failed(&platform).await?);
    items.extend(backups_unproven(&platform).await?);
    items.extend(backups_unchecked(&platform).await?);
    items.extend(over_quota(&platform).await?);
    items.extend(certificates_failing(&platform).await?);
    items.extend(jobs_stuck(&platform).await?);
    items.extend(jobs_failed(&platform).await?);
    items.extend(mail_not_sent(&platform).await?);
    items.sort_by_key(|item| item.urgency != Urgency::Now);
    Ok(Json(AttentionList { items }))
}

impl AttentionItem {
    fn now(kind: AttentionKind, text: impl Into<String>) -> AttentionItem {
        let text = text.into();
        AttentionItem { kind, urgency: Urgency::Now, text, since_ms: None, project: None, job_id: None }
    }

    fn soon(kind: AttentionKind, text: impl Into<String>) -> AttentionItem {
        AttentionItem { urgency: Urgency::Soon, ..AttentionItem::now(kind, text) }
    }
}

async fn disk_filling(platform: &Platform) -> Result<Vec<AttentionItem>> {
    let disk = disk::view(platform).await?;
    let kind = AttentionKind::DiskFilling;
    Ok(match (disk.room, disk.full_in_days) {
        (Room::NoGrowth, _) => {
            vec![AttentionItem::now(kind, format!("{}: projects cannot grow.", disk.shortage()))]
        }
        (Room::NoProjects, _) => {
            vec![AttentionItem::now(kind, format!("{}: no projects can be created.", disk.shortage()))]
        }
        (Room::Ample, Some(days)) if days <= FULL_SOON_DAYS => {
            vec![AttentionItem::soon(kind, format!("At the pace of the last weeks the disk is full in {days} days."))]
        }
        _ => Vec::new(),
    })
}

async fn purges_held(platform: &Platform) -> Result<Vec<AttentionItem>> {
    let held = purges::held(platform).await?.len();
    let text = format!("{held} deleted projects are due to be removed for good, more than go without your word.");
    Ok((held > 0).then(|| AttentionItem::now(AttentionKind::PurgesHeld, text)).into_iter().collect())
}

async fn projects_broken(platform: &Platform) -> Result<Vec<AttentionItem>> {
    let sql = "SELECT p.id, p.slug, p.name, p.seen_since_ms, p.seen_reason, p.seen_state FROM project p
         WHERE p.wish = 'active' AND p.seen_state IN ('not_starting', 'damaged') ORDER BY p.seen_since_ms LIMIT $1";
    let rows = sqlx::query(sql).bind(MOST_OF_A_KIND).fetch_all(platform.database.read()).await?;
    let items = rows.iter().map(|row| {
        let kind = match row.try_get::<String, _>(5)?.as_str() {
            "damaged" => AttentionKind::Damaged,
            _ => AttentionKind::NotStarting,
        };
        let reason: Option<String> = row.try_get(4)?;
        let item = AttentionItem::now(kind, reason.unwrap_or_else(|| "It does not start.".to_owned()));
        Ok(AttentionItem { project: Some(named(row)?), since_ms: row.try_get(3)?, ..item })
    });
    Ok(items.collect::<sqlx::Result<_>>()?)
}

async fn backups_failed(platform: &Platform) -> Result<Vec<AttentionItem>> {
    let sql =
        format!("SELECT p.id, p.slug, p.name, b.created_ms, b.reason {BACKUPS_FAILED} ORDER BY b.created_ms LIMIT $1");
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(MOST_OF_A_KIND).fetch_all(platform.database.read()).await?;
    let items = rows.iter().map(|row| {
        let reason: Option<String> = row.try_get(4)?;
        let item = AttentionItem::now(AttentionKind::BackupFailed, reason.unwrap_or_default());
        Ok(AttentionItem { project: Some(named(row)?), since_ms: row.try_get(3)?, ..item })
    });
    Ok(items.collect::<sqlx::Result<_>>()?)
}

async fn backups_unproven(platform: &Platform) -> Result<Vec<AttentionItem>> {
    let sql = format!("SELECT * {BACKUPS_UNPROVEN} ORDER BY since_ms LIMIT $2");
    let old = clock::now_ms() - clock::millis(DAY * UNPROVEN_DAYS);
    let rows =
        sqlx::query(AssertSqlSafe(sql)).bind(old).bind(MOST_OF_A_KIND).fetch_all(platform.database.read()).await?;
    let items = rows.iter().map(|row| {
        let text = format!("It has no backup of the last {UNPROVEN_DAYS} days that was proven.");
        let item = AttentionItem::soon(AttentionKind::BackupUnproven, text);
        Ok(AttentionItem { project: Some(named(row)?), since_ms: row.try_get(3)?, ..item })
    });
    Ok(items.collect::<sqlx::Result<_>>()?)
}

/// Projects whose newest proven backup is due to be checked, which could not be done. It is no worse for that: had the check
/// come to an end it would be proven anew, or red.
async fn backups_unchecked(platform: &Platform) -> Result<Vec<AttentionItem>> {
    let sql = "SELECT p.id, p.slug, p.name, j.created_ms, j.error FROM job j JOIN project p ON p.id = j.tenant_id
         WHERE j.idem_key = $1 AND j.error IS NOT NULL AND j.state IN ('queued', 'running', 'failed')
           AND p.wish <> 'deleted' AND EXISTS (SELECT 1 FROM backup b WHERE b.project_id = p.id AND b.state = 'proven')
           AND NOT EXISTS (SELECT 1 FROM backup b WHERE b.project_id = p.id AND b.checked_ms >= j.created_ms)
         ORDER BY j.created_ms LIMIT $2";
    let rows = sqlx::query(sql).bind(CHECK).bind(MOST_OF_A_KIND).fetch_all(platform.database.read()).await?;
    let items = rows.iter().map(|row| {
        let why: String = row.try_get(4)?;
        let text = format!("Its newest backup could not be checked: {why}. It stays proven, and is tried again.");
        let item = AttentionItem::soon(AttentionKind::BackupUnchecked, text);
        Ok(AttentionItem { project: Some(named(row)?), since_ms: row.try_get(3)?, ..item })
    });
    Ok(items.collect::<sqlx::Result<_>>()?)
}

/// Projects that use all their plan lets them.
async fn over_quota(platform: &Platform) -> Result<Vec<AttentionItem>> {
    let rows = store::of_node(platform.database.read(), LOCAL).await?;
    let items = rows.into_iter().filter(|row| row.wish != Wish::Deleted).filter_map(|row| {
        let over = usage::limits_of(platform, &row).into_iter().filter(|limit| limit.state == LimitState::Over);
        let names = over.map(|over| over.limit.name()).collect::<Vec<_>>();
        let project = NamedProject { id: row.id, slug: row.slug, name: row.name };
        let item = AttentionItem::soon(AttentionKind::OverQuota, format!("It uses all it may: {}.", names.join(", ")));
        (!names.is_empty()).then_some(AttentionItem { project: Some(project), ..item })
    });
    Ok(items.collect())
}

async fn certificates_failing(platform: &Platform) -> Result<Vec<AttentionItem>> {
    let sql = "SELECT t.name, t.error, c.expires_ms FROM acme_tries t LEFT JOIN certificate c ON c.name = t.name
         WHERE t.failures > 0 ORDER BY c.expires_ms LIMIT $1";
    let rows = sqlx::query(sql).bind(MOST_OF_A_KIND).fetch_all(platform.database.read()).await?;
    let items = rows.iter().map(|row| {
        let (name, error): (String, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
        let text = format!("No certificate for {name}: {}", error.unwrap_or_default());
        let expires_ms: Option<i64> = row.try_get(2)?;
        let is_served = expires_ms.is_some_and(|expires| expires > clock::now_ms());
        let kind = AttentionKind::CertificateFailing;
        Ok(if is_served { AttentionItem::soon(kind, text) } else { AttentionItem::now(kind, text) })
    });
    Ok(items.collect::<sqlx::Result<_>>()?)
}

async fn jobs_stuck(platform: &Platform) -> Result<Vec<AttentionItem>> {
    let condition = "((j.state = 'running' AND j.lease_until_ms < $1) OR (j.state = 'queued' AND j.due_ms < $1))";
    let before = clock::now_ms() - clock::millis(STUCK);
    about_jobs(platform, AttentionKind::JobStuck, condition, before, "Nobody works on it although it is due").await
}

/// What a failed backup means is told with the project; mails have an item of their own.
async fn jobs_failed(platform: &Platform) -> Result<Vec<AttentionItem>> {
    let condition =
        "j.state = 'failed' AND j.kind NOT IN ('send_mail', 'backup', 'check_backup') AND j.updated_ms > $1";
    let since = clock::now_ms() - clock::millis(DAY * 7);
    about_jobs(platform, AttentionKind::JobFailed, condition, since, "It failed").await
}

async fn about_jobs(
    platform: &Platform,
    kind: AttentionKind,
    condition: &str,
    moment: i64,
    what: &str,
) -> Result<Vec<AttentionItem>> {
    let sql = format!(
        "SELECT p.id, p.slug, p.name, j.updated_ms, j.id AS job, j.kind, j.error FROM job j
         LEFT JOIN project p ON p.id = j.tenant_id WHERE {condition} ORDER BY j.updated_ms LIMIT {MOST_OF_A_KIND}"
    );
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(moment).fetch_all(platform.database.read()).await?;
    let items = rows.iter().map(|row| {
        let (name, error): (String, Option<String>) = (row.try_get(5)?, row.try_get(6)?);
        let why = error.map(|error| format!(": {error}")).unwrap_or_default();
        let has_project = row.try_get::<Option<String>, _>(0)?.is_some();
        Ok(AttentionItem {
            project: if has_project { Some(named(row)?) } else { None },
            since_ms: row.try_get(3)?,
            job_id: row.try_get(4)?,
            ..AttentionItem::now(kind, format!("{what} ({name}){why}"))
        })
    });
    Ok(items.collect::<sqlx::Result<_>>()?)
}

async fn mail_not_sent(platform: &Platform) -> Result<Vec<AttentionItem>> {
    let kind = AttentionKind::MailNotSent;
    if platform.config.mail.host.is_empty() && !platform.config.dev {
        return Ok(vec![AttentionItem::now(kind, "No mail server is set: no mail of the platform leaves.")]);
    }
    let (unsent, since_ms) = mails_unsent(platform.database.read()).await?;
    if unsent == 0 {
        return Ok(Vec::new());
    }
    let item = AttentionItem::now(kind, format!("{unsent} mails of the last week were not sent."));
    Ok(vec![AttentionItem { since_ms, ..item }])
}

/// How many mails of the last week did not leave, and since when.
pub(super) async fn mails_unsent(db: &AnyPool) -> Result<(i64, Option<i64>)> {
    let sql = "SELECT COUNT(*), MIN(updated_ms) FROM job WHERE kind = 'send_mail'
         AND ((state = 'failed' AND updated_ms > $1) OR (state = 'queued' AND attempt >= 3))";
    let since = clock::now_ms() - clock::millis(DAY * 7);
    let row = sqlx::query(sql).bind(since).fetch_one(db).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}

fn named(row: &sqlx::any::AnyRow) -> sqlx::Result<NamedProject> {
    Ok(NamedProject { id: row.try_get(0)?, slug: row.try_get(1)?, name: row.try_get(2)? })
}
