//! What is counted, and how Prometheus reads it.
//!
//! Counting is one atomic addition on a number whose place is known beforehand, so requests never meet at a lock. The
//! crates for this look a number up by its labels instead, which costs more than these lines. Routes are told apart by
//! their id and never by a host, of which strangers could invent any number.

use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::Router;
use axum::routing::get;
use http::StatusCode;
use http::header::CONTENT_TYPE;
use tokio::net::TcpListener;

use crate::acme::Overview;
use crate::exposition::Page;
use crate::server::Edge;

/// A closed set of things that are counted apart, and how they are called.
macro_rules! kinds {
    ($(#[$doc:meta])* $name:ident { $($kind:ident = $label:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) enum $name { $($kind),* }

        impl $name {
            const LABELS: [&str; [$($label),*].len()] = [$($label),*];
        }
    };
}

kinds! {
    /// What was reached.
    Limit {
        Connections = "connections_per_address",
        NewConnections = "new_connections_per_address",
        Handshakes = "handshakes_per_address",
        RequestsOfAddress = "requests_per_address",
        Rate = "requests_per_second",
        RequestsOfRoute = "concurrent_requests",
        Requests = "requests",
        StreamsOfRoute = "streams",
        Streams = "long_lived",
        Uploads = "uploads",
        Allowance = "allowance",
        Body = "body_bytes",
    }
}

kinds! {
    /// How a connection on the TLS port got on.
    Handshake {
        Full = "full",
        Resumed = "resumed",
        NoHello = "no_hello",
        NoCertificate = "no_certificate",
        Failed = "failed",
    }
}

/// What is counted for all routes together.
#[derive(Debug, Default)]
pub(crate) struct Metrics {
    limits: Counters<{ Limit::LABELS.len() }>,
    handshakes: Counters<{ Handshake::LABELS.len() }>,
    seconds: Seconds,
    /// Requests that led to no route.
    pub(crate) astray: Traffic,
}

impl Metrics {
    pub(crate) fn hit(&self, limit: Limit) {
        self.limits.add(limit as usize, 1);
    }

    pub(crate) fn shook(&self, handshake: Handshake) {
        self.handshakes.add(handshake as usize, 1);
    }

    pub(crate) fn took(&self, time: Duration) {
        self.seconds.add(time);
    }
}

/// What is counted for one route.
#[derive(Debug, Default)]
pub(crate) struct Traffic {
    requests: Counters<{ CODES.len() }>,
    bytes: AtomicU64,
}

/// Kinds of answers: none at all, and one for each first digit.
const CODES: [&str; 6] = ["none", "1xx", "2xx", "3xx", "4xx", "5xx"];

impl Traffic {
    pub(crate) fn add(&self, status: Option<StatusCode>, bytes: u64) {
        let code = status.map_or(0, |status| usize::from(status.as_u16() / 100));
        self.requests.add(code.min(CODES.len() - 1), 1);
        self.bytes.fetch_add(bytes, Relaxed);
    }
}

#[derive(Debug)]
struct Counters<const N: usize>([AtomicU64; N]);

impl<const N: usize> Default for Counters<N> {
    fn default() -> Self {
        Counters(std::array::from_fn(|_| AtomicU64::new(0)))
    }
}

impl<const N: usize> Counters<N> {
    fn add(&self, place: usize, more: u64) {
        self.0[place].fetch_add(more, Relaxed);
    }

    fn read(&self) -> impl Iterator<Item = u64> {
        self.0.iter().map(|counter| counter.load(Relaxed))
    }
}

/// How many requests took how long.
#[derive(Debug, Default)]
struct Seconds {
    buckets: Counters<{ BOUNDS.len() + 1 }>,
    microseconds: AtomicU64,
}

const BOUNDS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0];

impl Seconds {
    fn add(&self, time: Duration) {
        let seconds = time.as_secs_f64();
        self.buckets.add(BOUNDS.partition_point(|bound| *bound < seconds), 1);
        self.microseconds.fetch_add(time.as_micros() as u64, Relaxed);
    }

    fn show(&self, page: &mut Page, name: &str, help: &str) {
        let sum = self.microseconds.load(Relaxed) as f64 / 1e6;
        page.histogram(name, help, &BOUNDS, self.buckets.read(), sum);
    }
}

