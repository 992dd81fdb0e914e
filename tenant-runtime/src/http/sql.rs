//! `POST /api/sql`: statements superusers type themselves.

use std::time::Instant;

use axum::extract::{Request, State};
use axum::response::Response;
use rusqlite::ffi;
use serde_json::{Value as Json, json};

use super::body;
use super::form::Form;
use super::request::{self, Head};
use super::respond;
use crate::app::App;
use crate::error::{ApiError, Error, Result};
use crate::json;
use crate::schema::validate::limits;
use crate::sql::{self, Outcome};

const UNLOADABLE: &str = "An error occurred while loading the submitted data.";
const FAILED: &str = "Failed to execute query.";
const LONGEST: usize = 5000;

/// `POST /api/sql`
pub async fn run(State(app): State<App>, request: Request) -> Result<Response> {
    let (mut parts, content) = request.into_parts();
    let head = Head::new(&mut parts);
    request::authorise_superuser(&app, &head).await?;
    let submitted = body::read(&app, &head, content, body::DEFAULT_LIMIT).await;
    let values = submitted.map_err(|error| body::unreadable(error, UNLOADABLE))?.values;
    if values.get("query").is_some_and(|query| !query.is_string() && !query.is_null()) {
        return Err(ApiError::bad_request(UNLOADABLE).into());
    }
    let mut form = Form::new(&values);
    let query = form.required("query");
    form.note("query", limits::no_longer(&query, LONGEST));
    form.finish()?;
    let began = Instant::now();
    let outcome = sql::run(&app, query).await.map_err(failed)?;
    Ok(respond::json(json::text(&shown(outcome, began)).into_bytes()))
}

fn shown(outcome: Outcome, began: Instant) -> Json {
    let columns = outcome.columns.into_iter();
    let columns: Json =
        columns.map(|column| json!({ "name": column.name, "type": column.kind, "nullable": true })).collect();
    json!({
        "execTime": u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
        "affectedRows": outcome.affected_rows,
        "columns": columns,
        "rows": outcome.rows,
    })
}

/// Who types statements is told what the database says of them.
fn failed(error: Error) -> Error {
    let reason = match &error {
        _ if error.is_storage_failure() => return error,
        Error::Sqlite(error) => in_words(error),
        Error::Internal(reason) => format!("{reason:#}"),
        _ => return error,
    };
    ApiError::bad_request(&format!("{FAILED} Raw error:\n{reason}")).into()
}

/// As the driver of stock servers words it: the kind of failure, what it is about, the code.
fn in_words(error: &rusqlite::Error) -> String {
    let (code, about) = match error {
        rusqlite::Error::SqliteFailure(code, about) => (code.extended_code, about.clone().unwrap_or_default()),
        rusqlite::Error::SqlInputError { error: code, msg, .. } => (code.extended_code, msg.clone()),
        other => return other.to_string(),
    };
    let kind = match code & 0xff {
        ffi::SQLITE_CONSTRAINT => "constraint failed",
        ffi::SQLITE_INTERRUPT => "interrupted",
        code => ffi::code_to_str(code),
    };
    if about.is_empty() || about == kind { format!("{kind} ({code})") } else { format!("{kind}: {about} ({code})") }
}
