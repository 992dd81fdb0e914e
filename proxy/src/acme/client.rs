//! How an authority is spoken to: every request has an end, and what a refusal says about the time is not lost.
//!
//! An authority that asks to be left alone is: until the time it named, no request leaves, whoever makes it.

use std::error::Error as StdError;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use chrono::DateTime;
use http::header::RETRY_AFTER;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient, Problem};

use super::{Clock, Issuer};
use crate::BoxError;

/// More than any chain or directory.
const ANSWER_BYTES: usize = 1024 * 1024;

/// How long to stay away from an authority that refuses without saying for how long.
const UNSAID: Duration = Duration::from_secs(60 * 60);

/// The line to one authority. Clones are the same line.
#[derive(Clone)]
pub(super) struct Line {
    http: reqwest::Client,
    clock: Clock,
    state: Arc<LineState>,
}

#[derive(Default)]
struct LineState {
    closed_until_ms: AtomicI64,
    requests: AtomicU64,
}

/// Why a request brought no answer one could work with.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// It was not sent.
    #[error("the authority is left alone for a while")]
    Closed { until_ms: i64 },
    /// Too many of something.
    #[error("{words}")]
    Limited { words: String, until_ms: i64 },
    /// Nobody there, or nobody well.
    #[error("{0}")]
    Down(String),
}

impl Line {
    pub(super) fn to(issuer: &Issuer, clock: Clock, patience: Duration) -> Result<Self, BoxError> {
        let mut builder = reqwest::Client::builder().timeout(patience).redirect(reqwest::redirect::Policy::none());
        if let Some(pem) = &issuer.root_pem {
            builder = builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(pem.as_bytes())?);
        }
        Ok(Line { http: builder.build()?, clock, state: Arc::default() })
    }

    /// Until when nothing may be asked; `None` if something may.
    pub(super) fn closed_until(&self) -> Option<i64> {
        let until = self.state.closed_until_ms.load(Relaxed);
        (until > (self.clock)()).then_some(until)
    }

    /// Leaves the authority alone until then.
    pub(super) fn close(&self, until_ms: i64) {
        self.state.closed_until_ms.fetch_max(until_ms, Relaxed);
    }

    /// How many requests were sent.
    pub(super) fn requests(&self) -> u64 {
        self.state.requests.load(Relaxed)
    }

    async fn send(self, request: Request<BodyWrapper<Bytes>>) -> Result<BytesResponse, Trouble> {
        if let Some(until_ms) = self.closed_until() {
            return Err(Trouble::Closed { until_ms });
        }
        let (parts, body) = request.into_parts();
        let Ok(body) = body.collect().await;
        let request = Request::from_parts(parts, body.to_bytes());
        let request = reqwest::Request::try_from(request).map_err(|cause| Trouble::Down(chain(&cause)))?;

        self.state.requests.fetch_add(1, Relaxed);
        let response = self.http.execute(request).await.map_err(|cause| Trouble::Down(chain(&cause)))?;
        let (parts, body) = http::Response::<reqwest::Body>::from(response).into_parts();
        let body = Limited::new(body, ANSWER_BYTES).collect().await;
        let body = body.map_err(|cause| Trouble::Down(chain(&*cause)))?.to_bytes();

        let until_ms = self.retry_after(&parts.headers);
        if parts.status == StatusCode::TOO_MANY_REQUESTS {
            let until_ms = until_ms.unwrap_or_else(|| (self.clock)() + super::options::ms(UNSAID));
            return Err(Trouble::Limited { words: words(parts.status, &body), until_ms });
        }
        if parts.status.is_server_error() {
            until_ms.into_iter().for_each(|until_ms| self.close(until_ms));
            return Err(Trouble::Down(words(parts.status, &body)));
        }
        Ok(BytesResponse::from(Response::from_parts(parts, Full::new(body))))
    }

    /// The time a response asks to be left alone until, by our clock.
    fn retry_after(&self, headers: &HeaderMap) -> Option<i64> {
        let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = text.parse::<u32>() {
            return Some((self.clock)() + i64::from(seconds) * 1000);
        }
        DateTime::parse_from_rfc2822(text).ok().map(|date| date.timestamp_millis())
    }
}

impl HttpClient for Line {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let sent = self.clone().send(request);
        Box::pin(async { sent.await.map_err(|trouble| Error::Other(trouble.into())) })
    }
}

/// What the body of a refusal says.
fn words(status: StatusCode, body: &[u8]) -> String {
    let problem = serde_json::from_slice::<Problem>(body).ok();
    problem.and_then(|problem| problem.detail).unwrap_or_else(|| format!("the authority answered {status}"))
}

/// An error with its causes.
fn chain(error: &dyn StdError) -> String {
    let mut words = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        words += &format!(": {cause}");
        next = cause.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_to_come_back_is_read_in_seconds_or_as_a_date() {
        let issuer = Issuer {
            name: "one".into(),
            directory: "https://authority.example/".into(),
            root_pem: None,
            profile: None,
            external_account: None,
        };
        let line = Line::to(&issuer, Arc::new(|| 1_000), Duration::from_secs(1)).expect("a line");
        let read = |text: &'static str| {
            line.retry_after(&HeaderMap::from_iter([(RETRY_AFTER, http::HeaderValue::from_static(text))]))
        };
        assert_eq!(read("120"), Some(121_000));
        assert_eq!(read("Sun, 06 Nov 1994 08:49:37 GMT"), Some(784_111_777_000));
        assert_eq!(read("soon"), None);
        assert_eq!(line.retry_after(&HeaderMap::new()), None);
    }

    #[test]
    fn a_refusal_is_told_in_its_own_words() {
        let told = |body: &str| words(StatusCode::SERVICE_UNAVAILABLE, body.as_bytes());
        assert_eq!(told(r#"{"type": "x", "detail": "too busy"}"#), "too busy");
        assert_eq!(told("<html>"), "the authority answered 503 Service Unavailable");
    }
}
