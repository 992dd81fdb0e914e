//! Filters and sorts over a plain table with a fixed set of columns, such as the lists of collections and logs.

use chrono::{DateTime, Utc};

use super::compile::compile;
use super::modifiers;
use super::operand::{Blank, Operand, Side};
use super::query::MAX_FILTER;
use super::resolve::{Resolver, unresolved};
use super::sql::{Sql, quote};
use super::{ParseError, parse, sort};

/// The columns of a table that may be filtered and sorted by.
#[derive(Clone, Copy, Debug)]
pub struct Columns<'a> {
    table: &'a str,
    columns: &'a [&'a str],
    json: Option<&'a str>,
}

impl<'a> Columns<'a> {
    /// These columns of a table.
    pub const fn new(table: &'a str, columns: &'a [&'a str]) -> Columns<'a> {
        Columns { table, columns, json: None }
    }

    /// And whatever is inside the JSON of this one: `data.<path>`.
    pub const fn with_json(self, column: &'a str) -> Columns<'a> {
        Columns { json: Some(column), ..self }
    }

    /// The condition of a filter. The empty filter is always true.
    pub fn filter(&self, text: &str, now: DateTime<Utc>) -> Result<Sql, ParseError> {
        if text.is_empty() {
            return Ok(Sql::raw("1"));
        }
        if text.len() > MAX_FILTER {
            return Err(ParseError::new("the filter is too long"));
        }
        let condition = compile(&parse(text)?, &mut { *self }, now)?;
        Ok(condition.into_sql())
    }

    /// The `ORDER BY` terms of a sort. The empty sort has none.
    pub fn sort(&self, text: &str) -> Result<String, ParseError> {
        if text.is_empty() {
            return Ok(String::new());
        }
        sort::compile(text, &mut { *self }, &quote(self.table))
    }
}

impl Resolver for Columns<'_> {
    fn resolve(&mut self, identifier: &str, _: Side) -> Result<Operand, ParseError> {
        let column = |name: &str| format!("{}.{}", quote(self.table), quote(name));
        if self.has_field(identifier) {
            return Ok(Operand::computed(Sql::raw(column(identifier)), Blank::Equal));
        }
        match identifier.split_once('.') {
            Some((name, path)) if self.json == Some(name) => {
                let path: Vec<&str> = path.split('.').collect();
                let sql = modifiers::json_at(&column(name), &path)?;
                Ok(Operand::computed(Sql::raw(sql), Blank::Distinct))
            }
            _ => Err(unresolved(identifier)),
        }
    }

    fn has_field(&self, name: &str) -> bool {
        self.columns.contains(&name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Param;

    const LOGS: Columns<'_> = Columns::new("_logs", &["id", "level", "message"]).with_json("data");

    fn filter(text: &str) -> Result<Sql, ParseError> {
        LOGS.filter(text, DateTime::<Utc>::UNIX_EPOCH)
    }

    #[test]
    fn only_the_named_columns_are_known() {
        let sql = filter("level > 0 && message ~ 'x'").expect("known columns");
        let text = r"`_logs`.`level` > ? AND `_logs`.`message` LIKE ? ESCAPE '\'";
        assert_eq!(sql.text, text);
        assert_eq!(sql.params, [Param::Number(0.0), Param::Text("%x%".into())]);
        for unknown in ["secret = 1", "data = 1", "level:lower = 1", "@request.method = 'GET'"] {
            assert!(filter(unknown).is_err(), "{unknown}");
        }
    }

    #[test]
    fn json_is_reached_by_path() {
        let sql = filter("data.auth != ''").expect("a path");
        assert!(sql.text.contains("json_extract(`_logs`.`data`, '$.auth')"));
        assert!(sql.text.ends_with("IS NOT ?"), "{}", sql.text);
    }

    #[test]
    fn sorts_name_columns_too() {
        let sorted = LOGS.sort("-@rowid,data.status, +level").expect("a sort");
        assert!(sorted.starts_with("`_logs`._rowid_ DESC, "));
        assert!(sorted.ends_with(", `_logs`.`level` ASC"));
        assert!(LOGS.sort("nope").is_err() && LOGS.sort("level,").is_err());
        assert_eq!(LOGS.sort(""), Ok(String::new()));
    }
}
