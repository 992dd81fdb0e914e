//! Realtime: clients hold a stream open, name topics, and hear of committed changes they are allowed to see.
//!
//! It is a handler of the same hooks users have: it looks at what was committed, asks one question per kind of listener,
//! renders once per kind, and puts bytes into bounded queues. Nobody's slowness reaches a writer.

mod broadcast;
mod broker;
mod client;
mod topic;

pub use broadcast::bind;
pub use broker::Broker;
pub use client::{Client, Message, Messages, State};
pub use topic::Topic;
