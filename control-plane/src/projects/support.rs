//! Support: what is in a project is its people's. Operators see it only while these let them, for hours, and everything
//! they do there stands in the project's audit.
//!
//! While a grant lasts, an operator is to that one project what an admin of its team is, but for what decides who has
//! access and where it is found, and for what would last longer than the grant
//! ([`Action::in_support`](crate::teams::Action::in_support)).

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::{AnyPool, Row as _};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::api::{find_project, refuse_deleted};
use crate::audit;
use crate::clock::{self, HOUR};
use crate::error::{Error, ErrorBody, Result};
use crate::http::Body;
use crate::session::Session;
use crate::state::Platform;
use crate::teams::Action;

/// The longest grant: a week.
const MOST_HOURS: u32 = 168;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(show_support, grant_support, revoke_support))
}

/// That operators may see what is in a project
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SupportGrant {
    /// The mail address of who gave it, while there is one.
    pub given_by: Option<String>,
    /// When, in milliseconds since the epoch.
    pub given_ms: i64,
    /// Until when.
    pub until_ms: i64,
}

#[derive(Serialize, ToSchema)]
struct SupportAccess {
    /// Null while operators see nothing of the project's data.
    grant: Option<SupportGrant>,
}

#[derive(Deserialize, ToSchema)]
struct NewGrant {
    /// 1 to 168.
    hours: u32,
}

/// Whether operators may see what is in the project
#[utoipa::path(get, path = "/api/projects/{slug}/support", params(("slug" = String, Path)),
    responses((status = 200, body = SupportAccess), (status = 404, body = ErrorBody)))]
async fn show_support(
    State(platform): State<Platform>,
    session: Session,
    Path(slug): Path<String>,
) -> Result<Json<SupportAccess>> {
    let project = find_project(&platform, &session, &slug, Action::View).await?;
    Ok(Json(SupportAccess { grant: of(platform.database.write(), &project.id).await? }))
}

/// Lets operators see what is in the project for so many hours; given again, from now on
#[utoipa::path(post, path = "/api/projects/{slug}/support", params(("slug" = String, Path)), request_body = NewGrant,
    responses((status = 200, body = SupportAccess), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn grant_support(
    State(platform): State<Platform>,
    session: Session,
    Path(slug): Path<String>,
    Body(wanted): Body<NewGrant>,
) -> Result<Json<SupportAccess>> {
    let project = find_project(&platform, &session, &slug, Action::GrantSupport).await?;
    refuse_deleted(&project)?;
    if !(1..=MOST_HOURS).contains(&wanted.hours) {
        return Err(Error::field("hours", "invalid_hours", format!("Please choose 1 to {MOST_HOURS} hours.")));
    }
    let now = clock::now_ms();
    let mut tx = platform.database.begin().await?;
    sqlx::query(
        "INSERT INTO support_grant (project_id, given_by, given_ms, until_ms) VALUES ($1, $2, $3, $4)
         ON CONFLICT (project_id) DO UPDATE SET given_by = $2, given_ms = $3, until_ms = $4",
    )
    .bind(&project.id)
    .bind(&session.account.id)
    .bind(now)
    .bind(now + clock::millis(HOUR * wanted.hours))
    .execute(&mut *tx)
    .await?;
    let line = format!("Operators may see what is in {} for {} hours", project.name, wanted.hours);
    audit::note(&mut tx, Some(&session.account.id), Some(&project.id), "support_granted", &line).await?;
    tx.commit().await?;
    platform.changed(&project.id);
    Ok(Json(SupportAccess { grant: of(platform.database.write(), &project.id).await? }))
}

/// Ends it at once
#[utoipa::path(delete, path = "/api/projects/{slug}/support", params(("slug" = String, Path)),
    responses((status = 204), (status = 404, body = ErrorBody)))]
