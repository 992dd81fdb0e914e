//! `/api/batch`: several changes of records in one transaction, all of them or none.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderName, HeaderValue, Method, StatusCode, header};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value as Json, json};
use tokio_util::sync::CancellationToken;

use super::body::{self, Submitted};
use super::change::{Action, Change, Prepared};
use super::pick::Wanted;
use super::records::{self, find_writable};
use super::request::{self, Head};
use super::respond;
use crate::app::App;
use crate::auth::Caller;
use crate::error::{ApiError, Error, FieldError, Problems, Result};
use crate::files::{Upload, names};
use crate::json;
use crate::rate_limit::{self, Asked};
use crate::rules::Context;
use crate::settings::Batch;
use crate::store::Tx;

const ROUTE: &str = "/api/batch";
const DEFAULT_BODY_LIMIT: u64 = 128 << 20;
const LONGEST_URL: usize = 2000;
const METHODS: [&str; 5] = ["GET", "POST", "PUT", "PATCH", "DELETE"];
const UNREADABLE: &str = "Failed to read the submitted batch data.";
const FAILED: &str = "Batch transaction failed.";

/// One request of a batch as it was sent.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Inner {
    #[serde(deserialize_with = "or_default")]
    method: String,
    #[serde(deserialize_with = "or_default")]
    url: String,
    #[serde(deserialize_with = "or_default")]
    headers: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    body: Map<String, Json>,
}

/// A step of the transaction, and which keys of its answer are wanted.
struct Step {
    change: Prepared,
    path: String,
    fields: String,
}

/// `POST /api/batch`
pub async fn run(State(app): State<App>, request: Request) -> Result<Response> {
    let (mut parts, content) = request.into_parts();
    let head = Head::new(&mut parts);
    let limits = app.settings().batch.clone();
    if !limits.enabled || limits.max_requests <= 0 {
        return Err(ApiError::forbidden("Batch requests are not allowed.").into());
    }
    let (requests, uploads) = read(&app, &head, content, &limits).await?;
    check(&requests, &limits).into_result().map_err(|error| error.or_bad_request("Invalid batch request data."))?;
    let mut uploads = sort(uploads, requests.len());
    let deadline = Instant::now() + Duration::from_secs(limits.timeout.max(1).unsigned_abs());
    let mut steps = Vec::with_capacity(requests.len());
    for (at, inner) in requests.into_iter().enumerate() {
        if Instant::now() > deadline {
            return Err(ApiError::bad_request(FAILED).into());
        }
        // What cannot be a step fails the batch when its turn comes, not before.
        steps.push(prepare(&app, &head, inner, std::mem::take(&mut uploads[at])).await);
    }
    let client_is_gone = CancellationToken::new();
    let transaction = Transaction { app: app.clone(), head, deadline, client_is_gone: client_is_gone.clone() };
    let _gone_when_dropped = client_is_gone.drop_guard();
    let answer = app.store().write_alone(move |tx| transaction.run(tx, steps)).await?;
    Ok(respond::json(answer))
}

/// What all steps share.
struct Transaction {
    app: App,
    head: Head,
    deadline: Instant,
    client_is_gone: CancellationToken,
}

impl Transaction {
    fn run(&self, tx: &mut Tx, steps: Vec<Result<Step>>) -> Result<Vec<u8>> {
        let caller = self.head.caller(tx, &self.app.schema())?;
        let mut answer = vec![b'['];
        for (at, step) in steps.into_iter().enumerate() {
            if Instant::now() > self.deadline || self.client_is_gone.is_cancelled() {
                return Err(ApiError::bad_request(FAILED).into());
            }
            let done = step.and_then(|Step { change, path, fields }| {
                self.count(tx, &caller, &change, &path)?;
                let shown = change.carry_out(&self.app, tx, &caller, Context::Batch)?;
                shown.map(|record| project(record, &fields)).transpose()
            });
            if at > 0 {
                answer.push(b',');
            }
            match done.map_err(|error| step_failed(at, error))? {
                Some(record) => {
                    answer.extend_from_slice(b"{\"body\":");
                    answer.extend(record);
                    answer.extend_from_slice(b",\"status\":200}");
                }
                None => answer.extend_from_slice(b"{\"body\":null,\"status\":204}"),
            }
        }
        answer.push(b']');
        Ok(answer)
    }

