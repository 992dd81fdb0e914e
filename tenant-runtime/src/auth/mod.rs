//! Who is asking, and how they prove it.

mod accounts;
pub mod alerts;
mod caller;
pub mod email_change;
mod mails;
pub mod mfa;
pub mod oauth2;
pub mod otp;
mod password;
pub mod password_reset;
pub mod records;
pub mod references;
mod throttle;
mod tokens;
pub mod verification;

pub use accounts::{RANDOM_PASSWORD, by_email, by_identity};
pub use caller::Caller;
pub use mails::Occasion;
pub use password::{Hasher, TenantHasher, hash};
pub use throttle::Throttle;
pub use tokens::{authenticate, authenticate_file_token, issue, issue_static};

/// How somebody proved who they are. The second factor must be another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the wire's")]
pub enum Method {
    Password,
    OAuth2,
    Otp,
}

impl Method {
    /// The name as `_mfas` stores it.
    pub fn name(self) -> &'static str {
        match self {
            Method::Password => "password",
            Method::OAuth2 => "oauth2",
            Method::Otp => "otp",
        }
    }
}
