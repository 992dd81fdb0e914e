//! Numbers for Prometheus about everything behind the edge: what somebody must be woken for, and what tells why.
//!
//! Each is a count over all projects. Which project it is stands in the list of what needs attention; a label for each would
//! make as many series as there are projects.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use proxy::MoreNumbers;
use proxy::exposition::Page;
use sqlx::{AnyPool, AssertSqlSafe, Row as _};
use tenant_runtime::host::WakeReport;
use tokio::time::timeout;

use super::attention::{self, STUCK};
use super::{disk, machine};
use crate::clock::{self, DAY, HOUR};
use crate::error::Result;
use crate::fleet::LOCAL;
use crate::jobs::Kind;
use crate::state::Platform;

/// How long the control database may take: whoever fetches numbers gives up after ten seconds.
const PATIENCE: Duration = Duration::from_secs(5);
/// A run of a schedule that was not begun so long after it was due.
const OVERDUE: Duration = HOUR;
/// Failed jobs count for so long, unless they are tried again before.
const FAILED_DAYS: u32 = 7;

/// Where projects can be found: what is wished of them, or seen.
const STATES: [&str; 8] = ["creating", "awake", "asleep", "waking", "not_starting", "damaged", "suspended", "deleted"];
const JOB_STATES: [&str; 4] = ["waiting", "running", "stuck", "failed"];

/// What the edge serves beside its own.
pub fn numbers(platform: &Platform) -> MoreNumbers {
    let platform = platform.clone();
    Arc::new(move || {
        let platform = platform.clone();
        Box::pin(async move { text(&platform).await })
    })
}

