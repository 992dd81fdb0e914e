//! One line for each request, written when its last byte is sent or its client is gone.
//!
//! Paths without their queries: SDKs put tokens there. Nothing is gathered while nobody listens.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use http::{HeaderValue, Method, Request, StatusCode, Uri, Version};
use rustls::ProtocolVersion;

use crate::client::Client;
use crate::connection::Connection;
use crate::routes::{Entry, Host};
use crate::upload::Received;

/// What a line says of a request, as far as it is known.
pub(crate) struct Line {
    begun: Instant,
    client: Client,
    /// The version of TLS, and whether the client came back with a ticket.
    tls: Option<(Option<ProtocolVersion>, bool)>,
    version: Version,
    method: Method,
    uri: Uri,
    pub(crate) id: Option<HeaderValue>,
    pub(crate) host: Option<Host>,
    pub(crate) entry: Option<Arc<Entry>>,
    pub(crate) received: Option<Arc<Received>>,
    head: Option<(StatusCode, Duration)>,
    /// How long the upstream took for the head of its response.
    pub(crate) upstream: Option<Duration>,
    /// How much of that it waited for something else than the request: to wake up.
    pub(crate) waited: Option<Duration>,
}

/// Who ended an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndedBy {
    /// It came to its end.
    Completion,
    /// The client hung up, or stopped taking what it was sent.
    Client,
    /// The upstream broke off.
    Upstream,
}

impl Line {
    /// A line for this request, if anybody will read it.
    pub(crate) fn begin<B>(
        connection: &Connection,
        client: &Client,
        request: &Request<B>,
        begun: Instant,
    ) -> Option<Box<Line>> {
        if !tracing::enabled!(target: "proxy::access", tracing::Level::INFO) {
            return None;
        }
        Some(Box::new(Line {
            begun,
            client: client.clone(),
            tls: connection.tls.as_ref().map(|tls| (tls.version, tls.is_resumed)),
            version: request.version(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            id: None,
            host: None,
            entry: None,
            received: None,
            head: None,
            upstream: None,
            waited: None,
        }))
    }

    /// The head of the response is known.
    pub(crate) fn head(&mut self, status: StatusCode) {
        self.head = Some((status, self.begun.elapsed()));
    }

    /// Nothing more will happen.
    pub(crate) fn write(&self, sent: u64, ended_by: EndedBy) {
        let milliseconds = |time: Duration| time.as_secs_f64() * 1_000.0;
        tracing::info!(
            target: "proxy::access",
            id = self.id.as_ref().and_then(|id| id.to_str().ok()),
            route = self.entry.as_ref().map(|entry| entry.route.id.0.as_str()),
            host = self.host.as_ref().map(Host::as_str),
            client = %self.client.address,
            scheme = self.client.scheme(),
            tls = self.tls.and_then(|(version, _)| version?.as_str()),
            resumed = self.tls.map(|(_, is_resumed)| is_resumed),
            version = ?self.version,
            method = self.method.as_str(),
            path = self.uri.path(),
            status = self.head.map(|(status, _)| status.as_u16()),
            received = self.received.as_ref().map_or(0, |received| received.bytes.load(Relaxed)),
            sent,
            waited_ms = self.waited.map(milliseconds),
            upstream_ms = self.upstream.map(milliseconds),
            head_ms = self.head.map(|(_, time)| milliseconds(time)),
            total_ms = milliseconds(self.begun.elapsed()),
            ended_by = ?ended_by,
            "request"
        );
    }
}
