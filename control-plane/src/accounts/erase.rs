//! Erasing an account: nothing is left that tells who it was. What it did to projects and teams of others stays told, by
//! nobody in particular.
//!
//! Before that a mail leaves with which the data of its projects can be fetched as long as they could be brought back
//! (`exports`).

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};
use serde::Deserialize;
use sqlx::{Any, Row as _, Transaction};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::sign_in::prove_password;
use super::{Account, exports, second_factor, store};
use crate::audit;
use crate::error::{Error, ErrorBody, Result};
use crate::fleet;
use crate::http::Body;
use crate::projects;
use crate::session::{self, Session};
use crate::state::Platform;
use crate::teams;

/// What stands where the mail address or the name stood.
const NOBODY: &str = "a deleted account";

pub(super) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(erase_account))
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Erasure {
    current_password: Option<String>,
    /// From the device, if a second factor is on.
    code: Option<String>,
    /// Whether the projects of teams that have nobody else are deleted, too; without it they are in the way.
    #[serde(default)]
    delete_projects: bool,
}

/// A team that nobody else owns.
struct OwnedTeam {
    id: String,
    members: i64,
    /// Those that are not deleted yet.
    projects: i64,
}

/// Erases the account and everything that tells who it was, after mailing a link to the data of its projects
#[utoipa::path(delete, path = "/api/account", request_body = Erasure,
    responses((status = 204), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 409, body = ErrorBody)))]
async fn erase_account(
    State(platform): State<Platform>,
    session: Session,
    Body(given): Body<Erasure>,
) -> Result<Response> {
    let account = &session.account;
    prove_password(&platform, account, given.current_password).await?;
    second_factor::demand(&platform, account, given.code.as_deref()).await?;
    let mut tx = platform.database.begin().await?;
    if account.operator && store::lock_operators(&mut tx).await? <= 1 {
        return Err(refused("last_operator", "You are the only operator. Make somebody else one first."));
    }
    let teams = owned_alone(&mut tx, &account.id).await?;
    if teams.iter().any(|team| team.members > 1) {
        let message = "A team with other people has no owner but you. Make one of them an owner first.";
        return Err(refused("last_owner", message));
    }
    if !given.delete_projects && teams.iter().any(|team| team.projects > 0) {
        let message = "You own projects. Hand them over, delete them, or have them deleted with your account.";
        return Err(refused("owns_projects", message));
    }
    let ids: Vec<&str> = teams.iter().map(|team| team.id.as_str()).collect();
    exports::offer(&platform, &mut tx, &account.email, &ids).await?;
    let deleted = delete_projects(&platform, &mut tx, &account.id, &ids).await?;
    forget(&mut tx, account).await?;
    for team in ids {
        teams::store::rename(&mut tx, team, NOBODY).await?;
        teams::store::remove_if_left(&mut tx, team).await?;
    }
    audit::note(&mut tx, None, None, "account_erased", "An account was erased").await?;
    tx.commit().await?;
    platform.jobs.poke();
    for project in deleted {
        fleet::reconcile::now(&platform, &project).await;
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, session::clear_cookie(&platform))], ()).into_response())
}

fn refused(code: &'static str, message: &'static str) -> Error {
    Error::refused(StatusCode::CONFLICT, code, message)
}

/// The teams that nobody else owns, without invitations: a team that nobody is in any more must not open to whoever finds
/// an old mail. All it owns are locked, so that none gets another member meanwhile and no other owner leaves, too.
async fn owned_alone(tx: &mut Transaction<'static, Any>, account: &str) -> Result<Vec<OwnedTeam>> {
    let lock = "UPDATE team SET name = name WHERE id IN
         (SELECT team_id FROM member WHERE account_id = $1 AND role = 'owner')";
    sqlx::query(lock).bind(account).execute(&mut **tx).await?;
    let owned = "SELECT m.team_id FROM member m WHERE m.account_id = $1 AND m.role = 'owner' AND NOT EXISTS
         (SELECT 1 FROM member o WHERE o.team_id = m.team_id AND o.role = 'owner' AND o.account_id <> $1)";
    let close = format!("DELETE FROM invitation WHERE team_id IN ({owned})");
    sqlx::query(sqlx::AssertSqlSafe(close)).bind(account).execute(&mut **tx).await?;
    let sql = format!(
        "SELECT t.id, (SELECT COUNT(*) FROM member a WHERE a.team_id = t.id) AS members,
           (SELECT COUNT(*) FROM project p WHERE p.team_id = t.id AND p.wish <> 'deleted') AS projects
         FROM team t WHERE t.id IN ({owned}) ORDER BY t.id"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(account).fetch_all(&mut **tx).await?;
    let teams = rows
        .iter()
        .map(|row| Ok(OwnedTeam { id: row.try_get(0)?, members: row.try_get(1)?, projects: row.try_get(2)? }));
    Ok(teams.collect::<sqlx::Result<_>>()?)
}

/// Deletes the teams' projects as their owner would; which.
async fn delete_projects(
    platform: &Platform,
    tx: &mut Transaction<'static, Any>,
    account: &str,
    teams: &[&str],
) -> Result<Vec<String>> {
    let mut deleted = Vec::new();
    for team in teams {
        let sql = "SELECT id, name FROM project WHERE team_id = $1 AND wish <> 'deleted'";
        for row in sqlx::query(sql).bind(*team).fetch_all(&mut **tx).await? {
            let (id, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
            projects::api::delete(platform, tx, account, &id, &name).await?;
            deleted.push(id);
        }
    }
    Ok(deleted)
}

/// Removes the account, and from the audit what tells who it was. What bears a mail address is theirs only if they proved
/// that the address is.
async fn forget(tx: &mut Transaction<'static, Any>, account: &Account) -> Result<()> {
    if account.verified {
        audit::forget_address(tx, &account.id, &account.email, NOBODY).await?;
        sqlx::query("DELETE FROM invitation WHERE email = $1").bind(&account.email).execute(&mut **tx).await?;
    }
    audit::forget_account(tx, &account.id).await?;
    sqlx::query("DELETE FROM account WHERE id = $1").bind(&account.id).execute(&mut **tx).await?;
    Ok(())
}
