//! One request's way through the proxy, on one screen: [`forward`].
//!
//! The order matters. Nothing behind the proxy is asked, hence nothing wakes, before a request is well formed,
//! addressed to a route that is served, within its limits and - when it is short - here in full.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Instant;

use axum::body::Body;
use futures_util::FutureExt;
use http::header::{ACCEPT, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, LOCATION};
use http::uri::PathAndQuery;
use http::{HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use tokio::time::timeout;
use tower::ServiceExt;

use crate::answers::{self, Answer};
use crate::check::{self, Addressed};
use crate::client::Client;
use crate::connection::Connection;
use crate::download::Download;
use crate::exchange::Exchange;
use crate::limits::Limiter;
use crate::metrics::Limit;
use crate::routes::{Host, Route, State, Tls};
use crate::server::Edge;
use crate::tunnel::Tunnel;
use crate::upload::{Received, Upload};
use crate::{HttpService, challenge, headers};

/// Answers one request, whatever happens.
pub(crate) async fn answer(connection: Arc<Connection>, request: Request<Incoming>) -> Response<Download> {
    let client = connection.client(request.headers());
    let mut exchange = Exchange::begin(&connection, &client, &request);
    let accept = request.headers().get(ACCEPT).cloned();
    let version = request.version();
    let is_head = request.method() == Method::HEAD;
    let has_body = !http_body::Body::is_end_stream(request.body());

    let mut response = match forward(&connection, &client, request, &mut exchange).await {
        Ok(response) => response,
        Err(answer) => {
            if has_body {
                connection.linger.set();
            }
            let mut response = answer.respond(accept.as_ref()).map(Body::from);
            if version < Version::HTTP_2 && answer.leaves_request_unread() {
                close_after(&mut response);
            }
            response
        }
    };
    if version < Version::HTTP_2 && connection.edge.is_polite() {
        close_after(&mut response);
    }
    if let Some(quota) = exchange.quota() {
        response.headers_mut().insert(headers::X_ROOST_QUOTA, quota);
    }
    exchange.head(response.status());
    if is_head {
        exchange.complete();
    }
    let edge = &connection.edge;
    if is_event_stream(&response) {
        response.map(|body| Download::event_stream(body, exchange, edge.streams_end.clone()))
    } else {
        response.map(|body| Download::new(body, exchange, edge.options.timeouts.response_body_idle))
    }
}

/// Takes a request to its route's upstream and brings back the response, or says what is wrong with it.
async fn forward(
    connection: &Arc<Connection>,
    client: &Client,
    request: Request<Incoming>,
    exchange: &mut Exchange,
) -> Result<Response<Body>, Answer> {
    let edge = &connection.edge;
    let id = headers::request_id();
    exchange.note(|line| line.id = Some(id.clone()));
    let Addressed { host, authority } = check::check(&request)?;
    exchange.note(|line| line.host = Some(host.clone()));
    if request.uri().path() == "*" {
        return Ok(empty(StatusCode::NO_CONTENT));
    }
    if !connection.vouches_for(host.as_str()) {
        return Err(answers::WRONG_CERTIFICATE);
    }
    if let Some(token) = challenge::token(&request) {
        return challenge::answer(edge, client, request.method(), &host, token).await;
    }

    let table = edge.routes.borrow().clone();
    let entry = table.entry(&host).ok_or(answers::UNKNOWN_PROJECT)?;
    let route = &entry.route;
    let limiter = edge.limiters.of(entry);
    exchange.routed(route, limiter);
    exchange.note(|line| line.entry = Some(entry.clone()));
    match &route.state {
        State::Held(answer) => return Err(answer.clone()),
        State::Redirect(to) => return redirect(client.scheme(), to, port_of(&authority), request.uri()),
        State::Serving if route.tls != Tls::None && !client.is_secure => return to_https(edge, &host, &request),
        State::Serving => {
            check_pace(edge, client, limiter, route, exchange)?;
            exchange.metered(&route.meter, request.uri().path())?;
        }
    }

    let mut tunnel = Tunnel::wanted_by(&request);
    let (mut parts, incoming) = request.into_parts();
    parts.extensions.remove::<OnUpgrade>();

    let (body, received) = upload(connection, incoming, limiter, route.limits.body_bytes, exchange).await?;
    match &tunnel {
        Some(_) => exchange.enter_stream(limiter, route)?,
        None => exchange.enter_request(limiter, route)?,
    }

    let accept = parts.headers.get(ACCEPT).cloned();
    headers::stamp_request(&mut parts.headers, client, authority, id, &route.stamp);
    if tunnel.is_some() {
        headers::set_websocket(&mut parts.headers);
    }
    parts.uri = origin_form(parts.uri);
    parts.version = Version::HTTP_11;

    let asked = Instant::now();
    let called = call(edge, route, Request::from_parts(parts, body)).await;
    exchange.note(|line| line.upstream = Some(asked.elapsed()));
    if let Some(fault) = received.and_then(|received| received.fault()) {
        return Err(fault);
    }
    let mut response = called?;
    exchange.note(|line| line.waited = headers::waited(response.headers()));
    if response.headers().contains_key(headers::X_ROOST_CODE) && accept.as_ref().is_some_and(answers::prefers_html) {
        return Err(Answer::relayed(response).await);
    }
    headers::clean_response(response.headers_mut());
    if route.hsts && client.is_secure {
        headers::set_hsts(response.headers_mut());
    }
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        let tunnel = tunnel.take().ok_or(answers::NO_ANSWER)?;
        tunnel.open(edge, &mut response, exchange)?;
    } else if is_event_stream(&response) {
        exchange.enter_stream(limiter, route)?;
    } else {
        exchange.queues(size(&response))?;
    }
    Ok(response)
}

