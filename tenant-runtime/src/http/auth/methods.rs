//! The ways to sign in that a collection offers.

use axum::extract::State;
use axum::response::Response;
use serde_json::{Value as Json, json};

use super::auth_collection;
use crate::app::App;
use crate::auth::oauth2::Provider;
use crate::error::Result;
use crate::http::path::Path;
use crate::http::respond;

/// `GET /api/collections/{collection}/auth-methods`
pub async fn methods(State(app): State<App>, Path(name): Path<String>) -> Result<Response> {
    let (_, options) = auth_collection(&app, &name)?;
    let password = &options.password_auth;
    let fields: &[String] = if password.enabled { &password.identity_fields } else { &[] };
    let has = |field: &str| fields.iter().any(|known| known == field);
    let duration = |enabled: bool, seconds: i64| if enabled { seconds } else { 0 };
    let providers: Vec<Json> = match options.oauth2.enabled {
        true => Provider::all(&options).iter().map(Provider::offer).collect(),
        false => Vec::new(),
    };
    let answer = json!({
        "password": { "identityFields": fields, "enabled": password.enabled },
        "oauth2": { "providers": providers, "enabled": options.oauth2.enabled },
        "mfa": { "enabled": options.mfa.enabled, "duration": duration(options.mfa.enabled, options.mfa.duration) },
        "otp": { "enabled": options.otp.enabled, "duration": duration(options.otp.enabled, options.otp.duration) },
        "authProviders": without_logos(&providers, options.oauth2.enabled),
        "usernamePassword": has("username"),
        "emailPassword": has("email"),
    });
    Ok(respond::json(answer.to_string().into_bytes()))
}

/// The same list as clients of long ago expect it.
fn without_logos(providers: &[Json], enabled: bool) -> Json {
    let without = |provider: &Json| {
        let mut provider = provider.clone();
        provider["logo"] = Json::from("");
        provider
    };
    if enabled { providers.iter().map(without).collect() } else { Json::Null }
}
