//! Clients and upstreams that are slow, silent or gone. The limits are shortened; nothing is measured.

use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use http::Response;
use proxy::{Bounds, Options, Timeouts};
use tokio::sync::mpsc;

use crate::kit::{Edge, answering, echo, nobody, to};

const SHORT: Duration = Duration::from_millis(200);

fn impatient(shorten: impl FnOnce(&mut Timeouts)) -> Options {
    let mut options = Options::default();
    shorten(&mut options.timeouts);
    options
}

#[tokio::test]
async fn half_a_head_and_then_silence_is_closed() {
    let edge = Edge::start(impatient(|t| t.request_head = SHORT), [("a", to(nobody()))]).await;
    for start in ["", "GET / HT", "GET / HTTP/1.1\r\nHost: a\r\n"] {
        let mut wire = edge.connect().await;
        wire.send(start).await;
        wire.rest().await;
    }
}

#[tokio::test]
async fn an_idle_connection_is_closed_after_its_answer() {
    let edge = Edge::start(impatient(|t| t.request_head = SHORT), [("a", to(echo()))]).await;
    let mut wire = edge.connect().await;
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(wire.answer().await.status, 200);
    assert_eq!(wire.rest().await, "");
}

#[tokio::test]
async fn half_a_body_and_then_silence_is_a_408() {
    let options = impatient(|t| t.request_body_idle = SHORT);
    let edge = Edge::start(options, [("a", to(echo()))]).await;
    for framing in ["Content-Length: 10", "Content-Length: 1000000", "Transfer-Encoding: chunked"] {
        let mut wire = edge.connect().await;
        wire.send(&format!("POST / HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n3\r\n")).await;
        let answer = wire.answer().await;
        assert_eq!((answer.status, answer.code().as_str()), (408, "slow_body"), "{framing}");
        assert_eq!(wire.rest().await, "");
    }
}

#[tokio::test]
async fn a_body_that_drips_is_a_408() {
    let mut options = impatient(|t| (t.request_body_grace, t.linger) = (SHORT, SHORT));
    options.bounds = Bounds { request_body_rate: 1_000_000, ..Bounds::default() };
    let edge = Edge::start(options, [("a", to(echo()))]).await;
    let mut wire = edge.connect().await;
    wire.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n").await;
    let mut sent = 0;
    while sent < 1_000 && wire.offer(b"x").await.is_ok() {
        sent += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(sent < 1_000, "the drip was never stopped");
    assert!(wire.rest().await.starts_with("HTTP/1.1 408"));
}

#[tokio::test]
async fn an_upstream_that_takes_its_time_is_not_the_clients_fault() {
    let options = impatient(|t| t.request_body_idle = SHORT);
    let upstream = answering(|request| async {
        tokio::time::sleep(3 * SHORT).await;
        Response::new(request.into_body())
    });
    let edge = Edge::start(options, [("a", to(upstream))]).await;
    let request = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    assert_eq!(edge.ask(request).await.body, "hi");
}

#[tokio::test]
async fn a_client_that_stops_reading_is_cut_and_its_download_dropped() {
    let (alive, mut dropped) = mpsc::channel::<()>(1);
    let upstream = answering(move |_| {
        let alive = alive.clone();
        async move {
            let endless = stream::repeat_with(move || {
                let _ = &alive;
                Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 64 * 1024]))
            });
            Response::new(Body::from_stream(endless))
        }
    });
    let edge = Edge::start(impatient(|t| t.write = SHORT), [("a", to(upstream)), ("b", to(echo()))]).await;
    let mut wire = edge.connect().await;
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    wire.head().await;
    // Others are served meanwhile.
    assert_eq!(edge.ask("GET / HTTP/1.1\r\nHost: b\r\n\r\n").await.status, 200);
    edge.publish([]);
    assert!(dropped.recv().await.is_none(), "the body's sender is gone with the connection");
}

#[tokio::test]
async fn a_late_upstream_is_a_504() {
    let upstream = answering(|_| std::future::pending());
    let edge = Edge::start(impatient(|t| t.response_head = SHORT), [("a", to(upstream))]).await;
    let answer = edge.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!((answer.status, answer.code().as_str()), (504, "late_answer"));
}

#[tokio::test]
async fn an_upstream_that_falls_silent_is_cut() {
    let upstream = answering(|_| async {
        let first = stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"first"))]);
        let silent = futures_util::StreamExt::chain(first, stream::pending());
        Response::new(Body::from_stream(silent))
    });
    let edge = Edge::start(impatient(|t| t.response_body_idle = SHORT), [("a", to(upstream))]).await;
    let mut wire = edge.connect().await;
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    wire.head().await;
    assert_eq!(wire.chunk().await, "first");
    assert_eq!(wire.rest().await, "", "no last chunk: the client must see that something is missing");
}