/// Serves the numbers until the proxy stops.
pub(crate) async fn serve(edge: Arc<Edge>, listener: TcpListener) {
    let stopping = edge.stopping();
    let numbers = move || {
        let edge = edge.clone();
        async move {
            let others = match &edge.options.more_numbers {
                Some(more) => more().await,
                None => String::new(),
            };
            ([(CONTENT_TYPE, "text/plain; version=0.0.4")], text(&edge) + &others)
        }
    };
    let served = axum::serve(listener, Router::new().route("/metrics", get(numbers)));
    if let Err(cause) = served.with_graceful_shutdown(stopping.cancelled_owned()).await {
        tracing::error!("could not serve metrics: {cause}");
    }
}

fn text(edge: &Edge) -> String {
    let mut page = Page::default();
    let Metrics { limits, handshakes, seconds, astray } = &edge.metrics;

    let mut requests = String::new();
    let mut bytes = String::new();
    let mut route = |id: &str, traffic: &Traffic| {
        for (code, count) in CODES.iter().zip(traffic.requests.read()).filter(|(_, count)| *count > 0) {
            let _ = writeln!(requests, "roost_requests_total{{route={id:?},code={code:?}}} {count}");
        }
        let _ = writeln!(bytes, "roost_response_bytes_total{{route={id:?}}} {}", traffic.bytes.load(Relaxed));
    };
    route("", astray);
    edge.limiters.each(|id, limiter| route(&id.0, &limiter.traffic));
    page.family("roost_requests_total", "counter", "Requests by route and kind of answer.", &requests);
    page.family("roost_response_bytes_total", "counter", "Bytes of response bodies by route.", &bytes);

    seconds.show(&mut page, "roost_request_seconds", "Time from a request's head to the end of its response.");
    page.gauge("roost_requests_in_flight", "Requests being answered.", edge.requests.count());
    page.gauge("roost_streams_open", "Event streams and tunnels open.", edge.streams.count());
    page.gauge("roost_connections_open", "Connections open.", edge.open.count());
    let hits = Limit::LABELS.into_iter().zip(limits.read());
    page.labelled(("roost_limit_hits_total", "counter"), "What was refused, by limit.", "limit", hits);
    let handshakes = Handshake::LABELS.into_iter().zip(handshakes.read());
    page.labelled(("roost_handshakes_total", "counter"), "TLS handshakes.", "outcome", handshakes);
    if let Some(acme) = &edge.acme {
        certificates(&mut page, &acme.overview());
    }
    page.into_text()
}

/// How it stands with certificates of authorities.
fn certificates(page: &mut Page, overview: &Overview) {
    let Overview { valid, due, expired, missing, failing, .. } = *overview;
    let states = [("valid", valid), ("due", due), ("expired", expired), ("missing", missing), ("failing", failing)];
    let help = "Names wanted, by how it stands with their certificates.";
    page.labelled(("roost_certificates", "gauge"), help, "state", states);
    let now_ms = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis() as i64;
    let name = "roost_certificate_expiry_seconds_min";
    let first = overview.first_expiry_ms.map(|first_ms| format!("{name} {}\n", (first_ms - now_ms) / 1000));
    page.family(name, "gauge", "Time until the first certificate ends.", &first.unwrap_or_default());
    let mut orders = String::new();
    for ((issuer, outcome), count) in &overview.orders {
        let outcome = outcome.as_str();
        let _ = writeln!(orders, "roost_acme_orders_total{{issuer={issuer:?},outcome={outcome:?}}} {count}");
    }
    page.family("roost_acme_orders_total", "counter", "Orders by authority.", &orders);
    page.gauge("roost_acme_budget_left", "New names that may still be ordered.", overview.budget_left);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_hold_what_took_at_most_as_long() {
        let seconds = Seconds::default();
        for milliseconds in [1, 2, 60_000] {
            seconds.add(Duration::from_millis(milliseconds));
        }
        let mut page = Page::default();
        seconds.show(&mut page, "x", "y");
        let text = page.into_text();
        for line in
            ["x_bucket{le=\"0.001\"} 1\n", "x_bucket{le=\"30\"} 2\n", "x_bucket{le=\"+Inf\"} 3\n", "x_count 3\n"]
        {
            assert!(text.contains(line), "{line:?} in {text}");
        }
    }
}
