//! A new password, checked once. Length is what counts; only what everybody tries first is refused.

use std::fmt;
use std::str::FromStr;

use crate::error::Error;

const SHORTEST: usize = 10;
const LONGEST_BYTES: usize = 200;
/// What is long enough but tried first.
const COMMON: &[&str] = &[
    "0123456789",
    "1111111111",
    "1234567890",
    "12345678910",
    "1234567891",
    "123456789a",
    "1q2w3e4r5t",
    "1qaz2wsx3edc",
    "abcdefghij",
    "administrator",
    "changeme123",
    "helloworld",
    "iloveyou123",
    "letmein123",
    "passw0rd123",
    "password10",
    "password11",
    "password12",
    "password123",
    "password1234",
    "password12345",
    "q1w2e3r4t5",
    "qwerty1234",
    "qwerty12345",
    "qwertyuiop",
    "qwertyuiop123",
    "welcome123",
    "zaq12wsxcde",
];

/// A password good enough to be set.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// The plain text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Password {
    type Err = Error;

    fn from_str(text: &str) -> Result<Password, Error> {
        if text.chars().count() < SHORTEST {
            let message = format!("Please use at least {SHORTEST} characters.");
            return Err(Error::field("password", "password_too_short", message));
        }
        if text.len() > LONGEST_BYTES {
            let message = format!("Please use at most {LONGEST_BYTES} characters.");
            return Err(Error::field("password", "password_too_long", message));
        }
        let lower = text.to_lowercase();
        let one_character = lower.chars().all(|c| lower.starts_with(c));
        if one_character || COMMON.contains(&lower.as_str()) {
            let message = "This one is among the first anybody would try. Please choose another.";
            return Err(Error::field("password", "password_too_common", message));
        }
        Ok(Password(text.to_owned()))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn length_counts_and_the_obvious_is_refused() {
        assert!("a quiet place to sit".parse::<Password>().is_ok());
        for bad in ["short", "password123", "PassWord123", "aaaaaaaaaaaa", &"x".repeat(201)] {
            assert!(bad.parse::<Password>().is_err(), "{bad}");
        }
    }

    #[test]
    fn it_is_never_printed() {
        let password: Password = "a quiet place to sit".parse().expect("fits");
        assert_eq!(format!("{password:?}"), "Password(…)");
    }
}
