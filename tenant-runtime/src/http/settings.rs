//! `/api/settings`, for superusers only.

use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::{Map, Value as Json};

use super::body;
use super::form::Form;
use super::request::{Head, authorise_superuser};
use super::respond;
use crate::app::App;
use crate::auth::Occasion;
use crate::error::{ApiError, Error, FieldError, Result};
use crate::files::Bucket;
use crate::json;
use crate::schema::SUPERUSERS;
use crate::settings::Settings;

const UNLOADABLE: &str = "An error occurred while loading the submitted data.";
const UNTESTED: &str = "Failed to test the S3 filesystem.";
const UNSENT: &str = "Failed to send the test email.";
const INVALID: &str = "An error occurred while saving the new settings.";

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
            let settings =
                inner.settings().overlaid(&given).ok_or_else(|| ApiError::bad_request(UNLOADABLE))?;
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
