//! The proxy through real sockets: what clients see, and what upstreams see of them.

#![allow(unreachable_pub, reason = "nothing outside this program could reach anything")]

mod kit;
#[path = "../acme/kit/store.rs"]
#[allow(dead_code, reason = "shared with the tests of certificates, which use all of it")]
mod store;

mod access_log;
mod addresses;
mod bodies;
mod challenges;
mod drain;
mod headers;
mod hosts;
mod limits;
mod metrics;
mod pages;
mod patience;
mod sockets;
mod streams;
mod tls;
mod upstreams;
