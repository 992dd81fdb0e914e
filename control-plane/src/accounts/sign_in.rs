//! Signing in and out, and the list of where one is signed in.

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::{Deserialize, Serialize};
use sqlx::{Any, Transaction};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::sessions::{self, ShownSession};
use super::tries::By;
use super::{Account, Email, device, second_factor, store};
use crate::audit;
use crate::clock::MINUTE;
use crate::error::{Error, ErrorBody, Result};
use crate::http::{Body, ClientAddress};
use crate::session::{self, Session};
use crate::state::Platform;

#[derive(Deserialize, ToSchema)]
struct Credentials {
    email: String,
    password: String,
    /// From the device, or a recovery code: asked for with `second_factor_required`.
    code: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct SessionList {
    items: Vec<ShownSession>,
}

/// The routes.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(sign_in, sign_out))
        .routes(routes!(list_sessions, end_other_sessions))
        .routes(routes!(end_session))
}

/// Signs in
#[utoipa::path(post, path = "/api/session", request_body = Credentials,
    responses((status = 200, body = Account), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 429, body = ErrorBody)))]
async fn sign_in(
    State(platform): State<Platform>,
    Extension(address): Extension<ClientAddress>,
    headers: HeaderMap,
    Body(given): Body<Credentials>,
) -> Result<Response> {
    let wrong = || {
        let message = "The mail address or the password is wrong.";
        Error::refused(StatusCode::BAD_REQUEST, "wrong_credentials", message)
    };
    let email: Email = given.email.parse()?;
    platform.tries.count("sign-in", By::Place(address), 100, 15 * MINUTE)?;
    platform.tries.count("sign-in", By::Typed(&from(address, email.as_str())), 10, 15 * MINUTE)?;
    let db = platform.database.read();
    let stored = store::by_email(db, &email).await?;
    // Whoever guesses from many places guesses at one account all the same. Its people must get in nevertheless.
    let is_at_home = match &stored {
        Some(stored) => sessions::is_at(db, &stored.account.id, address).await?,
        None => false,
    };
    if !is_at_home {
        let tries = By::account_or_typed(stored.as_ref(), &email);
        platform.tries.count("sign-in", tries, 100, 15 * MINUTE)?;
    }
    let hash = stored.as_ref().map(|stored| stored.password_hash.clone());
    if !platform.hashing.verify(given.password, hash).await? {
        return Err(wrong());
    }
    let account = stored.ok_or_else(wrong)?.account;
    forget_tries(&platform, &account, address);
    second_factor::demand(&platform, &account, given.code.as_deref()).await?;
    let mut tx = platform.database.begin().await?;
    let cookie = begin_session(&platform, &mut tx, &account.id, &headers, address).await?;
    let line = format!("Signed in with {}", device::name(&headers));
    audit::note(&mut tx, Some(&account.id), None, "signed_in", &line).await?;
    tx.commit().await?;
    Ok(([(header::SET_COOKIE, cookie)], Json(account)).into_response())
}

/// Signs out
#[utoipa::path(delete, path = "/api/session", responses((status = 204), (status = 401, body = ErrorBody)))]
async fn sign_out(State(platform): State<Platform>, session: Session) -> Result<(StatusCode, HeaderMap)> {
    let mut tx = platform.database.begin().await?;
    sessions::end(&mut tx, &session.account.id, sessions::public_id(session.hash.as_deref().unwrap_or_default()))
        .await?;
    tx.commit().await?;
    let cookie = session::clear_cookie(&platform);
    Ok((StatusCode::NO_CONTENT, HeaderMap::from_iter([(header::SET_COOKIE, cookie)])))
}

/// Where the account is signed in
#[utoipa::path(get, path = "/api/account/sessions", responses((status = 200, body = SessionList)))]
async fn list_sessions(State(platform): State<Platform>, session: Session) -> Result<Json<SessionList>> {
    let db = platform.database.read();
    Ok(Json(SessionList { items: sessions::of_account(db, &session.account.id, session.hash.as_deref()).await? }))
}

/// Ends all sessions but the one that asks
#[utoipa::path(delete, path = "/api/account/sessions", responses((status = 204)))]
async fn end_other_sessions(State(platform): State<Platform>, session: Session) -> Result<StatusCode> {
    let account = &session.account.id;
    let mut tx = platform.database.begin().await?;
    if sessions::end_all(&mut tx, account, session.hash.as_deref()).await? > 0 {
        audit::note(&mut tx, Some(account), None, "sessions_ended", "Ended all other sessions").await?;
    }
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one session
#[utoipa::path(delete, path = "/api/account/sessions/{id}", params(("id" = String, Path)),
    responses((status = 204), (status = 404, body = ErrorBody)))]
async fn end_session(State(platform): State<Platform>, session: Session, Path(id): Path<String>) -> Result<StatusCode> {
    let account = &session.account.id;
    let mut tx = platform.database.begin().await?;
    if !sessions::end(&mut tx, account, &id).await? {
        return Err(Error::not_found("There is no such session."));
    }
    audit::note(&mut tx, Some(account), None, "session_ended", "Ended a session on another device").await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Begins a session; the answer is the cookie to set.
pub async fn begin_session(
    platform: &Platform,
    tx: &mut Transaction<'static, Any>,
    account: &str,
    headers: &HeaderMap,
    address: ClientAddress,
) -> Result<HeaderValue> {
    let secret = sessions::begin(tx, account, headers, address).await?;
    Ok(session::set_cookie(platform, &secret))
}

/// Forgets who tried in vain to sign in to an account, from here or from many places: whoever is here may.
pub fn forget_tries(platform: &Platform, account: &Account, address: ClientAddress) {
    platform.tries.forget("sign-in", By::Typed(&from(address, &account.email)));
    platform.tries.forget("sign-in", By::Account(&account.id));
}

/// What tries to sign in from one place to one account are counted by.
fn from(address: ClientAddress, email: &str) -> String {
    format!("{email} from {}", address.place())
}

/// Asks for the password again, so that nobody at an unlocked screen takes an account over. Accounts without one pass.
///
/// # Errors
/// `wrong_password`; 429 after too many tries.
pub async fn prove_password(platform: &Platform, account: &Account, given: Option<String>) -> Result<()> {
    if !account.has_password {
        return Ok(());
    }
    let tries = By::Account(&account.id);
    platform.tries.count("password", tries, 10, 15 * MINUTE)?;
    let stored = store::by_id(platform.database.read(), &account.id).await?.map(|stored| stored.password_hash);
    if !platform.hashing.verify(given.unwrap_or_default(), stored).await? {
        return Err(Error::field("currentPassword", "wrong_password", "This is not your current password."));
    }
    platform.tries.forget("password", tries);
    Ok(())
}
