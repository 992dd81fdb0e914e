//! The endpoints of collections, for superusers only. Handlers translate; `collections/` decides.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use chrono::Utc;
use http::StatusCode;
use rusqlite::params_from_iter;
use serde_json::{Map, Value as Json};

use super::body;
use super::request::{Head, authorise_superuser};
use super::respond;
use crate::app::App;
use crate::collections as engine;
use crate::error::{ApiError, Error, FieldError, Problems, Result};
use crate::http::path::Path;
use crate::json;
use crate::records::find::to_sql;
use crate::records::list::Page;
use crate::rules::Columns;
use crate::schema::draft::draft;
use crate::schema::overlay::overlay;
use crate::schema::{Collection, oauth2_providers, scaffold};

const COLUMNS: Columns<'static> = Columns::new("_collections", &["id", "created", "updated", "name", "system", "type"]);
const UNREADABLE: &str = "Failed to load the submitted data due to invalid formatting.";
const UNREADABLE_TYPE: &str = "Failed to load the collection type data due to invalid formatting.";
const UNLOADABLE: &str = "An error occurred while loading the submitted data.";
const INVALID: &str = "An error occurred while validating the submitted data.";
const LONGEST_QUERY: usize = 5000;

/// `GET /api/collections`
pub async fn list(State(app): State<App>, head: Head) -> Result<Response> {
    authorise_superuser(&app, &head).await?;
    let page = Page::parse(|name| head.given(name))?;
    let schema = app.schema();
    let json = app
        .store()
        .read(move |db| {
            let refused = |_| Error::from(ApiError::bad_request(""));
            let filter = COLUMNS.filter(&page.filter, Utc::now()).map_err(refused)?;
            let sort = COLUMNS.sort(&page.sort).map_err(refused)?;
            let order = if sort.is_empty() { "`rowid`" } else { &sort };
            let params = || params_from_iter(filter.params.iter().map(to_sql));
            let total = if page.totals {
                let sql = format!("SELECT COUNT(*) FROM `_collections` WHERE {}", filter.text);
                Some(db.query_row(&sql, params(), |row| row.get(0))?)
            } else {
                None
            };
            let sql = format!(
                "SELECT `id` FROM `_collections` WHERE {} ORDER BY {order} LIMIT {} OFFSET {}",
                filter.text,
                page.per_page,
                page.offset()
            );
            let mut statement = db.prepare(&sql)?;
            let ids = statement.query_map(params(), |row| row.get(0))?.collect::<rusqlite::Result<Vec<String>>>()?;
            page.write(total, |out| {
                for (at, collection) in ids.iter().filter_map(|id| schema.by_id(id)).enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    json::write_value(out, &collection.to_public_json());
                }
                Ok(())
            })
        })
        .await?;
    Ok(respond::json(json))
}

/// `POST /api/collections`
pub async fn create(State(app): State<App>, request: Request) -> Result<Response> {
    let (head, body) = take_apart(request);
    authorise_superuser(&app, &head).await?;
    let given = read(&app, &head, body, UNREADABLE_TYPE).await?;
    for key in ["type", "name"] {
        if given.get(key).is_some_and(|value| !value.is_string() && !value.is_null()) {
            return Err(ApiError::bad_request(UNREADABLE_TYPE).into());
        }
    }
    let inner = app.clone();
    let created = app
        .store()
        .write_alone(move |tx| {
            let draft = draft(&inner.schema(), &given).map_err(|error| error.into_error(UNREADABLE))?;
            engine::create(&inner, tx, draft)
        })
        .await;
    Ok(show(&*created.map_err(|error| with_words(error, "Failed to create collection."))?))
}

/// `GET /api/collections/{collection}`
pub async fn view(State(app): State<App>, Path(name): Path<String>, head: Head) -> Result<Response> {
    authorise_superuser(&app, &head).await?;
    Ok(show(&*find(&app, &name)?))
}

/// `PATCH /api/collections/{collection}`
pub async fn update(State(app): State<App>, Path(name): Path<String>, request: Request) -> Result<Response> {
    let (head, body) = take_apart(request);
    authorise_superuser(&app, &head).await?;
    find(&app, &name)?;
    let given = read(&app, &head, body, UNREADABLE).await?;
    let inner = app.clone();
    let updated = app
        .store()
        .write_alone(move |tx| {
            let original = find(&inner, &name)?;
            let new = overlay(&original, &given).map_err(|error| error.into_error(UNREADABLE))?;
            engine::update(&inner, tx, &original, new)
        })
        .await;
    Ok(show(&*updated.map_err(|error| with_words(error, "Failed to update collection."))?))
}

/// `DELETE /api/collections/{collection}`
pub async fn delete(State(app): State<App>, Path(name): Path<String>, head: Head) -> Result<Response> {
    authorise_superuser(&app, &head).await?;
    let inner = app.clone();
    app.store()
        .write_alone(move |tx| {
            tx.must_be_possible();
            let collection = find(&inner, &name)?;
            engine::delete(&inner, tx, &collection).map_err(|error| {
                let mut message = "Failed to delete collection".to_owned();
                let referencing = engine::referencing(&inner.schema(), &collection);
                if !referencing.is_empty() {
                    message.push_str(" probably due to existing reference in ");
                    message.push_str(&referencing.join(", "));
                }
                error.or_bad_request(&message)
            })
        })
        .await?;
    Ok(respond::no_content())
}

