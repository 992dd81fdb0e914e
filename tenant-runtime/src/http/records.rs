//! The five endpoints of records. Handlers translate; `records/` decides.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use serde_json::Map;

use super::body::{self, Submitted};
use super::request::Head;
use super::respond;
use crate::app::App;
use crate::error::{ApiError, Error, Result};
use crate::records::access::{self, Scope};
use crate::records::actions::{Credentials, Submission, Writing};
use crate::records::list::{self, Page};
use crate::records::{self as engine, Record, expand, export};
use crate::rules::Context;
use crate::schema::field::{EditorOptions, FileOptions, JsonOptions};
use crate::schema::{Collection, FieldKind};
use crate::store::Tx;

const MISSING: &str = "Missing collection context.";
const MISSING_FOR_WRITE: &str = "Missing or invalid collection context.";
const FAILED_TO_CREATE: &str = "Failed to create record.";
const FAILED_TO_UPDATE: &str = "Failed to update record.";
const FAILED_TO_DELETE: &str =
    "Failed to delete record. Make sure that the record is not part of a required relation reference.";

/// `GET /api/collections/{collection}/records`
pub async fn list(State(app): State<App>, Path(name): Path<String>, request: Request) -> Result<Response> {
    let (head, body) = take_apart(request);
    let collection = find_collection(&app, &name, MISSING)?;
    let submitted = body::read(&app, &head, body, body::DEFAULT_LIMIT).await?;
    let page = Page::parse(|name| head.given(name))?;
    let schema = app.schema();
    let json = app
        .store()
        .read(move |db| {
            let caller = head.caller(db, &schema)?;
            let info = head.info(&caller, Context::Default, submitted.values.clone());
            let scope = Scope { db, schema: &schema, caller: &caller, request: &info };
            list::page(&scope, &collection, &page)
        })
        .await?;
    Ok(respond::json(json))
}

/// `GET /api/collections/{collection}/records/{id}`
pub async fn view(
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
    request: Request,
) -> Result<Response> {
    let (head, body) = take_apart(request);
    let collection = find_collection(&app, &name, MISSING)?;
    let submitted = body::read(&app, &head, body, body::DEFAULT_LIMIT).await?;
    let schema = app.schema();
    let json = app
        .store()
        .read(move |db| {
            let caller = head.caller(db, &schema)?;
            let info = head.info(&caller, Context::Default, submitted.values.clone());
            let scope = Scope { db, schema: &schema, caller: &caller, request: &info };
            let rule = access::applicable(&caller, &collection.rules.view)?;
            let mut record = scope.find(&collection, &id, rule)?.ok_or(Error::NotFound)?;
            present(&scope, &head, &mut record)
        })
        .await?;
    Ok(respond::json(json))
}

/// `POST /api/collections/{collection}/records`
pub async fn create(State(app): State<App>, Path(name): Path<String>, request: Request) -> Result<Response> {
    let (head, body) = take_apart(request);
    let collection = find_collection(&app, &name, MISSING_FOR_WRITE)?;
    refuse_view(&collection)?;
    let submitted = body::read(&app, &head, body, body_limit(&collection)).await?;
    let json =
        write(&app, head, submitted, collection, None).await.map_err(|error| error.or_bad_request(FAILED_TO_CREATE))?;
    Ok(respond::json(json))
}

/// `PATCH /api/collections/{collection}/records/{id}`
pub async fn update(
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
    request: Request,
) -> Result<Response> {
    let (head, body) = take_apart(request);
    let collection = find_collection(&app, &name, MISSING_FOR_WRITE)?;
    refuse_view(&collection)?;
    let submitted = body::read(&app, &head, body, body_limit(&collection)).await?;
    let json = write(&app, head, submitted, collection, Some(id)).await.map_err(|error| match error {
        Error::NotFound => error,
        error => error.or_bad_request(FAILED_TO_UPDATE),
    })?;
    Ok(respond::json(json))
}

