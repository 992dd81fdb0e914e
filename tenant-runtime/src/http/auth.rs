//! Signing in: the methods on offer, passwords, and new tokens for old ones.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Map, Value as Json, json};

use super::body;
use super::gate;
use super::request::Head;
use super::respond;
use crate::app::App;
use crate::auth::{self, Caller};
use crate::error::{ApiError, Error, FieldError, Problems, Result};
use crate::json;
use crate::records::access::Scope;
use crate::records::value::cast_text;
use crate::records::{Record, expand, export, find, pattern};
use crate::rules::Context;
use crate::schema::auth_options::{AuthOptions, TokenType};
use crate::schema::{Collection, index};

const FAILED: &str = "Failed to authenticate.";
const INVALID_BODY: &str = "An error occurred while validating the submitted data.";
const UNREADABLE_BODY: &str = "An error occurred while loading the submitted data.";
const MOST_IDENTITY_BYTES: usize = 255;

/// `GET /api/collections/{collection}/auth-methods`
pub async fn methods(State(app): State<App>, Path(name): Path<String>) -> Result<Response> {
    let (_, options) = auth_collection(&app, &name)?;
    let password = &options.password_auth;
    let fields: &[String] = if password.enabled { &password.identity_fields } else { &[] };
    let has = |field: &str| fields.iter().any(|known| known == field);
    let duration = |enabled: bool, seconds: i64| if enabled { seconds } else { 0 };
    let answer = json!({
        "password": { "identityFields": fields, "enabled": password.enabled },
        "oauth2": { "providers": [], "enabled": false },
        "mfa": { "enabled": options.mfa.enabled, "duration": duration(options.mfa.enabled, options.mfa.duration) },
        "otp": { "enabled": options.otp.enabled, "duration": duration(options.otp.enabled, options.otp.duration) },
        "authProviders": [],
        "usernamePassword": has("username"),
        "emailPassword": has("email"),
    });
    Ok(respond::json(answer.to_string().into_bytes()))
}

/// `POST /api/collections/{collection}/auth-with-password`
pub async fn with_password(State(app): State<App>, Path(name): Path<String>, request: Request) -> Result<Response> {
    let (mut parts, body) = request.into_parts();
    let head = Head::new(&mut parts);
    let (collection, options) = auth_collection(&app, &name)?;
    if !options.password_auth.enabled {
        let message = "The collection is not configured to allow password authentication.";
        return Err(ApiError::forbidden(message).into());
    }
    let submitted = body::read(&app, &head, body, body::DEFAULT_LIMIT)
        .await
        .map_err(|error| with_message(error, UNREADABLE_BODY))?;
    let login = Login::parse(&submitted.values, &options)?;
    let (of, identity) = (Arc::clone(&collection), login.clone());
    let found = app.store().read(move |db| identity.find(db, &of)).await?;
    // Somebody unknown costs as much time as somebody known.
    let (record, hash) = match found {
        Found::Record(record) => {
            let hash = record.text("password").to_owned();
            (Some(record), hash)
        }
        Found::Nobody(any_hash) => (None, any_hash),
    };
    let fits = app.hasher().verify(login.password, hash).await?;
    let record = record.filter(|_| fits).ok_or_else(|| ApiError::bad_request(FAILED))?;
    answer(&app, head, *record, Context::Password, submitted.values, None).await
}

/// `POST /api/collections/{collection}/auth-refresh`
pub async fn refresh(State(app): State<App>, Path(name): Path<String>, request: Request) -> Result<Response> {
    let (mut parts, body) = request.into_parts();
    let head = Head::new(&mut parts);
    let (collection, _) = auth_collection(&app, &name)?;
    let submitted = body::read(&app, &head, body, body::DEFAULT_LIMIT).await?;
    let (token, schema) = (head.token.clone(), app.schema());
    let known = app.store().read(move |db| auth::authenticate(db, &schema, &token)).await?;
    let Some((record, refreshable)) = known else {
        let message = "The request requires valid record authorization token.";
        return Err(ApiError::unauthorized(message).into());
    };
    if record.collection().id != collection.id {
        let message = format!("The request requires auth record from {} collection.", record.collection().name);
        return Err(ApiError::forbidden(&message).into());
    }
    let same_token = (!refreshable).then(|| head.token.clone());
    answer(&app, head, Record::clone(&record), Context::Default, submitted.values, same_token).await
}

