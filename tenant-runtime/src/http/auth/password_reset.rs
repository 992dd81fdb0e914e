//! A new password for a forgotten one.

use axum::extract::{Request, State};
use axum::response::Response;

use super::auth_collection;
use crate::app::App;
use crate::auth::{self, password_reset};
use crate::error::{ApiError, FieldError, Result};
use crate::http::form::{self, Form, MOST_BYTES};
use crate::http::path::Path;
use crate::http::respond;
use crate::schema::{Collection, FieldKind};

/// `POST /api/collections/{collection}/request-password-reset`
pub async fn request(State(app): State<App>, Path(name): Path<String>, request: Request) -> Result<Response> {
    let (collection, options) = auth_collection(&app, &name)?;
    if !options.password_auth.enabled {
        let message = "The collection is not configured to allow password authentication.";
        return Err(ApiError::bad_request(message).into());
    }
    let (_, values) = super::read(&app, request).await?;
    let mut form = Form::new(&values);
    let email = form.email("email");
    form.finish()?;
    match app.store().read(move |db| auth::by_email(db, &collection, &email)).await? {
        Some(record) => password_reset::request(&app, record),
        None => return Ok(respond::as_if(respond::no_content(), "There is no account with that address.")),
    }
    Ok(respond::no_content())
}

/// `POST /api/collections/{collection}/confirm-password-reset`
pub async fn confirm(State(app): State<App>, Path(name): Path<String>, request: Request) -> Result<Response> {
    let (collection, _) = auth_collection(&app, &name)?;
    let (_, values) = super::read(&app, request).await?;
    let mut form = Form::new(&values);
    let token = form.required("token");
    let password = form.sized("password", shortest(&collection), MOST_BYTES);
    let confirmation = form.required("passwordConfirm");
    if confirmation != password {
        form.note("passwordConfirm", Err(FieldError::mismatch()));
    }
    form.finish()?;
    password_reset::confirm(&app, collection, token, password).await.map_err(form::invalid)?;
    Ok(respond::no_content())
}

fn shortest(collection: &Collection) -> usize {
    let least = match collection.field("password").map(|field| &field.kind) {
        Some(FieldKind::Password(options)) => options.min,
        _ => 1,
    };
    usize::try_from(least).unwrap_or(1).max(1)
}
