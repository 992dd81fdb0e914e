//! Signing in and looking after one's account. Handlers translate; `auth/` decides.

mod answer;
mod email_change;
mod impersonate;
mod methods;
mod otp;
mod password;
mod password_reset;
mod refresh;
mod verification;

use std::sync::Arc;

use axum::extract::Request;
use http::StatusCode;
use serde_json::{Map, Value as Json};

use super::body;
use super::request::Head;
use crate::app::App;
use crate::error::{ApiError, Error, Result};
use crate::schema::Collection;
use crate::schema::auth_options::AuthOptions;

pub(super) use answer::Proven;
pub use email_change::{confirm as confirm_email_change, request as request_email_change};
pub use impersonate::impersonate;
pub use methods::methods;
pub use otp::{request as request_otp, with_otp};
pub use password::with_password;
pub use password_reset::{confirm as confirm_password_reset, request as request_password_reset};
pub use refresh::refresh;
pub use verification::{confirm as confirm_verification, request as request_verification};

const UNREADABLE_BODY: &str = "An error occurred while loading the submitted data.";

/// The auth collection of a path, with its options.
pub(super) fn auth_collection(app: &App, name: &str) -> Result<(Arc<Collection>, Box<AuthOptions>)> {
    let collection = app.schema().find(name).map(Arc::clone);
    let collection = collection.ok_or_else(|| ApiError::not_found("Missing or invalid collection context."))?;
    let options = collection.auth.clone();
    let options = options.ok_or_else(|| ApiError::not_found("Missing or invalid auth collection context."))?;
    Ok((collection, options))
}

/// A request's head and the keys of its body.
async fn read(app: &App, request: Request) -> Result<(Head, Map<String, Json>)> {
    let (mut parts, content) = request.into_parts();
    let head = Head::new(&mut parts);
    let submitted = body::read(app, &head, content, body::DEFAULT_LIMIT).await.map_err(unreadable)?;
    Ok((head, submitted.values))
}

pub(super) fn unreadable(error: Error) -> Error {
    match error {
        Error::Api(answer) if answer.status == StatusCode::BAD_REQUEST && answer.message.is_empty() => {
            ApiError::bad_request(UNREADABLE_BODY).into()
        }
        error => error,
    }
}
