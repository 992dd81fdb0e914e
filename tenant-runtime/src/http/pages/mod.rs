//! The few pages under `/_/` that links in mails lead to, until the studio stands in this place.
//!
//! One page, complete in itself, whose script reads the part after `#` as stock servers' links have it. The server never
//! sees the tokens in there, and the policy lets nothing else run or load.

use std::sync::LazyLock;

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderName, HeaderValue, StatusCode, header};
use sha2::{Digest as _, Sha256};

const SHELL: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

static PAGE: LazyLock<String> = LazyLock::new(|| SHELL.replace("/* style */", STYLE).replace("/* script */", SCRIPT));

static POLICY: LazyLock<String> = LazyLock::new(|| {
    let digest = |text: &str| STANDARD.encode(Sha256::digest(text));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        digest(STYLE),
        digest(SCRIPT)
    )
});

/// `GET /_/`
pub async fn index() -> Response {
    page(StatusCode::OK)
}

/// Anything below: the page says that there is nothing.
pub async fn elsewhere() -> Response {
    page(StatusCode::NOT_FOUND)
}

/// `GET /_`
pub async fn to_index() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static("/_/"));
    response
}

fn page(status: StatusCode) -> Response {
    let mut response = Response::new(Body::from(PAGE.as_str()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let fixed: [(HeaderName, &'static str); 3] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-cache"),
        (header::REFERRER_POLICY, "no-referrer"),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_brings_everything_it_needs() {
        assert!(PAGE.contains(STYLE) && PAGE.contains(SCRIPT));
        for foreign in ["http://", "https://", " src=", "<link", "innerHTML", "eval("] {
            assert!(!PAGE.contains(foreign), "{foreign}");
        }
        assert!(!SCRIPT.contains("</script") && !STYLE.contains("</style"));
    }
}
