//! Everybody's jobs, and the platform's own: looked at, ended, tried again.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, Row as _};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::NamedProject;
use crate::audit;
use crate::error::{Error, ErrorBody, Result};
use crate::http::Query;
use crate::jobs::{self, Job, JobLine};
use crate::session::Session;
use crate::state::Platform;

pub(super) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(list_jobs))
        .routes(routes!(show_any_job))
        .routes(routes!(cancel_any_job))
        .routes(routes!(retry_job))
}

/// Which jobs
#[derive(Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct JobFilter {
    /// `queued`, `running`, `done`, `failed` or `cancelled`; empty for all.
    state: String,
    /// Such as `backup`; empty for all.
    kind: String,
    /// `next` of the page before.
    before: String,
}

/// A job, and for which project it is
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct OperatorJob {
    #[serde(flatten)]
    job: Job,
    /// Absent for the platform's own work, and when the project is gone.
    project: Option<NamedProject>,
    /// Whether it failed and can be tried again.
    can_retry: bool,
}

#[derive(Serialize, ToSchema)]
struct OperatorJobPage {
    /// The latest change first.
    items: Vec<OperatorJob>,
    /// For `before`, if there are older ones.
    next: Option<String>,
}

/// A job, for which project it is, and its log
#[derive(Serialize, ToSchema)]
struct OperatorJobWithLog {
    #[serde(flatten)]
    job: OperatorJob,
    lines: Vec<JobLine>,
}

/// Jobs of all projects and of the platform
#[utoipa::path(get, path = "/api/operator/jobs", params(JobFilter),
    responses((status = 200, body = OperatorJobPage), (status = 403, body = ErrorBody)))]
async fn list_jobs(State(platform): State<Platform>, Query(filter): Query<JobFilter>) -> Result<Json<OperatorJobPage>> {
    let (jobs, next) = jobs::list(platform.database.read(), &filter.state, &filter.kind, &filter.before).await?;
    Ok(Json(OperatorJobPage { items: present(&platform, jobs).await?, next }))
}

/// A job with its log
#[utoipa::path(get, path = "/api/operator/jobs/{id}", params(("id" = String, Path)),
    responses((status = 200, body = OperatorJobWithLog), (status = 404, body = ErrorBody)))]
async fn show_any_job(State(platform): State<Platform>, Path(id): Path<String>) -> Result<Json<OperatorJobWithLog>> {
    let job = find(&platform, &id).await?;
    let lines = jobs::lines(platform.database.read(), &id).await?;
    Ok(Json(OperatorJobWithLog { job: present_one(&platform, job).await?, lines }))
}

/// Cancels a job; everything is as it was before it began
#[utoipa::path(post, path = "/api/operator/jobs/{id}/cancel", params(("id" = String, Path)),
    responses((status = 200, body = OperatorJob), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn cancel_any_job(
    State(platform): State<Platform>,
    session: Session,
    Path(id): Path<String>,
) -> Result<Json<OperatorJob>> {
    let job = find(&platform, &id).await?;
    let job = jobs::cancel(&platform, &session, job, "An operator cancelled a job").await?;
    Ok(Json(present_one(&platform, job).await?))
}

/// Tries a job again that failed
#[utoipa::path(post, path = "/api/operator/jobs/{id}/retry", params(("id" = String, Path)),
    responses((status = 200, body = OperatorJob), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn retry_job(
    State(platform): State<Platform>,
    session: Session,
    Path(id): Path<String>,
) -> Result<Json<OperatorJob>> {
    let job = find(&platform, &id).await?;
    if !jobs::can_retry(&job) || !jobs::retry(platform.database.write(), &job).await? {
        let message = "Only a job that failed can be tried again, and only while no other of its project is under way.";
        return Err(Error::refused(StatusCode::CONFLICT, "not_failed", message));
    }
    platform.jobs.poke();
    let project = Some(job.project_id.as_str()).filter(|id| !id.is_empty());
    let line = format!("An operator had a job tried again: {}", job.kind);
    let mut tx = platform.database.begin().await?;
    audit::note(&mut tx, Some(&session.account.id), project, "job_retried", &line).await?;
    tx.commit().await?;
    Ok(Json(present_one(&platform, find(&platform, &id).await?).await?))
}

async fn find(platform: &Platform, id: &str) -> Result<Job> {
    jobs::by_id(platform.database.write(), id).await?.ok_or_else(no_job)
}

async fn present_one(platform: &Platform, job: Job) -> Result<OperatorJob> {
    present(platform, vec![job]).await?.pop().ok_or_else(no_job)
}

/// Jobs with their projects, all of which are looked up at once.
async fn present(platform: &Platform, jobs: Vec<Job>) -> Result<Vec<OperatorJob>> {
    if jobs.is_empty() {
        return Ok(Vec::new());
    }
    let places: Vec<String> = (1..=jobs.len()).map(|place| format!("${place}")).collect();
    let sql = format!("SELECT id, slug, name FROM project WHERE id IN ({})", places.join(", "));
    let query = jobs.iter().fold(sqlx::query(AssertSqlSafe(sql)), |query, job| query.bind(job.project_id.clone()));
    let mut projects = HashMap::new();
    for row in query.fetch_all(platform.database.read()).await? {
        let project = NamedProject { id: row.try_get(0)?, slug: row.try_get(1)?, name: row.try_get(2)? };
        projects.insert(project.id.clone(), project);
    }
    let jobs = jobs.into_iter().map(|job| OperatorJob {
        can_retry: jobs::can_retry(&job),
        project: projects.get(&job.project_id).cloned(),
        job,
    });
    Ok(jobs.collect())
}

fn no_job() -> Error {
    Error::not_found("There is no such job.")
}
