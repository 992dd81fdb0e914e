//! Deleted projects that are due to be removed for good and wait for an operator's word, because they are many at once.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::NamedProject;
use crate::audit;
use crate::error::{Error, ErrorBody, Result};
use crate::http::Body;
use crate::jobs;
use crate::projects::purge;
use crate::session::Session;
use crate::state::Platform;

pub(super) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(list_purges, confirm_purges))
}

/// A deleted project whose grace period is over
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct HeldPurge {
    project: NamedProject,
    /// When its grace period ended, in milliseconds since the epoch.
    due_ms: i64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct PurgeList {
    /// Empty unless they are more than go by themselves.
    held: Vec<HeldPurge>,
    /// How many go within a day without an operator's word.
    most: i64,
}

#[derive(Deserialize, ToSchema)]
struct PurgeConfirmation {
    /// How many are held: typed by hand, so that nobody confirms what they have not seen.
    projects: usize,
}

/// Deleted projects that wait for an operator's word to be removed for good
#[utoipa::path(get, path = "/api/operator/purges",
    responses((status = 200, body = PurgeList), (status = 403, body = ErrorBody)))]
async fn list_purges(State(platform): State<Platform>) -> Result<Json<PurgeList>> {
    let held = held(&platform).await?.into_iter().map(|due| HeldPurge {
        due_ms: due.due_ms,
        project: NamedProject { id: due.id, slug: due.slug, name: due.name },
    });
    Ok(Json(PurgeList { held: held.collect(), most: purge::most(&platform).await? }))
}

/// Lets the projects go that are held now; they are removed for good
#[utoipa::path(post, path = "/api/operator/purges", request_body = PurgeConfirmation,
    responses((status = 200, body = PurgeList), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn confirm_purges(
    State(platform): State<Platform>,
    session: Session,
    Body(typed): Body<PurgeConfirmation>,
) -> Result<Json<PurgeList>> {
    let held = held(&platform).await?;
    if typed.projects != held.len() {
        return Err(Error::field("projects", "mismatch", format!("Please type {} to confirm.", held.len())));
    }
    let mut tx = platform.database.begin().await?;
    for due in &held {
        purge::confirm(&mut tx, &due.id).await?;
        jobs::begin_again(&mut tx, &due.id, purge::KEY).await?;
        let line = format!("{} may be removed for good", due.name);
        audit::note(&mut tx, Some(&session.account.id), Some(&due.id), "purge_confirmed", &line).await?;
    }
    tx.commit().await?;
    platform.jobs.poke();
    list_purges(State(platform)).await
}

/// What is held now; nothing while so few are due that they go by themselves.
pub(super) async fn held(platform: &Platform) -> Result<Vec<purge::Due>> {
    let waiting = purge::waiting(platform).await?;
    Ok(if waiting.is_held() { waiting.due } else { Vec::new() })
}
