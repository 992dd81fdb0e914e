//! What one route may take, and what one failure may cost.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use futures_util::stream;
use http::Response;
use proxy::meter::{Allowance, Meter};
use proxy::routes::{Limits, Route, State};
use proxy::{BoxError, HttpService, Options};
use tokio::sync::Semaphore;

use crate::kit::{Edge, answering, echo, nobody, to};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/// An upstream that sends the head and half its body, and the rest once it gets a permit.
fn halting() -> (Arc<Semaphore>, HttpService) {
    let go = Arc::new(Semaphore::new(0));
    let gate = go.clone();
    let upstream = answering(move |_| {
        let gate = gate.clone();
        async move {
            let body = stream::unfold((0, gate), |(step, gate)| async move {
                let piece = match step {
                    0 => "begin",
                    1 => {
                        gate.acquire().await.ok()?.forget();
                        "end"
                    }
                    _ => return None,
                };
                Some((Ok::<_, std::io::Error>(Bytes::from(piece)), (step + 1, gate)))
            });
            Response::new(Body::from_stream(body))
        }
    });
    (go, upstream)
}

#[tokio::test]
async fn a_meter_counts_to_the_byte_and_its_allowance_holds_to_the_request() {
    let meter = Arc::new(Meter::default());
    let upstream = answering(|_| async { Response::new(Body::from("x".repeat(1_000))) });
    let route = Route { meter: meter.clone(), ..to(upstream) };
    let edge = Edge::with([("a", route.clone()), ("b", route)]).await;
    for host in ["a", "b"] {
        assert_eq!(edge.ask(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).await.status, 200);
    }
    assert_eq!((meter.requests(), meter.bytes()), (2, 2_000));

    let over = |code: &'static str| proxy::answers::Answer::new(http::StatusCode::TOO_MANY_REQUESTS, code, "Enough.");
    let over = |code| over(code).retry_after(std::time::Duration::from_secs(60));
    let heavy = Some(("/files/", 2_500, over("bytes")));
    meter.allow(Allowance { requests: Some((4, over("requests"))), heavy, ..Allowance::default() });
    const FILE: &str = "GET /files/a HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(edge.ask(FILE).await.status, 200);
    let refused = edge.ask(FILE).await;
    assert_eq!((refused.status, refused.code().as_str(), refused.header("retry-after")), (429, "bytes", Some("60")));
    assert_eq!(edge.ask(GET).await.status, 200);
    assert_eq!(edge.ask(GET).await.code(), "requests");
    assert_eq!((meter.requests(), meter.bytes()), (4, 4_000), "what is refused is not counted");
}

#[tokio::test]
async fn every_answer_says_how_far_it_is_and_no_upstream_may() {
    let meter = Arc::new(Meter::default());
    let forging = |_| async {
        Response::builder().header("x-roost-quota", "database=ok").body(Body::from("hello")).expect("a response")
    };
    let limits = Limits { body_bytes: 10, ..Limits::default() };
    let route = Route { meter: meter.clone(), limits, ..to(answering(forging)) };
    let edge = Edge::with([("a", route.clone()), ("held", Route { state: State::Held(refusal()), ..route })]).await;
    const LARGE: &str = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n";
    const HELD: &str = "GET / HTTP/1.1\r\nHost: held\r\n\r\n";
    for request in [GET, LARGE, HELD] {
        assert_eq!(edge.ask(request).await.header("x-roost-quota"), None);
    }
    let said = "database=near, egress=over";
    let quota = Some(http::HeaderValue::from_static(said));
    meter.allow(Allowance { requests: Some((4, refusal())), quota, ..Allowance::default() });
    for (request, status) in [(GET, 200), (LARGE, 413), (HELD, 429), (GET, 429)] {
        let answer = edge.ask(request).await;
        assert_eq!((answer.status, answer.header("x-roost-quota")), (status, Some(said)), "{request}");
    }
    meter.allow(Allowance::default());
    assert_eq!(edge.ask(GET).await.header("x-roost-quota"), None);
}

fn refusal() -> proxy::answers::Answer {
    proxy::answers::Answer::new(http::StatusCode::TOO_MANY_REQUESTS, "enough", "Enough.")
}

