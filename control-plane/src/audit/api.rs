//! The audit for everyone: one's own, a project's, a team's, and for operators all of it.

use axum::Json;
use axum::extract::{Path, State};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::list::{self, AuditPage, Filter, Of};
use crate::error::{ErrorBody, Result};
use crate::http::Query;
use crate::projects::api::find_project;
use crate::session::Session;
use crate::state::Platform;
use crate::teams::Action;

/// The routes.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(account_audit))
        .routes(routes!(project_audit))
        .routes(routes!(team_audit))
        .routes(routes!(operator_audit))
}

/// What the account did, and from where; signing in included
#[utoipa::path(get, path = "/api/account/audit", params(Filter), responses((status = 200, body = AuditPage)))]
async fn account_audit(
    State(platform): State<Platform>,
    session: Session,
    Query(filter): Query<Filter>,
) -> Result<Json<AuditPage>> {
    Ok(Json(list::list(platform.database.read(), Of::Account(&session.account.id), &filter).await?))
}

/// What was done to a project, by whom, from where
#[utoipa::path(get, path = "/api/projects/{slug}/audit", params(("slug" = String, Path), Filter),
    responses((status = 200, body = AuditPage), (status = 404, body = ErrorBody)))]
async fn project_audit(
    State(platform): State<Platform>,
    session: Session,
    Path(slug): Path<String>,
    Query(filter): Query<Filter>,
) -> Result<Json<AuditPage>> {
    let row = find_project(&platform, &session, &slug, Action::View).await?;
    Ok(Json(list::list(platform.database.read(), Of::Project(&row.id), &filter).await?))
}

/// What was done to a team, its people and its projects
#[utoipa::path(get, path = "/api/teams/{team}/audit", params(("team" = String, Path), Filter),
    responses((status = 200, body = AuditPage), (status = 404, body = ErrorBody)))]
async fn team_audit(
    State(platform): State<Platform>,
    Path(team): Path<String>,
    Query(filter): Query<Filter>,
) -> Result<Json<AuditPage>> {
    Ok(Json(list::list(platform.database.read(), Of::Team(&team), &filter).await?))
}

/// What everybody did
#[utoipa::path(get, path = "/api/operator/audit", params(Filter),
    responses((status = 200, body = AuditPage), (status = 403, body = ErrorBody)))]
async fn operator_audit(State(platform): State<Platform>, Query(filter): Query<Filter>) -> Result<Json<AuditPage>> {
    Ok(Json(list::list(platform.database.read(), Of::Everything, &filter).await?))
}
