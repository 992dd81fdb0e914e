//! Clients that misbehave get a clear answer or a clean close, and nobody else notices.

use std::time::Duration;

use http::Method;
use serde_json::json;
use tests::Roost;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What comes back for these bytes, until the server closes or nothing more comes.
async fn raw(port: u16, request: &[u8]) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connects");
    stream.write_all(request).await.expect("writes");
    let mut answer = Vec::new();
    let mut chunk = [0; 4096];
    while let Ok(Ok(count)) = tokio::time::timeout(Duration::from_millis(500), stream.read(&mut chunk)).await {
        if count == 0 {
            break;
        }
        answer.extend_from_slice(&chunk[..count]);
    }
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn an_unknown_host_is_told_so_in_the_envelope() {
    let roost = Roost::start();
    let answer = roost.http.get(&roost.project_url("nobody")).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (404, "unknown_project"));
    assert_eq!(answer.json()["status"], 404);
}

#[tokio::test]
async fn a_malformed_host_is_refused() {
    let roost = Roost::start();
    for host in ["", "a b", "a, b", "user@localhost", "localhost:99999", "-.-"] {
        let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = raw(roost.port(), request.as_bytes()).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{host:?}: {answer}");
    }
    let twice =
        raw(roost.port(), b"GET / HTTP/1.1\r\nHost: localhost\r\nHost: other\r\nConnection: close\r\n\r\n").await;
    assert!(twice.starts_with("HTTP/1.1 400"), "{twice}");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_before_it_is_sent() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    project.create_collection("posts").await;
    let head = format!(
        "POST /api/collections/posts/records HTTP/1.1\r\nHost: orchard.localhost:{}\r\nContent-Type: application/json\r\nContent-Length: 52428800\r\n\r\n",
        roost.port()
    );
    let answer = raw(roost.port(), head.as_bytes()).await;
    assert!(answer.starts_with("HTTP/1.1 413"), "{answer}");
}

#[tokio::test]
async fn half_requests_and_clients_that_do_not_read_disturb_nobody() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    project.create_collection("posts").await;
    for n in 0..50 {
        project.create("posts", &"x".repeat(4000 + n)).await.expect("acknowledged");
    }
    let mut silent = Vec::new();
    for _ in 0..50 {
        let mut half = TcpStream::connect(("127.0.0.1", roost.port())).await.expect("connects");
        half.write_all(b"GET /api/health HTTP/1.1\r\nHost: orch").await.expect("writes");
        silent.push(half);
        let mut deaf = TcpStream::connect(("127.0.0.1", roost.port())).await.expect("connects");
        let ask = format!(
            "GET /api/collections/posts/records?perPage=1000 HTTP/1.1\r\nHost: orchard.localhost:{}\r\n\r\n",
            roost.port()
        );
        deaf.write_all(ask.repeat(20).as_bytes()).await.expect("writes");
        silent.push(deaf);
    }
    for n in 0..20 {
        assert!(project.create("posts", &n.to_string()).await.is_some());
        assert_eq!(roost.http.get(&format!("{}/api/health", roost.url())).await.status, 200);
    }
    drop(silent);
}

#[tokio::test]
async fn errors_of_a_project_have_the_envelope_whatever_is_asked() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    for (method, path) in [
        (Method::GET, "/api/nothing"),
        (Method::PUT, "/api/health"),
        (Method::GET, "/api/collections/nope/records"),
        (Method::GET, "/api/files/a/b/c"),
        (Method::GET, "/api/collections/%ff/records"),
        (Method::GET, "/"),
    ] {
        let answer = project.call(method, path, Some(&json!({}))).await.unwrap();
        let body = answer.json();
        assert_eq!(answer.status, 404, "{path}");
        assert_eq!(body["status"], 404, "{path}");
        assert!(body["message"].is_string() && body["data"].is_object(), "{path}: {body}");
    }
    for path in ["/api/projects/%ff", "/api/sign-in/%ff"] {
        let answer = ann.call(Method::GET, path, None).await.expect("an answer");
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (404, "not_found"), "{path}");
    }
}