#[tokio::test]
async fn a_large_answer_is_slowed_and_whole() {
    let meter = Arc::new(Meter::default());
    meter.allow(Allowance { fast_bytes: 0, ..Allowance::default() });
    let upstream = answering(|_| async { Response::new(Body::from("x".repeat(100_000))) });
    let edge = Edge::with([("a", Route { meter: meter.clone(), ..to(upstream) })]).await;
    let begun = std::time::Instant::now();
    let answer = edge.ask(GET).await;
    assert_eq!((answer.status, answer.body.len()), (200, 100_000));
    assert!(begun.elapsed() >= std::time::Duration::from_millis(300), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_request_counts_until_the_end_of_its_body() {
    let (go, upstream) = halting();
    let limits = Limits { concurrent_requests: 1, ..Limits::default() };
    let route = Route { limits, ..to(upstream) };
    let edge = Edge::with([("a", route.clone())]).await;

    let mut wire = edge.connect().await;
    wire.send(GET).await;
    wire.head().await;
    assert_eq!(wire.chunk().await, "begin");

    // Not even a new table makes room.
    edge.publish([("a", route)]);
    let refused = edge.ask(GET).await;
    assert_eq!((refused.status, refused.code().as_str()), (503, "busy"));
    assert_eq!(refused.header("retry-after"), Some("1"));

    go.add_permits(2);
    assert_eq!(wire.chunk().await, "end");
    assert_eq!(wire.chunk().await, "");
    assert_eq!(edge.ask(GET).await.body, "beginend");
}

#[tokio::test]
async fn a_client_that_hangs_up_gives_its_place_back() {
    let (_go, upstream) = halting();
    let limits = Limits { concurrent_requests: 1, ..Limits::default() };
    let edge = Edge::with([("a", Route { limits, ..to(upstream) })]).await;
    let mut wire = edge.connect().await;
    wire.send(GET).await;
    assert_eq!(wire.head().await.0, 200);
    drop(wire);
    loop {
        let mut next = edge.connect().await;
        next.send(GET).await;
        if next.head().await.0 == 200 {
            break;
        }
    }
}

#[tokio::test]
async fn all_routes_together_have_a_limit() {
    let (go, upstream) = halting();
    let mut options = Options::default();
    options.bounds.requests = 1;
    let other = Route { id: proxy::routes::RouteId("other".into()), ..to(echo()) };
    let edge = Edge::start(options, [("a", to(upstream)), ("b", other)]).await;
    let mut wire = edge.connect().await;
    wire.send(GET).await;
    wire.head().await;
    assert_eq!(edge.ask("GET / HTTP/1.1\r\nHost: b\r\n\r\n").await.status, 503);
    go.add_permits(1);
}

#[tokio::test]
async fn beyond_the_rate_nothing_reaches_the_upstream() {
    let limits = Limits { requests_per_second: Some(1), ..Limits::default() };
    let edge = Edge::with([("a", Route { limits, ..to(echo()) })]).await;
    let mut wire = edge.connect().await;
    let mut refused = None;
    for _ in 0..10 {
        wire.send(GET).await;
        let answer = wire.answer().await;
        if answer.status != 200 {
            refused = Some(answer);
        }
    }
    let refused = refused.expect("the burst is two");
    assert_eq!((refused.status, refused.code().as_str()), (429, "rate_limited"));
    assert_eq!(refused.header("retry-after"), Some("1"));

    let none = Limits { requests_per_second: Some(0), ..Limits::default() };
    edge.publish([("a", Route { limits: none, ..to(nobody()) })]);
    assert_eq!(edge.ask(GET).await.status, 429);
}

#[tokio::test]
async fn a_panic_is_one_answer_and_nothing_more() {
    let upstream = answering(|request| async move {
        assert_ne!(request.uri().path(), "/bad", "on purpose");
        Response::new(Body::from("good"))
    });
    let edge = Edge::with([("a", to(upstream))]).await;
    let mut wire = edge.connect().await;
    wire.send("GET /bad HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let answer = wire.answer().await;
    assert_eq!((answer.status, answer.code().as_str()), (500, "internal"));
    wire.send("GET /good HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(wire.answer().await.body, "good");
}

#[tokio::test]
async fn an_upstream_without_an_answer_is_a_502() {
    let broken = tower::service_fn(|_| async { Err::<Response<Body>, BoxError>("out of order".into()) });
    let edge = Edge::with([("a", to(HttpService::new(broken)))]).await;
    let answer = edge.ask(GET).await;
    assert_eq!((answer.status, answer.code().as_str()), (502, "no_answer"));
    assert!(!answer.body.contains("out of order"));
}
