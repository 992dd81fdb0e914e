//! Why a command failed: a sentence for people, and beside it a stable word that scripts can rely on.

/// A failure that has a word of its own.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The word, such as `not_empty`.
    pub code: &'static str,
    message: String,
}

impl Failure {
    /// A failure with its word and its sentence.
    pub fn new(code: &'static str, message: impl Into<String>) -> Failure {
        Failure { code, message: message.into() }
    }
}
