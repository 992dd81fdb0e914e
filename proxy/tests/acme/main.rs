//! Certificates by themselves, seen from outside: what visitors get, and what authorities are asked.

#![allow(unreachable_pub, reason = "nothing outside this program could reach anything")]

#[path = "../proxy/kit.rs"]
#[allow(dead_code, reason = "shared with the tests of the proxy itself, which use all of it")]
mod edge;
mod kit;

mod handshakes;
mod many;
mod processes;
mod refusals;
mod renewals;
mod ways;
