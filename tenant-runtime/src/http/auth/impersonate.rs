//! A superuser signs in as somebody else.

use axum::extract::{Request, State};
use axum::response::Response;

use super::answer::Proven;
use super::auth_collection;
use crate::app::App;
use crate::auth;
use crate::error::{Error, Result};
use crate::http::form::Form;
use crate::http::path::Path;
use crate::http::request::{Head, require_superuser};
use crate::records::find;
use crate::records::value::cast_number;
use crate::schema::validate::limits;

/// `POST /api/collections/{collection}/impersonate/{id}`
pub async fn impersonate(
    State(app): State<App>,
    Path((name, id)): Path<(String, String)>,
    request: Request,
) -> Result<Response> {
    let (mut parts, content) = request.into_parts();
    let head = Head::new(&mut parts);
    let (asking, schema) = (head.clone(), app.schema());
    app.store().read(move |db| require_superuser(&asking.caller(db, &schema)?)).await?;
    let (collection, options) = auth_collection(&app, &name)?;
    let record = app.store().read(move |db| find::by_id(db, &collection, &id)).await?.ok_or(Error::NotFound)?;
    let submitted = crate::http::body::read(&app, &head, content, crate::http::body::DEFAULT_LIMIT).await;
    let values = submitted.map_err(super::unreadable)?.values;
    #[expect(clippy::cast_possible_truncation, reason = "a fraction of a second is of no importance")]
    let seconds = values.get("duration").map_or(0.0, cast_number) as i64;
    let mut form = Form::new(&values);
    form.note("duration", limits::at_least(seconds, 0));
    form.finish()?;
    let seconds = if seconds == 0 { options.auth_token.duration } else { seconds };
    let token = auth::issue_static(&record, seconds)?;
    Proven { token: Some(token), ..Proven::without_method(record) }.answer(&app, head, values).await
}
