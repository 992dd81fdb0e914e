//! API tokens: what programs show instead of a cookie. A token acts for its account in one team or one project, within
//! its scope, until it expires. It is shown once; only its hash is kept.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::{Any, AnyPool, Row as _, Transaction};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::tickets::digest;
use crate::audit;
use crate::clock::{self, DAY, MINUTE};
use crate::database::Database;
use crate::error::{Error, ErrorBody, Result};
use crate::http::{Body, ClientAddress};
use crate::projects;
use crate::session::Session;
use crate::state::Platform;
use crate::teams::{self, Scope};

/// What tokens begin with, so that people and scanners recognise one.
pub const PREFIX: &str = "roost_";
const LONGEST_NAME: usize = 60;
/// A token that nobody renews ends within a year.
const MOST_DAYS: u32 = 366;
/// One account's, so that nobody fills the database with them.
const MOST_TOKENS: i64 = 100;

/// What a token lets a program do, beside what its account may.
#[derive(Clone, Debug)]
pub struct Grant {
    /// The token's id.
    pub id: String,
    /// What the owner called it.
    pub name: String,
    /// How far it goes.
    pub scope: Scope,
    /// Where it works.
    pub team_id: String,
    /// Where alone in that team, if not everywhere.
    pub project_id: Option<String>,
}

/// A token as people see it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ApiToken {
    /// Stable; not a secret.
    pub id: String,
    /// What its owner calls it.
    pub name: String,
    /// How far it goes.
    pub scope: Scope,
    /// For whom it acts: a mail address.
    pub owner: String,
    /// Where it works.
    pub team_id: String,
    /// The team's name.
    pub team_name: String,
    /// The slug of the one project it is for, if it is not for the whole team.
    pub project: Option<String>,
    /// Milliseconds since the epoch, like the others.
    pub created_ms: i64,
    /// When it stops working.
    pub expires_ms: i64,
    /// When it was last used, to the minute.
    pub used_ms: Option<i64>,
    /// From where it was last used.
    pub used_address: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewToken {
    name: String,
    scope: Scope,
    team: String,
    /// The slug of the one project it is for.
    project: Option<String>,
    /// From 1 to 366.
    expires_days: u32,
}

#[derive(Serialize, ToSchema)]
struct CreatedToken {
    token: ApiToken,
    /// The token itself. It is shown this once.
    secret: String,
}

#[derive(Serialize, ToSchema)]
struct TokenList {
    items: Vec<ApiToken>,
}

/// The routes.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(list_tokens, create_token))
        .routes(routes!(revoke_token))
        .routes(routes!(team_tokens))
        .routes(routes!(revoke_team_token))
}

/// The account's own tokens
#[utoipa::path(get, path = "/api/account/tokens", responses((status = 200, body = TokenList)))]
async fn list_tokens(State(platform): State<Platform>, session: Session) -> Result<Json<TokenList>> {
    Ok(Json(TokenList { items: listed(platform.database.read(), "t.account_id = $1", &session.account.id).await? }))
}

