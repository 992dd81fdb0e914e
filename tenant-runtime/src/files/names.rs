//! The names uploads are stored under: recognisable, harmless in any file system, and never the same twice.

use crate::records::pattern::random_id;

const MOST_BYTES: usize = 300;
const MOST_EXTENSION: usize = 20;
const SHORTEST_STEM: usize = 3;
const LONGEST_STEM: usize = 100;
const RANDOM: usize = 10;

/// A stored name for a client's: a plain stem, ten random characters and the extension. `detected` is the extension
/// its content suggests, for names that have none.
pub fn stored_name(original: &str, detected: &str) -> String {
    let original = original.rsplit(['/', '\\']).next().unwrap_or_default();
    let original = last_bytes(original, MOST_BYTES);
    let raw_extension = raw_extension(original);
    let mut extension: String = raw_extension.chars().filter(|c| is_plain(*c)).collect();
    extension = match extension.trim_matches('.') {
        "" => detected.to_owned(),
        plain => format!(".{plain}"),
    };
    if extension.len() > MOST_EXTENSION {
        extension = format!(".{}", last_bytes(&extension, MOST_EXTENSION).trim_matches('.'));
    }
    let stem = original.strip_suffix(raw_extension).unwrap_or(original).trim_matches('.');
    let mut stem = snake_case(stem);
    if stem.len() < SHORTEST_STEM {
        stem.push_str(&random_id(RANDOM));
    }
    stem.truncate(LONGEST_STEM);
    format!("{stem}_{}{extension}", random_id(RANDOM))
}

/// From the last dot, or from the one before it: `.tar.gz`.
fn raw_extension(name: &str) -> &str {
    let Some(last) = name.rfind('.') else { return "" };
    let from = name[..last].rfind('.').unwrap_or(last);
    &name[from..]
}

fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.*+=#-".contains(c)
}

/// ASCII words in lower case, joined by `_`, with one before each capital that follows none.
pub(crate) fn snake_case(text: &str) -> String {
    let mut words = Vec::new();
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let mut snake = String::new();
        let mut after_capital = true;
        for c in word.chars() {
            if c.is_ascii_uppercase() && !after_capital {
                snake.push('_');
            }
            after_capital = c.is_ascii_uppercase();
            snake.push(c.to_ascii_lowercase());
        }
        words.push(snake);
    }
    words.join("_")
}

fn last_bytes(text: &str, most: usize) -> &str {
    let mut from = text.len().saturating_sub(most);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    &text[from..]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name with its random parts of ten characters replaced.
    fn shape(original: &str, detected: &str) -> String {
        let name = stored_name(original, detected);
        regex::Regex::new("(_)?[a-z0-9]{10}(\\.|$)").expect("sound").replace_all(&name, "${1}X$2").into_owned()
    }

    #[test]
    fn names_are_made_as_observed() {
        assert_eq!(shape("Test File.TXT", ""), "test_file_X.TXT");
        assert_eq!(shape("x.tar.gz", ".gz").rsplit_once("_X").expect("random").1, ".tar.gz");
        assert_eq!(shape("noext", ".txt"), "noext_X.txt");
        assert_eq!(shape("CamelCase Name.png", ""), "camel_case_name_X.png");
        assert_eq!(shape("résumé été.pdf", ""), "r_sum_t_X.pdf");
        assert_eq!(shape("../../etc/passwd", ".txt"), "passwd_X.txt");
    }

    #[test]
    fn a_stem_that_is_too_short_or_too_long_is_mended() {
        let name = stored_name("ab.txt", "");
        assert_eq!(name.len(), "ab".len() + 10 + 1 + 10 + ".txt".len(), "{name}");
        let name = stored_name(&format!("{}.txt", "a".repeat(200)), "");
        assert_eq!(name.len(), 100 + 1 + 10 + 4, "{name}");
        assert!(stored_name(".htaccess", "").ends_with(".htaccess"));
    }
}
