//! Who is asking, and how they prove it.

mod caller;
pub mod oauth2;
mod password;
pub mod records;
pub mod references;
mod tokens;

pub use caller::Caller;
pub use password::{Hasher, TenantHasher, hash};
pub use tokens::{authenticate, authenticate_file_token, issue, issue_static};
