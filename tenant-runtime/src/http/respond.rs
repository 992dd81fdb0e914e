//! Answers in JSON.

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::Value as Json;

use crate::error::Failure;

/// 200 with a JSON body that is already text, followed by the line feed stock servers send.
pub fn json(mut body: Vec<u8>) -> Response {
    body.push(b'\n');
    let mut response = Response::new(Body::from(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// An answer that looks like success although there was nobody to do it for: only the log is told.
pub fn as_if(mut response: Response, reason: &str) -> Response {
    let failure = Failure { error: reason.to_owned(), details: Json::Null };
    response.extensions_mut().insert(failure);
    response
}

/// 204.
pub fn no_content() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    response
}
