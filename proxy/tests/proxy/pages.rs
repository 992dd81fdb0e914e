//! What an upstream cannot answer just now, for people and for programs.

use axum::body::Body;
use http::Response;

use crate::kit::{Edge, answering, to};

fn refusing(
    status: u16,
    code: &'static str,
    message: &'static str,
    retry_after: Option<&'static str>,
) -> proxy::HttpService {
    answering(move |_| async move {
        let mut response = Response::builder()
            .status(status)
            .header("content-type", "application/json")
            .header("x-roost-code", code)
            .header("x-roost-waited-ms", "12");
        if let Some(seconds) = retry_after {
            response = response.header("retry-after", seconds);
        }
        let envelope = serde_json::json!({ "data": { "code": code }, "message": message, "status": status });
        response.body(Body::from(envelope.to_string())).expect("a response")
    })
}

const PAGE: &str = "GET / HTTP/1.1\r\nHost: a\r\nAccept: text/html,application/xhtml+xml,*/*;q=0.8\r\n\r\n";
const CALL: &str = "GET /api/health HTTP/1.1\r\nHost: a\r\nAccept: application/json\r\n\r\n";

#[tokio::test]
async fn people_get_a_page_that_tries_again_and_programs_the_code() {
    let upstream = refusing(503, "waking", "The project is waking up.", Some("2"));
    let edge = Edge::with([("a", to(upstream))]).await;
    let page = edge.ask(PAGE).await;
    assert_eq!((page.status, page.header("retry-after")), (503, Some("2")));
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(page.body.contains("<meta http-equiv=\"refresh\" content=\"2\">"), "{}", page.body);
    assert!(page.body.contains("The project is waking up."), "{}", page.body);

    let answer = edge.ask(CALL).await;
    assert_eq!((answer.status, answer.code().as_str()), (503, "waking"));
    assert_eq!(answer.header("retry-after"), Some("2"));
    for ours in ["x-roost-code", "x-roost-waited-ms"] {
        assert_eq!((page.header(ours), answer.header(ours)), (None, None), "{ours}");
    }
}

#[tokio::test]
async fn what_does_not_pass_by_itself_is_not_tried_again() {
    let edge = Edge::with([("a", to(refusing(403, "suspended", "The project is <suspended>.", None)))]).await;
    let page = edge.ask(PAGE).await;
    assert_eq!(page.status, 403);
    assert!(page.body.contains("The project is &#60;suspended&#62;."), "{}", page.body);
    assert!(!page.body.contains("refresh"), "{}", page.body);
}

#[tokio::test]
async fn what_a_project_says_itself_is_left_alone() {
    let upstream =
        answering(|_| async { Response::builder().status(503).body(Body::from("mine")).expect("a response") });
    let edge = Edge::with([("a", to(upstream))]).await;
    assert_eq!(edge.ask(PAGE).await.body, "mine");
}