/// Checks the collection's auth rule and answers with a token, an old one if it is given, and the record.
async fn answer(
    app: &App,
    head: Head,
    record: Record,
    context: Context,
    body: Map<String, Json>,
    token: Option<String>,
) -> Result<Response> {
    gate::check_superuser_address(app, record.collection(), head.address)?;
    let schema = app.schema();
    let json = app
        .store()
        .read(move |db| {
            let caller = head.caller(db, &schema)?;
            let info = head.info(&caller, context, body.clone());
            let scope = Scope { db, schema: &schema, caller: &caller, request: &info };
            check_auth_rule(&scope, &record)?;
            let mut record = record.clone();
            if let Some(paths) = head.given("expand") {
                let own = Caller::record(Arc::new(record.clone()));
                let info = head.info(&own, Context::Default, Map::new());
                let scope = Scope { db, schema: &schema, caller: &own, request: &info };
                expand::expand(&scope, std::slice::from_mut(&mut record), paths)?;
            }
            let token = match &token {
                Some(token) => token.clone(),
                None => auth::issue(&record, TokenType::Auth)?,
            };
            let mut out = b"{\"record\":".to_vec();
            out.extend(export::own_record_json(&record));
            out.extend_from_slice(b",\"token\":");
            json::write_string(&mut out, &token);
            out.push(b'}');
            Ok(out)
        })
        .await?;
    Ok(respond::json(json))
}

fn check_auth_rule(scope: &Scope<'_>, record: &Record) -> Result<()> {
    if scope.caller.is_superuser() {
        return Ok(());
    }
    let rule = record.collection().auth.as_ref().and_then(|auth| auth.auth_rule.as_deref());
    let satisfied = match rule {
        None => false,
        Some("") => true,
        Some(rule) => scope.find(record.collection(), record.id(), Some(rule))?.is_some(),
    };
    if satisfied {
        return Ok(());
    }
    let message = "The request doesn't satisfy the collection requirements to authenticate.";
    Err(ApiError::forbidden(message).into())
}

/// What somebody signs in with.
#[derive(Clone)]
struct Login {
    identity: String,
    password: String,
    /// The fields to look in, in order.
    fields: Vec<String>,
}

enum Found {
    Record(Box<Record>),
    /// Nobody; with the hash of anybody, to compare with in vain.
    Nobody(String),
}

impl Login {
    fn parse(values: &Map<String, Json>, options: &AuthOptions) -> Result<Login> {
        let text = |key: &str| values.get(key).map(cast_text).unwrap_or_default();
        let (identity, password, field) = (text("identity"), text("password"), text("identityField"));
        let mut problems = Problems::new();
        for (key, value) in [("identity", &identity), ("password", &password)] {
            if value.is_empty() {
                problems.add(key, FieldError::required());
            } else if value.len() > MOST_IDENTITY_BYTES {
                let message = format!("The length must be between 1 and {MOST_IDENTITY_BYTES}.");
                let error = FieldError::new("validation_length_out_of_range", &message);
                problems.add(key, error.with("max", MOST_IDENTITY_BYTES).with("min", 1));
            }
        }
        let known = &options.password_auth.identity_fields;
        if !field.is_empty() && !known.contains(&field) {
            problems.add("identityField", FieldError::new("validation_in_invalid", "Must be a valid value."));
        }
        if !problems.is_empty() {
            return Err(ApiError::bad_request(INVALID_BODY).with_problems(&problems).into());
        }
        let fields = if field.is_empty() { lookup_order(known, &identity) } else { vec![field] };
        Ok(Login { identity, password, fields })
    }

    fn find(&self, db: &rusqlite::Connection, collection: &Arc<Collection>) -> Result<Found> {
        for field in &self.fields {
            let index = index::single_column_unique(&collection.indexes, field);
            let ignore_case = index.is_some_and(|index| index.columns[0].collate.eq_ignore_ascii_case("nocase"));
            if let Some(record) = find::by_column(db, collection, field, &self.identity, ignore_case)? {
                return Ok(Found::Record(Box::new(record)));
            }
        }
        let sql = format!("SELECT `password` FROM {} LIMIT 1", find::quote(&collection.name));
        let any = db.prepare_cached(&sql)?.query_row([], |row| row.get(0));
        Ok(Found::Nobody(any.unwrap_or_default()))
    }
}

/// The mail address first, and only for what looks like one.
fn lookup_order(fields: &[String], identity: &str) -> Vec<String> {
    let is_email = pattern::is_email(identity);
    let email = fields.iter().filter(|field| *field == "email" && is_email);
    email.chain(fields.iter().filter(|field| *field != "email")).cloned().collect()
}

fn auth_collection(app: &App, name: &str) -> Result<(Arc<Collection>, Box<AuthOptions>)> {
    let collection = app.schema().find(name).map(Arc::clone);
    let collection = collection.ok_or_else(|| ApiError::not_found("Missing or invalid collection context."))?;
    let options = collection.auth.clone();
    let options = options.ok_or_else(|| ApiError::not_found("Missing or invalid auth collection context."))?;
    Ok((collection, options))
}

fn with_message(error: Error, message: &str) -> Error {
    match error {
        Error::Api(answer) if answer.status == StatusCode::BAD_REQUEST && answer.message.is_empty() => {
            ApiError::bad_request(message).into()
        }
        error => error,
    }
}
