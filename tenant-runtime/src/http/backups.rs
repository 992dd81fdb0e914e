//! `/api/backups`: for superusers. Downloads take a file token, since a browser follows them as plain links.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use chrono::Utc;
use http::Method;
use serde_json::{Map, Value as Json};

use super::body;
use super::file_answer;
use super::gate;
use super::request::{Head, authorise_superuser};
use super::respond;
use crate::app::App;
use crate::auth;
use crate::backups::{self, Failure, Key};
use crate::error::{ApiError, Error, FieldError, Problems, Result};
use crate::files::Upload;
use crate::http::path::Path;

const UNREADABLE: &str = "An error occurred while loading the submitted data.";
const INVALID: &str = "An error occurred while validating the submitted data.";
const NOT_CREATED: &str = "Failed to create backup.";
const NOT_UPLOADED: &str = "Failed to upload backup.";
const LONGEST_NAME: usize = 150;
const ARCHIVE: &str = "application/zip";

/// `GET /api/backups`
pub async fn list(State(app): State<App>, head: Head) -> Result<Response> {
    authorise_superuser(&app, &head).await?;
    let backups = backups::list(&app).await?;
    Ok(respond::json(serde_json::to_vec(&backups).map_err(anyhow::Error::new)?))
}

/// `POST /api/backups`
pub async fn create(State(app): State<App>, request: Request) -> Result<Response> {
    let (mut parts, content) = request.into_parts();
    let head = Head::new(&mut parts);
    authorise_superuser(&app, &head).await?;
    let submitted = body::read(&app, &head, content, body::DEFAULT_LIMIT).await;
    let values = submitted.map_err(|_| ApiError::bad_request(UNREADABLE))?.values;
    let key = match name(&values)? {
        "" => backups::default_key(&app, Utc::now())?,
        name => checked(&app, name).await?,
    };
    backups::create(&app, key).await.map_err(|error| error.or_bad_request(NOT_CREATED))?;
    Ok(respond::no_content())
}

/// `POST /api/backups/upload`
pub async fn upload(State(app): State<App>, request: Request) -> Result<Response> {
    let (mut parts, content) = request.into_parts();
    let head = Head::new(&mut parts);
    authorise_superuser(&app, &head).await?;
    let submitted = body::read(&app, &head, content, u64::MAX).await;
    let uploads = submitted.map_err(|error| match error {
        Error::Full(_) => error,
        _ => ApiError::bad_request(UNREADABLE).into(),
    });
    let uploads = uploads?.uploads;
    let upload = uploads.into_iter().find(|(field, _)| field == "file").map(|(_, upload)| upload);
    let upload = upload.ok_or_else(|| unfit("file", FieldError::required()))?;
    let key = check_upload(&app, &upload).await?;
    match backups::take_in(&app, key, upload).await {
        Ok(()) => Ok(respond::no_content()),
        Err(Failure::Engine(error)) => Err(error.or_bad_request(NOT_UPLOADED)),
        Err(Failure::Unfit(reason)) => {
            let text = format!("The file is no backup that could be restored: {reason}.");
            Err(unfit("file", FieldError::new("validation_invalid_backup", &text)).into())
        }
    }
}

/// `GET /api/backups/{key}`
pub async fn download(State(app): State<App>, Path(key): Path<String>, head: Head) -> Result<Response> {
    let (token, schema) = (head.parameter("token").unwrap_or_default().to_owned(), app.schema());
    let bearer = app.store().read(move |db| auth::authenticate_file_token(db, &schema, &token)).await?;
    let refused = || ApiError::forbidden("Insufficient permissions to access the resource.");
    let superuser = bearer.filter(|record| record.collection().is_superusers()).ok_or_else(refused)?;
    gate::check_superuser_address(&app, superuser.collection(), head.address).await.map_err(|_| refused())?;
    let key = Key::parse(&key).ok_or_else(|| ApiError::not_found(""))?;
    let about = backups::about(&app, &key).await?;
    let (mut response, part) = file_answer::begin(key.as_str(), &about, &head);
    if let Some((start, length)) = part.filter(|_| head.method != Method::HEAD) {
        *response.body_mut() = Body::from_stream(backups::part(&app, &key, start, length).await?);
    }
    Ok(response)
}

/// `DELETE /api/backups/{key}`
pub async fn delete(State(app): State<App>, Path(key): Path<String>, head: Head) -> Result<Response> {
    authorise_superuser(&app, &head).await?;
    let key = Key::parse(&key).ok_or_else(|| ApiError::bad_request("Invalid or already deleted backup file."))?;
    backups::remove(&app, key).await?;
    Ok(respond::no_content())
}

/// `POST /api/backups/{key}/restore`: the work goes on after the answer.
pub async fn restore(State(app): State<App>, Path(key): Path<String>, head: Head) -> Result<Response> {
    authorise_superuser(&app, &head).await?;
    let key = Key::parse(&key).ok_or_else(|| ApiError::bad_request("Missing or invalid backup file."))?;
    backups::restore(&app, key).await?;
    Ok(respond::no_content())
}

fn name(values: &Map<String, Json>) -> Result<&str> {
    match values.get("name") {
        None | Some(Json::Null) => Ok(""),
        Some(Json::String(name)) => Ok(name),
        Some(_) => Err(ApiError::bad_request(UNREADABLE).into()),
    }
}

/// A name that a client chose for a new backup.
async fn checked(app: &App, name: &str) -> Result<Key> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    let has_form = name.strip_suffix(".zip").is_some_and(|stem| !stem.is_empty() && stem.chars().all(plain));
    let taken = "The backup file name is invalid or already exists.";
    let error = if name.len() > LONGEST_NAME {
        FieldError::new("validation_length_out_of_range", "The length must be between 1 and 150.")
            .with("min", 1)
            .with("max", LONGEST_NAME)
    } else if !has_form {
        FieldError::new("validation_match_invalid", "Must be in a valid format.")
    } else {
        match Key::parse(name) {
            Some(key) if !backups::exists(app, &key).await? => return Ok(key),
            _ => FieldError::new("validation_backup_name_exists", taken),
        }
    };
    Err(unfit("name", error).into())
}

/// An uploaded backup keeps the name its client gave it.
async fn check_upload(app: &App, upload: &Upload) -> Result<Key> {
    if !upload.is_of_type(ARCHIVE) {
        let text = format!("\"{}\" mime type must be one of: {ARCHIVE}.", upload.name);
        return Err(unfit("file", FieldError::new("validation_invalid_mime_type", &text)).into());
    }
    let taken = "Backup file with the specified name already exists.";
    let name = upload.original_name.rsplit(['/', '\\']).next().unwrap_or_default();
    match Key::parse(name) {
        Some(key) if !backups::exists(app, &key).await? => Ok(key),
        Some(_) => Err(unfit("file", FieldError::new("validation_backup_name_exists", taken)).into()),
        None => Err(unfit("file", FieldError::new("validation_match_invalid", "Must be in a valid format.")).into()),
    }
}

fn unfit(field: &str, error: FieldError) -> ApiError {
    ApiError::bad_request(INVALID).with_problems(&Problems::of(field, error))
}
