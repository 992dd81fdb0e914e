//! Options that are little languages of their own: patterns, domains, sizes.

use super::Check;
use super::limits::{LARGEST, at_least, at_most};
use crate::error::FieldError;
use crate::records::pattern;
use crate::schema::field::TextOptions;

/// Compiles.
pub fn regex(pattern: &str) -> Check {
    match regex::Regex::new(pattern) {
        Ok(_) => Ok(()),
        Err(regex::Error::Syntax(_)) => {
            let reason = match regex_syntax::Parser::new().parse(pattern) {
                Err(regex_syntax::Error::Parse(error)) => error.kind().to_string(),
                Err(regex_syntax::Error::Translate(error)) => error.kind().to_string(),
                _ => "unsupported expression".to_owned(),
            };
            Err(FieldError::new("validation_invalid_regex", &format!("Error parsing regexp: {reason}: `{pattern}`")))
        }
        Err(error) => Err(FieldError::new("validation_invalid_regex", &error.to_string())),
    }
}

/// Texts made from the pattern must be values the field accepts.
pub fn autogenerate(options: &TextOptions) -> Check {
    const TRIALS: usize = 10;
    if options.autogenerate_pattern.is_empty() {
        return Ok(());
    }
    regex(&options.autogenerate_pattern)?;
    for _ in 0..TRIALS {
        let made = pattern::generate(&options.autogenerate_pattern)
            .map_err(|reason| FieldError::new("validation_invalid_autogenerate_pattern", &reason))?;
        let length = i64::try_from(made.chars().count()).unwrap_or(LARGEST);
        let most = if options.max == 0 { 5000 } else { options.max };
        let fits = at_least(length, options.min).and_then(|()| at_most(length, most)).is_ok()
            && (options.pattern.is_empty() || pattern::is_match(&options.pattern, &made));
        if !fits {
            let message =
                format!("The provided autogenerate pattern could produce invalid field values, ex.: {made:?}");
            return Err(FieldError::new("validation_invalid_autogenerate_pattern_value", &message));
        }
    }
    Ok(())
}

/// Dotted labels.
pub fn is_domain(text: &str) -> Check {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let top = text.rsplit('.').next().unwrap_or_default();
    if text.contains('.') && text.split('.').all(is_label) && top.len() > 1 {
        return Ok(());
    }
    Err(FieldError::new("validation_is_domain", "Must be a valid domain."))
}

/// `100x50`, `0x50`, with `t`, `b` or `f` at the end for another way to fit.
pub fn is_thumb_size(text: &str) -> Check {
    if matches!(text, "0x0" | "0x0t" | "0x0b" | "0x0f") {
        return Err(FieldError::new("validation_not_in_invalid", "Must not be in list."));
    }
    let is_number = |digits: &str| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let size = text.strip_suffix(['t', 'b', 'f']).unwrap_or(text);
    match size.split_once('x') {
        Some((width, height)) if is_number(width) && is_number(height) => Ok(()),
        _ => Err(FieldError::new("validation_match_invalid", "Must be in a valid format.")),
    }
}
