//! Mail to the people of a backend: made from templates, sent through the tenant's own server or, without one, through
//! whatever the platform offers.
//!
//! Nothing here runs inside a transaction, and what nobody waits for is sent after the answer.

mod layout;
mod mailer;
mod message;
mod plain;
mod printer;
mod smtp;
pub mod template;

use futures_util::future::BoxFuture;

pub use mailer::Mailer;
pub use printer::Printer;

/// A mail, complete.
#[derive(Clone, Debug, PartialEq)]
pub struct Mail {
    /// Who sends it, as people read it.
    pub from_name: String,
    /// Who sends it.
    pub from_address: String,
    /// The one who gets it.
    pub to: String,
    /// One line.
    pub subject: String,
    /// A whole page.
    pub html: String,
    /// The same without markup.
    pub text: String,
}

/// Takes mail of a backend that has no server of its own: the platform, which may count what each sends.
pub trait Outbox: Send + Sync {
    /// Takes over a mail. When it answers well, the mail is on its way.
    fn take<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>>;
}

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// There is no server to send it through.
    #[error("no mail server is configured")]
    NoServer,
    /// An address cannot be written to, or written from.
    #[error("`{0}` is no mail address")]
    Address(String),
    /// The server's address is not one a tenant may reach.
    #[error("the mail server's address is not allowed")]
    Forbidden,
    /// Name and password would travel in the open.
    #[error("the mail server offers no encryption, and the password is not sent without")]
    InTheOpen,
    /// The server took too long.
    #[error("the mail server did not answer in time")]
    TooSlow,
    /// More mails wait than will be taken on.
    #[error("too many mails are waiting")]
    TooMany,
    /// The conversation failed.
    #[error("{0}")]
    Failed(String),
}
