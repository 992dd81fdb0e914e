//! Upgrades nobody notices: one process takes over from another while both answer.
//!
//! ```text
//! roost upgrade              the running process                       the new process
//!   │ upgrade <binary> ──────► Control                                     .
//!   │                          Successor::start ── sockets, arguments ───► opens everything
//!   │                          (goes on as before)                         │
//!   │                          . ◄─────────────── ready ── Predecessor::ready
//!   │                          . ──────────────── go ────────────────────► accepts, makes wishes true
//!   │ ◄────── serving <pid> ── drains; closes tenants; passes requests on ─► Heir answers them
//!   │                          │                                           │
//!   └ ◄───────────── (end) ── ends ────────── (end of the link) ─────────► begins jobs
//! ```
//!
//! Until *ready* everything may go wrong without anybody noticing. Whatever ends a process ends its side of the link,
//! so neither waits for one that was killed.

mod control;
mod heir;
mod link;
mod notify;
mod predecessor;
mod successor;

use std::time::Duration;

pub use control::{Control, TakenOver, ask};
pub use heir::{Heir, relay};
pub use notify::notify;
pub use predecessor::{Predecessor, tell_failure};
pub use successor::Successor;

/// How long a process that was taken over from lets what is in flight come to its end.
pub const GRACE: Duration = Duration::from_secs(30);
