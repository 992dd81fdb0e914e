//! `/api/settings`, for superusers only.

use axum::extract::{Request, State};
use axum::response::Response;
use chrono::Utc;
use serde_json::{Map, Value as Json};

use super::body;
use super::form::Form;
use super::request::{Head, authorise_superuser};
use super::respond;
use crate::app::App;
use crate::auth::Occasion;
use crate::auth::oauth2::apple::ClientSecret;
use crate::error::{ApiError, Error, FieldError, Problems, Result};
use crate::files::Bucket;
use crate::json;
use crate::schema::SUPERUSERS;
use crate::schema::validate::limits;
use crate::settings::Settings;

const UNLOADABLE: &str = "An error occurred while loading the submitted data.";
const UNTESTED: &str = "Failed to test the S3 filesystem.";
const UNSENT: &str = "Failed to send the test email.";
const INVALID: &str = "An error occurred while saving the new settings.";

/// Of teams and of keys.
const APPLE_ID_LENGTH: usize = 10;
/// Half a year, in seconds.
const LONGEST_APPLE_SECRET: i64 = 15_777_000;

/// `GET /api/settings`
pub async fn view(State(app): State<App>, head: Head) -> Result<Response> {
    authorise_superuser(&app, &head).await?;
    Ok(shown(&app.settings()))
}

/// `PATCH /api/settings`
pub async fn update(State(app): State<App>, request: Request) -> Result<Response> {
    let given = submitted(&app, request).await?;
    let inner = app.clone();
    let saved = app
        .store()
        .write_alone(move |tx| {
            let settings = inner.settings().overlaid(&given).ok_or_else(|| ApiError::bad_request(UNLOADABLE))?;
            settings.problems().into_result().map_err(|error| error.or_bad_request(INVALID))?;
            inner.save_settings(tx, settings.clone())?;
            Ok(settings)
        })
        .await?;
    Ok(shown(&saved))
}

/// `POST /api/settings/test/email`: sends one of the mails accounts get, about an account that does not exist.
pub async fn test_email(State(app): State<App>, request: Request) -> Result<Response> {
    let given = submitted(&app, request).await?;
    let mut form = Form::new(&given);
    let (to, name, kind) = (form.email("email"), form.text("collection"), form.required("template"));
    let name = if name.is_empty() { SUPERUSERS } else { &name };
    let collection = app.schema().find(name).filter(|collection| collection.is_auth()).cloned();
    let occasion = Occasion::from_name(&kind);
    if occasion.is_none() {
        form.note("template", Err(FieldError::new("validation_in_invalid", "Must be a valid value.")));
    }
    if collection.is_none() {
        let message = "Must be a valid auth collection id or name.";
        form.note("collection", Err(FieldError::new("validation_invalid_auth_collection", message)));
    }
    form.finish_as(UNSENT)?;
    let (Some(collection), Some(occasion)) = (collection, occasion) else { return Err(Error::NotFound) };
    let mail = occasion.sample(&app, &collection, &to).map_err(|error| error.or_bad_request(UNSENT))?;
    app.send(&mail).await.map_err(|error| ApiError::bad_request(&format!("{UNSENT} Raw error: \n{error}")))?;
    Ok(respond::no_content())
}

/// `POST /api/settings/test/s3`: stores something in a bucket of the settings and removes it again.
pub async fn test_s3(State(app): State<App>, request: Request) -> Result<Response> {
    let given = submitted(&app, request).await?;
    let mut form = Form::new(&given);
    let filesystem = form.required("filesystem");
    if !["storage", "backups"].contains(&filesystem.as_str()) {
        form.note("filesystem", Err(FieldError::new("validation_in_invalid", "Must be a valid value.")));
    }
    form.finish_as(UNTESTED)?;
    let settings = app.settings();
    let s3 = if filesystem == "storage" { &settings.s3 } else { &settings.backups.s3 };
    let failed = |reason: &dyn std::fmt::Display| ApiError::bad_request(&format!("{UNTESTED} Raw error: \n{reason}"));
    if !s3.enabled {
        return Err(failed(&"S3 storage filesystem is not enabled").into());
    }
    let bucket = Bucket::new(s3, app.outbound()).map_err(|error| failed(&error))?;
    bucket.probe().await.map_err(|error| failed(&error))?;
    Ok(respond::no_content())
}

/// `POST /api/settings/apple/generate-client-secret`
pub async fn apple_client_secret(State(app): State<App>, request: Request) -> Result<Response> {
    let mut given = submitted(&app, request).await?;
    given.retain(|_, value| !value.is_null());
    let wanted: ClientSecret =
        serde_json::from_value(Json::Object(given)).map_err(|_| ApiError::bad_request(UNLOADABLE))?;
    let mut problems = Problems::new();
    problems.note("clientId", limits::required(&wanted.client_id));
    problems.note("teamId", limits::exactly(&wanted.team_id, APPLE_ID_LENGTH));
    problems.note("keyId", limits::exactly(&wanted.key_id, APPLE_ID_LENGTH));
    problems.note("privateKey", limits::required(&wanted.private_key));
    if !wanted.has_key() {
        problems.add("privateKey", FieldError::new("validation_match_invalid", "Must be in a valid format."));
    }
    problems.note("duration", limits::required_within(wanted.duration, 1, LONGEST_APPLE_SECRET));
    problems.into_result().map_err(|error| error.or_bad_request("Invalid client secret data."))?;
    let secret = wanted
        .sign(Utc::now().timestamp())
        .map_err(|error| ApiError::bad_request(&format!("Failed to generate client secret. Raw error: \n{error}")))?;
    Ok(respond::json(json::text(&serde_json::json!({ "secret": secret })).into_bytes()))
}

/// The keys a superuser sent.
async fn submitted(app: &App, request: Request) -> Result<Map<String, Json>> {
    let (mut parts, content) = request.into_parts();
    let head = Head::new(&mut parts);
    authorise_superuser(app, &head).await?;
    let submitted = body::read(app, &head, content, body::DEFAULT_LIMIT).await;
    Ok(submitted.map_err(|error| body::unreadable(error, UNLOADABLE))?.values)
}

fn shown(settings: &Settings) -> Response {
    respond::json(json::text(&settings.to_public_json()).into_bytes())
}
