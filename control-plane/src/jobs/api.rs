//! Looking at jobs, and ending them.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Serialize;
use sqlx::AnyPool;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::store::{self, Job, JobLine};
use crate::error::{Error, ErrorBody, Result};
use crate::projects::api::find_project;
use crate::session::Session;
use crate::state::Platform;
use crate::teams::Action;
use crate::{audit, backups, projects};

/// The routes.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(show_job)).routes(routes!(cancel_job)).routes(routes!(project_jobs))
}

/// A job with its log
#[derive(Serialize, ToSchema)]
struct JobWithLog {
    #[serde(flatten)]
    job: Job,
    lines: Vec<JobLine>,
}

#[derive(Serialize, ToSchema)]
struct JobList {
    items: Vec<Job>,
}

/// One job of the account's projects
#[utoipa::path(get, path = "/api/jobs/{id}", params(("id" = String, Path)),
    responses((status = 200, body = JobWithLog), (status = 404, body = ErrorBody)))]
async fn show_job(
    State(platform): State<Platform>,
    session: Session,
    Path(id): Path<String>,
) -> Result<Json<JobWithLog>> {
    let job = find(&platform, &session, &id).await?;
    let lines = store::lines(platform.database.read(), &id).await?;
    Ok(Json(JobWithLog { job, lines }))
}

/// Cancels a job; everything is as it was before it began
#[utoipa::path(post, path = "/api/jobs/{id}/cancel", params(("id" = String, Path)),
    responses((status = 200, body = Job), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody)))]
async fn cancel_job(State(platform): State<Platform>, session: Session, Path(id): Path<String>) -> Result<Json<Job>> {
    let job = find(&platform, &session, &id).await?;
    Ok(Json(cancel(&platform, &session, job, "A job was cancelled").await?))
}

/// Asks a job to end, and notes who did.
///
/// # Errors
/// `too_late` once there is only forward.
pub async fn cancel(platform: &Platform, session: &Session, job: Job, told: &str) -> Result<Job> {
    let mut tx = platform.database.begin().await?;
    let asked = job.can_cancel && store::ask_to_stop(&mut tx, &job.id, &job.step).await?;
    if !asked {
        let message = "This job cannot be cancelled any more.";
        return Err(Error::refused(StatusCode::CONFLICT, "too_late", message));
    }
    let project = Some(job.project_id.as_str()).filter(|id| !id.is_empty());
    let line = format!("{told}: {}", job.kind);
    audit::note(&mut tx, Some(&session.account.id), project, "job_cancelled", &line).await?;
    tx.commit().await?;
    platform.jobs.stop_one();
    Ok(Job { can_cancel: false, ..job })
}

/// A project's latest jobs, newest first
#[utoipa::path(get, path = "/api/projects/{slug}/jobs", params(("slug" = String, Path)),
    responses((status = 200, body = JobList), (status = 404, body = ErrorBody)))]
async fn project_jobs(
    State(platform): State<Platform>,
    session: Session,
    Path(slug): Path<String>,
) -> Result<Json<JobList>> {
    let project = find_project(&platform, &session, &slug, Action::View).await?;
    Ok(Json(JobList { items: store::latest_of(platform.database.read(), &project.id).await? }))
}

/// The action that begins such a job: who may do that may end it, too.
pub async fn begun_by(db: &AnyPool, id: &str) -> Result<Option<Action>> {
    let Some((kind, input)) = store::given(db, id).await? else { return Ok(None) };
    let origin = backups::make::origin_of(db, &input).await?;
    Ok(Some(kind.begun_by(origin)))
}

async fn find(platform: &Platform, session: &Session, id: &str) -> Result<Job> {
    let job = present(platform, session, id).await?;
    job.ok_or_else(|| Error::not_found("There is no such job."))
}

/// A job as an event stream shows it, if whoever reads may see its project.
pub async fn present(platform: &Platform, session: &Session, id: &str) -> Result<Option<Job>> {
    let db = platform.database.write();
    let Some(job) = store::by_id(db, id).await? else { return Ok(None) };
    let project = projects::store::find_by_id(db, &session.account.id, &job.project_id).await?;
    Ok(project.filter(|(row, _)| session.sees(row)).map(|_| job))
}
