//! The only client of the admin API. Whether the host is in this process or on another machine is the service's matter.

use std::collections::VecDeque;

use axum::body::Body;
use bytes::Bytes;
use futures_util::{Stream, stream};
use http::{Method, Request, Response, StatusCode, header};
use http_body_util::BodyExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tower::ServiceExt;

use super::api::{Growth, SuperuserUpsert};
use super::spec::{Generation, TenantId, TenantReport, TenantSpec};
use super::wakes::WakeReport;
use crate::service::{BoxError, HttpService};

/// Speaks to one node's host.
#[derive(Clone, Debug)]
pub struct NodeClient {
    service: HttpService,
}

/// Why a node did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// It answered, and refused.
    #[error("the node refused: {message} ({status}, {code})")]
    Refused {
        /// The HTTP status.
        status: StatusCode,
        /// The stable code of `data.code`; empty when there was none.
        code: String,
        /// The sentence.
        message: String,
    },
    /// It could not be reached, or broke off. What was asked may have happened.
    #[error("the node could not be reached: {0}")]
    Unreachable(#[source] BoxError),
    /// It answered with something this client does not understand.
    #[error("the node's answer was not understood: {0}")]
    Misunderstood(#[from] serde_json::Error),
}

impl NodeError {
    /// Whether this is the refusal with that code.
    pub fn is(&self, wanted: &str) -> bool {
        matches!(self, NodeError::Refused { code, .. } if code == wanted)
    }
}

impl NodeClient {
    /// A client of the admin API that this service answers.
    pub fn new(service: HttpService) -> NodeClient {
        NodeClient { service }
    }

    /// States the whole wish for a tenant, creating it if need be.
    pub async fn put_tenant(&self, spec: &TenantSpec) -> Result<TenantReport, NodeError> {
        let path = format!("/v1/tenants/{}", spec.id);
        self.ask(Method::PUT, &path, json(spec)?).await
    }

    /// All tenants of the node.
    pub async fn tenants(&self) -> Result<Vec<TenantReport>, NodeError> {
        self.ask(Method::GET, "/v1/tenants", Body::empty()).await
    }

    /// One tenant.
    pub async fn tenant(&self, id: &TenantId) -> Result<TenantReport, NodeError> {
        let path = format!("/v1/tenants/{id}");
        self.ask(Method::GET, &path, Body::empty()).await
    }

    /// Removes a tenant and its data. Whether it was there does not matter.
    pub async fn delete_tenant(&self, id: &TenantId, generation: Generation) -> Result<(), NodeError> {
        let path = format!("/v1/tenants/{id}?generation={generation}");
        self.send(Method::DELETE, &path, Body::empty()).await?;
        Ok(())
    }

    /// Wakes a tenant without a request.
    pub async fn wake(&self, id: &TenantId) -> Result<TenantReport, NodeError> {
        let path = format!("/v1/tenants/{id}/wake");
        self.ask(Method::POST, &path, Body::empty()).await
    }

    /// Puts a tenant to sleep. Refused as `at_work` if what it is answering takes long.
    pub async fn sleep(&self, id: &TenantId) -> Result<TenantReport, NodeError> {
        let path = format!("/v1/tenants/{id}/sleep");
        self.ask(Method::POST, &path, Body::empty()).await
    }

    /// Creates a superuser of a tenant or sets its password, given as a bcrypt hash.
    pub async fn put_superuser(&self, id: &TenantId, email: &str, password_hash: &str) -> Result<(), NodeError> {
        let path = format!("/v1/tenants/{id}/superusers");
        let body = json(&SuperuserUpsert { email: email.to_owned(), password_hash: password_hash.to_owned() })?;
        self.send(Method::PUT, &path, body).await?;
        Ok(())
    }

    /// Removes all superusers of a tenant, without waking it.
    pub async fn remove_superusers(&self, id: &TenantId) -> Result<(), NodeError> {
        self.send(Method::DELETE, &format!("/v1/tenants/{id}/superusers"), Body::empty()).await?;
        Ok(())
    }

    /// Says whether tenants may grow. What they have they keep; reads, deletes and signing in go on either way.
    pub async fn allow_growth(&self, allowed: bool) -> Result<(), NodeError> {
        self.send(Method::PUT, "/v1/growth", json(&Growth { allowed })?).await?;
        Ok(())
    }

    /// How the wakes went since the host opened.
    pub async fn wakes(&self) -> Result<WakeReport, NodeError> {
        self.ask(Method::GET, "/v1/wakes", Body::empty()).await
    }

    /// Every tenant once, then every change. Ends when the node closes or cannot be reached; asking again starts with
    /// the whole list again, so nothing is missed for good.
    pub fn events(&self) -> impl Stream<Item = TenantReport> + Send + 'static {
        stream::unfold(Following::Not(self.clone()), |following| async move {
            let mut reader = match following {
                Following::Not(node) => {
                    let answer = node.send(Method::GET, "/v1/events", Body::empty()).await;
                    EventReader::new(answer.ok()?.into_body())
                }
                Following::Reader(reader) => reader,
            };
            let report = reader.next().await?;
            Some((report, Following::Reader(reader)))
        })
    }

    pub(super) async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Body,
    ) -> Result<T, NodeError> {
        let answer = self.send(method, path, body).await?;
        Ok(serde_json::from_slice(&collect(answer).await?)?)
    }

    pub(super) async fn send(&self, method: Method, path: &str, body: Body) -> Result<Response<Body>, NodeError> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::CONTENT_TYPE, "application/json")
            .body(body)
            .map_err(|error| NodeError::Unreachable(error.into()))?;
        let answer = self.service.clone().oneshot(request).await.map_err(NodeError::Unreachable)?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let envelope: serde_json::Value = serde_json::from_slice(&collect(answer).await?)?;
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        Err(NodeError::Refused { status, code: text(&envelope["data"]["code"]), message: text(&envelope["message"]) })
    }
}