    /// For rate limits a step is a request like any other.
    fn count(&self, tx: &Tx, caller: &Caller, change: &Prepared, path: &str) -> Result<()> {
        let action = rate_limit::Action { collection: change.collection(), tags: &[change.tag(tx)?], route: ROUTE };
        let asked = Asked { method: change.head().method.as_str(), path, action: Some(action) };
        rate_limit::check(&self.app, &asked, caller, self.head.address)
    }
}

async fn read(app: &App, head: &Head, content: Body, limits: &Batch) -> Result<(Vec<Inner>, Vec<(String, Upload)>)> {
    let limit = u64::try_from(limits.max_body_size).ok().filter(|size| *size > 0).unwrap_or(DEFAULT_BODY_LIMIT);
    let unreadable = || Error::from(ApiError::bad_request(UNREADABLE));
    let Submitted { mut values, uploads } =
        body::read(app, head, content, limit).await.map_err(|error| match &error {
            Error::Api(answer) if answer.status == StatusCode::BAD_REQUEST => unreadable(),
            _ => error,
        })?;
    let requests = match values.remove("requests") {
        None | Some(Json::Null) => Vec::new(),
        Some(requests) => serde_json::from_value(requests).map_err(|_| unreadable())?,
    };
    Ok((requests, uploads))
}

fn check(requests: &[Inner], limits: &Batch) -> Problems {
    if requests.is_empty() {
        return Problems::of("requests", FieldError::required());
    }
    if i64::try_from(requests.len()).unwrap_or(i64::MAX) > limits.max_requests {
        return Problems::of("requests", too_long(limits.max_requests));
    }
    let mut each = Problems::new();
    for (at, inner) in requests.iter().enumerate() {
        let mut problems = Problems::new();
        if inner.method.is_empty() {
            problems.add("method", FieldError::required());
        } else if !METHODS.contains(&inner.method.as_str()) {
            problems.add("method", FieldError::new("validation_in_invalid", "Must be a valid value."));
        }
        if inner.url.is_empty() {
            problems.add("url", FieldError::required());
        } else if inner.url.len() > LONGEST_URL {
            problems.add("url", too_long(LONGEST_URL as i64));
        }
        each.nest(&at.to_string(), problems);
    }
    let mut problems = Problems::new();
    problems.nest("requests", each);
    problems
}

fn too_long(max: i64) -> FieldError {
    let message = format!("The length must be no more than {max}.");
    FieldError::new("validation_length_too_long", &message).with("max", max).with("min", 0)
}

/// Files by request, out of keys such as `requests.0.photos` and `requests[0].photos`. Others belong to nobody. As on
/// stock servers a file of a batch is named twice, the second time by its first name.
fn sort(uploads: Vec<(String, Upload)>, requests: usize) -> Vec<Vec<(String, Upload)>> {
    let mut sorted = vec![Vec::new(); requests];
    for (key, mut upload) in uploads {
        if let Some((at, field)) = owner(&key)
            && let Some(files) = sorted.get_mut(at)
        {
            upload.name = names::stored_name(&upload.name, "");
            files.push((field.to_owned(), upload));
        }
    }
    sorted
}

fn owner(key: &str) -> Option<(usize, &str)> {
    let rest = key.strip_prefix("requests")?;
    let (at, field) = match rest.strip_prefix('.') {
        Some(rest) => rest.split_once('.')?,
        None => rest.strip_prefix('[')?.split_once("].")?,
    };
    Some((at.parse().ok()?, field)).filter(|(_, field)| !field.is_empty())
}

async fn prepare(app: &App, outer: &Head, inner: Inner, uploads: Vec<(String, Upload)>) -> Result<Step> {
    let Inner { method, url, headers, body } = inner;
    let (path, query) = url.split_once('?').unwrap_or((&url, ""));
    let (collection, action) = action(&method, path).ok_or_else(|| ApiError::bad_request(""))?;
    let collection = find_writable(app, collection, records::MISSING)?;
    let head = Head {
        method: Method::from_bytes(method.as_bytes()).unwrap_or_default(),
        query: request::parse_query(query),
        headers: overlay(&outer.headers, &headers),
        ..outer.clone()
    };
    let fields = head.given("fields").unwrap_or_default().to_owned();
    let submitted = Submitted { values: body, uploads };
    let change = Change { collection: Arc::clone(&collection), action, head, submitted };
    Ok(Step { change: change.prepare(app).await?, path: path.to_owned(), fields })
}

