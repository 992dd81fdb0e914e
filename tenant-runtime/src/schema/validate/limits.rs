//! The checks many options share.

use serde_json::Value as Json;

use super::Check;
use crate::error::FieldError;

/// The largest whole number every JSON reader gets right.
pub const LARGEST: i64 = (1 << 53) - 1;

/// Required, and of so many bytes.
pub fn length(text: &str, least: usize, most: usize) -> Check {
    if text.is_empty() {
        return Err(FieldError::required());
    }
    if text.len() < least || text.len() > most {
        let message = format!("The length must be between {least} and {most}.");
        let error = FieldError::new("validation_length_out_of_range", &message);
        return Err(error.with("max", most).with("min", least));
    }
    Ok(())
}

/// Required, and of exactly so many bytes.
pub fn exactly(text: &str, bytes: usize) -> Check {
    required(text)?;
    if text.len() == bytes {
        return Ok(());
    }
    let error = FieldError::new("validation_length_invalid", &format!("The length must be exactly {bytes}."));
    Err(error.with("max", bytes).with("min", bytes))
}

/// Of at most so many bytes.
pub fn no_longer(text: &str, most: usize) -> Check {
    if text.len() <= most {
        return Ok(());
    }
    let message = format!("The length must be no more than {most}.");
    Err(FieldError::new("validation_length_too_long", &message).with("max", most).with("min", 0))
}

/// Letters, digits and underscores.
pub fn matches_word(text: &str) -> Check {
    if text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Ok(());
    }
    Err(FieldError::new("validation_match_invalid", "Must be in a valid format."))
}

/// Not below.
pub fn at_least(value: i64, least: i64) -> Check {
    if value >= least {
        return Ok(());
    }
    let message = format!("Must be no less than {least}.");
    Err(FieldError::new("validation_min_greater_equal_than_required", &message).with("threshold", least))
}

/// Not above.
pub fn at_most(value: i64, most: i64) -> Check {
    if value <= most {
        return Ok(());
    }
    let message = format!("Must be no greater than {most}.");
    Err(FieldError::new("validation_max_less_equal_than_required", &message).with("threshold", most))
}

/// Between the two.
pub fn within(value: i64, least: i64, most: i64) -> Check {
    at_least(value, least).and_then(|()| at_most(value, most))
}

/// Not zero, and between the two.
pub fn required_within(value: i64, least: i64, most: i64) -> Check {
    if value == 0 { Err(FieldError::required()) } else { within(value, least, most) }
}

/// Not empty.
pub fn required(text: &str) -> Check {
    if text.is_empty() { Err(FieldError::required()) } else { Ok(()) }
}

/// A sentence about one field, whose name it contains.
pub fn about_field(code: &str, message: &str, name: &str) -> FieldError {
    FieldError::new(code, message).with("fieldName", Json::from(name))
}
