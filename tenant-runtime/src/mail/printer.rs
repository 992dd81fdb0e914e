//! Prints mails instead of sending them: for who tries things out without a mail server.

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;

use super::{Mail, MailError, Outbox};

/// Prints every mail on standard output.
pub struct Printer;

impl Outbox for Printer {
    fn take<'a>(&'a self, mail: &'a Mail) -> BoxFuture<'a, Result<(), MailError>> {
        println!("\nMail to {}: {}\n\n{}\n", mail.to, mail.subject, mail.text);
        async { Ok(()) }.boxed()
    }
}
