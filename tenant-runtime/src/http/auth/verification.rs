//! Proving a mail address.

use axum::extract::{Request, State};
use axum::response::Response;

use super::auth_collection;
use crate::app::App;
use crate::auth::{self, verification};
use crate::error::{ApiError, Result};
use crate::http::form::{self, Form};
use crate::http::path::Path;
use crate::http::respond;
use crate::schema::Collection;

/// `POST /api/collections/{collection}/request-verification`
pub async fn request(State(app): State<App>, Path(name): Path<String>, request: Request) -> Result<Response> {
    let (collection, _) = auth_collection(&app, &name)?;
    refuse_superusers(&collection)?;
    let (_, values) = super::read(&app, request).await?;
    let mut form = Form::new(&values);
    let email = form.email("email");
    form.finish()?;
    match app.store().read(move |db| auth::by_email(db, &collection, &email)).await? {
        Some(record) => verification::request(&app, record),
        None => return Ok(respond::as_if(respond::no_content(), "There is no account with that address.")),
    }
    Ok(respond::no_content())
}

/// `POST /api/collections/{collection}/confirm-verification`
pub async fn confirm(State(app): State<App>, Path(name): Path<String>, request: Request) -> Result<Response> {
    let (collection, _) = auth_collection(&app, &name)?;
    refuse_superusers(&collection)?;
    let (_, values) = super::read(&app, request).await?;
    let mut form = Form::new(&values);
    let token = form.required("token");
    form.finish()?;
    verification::confirm(&app, collection, token).await.map_err(form::invalid)?;
    Ok(respond::no_content())
}

fn refuse_superusers(collection: &Collection) -> Result<()> {
    if collection.is_superusers() {
        return Err(ApiError::bad_request("All superusers are verified by default.").into());
    }
    Ok(())
}
