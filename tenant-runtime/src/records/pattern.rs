//! Regular expressions of fields, kept compiled, random text that matches one, and the shapes of mails and addresses.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use rand::RngExt;
use regex::Regex;

const CACHED: usize = 512;
/// Repetitions without an upper bound end here when text is made.
const OPEN_END: u32 = 6;

static COMPILED: LazyLock<Mutex<HashMap<String, Option<Arc<Regex>>>>> = LazyLock::new(Mutex::default);

/// Whether `text` contains a match; false for what is no regular expression.
pub fn is_match(pattern: &str, text: &str) -> bool {
    compiled(pattern).is_some_and(|regex| regex.is_match(text))
}

fn compiled(pattern: &str) -> Option<Arc<Regex>> {
    let mut cache = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = cache.get(pattern) {
        return known.clone();
    }
    if cache.len() >= CACHED {
        cache.clear();
    }
    let regex = regex::RegexBuilder::new(pattern).size_limit(1 << 20).build().ok().map(Arc::new);
    cache.insert(pattern.to_owned(), regex.clone());
    regex
}

/// That many characters of `a-z` and `0-9`: what ids and stored file names are made of.
pub fn random_id(length: usize) -> String {
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
    random_of(ALPHABET, length)
}

/// That many characters of `A-Z`, `a-z` and `0-9`: what keys and secrets are made of.
pub fn random_key(length: usize) -> String {
    const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    random_of(ALPHABET, length)
}

/// A number from zero up to that one.
pub fn random_below(end: u64) -> u64 {
    rand::rng().random_range(0..end.max(1))
}

fn random_of(alphabet: &[u8], length: usize) -> String {
    let mut rng = rand::rng();
    (0..length).map(|_| char::from(alphabet[rng.random_range(0..alphabet.len())])).collect()
}

/// Random text that matches a pattern made of literals, classes, groups, alternatives and repetitions.
///
/// # Errors
/// A sentence naming what the pattern uses beyond those.
pub fn generate(pattern: &str) -> Result<String, String> {
    // The two patterns nearly every id and key has need no parser.
    match pattern {
        "[a-z0-9]{15}" => return Ok(random_id(15)),
        "[a-zA-Z0-9]{50}" => return Ok(random_key(50)),
        _ => {}
    }
    let parsed = regex_syntax::parse(pattern).map_err(|error| error.to_string())?;
    let mut text = String::new();
    expand(&parsed, &mut text)?;
    Ok(text)
}

fn expand(part: &regex_syntax::hir::Hir, text: &mut String) -> Result<(), String> {
    use regex_syntax::hir::{Class, HirKind};
    const MOST: usize = 10_000;
    if text.len() > MOST {
        return Err("the generated text is too long".to_owned());
    }
    match part.kind() {
        HirKind::Empty => {}
        HirKind::Literal(literal) => text.push_str(&String::from_utf8_lossy(&literal.0)),
        HirKind::Class(Class::Unicode(class)) => {
            let total: u32 = class.iter().map(|range| range.end() as u32 - range.start() as u32 + 1).sum();
            if total > 0x1_0000 {
                text.push_str(&random_key(1));
                return Ok(());
            }
            let mut at = rand::rng().random_range(0..total.max(1));
            for range in class.iter() {
                let size = range.end() as u32 - range.start() as u32 + 1;
                if at < size {
                    text.extend(char::from_u32(range.start() as u32 + at));
                    break;
                }
                at -= size;
            }
        }
        HirKind::Class(Class::Bytes(_)) => return Err("classes of bytes are not supported".to_owned()),
        HirKind::Repetition(repetition) => {
            let most = repetition
                .max
                .map_or(OPEN_END.max(repetition.min), |max| if max > repetition.min { max - 1 } else { max });
            for _ in 0..rand::rng().random_range(repetition.min..=most.max(repetition.min)) {
                expand(&repetition.sub, text)?;
            }
        }
        HirKind::Capture(group) => expand(&group.sub, text)?,
        HirKind::Concat(parts) => {
            for part in parts {
                expand(part, text)?;
            }
        }
        HirKind::Alternation(choices) => {
            expand(&choices[rand::rng().random_range(0..choices.len())], text)?;
        }
        HirKind::Look(_) => return Err("anchors are not supported".to_owned()),
    }
    Ok(())
}

