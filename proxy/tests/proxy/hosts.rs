//! Which host leads where, and what is no host.

use std::time::Duration;

use http::StatusCode;
use proxy::answers::Answer;
use proxy::routes::{Route, State};

use crate::kit::{Edge, answering, echo, nobody, status, to};

#[tokio::test]
async fn an_unknown_host_gets_an_envelope() {
    let edge = Edge::with([("blog.example.com", to(nobody()))]).await;
    let answer = edge.ask("GET / HTTP/1.1\r\nHost: shop.example.com\r\n\r\n").await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert_eq!(
        answer.body,
        r#"{"data":{"code":"unknown_project"},"message":"There is no project at this address.","status":404}"#
    );
}

#[tokio::test]
async fn a_browser_gets_a_page() {
    let edge = Edge::with([]).await;
    let accept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let answer = edge.ask(&format!("GET / HTTP/1.1\r\nHost: a\r\nAccept: {accept}\r\n\r\n")).await;
    assert_eq!(answer.status, 404);
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(answer.body.contains("There is no project at this address."));
}

#[tokio::test]
async fn the_exact_name_wins_over_a_wildcard_of_one_label() {
    let says = |code| to(answering(move |_| async move { status(code) }));
    let edge = Edge::with([("*.example.com", says(201)), ("b.example.com", says(202))]).await;
    for (host, expected) in [
        ("a.example.com", 201),
        ("A.Example.COM:8080", 201),
        ("a.example.com.", 201),
        ("b.example.com", 202),
        ("a.b.example.com", 404),
        ("example.com", 404),
    ] {
        let answer = edge.ask(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert_eq!(answer.status, expected, "{host}");
    }
}

#[tokio::test]
async fn malformed_hosts_are_refused_and_the_connection_closed() {
    let edge = Edge::with([("a", to(nobody())), ("b", to(nobody()))]).await;
    for head in [
        "GET / HTTP/1.1\r\n",
        "GET / HTTP/1.0\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
        "GET / HTTP/1.1\r\nHost: a, b\r\n",
        "GET / HTTP/1.1\r\nHost: a b\r\n",
        "GET / HTTP/1.1\r\nHost:\r\n",
        "GET / HTTP/1.1\r\nHost: u@a\r\n",
        "GET / HTTP/1.1\r\nHost: a:http\r\n",
        "GET / HTTP/1.1\r\nHost: a/b\r\n",
        "GET http://a/ HTTP/1.1\r\nHost: b\r\n",
        "GET http://a/ HTTP/1.1\r\n",
        "GET * HTTP/1.1\r\nHost: a\r\n",
        "GET a HTTP/1.1\r\nHost: a\r\n",
        "CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n",
    ] {
        let mut wire = edge.connect().await;
        wire.send(&format!("{head}\r\n")).await;
        assert_eq!(wire.answer().await.status, 400, "{head}");
        assert_eq!(wire.rest().await, "", "{head}");
    }
}

#[tokio::test]
async fn options_for_the_server_itself_is_answered_here() {
    let edge = Edge::with([("a", to(nobody()))]).await;
    let answer = edge.ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!(answer.status, 204);
}

#[tokio::test]
async fn a_held_route_answers_for_itself() {
    let answer = Answer::new(StatusCode::FORBIDDEN, "suspended", "This project is <suspended>.");
    let held = |answer: &Answer| Route { state: State::Held(answer.clone()), ..to(nobody()) };
    let waking = answer.clone().retry_after(Duration::from_secs(3));
    let edge = Edge::with([("a", held(&answer)), ("b", held(&waking))]).await;

    let refused = edge.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "suspended"));
    assert_eq!(refused.header("retry-after"), None);

    let page = edge.ask("GET / HTTP/1.1\r\nHost: b\r\nAccept: text/html\r\n\r\n").await;
    assert_eq!(page.header("retry-after"), Some("3"));
    assert!(page.body.contains("This project is &#60;suspended&#62;."), "{}", page.body);
}

#[tokio::test]
async fn a_moved_route_leads_to_the_same_path_elsewhere() {
    let to_new = State::Redirect("new.example.com".parse().expect("a host"));
    let edge = Edge::with([("old.example.com", Route { state: to_new, ..to(nobody()) })]).await;
    let answer = edge.ask("GET /x?y=1 HTTP/1.1\r\nHost: old.example.com:8080\r\n\r\n").await;
    assert_eq!(answer.status, 308);
    assert_eq!(answer.header("location"), Some("http://new.example.com:8080/x?y=1"));
}

#[tokio::test]
async fn a_new_table_counts_from_the_next_request_on() {
    let edge = Edge::with([]).await;
    let mut wire = edge.connect().await;
    let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    wire.send(request).await;
    assert_eq!(wire.answer().await.status, 404);
    edge.publish([("a", to(echo()))]);
    wire.send(request).await;
    assert_eq!(wire.answer().await.status, 200);
}
