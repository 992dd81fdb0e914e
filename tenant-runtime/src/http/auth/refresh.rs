//! A new token for an old one.

use axum::extract::{Request, State};
use axum::response::Response;

use super::answer::Proven;
use super::auth_collection;
use crate::app::App;
use crate::auth;
use crate::error::{ApiError, Result};
use crate::http::path::Path;
use crate::http::request::Head;
use crate::records::Record;
use crate::schema::Collection;

/// `POST /api/collections/{collection}/auth-refresh`
pub async fn refresh(State(app): State<App>, Path(name): Path<String>, request: Request) -> Result<Response> {
    let (collection, _) = auth_collection(&app, &name)?;
    let (head, values) = super::read(&app, request).await?;
    let (record, refreshable) = same_collection(&app, &head, &collection).await?;
    let kept = (!refreshable).then(|| head.token.clone());
    Proven { token: kept, ..Proven::without_method(record) }.answer(&app, head, values).await
}

/// The caller, who must be one of the collection, and whether the token may be refreshed.
pub(super) async fn same_collection(app: &App, head: &Head, collection: &Collection) -> Result<(Record, bool)> {
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
    Ok((Record::clone(&record), refreshable))
}
