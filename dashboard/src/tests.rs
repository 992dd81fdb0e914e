//! Through the front door, and true with and without built pages: a fresh checkout has none.

use super::*;
use http_body_util::BodyExt;
use tower::ServiceExt;

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }
}

async fn send(method: &str, path: &str, headers: &[(HeaderName, &str)]) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    let response =
        console().oneshot(request.body(Body::empty()).expect("a request")).await.expect("the router never fails");
    let (parts, body) = response.into_parts();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: body.collect().await.expect("a body in memory").to_bytes().to_vec(),
    }
}

fn is_built() -> bool {
    Pages::get("index.html").is_some()
}

#[tokio::test]
async fn an_unknown_api_path_answers_in_the_envelope_and_never_with_a_page() {
    for path in ["/api", "/api/nothing/here"] {
        let answer = send("GET", path, &[]).await;
        assert_eq!(answer.status, 404);
        assert_eq!(answer.header(header::CONTENT_TYPE), "application/json");
    }
}

#[tokio::test]
async fn a_missing_asset_is_missing() {
    assert_eq!(send("GET", "/assets/nothing-12345678.js", &[]).await.status, 404);
}

#[tokio::test]
async fn any_other_path_is_the_app_or_says_how_to_build_it() {
    for path in ["/", "/projects", "/p/orchard/settings", "/apiary"] {
        let answer = send("GET", path, &[]).await;
        let expected = if is_built() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        assert_eq!(answer.status, expected, "{path}");
        assert!(String::from_utf8_lossy(&answer.body).contains("<title>Roost</title>"));
    }
}

#[tokio::test]
async fn every_answer_carries_the_policy() {
    for path in ["/", "/api/x", "/assets/x"] {
        let answer = send("GET", path, &[]).await;
        assert!(answer.header(header::CONTENT_SECURITY_POLICY).starts_with("default-src 'self'"), "{path}");
    }
}

#[tokio::test]
async fn only_reading_is_allowed() {
    assert_eq!(send("POST", "/projects", &[]).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn the_page_is_revalidated_by_its_tag() {
    if !is_built() {
        return;
    }
    let first = send("GET", "/", &[]).await;
    assert_eq!(first.header(header::CACHE_CONTROL), "no-cache");
    let again = send("GET", "/", &[(header::IF_NONE_MATCH, first.header(header::ETAG))]).await;
    assert_eq!(again.status, StatusCode::NOT_MODIFIED);
    assert!(again.body.is_empty());
}

#[tokio::test]
async fn a_browser_gets_brotli_and_the_twins_have_no_address() {
    if !is_built() {
        return;
    }
    let packed = send("GET", "/", &[(header::ACCEPT_ENCODING, "gzip, br")]).await;
    assert_eq!(packed.header(header::CONTENT_ENCODING), "br");
    assert_eq!(packed.header(header::CONTENT_TYPE), "text/html; charset=utf-8");

    let script = Pages::iter().find(|name| name.ends_with(".js.br")).expect("a built script has a twin");
    assert_eq!(send("GET", &format!("/{script}"), &[]).await.status, 404);

    let original = script.trim_end_matches(".br");
    let plain = send("GET", &format!("/{original}"), &[]).await;
    assert_eq!(plain.header(header::CACHE_CONTROL), "public, max-age=31536000, immutable");
    assert_eq!(plain.header(header::CONTENT_TYPE), "text/javascript; charset=utf-8");
}