/// Makes a token; its secret is in this answer and never again
#[utoipa::path(post, path = "/api/account/tokens", request_body = NewToken,
    responses((status = 201, body = CreatedToken), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn create_token(
    State(platform): State<Platform>,
    session: Session,
    Body(new): Body<NewToken>,
) -> Result<(StatusCode, Json<CreatedToken>)> {
    let account = &session.account.id;
    let name = new.name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(Error::field("name", "invalid_name", format!("Please use 1 to {LONGEST_NAME} characters.")));
    }
    if !(1..=MOST_DAYS).contains(&new.expires_days) {
        return Err(Error::field("expiresDays", "invalid_expiry", format!("Please choose 1 to {MOST_DAYS} days.")));
    }
    let team = teams::store::find(platform.database.read(), account, &new.team).await?;
    let team = team.ok_or_else(|| Error::field("team", "no_such_team", "There is no such team."))?;
    let project = match new.project.as_deref().filter(|slug| !slug.is_empty()) {
        None => None,
        Some(slug) => {
            let found = projects::store::find(platform.database.read(), account, slug).await?;
            let row = found.map(|(row, _)| row).filter(|row| row.team_id == team.id);
            Some(row.ok_or_else(|| Error::field("project", "no_such_project", "The team has no such project."))?.id)
        }
    };
    let secret = format!("{PREFIX}{}", tenant_runtime::random_key(40));
    let id = tenant_runtime::random_id(15);
    let grant = Grant { id, name: name.to_owned(), scope: new.scope, team_id: team.id, project_id: project };
    let mut tx = platform.database.begin().await?;
    insert(&mut tx, account, &grant, &secret, new.expires_days).await?;
    let line = format!("The token {name} was made, with the scope {}", new.scope.name());
    audit::note_in_team(&mut tx, Some(account), &grant.team_id, "token_created", &line).await?;
    tx.commit().await?;
    let mut made = listed(platform.database.write(), "t.id = $1", &grant.id).await?;
    let token = made.pop().ok_or_else(|| Error::not_found("There is no such token."))?;
    Ok((StatusCode::CREATED, Json(CreatedToken { token, secret })))
}

/// Revokes one of the account's own tokens: from the next request on it counts no more
#[utoipa::path(delete, path = "/api/account/tokens/{id}", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = ErrorBody)))]
async fn revoke_token(
    State(platform): State<Platform>,
    session: Session,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    revoke(&platform, &session, "account_id", &session.account.id, &id).await
}

