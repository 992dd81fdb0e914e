//! Event streams and tunnels.

use axum::Router;
use axum::body::{Body, Bytes};
use axum::routing::get;
use futures_util::stream;
use http::Response;
use proxy::Options;
use proxy::routes::{Limits, Route};
use proxy::upstream::{self, Address};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, watch};

use crate::kit::{Edge, answering, loopback, nobody, router, to};

/// An upstream whose events come from a channel; every request reads on from the same one.
pub fn events() -> (watch::Sender<u32>, proxy::HttpService) {
    let (sender, receiver) = watch::channel(0);
    let upstream = answering(move |_| {
        let receiver = receiver.clone();
        async move {
            let events = stream::unfold(receiver, |mut receiver| async {
                receiver.changed().await.ok()?;
                let event = format!("data: {}\n\n", *receiver.borrow_and_update());
                Some((Ok::<_, std::io::Error>(Bytes::from(event)), receiver))
            });
            let response = Response::builder().header("content-type", "text/event-stream; charset=utf-8");
            response.body(Body::from_stream(events)).expect("a response")
        }
    });
    (sender, upstream)
}

const SUBSCRIBE: &str = "GET /api/realtime HTTP/1.1\r\nHost: a\r\n\r\n";

#[tokio::test]
async fn events_pass_one_by_one_and_may_be_rare() {
    let (sender, upstream) = events();
    let mut options = Options::default();
    options.timeouts.response_body_idle = Duration::from_millis(50);
    let edge = Edge::start(options, [("a", to(upstream))]).await;
    let mut wire = edge.connect().await;
    wire.send(SUBSCRIBE).await;
    assert_eq!(wire.head().await.0, 200);
    for n in 1..=3 {
        tokio::time::sleep(Duration::from_millis(100)).await;
        sender.send_replace(n);
        assert_eq!(wire.chunk().await, format!("data: {n}\n\n"));
    }
}

#[tokio::test]
async fn streams_do_not_count_as_requests_but_have_a_limit_of_their_own() {
    let (_sender, upstream) = events();
    let limits = Limits { concurrent_requests: 1, streams: 2, ..Limits::default() };
    let edge = Edge::with([("a", Route { limits, ..to(upstream) })]).await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut wire = edge.connect().await;
        wire.send(SUBSCRIBE).await;
        assert_eq!(wire.head().await.0, 200);
        open.push(wire);
    }
    let answer = edge.ask(SUBSCRIBE).await;
    assert_eq!((answer.status, answer.code().as_str()), (429, "too_many_connections"));

    open.pop();
    loop {
        let mut wire = edge.connect().await;
        wire.send(SUBSCRIBE).await;
        if wire.head().await.0 == 200 {
            break;
        }
    }
}

/// A server that answers an upgrade and then sends everything back.
pub async fn echo_server() -> Address {
    let listener = TcpListener::bind(loopback()).await.expect("bind");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(tcp.read_u8().await?);
                }
                let head = String::from_utf8_lossy(&head).to_lowercase();
                let upgrades =
                    head.contains("\r\nupgrade: websocket\r\n") && head.contains("\r\nconnection: upgrade\r\n");
                if !upgrades {
                    return tcp.write_all(b"HTTP/1.1 426 Upgrade\r\ncontent-length: 0\r\n\r\n").await;
                }
                let answer = "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\n\
                              upgrade: websocket\r\nsec-websocket-accept: x\r\n\r\n";
                tcp.write_all(answer.as_bytes()).await?;
                let (mut read, mut write) = tcp.split();
                tokio::io::copy(&mut read, &mut write).await.map(drop)
            });
        }
    });
    Address::Tcp(address)
}

pub const UPGRADE: &str =
    "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n";

#[tokio::test]
async fn a_websocket_is_a_tunnel() {
    let edge = Edge::with([("a", to(upstream::at(echo_server().await)))]).await;
    let mut wire = edge.connect().await;
    wire.send(UPGRADE).await;
    let (status, head) = wire.head().await;
    assert_eq!(status, 101);
    assert!(head.contains("sec-websocket-accept: x"), "{head}");
    for n in 0..100 {
        let message = format!("{n}:{}", "x".repeat(n * 100));
        wire.send(&message).await;
        assert_eq!(wire.exactly(message.len()).await, message);
    }
}

#[tokio::test]
async fn a_tunnel_outlives_every_idle_limit_and_counts_as_a_stream() {
    let mut options = Options::default();
    let short = Duration::from_millis(100);
    options.timeouts.request_head = short;
    options.timeouts.idle_connection = short;
    let limits = Limits { streams: 1, ..Limits::default() };
    let route = Route { limits, ..to(upstream::at(echo_server().await)) };
    let edge = Edge::start(options, [("a", route)]).await;
    let mut wire = edge.connect().await;
    wire.send(UPGRADE).await;
    assert_eq!(wire.head().await.0, 101);
    assert_eq!(edge.ask(UPGRADE).await.status, 429);
    tokio::time::sleep(4 * short).await;
    wire.send("still here").await;
    assert_eq!(wire.exactly(10).await, "still here");

    drop(wire);
    while edge.ask(UPGRADE).await.status != 101 {}
}

#[tokio::test]
async fn an_upstream_that_does_not_switch_answers_as_usual() {
    let upstream = router(Router::new().route("/ws", get(|| async { "no" })));
    let edge = Edge::with([("a", to(upstream))]).await;
    let answer = edge.ask(UPGRADE).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "no"));
}

#[tokio::test]
async fn nobody_switches_to_http2_unseen() {
    let edge = Edge::with([("a", to(upstream::at(echo_server().await)))]).await;
    let h2c = UPGRADE.replace("websocket", "h2c");
    assert_eq!(edge.ask(&h2c).await.status, 426);
}

#[tokio::test]
async fn a_client_that_hangs_up_ends_the_upstreams_work() {
    let (alive, mut dropped) = mpsc::channel::<()>(1);
    let (begun, mut reached) = mpsc::channel::<()>(1);
    let upstream = answering(move |_| {
        let (alive, begun) = (alive.clone(), begun.clone());
        async move {
            let _alive = alive;
            let _ = begun.send(()).await;
            std::future::pending().await
        }
    });
    let edge = Edge::with([("a", to(upstream)), ("b", to(nobody()))]).await;
    let mut wire = edge.connect().await;
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    reached.recv().await;
    edge.publish([]);
    drop(wire);
    assert!(dropped.recv().await.is_none());
}
