//! `/api/files`: tokens for protected files, and downloads.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use rusqlite::Connection;
use serde_json::{Map, json};

use super::file_answer;
use super::gate;
use super::request::{self, Head};
use super::respond;
use crate::app::App;
use crate::auth::{self, Caller};
use crate::error::{ApiError, Error, Result};
use crate::files::key::FileKey;
use crate::files::storage::Storage;
use crate::files::thumbs::Thumb;
use crate::http::path::Path;
use crate::records::access::{self, Scope};
use crate::records::{Record, find};
use crate::rules::Context;
use crate::schema::{Collection, Field, Schema, TokenType};

/// Views of views of views are followed so far.
const MOST_VIEWS: usize = 5;

/// `POST /api/files/token`
pub async fn token(State(app): State<App>, head: Head) -> Result<Response> {
    let schema = app.schema();
    let token = app
        .store()
        .read(move |db| {
            let caller = head.caller(db, &schema)?;
            request::require_auth(&caller)?;
            caller.as_record().map(|record| auth::issue(record, TokenType::File)).transpose()
        })
        .await?;
    Ok(respond::json(json!({ "token": token }).to_string().into_bytes()))
}

/// `GET /api/files/{collection}/{record}/{name}`
pub async fn download(
    State(app): State<App>,
    Path((collection, id, name)): Path<(String, String, String)>,
    head: Head,
) -> Result<Response> {
    let schema = app.schema();
    let collection = schema.find(&collection).map(Arc::clone);
    let collection = collection.ok_or_else(|| ApiError::not_found("Missing or invalid collection context."))?;
    let (asked, inner) = (head.clone(), app.clone());
    let find = move |db: &Connection| find_file(&inner, db, &schema, &collection, &id, &name, &asked);
    let Found { key, sizes } = app.store().read(find).await?;
    let storage = app.storage().map_err(unreachable)?;
    if let Some(thumb) = head.given("thumb").and_then(|size| Thumb::of(&key, size, &sizes))
        && let Ok(answer) = serve_thumb(&app, &storage, &key, &thumb, &head).await
    {
        return Ok(answer);
    }
    file_answer::serve(&storage, &key, &head).await.map_err(unreachable)
}

async fn serve_thumb(app: &App, storage: &Storage, original: &FileKey, thumb: &Thumb, head: &Head) -> Result<Response> {
    match file_answer::serve(storage, thumb.key(), head).await {
        Ok(answer) => Ok(answer),
        Err(_) if app.thumbs().make(storage, original, thumb).await => {
            file_answer::serve(storage, thumb.key(), head).await
        }
        Err(error) => Err(error),
    }
}

/// A file that cannot be had is not found, whatever the reason; the log has it.
fn unreachable(error: Error) -> Error {
    match error {
        Error::Internal(_) => Error::NotFound,
        error => error,
    }
}

/// A file somebody may have.
struct Found {
    key: FileKey,
    /// The thumbs its field offers.
    sizes: Vec<String>,
}

/// Where the file lies, if the record has a file of exactly that name and whoever asks may have it.
fn find_file(
    app: &App,
    db: &Connection,
    schema: &Schema,
    collection: &Arc<Collection>,
    id: &str,
    name: &str,
    head: &Head,
) -> Result<Found> {
    let record = find::by_id(db, collection, id)?.ok_or(Error::NotFound)?;
    let options = file_field(&record, name).and_then(Field::file).ok_or(Error::NotFound)?;
    if options.protected {
        check_protected(app, db, schema, &record, head)?;
    }
    let key = match collection.is_view() {
        false => FileKey::new(&collection.id, record.id(), name).map_err(|_| Error::NotFound)?,
        true => original(db, schema, name).ok_or(Error::NotFound)?,
    };
    Ok(Found { key, sizes: options.thumbs.clone().unwrap_or_default() })
}

fn file_field<'r>(record: &'r Record, name: &str) -> Option<&'r Field> {
    let fields = record.collection().fields.iter().zip(record.values());
    let mut files = fields.filter(|(field, _)| field.file().is_some());
    files.find(|(_, value)| value.items().iter().any(|item| item == name)).map(|(field, _)| field)
}

/// A protected file is for those who may view its record, told by a file token. A superuser's that comes from elsewhere
/// than the settings list counts for nothing.
fn check_protected(app: &App, db: &Connection, schema: &Schema, record: &Record, head: &Head) -> Result<()> {
    let bearer = auth::authenticate_file_token(db, schema, head.parameter("token").unwrap_or_default())?
        .filter(|bearer| !bearer.collection().is_superusers() || gate::is_listed(app, head.address));
    let caller = bearer.map_or_else(Caller::guest, Caller::record);
    let info = head.info(&caller, Context::ProtectedFile, Map::new());
    let scope = Scope { db, schema, caller: &caller, request: &info };
    let rule = access::applicable(&caller, &record.collection().rules.view).map_err(|_| Error::NotFound)?;
    match rule {
        Some(_) => scope.find(record.collection(), record.id(), rule)?.map(|_| ()).ok_or(Error::NotFound),
        None => Ok(()),
    }
}

/// A view has no files of its own: stored names are unique, so the record that holds this one is the original.
fn original(db: &Connection, schema: &Schema, name: &str) -> Option<FileKey> {
    let owners = schema.iter().filter(|collection| !collection.is_view() && collection.has_files());
    for collection in owners {
        for field in collection.fields.iter().filter(|field| field.file().is_some()) {
            let found = crate::records::delete::referencing(db, collection, field, name, MOST_VIEWS).ok()?;
            if let Some(record) = found.first() {
                return FileKey::new(&collection.id, record.id(), name).ok();
            }
        }
    }
    None
}
