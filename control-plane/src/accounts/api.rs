//! Signing up, in and out, and what comes by mail.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::tickets::{self, Purpose};
use super::{Account, Email, Password, store};
use crate::clock::{HOUR, MINUTE};
use crate::config::SignUp;
use crate::error::{Error, ErrorBody, Result};
use crate::http::{Body, ClientAddress};
use crate::mail::{self, Mail};
use crate::session::{self, Session};
use crate::state::Platform;

const LONGEST_NAME: usize = 80;

/// The routes.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(sign_up))
        .routes(routes!(show_account, change_account))
        .routes(routes!(sign_in, sign_out))
        .routes(routes!(send_verification))
        .routes(routes!(confirm_verification))
        .routes(routes!(request_reset))
        .routes(routes!(confirm_reset))
}

#[derive(Deserialize, ToSchema)]
struct NewAccount {
    email: String,
    password: String,
    #[serde(default)]
    name: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AccountChange {
    name: Option<String>,
    password: Option<String>,
    current_password: Option<String>,
}

#[derive(Deserialize, ToSchema)]
struct Credentials {
    email: String,
    password: String,
}

#[derive(Deserialize, ToSchema)]
struct Token {
    token: String,
}

#[derive(Deserialize, ToSchema)]
struct Address {
    email: String,
}

#[derive(Deserialize, ToSchema)]
struct NewPassword {
    token: String,
    password: String,
}

/// Opens an account and signs in
#[utoipa::path(post, path = "/api/accounts", request_body = NewAccount,
    responses((status = 201, body = Account), (status = 400, body = ErrorBody)))]
async fn sign_up(
    State(platform): State<Platform>,
    Extension(address): Extension<ClientAddress>,
    Body(new): Body<NewAccount>,
) -> Result<Response> {
    if platform.config.sign_up != SignUp::Open {
        let message = "This installation does not take new accounts. Ask its operator.";
        return Err(Error::refused(StatusCode::FORBIDDEN, "sign_up_closed", message));
    }
    platform.tries.count(format!("sign-up {address}"), 20, HOUR)?;
    let email: Email = new.email.parse()?;
    let password: Password = new.password.parse()?;
    let name = parse_name(&new.name)?;
    let hash = platform.hashing.hash(password.as_str().to_owned()).await?;
    let mut tx = platform.database.begin().await?;
    let account = store::create(&mut tx, &email, &name, &hash, platform.config.dev).await?;
    let cookie = session::begin(&platform, &mut tx, &account.id).await?;
    let secret = tickets::issue(&mut tx, &account.id, Purpose::Verify).await?;
    mail::enqueue(&mut tx, &Mail::verification(&platform, &account, &secret)).await?;
    tx.commit().await?;
    platform.jobs.poke();
    Ok((StatusCode::CREATED, [(header::SET_COOKIE, cookie)], Json(account)).into_response())
}

/// The signed-in account
#[utoipa::path(get, path = "/api/account", responses((status = 200, body = Account), (status = 401, body = ErrorBody)))]
async fn show_account(session: Session) -> Json<Account> {
    Json(session.account)
}

/// Changes the name or the password
#[utoipa::path(patch, path = "/api/account", request_body = AccountChange,
    responses((status = 200, body = Account), (status = 400, body = ErrorBody), (status = 401, body = ErrorBody)))]
async fn change_account(
    State(platform): State<Platform>,
    session: Session,
    Body(change): Body<AccountChange>,
) -> Result<Json<Account>> {
    let id = &session.account.id;
    if let Some(password) = change.password {
        let password: Password = password.parse()?;
        platform.tries.count(format!("password {id}"), 10, 15 * MINUTE)?;
        let stored = store::by_id(platform.database.read(), id).await?.map(|stored| stored.password_hash);
        if !platform.hashing.verify(change.current_password.unwrap_or_default(), stored).await? {
            return Err(Error::field("currentPassword", "wrong_password", "This is not your current password."));
        }
        let hash = platform.hashing.hash(password.as_str().to_owned()).await?;
        let mut tx = platform.database.begin().await?;
        store::set_password(&mut tx, id, &hash, Some(&session.token_hash)).await?;
        tx.commit().await?;
    }
    if let Some(name) = change.name {
        store::rename(platform.database.write(), id, &parse_name(&name)?).await?;
    }
    let stored = store::by_id(platform.database.write(), id).await?;
    Ok(Json(stored.ok_or_else(|| Error::not_found("There is no such account."))?.account))
}

/// Signs in
#[utoipa::path(post, path = "/api/session", request_body = Credentials,
    responses((status = 200, body = Account), (status = 400, body = ErrorBody), (status = 429, body = ErrorBody)))]