/// `DELETE /api/collections/{collection}/truncate`
pub async fn truncate(State(app): State<App>, Path(name): Path<String>, head: Head) -> Result<Response> {
    const VIEW: &str = "View collections cannot be truncated since they don't store their own records.";
    const FAILED: &str =
        "Failed to truncate collection (most likely due to required cascade delete record references).";
    authorise_superuser(&app, &head).await?;
    if find(&app, &name)?.is_view() {
        return Err(ApiError::bad_request(VIEW).into());
    }
    let inner = app.clone();
    app.store()
        .write_alone(move |tx| {
            tx.must_be_possible();
            let collection = find(&inner, &name)?;
            engine::truncate(&inner, tx, &collection).map_err(|error| error.or_bad_request(FAILED))
        })
        .await?;
    Ok(respond::no_content())
}

/// `PUT /api/collections/import`. Its path looks like that of a collection, which may have this name.
pub async fn import(State(app): State<App>, Path(name): Path<String>, request: Request) -> Result<Response> {
    if name != "import" {
        return Err(Error::NotFound);
    }
    let (head, body) = take_apart(request);
    authorise_superuser(&app, &head).await?;
    let given = read(&app, &head, body, UNLOADABLE).await?;
    let (definitions, delete_missing) = import_form(&given).ok_or_else(|| ApiError::bad_request(UNLOADABLE))?;
    if definitions.is_empty() {
        let problems = Problems::of("collections", FieldError::required());
        return Err(ApiError::bad_request(INVALID).with_problems(&problems).into());
    }
    let inner = app.clone();
    app.store()
        .write_alone(move |tx| engine::import(&inner, tx, &definitions, delete_missing))
        .await
        .map_err(|error| error.or_bad_request("Failed to import collections."))?;
    Ok(respond::no_content())
}

/// `GET /api/collections/meta/scaffolds`
pub async fn scaffolds(State(app): State<App>, head: Head) -> Result<Response> {
    authorise_superuser(&app, &head).await?;
    let blanks = scaffold::nameless();
    let shown = blanks.iter().map(|blank| (blank.kind.name().to_owned(), blank.to_public_json())).collect();
    Ok(respond::json(json::text(&Json::Object(shown)).into_bytes()))
}

/// `GET /api/collections/meta/oauth2-providers`
pub async fn oauth2_providers(State(app): State<App>, head: Head) -> Result<Response> {
    authorise_superuser(&app, &head).await?;
    let shown = |provider: &oauth2_providers::Provider| serde_json::json!({ "name": provider.name, "displayName": provider.display_name, "logo": provider.logo() });
    let providers: Json = oauth2_providers::PROVIDERS.iter().map(shown).collect();
    Ok(respond::json(json::text(&providers).into_bytes()))
}

/// `POST /api/collections/meta/dry-run-view`
pub async fn dry_run_view(State(app): State<App>, request: Request) -> Result<Response> {
    let (head, body) = take_apart(request);
    authorise_superuser(&app, &head).await?;
    let given = read(&app, &head, body, UNLOADABLE).await?;
    let query = match given.get("query") {
        None | Some(Json::Null) => String::new(),
        Some(Json::String(query)) => query.clone(),
        Some(_) => return Err(ApiError::bad_request(UNLOADABLE).into()),
    };
    if let Some(error) = unfit_query(&query) {
        return Err(ApiError::bad_request(INVALID).with_problems(&Problems::of("query", error)).into());
    }
    let schema = app.schema();
    let tried = app.store().read(move |db| engine::dry_run(db, &schema, &query)).await;
    let tried = tried.map_err(|error| with_words(error, "Invalid view query."))?;
    let mut out = b"{\"fields\":".to_vec();
    json::write_value(&mut out, &tried.fields.iter().map(|field| field.to_json()).collect());
    out.extend_from_slice(b",\"sample\":[");
    out.extend_from_slice(&tried.sample.join(&b','));
    out.extend_from_slice(b"]}");
    Ok(respond::json(out))
}

/// The keys of the body; what cannot be read is told in `sentence`.
async fn read(app: &App, head: &Head, body: Body, sentence: &str) -> Result<Map<String, Json>> {
    let submitted = body::read(app, head, body, body::DEFAULT_LIMIT).await;
    let submitted = submitted.map_err(|error| match error {
        Error::Api(answer) if answer.status == StatusCode::BAD_REQUEST => ApiError::bad_request(sentence).into(),
        error => error,
    })?;
    Ok(submitted.values)
}

fn import_form(given: &Map<String, Json>) -> Option<(Vec<Map<String, Json>>, bool)> {
    let definitions = match given.get("collections") {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(items)) => {
            items.iter().map(|item| item.as_object().cloned()).collect::<Option<Vec<Map<String, Json>>>>()?
        }
        Some(_) => return None,
    };
    let delete_missing = match given.get("deleteMissing") {
        None | Some(Json::Null) => false,
        Some(value) => value.as_bool()?,
    };
    Some((definitions, delete_missing))
}

fn unfit_query(query: &str) -> Option<FieldError> {
    if query.is_empty() {
        return Some(FieldError::required());
    }
    let message = format!("The length must be no more than {LONGEST_QUERY}.");
    let too_long = || FieldError::new("validation_length_too_long", &message).with("max", LONGEST_QUERY).with("min", 0);
    (query.len() > LONGEST_QUERY).then(too_long)
}

/// Superusers are told what the database says.
fn with_words(error: Error, sentence: &str) -> Error {
    match engine::words(&error) {
        Some(words) => ApiError::bad_request(&format!("{sentence} Raw error: \n{words}")).into(),
        None if matches!(error, Error::NotFound) => error,
        None => error.or_bad_request(sentence),
    }
}

fn find(app: &App, name: &str) -> Result<Arc<Collection>> {
    app.schema().find(name).map(Arc::clone).ok_or(Error::NotFound)
}

fn show(collection: &Collection) -> Response {
    respond::json(json::text(&collection.to_public_json()).into_bytes())
}

fn take_apart(request: Request) -> (Head, Body) {
    let (mut parts, body) = request.into_parts();
    (Head::new(&mut parts), body)
}