/// Counts a request against the paces of its client and of its route.
fn check_pace(
    edge: &Edge,
    client: &Client,
    limiter: &Limiter,
    route: &Route,
    exchange: &Exchange,
) -> Result<(), Answer> {
    if !edge.visitors.may_ask(client.address.into(), &route.id.0, edge.options.per_address.requests) {
        return Err(exchange.refuse(Limit::RequestsOfAddress, answers::RATE_LIMITED));
    }
    if !limiter.admits(&route.limits) {
        return Err(exchange.refuse(Limit::Rate, answers::RATE_LIMITED));
    }
    Ok(())
}

/// Asks the upstream. It may be late, fail or even panic: the client gets an answer and nobody else notices.
async fn call(edge: &Edge, route: &Route, request: Request<Body>) -> Result<Response<Body>, Answer> {
    let upstream: HttpService = route.upstream.clone();
    let called = AssertUnwindSafe(upstream.oneshot(request)).catch_unwind();
    match timeout(edge.options.timeouts.response_head, called).await {
        Ok(Ok(Ok(response))) => Ok(response),
        Ok(Ok(Err(cause))) => {
            tracing::warn!(route = %route.id, "the upstream has no answer: {cause}");
            Err(answers::NO_ANSWER)
        }
        Ok(Err(_panic)) => {
            tracing::error!(route = %route.id, "the upstream panicked");
            Err(answers::PANICKED)
        }
        Err(_elapsed) => {
            tracing::warn!(route = %route.id, "the upstream did not answer in time");
            Err(answers::LATE_ANSWER)
        }
    }
}

/// The request's body for the upstream, and what is known of it unless there is none.
async fn upload(
    connection: &Arc<Connection>,
    incoming: Incoming,
    limiter: &Arc<Limiter>,
    limit: u64,
    exchange: &mut Exchange,
) -> Result<(Body, Option<Arc<Received>>), Answer> {
    if http_body::Body::is_end_stream(&incoming) {
        return Ok((Body::empty(), None));
    }
    let received = Arc::new(Received::default());
    exchange.note(|line| line.received = Some(received.clone()));
    let upload = Upload::new(incoming, limit, connection.clone(), received.clone());
    Ok((upload.forwarded(limiter).await?, Some(received)))
}

/// What is known of how long a response is.
fn size(response: &Response<Body>) -> u64 {
    let said = response.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    said.unwrap_or_else(|| http_body::Body::size_hint(response.body()).lower())
}

fn is_event_stream(response: &Response<Body>) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    kind.is_some_and(|kind| kind.starts_with(b"text/event-stream"))
}

fn close_after(response: &mut Response<Body>) {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
}

/// The path alone: what names the host has been read, and stands in `host`.
fn origin_form(uri: Uri) -> Uri {
    if uri.authority().is_none() {
        return uri;
    }
    uri.into_parts().path_and_query.map(Uri::from).unwrap_or_default()
}

fn to_https<B>(edge: &Edge, host: &Host, request: &Request<B>) -> Result<Response<Body>, Answer> {
    // A body that came in the clear must not be sent again as if nothing had happened.
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Err(answers::PLAIN_HTTP);
    }
    redirect("https", host, edge.https_port.filter(|port| *port != 443), request.uri())
}

fn redirect(scheme: &str, host: &Host, port: Option<u16>, uri: &Uri) -> Result<Response<Body>, Answer> {
    let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let location = match port {
        Some(port) => format!("{scheme}://{host}:{port}{path}"),
        None => format!("{scheme}://{host}{path}"),
    };
    let mut response = empty(StatusCode::PERMANENT_REDIRECT);
    let location = HeaderValue::try_from(location).map_err(|_| answers::BAD_TARGET)?;
    response.headers_mut().insert(LOCATION, location);
    Ok(response)
}

fn port_of(authority: &HeaderValue) -> Option<u16> {
    authority.to_str().ok()?.rsplit_once(':')?.1.parse().ok()
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