/// Whether it looks like a mail address with a dotted domain.
pub fn is_email(text: &str) -> bool {
    static EMAIL: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let atom = r"[\p{L}\p{N}!#$%&'*+\-/=?^_`{|}~]+";
        let label = r"[\p{L}\p{N}](?:[\p{L}\p{N}\-]{0,61}[\p{L}\p{N}])?";
        let quoted = r#""(?:[^"\\\r\n]|\\.)*""#;
        let top = r"(?:xn--[a-zA-Z0-9\-]+|\p{L}[\p{L}\p{N}\-]*[\p{L}\p{N}])";
        Regex::new(&format!(r"^(?:{atom}(?:\.{atom})*|{quoted})@(?:{label}\.)+{top}\.?$")).ok()
    });
    (1..=255).contains(&text.len()) && EMAIL.as_ref().is_some_and(|regex| regex.is_match(text))
}

/// The host and port of a web address, whose scheme may be missing when the host has a dot; none if it is no address.
pub fn url_host(text: &str) -> Option<String> {
    static URL: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let label = r"[\p{L}\p{N}_](?:[\p{L}\p{N}_\-]{0,62}[\p{L}\p{N}_])?";
        let address = r"\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-fA-F:.]+\]";
        let host = format!(r"(?:{address}|(?:{label}\.)+\p{{L}}[\p{{L}}\p{{N}}\-]*\.?)");
        let schemed_host = format!(r"(?:{host}|{label})");
        let user = r"(?:[^\s/@:]+(?::[^\s/@]*)?@)?";
        let tail = r"(?::\d{1,5})?(?:[/?#]\S*)?";
        Regex::new(&format!(
            r"^(?i:(?:(?:ftp|tcp|udp|wss?|https?)://{user}(?P<a>{schemed_host}(?::\d{{1,5}})?)|(?:mailto:)?{user}(?P<b>{host}(?::\d{{1,5}})?))){tail}$"
        ))
        .ok()
    });
    if text.len() > 2083 {
        return None;
    }
    let found = URL.as_ref()?.captures(text)?;
    found.name("a").or_else(|| found.name("b")).map(|host| host.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mail_addresses_need_a_dotted_domain() {
        for good in ["a@b.co", "first.last+tag@sub.example.com", "ü@exämple.org", "Q@x.co"] {
            assert!(is_email(good), "{good}");
        }
        for bad in ["", "a@localhost", "a b@c.co", "@b.co", "a@", "a@b", "a@b..co", "a@b.co\n"] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn addresses_are_read_as_observed() {
        for good in
            ["example.com", "http://localhost", "https://user@x.com:8080/p?q#f", "http://127.0.0.1", "mailto:a@b.co"]
        {
            assert!(url_host(good).is_some(), "{good}");
        }
        for bad in ["localhost", "//x.com", "/rel", "javascript:alert(1)", "http://a b.com", ""] {
            assert!(url_host(bad).is_none(), "{bad}");
        }
        assert_eq!(url_host("https://x.com:8080/p").as_deref(), Some("x.com:8080"));
    }

    #[test]
    fn generated_text_matches_its_pattern() {
        for pattern in ["[a-z0-9]{15}", "pre-(ab|cd)+[0-9]{3,5}x?", ".{4}", r"\d{2}-\w*"] {
            let text = generate(pattern).expect("a supported pattern");
            assert!(Regex::new(&format!("^(?s:{pattern})$")).expect("sound").is_match(&text), "{pattern}: {text}");
        }
        assert!(generate("^anchored$").is_err());
    }
}
