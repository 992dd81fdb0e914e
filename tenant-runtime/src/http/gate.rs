//! Who is let in before any endpoint looks at a request: superusers only from their addresses, nobody too often.
//!
//! Both are off unless the settings say otherwise; then this costs nothing.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::Method;
use http::request::Parts;
use percent_encoding::percent_decode_str;

use super::{real_ip, request};
use crate::app::App;
use crate::auth::{self, Caller};
use crate::client_address;
use crate::error::{ApiError, Result};
use crate::rate_limit::{self, Action, Asked};
use crate::schema::Collection;

/// Passes on what may come in.
pub async fn keep(State(app): State<App>, request: Request, next: Next) -> Response {
    let settings = app.settings();
    if settings.superuser_ips.is_empty() && !settings.rate_limits.enabled {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    match admit(&app, &parts).await {
        Ok(()) => next.run(Request::from_parts(parts, body)).await,
        Err(error) => error.into_response(),
    }
}

/// Refuses superusers who come from elsewhere than the settings list.
pub async fn check_superuser_address(app: &App, collection: &Collection, address: Option<IpAddr>) -> Result<()> {
    if !collection.is_superusers() || is_listed(app, address) {
        return Ok(());
    }
    // Whoever locked themselves out changes the list on the command line.
    app.reload_settings().await?;
    if is_listed(app, address) { Ok(()) } else { Err(ApiError::forbidden("").into()) }
}

/// Whether superusers may come from there.
pub fn is_listed(app: &App, address: Option<IpAddr>) -> bool {
    let listed = &app.settings().superuser_ips;
    listed.is_empty() || address.is_some_and(|address| client_address::is_among(listed, address))
}

async fn admit(app: &App, parts: &Parts) -> Result<()> {
    let address = real_ip::of(&parts.extensions);
    let caller = caller(app, parts).await?;
    if let Some(record) = caller.as_record() {
        check_superuser_address(app, record.collection(), address).await?;
    }
    let path = percent_decode_str(parts.uri.path()).decode_utf8_lossy();
    let pattern = parts.extensions.get::<MatchedPath>().map_or("", MatchedPath::as_str);
    let method = if parts.method == Method::HEAD { "GET" } else { parts.method.as_str() };
    let tags = tags(method, pattern);
    if tags.is_empty() {
        let asked = Asked { method: parts.method.as_str(), path: &path, action: None };
        return rate_limit::check(app, &asked, &caller, address);
    }
    // The endpoint says it better if there is no such collection.
    let Some(collection) = path.split('/').nth(3).and_then(|name| app.schema().find(name).map(Arc::clone)) else {
        return Ok(());
    };
    let action = Action { collection: &collection, tags, route: pattern };
    rate_limit::check(
        app,
        &Asked { method: parts.method.as_str(), path: &path, action: Some(action) },
        &caller,
        address,
    )
}

async fn caller(app: &App, parts: &Parts) -> Result<Caller> {
    let token = request::token(&parts.headers).to_owned();
    if token.is_empty() {
        return Ok(Caller::guest());
    }
    let schema = app.schema();
    let known = app.store().read(move |db| auth::authenticate(db, &schema, &token)).await?;
    Ok(known.map_or_else(Caller::guest, |(record, _)| Caller::record(record)))
}

/// What rate limits call the endpoints of collections.
fn tags(method: &str, pattern: &str) -> &'static [&'static str] {
    if pattern.starts_with("/api/files/{collection}/") {
        return &["file"];
    }
    let Some(rest) = pattern.strip_prefix("/api/collections/{collection}/") else { return &[] };
    match (method, rest) {
        ("GET", "records") => &["list"],
        ("GET", "records/{id}") => &["view"],
        ("POST", "records") => &["create"],
        ("PATCH", "records/{id}") => &["update"],
        ("DELETE", "records/{id}") => &["delete"],
        ("GET", "auth-methods") => &["listAuthMethods"],
        ("POST", "auth-with-password") => &["authWithPassword", "auth"],
        ("POST", "auth-with-oauth2") => &["authWithOAuth2", "auth"],
        ("POST", "auth-with-otp") => &["authWithOTP", "auth"],
        ("POST", "auth-refresh") => &["authRefresh"],
        ("POST", "request-otp") => &["requestOTP"],
        ("POST", "request-verification") => &["requestVerification"],
        ("POST", "confirm-verification") => &["confirmVerification"],
        ("POST", "request-password-reset") => &["requestPasswordReset"],
        ("POST", "confirm-password-reset") => &["confirmPasswordReset"],
        ("POST", "request-email-change") => &["requestEmailChange"],
        ("POST", "confirm-email-change") => &["confirmEmailChange"],
        _ => &[],
    }
}
