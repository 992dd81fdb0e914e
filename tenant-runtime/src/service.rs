//! The one type where parts meet: anything that answers HTTP.

use axum::body::Body;
use http::{Request, Response};
use tower::util::BoxCloneSyncService;

/// Why a service gave no answer at all.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Anything that answers HTTP: a router in this process, a child behind a socket, or another machine.
pub type HttpService = BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>;