async fn revoke_support(
    State(platform): State<Platform>,
    session: Session,
    Path(slug): Path<String>,
) -> Result<StatusCode> {
    let project = find_project(&platform, &session, &slug, Action::GrantSupport).await?;
    let mut tx = platform.database.begin().await?;
    let ended = sqlx::query("DELETE FROM support_grant WHERE project_id = $1 AND until_ms > $2")
        .bind(&project.id)
        .bind(clock::now_ms())
        .execute(&mut *tx)
        .await?;
    if ended.rows_affected() > 0 {
        let line = format!("Operators may not see any more what is in {}", project.name);
        audit::note(&mut tx, Some(&session.account.id), Some(&project.id), "support_revoked", &line).await?;
    }
    tx.commit().await?;
    // Operators who look at it just now are told that it is gone.
    platform.changed(&project.id);
    Ok(StatusCode::NO_CONTENT)
}

/// The grant of a project, while it lasts.
pub async fn of(db: &AnyPool, project: &str) -> Result<Option<SupportGrant>> {
    let sql = "SELECT a.email, s.given_ms, s.until_ms FROM support_grant s LEFT JOIN account a ON a.id = s.given_by
         WHERE s.project_id = $1 AND s.until_ms > $2";
    let row = sqlx::query(sql).bind(project).bind(clock::now_ms()).fetch_optional(db).await?;
    let grant = row.map(|row| {
        Ok(SupportGrant { given_by: row.try_get(0)?, given_ms: row.try_get(1)?, until_ms: row.try_get(2)? })
    });
    Ok(grant.transpose().map_err(|error: sqlx::Error| error)?)
}

/// Until when each project's grant lasts.
pub async fn all(db: &AnyPool) -> Result<HashMap<String, i64>> {
    let sql = "SELECT project_id, until_ms FROM support_grant WHERE until_ms > $1";
    let rows = sqlx::query(sql).bind(clock::now_ms()).fetch_all(db).await?;
    Ok(rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<sqlx::Result<_>>()?)
}

/// Notes in the project's audit what an operator asked for by its grant.
pub async fn note_use(platform: &Platform, account: &str, project: &str, request: &str) -> Result<()> {
    let mut tx = platform.database.begin().await?;
    let line = format!("An operator used the access they were given: {request}");
    audit::note(&mut tx, Some(account), Some(project), "support_used", &line).await?;
    Ok(tx.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::{Email, store as accounts};
    use crate::database::Database;
    use crate::projects::{Slug, store};

    /// Whether an account finds the project while a grant lasts until that moment.
    async fn is_found(database: &Database, account: &str, project: &str, until_ms: i64) -> bool {
        let sql = "INSERT INTO support_grant (project_id, given_ms, until_ms) VALUES ($1, 0, $2)
             ON CONFLICT (project_id) DO UPDATE SET until_ms = $2";
        sqlx::query(sql).bind(project).bind(until_ms).execute(database.write()).await.expect("is given");
        store::find(database.read(), account, project).await.expect("looks").is_some()
    }

    #[tokio::test]
    async fn a_grant_ends_by_itself_and_is_for_operators() {
        let dir = tempfile::tempdir().expect("a directory");
        let database = Database::open(&Database::sqlite_url(dir.path())).await.expect("opens");
        let mut tx = database.begin().await.expect("begins");
        let mut ids = Vec::new();
        for email in ["operator@example.com", "ann@example.com", "eve@example.com"] {
            let email: Email = email.parse().expect("an address");
            ids.push(accounts::create(&mut tx, &email, "", "!", ids.is_empty()).await.expect("is created").id);
        }
        sqlx::query("INSERT INTO node (id, state, created_ms) VALUES ('local', 'active', 0)")
            .execute(&mut *tx)
            .await
            .expect("is there");
        let slug: Slug = "orchard".parse().expect("a slug");
        let team: String = sqlx::query_scalar("SELECT team_id FROM member WHERE account_id = $1")
            .bind(&ids[1])
            .fetch_one(&mut *tx)
            .await
            .expect("has a team");
        let new = store::New { team_id: &team, slug: &slug, name: "Orchard", node_id: "local", first_superuser: None };
        let project = store::create(&mut tx, &new, 5).await.expect("is created");
        tx.commit().await.expect("commits");

        let (operator, eve, now) = (&ids[0], &ids[2], clock::now_ms());
        let later = now + clock::millis(HOUR);
        assert!(is_found(&database, operator, &project, later).await);
        assert!(!is_found(&database, operator, &project, now - 1).await, "its time is over");
        assert!(!is_found(&database, eve, &project, later).await, "she is no operator");
    }
}
