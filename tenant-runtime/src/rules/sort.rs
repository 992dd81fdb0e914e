//! `sort=-created,author.name`: what a list is ordered by.

use super::ParseError;
use super::macros;
use super::operand::{Scalar, Side};
use super::parse::is_identifier;
use super::resolve::Resolver;
use chrono::{DateTime, Utc};

/// How many entries a sort may have.
const MAX_ENTRIES: usize = 8;

/// How many bytes one entry may have.
const MAX_ENTRY: usize = 255;

/// The `ORDER BY` terms of a sort. `rows` is the name of the rows sorted.
pub(super) fn compile(text: &str, resolver: &mut dyn Resolver, rows: &str) -> Result<String, ParseError> {
    let entries: Vec<&str> = text.split(',').collect();
    if entries.len() > MAX_ENTRIES {
        return Err(ParseError::new(format!("more than {MAX_ENTRIES} sort fields")));
    }
    let terms: Result<Vec<String>, ParseError> = entries.into_iter().map(|entry| term(entry, resolver, rows)).collect();
    Ok(terms?.join(", "))
}

fn term(entry: &str, resolver: &mut dyn Resolver, rows: &str) -> Result<String, ParseError> {
    if entry.len() > MAX_ENTRY {
        return Err(ParseError::new("a sort field is too long"));
    }
    let entry = entry.trim();
    let (name, direction) = match entry.strip_prefix('-') {
        Some(name) => (name, "DESC"),
        None => (entry.strip_prefix('+').unwrap_or(entry), "ASC"),
    };
    match name {
        "@random" => return Ok("RANDOM()".to_owned()),
        "@rowid" => return Ok(format!("{rows}._rowid_ {direction}")),
        _ => {}
    }
    let is_macro = macros::value(name, DateTime::<Utc>::UNIX_EPOCH).is_some();
    if is_macro || !is_identifier(name) {
        return Err(unsortable(name));
    }
    match resolver.resolve(name, Side::Left)?.scalar {
        Scalar::Computed(sql, _) if sql.params.is_empty() => Ok(format!("{} {direction}", sql.text)),
        _ => Err(unsortable(name)),
    }
}

fn unsortable(name: &str) -> ParseError {
    ParseError::new(format!("cannot sort by {name:?}"))
}
