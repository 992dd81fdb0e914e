//! What can go wrong, and how it reaches a client: PocketBase's envelope `{"data":{},"message":"","status":0}`.
//!
//! Inside the engine errors are values. The client learns what it can act on; the cause goes to the log, once.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value as Json};

use crate::meter::Full;

/// A result of the engine.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can go wrong in the engine.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// An answer, complete as it is.
    #[error("{}", .0.message)]
    Api(Box<ApiError>),
    /// Values that do not fit, not yet wrapped in an endpoint's sentence.
    #[error("invalid values: {}", .0.names())]
    Invalid(Problems),
    /// The one thing asked for is not there, or may not be known.
    #[error("not found")]
    NotFound,
    /// More work waits than will be taken on.
    #[error("too much work is waiting")]
    Busy,
    /// There is no more room for what would be added.
    #[error("there is no more room: {0:?}")]
    Full(Full),
    /// SQLite refused.
    #[error("database: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A file could not be read or written.
    #[error("file: {0}")]
    Io(#[source] std::io::Error),
    /// Anything else; told to nobody but the log.
    #[error("{0:#}")]
    Internal(#[from] anyhow::Error),
}

/// An error answer.
#[derive(Clone, Debug, PartialEq)]
pub struct ApiError {
    /// The HTTP status.
    pub status: StatusCode,
    /// A sentence; normalised when sent.
    pub message: String,
    /// Field errors, or a platform code under `code`.
    pub data: Json,
    /// Seconds for `Retry-After`.
    pub retry_after: Option<u32>,
    /// What lies behind it; told to the log only.
    pub cause: Option<String>,
}

/// What the log learns of a request that failed. Travels with the answer as far as the log, never to the client.
#[derive(Clone, Debug, PartialEq)]
pub struct Failure {
    /// What the client was told, or would have been if it could be told.
    pub error: String,
    /// The cause, or the errors by field, or null.
    pub details: Json,
}

/// Errors by field, possibly nested. Empty when all is well.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Problems(BTreeMap<String, Problem>);

/// One field's error, or those of its parts.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Problem {
    /// The field itself.
    Item(FieldError),
    /// Its parts, by key or index.
    Nested(Problems),
}

/// A stable code and a sentence.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct FieldError {
    /// Such as `validation_required`.
    pub code: String,
    /// A sentence; normalised when made.
    pub message: String,
    /// What the sentence was filled with.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub params: Map<String, Json>,
}

impl FieldError {
    /// An error without parameters.
    pub fn new(code: &str, message: &str) -> FieldError {
        FieldError { code: code.to_owned(), message: sentence(message), params: Map::new() }
    }

    /// Adds a parameter.
    pub fn with(mut self, key: &str, value: impl Into<Json>) -> FieldError {
        self.params.insert(key.to_owned(), value.into());
        self
    }

    /// `validation_required`.
    pub fn required() -> FieldError {
        FieldError::new("validation_required", "Cannot be blank.")
    }

    /// `validation_invalid_value`.
    pub fn invalid_value() -> FieldError {
        FieldError::new("validation_invalid_value", "Invalid value.")
    }

    /// `validation_values_mismatch`.
    pub fn mismatch() -> FieldError {
        FieldError::new("validation_values_mismatch", "Values don't match.")
    }
}

impl Problems {
    /// None so far.
    pub fn new() -> Problems {
        Problems::default()
    }

    /// A single one.
    pub fn of(field: &str, error: FieldError) -> Problems {
        let mut problems = Problems::new();
        problems.add(field, error);
        problems
    }

    /// Notes an error; the first of a field stays.
    pub fn add(&mut self, field: &str, error: FieldError) {
        self.0.entry(field.to_owned()).or_insert(Problem::Item(error));
    }

    /// Notes what a check found, if it found anything.
    pub fn note(&mut self, field: &str, check: Result<(), FieldError>) {
        if let Err(error) = check {
            self.add(field, error);
        }
    }

    /// Notes the errors of a field's parts, if there are any.
    pub fn nest(&mut self, field: &str, inner: Problems) {
        if !inner.is_empty() {
            self.0.entry(field.to_owned()).or_insert(Problem::Nested(inner));
        }
    }

