//! The way to a provider and back, as a browser walks it. What has to match on the return waits in a cookie for that
//! alone, which is `Lax` because the way back begins on the provider's page.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::{Extension, Json};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use serde::Deserialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::super::sign_in::begin_session;
use super::super::tickets::{self, Purpose};
use super::super::tries::By;
use super::super::{Account, device, second_factor, store, unverified};
use super::NoWay;
use super::store::account_of;
use crate::audit;
use crate::clock::MINUTE;
use crate::error::{Error, ErrorBody, Result};
use crate::http::{Body, ClientAddress, Query};
use crate::session;
use crate::state::Platform;

/// How long somebody may stay at a provider's page.
const MINUTES: u32 = 10;

#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Return {
    code: String,
    state: String,
}

#[derive(Deserialize, ToSchema)]
struct Ticket {
    /// From the fragment of the sign-in page.
    token: String,
    /// From the device, or a recovery code.
    code: String,
}

/// The routes.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(go_to_provider))
        .routes(routes!(come_from_provider))
        .routes(routes!(finish_sign_in))
}

/// Sends a browser to a provider's page, or says at the sign-in page why not
#[utoipa::path(get, path = "/api/sign-in/{provider}", params(("provider" = String, Path)),
    responses((status = 303), (status = 404, body = ErrorBody)))]
async fn go_to_provider(State(platform): State<Platform>, Path(provider): Path<String>) -> Result<Response> {
    let journey = match platform.providers.journey(&provider, &return_url(&platform, &provider)).await {
        Ok(journey) => journey,
        Err(NoWay::Unknown) => return Err(Error::not_found("There is no such provider.")),
        Err(NoWay::Undescribed) => return Ok(Redirect::to("/login?trouble=provider_away").into_response()),
    };
    let kept = format!("{provider}.{}.{}", journey.state, journey.verifier);
    Ok((set_cookie(&platform, &kept, MINUTES * 60), Redirect::to(&journey.url)).into_response())
}

/// Signs in whom a provider sends back, or says at the sign-in page why not
#[utoipa::path(get, path = "/api/sign-in/{provider}/return",
    params(("provider" = String, Path), ("code" = String, Query), ("state" = String, Query)),
    responses((status = 303)))]
async fn come_from_provider(
    State(platform): State<Platform>,
    Extension(address): Extension<ClientAddress>,
    Path(provider): Path<String>,
    Query(given): Query<Return>,
    headers: HeaderMap,
) -> Response {
    let outcome = arrive(&platform, address, &provider, &given, &headers).await;
    let response = match outcome {
        Ok(response) => response,
        Err(Error::Refused { code, .. }) => Redirect::to(&format!("/login?trouble={code}")).into_response(),
        Err(error) => {
            tracing::warn!("signing in with {provider} failed: {error}");
            Redirect::to("/login?trouble=provider").into_response()
        }
    };
    (set_cookie(&platform, "", 0), response).into_response()
}

/// Signs in with a code from a device, after a provider said who it is
#[utoipa::path(post, path = "/api/session/second-factor", request_body = Ticket,
    responses((status = 200, body = Account), (status = 400, body = ErrorBody), (status = 429, body = ErrorBody)))]
async fn finish_sign_in(
    State(platform): State<Platform>,
    Extension(address): Extension<ClientAddress>,
    headers: HeaderMap,
    Body(given): Body<Ticket>,
) -> Result<Response> {
    platform.tries.count("sign-in", By::Place(address), 100, 15 * MINUTE)?;
    let invalid = || {
        let message = "This took too long. Please sign in again.";
        Error::refused(http::StatusCode::BAD_REQUEST, "invalid_token", message)
    };
    let db = platform.database.read();
    let id = tickets::owner(db, &given.token, Purpose::SecondFactor).await?.ok_or_else(invalid)?;
    let account = store::by_id(db, &id).await?.ok_or_else(invalid)?.account;
    second_factor::demand(&platform, &account, Some(&given.code)).await?;
    let mut tx = platform.database.begin().await?;
    tickets::redeem(&mut tx, &given.token, Purpose::SecondFactor).await?.ok_or_else(invalid)?;
    let cookie = begin_session(&platform, &mut tx, &id, &headers, address).await?;
    let line = format!("Signed in with a provider and {}", device::name(&headers));
    audit::note(&mut tx, Some(&id), None, "signed_in", &line).await?;
    tx.commit().await?;
    Ok(([(header::SET_COOKIE, cookie)], Json(account)).into_response())
}

async fn arrive(
    platform: &Platform,
    address: ClientAddress,
    provider: &str,
    given: &Return,
    headers: &HeaderMap,
) -> Result<Response> {
    let failed = || Error::refused(http::StatusCode::BAD_REQUEST, "provider", "Signing in there did not work.");
    platform.tries.count("sign-in", By::Place(address), 100, 15 * MINUTE)?;
    let kept = session::cookie(headers, cookie_name(platform)).unwrap_or_default();
    let mut kept = kept.splitn(3, '.');
    let (of, state, verifier) = (kept.next(), kept.next().unwrap_or_default(), kept.next().unwrap_or_default());
    let is_same = verify_slices_are_equal(state.as_bytes(), given.state.as_bytes()).is_ok() && !state.is_empty();
    if of != Some(provider) || !is_same || given.code.is_empty() {
        return Err(failed());
    }
    let found = platform.providers.profile(provider, &given.code, verifier, &return_url(platform, provider)).await;
    let (profile, label) = found.ok_or_else(failed)?;
    let mut tx = platform.database.begin().await?;
    let (id, is_proven_now) = account_of(platform, &mut tx, provider, &profile).await?;
    if second_factor::is_on(&mut tx, &id).await? {
        let secret = tickets::issue(&mut tx, &id, Purpose::SecondFactor).await?;
        tx.commit().await?;
        return Ok(Redirect::to(&format!("/login#{secret}")).into_response());
    }
    let cookie = begin_session(platform, &mut tx, &id, headers, address).await?;
    let line = format!("Signed in with {label} and {}", device::name(headers));
    audit::note(&mut tx, Some(&id), None, "signed_in", &line).await?;
    tx.commit().await?;
    platform.jobs.poke();
    if is_proven_now {
        unverified::lift(platform, &id).await?;
    }
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to("/projects")).into_response())
}

fn return_url(platform: &Platform, provider: &str) -> String {
    format!("{}/api/sign-in/{provider}/return", platform.urls.console())
}

fn cookie_name(platform: &Platform) -> &'static str {
    if platform.urls.is_secure() { "__Host-roost-sign-in" } else { "roost-sign-in" }
}

fn set_cookie(
    platform: &Platform,
    value: &str,
    seconds: u32,
) -> axum::response::AppendHeaders<[(HeaderName, HeaderValue); 1]> {
    let secure = if platform.urls.is_secure() { "; Secure" } else { "" };
    let name = cookie_name(platform);
    let cookie = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let cookie = HeaderValue::try_from(cookie).expect("a cookie of letters, digits and dots is a header");
    axum::response::AppendHeaders([(header::SET_COOKIE, cookie)])
}
