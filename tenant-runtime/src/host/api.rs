//! The admin API: how the control plane states its wishes and sees what became of them.
//!
//! Whoever can call it is trusted; it is never on an address that strangers reach.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use http::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Host;
use super::answers::Refusal;
use super::copies;
use super::events;
use super::logs;
use super::spec::{FirstSuperuser, Generation, TenantId, TenantReport, TenantSpec};
use super::wakes::WakeReport;

/// How long a tenant that is to sleep may take to finish what it answers: others have to wait meanwhile.
const DRAIN: Duration = Duration::from_secs(2);

pub(super) type Answer<T> = Result<axum::Json<T>, Refusal>;

/// All there is.
pub(super) fn router(host: Host) -> Router {
    Router::new()
        .route("/v1/tenants", get(list_tenants))
        .route("/v1/tenants/{id}", get(get_tenant).put(put_tenant).delete(delete_tenant))
        .route("/v1/tenants/{id}/wake", post(wake_tenant))
        .route("/v1/tenants/{id}/sleep", post(sleep_tenant))
        .route("/v1/tenants/{id}/superusers", put(put_superuser).delete(remove_superusers))
        .route("/v1/tenants/{id}/logs", get(logs::look))
        .merge(copies::routes())
        .route("/v1/growth", put(allow_growth))
        .route("/v1/wakes", get(show_wakes))
        .route("/v1/events", get(follow_events))
        .fallback(|| async { Refusal::Invalid("The admin API has no such path.".to_owned()) })
        .with_state(host)
}

/// The body of `PUT /v1/tenants/{id}/superusers`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SuperuserUpsert {
    pub(super) email: String,
    pub(super) password_hash: String,
}

/// The body of `PUT /v1/growth`.
#[derive(Serialize, Deserialize)]
pub(super) struct Growth {
    pub(super) allowed: bool,
}

#[derive(Deserialize)]
struct Removal {
    generation: Generation,
}

async fn list_tenants(State(host): State<Host>) -> axum::Json<Vec<TenantReport>> {
    axum::Json(host.reports().await)
}

async fn get_tenant(State(host): State<Host>, Path(id): Path<String>) -> Answer<TenantReport> {
    let tenant = host.find(id.parse()?)?;
    // Read for what it tells of the wish; a tenant whose file is damaged reports just that.
    let _ = tenant.file().await;
    tenant.measure_if_used().await;
    Ok(axum::Json(tenant.report()))
}

async fn put_tenant(State(host): State<Host>, Path(id): Path<String>, body: Bytes) -> Answer<TenantReport> {
    let id: TenantId = id.parse()?;
    let spec: TenantSpec = parse(&body)?;
    if spec.id != id {
        return Err(Refusal::Invalid("The path and the body name different tenants.".to_owned()));
    }
    to_its_end(host.put(spec)).await.map(axum::Json)
}

async fn delete_tenant(
    State(host): State<Host>,
    Path(id): Path<String>,
    removal: Result<Query<Removal>, QueryRejection>,
) -> Result<StatusCode, Refusal> {
    let Ok(Query(Removal { generation })) = removal else {
        return Err(Refusal::Invalid("A removal names the generation it is meant for.".to_owned()));
    };
    to_its_end(host.remove(id.parse()?, generation)).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn wake_tenant(State(host): State<Host>, Path(id): Path<String>) -> Answer<TenantReport> {
    let tenant = host.find(id.parse()?)?;
    tenant.forgive();
    let lease = tenant.lease().await?;
    let report = tenant.report();
    drop(lease);
    Ok(axum::Json(report))
}

async fn sleep_tenant(State(host): State<Host>, Path(id): Path<String>) -> Answer<TenantReport> {
    let tenant = host.find(id.parse()?)?;
    to_its_end(async move {
        tenant.rest(Duration::ZERO).await;
        if tenant.drain(DRAIN).await { Ok(axum::Json(tenant.report())) } else { Err(Refusal::AtWork) }
    })
    .await
}

async fn put_superuser(State(host): State<Host>, Path(id): Path<String>, body: Bytes) -> Result<StatusCode, Refusal> {
    let tenant = host.find(id.parse()?)?;
    let SuperuserUpsert { email, password_hash } = parse(&body)?;
    let lease = tenant.lease().await?;
    lease.running().backend.put_superuser(FirstSuperuser { email, password_hash }).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Also of a tenant that is not to run: it may again one day.
async fn remove_superusers(State(host): State<Host>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    let tenant = host.find(id.parse()?)?;
    to_its_end(async move {
        let visit = tenant.visit().await?;
        let removed = visit.running().backend.remove_superusers().await;
        tenant.leave(visit).await;
        removed
    })
    .await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn allow_growth(State(host): State<Host>, body: Bytes) -> Result<StatusCode, Refusal> {
    let Growth { allowed } = parse(&body)?;
    host.surroundings().growth.allow(allowed);
    Ok(StatusCode::NO_CONTENT)
}

async fn show_wakes(State(host): State<Host>) -> axum::Json<WakeReport> {
    let surroundings = host.surroundings();
    axum::Json(surroundings.wakes.report(surroundings.uptime()))
}

async fn follow_events(State(host): State<Host>) -> Response {
    events::follow(host).into_response()
}

pub(super) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| Refusal::Invalid(format!("The body was not understood: {error}")))
}

/// What was begun is finished even if the caller goes away.
pub(super) async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Refusal>> + Send + 'static,
) -> Result<T, Refusal> {
    tokio::spawn(work).await.unwrap_or(Err(Refusal::Broken))
}
