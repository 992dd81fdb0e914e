//! Signing up, in and out, and what comes by mail.

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use http::{HeaderMap, StatusCode, header};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::sign_in::{begin_session, forget_tries, prove_password};
use super::tickets::{self, Purpose};
use super::tries::By;
use super::{Account, Email, Password, second_factor, store, take_over, unverified};
use crate::audit;
use crate::clock::{HOUR, MINUTE};
use crate::config::SignUp;
use crate::error::{Error, ErrorBody, Result};
use crate::http::{Body, ClientAddress};
use crate::mail::{self, Mail};
use crate::session::Session;
use crate::state::Platform;
use crate::teams::invitations;

const LONGEST_NAME: usize = 80;

/// The routes.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(sign_up))
        .routes(routes!(show_account, change_account))
        .routes(routes!(request_email))
        .routes(routes!(confirm_email))
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
    /// The secret of an invitation to a team, which also opens the door where sign-up is by invitation.
    invitation: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct AccountChange {
    name: Option<String>,
    password: Option<String>,
    current_password: Option<String>,
    /// From the device, if a second factor is on and the password changes.
    code: Option<String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct NewAddress {
    email: String,
    current_password: Option<String>,
    /// From the device, if a second factor is on.
    code: Option<String>,
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
    headers: HeaderMap,
    Body(new): Body<NewAccount>,
) -> Result<Response> {
    platform.tries.count("sign-up", By::Place(address), 20, HOUR)?;
    let email: Email = new.email.parse()?;
    let password: Password = new.password.parse()?;
    let name = parse_name(&new.name)?;
    refuse_uninvited(&platform, &email, new.invitation.as_deref()).await?;
    let hash = platform.hashing.hash(password.as_str().to_owned()).await?;
    let mut tx = platform.database.begin().await?;
    let mut account = store::create(&mut tx, &email, &name, &hash, platform.config.dev).await?;
    let cookie = begin_session(&platform, &mut tx, &account.id, &headers, address).await?;
    audit::note(&mut tx, Some(&account.id), None, "signed_up", "Opened the account").await?;
    match new.invitation {
        // Whoever has the secret read the mail.
        Some(secret) => {
            invitations::accept(&mut tx, &secret, &account).await?;
            store::verify(&mut tx, &account.id).await?;
            account.verified = true;
        }
        None => {
            let secret = tickets::issue(&mut tx, &account.id, Purpose::Verify).await?;
            mail::enqueue(&mut tx, &Mail::verification(&platform, &account, &secret)).await?;
        }
    }
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
    let name = change.name.as_deref().map(parse_name).transpose()?;
    if let Some(password) = change.password {
        let password: Password = password.parse()?;
        prove_password(&platform, &session.account, change.current_password).await?;
        second_factor::demand(&platform, &session.account, change.code.as_deref()).await?;
        let hash = platform.hashing.hash(password.as_str().to_owned()).await?;
        let mut tx = platform.database.begin().await?;
        store::set_password(&mut tx, id, &hash, session.hash.as_deref()).await?;
        audit::note(&mut tx, Some(id), None, "password_changed", "Changed the password").await?;
        tx.commit().await?;
    }
    if let Some(name) = name {
        store::rename(platform.database.write(), id, &name).await?;
    }
    let stored = store::by_id(platform.database.write(), id).await?;
    Ok(Json(stored.ok_or_else(|| Error::not_found("There is no such account."))?.account))
}

/// Sends the verification mail again
#[utoipa::path(post, path = "/api/verification", responses((status = 204), (status = 429, body = ErrorBody)))]
async fn send_verification(State(platform): State<Platform>, session: Session) -> Result<StatusCode> {
    if session.account.verified {
        return Ok(StatusCode::NO_CONTENT);
    }
    platform.tries.count("verification", By::Account(&session.account.id), 1, MINUTE)?;
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
    unverified::lift(&platform, &id).await?;
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
    platform.tries.count("reset", By::Place(address), 20, HOUR)?;
    let stored = store::by_email(platform.database.read(), &email).await?;
    platform.tries.count("reset", By::account_or_typed(stored.as_ref(), &email), 3, 15 * MINUTE)?;
    if let Some(stored) = stored {
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
async fn confirm_reset(
    State(platform): State<Platform>,
    Extension(address): Extension<ClientAddress>,
    Body(given): Body<NewPassword>,
) -> Result<StatusCode> {
    let password: Password = given.password.parse()?;
    let hash = platform.hashing.hash(password.as_str().to_owned()).await?;
    let mut tx = platform.database.begin().await?;
    let id = tickets::redeem(&mut tx, &given.token, Purpose::Reset).await?.ok_or_else(invalid_token)?;
    // Whoever read the mail owns the address.
    let is_proven_now = take_over(&mut tx, &platform.urls, &id).await?;
    store::set_password(&mut tx, &id, &hash, None).await?;
    audit::note(&mut tx, Some(&id), None, "password_changed", "Set a new password with a link from a mail").await?;
    tx.commit().await?;
    platform.jobs.poke();
    if is_proven_now {
        unverified::lift(&platform, &id).await?;
    }
    if let Some(stored) = store::by_id(platform.database.write(), &id).await? {
        forget_tries(&platform, &stored.account, address);
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a mail to a new address, with which it becomes the account's
#[utoipa::path(post, path = "/api/account/email", request_body = NewAddress,
    responses((status = 204), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn request_email(
    State(platform): State<Platform>,
    session: Session,
    Body(given): Body<NewAddress>,
) -> Result<StatusCode> {
    let email: Email = given.email.parse()?;
    prove_password(&platform, &session.account, given.current_password).await?;
    second_factor::demand(&platform, &session.account, given.code.as_deref()).await?;
    platform.tries.count("email", By::Account(&session.account.id), 5, HOUR)?;
    // A taken address gets no mail, and nobody is told that it is taken.
    if store::by_email(platform.database.read(), &email).await?.is_none() {
        let mut tx = platform.database.begin().await?;
        let id = &session.account.id;
        let secret = tickets::issue_about(&mut tx, id, Purpose::Email, Some(email.as_str())).await?;
        mail::enqueue(&mut tx, &Mail::new_address(&platform, &email, &secret)).await?;
        let line = format!("Asked for {email} as the mail address");
        audit::note(&mut tx, Some(id), None, "email_asked", &line).await?;
        tx.commit().await?;
        platform.jobs.poke();
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Makes the new address the account's, with the secret from the mail
#[utoipa::path(post, path = "/api/account/email/confirm", request_body = Token,
    responses((status = 200, body = Account), (status = 400, body = ErrorBody)))]
async fn confirm_email(State(platform): State<Platform>, Body(given): Body<Token>) -> Result<Json<Account>> {
    let db = platform.database.read();
    let owner = tickets::owner(db, &given.token, Purpose::Email).await?.ok_or_else(invalid_token)?;
    let before = store::by_id(db, &owner).await?.ok_or_else(invalid_token)?.account;
    let mut tx = platform.database.begin().await?;
    let found = tickets::redeem_about(&mut tx, &given.token, Purpose::Email).await?;
    let (id, email) = found.ok_or_else(invalid_token)?;
    let email: Email = email.unwrap_or_default().parse()?;
    store::set_email(&mut tx, &id, &email).await?;
    mail::enqueue(&mut tx, &Mail::address_changed(&platform, &before, &email)).await?;
    let line = format!("The mail address is {email} now");
    audit::note(&mut tx, Some(&id), None, "email_changed", &line).await?;
    tx.commit().await?;
    unverified::lift(&platform, &id).await?;
    platform.jobs.poke();
    let stored = store::by_id(platform.database.write(), &id).await?;
    Ok(Json(stored.ok_or_else(invalid_token)?.account))
}

/// Refuses who may not open an account: everybody, or whom nobody invited.
async fn refuse_uninvited(platform: &Platform, email: &Email, invitation: Option<&str>) -> Result<()> {
    let refused = |code, message| Err(Error::refused(StatusCode::FORBIDDEN, code, message));
    if platform.config.sign_up == SignUp::Closed {
        return refused("sign_up_closed", "This installation does not take new accounts. Ask its operator.");
    }
    let Some(secret) = invitation else {
        return match platform.config.sign_up {
            SignUp::Invite => refused("invitation_needed", "This installation takes new accounts by invitation only."),
            _ => Ok(()),
        };
    };
    let invitation = invitations::by_secret(platform.database.read(), secret).await?;
    if invitation.email != email.as_str() {
        return Err(Error::field("email", "other_address", "Please use the address the invitation was sent to."));
    }
    Ok(())
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