/// What the control database knows. Counts of what is not there are left out.
struct Known {
    projects: HashMap<String, i64>,
    without_backup: [(&'static str, i64); 3],
    jobs: HashMap<(String, String), i64>,
    mails_unsent: i64,
}

async fn text(platform: &Platform) -> String {
    let mut page = Page::default();
    show_disk(&mut page, platform);
    match ask_node(platform).await {
        Ok(wakes) => show_wakes(&mut page, &wakes),
        Err(error) => tracing::warn!("failed to ask the node for its wakes: {error:#}"),
    }
    let known = timeout(PATIENCE, ask_database(platform)).await;
    let known = known.unwrap_or_else(|_| Err(anyhow::anyhow!("it did not answer in time").into()));
    let help = "Whether the control database answers.";
    page.gauge("roost_control_database_up", help, i32::from(known.is_ok()));
    match known {
        Ok(known) => show_known(&mut page, &known),
        Err(error) => tracing::warn!("failed to ask the control database for numbers: {error}"),
    }
    page.into_text()
}

async fn ask_node(platform: &Platform) -> anyhow::Result<WakeReport> {
    Ok(platform.fleet.node(LOCAL)?.wakes().await?)
}

async fn ask_database(platform: &Platform) -> Result<Known> {
    let db = platform.database.read();
    let overdue = "FROM backup_schedule s JOIN project p ON p.id = s.project_id
         WHERE s.cron <> '' AND s.next_ms < $1 AND p.wish <> 'deleted'";
    let now = clock::now_ms();
    let unproven = now - clock::millis(DAY * attention::UNPROVEN_DAYS);
    Ok(Known {
        projects: count_projects(db).await?,
        without_backup: [
            ("failed", count(db, attention::BACKUPS_FAILED, None).await?),
            ("unproven", count(db, attention::BACKUPS_UNPROVEN, Some(unproven)).await?),
            ("overdue", count(db, overdue, Some(now - clock::millis(OVERDUE))).await?),
        ],
        jobs: count_jobs(db, now).await?,
        mails_unsent: attention::mails_unsent(db).await?.0,
    })
}

/// How many there are of what such a part of a query finds.
async fn count(db: &AnyPool, found: &str, moment: Option<i64>) -> Result<i64> {
    let sql = format!("SELECT COUNT(*) {found}");
    let mut query = sqlx::query_scalar(AssertSqlSafe(sql));
    if let Some(moment) = moment {
        query = query.bind(moment);
    }
    Ok(query.fetch_one(db).await?)
}

async fn count_projects(db: &AnyPool) -> Result<HashMap<String, i64>> {
    let sql = "SELECT CASE WHEN wish = 'active' THEN COALESCE(seen_state, 'creating') ELSE wish END, COUNT(*)
         FROM project GROUP BY 1";
    let rows = sqlx::query(sql).fetch_all(db).await?;
    Ok(rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<sqlx::Result<_>>()?)
}

async fn count_jobs(db: &AnyPool, now_ms: i64) -> Result<HashMap<(String, String), i64>> {
    let sql = "SELECT kind, CASE WHEN state = 'failed' THEN 'failed'
           WHEN (state = 'running' AND lease_until_ms < $1) OR (state = 'queued' AND due_ms < $1) THEN 'stuck'
           WHEN state = 'queued' THEN 'waiting' ELSE 'running' END, COUNT(*)
         FROM job WHERE state = 'running' OR (state = 'queued' AND due_ms <= $2)
           OR (state = 'failed' AND updated_ms > $3)
         GROUP BY 1, 2";
    let rows = sqlx::query(sql)
        .bind(now_ms - clock::millis(STUCK))
        .bind(now_ms)
        .bind(now_ms - clock::millis(DAY * FAILED_DAYS))
        .fetch_all(db)
        .await?;
    let counts = rows.iter().map(|row| Ok(((row.try_get(0)?, row.try_get(1)?), row.try_get(2)?)));
    Ok(counts.collect::<sqlx::Result<_>>()?)
}

fn show_disk(page: &mut Page, platform: &Platform) {
    let found = match machine::disk(&platform.config.dir) {
        Ok(found) => found,
        Err(error) => return tracing::warn!("failed to look at the disk: {error}"),
    };
    page.gauge("roost_disk_size_bytes", "Size of the disk that holds the platform.", found.total_bytes);
    page.gauge("roost_disk_free_bytes", "What of it may still be filled.", found.free_bytes);
    page.gauge("roost_disk_files", "Files it may hold; 0 where only bytes are a bound.", found.total_files);
    page.gauge("roost_disk_free_files", "Files that may still be made.", found.free_files);
    let (marks, room) = (&platform.config.disk, platform.config.disk.room(found));
    let stops = [("projects", marks.stop_projects_below), ("growth", marks.stop_writes_below)];
    let help = "With less free than this, no projects are created, or none grow.";
    let bytes = stops.map(|(what, mark)| (what, mark.bytes(found)));
    page.labelled(("roost_disk_mark_bytes", "gauge"), help, "stops", bytes);
    let stopped = [("projects", room >= disk::Room::NoProjects), ("growth", room >= disk::Room::NoGrowth)];
    let stopped = stopped.map(|(what, stopped)| (what, i32::from(stopped)));
    page.labelled(("roost_disk_stopped", "gauge"), "Whether the disk is too full for it.", "what", stopped);
}

fn show_wakes(page: &mut Page, wakes: &WakeReport) {
    let woken: u64 = wakes.took.iter().sum();
    let outcomes = [("woken", woken), ("failed", wakes.failed)];
    page.labelled(("roost_wakes_total", "counter"), "Tries to wake a project.", "outcome", outcomes);
    let help = "Time from a project asleep to one that answers.";
    page.histogram("roost_wake_seconds", help, &wakes.bounds, wakes.took.iter().copied(), wakes.seconds);
}

fn show_known(page: &mut Page, known: &Known) {
    let projects = STATES.map(|state| (state, known.projects.get(state).copied().unwrap_or(0)));
    page.labelled(("roost_projects", "gauge"), "Projects by what they are doing.", "state", projects);
    let help = "Projects whose latest backup is red, that have none of late that was proven, or that were not backed up \
                when they should have been.";
    page.labelled(("roost_projects_without_backup", "gauge"), help, "reason", known.without_backup);
    let mut jobs = String::new();
    for kind in Kind::ALL.map(Kind::name) {
        for state in JOB_STATES {
            let count = known.jobs.get(&(kind.to_owned(), state.to_owned())).copied().unwrap_or(0);
            jobs += &format!("roost_jobs{{kind={kind:?},state={state:?}}} {count}\n");
        }
    }
    page.family("roost_jobs", "gauge", "Jobs that are due, under way, due for long, or failed of late.", &jobs);
    let help = "Mails of the platform of the last week that did not leave.";
    page.gauge("roost_mails_unsent", help, known.mails_unsent);
}
