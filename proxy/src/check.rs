//! What a request must look like before anything else looks at it.
//!
//! hyper already refuses most malformed messages. These are the ones it lets through and that would mean
//! something else to whatever stands behind the proxy.

use http::header::{CONTENT_LENGTH, EXPECT, HOST, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, Request, Version};

use crate::answers::{self, Answer};
use crate::routes::Host;

/// hyper's own limit on HTTP/1, held on HTTP/2 as well.
const HEADER_LINES: usize = 100;

/// Whom a request is for, once it is known to be well formed.
#[derive(Debug)]
pub(crate) struct Addressed {
    /// The host to look up.
    pub(crate) host: Host,
    /// The host as the client wrote it, with its port.
    pub(crate) authority: HeaderValue,
}

/// Refuses what is ambiguous, and says whom the rest is for.
pub(crate) fn check<B>(request: &Request<B>) -> Result<Addressed, Answer> {
    let headers = request.headers();
    if headers.len() > HEADER_LINES {
        return Err(answers::TOO_MANY_HEADERS);
    }
    method(request.method())?;
    target(request)?;
    framing(headers)?;
    expectation(headers)?;
    addressed(request)
}

/// Methods are known in capitals, and what looks like one but is none would be read as it by some.
fn method(method: &Method) -> Result<(), Answer> {
    let known = |byte: u8| byte.is_ascii_uppercase() || matches!(byte, b'-' | b'_');
    if method.as_str().bytes().all(known) { Ok(()) } else { Err(answers::BAD_METHOD) }
}

/// Only paths, and `*` for OPTIONS: nobody tunnels through here by CONNECT.
fn target<B>(request: &Request<B>) -> Result<(), Answer> {
    let path = request.uri().path();
    let fits = match *request.method() {
        Method::CONNECT => false,
        Method::OPTIONS => path == "*" || path.starts_with('/'),
        _ => path.starts_with('/'),
    };
    let scheme = request.uri().scheme_str().unwrap_or("http");
    if fits && matches!(scheme, "http" | "https") { Ok(()) } else { Err(answers::BAD_TARGET) }
}

/// `transfer-encoding` is `chunked`, once, or absent, and there is one length at most: two parsers disagree about
/// everything else.
fn framing(headers: &HeaderMap) -> Result<(), Answer> {
    if headers.get_all(CONTENT_LENGTH).iter().nth(1).is_some() {
        return Err(answers::BAD_FRAMING);
    }
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (None, _) => Ok(()),
        (Some(coding), None) if coding.as_bytes().eq_ignore_ascii_case(b"chunked") => Ok(()),
        _ => Err(answers::BAD_FRAMING),
    }
}

fn expectation(headers: &HeaderMap) -> Result<(), Answer> {
    let known = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"100-continue");
    if headers.get_all(EXPECT).iter().all(known) { Ok(()) } else { Err(answers::BAD_EXPECTATION) }
}

/// Exactly one host: from the request line or pseudo header, from `host`, or the same from both.
fn addressed<B>(request: &Request<B>) -> Result<Addressed, Answer> {
    let mut lines = request.headers().get_all(HOST).iter();
    let authority = match (request.uri().authority(), lines.next(), lines.next()) {
        (_, _, Some(_)) | (None, None, _) => return Err(answers::BAD_HOST),
        // On HTTP/1 the header is required even beside an absolute target.
        (Some(_), None, None) if request.version() < Version::HTTP_2 => {
            return Err(answers::BAD_HOST);
        }
        (Some(authority), None, None) => HeaderValue::from_str(authority.as_str()).map_err(|_| answers::BAD_HOST)?,
        (Some(authority), Some(line), None) => {
            if !line.as_bytes().eq_ignore_ascii_case(authority.as_str().as_bytes()) {
                return Err(answers::BAD_HOST);
            }
            line.clone()
        }
        (None, Some(line), None) => line.clone(),
    };
    let text = authority.to_str().map_err(|_| answers::BAD_HOST)?;
    let host = text.parse().map_err(|_| answers::BAD_HOST)?;
    Ok(Addressed { host, authority })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(request: http::request::Builder) -> Result<String, u16> {
        let request = request.body(()).expect("a request");
        match check(&request) {
            Ok(addressed) => Ok(addressed.host.to_string()),
            Err(answer) => Err(answer.status().as_u16()),
        }
    }

    #[test]
    fn one_valid_host_is_required() {
        let with = |host: &str| verdict(Request::get("/").header("host", host));
        assert_eq!(with("Blog.Example.com:8080"), Ok("blog.example.com".into()));
        assert_eq!(with("blog.example.com."), Ok("blog.example.com".into()));
        assert_eq!(with("[::1]:80"), Ok("[::1]".into()));
        for bad in ["", "a, b", "a b", "u@a", "a:", "a:x", "a:+1", "a:99999", "a..b", "-a", "[::1", "ä.de", "a/b"] {
            assert_eq!(with(bad), Err(400), "{bad:?}");
        }
        assert_eq!(verdict(Request::get("/")), Err(400));
        assert_eq!(verdict(Request::get("/").header("host", "a").header("host", "a")), Err(400));
    }

    #[test]
    fn the_target_and_the_header_must_agree() {
        let asked = |target: &str, host: &str| verdict(Request::get(target).header("host", host));
        assert_eq!(asked("http://a/x", "A"), Ok("a".into()));
        assert_eq!(asked("http://a/x", "b"), Err(400));
        let h2 = |target: &str| verdict(Request::get(target).version(Version::HTTP_2));
        assert_eq!(h2("https://a/x"), Ok("a".into()));
        assert_eq!(h2("https://u@a/x"), Err(400));
        assert_eq!(verdict(Request::get("http://a/x")), Err(400));
    }

    #[test]
    fn doubtful_targets_framings_and_expectations_are_refused() {
        let ask =
            |method: &str, target: &str| verdict(Request::builder().method(method).uri(target).header("host", "a"));
        assert_eq!(ask("OPTIONS", "*"), Ok("a".into()));
        assert_eq!(ask("GET", "*"), Err(400));
        assert_eq!(ask("CONNECT", "a:443"), Err(400));
        assert_eq!(ask("GET", "a"), Err(400));
        assert_eq!(ask("GET", "ftp://a/"), Err(400));
        assert_eq!(ask("get", "/"), Err(400));

        let with = |name: &str, value: &str| verdict(Request::post("/").header("host", "a").header(name, value));
        assert_eq!(with("transfer-encoding", "chunked"), Ok("a".into()));
        assert_eq!(with("transfer-encoding", "gzip, chunked"), Err(400));
        assert_eq!(with("transfer-encoding", "cow"), Err(400));
        assert_eq!(with("expect", "100-continue"), Ok("a".into()));
        assert_eq!(with("expect", "tea"), Err(417));
    }
}
