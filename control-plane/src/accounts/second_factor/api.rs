//! Switching a second factor on and off, and its recovery codes.

use axum::Json;
use axum::extract::State;
use http::StatusCode;
use qrcode::QrCode;
use qrcode::render::svg;
use serde::{Deserialize, Serialize};
use sqlx::{Any, Transaction};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::sign_in::prove_password;
use super::super::tries::By;
use super::{demand, store, totp, wrong_code};
use crate::audit;
use crate::clock::{self, MINUTE};
use crate::error::{Error, ErrorBody, Result};
use crate::http::Body;
use crate::session::Session;
use crate::state::Platform;

const RECOVERY_CODES: usize = 10;
/// 80 bits: more than anybody tries, even at the hashes.
const RECOVERY_CODE_LENGTH: usize = 16;

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct SecondFactor {
    on: bool,
    recovery_codes_left: i64,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Beginning {
    current_password: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct Proposal {
    /// For typing into a device.
    secret: String,
    /// For devices that open links.
    link: String,
    /// The link as a picture: an SVG document.
    qr: String,
}

#[derive(Deserialize, ToSchema)]
struct Code {
    code: String,
}

#[derive(Serialize, ToSchema)]
struct RecoveryCodes {
    /// Each signs in once. They are shown this once.
    codes: Vec<String>,
}

/// The routes.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(show_second_factor, begin_second_factor, end_second_factor))
        .routes(routes!(confirm_second_factor))
        .routes(routes!(renew_recovery_codes))
}

/// Whether a second factor is on
#[utoipa::path(get, path = "/api/account/second-factor",
    responses((status = 200, body = SecondFactor)))]
async fn show_second_factor(State(platform): State<Platform>, session: Session) -> Result<Json<SecondFactor>> {
    let left = store::recovery_codes_left(platform.database.read(), &session.account.id).await?;
    Ok(Json(SecondFactor { on: session.account.second_factor, recovery_codes_left: left }))
}

/// Proposes a secret for a device; nothing is asked for until a code of it is confirmed
#[utoipa::path(post, path = "/api/account/second-factor",
    request_body = Beginning,
    responses((status = 200, body = Proposal), (status = 400, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn begin_second_factor(
    State(platform): State<Platform>,
    session: Session,
    Body(given): Body<Beginning>,
) -> Result<Json<Proposal>> {
    prove_password(&platform, &session.account, given.current_password).await?;
    if session.account.second_factor {
        let message = "A second factor is on already. Switch it off to change the device.";
        return Err(Error::refused(StatusCode::CONFLICT, "second_factor_on", message));
    }
    let secret = totp::new_secret()?;
    store::propose(platform.database.write(), &session.account.id, &secret).await?;
    let issuer = format!("Roost {}", platform.config.console_host());
    let link = totp::link(&issuer, &session.account.email, &secret);
    let code = QrCode::new(&link).map_err(anyhow::Error::new)?;
    let qr = code.render::<svg::Color<'_>>().min_dimensions(192, 192).build();
    Ok(Json(Proposal { secret, link, qr }))
}

/// Switches the second factor on with a code from the device
#[utoipa::path(post, path = "/api/account/second-factor/confirm",
    request_body = Code, responses((status = 200, body = RecoveryCodes), (status = 400, body = ErrorBody)))]
async fn confirm_second_factor(
    State(platform): State<Platform>,
    session: Session,
    Body(given): Body<Code>,
) -> Result<Json<RecoveryCodes>> {
    let account = &session.account.id;
    platform.tries.count("second factor", By::Account(account), 10, 15 * MINUTE)?;
    let code: String = given.code.chars().filter(|c| !c.is_whitespace()).collect();
    let secret = store::secret(platform.database.read(), account, false).await?.ok_or_else(wrong_code)?;
    let step = totp::step_of(&secret, &code, clock::now_ms()).ok_or_else(wrong_code)?;
    let mut tx = platform.database.begin().await?;
    if !store::confirm(&mut tx, account, step).await? {
        return Err(wrong_code());
    }
    let codes = new_recovery_codes(&mut tx, account).await?;
    audit::note(&mut tx, Some(account), None, "second_factor_on", "Switched the second factor on").await?;
    tx.commit().await?;
    Ok(Json(codes))
}

/// Makes new recovery codes; the old ones stop working
#[utoipa::path(post, path = "/api/account/second-factor/recovery-codes", request_body = Code,
    responses((status = 200, body = RecoveryCodes), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn renew_recovery_codes(
    State(platform): State<Platform>,
    session: Session,
    Body(given): Body<Code>,
) -> Result<Json<RecoveryCodes>> {
    refuse_off(&session)?;
    demand(&platform, &session.account, Some(&given.code)).await?;
    let account = &session.account.id;
    let mut tx = platform.database.begin().await?;
    let codes = new_recovery_codes(&mut tx, account).await?;
    audit::note(&mut tx, Some(account), None, "recovery_codes", "Made new recovery codes").await?;
    tx.commit().await?;
    Ok(Json(codes))
}

/// Switches the second factor off
#[utoipa::path(delete, path = "/api/account/second-factor", request_body = Code,
    responses((status = 204), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn end_second_factor(
    State(platform): State<Platform>,
    session: Session,
    Body(given): Body<Code>,
) -> Result<StatusCode> {
    refuse_off(&session)?;
    demand(&platform, &session.account, Some(&given.code)).await?;
    let account = &session.account.id;
    let mut tx = platform.database.begin().await?;
    store::remove(&mut tx, account).await?;
    audit::note(&mut tx, Some(account), None, "second_factor_off", "Switched the second factor off").await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

fn refuse_off(session: &Session) -> Result<()> {
    if session.account.second_factor {
        return Ok(());
    }
    Err(Error::refused(StatusCode::CONFLICT, "second_factor_off", "No second factor is on."))
}

/// New codes in groups of four; what is kept are hashes of them without the dashes.
async fn new_recovery_codes(tx: &mut Transaction<'static, Any>, account: &str) -> Result<RecoveryCodes> {
    let codes = (0..RECOVERY_CODES).map(|_| totp::random_base32(RECOVERY_CODE_LENGTH));
    let codes = codes.collect::<anyhow::Result<Vec<String>>>()?;
    store::set_recovery_codes(tx, account, &codes).await?;
    let grouped = |code: &String| format!("{}-{}-{}-{}", &code[..4], &code[4..8], &code[8..12], &code[12..]);
    Ok(RecoveryCodes { codes: codes.iter().map(grouped).collect() })
}
