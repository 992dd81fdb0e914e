//! `GET /api/health`: whether the backend answers, and a little more for superusers.

use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use serde_json::json;

use super::request::Head;
use super::respond;
use crate::app::App;
use crate::client_address;
use crate::error::Result;

/// What large networks call the header with the client's address.
const KNOWN_HEADERS: [&str; 2] = ["CF-Connecting-IP", "Fly-Client-IP"];

/// Answers at once; reads the database only when a token is given.
pub async fn check(State(app): State<App>, head: Head) -> Result<Response> {
    let data = match is_superuser(&app, &head).await? {
        true => json!({
            "canBackup": app.backups().in_use().is_none(),
            "realIP": head.address.map(client_address::text).unwrap_or_default(),
            "possibleProxyHeader": proxy_header(&app.settings().trusted_proxy.headers, &head.headers),
        }),
        false => json!({}),
    };
    let answer = json!({ "message": "API is healthy.", "code": 200, "data": data });
    Ok(respond::json(answer.to_string().into_bytes()))
}

async fn is_superuser(app: &App, head: &Head) -> Result<bool> {
    if head.token.is_empty() {
        return Ok(false);
    }
    let (head, schema) = (head.clone(), app.schema());
    app.store().read(move |db| Ok(head.caller(db, &schema)?.is_superuser())).await
}

/// The header a proxy seems to tell the client's address in, trusted or not.
fn proxy_header<'a>(trusted: &'a [String], headers: &HeaderMap) -> &'a str {
    let candidates = trusted.iter().map(String::as_str).chain(KNOWN_HEADERS);
    let mut present = candidates.filter(|name| headers.get(*name).is_some_and(|value| !value.is_empty()));
    present.next().unwrap_or_default()
}