/// `DELETE /api/collections/{collection}/records/{id}`
pub async fn delete(
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
    request: Request,
) -> Result<Response> {
    let (head, body) = take_apart(request);
    let collection = find_collection(&app, &name, MISSING)?;
    refuse_view(&collection)?;
    let submitted = body::read(&app, &head, body, body::DEFAULT_LIMIT).await?;
    let inner = app.clone();
    app.store()
        .write(move |tx| {
            let schema = inner.schema();
            let caller = head.caller(tx, &schema)?;
            let info = head.info(&caller, Context::Default, submitted.values);
            let rule = access::applicable(&caller, &collection.rules.delete)?;
            let scope = Scope { db: tx, schema: &schema, caller: &caller, request: &info };
            let record = scope.find(&collection, &id, rule)?.ok_or(Error::NotFound)?;
            engine::delete::delete(&inner, tx, record).map_err(|error| error.or_bad_request(FAILED_TO_DELETE))
        })
        .await?;
    Ok(respond::no_content())
}

/// Creates a record, or updates the one with that id, and shows it as the caller may see it.
async fn write(
    app: &App,
    head: Head,
    submitted: Submitted,
    collection: Arc<Collection>,
    id: Option<String>,
) -> Result<Vec<u8>> {
    let Submitted { values, uploads } = submitted;
    let credentials = Credentials::prepare(app, &collection, id.as_deref(), &values).await?;
    let does_io = !uploads.is_empty();
    let inner = app.clone();
    let work = move |tx: &mut Tx| {
        let schema = inner.schema();
        // The collection may have changed while the body was read.
        let collection = schema.by_id(&collection.id).ok_or(Error::NotFound)?;
        let caller = head.caller(tx, &schema)?;
        let request = head.info(&caller, Context::Default, Map::new());
        let mut writing = Writing { app: &inner, schema: &schema, caller: &caller, request };
        let submission = Submission { values, uploads, credentials };
        let record = match &id {
            None => writing.create(tx, collection, submission)?,
            Some(id) => writing.update(tx, collection, id, submission)?,
        };
        let scope = Scope { db: tx, schema: &schema, caller: &caller, request: &writing.request };
        present(&scope, &head, &mut Record::clone(&record))
    };
    if does_io { app.store().write_alone(work).await } else { app.store().write(work).await }
}

/// The record as JSON, with what `expand` asks for.
fn present(scope: &Scope<'_>, head: &Head, record: &mut Record) -> Result<Vec<u8>> {
    if let Some(paths) = head.given("expand") {
        expand::expand(scope, std::slice::from_mut(record), paths)?;
    }
    export::record_json(scope, record)
}

fn take_apart(request: Request) -> (Head, Body) {
    let (mut parts, body) = request.into_parts();
    (Head::new(&mut parts), body)
}

fn find_collection(app: &App, name: &str, missing: &str) -> Result<Arc<Collection>> {
    let found = app.schema().find(name).map(Arc::clone);
    found.ok_or_else(|| ApiError::not_found(missing).into())
}

fn refuse_view(collection: &Collection) -> Result<()> {
    if collection.is_view() {
        return Err(ApiError::bad_request("Unsupported collection type.").into());
    }
    Ok(())
}

/// What a record's body may have: the default and what its large fields may hold.
fn body_limit(collection: &Collection) -> u64 {
    let or_default = |size: i64, default: u64| u64::try_from(size).ok().filter(|size| *size > 0).unwrap_or(default);
    let fields = collection.fields.iter().map(|field| match &field.kind {
        FieldKind::Editor(EditorOptions { max_size, .. }) => or_default(*max_size, 5 << 20),
        FieldKind::Json(JsonOptions { max_size }) => or_default(*max_size, 1 << 20),
        FieldKind::File(FileOptions { max_size, max_select, .. }) => {
            or_default(*max_size, 5 << 20).saturating_mul(or_default(*max_select, 1))
        }
        _ => 0,
    });
    fields.fold(body::DEFAULT_LIMIT, u64::saturating_add)
}
