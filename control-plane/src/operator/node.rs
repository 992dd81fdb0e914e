//! The machine at a glance.

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use sqlx::{AnyPool, Row as _};
use tenant_runtime::host::LatelyWoken;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::disk::{self, DiskView};
use super::machine::{self, Load, Memory, OpenFiles};
use crate::clock::{self, DAY};
use crate::database::number;
use crate::error::{ErrorBody, Result};
use crate::fleet::LOCAL;
use crate::projects::{Project, ProjectState, store};
use crate::state::Platform;
use crate::teams::Role;

/// Certificates that end within this time are told of: renewed in time, none ever does.
const SOON_DAYS: u32 = 14;
/// The first to end: when there are more, renewing fails for all alike.
const MOST_ENDING: i64 = 100;

pub(super) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(show_node))
}

/// This machine and what runs on it
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NodeView {
    version: &'static str,
    /// When this process began, in milliseconds since the epoch.
    started_ms: i64,
    memory: Memory,
    load: Load,
    files: OpenFiles,
    disk: DiskView,
    wake: Wakes,
    projects: ProjectCounts,
    jobs: JobCounts,
    /// Those that end soon.
    certificates: Vec<EndingCertificate>,
}

/// How long projects took to wake in the last 24 hours
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Wakes {
    /// How often one woke.
    count: i64,
    /// Half of them took at most so many milliseconds; null if none woke.
    p50_ms: Option<f64>,
    /// 95 of 100 took at most so many.
    p95_ms: Option<f64>,
}

impl Wakes {
    fn of(woken: LatelyWoken) -> Wakes {
        let millis = |us: Option<u64>| us.map(|us| us as f64 / 1_000.0);
        Wakes { count: number(woken.count), p50_ms: millis(woken.p50_us), p95_ms: millis(woken.p95_us) }
    }
}

/// How many projects do what
#[derive(Default, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ProjectCounts {
    /// All that are not deleted.
    registered: i64,
    awake: i64,
    asleep: i64,
    suspended: i64,
    not_starting: i64,
    damaged: i64,
    /// In their grace period.
    deleted: i64,
}

/// How many jobs wait, run, and failed
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct JobCounts {
    /// Due now.
    waiting: i64,
    running: i64,
    /// In the last week.
    failed: i64,
}

/// A certificate that ends soon
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct EndingCertificate {
    name: String,
    /// Milliseconds since the epoch.
    expires_ms: i64,
    /// What went wrong at the last try to renew it.
    error: Option<String>,
}

/// This machine: load, memory, disk and its forecast, wakes, projects, jobs, certificates
#[utoipa::path(get, path = "/api/operator/node",
    responses((status = 200, body = NodeView), (status = 403, body = ErrorBody)))]
async fn show_node(State(platform): State<Platform>) -> Result<Json<NodeView>> {
    let db = platform.database.read();
    Ok(Json(NodeView {
        version: env!("CARGO_PKG_VERSION"),
        started_ms: platform.started_ms,
        memory: machine::memory(),
        load: machine::load(),
        files: machine::open_files(),
        disk: disk::view(&platform).await?,
        wake: Wakes::of(platform.fleet.node(LOCAL)?.wakes().await.map_err(anyhow::Error::new)?.lately),
        projects: count_projects(&platform).await?,
        jobs: count_jobs(db).await?,
        certificates: ending_certificates(db).await?,
    }))
}

async fn count_projects(platform: &Platform) -> Result<ProjectCounts> {
    let mut counts = ProjectCounts::default();
    for row in store::of_node(platform.database.read(), LOCAL).await? {
        let state = Project::new(platform, row, Role::Viewer).state;
        let count = match state {
            ProjectState::Awake => Some(&mut counts.awake),
            ProjectState::Asleep => Some(&mut counts.asleep),
            ProjectState::Suspended => Some(&mut counts.suspended),
            ProjectState::NotStarting => Some(&mut counts.not_starting),
            ProjectState::Damaged => Some(&mut counts.damaged),
            ProjectState::Deleted => Some(&mut counts.deleted),
            ProjectState::Creating | ProjectState::Waking => None,
        };
        if let Some(count) = count {
            *count += 1;
        }
        if state != ProjectState::Deleted {
            counts.registered += 1;
        }
    }
    Ok(counts)
}

async fn count_jobs(db: &AnyPool) -> Result<JobCounts> {
    let now = clock::now_ms();
    let count = async |condition: &str, moment: i64| {
        let sql = format!("SELECT COUNT(*) FROM job WHERE {condition}");
        sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(sql)).bind(moment).fetch_one(db).await
    };
    Ok(JobCounts {
        waiting: count("state = 'queued' AND due_ms <= $1", now).await?,
        running: count("state = 'running' AND created_ms <= $1", now).await?,
        failed: count("state = 'failed' AND updated_ms >= $1", now - clock::millis(DAY * 7)).await?,
    })
}

async fn ending_certificates(db: &AnyPool) -> Result<Vec<EndingCertificate>> {
    let sql = "SELECT c.name, c.expires_ms, t.error FROM certificate c LEFT JOIN acme_tries t ON t.name = c.name
         WHERE c.expires_ms < $1 ORDER BY c.expires_ms LIMIT $2";
    let soon = clock::now_ms() + clock::millis(DAY * SOON_DAYS);
    let rows = sqlx::query(sql).bind(soon).bind(MOST_ENDING).fetch_all(db).await?;
    let certificates = rows.iter().map(|row| {
        Ok(EndingCertificate { name: row.try_get(0)?, expires_ms: row.try_get(1)?, error: row.try_get(2)? })
    });
    Ok(certificates.collect::<sqlx::Result<_>>()?)
}
