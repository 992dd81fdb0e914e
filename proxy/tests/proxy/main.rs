//! The proxy through real sockets: what clients see, and what upstreams see of them.

#![allow(unreachable_pub, reason = "nothing outside this program could reach anything")]

mod kit;

mod access_log;
mod bodies;
mod drain;
mod headers;
mod hosts;
mod limits;
mod patience;
mod sockets;
mod streams;
mod tls;
mod upstreams;
