//! The console's API: every route on one screen.

use std::convert::Infallible;
use std::net::IpAddr;
use std::time::Duration;

use axum::extract::{FromRequest, Request, State};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use futures_util::Stream;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::config::SignUp;
use crate::error::{Error, ErrorBody, Result};
use crate::fleet::reconcile;
use crate::jobs;
use crate::mail::{self, OutboxMail};
use crate::session::{self, Session};
use crate::state::Platform;
use crate::{accounts, backups, clock, projects};

/// What a JSON body may have.
const MOST_BODY_BYTES: usize = 64 * 1024;
const PING: Duration = Duration::from_secs(20);

#[derive(OpenApi)]
#[openapi(info(title = "Roost", description = "The console's API. Errors have PocketBase's envelope.", version = "0"))]
struct Document;

/// The console: its API and its pages.
pub fn router(platform: Platform) -> Router {
    let (api, document) = api().split_for_parts();
    let document = document.to_json().unwrap_or_default();
    api.route(
        "/api/openapi.json",
        axum::routing::get(|| async { ([(header::CONTENT_TYPE, "application/json")], document) }),
    )
    .route("/api/{*path}", axum::routing::any(unknown))
    .fallback_service(dashboard::console())
    .layer(middleware::from_fn_with_state(platform.clone(), session::same_origin))
    .layer(middleware::from_fn(prepare))
    .with_state(platform)
}

/// The OpenAPI document.
pub fn openapi() -> String {
    api().split_for_parts().1.to_pretty_json().unwrap_or_default()
}

fn api() -> OpenApiRouter<Platform> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(accounts::api::routes())
        .merge(projects::api::routes())
        .routes(routes!(health))
        .routes(routes!(config))
        .merge(jobs::api::routes())
        .merge(backups::api::routes())
        .routes(routes!(outbox))
        .routes(routes!(events))
}

/// What the console needs to know before anybody signs in
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Config {
    domain: String,
    console_url: String,
    /// With `{slug}` where the project's slug stands.
    project_url: String,
    sign_up: SignUp,
    /// Whether mails are kept in an outbox instead of being sent: in development only.
    outbox: bool,
    grace_days: u32,
    sleep_after_ms: i64,
}

#[derive(Serialize, ToSchema)]
struct Health {
    message: &'static str,
    code: u16,
}

#[derive(Serialize, ToSchema)]
struct Outbox {
    items: Vec<OutboxMail>,
}

/// Whether the console answers
#[utoipa::path(get, path = "/api/health", responses((status = 200, body = Health)))]
async fn health() -> Json<Health> {
    Json(Health { message: "The console is healthy.", code: 200 })
}

/// What the console needs to know before anybody signs in
#[utoipa::path(get, path = "/api/config", responses((status = 200, body = Config)))]
async fn config(State(platform): State<Platform>) -> Json<Config> {
    Json(Config {
        domain: platform.config.domain.clone(),
        console_url: platform.urls.console(),
        project_url: platform.urls.project("{slug}"),
        sign_up: platform.config.sign_up,
        outbox: platform.config.dev,
        grace_days: platform.config.grace_days,
        sleep_after_ms: clock::millis(Duration::from_millis(platform.config.rest.to_spec().sleep_after_ms)),
    })
}

/// Mails of the platform, in development only
#[utoipa::path(get, path = "/api/outbox", responses((status = 200, body = Outbox), (status = 404, body = ErrorBody)))]
async fn outbox(State(platform): State<Platform>) -> Result<Json<Outbox>> {
    if !platform.config.dev {
        return Err(Error::not_found("There is no outbox here."));
    }
    Ok(Json(Outbox { items: mail::outbox(platform.database.read()).await? }))
}

/// A stream of what changes: `project` with the whole project, `projectGone` with its id, `job` with the whole job
#[utoipa::path(get, path = "/api/events", responses((status = 200, content_type = "text/event-stream", body = String)))]
async fn events(
    State(platform): State<Platform>,
    session: Session,
) -> Sse<impl Stream<Item = std::result::Result<Event, Infallible>>> {
    let changes = (platform.changes.subscribe(), platform.jobs.changes());
    let stream = futures_util::stream::unfold((platform, session, changes), |(platform, session, mut changes)| async {
        loop {
            // The page asks for everything again when it reconnects after it lagged behind.
            let event = tokio::select! {
                id = changes.0.recv() => project_event(&platform, &session, id.ok()?).await,
                id = changes.1.recv() => job_event(&platform, &session, id.ok()?).await,
            };
            if let Some(event) = event {
                return Some((Ok(event), (platform, session, changes)));
            }
        }
    });
    Sse::new(stream).keep_alive(KeepAlive::new().interval(PING).text("ping"))
}

async fn project_event(platform: &Platform, session: &Session, id: String) -> Option<Event> {
    match reconcile::present(platform, &session.account.id, &id).await.ok()? {
        Some(project) => Event::default().event("project").json_data(&project).ok(),
        None => Event::default().event("projectGone").json_data(serde_json::json!({ "id": id })).ok(),
    }
}

async fn job_event(platform: &Platform, session: &Session, id: String) -> Option<Event> {
    let job = jobs::api::present(platform, &session.account.id, &id).await.ok()??;
    Event::default().event("job").json_data(&job).ok()
}

async fn unknown() -> Error {
    Error::not_found("There is no such endpoint.")
}

/// A JSON body, with the envelope for what cannot be read.
pub struct Body<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Body<T> {
    type Rejection = Error;

    async fn from_request(request: Request, _state: &S) -> Result<Body<T>> {
        let too_large = || Error::refused(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The request is too large.");
        let bytes = axum::body::to_bytes(request.into_body(), MOST_BODY_BYTES).await.map_err(|_| too_large())?;
        serde_json::from_slice(&bytes).map(Body).map_err(|error| {
            tracing::debug!("a body cannot be read: {error}");
            Error::refused(StatusCode::BAD_REQUEST, "invalid_body", "The request's body is not what is expected here.")
        })
    }
}

/// Who calls, as the proxy saw it.
#[derive(Clone, Copy, Debug)]
pub struct ClientAddress(Option<IpAddr>);

impl std::fmt::Display for ClientAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(address) => address.fmt(f),
            None => f.write_str("unknown"),
        }
    }
}

/// Notes the client's address, and keeps answers of the API out of caches.
async fn prepare(mut request: Request, next: Next) -> Response {
    let address = request.headers().get("x-roost-client-ip").and_then(|value| value.to_str().ok()?.parse().ok());
    request.extensions_mut().insert(ClientAddress(address));
    let is_api = request.uri().path().starts_with("/api/");
    let mut response = next.run(request).await.into_response();
    if is_api {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}
