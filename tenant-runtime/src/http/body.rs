//! Reading a request's body: JSON, multipart or urlencoded, into keys and files.
//!
//! JSON stays in memory up to its limit; files are spooled to disk as they arrive, so that memory stays flat.

use axum::body::Body;
use axum::extract::{MatchedPath, Request};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use http::{HeaderMap, StatusCode, header};
use http_body_util::{BodyExt as _, Limited};
use serde_json::{Map, Value as Json};

use super::request::Head;
use crate::app::App;
use crate::error::{ApiError, Error, Result};
use crate::files::{Upload, spool};

/// What most bodies may have.
pub const DEFAULT_LIMIT: u64 = 32 << 20;
/// Under this key a form brings values as JSON.
const JSON_PAYLOAD: &str = "@jsonPayload";

/// A body taken apart.
#[derive(Debug, Default)]
pub struct Submitted {
    /// The keys of the object, or of the form.
    pub values: Map<String, Json>,
    /// Files by the form's key.
    pub uploads: Vec<(String, Upload)>,
}

/// Forms that are all text have less room than anything else.
const FORM_LIMIT: u64 = 10 << 20;

/// Refuses a body that is announced as too large, whether or not anybody would read it.
pub async fn refuse_large(request: Request, next: Next) -> Response {
    let too_much = content_length(request.headers()).is_some_and(|length| length > DEFAULT_LIMIT);
    if too_much && !request.extensions().get::<MatchedPath>().is_some_and(has_own_limit) {
        return too_large().into_response();
    }
    next.run(request).await
}

/// These take more, and judge for themselves.
fn has_own_limit(route: &MatchedPath) -> bool {
    let own = ["/api/collections/{collection}/records", "/api/batch", "/api/backups/upload"];
    own.iter().any(|prefix| route.as_str().starts_with(prefix))
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// 413 past the limit, 400 for other content types and for what cannot be read.
pub async fn read(app: &App, head: &Head, body: Body, limit: u64) -> Result<Submitted> {
    let length = content_length(&head.headers);
    if length == Some(0) || (length.is_none() && http_body::Body::is_end_stream(&body)) {
        return Ok(Submitted::default());
    }
    if length.is_some_and(|length| length > limit) {
        return Err(too_large());
    }
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        let values = parse_json(&collect(body, limit).await?)?;
        Ok(Submitted { values, uploads: Vec::new() })
    } else if kind.starts_with("multipart/form-data") {
        let boundary = multer::parse_boundary(kind).map_err(|_| ApiError::bad_request(""))?;
        read_multipart(app, head, body, boundary, limit).await
    } else if kind.starts_with("application/x-www-form-urlencoded") {
        let bytes = collect(body, limit.min(FORM_LIMIT)).await.map_err(|_| ApiError::bad_request(""))?;
        let mut form = Form::default();
        for (key, value) in super::request::parse_query(&String::from_utf8_lossy(&bytes)) {
            form.add(&key, &value)?;
        }
        Ok(Submitted { values: form.finish(&head.query), uploads: Vec::new() })
    } else if kind.starts_with("text/xml") || kind.starts_with("application/xml") {
        Err(ApiError::bad_request("").into())
    } else {
        Err(ApiError::bad_request("Unsupported Content-Type.").into())
    }
}

/// The same error in the endpoint's own sentence.
pub fn unreadable(error: Error, sentence: &str) -> Error {
    match error {
        Error::Api(answer) if answer.status == StatusCode::BAD_REQUEST => ApiError::bad_request(sentence).into(),
        error => error,
    }
}

