//! Putting a project to sleep before its time, for its people or an operator. Nothing is held: it wakes by its next request.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use tenant_runtime::host::{TenantId, TenantState};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::api::{find_project, load, refuse_deleted};
use super::store::Row;
use super::{Project, Wish};
use crate::audit;
use crate::error::{Error, ErrorBody, Result};
use crate::jobs;
use crate::session::Session;
use crate::state::Platform;
use crate::teams::Action;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(sleep_project))
}

/// Puts a project to sleep: event streams end, everything else is answered first, and the next request wakes it
#[utoipa::path(post, path = "/api/projects/{slug}/sleep", params(("slug" = String, Path)),
    responses((status = 200, body = Project), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn sleep_project(
    State(platform): State<Platform>,
    session: Session,
    Path(slug): Path<String>,
) -> Result<Json<Project>> {
    let row = find_project(&platform, &session, &slug, Action::Wake).await?;
    put_to_sleep(&platform, &session.account.id, &row).await?;
    Ok(Json(load(&platform, &session, &row.id).await?))
}

/// Puts a project to sleep in the name of an account. One that sleeps already is left alone.
///
/// # Errors
/// `suspended` and `deleted` for one that would not wake again; `at_work` while it has something to finish.
pub(crate) async fn put_to_sleep(platform: &Platform, account: &str, row: &Row) -> Result<()> {
    refuse_deleted(row)?;
    if row.wish == Wish::Suspended {
        let message = "This project is suspended: it does not run.";
        return Err(Error::refused(StatusCode::CONFLICT, "suspended", message));
    }
    if !jobs::active_of(platform.database.read(), &row.id).await?.is_empty() {
        return Err(at_work("A backup or a restore of this project is under way. Wait for its end."));
    }
    let (node, id) = (platform.fleet.node(&row.node_id)?, row.id.parse::<TenantId>().map_err(anyhow::Error::new)?);
    let before = match node.tenant(&id).await {
        Err(error) if error.is("unknown_project") => return Err(at_work("The project is being set up.")),
        answered => answered.map_err(anyhow::Error::new)?.state,
    };
    let report = match node.sleep(&id).await {
        Err(error) if error.is("at_work") => {
            return Err(at_work("The project is answering something that takes long. Try again in a moment."));
        }
        answered => answered.map_err(anyhow::Error::new)?,
    };
    if matches!(before, TenantState::Waking | TenantState::Awake | TenantState::Idle) {
        let mut tx = platform.database.begin().await?;
        let line = format!("{} was put to sleep", row.name);
        audit::note(&mut tx, Some(account), Some(&row.id), "put_to_sleep", &line).await?;
        tx.commit().await?;
    }
    platform.fleet.see(platform, report);
    Ok(())
}

fn at_work(message: &'static str) -> Error {
    Error::refused(StatusCode::CONFLICT, "at_work", message)
}
