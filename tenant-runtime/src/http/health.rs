//! `GET /api/health`: whether the backend answers, and a little more for superusers.

use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::request::Head;
use super::respond;
use crate::app::App;
use crate::error::Result;

/// Answers at once; reads the database only when a token is given.
pub async fn check(State(app): State<App>, head: Head) -> Result<Response> {
    let (is_superuser, real_ip) = if head.token.is_empty() {
        (false, None)
    } else {
        let schema = app.schema();
        app.store().read(move |db| Ok((head.caller(db, &schema)?.is_superuser(), head.address))).await?
    };
    let data = if is_superuser {
        let real_ip = real_ip.map(|address| address.to_string()).unwrap_or_default();
        json!({ "canBackup": app.backups().in_use().is_none(), "realIP": real_ip, "possibleProxyHeader": "" })
    } else {
        json!({})
    };
    let answer = json!({ "message": "API is healthy.", "code": 200, "data": data });
    Ok(respond::json(answer.to_string().into_bytes()))
}
