//! Roost's edge: a proxy that is a function of a route table.
//!
//! It knows hostnames, certificates and services, and nothing of tenants, sleep, plans or a database. Whoever
//! decides where names lead puts a new [`routes::RouteTable`] into a watched channel; every request is answered by
//! the table that stands there at that moment. What answers behind a route is an [`HttpService`]: a router in
//! this process, a child behind a Unix socket or another machine - the proxy cannot tell.
//!
//! One request's way is written down in `forward`; one connection's in `connection`; what the proxy says itself
//! in [`answers`].

pub mod acme;
pub mod certificates;
pub mod exposition;
pub mod meter;
pub mod routes;

mod server;
mod sockets;

mod client;
mod connection;
mod preamble;
mod socket;
mod tls;

mod challenge;
mod check;
mod forward;
mod headers;
mod limits;
mod visitors;

mod download;
mod exchange;
mod tunnel;
mod upload;

pub mod answers;
pub mod upstream;

#[cfg(feature = "fuzzing")]
pub mod fuzzing;

mod access_log;
mod alarm;
mod metrics;
mod options;

use axum::body::Body;
use http::{Request, Response};
use tower::util::BoxCloneSyncService;

pub use options::{Bounds, Drain, MoreNumbers, Options, PerAddress, Timeouts};
pub use server::{Addresses, Proxy};
pub use sockets::Sockets;

/// What an [`HttpService`] fails with when it has no answer at all; the client then gets a 502.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Anything that answers HTTP: a router in this process, a child, or another machine.
pub type HttpService = BoxCloneSyncService<Request<Body>, Response<Body>, BoxError>;