pub(super) fn json(message: &impl Serialize) -> Result<Body, NodeError> {
    Ok(Body::from(serde_json::to_vec(message)?))
}

async fn collect(answer: Response<Body>) -> Result<Bytes, NodeError> {
    let body = answer.into_body().collect().await;
    Ok(body.map_err(|error| NodeError::Unreachable(error.into()))?.to_bytes())
}

enum Following {
    Not(NodeClient),
    Reader(EventReader),
}

/// Reads `data:` lines of an event stream; the host writes each report on one line and sends no other events.
struct EventReader {
    body: Body,
    unread: Vec<u8>,
    reports: VecDeque<TenantReport>,
}

impl EventReader {
    fn new(body: Body) -> EventReader {
        EventReader { body, unread: Vec::new(), reports: VecDeque::new() }
    }

    async fn next(&mut self) -> Option<TenantReport> {
        loop {
            if let Some(report) = self.reports.pop_front() {
                return Some(report);
            }
            let frame = self.body.frame().await?.ok()?;
            if let Ok(data) = frame.into_data() {
                self.unread.extend_from_slice(&data);
                self.take_lines();
            }
        }
    }

    fn take_lines(&mut self) {
        let Some(end) = self.unread.iter().rposition(|&byte| byte == b'\n') else {
            return;
        };
        let rest = self.unread.split_off(end + 1);
        for line in self.unread.split(|&byte| byte == b'\n') {
            let Some(data) = line.strip_prefix(b"data: ") else {
                continue;
            };
            match serde_json::from_slice(data) {
                Ok(report) => self.reports.push_back(report),
                Err(error) => tracing::warn!("a node sent an event that is not a report: {error}"),
            }
        }
        self.unread = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn reports_are_read_across_frames() {
        let line = r#"data: {"id":"abcdefghij12345","generation":1,"state":"asleep","sinceMs":1,"databaseBytes":0,"storageBytes":0,"requests":0,"lastRequestMs":null,"reason":null}"#;
        let text = format!(": hello\n\nevent: tenant\n{line}\n\nevent: tenant\n{line}\n\n");
        let (first, second) = text.split_at(60);
        let frames =
            [first.to_owned(), second.to_owned()].map(|part| Ok::<_, std::convert::Infallible>(Bytes::from(part)));
        let mut reader = EventReader::new(Body::from_stream(stream::iter(frames)));
        assert!(reader.next().await.is_some());
        assert!(reader.next().await.is_some());
        assert!(reader.next().await.is_none());
    }
}
