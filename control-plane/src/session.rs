//! Who is at the console: a session in an HttpOnly cookie, and proof that a change comes from the console itself.
//!
//! Projects are *same-site* with the console, so `SameSite` is no defence: a page of a project could send requests with
//! the cookie. Every change therefore has to come from the console's own origin, which browsers state and pages cannot
//! forge.

use axum::extract::FromRequestParts;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use sqlx::{Any, Transaction};

use crate::accounts::{Account, store, tickets};
use crate::clock::{self, DAY};
use crate::error::{Error, Result};
use crate::state::Platform;

const DAYS: u32 = 30;

/// The signed-in account.
pub struct Session {
    /// Who.
    pub account: Account,
    /// The hash under which the session is kept.
    pub token_hash: String,
}

impl FromRequestParts<Platform> for Session {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, platform: &Platform) -> Result<Session> {
        let not_signed_in = || Error::refused(StatusCode::UNAUTHORIZED, "not_signed_in", "Please sign in.");
        let secret = cookie(&parts.headers, platform.urls.cookie_name()).ok_or_else(not_signed_in)?;
        let token_hash = tickets::digest(secret);
        let found: Option<String> =
            sqlx::query_scalar("SELECT account_id FROM session WHERE token_hash = $1 AND expires_ms > $2")
                .bind(&token_hash)
                .bind(clock::now_ms())
                .fetch_optional(platform.database.read())
                .await?;
        let id = found.ok_or_else(not_signed_in)?;
        let account = store::by_id(platform.database.read(), &id).await?.ok_or_else(not_signed_in)?.account;
        Ok(Session { account, token_hash })
    }
}

/// Begins a session; the answer is the cookie to set.
pub async fn begin(platform: &Platform, tx: &mut Transaction<'static, Any>, account: &str) -> Result<HeaderValue> {
    let secret = tenant_runtime::random_key(40);
    let now = clock::now_ms();
    sqlx::query("DELETE FROM session WHERE expires_ms <= $1").bind(now).execute(&mut **tx).await?;
    sqlx::query("INSERT INTO session (token_hash, account_id, created_ms, expires_ms) VALUES ($1, $2, $3, $4)")
        .bind(tickets::digest(&secret))
        .bind(account)
        .bind(now)
        .bind(now + clock::millis(DAY * DAYS))
        .execute(&mut **tx)
        .await?;
    Ok(set_cookie(platform, &secret, i64::from(DAYS) * 24 * 60 * 60))
}

/// Ends a session; the answer is the cookie that removes it from the browser.
pub async fn end(platform: &Platform, token_hash: &str) -> Result<HeaderValue> {
    sqlx::query("DELETE FROM session WHERE token_hash = $1")
        .bind(token_hash)
        .execute(platform.database.write())
        .await?;
    Ok(set_cookie(platform, "", 0))
}

/// Refuses changes made with a session that do not come from the console itself. Programs send its `Origin`.
pub async fn same_origin(
    axum::extract::State(platform): axum::extract::State<Platform>,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if reads || is_own(&platform, request.headers()) {
        return next.run(request).await;
    }
    Error::refused(StatusCode::FORBIDDEN, "cross_site", "This request did not come from the console.").into_response()
}

fn is_own(platform: &Platform, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) if site != "same-origin" => false,
        (_, Some(origin)) => origin == platform.urls.console(),
        (Some(_), None) => true,
        // A program without a session has nothing a page could abuse.
        (None, None) => cookie(headers, platform.urls.cookie_name()).is_none(),
    }
}

fn set_cookie(platform: &Platform, secret: &str, seconds: i64) -> HeaderValue {
    let secure = if platform.urls.is_secure() { "; Secure" } else { "" };
    let name = platform.urls.cookie_name();
    let cookie = format!("{name}={secret}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::try_from(cookie).expect("a cookie of letters and digits is a header")
}

fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}