/// All tokens for a team and its projects
#[utoipa::path(get, path = "/api/teams/{team}/tokens", params(("team" = String, Path)),
    responses((status = 200, body = TokenList), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn team_tokens(State(platform): State<Platform>, Path(team): Path<String>) -> Result<Json<TokenList>> {
    Ok(Json(TokenList { items: listed(platform.database.read(), "t.team_id = $1", &team).await? }))
}

/// Revokes a token for a team, whoever made it
#[utoipa::path(delete, path = "/api/teams/{team}/tokens/{id}", params(("team" = String, Path), ("id" = String, Path)),
    responses((status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn revoke_team_token(
    State(platform): State<Platform>,
    session: Session,
    Path((team, id)): Path<(String, String)>,
) -> Result<StatusCode> {
    revoke(&platform, &session, "team_id", &team, &id).await
}

async fn revoke(
    platform: &Platform,
    session: &Session,
    column: &'static str,
    of: &str,
    id: &str,
) -> Result<StatusCode> {
    let mut tx = platform.database.begin().await?;
    let sql = format!("DELETE FROM api_token WHERE {column} = $1 AND id = $2 RETURNING team_id, name");
    let gone = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(of).bind(id).fetch_optional(&mut *tx).await?;
    let gone = gone.ok_or_else(|| Error::not_found("There is no such token."))?;
    let (team, name): (String, String) = (gone.try_get(0)?, gone.try_get(1)?);
    let line = format!("The token {name} was revoked");
    audit::note_in_team(&mut tx, Some(&session.account.id), &team, "token_revoked", &line).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Revokes all of an account's tokens.
pub async fn revoke_all(tx: &mut Transaction<'static, Any>, account: &str) -> Result<()> {
    sqlx::query("DELETE FROM api_token WHERE account_id = $1").bind(account).execute(&mut **tx).await?;
    Ok(())
}

/// The account and the grant of a token, which counts as used now.
///
/// # Errors
/// `invalid_token` for what is unknown, revoked, expired, or of somebody who left the team.
pub async fn redeem(database: &Database, secret: &str, address: ClientAddress) -> Result<(String, Grant)> {
    let now = clock::now_ms();
    let row = match secret.starts_with(PREFIX) {
        false => None,
        true => {
            sqlx::query(
                "SELECT t.id, t.account_id, t.name, t.scope, t.team_id, t.project_id, t.used_ms FROM api_token t
                 JOIN member m ON m.team_id = t.team_id AND m.account_id = t.account_id
                 WHERE t.token_hash = $1 AND t.expires_ms > $2",
            )
            .bind(digest(secret))
            .bind(now)
            .fetch_optional(database.read())
            .await?
        }
    };
    let row = row.ok_or_else(|| {
        let message = "This token is unknown, revoked or expired.";
        Error::refused(StatusCode::UNAUTHORIZED, "invalid_token", message)
    })?;
    let grant = Grant {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        scope: Scope::from_name(row.try_get("scope")?),
        team_id: row.try_get("team_id")?,
        project_id: row.try_get("project_id")?,
    };
    if row.try_get::<Option<i64>, _>("used_ms")?.is_none_or(|used| used <= now - clock::millis(MINUTE)) {
        sqlx::query("UPDATE api_token SET used_ms = $1, used_address = $2 WHERE id = $3")
            .bind(now)
            .bind(address.to_string())
            .bind(&grant.id)
            .execute(database.write())
            .await?;
    }
    Ok((row.try_get("account_id")?, grant))
}

async fn insert(
    tx: &mut Transaction<'static, Any>,
    account: &str,
    grant: &Grant,
    secret: &str,
    days: u32,
) -> Result<()> {
    let now = clock::now_ms();
    sqlx::query("DELETE FROM api_token WHERE account_id = $1 AND expires_ms <= $2")
        .bind(account)
        .bind(now - clock::millis(DAY * 30))
        .execute(&mut **tx)
        .await?;
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM api_token WHERE account_id = $1")
        .bind(account)
        .fetch_one(&mut **tx)
        .await?;
    if count >= MOST_TOKENS {
        let message = "You have as many tokens as an account may. Revoke those you no longer need.";
        return Err(Error::refused(StatusCode::FORBIDDEN, "token_limit", message));
    }
    sqlx::query(
        "INSERT INTO api_token (id, token_hash, account_id, team_id, project_id, name, scope, created_ms, expires_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&grant.id)
    .bind(digest(secret))
    .bind(account)
    .bind(&grant.team_id)
    .bind(&grant.project_id)
    .bind(&grant.name)
    .bind(grant.scope.name())
    .bind(now)
    .bind(now + clock::millis(DAY * days))
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Whether a token is neither revoked nor expired.
pub async fn counts(db: &AnyPool, id: &str) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM api_token WHERE id = $1 AND expires_ms > $2";
    Ok(sqlx::query_scalar::<_, i64>(sql).bind(id).bind(clock::now_ms()).fetch_one(db).await? > 0)
}

async fn listed(db: &AnyPool, filter: &'static str, of: &str) -> Result<Vec<ApiToken>> {
    let sql = format!(
        "SELECT t.id, t.name, t.scope, a.email, t.team_id, m.name AS team_name, p.slug, t.created_ms, t.expires_ms,
           t.used_ms, t.used_address
         FROM api_token t JOIN account a ON a.id = t.account_id JOIN team m ON m.id = t.team_id
         LEFT JOIN project p ON p.id = t.project_id WHERE {filter} ORDER BY t.created_ms DESC, t.id"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(of).fetch_all(db).await?;
    let tokens = rows.iter().map(|row| {
        Ok(ApiToken {
            id: row.try_get("id")?,
            name: row.try_get("name")?,
            scope: Scope::from_name(row.try_get("scope")?),
            owner: row.try_get("email")?,
            team_id: row.try_get("team_id")?,
            team_name: row.try_get("team_name")?,
            project: row.try_get("slug")?,
            created_ms: row.try_get("created_ms")?,
            expires_ms: row.try_get("expires_ms")?,
            used_ms: row.try_get("used_ms")?,
            used_address: row.try_get("used_address")?,
        })
    });
    Ok(tokens.collect::<sqlx::Result<_>>()?)
}
