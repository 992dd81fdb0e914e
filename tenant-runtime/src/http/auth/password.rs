//! Signing in with a password.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::{Map, Value as Json};

use super::answer::Proven;
use super::auth_collection;
use crate::app::App;
use crate::auth::{self, Method};
use crate::error::{ApiError, FieldError, Result};
use crate::http::form::{Form, MOST_BYTES};
use crate::http::path::Path;
use crate::records::{Record, find, pattern};
use crate::schema::Collection;
use crate::schema::auth_options::AuthOptions;

const FAILED: &str = "Failed to authenticate.";

/// `POST /api/collections/{collection}/auth-with-password`
pub async fn with_password(State(app): State<App>, Path(name): Path<String>, request: Request) -> Result<Response> {
    let (collection, options) = auth_collection(&app, &name)?;
    if !options.password_auth.enabled {
        let message = "The collection is not configured to allow password authentication.";
        return Err(ApiError::forbidden(message).into());
    }
    let (head, values) = super::read(&app, request).await?;
    let login = Login::parse(&values, &options)?;
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
    Proven::by(Method::Password, *record).answer(&app, head, values).await
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
        let mut form = Form::new(values);
        let identity = form.sized("identity", 1, MOST_BYTES);
        let password = form.sized("password", 1, MOST_BYTES);
        let field = form.text("identityField");
        let known = &options.password_auth.identity_fields;
        if !field.is_empty() && !known.contains(&field) {
            let error = FieldError::new("validation_in_invalid", "Must be a valid value.");
            form.note("identityField", Err(error));
        }
        form.finish()?;
        let fields = if field.is_empty() { lookup_order(known, &identity) } else { vec![field] };
        Ok(Login { identity, password, fields })
    }

    fn find(&self, db: &rusqlite::Connection, collection: &Arc<Collection>) -> Result<Found> {
        for field in &self.fields {
            if let Some(record) = auth::by_identity(db, collection, field, &self.identity)? {
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
