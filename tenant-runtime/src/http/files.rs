//! `/api/files`: tokens for protected files, and downloads.

use std::io::SeekFrom;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use rusqlite::Connection;
use serde_json::{Map, json};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};
use tokio_util::io::ReaderStream;

use super::request::{self, Head};
use super::respond;
use crate::app::App;
use crate::auth::{self, Caller};
use crate::error::{ApiError, Error, Result};
use crate::files::storage;
use crate::records::access::{self, Scope};
use crate::records::{Record, find};
use crate::rules::Context;
use crate::schema::{Collection, Field, Schema, TokenType};

/// Types a browser may show by itself.
const INLINE: &[&str] = &[
    "image/png",
    "image/jpg",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "image/x-icon",
    "image/bmp",
    "video/webm",
    "video/mp4",
    "video/3gpp",
    "video/quicktime",
    "video/x-ms-wmv",
    "audio/basic",
    "audio/aiff",
    "audio/mpeg",
    "audio/midi",
    "audio/mp3",
    "audio/wave",
    "audio/wav",
    "audio/x-wav",
    "audio/x-mpeg",
    "audio/x-m4a",
    "audio/aac",
    "application/pdf",
    "application/x-pdf",
];
const POLICY: &str = "default-src 'none'; media-src 'self'; style-src 'unsafe-inline'; sandbox";
const CACHE: &str = "max-age=2592000, stale-while-revalidate=86400";
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
    let (wanted, asked) = (name.clone(), head.clone());
    let (collection_id, record_id) =
        app.store().read(move |db| find_file(db, &schema, &collection, &id, &wanted, &asked)).await?;
    let path = storage::record_dir(app.dir(), &collection_id, &record_id).join(&name);
    serve(path, &name, None, &head).await
}

/// The collection and record in whose folder the file lies, if the record has a file of exactly that name and whoever
/// asks may have it.
fn find_file(
    db: &Connection,
    schema: &Schema,
    collection: &Arc<Collection>,
    id: &str,
    name: &str,
    head: &Head,
) -> Result<(String, String)> {
    let record = find::by_id(db, collection, id)?.ok_or(Error::NotFound)?;
    let field = file_field(&record, name).ok_or(Error::NotFound)?;
    if field.file().is_some_and(|options| options.protected) {
        check_protected(db, schema, &record, head)?;
    }
    if !collection.is_view() {
        return Ok((collection.id.clone(), record.id().to_owned()));
    }
    original(db, schema, name).ok_or(Error::NotFound)
}

fn file_field<'r>(record: &'r Record, name: &str) -> Option<&'r Field> {
    let fields = record.collection().fields.iter().zip(record.values());
    let mut files = fields.filter(|(field, _)| field.file().is_some());
    files.find(|(_, value)| value.items().iter().any(|item| item == name)).map(|(field, _)| field)
}

