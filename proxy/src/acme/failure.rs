//! What it means that an authority gave no certificate, whichever way it said so.

use instant_acme::{Error, Problem};

use super::client::Trouble;
use crate::BoxError;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The authority said no, in these words.
    #[error("{words}")]
    Refused {
        /// What it said.
        words: String,
        /// Whether it is about the authority and us, and not about the name.
        mendable: bool,
    },
    /// Too many of something.
    #[error("{words}")]
    Limited {
        /// What it said.
        words: String,
        /// Not before then.
        until_ms: i64,
    },
    /// The authority cannot be reached, or is not well.
    #[error("{0}")]
    Outage(String),
    /// The order stands, but its certificate is not there yet.
    #[error("the authority has not finished the order in time")]
    Unfinished,
    /// Something here failed.
    #[error("{0}")]
    Ours(BoxError),
}

impl Failure {
    /// An authority that is left alone for now.
    pub(super) fn closed(until_ms: i64) -> Failure {
        Failure::Limited { words: Trouble::Closed { until_ms }.to_string(), until_ms }
    }

    /// The same, known to be about our account.
    pub(super) fn about_us(self) -> Failure {
        match self {
            Failure::Refused { words, .. } => Failure::Refused { words, mendable: true },
            other => other,
        }
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Api(problem) => Failure::from(&problem),
            Error::Timeout(_) => Failure::Unfinished,
            Error::Crypto | Error::KeyRejected => Failure::Ours(error.into()),
            Error::Other(cause) => match cause.downcast::<Trouble>().map(|trouble| *trouble) {
                Ok(Trouble::Down(words)) => Failure::Outage(words),
                Ok(Trouble::Limited { words, until_ms }) => Failure::Limited { words, until_ms },
                Ok(Trouble::Closed { until_ms }) => Failure::closed(until_ms),
                Err(cause) => Failure::Outage(cause.to_string()),
            },
            other => Failure::Outage(other.to_string()),
        }
    }
}

/// A problem document as a failure. These types are about what this authority may do, not about who has the name.
impl From<&Problem> for Failure {
    fn from(problem: &Problem) -> Self {
        let kinds = problem.subproblems.iter().map(|part| &part.r#type).chain([&problem.r#type]);
        let kinds: Vec<&str> =
            kinds.flatten().map(|kind| kind.strip_prefix("urn:ietf:params:acme:error:").unwrap_or(kind)).collect();
        let details = problem.subproblems.iter().map(|part| &part.detail);
        let details: Vec<&str> = [&problem.detail].into_iter().chain(details).flatten().map(String::as_str).collect();
        let words = if details.is_empty() { kinds.join(", ") } else { details.join("; ") };
        if kinds.contains(&"serverInternal") {
            return Failure::Outage(words);
        }
        let mendable =
            ["caa", "rejectedIdentifier", "unsupportedIdentifier", "accountDoesNotExist", "unauthorizedAccount"];
        Failure::Refused { words, mendable: kinds.iter().any(|kind| mendable.contains(kind)) }
    }
}
