//! Accounts: who uses the console, and how they prove it.

pub mod api;
mod email;
pub mod hashing;
mod password;
pub mod store;
pub mod tickets;
pub mod tries;

use serde::Serialize;
use utoipa::ToSchema;

pub use email::Email;
pub use password::Password;

/// An account as the console shows it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// Stable.
    pub id: String,
    /// In lower case.
    pub email: String,
    /// What they want to be called; may be empty.
    pub name: String,
    /// Whether the address is proven.
    pub verified: bool,
    /// Whether they run this installation.
    pub operator: bool,
    /// Milliseconds since the epoch.
    pub created_ms: i64,
}
