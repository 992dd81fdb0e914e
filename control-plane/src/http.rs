//! The console's API: every route on one screen.

use std::collections::HashSet;
use std::convert::Infallible;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use axum::extract::{FromRequest, FromRequestParts, Request, State};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::{Json, Router};
use futures_util::Stream;
use http::request::Parts;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::sync::broadcast;
use utoipa::{OpenApi, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::accounts::providers::OfferedProvider;
use crate::accounts::unverified::UnverifiedLimits;
use crate::config::SignUp;
use crate::error::{Error, ErrorBody, Result};
use crate::fleet::reconcile;
use crate::jobs;
use crate::mail::{self, OutboxMail};
use crate::projects::support;
use crate::session::{self, Session};
use crate::state::{Change, Platform};
use crate::{access, accounts, audit, backups, clock, domains, operator, plans, projects, teams, usage};

/// What a JSON body may have.
const MOST_BODY_BYTES: usize = 64 * 1024;
const PING: Duration = Duration::from_secs(20);
/// How often an event stream looks whether whoever reads it is still welcome.
const CHECK: Duration = Duration::from_secs(3);

#[derive(OpenApi)]
#[openapi(info(title = "Roost", description = "The console's API. Errors have PocketBase's envelope.", version = "0"))]
struct Document;

/// The console: its API and its pages.
pub fn router(platform: Platform) -> Router {
    let (api, mut document) = api().split_for_parts();
    access::describe(&mut document);
    let document = document.to_json().unwrap_or_default();
    api.route(
        "/api/openapi.json",
        axum::routing::get(|| async { ([(header::CONTENT_TYPE, "application/json")], document) }),
    )
    .route("/api/{*path}", axum::routing::any(unknown))
    .fallback_service(dashboard::console())
    .layer(middleware::from_fn_with_state(platform.clone(), access::door))
    .layer(middleware::from_fn_with_state(platform.clone(), session::same_origin))
    .layer(middleware::from_fn(prepare))
    .with_state(platform)
}

/// The OpenAPI document.
pub fn openapi() -> String {
    let mut document = api().split_for_parts().1;
    access::describe(&mut document);
    document.to_pretty_json().unwrap_or_default()
}

fn api() -> OpenApiRouter<Platform> {
    OpenApiRouter::with_openapi(Document::openapi())
        .merge(accounts::routes())
        .merge(projects::api::routes())
        .merge(teams::api::routes())
        .merge(audit::api::routes())
        .merge(domains::api::routes())
        .merge(plans::api::routes())
        .merge(usage::api::routes())
        .routes(routes!(health))
        .routes(routes!(config))
        .merge(jobs::api::routes())
        .merge(backups::api::routes())
        .merge(operator::routes())
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
    /// Ways to sign in beside the password.
    sign_in: Vec<OfferedProvider>,
    /// Whether mails are kept in an outbox instead of being sent: in development only.
    outbox: bool,
    grace_days: u32,
    /// How long a domain that was removed is nobody else's without a proof.
    quarantine_days: u32,
    /// Whether domains get certificates by themselves.
    certificates: bool,
    sleep_after_ms: i64,
    /// What is limited until a mail address is proven; null if nothing is.
    unverified: Option<UnverifiedLimits>,
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
        sign_in: platform.providers.offered(),
        outbox: platform.config.dev,
        grace_days: platform.config.grace_days,
        quarantine_days: platform.config.domains.quarantine_days,
        certificates: platform.config.acme.is_on(),
        unverified: UnverifiedLimits::of(&platform.config),
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

/// A stream of what changes: `project` with the whole project, `projectGone` with its id, `domain` with `projectId` and the
/// whole `domain`, `domainGone` with `projectId` and `name`, `job` with the whole job. It ends with the session
#[utoipa::path(get, path = "/api/events", responses((status = 200, content_type = "text/event-stream", body = String)))]
async fn events(
    State(platform): State<Platform>,
    session: Session,
) -> Result<Sse<impl Stream<Item = std::result::Result<Event, Infallible>>>> {
    let changes = platform.changes.subscribe();
    let visible = visible_to(&platform, &session).await?;
    let reader = Reader { changes, visible, check: tokio::time::interval(CHECK), platform, session };
    let stream = futures_util::stream::unfold(reader, |mut reader| async move {
        loop {
            let change = reader.next_change().await?;
            if let Ok(Some(event)) = reader.tell(&change).await {
                return Some((Ok(event), reader));
            }
        }
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(PING).text("ping")))
}

/// The ids of the projects somebody may look at now.
async fn visible_to(platform: &Platform, session: &Session) -> Result<HashSet<String>> {
    let db = platform.database.read();
    let projects = projects::store::of_account(db, &session.account.id).await?;
    let seen = projects.into_iter().filter(|(row, _)| session.sees(row));
    let mut visible: HashSet<String> = seen.map(|(row, _)| row.id).collect();
    if session.account.operator && session.grant.is_none() {
        visible.extend(support::all(db).await?.into_keys());
    }
    Ok(visible)
}

/// Whoever reads an event stream.
struct Reader {
    platform: Platform,
    session: Session,
    changes: broadcast::Receiver<Change>,
    /// The ids of the projects they could look at. Nobody hears that others' projects come and go.
    visible: HashSet<String>,
    check: tokio::time::Interval,
}

impl Reader {
    /// The next change; `None` ends the stream.
    async fn next_change(&mut self) -> Option<Change> {
        loop {
            tokio::select! {
                biased;
                _ = self.check.tick() => if !self.session.still_counts(&self.platform).await { return None },
                // After a gap the page asks for everything again when it reconnects.
                change = self.changes.recv() => return change.ok(),
            }
        }
    }

    /// A change as whoever reads is told of it, if it concerns them.
    async fn tell(&mut self, change: &Change) -> anyhow::Result<Option<Event>> {
        let (platform, session) = (&self.platform, &self.session);
        let (name, data) = match change {
            Change::Project(id) => match reconcile::present(platform, session, id).await? {
                Some(project) => {
                    self.visible.insert(id.clone());
                    ("project", serde_json::to_value(project)?)
                }
                None if self.visible.remove(id) => ("projectGone", json!({ "id": id })),
                None => return Ok(None),
            },
            Change::Domain { project, name } => {
                let found = projects::store::find_by_id(platform.database.read(), &session.account.id, project).await?;
                let Some((row, _)) = found.filter(|(row, _)| session.sees(row)) else { return Ok(None) };
                match domains::api::present(platform, &row, name).await? {
                    Some(domain) => ("domain", json!({ "projectId": project, "domain": domain })),
                    None => ("domainGone", json!({ "projectId": project, "name": name.as_str() })),
                }
            }
            Change::Job(id) => match jobs::api::present(platform, session, id).await? {
                Some(job) => ("job", serde_json::to_value(job)?),
                None => return Ok(None),
            },
        };
        Ok(Some(Event::default().event(name).json_data(data)?))
    }
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

/// What stands behind the question mark of an address, with the envelope for what cannot be read.
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Query<T>> {
        let query = axum::extract::Query::try_from_uri(&parts.uri);
        query.map(|axum::extract::Query(query)| Query(query)).map_err(|error| {
            tracing::debug!("a query cannot be read: {error}");
            Error::refused(
                StatusCode::BAD_REQUEST,
                "invalid_query",
                "The request's query is not what is expected here.",
            )
        })
    }
}

/// Who calls, as the proxy saw it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClientAddress(Option<IpAddr>);

impl ClientAddress {
    /// As it was written down.
    pub fn read(text: &str) -> ClientAddress {
        ClientAddress(text.parse().ok())
    }

    /// What stands for everybody at one place where tries are counted: of IPv6 the first 64 bits, since the others are
    /// each subscriber's to choose.
    pub fn place(self) -> ClientAddress {
        ClientAddress(self.0.map(|address| match address.to_canonical() {
            IpAddr::V6(address) => first_bits(address, 64).into(),
            address => address,
        }))
    }

    /// What stands for everybody whose places may be one subscriber's: of IPv6 the first 48 bits.
    pub fn site(self) -> Option<ClientAddress> {
        match self.0?.to_canonical() {
            IpAddr::V6(address) => Some(ClientAddress(Some(first_bits(address, 48).into()))),
            IpAddr::V4(_) => None,
        }
    }
}

fn first_bits(address: Ipv6Addr, bits: u32) -> Ipv6Addr {
    Ipv6Addr::from_bits(address.to_bits() & !(u128::MAX >> bits))
}

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
    let address = request.headers().get("x-roost-client-ip").and_then(|value| value.to_str().ok());
    let address = address.map(ClientAddress::read).unwrap_or_default();
    request.extensions_mut().insert(address);
    let is_api = request.uri().path().starts_with("/api/");
    let mut response = next.run(request).await.into_response();
    if is_api {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_console_is_built_from_the_document_as_it_is() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../dashboard/api/control/openapi.json");
        let kept = std::fs::read_to_string(path).expect("the document the console's types are made from");
        assert!(kept.trim_end() == openapi(), "write `roost openapi` to {path}, then `npm run gen` in dashboard");
    }

    #[test]
    fn whoever_owns_a_network_is_one_place() {
        let place = |text: &str| ClientAddress::read(text).place().to_string();
        assert_eq!(place("2001:db8:1:2:3:4:5:6"), place("2001:db8:1:2::1"));
        assert_ne!(place("2001:db8:1:2::1"), place("2001:db8:1:3::1"));
        assert_eq!(place("::ffff:192.0.2.1"), "192.0.2.1");
        assert_ne!(place("192.0.2.1"), place("192.0.2.2"));
        assert_eq!(ClientAddress(None).place().to_string(), "unknown");
        let site = |text: &str| ClientAddress::read(text).site().map(|site| site.to_string());
        assert_eq!(site("2001:db8:1:2::1"), site("2001:db8:1:ffff::1"));
        assert_ne!(site("2001:db8:1:2::1"), site("2001:db8:2:2::1"));
        assert_eq!((site("::ffff:192.0.2.1"), site("unknown")), (None, None));
    }
}
