//! Which headers arrive.

use axum::body::Body;
use http::{HeaderMap, HeaderValue, Response};
use proxy::routes::Route;

use crate::kit::{Edge, answering, echo, nobody, to};

#[tokio::test]
async fn what_belongs_to_the_connection_or_to_us_never_arrives() {
    let mut stamp = HeaderMap::new();
    stamp.insert("x-roost-tenant", HeaderValue::from_static("abc"));
    let edge = Edge::with([("a", Route { stamp, ..to(echo()) })]).await;
    let answer = edge
        .ask(
            "GET /x?y=1 HTTP/1.1\r\nHost: A:8080\r\n\
             Connection: keep-alive, X-One\r\nConnection: x-two, x-roost-tenant, host\r\n\
             X-One: 1\r\nX-Two: 2\r\nKeep-Alive: 5\r\nTE: trailers\r\nTrailer: x\r\nUpgrade: h2c\r\n\
             Proxy-Authorization: x\r\nProxy-Connection: x\r\nHTTP2-Settings: x\r\n\
             X-Roost-Tenant: forged\r\nX-Roost-Anything: forged\r\nX-Roost-Client-IP: 6.6.6.6\r\n\
             X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Host: forged\r\nX-Forwarded-Proto: https\r\n\
             X-Forwarded-Port: 1\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n\
             X-Request-Id: mine\r\nX-Client-Request-Id: forged\r\n\
             Authorization: secret\r\nX-Mine: stays\r\n\r\n",
        )
        .await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.starts_with("GET /x?y=1\n"));

    let mut names: Vec<_> = answer.body.lines().skip(1).filter_map(|line| Some(line.split_once(": ")?.0)).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "authorization",
            "host",
            "x-client-request-id",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-forwarded-proto",
            "x-mine",
            "x-real-ip",
            "x-request-id",
            "x-roost-client-ip",
            "x-roost-tenant",
        ]
    );
    for (name, value) in [
        ("host", "A:8080"),
        ("x-client-request-id", "mine"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "A:8080"),
        ("x-forwarded-proto", "http"),
        ("x-real-ip", "127.0.0.1"),
        ("x-roost-client-ip", "127.0.0.1"),
        ("x-roost-tenant", "abc"),
    ] {
        assert_eq!(answer.seen(name), Some(value), "{name}");
    }
}

#[tokio::test]
async fn responses_are_cleaned_as_well() {
    let upstream = answering(|_| async {
        Response::builder()
            .header("connection", "x-hop")
            .header("x-hop", "1")
            .header("keep-alive", "timeout=5")
            .header("x-roost-internal", "1")
            .header("x-mine", "stays")
            .body(Body::from("hello"))
            .expect("a response")
    });
    let edge = Edge::with([("a", to(upstream))]).await;
    let answer = edge.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(answer.body, "hello");
    assert_eq!(answer.header("x-mine"), Some("stays"));
    for gone in ["connection", "x-hop", "keep-alive", "x-roost-internal"] {
        assert_eq!(answer.header(gone), None, "{gone}");
    }
}

#[tokio::test]
async fn an_absolute_target_arrives_as_a_path() {
    let edge = Edge::with([("a", to(echo()))]).await;
    let answer = edge.ask("GET http://a/x HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert!(answer.body.starts_with("GET /x\n"), "{}", answer.body);
}

#[tokio::test]
async fn expectations_other_than_100_continue_are_refused() {
    let edge = Edge::with([("a", to(nobody()))]).await;
    let answer = edge.ask("GET / HTTP/1.1\r\nHost: a\r\nExpect: tea\r\n\r\n").await;
    assert_eq!(answer.status, 417);
}

#[tokio::test]
async fn a_client_that_waits_for_100_continue_gets_it() {
    let edge = Edge::with([("a", to(echo()))]).await;
    let mut wire = edge.connect().await;
    wire.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n").await;
    assert_eq!(wire.head().await.0, 100);
    wire.send("hi").await;
    let answer = wire.answer().await;
    assert!(answer.body.ends_with("\n\nhi"), "{}", answer.body);
    assert_eq!(answer.seen("expect"), None);
}

#[tokio::test]
async fn too_large_a_head_is_refused() {
    let edge = Edge::with([("a", to(nobody()))]).await;
    let many: String = (0..120).map(|n| format!("X-{n}: 1\r\n")).collect();
    let long = format!("X-Long: {}\r\n", "x".repeat(40_000));
    for headers in [many, long] {
        let answer = edge.ask(&format!("GET / HTTP/1.1\r\nHost: a\r\n{headers}\r\n")).await;
        assert_eq!(answer.status, 431);
    }
}

#[tokio::test]
async fn a_thousand_requests_fit_one_connection() {
    let edge = Edge::with([("a", to(echo()))]).await;
    let mut wire = edge.connect().await;
    for n in 0..500 {
        wire.send(&format!("GET /{n} HTTP/1.1\r\nHost: a\r\n\r\n")).await;
        let answer = wire.answer().await;
        assert!(answer.body.starts_with(&format!("GET /{n}\n")));

        let body = "x".repeat(n + 1);
        let length = body.len();
        wire.send(&format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n{body}")).await;
        let answer = wire.answer().await;
        assert!(answer.body.ends_with(&format!("\n\n{body}")));
    }
}
