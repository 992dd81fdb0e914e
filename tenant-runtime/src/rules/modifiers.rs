//! What may follow a name after a colon, and what it does to stored columns.

use super::ParseError;

/// A modifier of the last segment of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Modifier {
    /// Whether the request brought the key.
    IsSet,
    /// Whether the request changes the field.
    Changed,
    /// How many items a list has.
    Length,
    /// The items of a list, one by one.
    Each,
    /// In lower case, ASCII only.
    Lower,
}

impl Modifier {
    /// The name before the colon, and the modifier after it.
    pub(super) fn split(segment: &str) -> Result<(&str, Option<Modifier>), ParseError> {
        let (name, modifier) = match segment.split_once(':') {
            Some((name, modifier)) if !modifier.contains(':') => (name, modifier),
            _ => return Ok((segment, None)),
        };
        let modifier = match modifier {
            "isset" => Modifier::IsSet,
            "changed" => Modifier::Changed,
            "length" => Modifier::Length,
            "each" => Modifier::Each,
            "lower" => Modifier::Lower,
            _ => return Err(ParseError::new(format!("unknown modifier in {segment:?}"))),
        };
        Ok((name, Some(modifier)))
    }
}

/// The column as a JSON list, whatever it holds: what is no list becomes the only item of one.
pub(super) fn as_list(column: &str) -> String {
    format!(
        "CASE WHEN iif(json_valid({column}), json_type({column}) = 'array', 0) \
         THEN {column} ELSE json_array({column}) END"
    )
}

/// How many items the column has; a blank one has none.
pub(super) fn length(column: &str) -> String {
    format!("(CASE WHEN {column} = '' OR {column} IS NULL THEN 0 ELSE json_array_length({}) END)", as_list(column))
}

/// The value at `path` inside the column's JSON. What is no JSON is a text, and has nothing inside.
pub(super) fn json_at(column: &str, path: &[&str]) -> Result<String, ParseError> {
    if path.is_empty() {
        return Ok(format!("(CASE WHEN json_valid({column}) THEN json_extract({column}, '$') ELSE {column} END)"));
    }
    let mut json_path = String::from("$");
    for segment in path {
        let key: String = segment.chars().filter(|&c| is_word(c)).collect();
        if key.is_empty() {
            return Err(ParseError::new("a JSON path has an empty segment"));
        }
        if key.bytes().all(|byte| byte.is_ascii_digit()) {
            json_path.push_str(&format!("[{key}]"));
        } else {
            json_path.push('.');
            json_path.push_str(&key);
        }
    }
    Ok(format!("(CASE WHEN json_valid({column}) THEN json_extract({column}, '{json_path}') END)"))
}

/// Whether names are made of such characters.
pub(super) fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_modifier_at_most() {
        assert_eq!(Modifier::split("a"), Ok(("a", None)));
        assert_eq!(Modifier::split("a:each"), Ok(("a", Some(Modifier::Each))));
        assert_eq!(Modifier::split("a:each:lower"), Ok(("a:each:lower", None)));
        assert!(Modifier::split("a:upper").is_err());
    }

    #[test]
    fn numbers_in_a_json_path_are_positions() {
        let sql = json_at("c", &["a", "0", "b:c"]).expect("a sound path");
        assert!(sql.contains("'$.a[0].bc'"), "{sql}");
        assert!(json_at("c", &["a", ":"]).is_err());
    }
}
