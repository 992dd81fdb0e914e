//! Every answer of the proxy's own: PocketBase's envelope, or a small page for people in a browser.
//!
//! Clients speak to a project through an SDK that expects `{"data", "message", "status"}` from everything at that
//! address. What a program may act on is the stable code in `data.code`.

use std::borrow::Cow;
use std::fmt::Write;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};

use crate::headers::X_ROOST_CODE;

/// A refusal: what the proxy says where no upstream is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    status: StatusCode,
    code: Cow<'static, str>,
    message: Cow<'static, str>,
    retry_after: Option<Duration>,
}

impl Answer {
    /// An answer with a stable code (`suspended`) and a sentence for people.
    pub fn new(status: StatusCode, code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Answer { status, code: code.into(), message: message.into(), retry_after: None }
    }

    /// Says when it is worth trying again; in whole seconds, at least one.
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Its status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its stable code.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// Whether it is given before the request was read to its end, so that nothing can follow on the connection.
    pub(crate) fn leaves_request_unread(&self) -> bool {
        matches!(self.status.as_u16(), 400 | 408 | 413 | 417 | 431)
    }

    /// What an upstream refused with, to be said again as a page.
    pub(crate) async fn relayed(response: Response<Body>) -> Self {
        let (head, body) = response.into_parts();
        let header = |name| head.headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        let body = axum::body::to_bytes(body, LONGEST_ENVELOPE).await.unwrap_or_default();
        let envelope: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        let message = envelope["message"].as_str().unwrap_or("The project cannot answer just now.").to_owned();
        let answer = Answer::new(head.status, header(X_ROOST_CODE).unwrap_or("internal").to_owned(), message);
        match header(RETRY_AFTER).and_then(|seconds| seconds.parse().ok()) {
            Some(seconds) => answer.retry_after(Duration::from_secs(seconds)),
            None => answer,
        }
    }

    /// The response for a client that accepts this.
    pub(crate) fn respond(&self, accept: Option<&HeaderValue>) -> Response<Bytes> {
        let (kind, text) = if accept.is_some_and(prefers_html) {
            ("text/html; charset=utf-8", self.page())
        } else {
            ("application/json", self.envelope())
        };
        let mut response = Response::new(Bytes::from(text));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = self.retry_after {
            headers.insert(RETRY_AFTER, whole_seconds(wait).into());
        }
        response
    }

    fn envelope(&self) -> String {
        serde_json::json!({
            "data": { "code": self.code },
            "message": self.message,
            "status": self.status.as_u16(),
        })
        .to_string()
    }

    fn page(&self) -> String {
        let title = escape(self.status.canonical_reason().unwrap_or("Error"));
        let message = escape(&self.message);
        let status = self.status.as_u16();
        // What passes by itself is looked at again by itself.
        let (again, hint) = match self.retry_after.map(whole_seconds) {
            Some(seconds) => {
                (format!("<meta http-equiv=\"refresh\" content=\"{seconds}\">\n"), "This page tries again by itself. ")
            }
            None => (String::new(), ""),
        };
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             {again}<title>{title}</title>\n\
             <style>:root {{ color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif }} \
             body {{ max-width: 32rem; margin: 20vh auto; padding: 0 1rem }}</style>\n\
             <h1>{message}</h1>\n<p>{hint}<small>{status} {title}</small></p>\n</html>\n"
        )
    }
}

/// The longest envelope an upstream's refusal comes in.
const LONGEST_ENVELOPE: usize = 16 * 1024;

fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs().max(1)
}

/// Whether the client is a browser showing a page: it names `text/html`, and before any JSON.
pub(crate) fn prefers_html(accept: &HeaderValue) -> bool {
    let accept = accept.to_str().unwrap_or_default();
    let kinds = accept.split(',').map(|part| part.split(';').next().unwrap_or_default().trim());
    kinds.take_while(|kind| *kind != "application/json").any(|kind| kind == "text/html")
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '<' | '>' | '&' | '"' | '\'' => {
                let _ = write!(escaped, "&#{};", u32::from(character));
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

macro_rules! answers {
    ($($(#[$doc:meta])* $name:ident = $status:ident, $code:literal, $message:literal $(, after $seconds:literal)?;)*) => {
        $($(#[$doc])*
        pub(crate) const $name: Answer = Answer {
            status: StatusCode::$status,
            code: Cow::Borrowed($code),
            message: Cow::Borrowed($message),
            retry_after: answers!(@wait $($seconds)?),
        };)*
    };
    (@wait) => { None };
    (@wait $seconds:literal) => { Some(Duration::from_secs($seconds)) };
}

answers! {
    BAD_HOST = BAD_REQUEST, "invalid_host", "The request does not name one valid host.";
    BAD_METHOD = BAD_REQUEST, "invalid_method", "The request's method is not spelled as methods are.";
    BAD_TARGET = BAD_REQUEST, "invalid_target", "The request's target is not a path on this host.";
    BAD_FRAMING = BAD_REQUEST, "invalid_framing", "The request's body is framed in a way that is not supported.";
    BAD_BODY = BAD_REQUEST, "invalid_body", "The request's body ended early or was malformed.";
    PLAIN_HTTP = BAD_REQUEST, "https_required", "This address is only served over HTTPS.";
    UNKNOWN_PROJECT = NOT_FOUND, "unknown_project", "There is no project at this address.";
    NO_CHALLENGE = NOT_FOUND, "no_challenge", "No certificate authority was told to ask this.";
    SLOW_BODY = REQUEST_TIMEOUT, "slow_body", "The request's body took too long to arrive.";
    BODY_TOO_LARGE = PAYLOAD_TOO_LARGE, "body_too_large", "The request's body is too large.";
    TOO_MANY_HEADERS = REQUEST_HEADER_FIELDS_TOO_LARGE, "too_many_headers", "The request has too many headers.";
    BAD_EXPECTATION = EXPECTATION_FAILED, "invalid_expectation", "The only expectation supported is 100-continue.";
    WRONG_CERTIFICATE = MISDIRECTED_REQUEST, "wrong_certificate", "This connection's certificate does not cover the requested host.";
    RATE_LIMITED = TOO_MANY_REQUESTS, "rate_limited", "Too many requests. Try again in a moment.", after 1;
    TOO_MANY_CONNECTIONS = TOO_MANY_REQUESTS, "too_many_connections", "Too many connections are open to this project.", after 5;
    PANICKED = INTERNAL_SERVER_ERROR, "internal", "Something went wrong while answering the request.";
    NO_ANSWER = BAD_GATEWAY, "no_answer", "The project could not be reached.";
    BUSY = SERVICE_UNAVAILABLE, "busy", "Too many requests are in flight. Try again in a moment.", after 1;
    LATE_ANSWER = GATEWAY_TIMEOUT, "late_answer", "The project did not answer in time.";
}
