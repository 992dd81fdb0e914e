//! The one type where parts meet: anything that answers HTTP.

use std::convert::Infallible;

use axum::body::Body;
use http::{Request, Response};
use tower::ServiceExt;
use tower::util::BoxCloneSyncService;

/// Why a service gave no answer at all.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Anything that answers HTTP: a router in this process, a child behind a socket, or another machine.
pub type HttpService = BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>;

/// A router as the type where parts meet.
pub fn boxed(router: axum::Router) -> HttpService {
    let service = ServiceExt::<Request<Body>>::map_err(router, |never: Infallible| match never {});
    HttpService::new(service)
}
