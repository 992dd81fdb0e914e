//! Another mail address.

use axum::extract::{Request, State};
use axum::response::Response;

use super::auth_collection;
use super::refresh::same_collection;
use crate::app::App;
use crate::auth::email_change;
use crate::error::{ApiError, Result};
use crate::http::form::{self, Form};
use crate::http::path::Path;
use crate::http::request::Head;
use crate::http::{body, respond};
use crate::records::pattern;

const MOST_PASSWORD_BYTES: usize = 100;

/// `POST /api/collections/{collection}/request-email-change`
pub async fn request(State(app): State<App>, Path(name): Path<String>, request: Request) -> Result<Response> {
    let (collection, _) = auth_collection(&app, &name)?;
    let (mut parts, content) = request.into_parts();
    let head = Head::new(&mut parts);
    let (record, _) = same_collection(&app, &head, &collection).await?;
    if collection.is_superusers() {
        return Err(ApiError::bad_request("All superusers can change their emails directly.").into());
    }
    let submitted = body::read(&app, &head, content, body::DEFAULT_LIMIT).await.map_err(super::unreadable)?;
    let mut form = Form::new(&submitted.values);
    let email = form.email("newEmail");
    if pattern::is_email(&email) {
        let (of, new) = (record.clone(), email.clone());
        let check = app.store().read(move |db| email_change::check_new_email(db, &of, &new)).await?;
        form.note("newEmail", check);
    }
    form.finish()?;
    email_change::request(&app, &record, &email).await?;
    Ok(respond::no_content())
}

/// `POST /api/collections/{collection}/confirm-email-change`
pub async fn confirm(State(app): State<App>, Path(name): Path<String>, request: Request) -> Result<Response> {
    let (collection, _) = auth_collection(&app, &name)?;
    let (_, values) = super::read(&app, request).await?;
    let mut form = Form::new(&values);
    let token = form.required("token");
    let password = form.sized("password", 1, MOST_PASSWORD_BYTES);
    form.finish()?;
    email_change::confirm(&app, collection, token, password).await.map_err(form::invalid)?;
    Ok(respond::no_content())
}