async fn sign_in(
    State(platform): State<Platform>,
    Extension(address): Extension<ClientAddress>,
    Body(given): Body<Credentials>,
) -> Result<Response> {
    let wrong = || {
        let message = "The mail address or the password is wrong.";
        Error::refused(StatusCode::BAD_REQUEST, "wrong_credentials", message)
    };
    let email: Email = given.email.parse()?;
    let key = format!("sign-in {email} {address}");
    platform.tries.count(key.clone(), 10, 15 * MINUTE)?;
    platform.tries.count(format!("sign-in {address}"), 100, 15 * MINUTE)?;
    let stored = store::by_email(platform.database.read(), &email).await?;
    let hash = stored.as_ref().map(|stored| stored.password_hash.clone());
    if !platform.hashing.verify(given.password, hash).await? {
        return Err(wrong());
    }
    platform.tries.forget(&key);
    let account = stored.ok_or_else(wrong)?.account;
    let mut tx = platform.database.begin().await?;
    let cookie = session::begin(&platform, &mut tx, &account.id).await?;
    tx.commit().await?;
    Ok(([(header::SET_COOKIE, cookie)], Json(account)).into_response())
}

/// Signs out
#[utoipa::path(delete, path = "/api/session", responses((status = 204), (status = 401, body = ErrorBody)))]
async fn sign_out(State(platform): State<Platform>, session: Session) -> Result<(StatusCode, HeaderMap)> {
    let cookie = session::end(&platform, &session.token_hash).await?;
    Ok((StatusCode::NO_CONTENT, HeaderMap::from_iter([(header::SET_COOKIE, cookie)])))
}

/// Sends the verification mail again
#[utoipa::path(post, path = "/api/verification", responses((status = 204), (status = 429, body = ErrorBody)))]
async fn send_verification(State(platform): State<Platform>, session: Session) -> Result<StatusCode> {
    if session.account.verified {
        return Ok(StatusCode::NO_CONTENT);
    }
    platform.tries.count(format!("verification {}", session.account.id), 1, MINUTE)?;
    let mut tx = platform.database.begin().await?;
    let secret = tickets::issue(&mut tx, &session.account.id, Purpose::Verify).await?;
    mail::enqueue(&mut tx, &Mail::verification(&platform, &session.account, &secret)).await?;
    tx.commit().await?;
    platform.jobs.poke();
    Ok(StatusCode::NO_CONTENT)
}

/// Proves a mail address with the secret from the mail
#[utoipa::path(post, path = "/api/verification/confirm", request_body = Token,
    responses((status = 200, body = Account), (status = 400, body = ErrorBody)))]
async fn confirm_verification(State(platform): State<Platform>, Body(given): Body<Token>) -> Result<Json<Account>> {
    let mut tx = platform.database.begin().await?;
    let id = tickets::redeem(&mut tx, &given.token, Purpose::Verify).await?.ok_or_else(invalid_token)?;
    store::verify(&mut tx, &id).await?;
    tx.commit().await?;
    let stored = store::by_id(platform.database.write(), &id).await?;
    Ok(Json(stored.ok_or_else(invalid_token)?.account))
}

/// Sends a mail with which a new password can be chosen, if there is such an account
#[utoipa::path(post, path = "/api/password-reset", request_body = Address,
    responses((status = 204), (status = 429, body = ErrorBody)))]
async fn request_reset(
    State(platform): State<Platform>,
    Extension(address): Extension<ClientAddress>,
    Body(given): Body<Address>,
) -> Result<StatusCode> {
    let email: Email = given.email.parse()?;
    platform.tries.count(format!("reset {address}"), 20, HOUR)?;
    platform.tries.count(format!("reset {email}"), 3, 15 * MINUTE)?;
    if let Some(stored) = store::by_email(platform.database.read(), &email).await? {
        let mut tx = platform.database.begin().await?;
        let secret = tickets::issue(&mut tx, &stored.account.id, Purpose::Reset).await?;
        mail::enqueue(&mut tx, &Mail::reset(&platform, &stored.account, &secret)).await?;
        tx.commit().await?;
        platform.jobs.poke();
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Sets a new password with the secret from the mail, and ends all sessions
#[utoipa::path(post, path = "/api/password-reset/confirm", request_body = NewPassword,
    responses((status = 204), (status = 400, body = ErrorBody)))]
async fn confirm_reset(State(platform): State<Platform>, Body(given): Body<NewPassword>) -> Result<StatusCode> {
    let password: Password = given.password.parse()?;
    let hash = platform.hashing.hash(password.as_str().to_owned()).await?;
    let mut tx = platform.database.begin().await?;
    let id = tickets::redeem(&mut tx, &given.token, Purpose::Reset).await?.ok_or_else(invalid_token)?;
    store::set_password(&mut tx, &id, &hash, None).await?;
    // Whoever read the mail owns the address.
    store::verify(&mut tx, &id).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn invalid_token() -> Error {
    let message = "This link has been used or is too old. Please ask for a new one.";
    Error::refused(StatusCode::BAD_REQUEST, "invalid_token", message)
}

fn parse_name(text: &str) -> Result<String> {
    let name = text.trim();
    if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(Error::field("name", "too_long", format!("Please use at most {LONGEST_NAME} characters.")));
    }
    Ok(name.to_owned())
}
