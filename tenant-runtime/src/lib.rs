//! The tenant engine: a PocketBase-compatible backend over one SQLite file, alone or many in one host.

pub mod error;
pub mod rules;
pub mod schema;
pub mod store;

pub use error::{ApiError, Error, Result};
