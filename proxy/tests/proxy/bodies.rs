//! Request bodies: how long, how framed, and how they get to the upstream.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use http::Response;
use http_body_util::BodyExt;
use proxy::Options;
use proxy::routes::{Limits, Route};
use tokio::sync::mpsc;

use crate::kit::{Edge, answering, echo, nobody, to};

fn limited(bytes: u64, route: Route) -> Route {
    Route { limits: Limits { body_bytes: bytes, ..Limits::default() }, ..route }
}

#[tokio::test]
async fn a_body_of_the_limit_passes_and_one_byte_more_does_not() {
    let edge = Edge::with([("a", limited(5, to(echo())))]).await;
    let fits = edge.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello").await;
    assert!(fits.body.ends_with("\n\nhello"), "{}", fits.body);
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let fits = edge.ask(&format!("{chunked}2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n")).await;
    assert!(fits.body.ends_with("\n\nhello"), "{}", fits.body);

    let mut wire = edge.connect().await;
    wire.send(&format!("{chunked}2\r\nhe\r\n4\r\nllo!\r\n0\r\n\r\n")).await;
    let answer = wire.answer().await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"));
    assert_eq!(wire.rest().await, "");
}

#[tokio::test]
async fn a_body_announced_too_long_is_refused_unasked_and_the_refusal_arrives() {
    let edge = Edge::with([("a", limited(1_000, to(nobody())))]).await;
    let mut wire = edge.connect().await;
    let length = 20_000_000;
    wire.send(&format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n")).await;
    // A client that only listens once it has said everything.
    let _ = wire.offer(&vec![b'x'; length]).await;
    let answer = wire.answer().await;
    assert_eq!((answer.status, answer.code().as_str()), (413, "body_too_large"));
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(wire.rest().await, "");
}

#[tokio::test]
async fn a_long_body_arrives_as_it_is_sent() {
    let (seen, mut arrived) = mpsc::unbounded_channel();
    let upstream = answering(move |request| {
        let seen = seen.clone();
        async move {
            let mut body = request.into_body();
            while let Some(Ok(frame)) = body.frame().await {
                let _ = seen.send(frame.into_data().expect("data"));
            }
            Response::new(Body::from("done"))
        }
    });
    let edge = Edge::with([("a", to(upstream))]).await;
    let mut wire = edge.connect().await;
    wire.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n").await;
    for piece in ["one", "two", "three"] {
        wire.send(&format!("{:x}\r\n{piece}\r\n", piece.len())).await;
        assert_eq!(arrived.recv().await.expect("a piece"), piece);
    }
    wire.send("0\r\n\r\n").await;
    assert_eq!(wire.answer().await.body, "done");
}

#[tokio::test]
async fn long_bodies_take_turns_and_nothing_else_waits_for_them() {
    let mut options = Options::default();
    options.bounds.uploads_per_route = 1;
    options.timeouts.upload_turn = Duration::from_millis(100);
    let edge = Edge::start(options, [("a", to(echo()))]).await;
    let chunked = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n";
    let mut slow = edge.connect().await;
    slow.send(chunked).await;
    // Once it has begun, the next one gets no turn.
    loop {
        let mut next = edge.connect().await;
        next.send(&format!("{chunked}0\r\n\r\n")).await;
        let answer = next.answer().await;
        if answer.status == 503 {
            assert_eq!((answer.code().as_str(), answer.header("retry-after")), ("busy", Some("1")));
            break;
        }
    }
    assert_eq!(edge.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.status, 200);
    assert_eq!(edge.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi").await.status, 200);
    slow.send("0\r\n\r\n").await;
    assert_eq!(slow.answer().await.status, 200);
    assert_eq!(edge.ask(&format!("{chunked}0\r\n\r\n")).await.status, 200);
}

#[tokio::test]
async fn the_long_bodies_of_a_route_come_no_faster_than_they_may() {
    let mut options = Options::default();
    options.bounds.upload_rate_per_route = 1024 * 1024;
    let edge = Edge::start(options, [("a", to(echo())), ("b", to(echo()))]).await;
    let long =
        |host| format!("POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: 409600\r\n\r\n{}", "a".repeat(409_600));
    let (one, two) = (long("a"), long("a"));
    let began = std::time::Instant::now();
    let (one, two) = tokio::join!(edge.ask(&one), edge.ask(&two));
    let took = began.elapsed();
    assert_eq!((one.status, two.status), (200, 200));
    // 0.8 s' worth, of which a tenth of a second's may come at once and the last piece is not waited for.
    assert!(took >= Duration::from_millis(400), "{took:?}");
    assert_eq!(edge.ask(&long("b")).await.status, 200);
}

#[tokio::test]
async fn a_client_that_hangs_up_in_its_body_gives_everything_back() {
    let (seen, mut broke) = mpsc::unbounded_channel();
    let upstream = answering(move |request| {
        let seen = seen.clone();
        async move {
            let mut body = request.into_body();
            while let Some(frame) = body.frame().await {
                let _ = seen.send(frame.is_err());
            }
            Response::new(Body::empty())
        }
    });
    let mut options = Options::default();
    options.bounds.uploads_per_route = 1;
    let limits = Limits { concurrent_requests: 1, ..Limits::default() };
    let edge = Edge::start(options, [("a", Route { limits, ..to(upstream) })]).await;
    for framing in ["Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", "Content-Length: 1000000\r\n\r\nhi"] {
        let mut wire = edge.connect().await;
        wire.send(&format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}")).await;
        assert_eq!(broke.recv().await, Some(false));
        drop(wire);
        assert_eq!(broke.recv().await, Some(true));
    }
    // The place is free again once the proxy is through with them, too.
    while edge.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await.status == 503 {}
}

#[tokio::test]
async fn a_short_body_is_here_before_the_upstream_is_asked() {
    let asked = Arc::new(tokio::sync::Notify::new());
    let asking = asked.clone();
    let upstream = answering(move |request| {
        asking.notify_one();
        async move {
            let body = request.into_body();
            assert_eq!(http_body::Body::size_hint(&body).exact(), Some(6));
            Response::new(body)
        }
    });
    let edge = Edge::with([("a", to(upstream))]).await;
    let mut wire = edge.connect().await;
    wire.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc").await;
    // Answers in between show that the proxy has seen the first half by now.
    for _ in 0..3 {
        assert_eq!(edge.ask("GET / HTTP/1.1\r\nHost: b\r\n\r\n").await.status, 404);
    }
    assert!(futures_util::FutureExt::now_or_never(asked.notified()).is_none());
    wire.send("def").await;
    assert_eq!(wire.answer().await.body, "abcdef");
}

#[tokio::test]
async fn doubtful_framings_are_refused() {
    let edge = Edge::with([("a", to(nobody()))]).await;
    for framing in [
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: cow\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: xchunked",
        "Content-Length: 1\r\nContent-Length: 2",
        "Content-Length: +1",
        "Content-Length: 0x1",
    ] {
        let mut wire = edge.connect().await;
        wire.send(&format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n0\r\n\r\n")).await;
        assert_eq!(wire.head().await.0, 400, "{framing}");
    }
}

#[tokio::test]
async fn a_broken_chunk_is_the_clients_fault() {
    let edge = Edge::with([("a", to(echo()))]).await;
    let mut wire = edge.connect().await;
    wire.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\nzz\r\n").await;
    let answer = wire.answer().await;
    assert_eq!((answer.status, answer.code().as_str()), (400, "invalid_body"));
    assert_eq!(wire.rest().await, "");
}

#[tokio::test]
async fn of_two_framings_the_chunks_count_and_nothing_can_follow() {
    let edge = Edge::with([("a", to(echo()))]).await;
    let mut wire = edge.connect().await;
    let hidden = "GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n";
    let both = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n";
    wire.send(&format!("{both}2\r\nhi\r\n0\r\n\r\n{hidden}")).await;
    let answer = wire.answer().await;
    assert!(answer.body.ends_with("\n\nhi"), "{}", answer.body);
    assert_eq!(answer.seen("content-length"), None);
    assert_eq!(wire.rest().await, "");
}
