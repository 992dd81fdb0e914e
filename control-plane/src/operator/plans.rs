//! Changing plans at the console: what a change would mean, the change, and the way back to the settings.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::{Error, ErrorBody, Result};
use crate::http::Body;
use crate::plans::api::NamedPlan;
use crate::plans::preview::{self, PlanPreview};
use crate::plans::{Draft, change};
use crate::session::Session;
use crate::state::Platform;

pub(super) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(save_plan, take_plan_back)).routes(routes!(preview_plan))
}

/// Gives a plan other figures, for all projects that have it, or makes a plan
#[utoipa::path(put, path = "/api/operator/plans/{name}", params(("name" = String, Path)), request_body = Draft,
    responses((status = 200, body = NamedPlan), (status = 400, body = ErrorBody)))]
async fn save_plan(
    State(platform): State<Platform>,
    session: Session,
    Path(name): Path<String>,
    Body(draft): Body<Draft>,
) -> Result<Json<NamedPlan>> {
    let plan = draft.parse(&platform.plans.now(), &name)?;
    change::save(&platform, &session.account.id, &name, &plan).await?;
    let saved = NamedPlan::find(&platform.plans.now(), &name);
    Ok(Json(saved.ok_or_else(|| Error::not_found("This plan was removed meanwhile."))?))
}

/// What such a plan would mean for the projects that have it; nothing is changed
#[utoipa::path(post, path = "/api/operator/plans/{name}/preview", params(("name" = String, Path)), request_body = Draft,
    responses((status = 200, body = PlanPreview), (status = 400, body = ErrorBody)))]
async fn preview_plan(
    State(platform): State<Platform>,
    Path(name): Path<String>,
    Body(draft): Body<Draft>,
) -> Result<Json<PlanPreview>> {
    let plan = draft.parse(&platform.plans.now(), &name)?;
    Ok(Json(preview::preview(&platform, &name, plan).await?))
}

/// Has a plan be what the settings say again; one made here goes, unless a project has it
#[utoipa::path(delete, path = "/api/operator/plans/{name}", params(("name" = String, Path)),
    responses((status = 204), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn take_plan_back(
    State(platform): State<Platform>,
    session: Session,
    Path(name): Path<String>,
) -> Result<StatusCode> {
    change::take_back(&platform, &session.account.id, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
