//! A second process takes over the sockets of the first, and no client meets a closed door.

use std::process::{Command, Stdio};

use axum::body::Body;
use http::Response;
use proxy::{Options, Sockets};
use tokio::net::TcpStream;

use crate::kit::{Edge, Wire, answering, loopback, to};

const CHILD: &str = "sockets::the_second_process";

fn saying(text: &'static str) -> proxy::HttpService {
    answering(move |_| async move { Response::new(Body::from(text)) })
}

async fn ask(address: std::net::SocketAddr) -> String {
    let mut wire = Wire::new(TcpStream::connect(address).await.expect("somebody listens"));
    wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    wire.answer().await.body
}

#[tokio::test]
async fn sockets_are_handed_to_a_second_process() {
    let sockets = Sockets::default();
    let options = Options { sockets: sockets.clone(), ..Options::default() };
    let edge = Edge::start(options, [("a", to(saying("first")))]).await;
    let address = edge.proxy.addresses().http[0];
    assert_eq!(ask(address).await, "first");

    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", CHILD, "--ignored"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let inheritable = sockets.hand_over(&mut command).expect("descriptors");
    let mut second = command.spawn().expect("starts");
    drop(inheritable);
    let drained = tokio::spawn(edge.proxy.drain());
    // Whoever comes before the second process listens waits.
    while ask(address).await != "second" {}
    drained.await.expect("drained");
    for _ in 0..50 {
        assert_eq!(ask(address).await, "second");
    }
    drop(second.stdin.take());
    second.wait().expect("ends");
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}

/// Serves on the sockets it was given until its standard input ends.
#[tokio::test]
#[ignore = "started by the test above"]
async fn the_second_process() {
    let sockets = Sockets::inherited().expect("what was announced");
    let edge =
        Edge::start(Options { sockets: sockets.clone(), ..Options::default() }, [("a", to(saying("second")))]).await;
    assert!(sockets.close_unwanted().is_empty(), "it listens on {:?}", loopback());
    let ended = tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink()));
    ended.await.expect("no panic").expect("ends");
    drop(edge);
}
