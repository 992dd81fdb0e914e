//! Stopping: what is waited for, what is ended, what is refused.

use std::time::Duration;

use axum::body::Body;
use http::Response;
use proxy::upstream;
use proxy::{Drain, Options};
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::kit::{Edge, answering, echo, to};
use crate::streams::{UPGRADE, echo_server, events};

fn brisk() -> Options {
    let milliseconds = Duration::from_millis;
    Options {
        drain: Drain { polite: milliseconds(200), tunnels: milliseconds(400), total: Duration::from_secs(20) },
        ..Options::default()
    }
}

#[tokio::test]
async fn a_drain_waits_for_the_response_and_accepts_nothing_new() {
    let (go, gate) = watch::channel(false);
    let (reached, mut asked) = watch::channel(());
    let upstream = answering(move |_| {
        let (mut gate, reached) = (gate.clone(), reached.clone());
        async move {
            reached.send_replace(());
            let _ = gate.wait_for(|open| *open).await;
            Response::new(Body::from("finished"))
        }
    });
    let edge = Edge::start(brisk(), [("a", to(upstream))]).await;
    let address = edge.proxy.addresses().http[0];
    let mut wire = edge.connect().await;
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    asked.changed().await.expect("asked");

    let drained = tokio::spawn(edge.proxy.drain());
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!drained.is_finished());
    go.send_replace(true);
    let answer = wire.answer().await;
    assert_eq!(answer.body, "finished");
    assert_eq!(answer.header("connection"), Some("close"));
    assert_eq!(wire.rest().await, "");
    drained.await.expect("drained");
}

#[tokio::test]
async fn a_kept_alive_connection_is_asked_to_close_before_it_is_closed() {
    let edge = Edge::start(brisk(), [("a", to(echo()))]).await;
    let address = edge.proxy.addresses().http[0];
    let (mut talking, mut silent) = (edge.connect().await, edge.connect().await);
    for wire in [&mut talking, &mut silent] {
        wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(wire.answer().await.header("connection"), None);
    }
    let drained = tokio::spawn(edge.proxy.drain());
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    talking.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(talking.answer().await.header("connection"), Some("close"));
    assert_eq!(silent.rest().await, "");
    drained.await.expect("drained");
}

#[tokio::test]
async fn event_streams_end_cleanly_and_tunnels_are_cut() {
    let (sender, stream) = events();
    let tunnel = upstream::at(echo_server().await);
    let edge = Edge::start(brisk(), [("a", to(tunnel)), ("b", to(stream))]).await;
    let mut events = edge.connect().await;
    events.send("GET / HTTP/1.1\r\nHost: b\r\n\r\n").await;
    events.head().await;
    sender.send_replace(1);
    assert_eq!(events.chunk().await, "data: 1\n\n");
    let mut tunnel = edge.connect().await;
    tunnel.send(UPGRADE).await;
    assert_eq!(tunnel.head().await.0, 101);

    edge.proxy.drain().await;
    assert_eq!(events.chunk().await, "", "a last chunk");
    assert_eq!(events.rest().await, "");
    assert_eq!(tunnel.rest().await, "");
}

#[tokio::test]
async fn an_event_stream_takes_its_connection_along_at_once() {
    let (sender, stream) = events();
    let mut options = brisk();
    options.drain.polite = Duration::from_secs(5);
    let edge = Edge::start(options, [("a", to(echo())), ("b", to(stream))]).await;
    let (mut events, mut idle) = (edge.connect().await, edge.connect().await);
    idle.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    idle.answer().await;
    events.send("GET / HTTP/1.1\r\nHost: b\r\n\r\n").await;
    events.head().await;
    sender.send_replace(1);
    assert_eq!(events.chunk().await, "data: 1\n\n");

    let drained = tokio::spawn(edge.proxy.drain());
    assert_eq!(events.chunk().await, "", "a last chunk");
    assert_eq!(events.rest().await, "");
    assert!(!drained.is_finished(), "an idle connection is asked first");
    drop(idle);
    drained.await.expect("drained");
}

#[tokio::test]
async fn what_never_ends_is_cut_in_the_end() {
    let mut options = brisk();
    options.drain.total = Duration::from_millis(500);
    let upstream = answering(|_| std::future::pending());
    let edge = Edge::start(options, [("a", to(upstream))]).await;
    let mut wire = edge.connect().await;
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    edge.proxy.drain().await;
    assert_eq!(wire.rest().await, "");
}

#[tokio::test]
async fn dropping_the_proxy_cuts_everything() {
    let edge = Edge::with([("a", to(answering(|_| std::future::pending())))]).await;
    let mut wire = edge.connect().await;
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    drop(edge.proxy);
    assert_eq!(wire.rest().await, "");
}
