//! Where certificate authorities ask: a path on every host that no project ever sees. Who could answer there could get a
//! certificate for the name.

use axum::body::Body;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Request, Response};

use crate::answers::{self, Answer};
use crate::client::Client;
use crate::routes::Host;
use crate::server::Edge;

const PATH: &str = "/.well-known/acme-challenge/";

/// How often an authority asks from one address, generously.
const PER_SECOND: u32 = 20;

/// What an authority asks for, if the request is such a question.
pub(crate) fn token<B>(request: &Request<B>) -> Option<&str> {
    request.uri().path().strip_prefix(PATH)
}

/// The answer, if one was put down.
pub(crate) async fn answer(
    edge: &Edge,
    client: &Client,
    method: &Method,
    host: &Host,
    token: &str,
) -> Result<Response<Body>, Answer> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        return Err(answers::NO_CHALLENGE);
    }
    // Every question costs a look into the database, so none may ask often.
    if !edge.visitors.may_ask(client.address.into(), PATH, PER_SECOND) {
        return Err(answers::RATE_LIMITED);
    }
    let acme = edge.acme.as_ref().ok_or(answers::NO_CHALLENGE)?;
    let found = acme.http_answer(host.as_str(), token).await.ok_or(answers::NO_CHALLENGE)?;
    let mut response = Response::new(Body::from(found));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}
