//! Uploaded files.

mod upload;

pub use upload::Upload;

use crate::hooks::Hooks;

/// Registers the handlers that keep files and records together.
pub fn bind(_hooks: &mut Hooks) {}