    /// Notes the errors of other fields beside these.
    pub fn extend(&mut self, others: Problems) {
        for (field, problem) in others.0 {
            self.0.entry(field).or_insert(problem);
        }
    }

    /// Whether all is well.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The errors by field.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Problem)> {
        self.0.iter().map(|(field, problem)| (field.as_str(), problem))
    }

    /// `Err(Error::Invalid)` if there are any.
    pub fn into_result(self) -> Result<()> {
        if self.is_empty() { Ok(()) } else { Err(Error::Invalid(self)) }
    }

    fn names(&self) -> String {
        self.0.keys().cloned().collect::<Vec<_>>().join(", ")
    }
}

impl ApiError {
    /// An answer with that status; an empty message stands for the status's own.
    pub fn new(status: StatusCode, message: &str) -> ApiError {
        ApiError { status, message: message.to_owned(), data: Json::Object(Map::new()), retry_after: None, cause: None }
    }

    /// 400.
    pub fn bad_request(message: &str) -> ApiError {
        ApiError::new(StatusCode::BAD_REQUEST, message)
    }

    /// 401.
    pub fn unauthorized(message: &str) -> ApiError {
        ApiError::new(StatusCode::UNAUTHORIZED, message)
    }

    /// 403.
    pub fn forbidden(message: &str) -> ApiError {
        ApiError::new(StatusCode::FORBIDDEN, message)
    }

    /// 404.
    pub fn not_found(message: &str) -> ApiError {
        ApiError::new(StatusCode::NOT_FOUND, message)
    }

    /// An answer of the platform rather than the engine, with its stable code under `data.code`.
    pub fn coded(status: StatusCode, code: &str, message: &str) -> ApiError {
        ApiError { data: serde_json::json!({ "code": code }), ..ApiError::new(status, message) }
    }

    /// Asks the client to come back after so many seconds.
    pub fn retry_after(mut self, seconds: u32) -> ApiError {
        self.retry_after = Some(seconds);
        self
    }

    /// Adds what lies behind it, for the log.
    pub fn because(mut self, cause: &dyn std::fmt::Display) -> ApiError {
        self.cause = Some(format!("{cause:#}"));
        self
    }

    /// Puts field errors under `data`.
    pub fn with_problems(mut self, problems: &Problems) -> ApiError {
        self.data = serde_json::to_value(problems).unwrap_or_default();
        self
    }
}

impl Error {
    /// Wraps what a client may know in the sentence of an endpoint: field errors keep their fields, answers stay as
    /// they are, and everything else becomes that sentence with no details.
    pub fn or_bad_request(self, message: &str) -> Error {
        match self {
            Error::Invalid(problems) => ApiError::bad_request(message).with_problems(&problems).into(),
            Error::Api(_) | Error::Busy | Error::Full(_) => self,
            other if other.is_storage_failure() => other,
            other => {
                tracing::debug!("{message} {other}");
                ApiError::bad_request(message).because(&other).into()
            }
        }
    }

    /// Whether the disk rather than the request is at fault.
    pub fn is_storage_failure(&self) -> bool {
        use rusqlite::ErrorCode::{CannotOpen, DatabaseCorrupt, DiskFull, NotADatabase, ReadOnly, SystemIoFailure};
        match self {
            Error::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(DiskFull | SystemIoFailure | DatabaseCorrupt | NotADatabase | CannotOpen | ReadOnly)
            ),
            Error::Io(error) => error.kind() != std::io::ErrorKind::NotFound,
            _ => false,
        }
    }

    /// The answer a client gets.
    pub fn to_api(&self) -> ApiError {
        match self {
            Error::Api(answer) => (**answer).clone(),
            Error::Invalid(problems) => ApiError::bad_request("").with_problems(problems),
            Error::NotFound | Error::Sqlite(rusqlite::Error::QueryReturnedNoRows) => ApiError::not_found(""),
            Error::Io(error) if error.kind() == std::io::ErrorKind::NotFound => ApiError::not_found(""),
            Error::Busy => ApiError::coded(
                StatusCode::SERVICE_UNAVAILABLE,
                "busy",
                "The server is busy, please try again in a moment.",
            )
            .retry_after(1),
            Error::Full(Full::Database) => ApiError::coded(
                StatusCode::INSUFFICIENT_STORAGE,
                "quota_database",
                "The database has the size it may have. Delete records to make room, or choose a larger plan.",
            ),
            Error::Full(Full::Storage) => ApiError::coded(
                StatusCode::INSUFFICIENT_STORAGE,
                "quota_storage",
                "The files have the size they may have. Delete some to make room, or choose a larger plan.",
            ),
            other if other.is_storage_failure() => {
                tracing::error!("storage failed: {other}");
                ApiError::coded(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "storage_failed",
                    "The data could not be read or written just now. Nothing of this request was kept.",
                )
                .retry_after(5)
            }
            other => {
                tracing::warn!("failed to answer: {other}");
                ApiError::bad_request("").because(other)
            }
        }
    }
}

