//! `/api/logs`: what happened, for superusers.

use axum::extract::State;
use axum::response::Response;

use super::request::{Head, authorise_superuser};
use super::respond;
use crate::app::App;
use crate::error::{Error, Result};
use crate::http::path::Path;
use crate::records::list::Page;

/// `GET /api/logs`
pub async fn list(State(app): State<App>, head: Head) -> Result<Response> {
    authorise_superuser(&app, &head).await?;
    let page = Page::parse(|name| head.given(name))?;
    Ok(respond::json(app.logs().list(page).await?))
}

/// `GET /api/logs/stats`
pub async fn stats(State(app): State<App>, head: Head) -> Result<Response> {
    authorise_superuser(&app, &head).await?;
    let filter = head.parameter("filter").unwrap_or_default().to_owned();
    Ok(respond::json(app.logs().stats(filter).await?))
}

/// `GET /api/logs/{id}`
pub async fn view(State(app): State<App>, Path(id): Path<String>, head: Head) -> Result<Response> {
    authorise_superuser(&app, &head).await?;
    let entry = app.logs().find(id).await?;
    Ok(respond::json(entry.ok_or(Error::NotFound)?))
}

/// `DELETE /api/logs`
pub async fn clear(State(app): State<App>, head: Head) -> Result<Response> {
    authorise_superuser(&app, &head).await?;
    app.logs().clear().await?;
    Ok(respond::no_content())
}
