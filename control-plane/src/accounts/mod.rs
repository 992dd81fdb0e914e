//! Accounts: who uses the console, and how they prove it.

mod api;
mod device;
mod email;
mod erase;
mod exports;
#[cfg(test)]
mod guessing;
pub mod hashing;
mod password;
pub mod providers;
pub mod second_factor;
pub mod sessions;
mod sign_in;
pub mod store;
mod take_over;
pub mod tickets;
pub mod tokens;
pub mod tries;
pub mod unverified;

use serde::Serialize;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use crate::state::Platform;

pub use email::Email;
pub use password::Password;
pub use take_over::take_over;

/// The routes.
pub fn routes() -> OpenApiRouter<Platform> {
    api::routes()
        .merge(sign_in::routes())
        .merge(erase::routes())
        .merge(exports::routes())
        .merge(providers::api::routes())
        .merge(tokens::routes())
        .merge(second_factor::api::routes())
}

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
    /// Whether a code from a device is asked for beside the password.
    pub second_factor: bool,
    /// Whether there is a password; without one they sign in with a provider.
    pub has_password: bool,
    /// Milliseconds since the epoch.
    pub created_ms: i64,
}