impl From<std::io::Error> for Error {
    /// Writing files ends with that kind when there is no more room for them.
    fn from(error: std::io::Error) -> Error {
        match error.kind() {
            std::io::ErrorKind::QuotaExceeded => Error::Full(Full::Storage),
            _ => Error::Io(error),
        }
    }
}

impl From<ApiError> for Error {
    fn from(answer: ApiError) -> Error {
        Error::Api(Box::new(answer))
    }
}

impl From<Problems> for Error {
    fn from(problems: Problems) -> Error {
        Error::Invalid(problems)
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        self.to_api().into_response()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut body = serde_json::to_vec(&self.to_json()).unwrap_or_default();
        body.push(b'\n');
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self.into_failure());
        response
    }
}

impl ApiError {
    fn into_failure(self) -> Failure {
        let message = if self.message.is_empty() { default_message(self.status) } else { &self.message };
        let details = match (self.cause, &self.data) {
            (Some(cause), _) => Json::String(cause),
            (None, Json::Object(fields)) if !fields.is_empty() => messages(&self.data),
            (None, _) => Json::Null,
        };
        Failure { error: sentence(message), details }
    }

    /// The envelope.
    pub fn to_json(&self) -> Json {
        let message = if self.message.is_empty() { default_message(self.status) } else { &self.message };
        serde_json::json!({ "data": self.data, "message": sentence(message), "status": self.status.as_u16() })
    }
}

/// Field errors reduced to their sentences.
fn messages(data: &Json) -> Json {
    match data {
        Json::Object(fields) => match fields.get("message") {
            Some(message @ Json::String(_)) => message.clone(),
            _ => Json::Object(fields.iter().map(|(field, inner)| (field.clone(), messages(inner))).collect()),
        },
        other => other.clone(),
    }
}

fn default_message(status: StatusCode) -> &'static str {
    match status.as_u16() {
        401 => "Missing or invalid authentication.",
        403 => "You are not allowed to perform this request.",
        404 => "The requested resource wasn't found.",
        413 => "Request entity too large.",
        429 => "Too Many Requests.",
        _ => "Something went wrong while processing your request.",
    }
}

/// Trims, starts with a capital and ends with a full stop.
pub fn sentence(text: &str) -> String {
    let text = text.trim();
    let mut chars = text.chars();
    let Some(first) = chars.next() else {
        return String::new();
    };
    let mut sentence: String = first.to_uppercase().chain(chars).collect();
    if !sentence.ends_with(['.', '?', '!']) {
        sentence.push('.');
    }
    sentence
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_becomes_a_sentence() {
        assert_eq!(sentence("  no such thing"), "No such thing.");
        assert_eq!(sentence("really?"), "Really?");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn the_envelope_has_three_keys_and_the_default_sentence() {
        let json = ApiError::not_found("").to_json();
        assert_eq!(
            json,
            serde_json::json!({"data": {}, "message": "The requested resource wasn't found.", "status": 404})
        );
    }

    #[test]
    fn nested_problems_keep_their_path() {
        let mut problems = Problems::new();
        problems.nest("fields", {
            let mut fields = Problems::new();
            fields.nest("3", Problems::of("name", FieldError::required()));
            fields
        });
        let json = ApiError::bad_request("No").with_problems(&problems).to_json();
        assert_eq!(json["data"]["fields"]["3"]["name"]["code"], "validation_required");
    }
}
