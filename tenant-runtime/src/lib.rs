//! The tenant engine: a PocketBase-compatible backend over one SQLite file, alone or many in one host.

pub mod app;
pub mod auth;
pub mod error;
pub mod files;
pub mod hooks;
pub mod json;
pub mod records;
pub mod rules;
pub mod schema;
pub mod settings;
pub mod store;

pub use error::{ApiError, Error, Result};
