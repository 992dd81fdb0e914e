//! The log of a tenant, for whoever looks after it: read where it lies, so that looking wakes nobody.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use http::Method;
use tokio::sync::OwnedRwLockReadGuard;

use super::Host;
use super::answers::Refusal;
use super::api::Answer;
use super::client::{NodeClient, NodeError};
use super::spec::TenantId;
use crate::logs::{self, LogPage, LogQuery};

/// `GET /v1/tenants/{id}/logs`
pub(super) async fn look(
    State(host): State<Host>,
    Path(id): Path<String>,
    query: Result<Query<LogQuery>, QueryRejection>,
) -> Answer<LogPage> {
    let Query(query) = query.map_err(|error| Refusal::Invalid(error.to_string()))?;
    let tenant = host.find(id.parse()?)?;
    // Of an open tenant some entries may not be written yet.
    if let Ok(slot) = tenant.slot().try_read_owned()
        && let Ok(running) = OwnedRwLockReadGuard::try_map(slot, Option::as_ref)
        && let Some(app) = &running.backend.app
    {
        return Ok(axum::Json(app.logs().look(query).await?));
    }
    let (id, data) = (tenant.id, tenant.file().await?.data);
    let looked =
        host.surroundings().on_disk(move |directory| logs::look_aside(&directory.data(id, data), &query)).await?;
    Ok(axum::Json(looked?))
}

impl NodeClient {
    /// Entries of a tenant's log. Wakes nobody.
    pub async fn logs(&self, id: &TenantId, query: &LogQuery) -> Result<LogPage, NodeError> {
        self.ask(Method::GET, &path(id, query), axum::body::Body::empty()).await
    }
}

fn path(id: &TenantId, query: &LogQuery) -> String {
    let path = format!("/v1/tenants/{id}/logs?");
    let start = path.len();
    let mut path = url::form_urlencoded::Serializer::for_suffix(path, start);
    path.append_pair("search", &query.search).append_pair("limit", &query.limit.to_string());
    for (name, number) in [("level", query.level), ("before", query.before), ("after", query.after)] {
        if let Some(number) = number {
            path.append_pair(name, &number.to_string());
        }
    }
    path.finish()
}
