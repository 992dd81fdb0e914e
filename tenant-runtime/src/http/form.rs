//! Bodies of a few fixed fields, checked in the words of stock servers.

use serde_json::{Map, Value as Json};

use crate::error::{ApiError, Error, FieldError, Problems, Result};
use crate::records::pattern;
use crate::records::value::cast_text;
use crate::schema::validate::{Check, limits};

const INVALID: &str = "An error occurred while validating the submitted data.";
pub(super) const MOST_BYTES: usize = 255;

/// A body whose fields are checked one after the other and refused together.
pub(super) struct Form<'a> {
    values: &'a Map<String, Json>,
    problems: Problems,
}

impl<'a> Form<'a> {
    pub(super) fn new(values: &'a Map<String, Json>) -> Form<'a> {
        Form { values, problems: Problems::new() }
    }

    /// A field, checked or not.
    pub(super) fn text(&self, key: &str) -> String {
        self.values.get(key).map(cast_text).unwrap_or_default()
    }

    /// A field that must be there.
    pub(super) fn required(&mut self, key: &str) -> String {
        let text = self.text(key);
        self.note(key, limits::required(&text));
        text
    }

    /// A field of so many bytes.
    pub(super) fn sized(&mut self, key: &str, least: usize, most: usize) -> String {
        let text = self.text(key);
        self.note(key, limits::length(&text, least, most));
        text
    }

    /// A mail address.
    pub(super) fn email(&mut self, key: &str) -> String {
        let text = self.sized(key, 1, MOST_BYTES);
        if !pattern::is_email(&text) {
            self.problems.add(key, FieldError::new("validation_is_email", "Must be a valid email address."));
        }
        text
    }

    /// Notes what is wrong with a field; only the first counts.
    pub(super) fn note(&mut self, key: &str, check: Check) {
        if let Err(error) = check {
            self.problems.add(key, error);
        }
    }

    /// 400 with all that is wrong.
    pub(super) fn finish(self) -> Result<()> {
        self.finish_as(INVALID)
    }

    /// The same with a sentence of the endpoint's own.
    pub(super) fn finish_as(self, sentence: &str) -> Result<()> {
        self.problems.into_result().map_err(|error| error.or_bad_request(sentence))
    }
}

/// Wraps field errors in the sentence of forms.
pub(super) fn invalid(error: Error) -> Error {
    match error {
        Error::Invalid(problems) => ApiError::bad_request(INVALID).with_problems(&problems).into(),
        error => error,
    }
}
