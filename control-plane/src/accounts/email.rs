//! A mail address, checked once and kept in lower case.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

/// A mail address in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Email {
    type Err = Error;

    fn from_str(text: &str) -> Result<Email, Error> {
        let text = text.trim();
        let invalid = || Error::field("email", "invalid_email", "Please enter a mail address such as you@example.com.");
        let address: lettre::Address = text.parse().map_err(|_| invalid())?;
        if text.len() > 254 || !address.domain().contains('.') || address.domain().starts_with('[') {
            return Err(invalid());
        }
        Ok(Email(text.to_lowercase()))
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_checked_and_lowered() {
        assert_eq!(" You@Example.com ".parse::<Email>().expect("fits").as_str(), "you@example.com");
        for bad in ["", "you", "you@localhost", "a b@example.com", "you@[127.0.0.1]", "you@example.com\nBcc: x@y.z"] {
            assert!(bad.parse::<Email>().is_err(), "{bad:?}");
        }
    }
}
