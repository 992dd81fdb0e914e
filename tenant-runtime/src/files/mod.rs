//! Uploaded files: spooled while a request is read, stored beside the database before their record is.

mod content_type;
pub mod names;
mod spool;
mod upload;

use crate::hooks::Hooks;

pub use spool::spool;
pub use upload::Upload;

/// Registers the handlers that keep files and records together.
pub fn bind(_hooks: &mut Hooks) {}
