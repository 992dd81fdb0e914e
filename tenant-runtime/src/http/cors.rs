//! Cross-origin requests: which sites' pages may read the answers. Everybody is answered; the browser decides by the
//! headers.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use regex::Regex;

use crate::app::App;

const METHODS: HeaderValue = HeaderValue::from_static("GET,HEAD,PUT,PATCH,POST,DELETE");

/// Whose pages may read answers.
#[derive(Clone, Debug, Default)]
pub enum Origins {
    /// Every site's.
    #[default]
    Any,
    /// Those of the sites that match.
    Listed(Vec<Regex>),
}

impl Origins {
    /// Reads patterns such as `https://*.example.com`, where `*` is any text and `?` any character.
    ///
    /// # Errors
    /// When a pattern is too long.
    pub fn parse(patterns: &[String]) -> Result<Origins, regex::Error> {
        if patterns.iter().any(|pattern| pattern == "*") {
            return Ok(Origins::Any);
        }
        let compile = |pattern: &String| {
            let escaped = regex::escape(pattern).replace(r"\*", ".*").replace(r"\?", ".");
            Regex::new(&format!("^{escaped}$"))
        };
        Ok(Origins::Listed(patterns.iter().map(compile).collect::<Result<_, _>>()?))
    }

    /// The value of `Access-Control-Allow-Origin` for a page of that origin.
    fn allow(&self, origin: &HeaderValue) -> Option<HeaderValue> {
        match self {
            Origins::Any => Some(HeaderValue::from_static("*")),
            Origins::Listed(patterns) => {
                let text = origin.to_str().ok()?;
                patterns.iter().any(|pattern| pattern.is_match(text)).then(|| origin.clone())
            }
        }
    }
}

/// Answers `OPTIONS` by itself, and adds to all other answers who may read them.
pub async fn allow(State(app): State<App>, request: Request, next: Next) -> Response {
    let allowed = request.headers().get(header::ORIGIN).and_then(|origin| app.site().origins.allow(origin));
    let mut response = if request.method() == Method::OPTIONS {
        preflight(request.headers(), allowed.is_some())
    } else {
        next.run(request).await
    };
    let headers = response.headers_mut();
    if !headers.contains_key(header::VARY) {
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    }
    if let Some(allowed) = allowed {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
    }
    response
}

fn preflight(asked: &HeaderMap, allowed: bool) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    if !allowed {
        return response;
    }
    let headers = response.headers_mut();
    for name in ["Origin", "Access-Control-Request-Method", "Access-Control-Request-Headers"] {
        headers.append(header::VARY, HeaderValue::from_static(name));
    }
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    if let Some(wanted) = asked.get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(patterns: &[&str], origin: &'static str) -> Option<String> {
        let patterns: Vec<String> = patterns.iter().map(|pattern| (*pattern).to_owned()).collect();
        let value = Origins::parse(&patterns).expect("patterns").allow(&HeaderValue::from_static(origin));
        value.map(|value| value.to_str().expect("text").to_owned())
    }

    #[test]
    fn origins_are_echoed_when_they_match_a_pattern() {
        let patterns = ["http://a.example", "https://*.b.example", "http://c?.example"];
        for (origin, matches) in [
            ("http://a.example", true),
            ("https://x.y.b.example", true),
            ("https://b.example", false),
            ("http://c1.example", true),
            ("http://axexample", false),
            ("HTTP://A.EXAMPLE", false),
        ] {
            assert_eq!(allowed(&patterns, origin).as_deref(), matches.then_some(origin), "{origin}");
        }
        assert_eq!(allowed(&["http://a.example", "*"], "http://d.example").as_deref(), Some("*"));
    }
}
