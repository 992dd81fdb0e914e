//! The tenant engine: a PocketBase-compatible backend over one SQLite file, alone or many in one host.

pub mod app;
pub mod auth;
pub mod backups;
pub mod cli;
pub mod client_address;
pub mod collections;
pub mod cron;
pub mod error;
pub mod files;
pub mod hooks;
pub mod host;
pub mod http;
pub mod json;
pub mod logs;
pub mod mail;
pub mod meter;
pub mod migrations;
pub mod outbound;
pub mod rate_limit;
pub mod realtime;
pub mod records;
pub mod rules;
pub mod schema;
pub mod server;
pub mod service;
pub mod settings;
pub mod sql;
pub mod store;
pub mod superusers;
mod unread;

pub use client_address::ClientAddress;
pub use error::{ApiError, Error, Result};
pub use records::pattern::{random_id, random_key};
pub use service::{BoxError, HttpService};
pub use store::lower_priority_of_this_thread;
