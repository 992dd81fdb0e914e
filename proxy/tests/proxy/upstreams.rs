//! Services in other processes, over Unix sockets and TCP.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use axum::Router;
use axum::extract::Request;
use axum::routing::any;
use proxy::upstream::{self, Address};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};

use crate::kit::{Edge, loopback, to};

/// Says how it was asked, and repeats the body.
async fn shown(request: Request) -> String {
    let (head, body) = request.into_parts();
    let host = head.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or("none").to_owned();
    let body = axum::body::to_bytes(body, usize::MAX).await.expect("a body");
    format!("{} {} {host} {}", head.method, head.uri, String::from_utf8_lossy(&body))
}

#[tokio::test]
async fn a_unix_socket_sees_the_clients_host_and_body() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("socket");
    let listener = UnixListener::bind(&path).expect("bind");
    tokio::spawn(async { axum::serve(listener, Router::new().fallback(any(shown))).await });

    let edge = Edge::with([("a", to(upstream::at(Address::Unix(path))))]).await;
    let answer = edge.ask("GET /x?y=1 HTTP/1.1\r\nHost: a:80\r\n\r\n").await;
    assert_eq!(answer.body, "GET /x?y=1 a:80 ");
    for method in ["GET", "POST"] {
        let chunked = "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
        let answer = edge.ask(&format!("{method} / HTTP/1.1\r\nHost: a\r\n{chunked}")).await;
        assert_eq!(answer.body, format!("{method} / a hi"));
        let length = "Content-Length: 2\r\n\r\nhi";
        let answer = edge.ask(&format!("{method} / HTTP/1.1\r\nHost: a\r\n{length}")).await;
        assert_eq!(answer.body, format!("{method} / a hi"));
    }
}

#[tokio::test]
async fn nobody_at_home_is_a_502() {
    let dir = tempfile::tempdir().expect("a directory");
    let edge = Edge::with([("a", to(upstream::at(Address::Unix(dir.path().join("nothing")))))]).await;
    let answer = edge.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!((answer.status, answer.code().as_str()), (502, "no_answer"));
}

/// A server that hangs up on its first client after reading the request, and serves the second.
async fn hangs_up_once() -> Address {
    let listener = TcpListener::bind(loopback()).await.expect("bind");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        for is_first in [true, false] {
            let (mut tcp, _) = listener.accept().await.expect("a client");
            let _ = tcp.read(&mut [0; 4096]).await;
            if !is_first {
                let _ = tcp.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecond").await;
            }
        }
    });
    Address::Tcp(address)
}

/// A server that reads every request and hangs up, and how many it has read.
async fn hangs_up() -> (Address, Arc<AtomicUsize>) {
    let listener = TcpListener::bind(loopback()).await.expect("bind");
    let address = listener.local_addr().expect("an address");
    let read = Arc::new(AtomicUsize::new(0));
    let count = read.clone();
    tokio::spawn(async move {
        while let Ok((mut tcp, _)) = listener.accept().await {
            let _ = tcp.read(&mut [0; 4096]).await;
            count.fetch_add(1, SeqCst);
        }
    });
    (Address::Tcp(address), read)
}

#[tokio::test]
async fn nothing_is_tried_more_often_than_it_may_be() {
    for (request, times) in [
        ("GET / HTTP/1.1\r\nHost: a\r\n\r\n", 2),
        ("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi", 1),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n", 1),
        ("DELETE / HTTP/1.1\r\nHost: a\r\n\r\n", 1),
    ] {
        let (address, read) = hangs_up().await;
        let edge = Edge::with([("a", to(upstream::at(address)))]).await;
        assert_eq!(edge.ask(request).await.status, 502, "{request}");
        assert_eq!(read.load(SeqCst), times, "{request}");
    }
}

#[tokio::test]
async fn only_what_changes_nothing_is_tried_twice() {
    let edge =
        Edge::with([("a", to(upstream::at(hangs_up_once().await))), ("b", to(upstream::at(hangs_up_once().await)))])
            .await;
    let get = edge.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(get.body, "second");
    let post = edge.ask("POST / HTTP/1.1\r\nHost: b\r\nContent-Length: 2\r\n\r\nhi").await;
    assert_eq!(post.status, 502);
}