/// A protected file is for those who may view its record, told by a file token.
fn check_protected(db: &Connection, schema: &Schema, record: &Record, head: &Head) -> Result<()> {
    let bearer = auth::authenticate_file_token(db, schema, head.parameter("token").unwrap_or_default())?;
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
fn original(db: &Connection, schema: &Schema, name: &str) -> Option<(String, String)> {
    let owners = schema.iter().filter(|collection| !collection.is_view() && collection.has_files());
    for collection in owners {
        for field in collection.fields.iter().filter(|field| field.file().is_some()) {
            let found = crate::records::delete::referencing(db, collection, field, name, MOST_VIEWS).ok()?;
            if let Some(record) = found.first() {
                return Some((collection.id.clone(), record.id().to_owned()));
            }
        }
    }
    None
}

/// A file's bytes, or the part of them that is asked for.
pub(super) async fn serve(path: PathBuf, name: &str, known_type: Option<&str>, head: &Head) -> Result<Response> {
    let content_type = match known_type {
        Some(known) => known.to_owned(),
        None => storage::read_attributes(&path).await.content_type,
    };
    let mut file = tokio::fs::File::open(&path).await?;
    let metadata = file.metadata().await?;
    let size = metadata.len();
    let modified: DateTime<Utc> = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH).into();
    let modified = modified.format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let mut response = Response::new(Body::empty());
    let headers = response.headers_mut();
    let attachment = head.parameter("download").and_then(request::parse_bool).unwrap_or(false);
    describe(headers, name, &content_type, attachment);
    insert(headers, header::LAST_MODIFIED, &modified);
    let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
    if text(header::IF_MODIFIED_SINCE) == Some(modified.as_str()) {
        headers.remove(header::CONTENT_TYPE);
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        return Ok(response);
    }
    let unchanged = text(header::IF_RANGE).is_none_or(|date| date == modified);
    let (start, length) = match text(header::RANGE).filter(|_| unchanged).map(|range| parse_range(range, size)) {
        None | Some(Range::Whole) => (0, size),
        Some(Range::Part { start, length }) => {
            insert(headers, header::CONTENT_RANGE, &format!("bytes {start}-{}/{size}", start + length - 1));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            (start, length)
        }
        Some(Range::Outside) => {
            insert(headers, header::CONTENT_RANGE, &format!("bytes */{size}"));
            *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
            return Ok(response);
        }
    };
    insert(response.headers_mut(), header::CONTENT_LENGTH, &length.to_string());
    file.seek(SeekFrom::Start(start)).await?;
    *response.body_mut() = Body::from_stream(ReaderStream::with_capacity(file.take(length), 64 << 10));
    Ok(response)
}

fn describe(headers: &mut HeaderMap, name: &str, stored_type: &str, attachment: bool) {
    let essence = stored_type.split(';').next().unwrap_or_default();
    let disposition = if INLINE.contains(&essence) && !attachment { "inline" } else { "attachment" };
    insert(headers, header::CONTENT_DISPOSITION, &format!("{disposition}; filename={name}"));
    let content_type = match name.rsplit_once('.').map(|(_, extension)| extension) {
        Some("svg") => "image/svg+xml",
        Some("css") => "text/css",
        Some("js" | "mjs") => "text/javascript",
        Some("xlsx") => "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        Some("docx") => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        Some("pptx") => "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        _ => stored_type,
    };
    insert(headers, header::CONTENT_TYPE, content_type);
    insert(headers, header::CONTENT_SECURITY_POLICY, POLICY);
    insert(headers, header::CACHE_CONTROL, CACHE);
    insert(headers, header::ACCEPT_RANGES, "bytes");
}

fn insert(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[derive(Debug, PartialEq)]
enum Range {
    Whole,
    Part { start: u64, length: u64 },
    Outside,
}

/// One range of bytes; several, or what is none, mean the whole.
fn parse_range(text: &str, size: u64) -> Range {
    let Some((first, last)) = text.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-')) else {
        return Range::Whole;
    };
    let part = |start: u64, end: u64| match start < size && start <= end {
        true => Range::Part { start, length: end.min(size - 1) - start + 1 },
        false => Range::Outside,
    };
    match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(start), Ok(end)) => part(start, end),
        (Ok(start), Err(_)) if last.is_empty() => part(start, u64::MAX),
        (Err(_), Ok(count)) if first.is_empty() && count > 0 && size > 0 => part(size.saturating_sub(count), u64::MAX),
        (Err(_), Ok(_)) if first.is_empty() => Range::Outside,
        _ => Range::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        for (text, range) in [
            ("bytes=0-4", Range::Part { start: 0, length: 5 }),
            ("bytes=8-", Range::Part { start: 8, length: 2 }),
            ("bytes=-3", Range::Part { start: 7, length: 3 }),
            ("bytes=5-99", Range::Part { start: 5, length: 5 }),
            ("bytes=10-", Range::Outside),
            ("bytes=0-1,3-4", Range::Whole),
            ("lines=1-2", Range::Whole),
        ] {
            assert_eq!(parse_range(text, 10), range, "{text}");
        }
    }
}
