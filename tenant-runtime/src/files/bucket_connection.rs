//! Lets the client of object stores speak through [`Outbound`], so that no bucket leads to a private address.

use futures_util::future::BoxFuture;
use http_body_util::BodyExt as _;
use object_store::ClientOptions;
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpResponseBody, HttpService,
};
use url::Url;

use crate::outbound::{Outbound, OutboundError};

/// Hands out the guarded way out, whatever the options say.
#[derive(Debug)]
pub(super) struct GuardedConnector(Outbound);

#[derive(Debug)]
struct GuardedConnection(Outbound);

impl GuardedConnector {
    pub(super) fn new(outbound: &Outbound) -> GuardedConnector {
        GuardedConnector(outbound.clone())
    }
}

impl HttpConnector for GuardedConnector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(GuardedConnection(self.0.clone())))
    }
}

impl HttpService for GuardedConnection {
    // Written as `async_trait` would write it.
    fn call<'s, 'f>(&'s self, request: HttpRequest) -> BoxFuture<'f, Result<HttpResponse, HttpError>>
    where
        's: 'f,
        Self: 'f,
    {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let url =
                Url::parse(&parts.uri.to_string()).map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
            let mut outgoing = reqwest::Request::new(parts.method, url);
            *outgoing.headers_mut() = parts.headers;
            *outgoing.body_mut() = Some(match body.as_bytes() {
                Some(bytes) => bytes.clone().into(),
                None => reqwest::Body::wrap(body),
            });
            let answer = self.0.send(outgoing).await.map_err(to_http_error)?;
            let (parts, body) = http::Response::<reqwest::Body>::from(answer).into_parts();
            let body = body.map_err(|error| to_http_error(OutboundError::Failed(error.without_url())));
            Ok(HttpResponse::from_parts(parts, HttpResponseBody::new(body)))
        })
    }
}

/// Tells what may be tried again from what may not.
fn to_http_error(error: OutboundError) -> HttpError {
    let kind = match &error {
        OutboundError::Refused(_) => HttpErrorKind::Unknown,
        OutboundError::Failed(cause) if cause.is_timeout() => HttpErrorKind::Timeout,
        OutboundError::Failed(cause) if cause.is_connect() => HttpErrorKind::Connect,
        OutboundError::Failed(cause) if cause.is_decode() => HttpErrorKind::Decode,
        OutboundError::Failed(_) => HttpErrorKind::Interrupted,
    };
    HttpError::new(kind, error)
}