/// What a method and a path ask for, and of which collection. Segments are taken as they are, nothing is decoded.
fn action<'p>(method: &str, path: &'p str) -> Option<(&'p str, Action)> {
    let (collection, rest) = path.strip_prefix("/api/collections/")?.split_once('/')?;
    let id = match rest.strip_prefix("records")? {
        "" => None,
        rest => Some(rest.strip_prefix('/').filter(|id| !id.is_empty() && !id.contains('/'))?.to_owned()),
    };
    let action = match (method, id) {
        ("POST", None) => Action::Create,
        ("PUT", None) => Action::Upsert,
        ("PATCH", Some(id)) => Action::Update(id),
        ("DELETE", Some(id)) => Action::Delete(id),
        _ => return None,
    };
    Some((collection, action)).filter(|(collection, _)| !collection.is_empty())
}

/// A step has the batch's headers and its own; who asks does not change on the way.
fn overlay(outer: &http::HeaderMap, own: &BTreeMap<String, String>) -> http::HeaderMap {
    let mut headers = outer.clone();
    for (name, value) in own {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value))
            && name != header::AUTHORIZATION
        {
            headers.insert(name, value);
        }
    }
    headers
}

/// `fields` of a step's own URL.
fn project(record: Vec<u8>, fields: &str) -> Result<Vec<u8>> {
    if fields.is_empty() {
        return Ok(record);
    }
    let wanted = Wanted::parse(fields).ok_or_else(|| ApiError::bad_request(""))?;
    let mut value: Json = serde_json::from_slice(&record).map_err(anyhow::Error::new)?;
    wanted.apply(&mut value);
    Ok(json::text(&value).into_bytes())
}

/// The step's own answer stands in the batch's, unless the machine failed or is full.
fn step_failed(at: usize, error: Error) -> Error {
    if error.is_storage_failure() || matches!(error, Error::Full(_)) {
        return error;
    }
    let failed = json!({
        "code": "batch_request_failed",
        "message": "Batch request failed.",
        "response": error.to_api().to_json(),
    });
    let data = json!({ "requests": { at.to_string(): failed } });
    ApiError { data, ..ApiError::bad_request(FAILED) }.into()
}

/// Go reads `null` as nothing at all.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_find_their_request() {
        for (key, found) in [
            ("requests.0.photos", Some((0, "photos"))),
            ("requests[12].+photos", Some((12, "+photos"))),
            ("requests.1.photos+", Some((1, "photos+"))),
            ("requests[0][photos]", None),
            ("requests..photos", None),
            ("requests.x.photos", None),
            ("requests.0.", None),
            ("photos", None),
        ] {
            assert_eq!(owner(key), found, "{key}");
        }
    }

    #[test]
    fn only_four_kinds_of_requests_are_steps() {
        let name = |found: Option<(&str, Action)>| {
            found.map(|(collection, action)| match action {
                Action::Create => format!("create in {collection}"),
                Action::Upsert => format!("upsert in {collection}"),
                Action::Update(id) => format!("update {id} in {collection}"),
                Action::Delete(id) => format!("delete {id} in {collection}"),
            })
        };
        for (method, path, expected) in [
            ("POST", "/api/collections/a/records", Some("create in a")),
            ("PUT", "/api/collections/a/records", Some("upsert in a")),
            ("PATCH", "/api/collections/a%20b/records/r", Some("update r in a%20b")),
            ("DELETE", "/api/collections/a/records/r", Some("delete r in a")),
            ("GET", "/api/collections/a/records", None),
            ("POST", "/api/collections/a/records/", None),
            ("POST", "/api/collections//records", None),
            ("PATCH", "/api/collections/a/records/r/s", None),
            ("POST", "http://elsewhere/api/collections/a/records", None),
            ("POST", "/api/collections/a/truncate", None),
        ] {
            assert_eq!(name(action(method, path)).as_deref(), expected, "{method} {path}");
        }
    }
}