/// Reads the whole body into memory.
pub async fn collect(body: Body, limit: u64) -> Result<Vec<u8>> {
    match Limited::new(body, usize::try_from(limit).unwrap_or(usize::MAX)).collect().await {
        Ok(collected) => Ok(collected.to_bytes().into()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(too_large()),
        Err(error) => {
            tracing::debug!("a body ended early: {error}");
            Err(ApiError::bad_request("").into())
        }
    }
}

/// The first JSON value, which must be an object or null.
pub fn parse_json(bytes: &[u8]) -> Result<Map<String, Json>> {
    let mut values = serde_json::Deserializer::from_slice(bytes).into_iter::<Json>();
    match values.next() {
        None | Some(Ok(Json::Null)) => Ok(Map::new()),
        Some(Ok(Json::Object(values))) => Ok(values),
        Some(_) => Err(ApiError::bad_request("").into()),
    }
}

async fn read_multipart(app: &App, head: &Head, body: Body, boundary: String, limit: u64) -> Result<Submitted> {
    let constraints = multer::Constraints::new().size_limit(multer::SizeLimit::new().whole_stream(limit));
    let mut parts = multer::Multipart::with_constraints(body.into_data_stream(), boundary, constraints);
    let mut form = Form::default();
    let mut uploads = Vec::new();
    while let Some(part) = parts.next_field().await.map_err(multipart_error)? {
        let key = part.name().unwrap_or_default().to_owned();
        match part.file_name().map(str::to_owned) {
            Some(file_name) => {
                let content = part.map(|chunk| chunk.map_err(multipart_error));
                uploads.push((key, spool(app, &file_name, content).await?));
            }
            None => form.add(&key, &part.text().await.map_err(multipart_error)?)?,
        }
    }
    Ok(Submitted { values: form.finish(&head.query), uploads })
}

fn multipart_error(error: multer::Error) -> Error {
    match error {
        multer::Error::StreamSizeExceeded { .. } | multer::Error::FieldSizeExceeded { .. } => too_large(),
        error => {
            tracing::debug!("unreadable form: {error}");
            ApiError::bad_request("").into()
        }
    }
}

fn too_large() -> Error {
    ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, "").into()
}

fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// The text values of a form, with their types guessed.
#[derive(Default)]
struct Form {
    values: Map<String, Json>,
    payloads: Vec<Map<String, Json>>,
}

impl Form {
    fn add(&mut self, key: &str, value: &str) -> Result<()> {
        if key == JSON_PAYLOAD {
            let payload = serde_json::from_str::<Json>(value).ok();
            let Some(Json::Object(payload)) = payload else { return Err(ApiError::bad_request("").into()) };
            self.payloads.push(payload);
            return Ok(());
        }
        let value = infer(value);
        match self.values.get_mut(key) {
            None => _ = self.values.insert(key.to_owned(), value),
            Some(Json::Array(values)) => values.push(value),
            Some(first) => *first = Json::Array(vec![first.take(), value]),
        }
        Ok(())
    }

    /// The query's parameters count as keys of the form, payloads override plain keys.
    fn finish(mut self, query: &[(String, String)]) -> Map<String, Json> {
        for (key, value) in query {
            if !self.values.contains_key(key) {
                self.values.insert(key.clone(), infer(value));
            }
        }
        for payload in self.payloads {
            self.values.extend(payload);
        }
        self.values
    }
}

/// A form knows only text: `true`, `false` and canonical numbers are taken for what they look like.
fn infer(text: &str) -> Json {
    match text {
        "true" => return Json::Bool(true),
        "false" => return Json::Bool(false),
        _ => {}
    }
    let numeric = text.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && text.bytes().all(|b| b.is_ascii_digit() || b == b'-' || b == b'.');
    if numeric
        && let Ok(number) = text.parse::<f64>()
        && crate::json::number_text(number) == text
        && let Some(number) = serde_json::Number::from_f64(number)
    {
        return Json::Number(number);
    }
    Json::String(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn form_values_are_inferred_as_observed() {
        for (text, value) in [("true", json!(true)), ("12", json!(12.0)), ("-1.5", json!(-1.5))] {
            assert_eq!(infer(text), value, "{text}");
        }
        for text in ["1.50", "0001", "1e3", "0.0", "Infinity", "", "-", "1-2", "2024-01-02"] {
            assert_eq!(infer(text), json!(text), "{text}");
        }
    }

    #[test]
    fn payloads_override_plain_keys_and_repeated_keys_become_lists() {
        let mut form = Form::default();
        for (key, value) in [("a", "1"), ("a", "x"), ("b", "plain"), (JSON_PAYLOAD, r#"{"b":{"c":1}}"#)] {
            form.add(key, value).expect("fits");
        }
        let values = form.finish(&[("t".into(), "q".into())]);
        assert_eq!(Json::Object(values), json!({"a": [1.0, "x"], "b": {"c": 1}, "t": "q"}));
    }

    #[test]
    fn only_the_first_json_value_counts_and_it_must_be_an_object() {
        assert_eq!(parse_json(b"{\"a\":1} trailing").expect("fits")["a"], json!(1));
        assert!(parse_json(b"null").expect("fits").is_empty());
        assert!(parse_json(b"[1]").is_err() && parse_json(b"{").is_err());
    }
}
