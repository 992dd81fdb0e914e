//! `/api/crons`: what is due when, and doing it now. For superusers.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value as Json, json};

use super::request::{Head, authorise_superuser};
use super::respond;
use crate::app::App;
use crate::cron;
use crate::error::{ApiError, Result};
use crate::http::path::Path;
use crate::json;

/// `GET /api/crons`
pub async fn list(State(app): State<App>, head: Head) -> Result<Response> {
    authorise_superuser(&app, &head).await?;
    let jobs = cron::timetable(&app);
    let jobs = jobs.iter().map(|(job, schedule)| json!({ "id": job.id(), "expression": schedule.as_str() }));
    Ok(respond::json(json::text(&jobs.collect::<Json>()).into_bytes()))
}

/// `POST /api/crons/{id}`: the job runs on after the answer.
pub async fn run(State(app): State<App>, Path(id): Path<String>, head: Head) -> Result<Response> {
    authorise_superuser(&app, &head).await?;
    let job = cron::timetable(&app).into_iter().find(|(job, _)| job.id() == id);
    let (job, _) = job.ok_or_else(|| ApiError::not_found("Missing or invalid cron job."))?;
    let owner = app.clone();
    app.spawn(async move { job.run(&owner).await });
    Ok(respond::no_content())
}
