//! Errors of the console API, in the same envelope a tenant's API has.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use utoipa::ToSchema;

/// A result of the console API.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong and why, in one line: each cause once, for some errors say those they come from themselves.
pub fn causes(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !line.contains(&cause) {
            line += if line.is_empty() { "" } else { ": " };
            line += &cause;
        }
    }
    line
}

/// What a client is told.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// One field does not fit.
    #[error("{field}: {message}")]
    Field {
        /// The body's key.
        field: &'static str,
        /// A stable code.
        code: &'static str,
        /// A sentence.
        message: String,
    },
    /// The request as a whole cannot be done.
    #[error("{message}")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// A stable code.
        code: &'static str,
        /// A sentence.
        message: &'static str,
    },
    /// Too many tries, or too much work waiting; come back after so many seconds.
    #[error("{message}")]
    TryLater {
        /// 429 or 503.
        status: StatusCode,
        /// A stable code.
        code: &'static str,
        /// A sentence.
        message: &'static str,
        /// Seconds.
        seconds: u32,
    },
    /// Something broke; the log has the cause.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

/// The envelope, for the OpenAPI document.
#[derive(Serialize, ToSchema)]
#[schema(as = Error)]
pub struct ErrorBody {
    /// `code` for the whole request, or one `{code, message}` for each field.
    #[schema(value_type = Object)]
    pub data: Map<String, Json>,
    /// A sentence.
    pub message: String,
    /// The HTTP status.
    pub status: u16,
}

impl Error {
    /// A field's error.
    pub fn field(field: &'static str, code: &'static str, message: impl Into<String>) -> Error {
        Error::Field { field, code, message: message.into() }
    }

    /// A refusal.
    pub fn refused(status: StatusCode, code: &'static str, message: &'static str) -> Error {
        Error::Refused { status, code, message }
    }

    /// 404: there is none, or none this account may know of.
    pub fn not_found(message: &'static str) -> Error {
        Error::refused(StatusCode::NOT_FOUND, "not_found", message)
    }

    fn parts(&self) -> (StatusCode, Json, String) {
        match self {
            Error::Field { field, code, message } => {
                let data = json!({ *field: { "code": code, "message": message } });
                (StatusCode::BAD_REQUEST, data, "Please check what you entered.".to_owned())
            }
            Error::Refused { status, code, message } | Error::TryLater { status, code, message, .. } => {
                (*status, json!({ "code": code }), (*message).to_owned())
            }
            Error::Internal(_) => {
                let message = "Something went wrong on our side. Nothing was changed.";
                (StatusCode::INTERNAL_SERVER_ERROR, json!({ "code": "internal" }), message.to_owned())
            }
        }
    }
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Error {
        Error::Internal(anyhow::Error::new(error).context("ask the control database"))
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if let Error::Internal(cause) = &self {
            tracing::error!("failed to answer: {cause:#}");
        }
        let (status, data, message) = self.parts();
        let body = json!({ "data": data, "message": message, "status": status.as_u16() });
        let mut response = Response::new(Body::from(body.to_string()));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Error::TryLater { seconds, .. } = self {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
