//! The five endpoints of records. Handlers translate; `records/` decides.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;

use super::body;
use super::change::{Action, Change, present};
use super::request::Head;
use super::respond;
use crate::app::App;
use crate::client_address;
use crate::error::{ApiError, Error, Result};
use crate::http::path::Path;
use crate::records::access::{self, Scope};
use crate::records::list::{self, Page};
use crate::records::pattern;
use crate::rules::Context;
use crate::schema::field::{EditorOptions, FileOptions, JsonOptions};
use crate::schema::{Collection, FieldKind};
use crate::store::Tx;

/// How many lists with a filter that finds nothing are answered at once, from one address.
const GUESSES: u32 = 3;
const GUESSES_IN: Duration = Duration::from_secs(3);

pub(super) const MISSING: &str = "Missing collection context.";
const MISSING_FOR_WRITE: &str = "Missing or invalid collection context.";

/// `GET /api/collections/{collection}/records`
pub async fn list(State(app): State<App>, Path(name): Path<String>, request: Request) -> Result<Response> {
    let (head, body) = take_apart(request);
    let collection = find_collection(&app, &name, MISSING)?;
    let submitted = body::read(&app, &head, body, body::DEFAULT_LIMIT).await?;
    let page = Page::parse(|name| head.given(name))?;
    let schema = app.schema();
    let (inner, address) = (app.clone(), head.address);
    let (json, is_guess) = app
        .store()
        .read(move |db| {
            let version = inner.store().version();
            let caller = head.caller(db, &schema)?;
            let info = head.info(&caller, Context::Default, submitted.values.clone());
            let scope = Scope { db, schema: &schema, caller: &caller, request: &info };
            let json = list::page(&scope, &collection, &page, |select| inner.counts().of(version, db, select))?;
            let is_ruled = collection.rules.list.as_deref().is_some_and(|rule| !rule.is_empty());
            let found_nothing = is_ruled && !page.filter.is_empty() && json.starts_with(list::NO_ITEMS);
            Ok((json, found_nothing && !caller.is_superuser()))
        })
        .await?;
    if is_guess {
        blur(&app, address).await;
    }
    Ok(respond::json(json))
}

/// Makes the time of an answer worthless to whoever asks one filter after the other about records they may not list: how
/// long it takes to find nothing tells what is there.
async fn blur(app: &App, address: Option<IpAddr>) {
    let key = format!("guesses {}", address.map(client_address::text).unwrap_or_default());
    if !app.throttle().admit(&key, GUESSES, GUESSES_IN) {
        tokio::time::sleep(Duration::from_millis(pattern::random_below(500))).await;
    }
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
    let collection = find_writable(&app, &name, MISSING_FOR_WRITE)?;
    let submitted = body::read(&app, &head, body, body_limit(&collection)).await?;
    change(&app, Change { collection, action: Action::Create, head, submitted }).await
}

/// `PATCH /api/collections/{collection}/records/{id}`
pub async fn update(
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
    request: Request,
) -> Result<Response> {
    let (head, body) = take_apart(request);
    let collection = find_writable(&app, &name, MISSING_FOR_WRITE)?;
    let submitted = body::read(&app, &head, body, body_limit(&collection)).await?;
    change(&app, Change { collection, action: Action::Update(id), head, submitted }).await
}

/// `DELETE /api/collections/{collection}/records/{id}`
pub async fn delete(
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
    request: Request,
) -> Result<Response> {
    let (head, body) = take_apart(request);
    let collection = find_writable(&app, &name, MISSING)?;
    let submitted = body::read(&app, &head, body, body::DEFAULT_LIMIT).await?;
    change(&app, Change { collection, action: Action::Delete(id), head, submitted }).await
}

/// Carries out a single change in a transaction it may share with others.
async fn change(app: &App, change: Change) -> Result<Response> {
    let deletes = matches!(change.action, Action::Delete(_));
    let change = change.prepare(app).await?;
    let inner = app.clone();
    let work = move |tx: &mut Tx| {
        if deletes {
            tx.must_be_possible();
        }
        let caller = change.head().caller(tx, &inner.schema())?;
        change.carry_out(&inner, tx, &caller, Context::Default)
    };
    let shown = app.store().write(work).await?;
    Ok(shown.map_or_else(respond::no_content, respond::json))
}

fn take_apart(request: Request) -> (Head, Body) {
    let (mut parts, body) = request.into_parts();
    (Head::new(&mut parts), body)
}

fn find_collection(app: &App, name: &str, missing: &str) -> Result<Arc<Collection>> {
    let found = app.schema().find(name).map(Arc::clone);
    found.ok_or_else(|| ApiError::not_found(missing).into())
}

/// Views only show what other collections hold.
pub(super) fn find_writable(app: &App, name: &str, missing: &str) -> Result<Arc<Collection>> {
    let collection = find_collection(app, name, missing)?;
    if collection.is_view() {
        return Err(ApiError::bad_request("Unsupported collection type.").into());
    }
    Ok(collection)
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
