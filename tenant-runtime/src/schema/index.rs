//! Reading and writing `CREATE INDEX` expressions, as loosely as users write them.

use std::fmt::Write as _;

/// A parsed `CREATE [UNIQUE] INDEX` expression.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Index {
    /// Whether values must be distinct.
    pub unique: bool,
    /// Whether `IF NOT EXISTS` was given.
    pub optional: bool,
    /// The schema before the name, usually empty.
    pub schema: String,
    /// The index's name without quotes.
    pub name: String,
    /// The table's name without quotes.
    pub table: String,
    /// What is indexed, in order.
    pub columns: Vec<IndexColumn>,
    /// The condition of a partial index, empty for none.
    pub condition: String,
}

/// One indexed column or expression.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IndexColumn {
    /// A column's name without quotes, or an expression as written.
    pub name: String,
    /// A collation's name, or empty.
    pub collate: String,
    /// `ASC`, `DESC` or empty.
    pub sort: String,
}

impl Index {
    /// Reads an expression; `None` when it is not one or names no columns.
    pub fn parse(text: &str) -> Option<Index> {
        let mut scanner = Scanner { rest: text.trim().trim_end_matches(';') };
        let mut index = Index::default();
        scanner.keyword("CREATE")?;
        index.unique = scanner.keyword("UNIQUE").is_some();
        scanner.keyword("INDEX")?;
        if scanner.keyword("IF").is_some() {
            scanner.keyword("NOT")?;
            scanner.keyword("EXISTS")?;
            index.optional = true;
        }
        index.name = scanner.identifier()?;
        if scanner.symbol('.') {
            index.schema = std::mem::replace(&mut index.name, scanner.identifier()?);
        }
        scanner.keyword("ON")?;
        index.table = scanner.identifier()?;
        let columns = scanner.parenthesised()?;
        index.columns = split_top_level(columns).into_iter().filter_map(IndexColumn::parse).collect();
        if scanner.keyword("WHERE").is_some() {
            index.condition = scanner.rest.trim().to_owned();
        } else if !scanner.rest.trim().is_empty() {
            return None;
        }
        (!index.columns.is_empty()).then_some(index)
    }

    /// The canonical form, which is what SQLite executes.
    pub fn to_sql(&self) -> String {
        let mut sql = String::from("CREATE ");
        if self.unique {
            sql.push_str("UNIQUE ");
        }
        sql.push_str("INDEX ");
        if self.optional {
            sql.push_str("IF NOT EXISTS ");
        }
        if !self.schema.is_empty() {
            let _ = write!(sql, "`{}`.", self.schema);
        }
        let _ = write!(sql, "`{}` ON `{}` (", self.name, self.table);
        let columns: Vec<String> = self.columns.iter().map(IndexColumn::to_sql).collect();
        if let [only] = columns.as_slice() {
            sql.push_str(only);
        } else {
            let _ = write!(sql, "\n  {}\n", columns.join(",\n  "));
        }
        sql.push(')');
        if !self.condition.is_empty() {
            let _ = write!(sql, " WHERE {}", self.condition);
        }
        sql
    }
}

impl IndexColumn {
    fn parse(text: &str) -> Option<IndexColumn> {
        let mut rest = text.trim();
        let mut column = IndexColumn::default();
        for sort in ["ASC", "DESC"] {
            if let Some(before) = strip_last_word(rest, sort) {
                column.sort = sort.to_owned();
                rest = before;
                break;
            }
        }
        if let Some((before, collation)) = rest.rsplit_once(char::is_whitespace)
            && let Some(before) = strip_last_word(before.trim_end(), "COLLATE")
        {
            column.collate = unquote(collation).to_owned();
            rest = before;
        }
        column.name = unquote(rest).to_owned();
        (!column.name.is_empty()).then_some(column)
    }

    fn to_sql(&self) -> String {
        let is_expression = self.name.contains(['(', ' ']);
        let mut sql = if is_expression { self.name.clone() } else { format!("`{}`", self.name) };
        if !self.collate.is_empty() {
            let _ = write!(sql, " COLLATE {}", self.collate);
        }
        if !self.sort.is_empty() {
            let _ = write!(sql, " {}", self.sort);
        }
        sql
    }
}

/// The unique index of one column among `indexes`, if there is one (a partial one counts).
pub fn single_column_unique(indexes: &[String], column: &str) -> Option<Index> {
    indexes
        .iter()
        .filter_map(|text| Index::parse(text))
        .find(|index| index.unique && index.columns.len() == 1 && index.columns[0].name.eq_ignore_ascii_case(column))
}

struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    fn keyword(&mut self, word: &str) -> Option<()> {
        let rest = self.rest.trim_start();
        let head = rest.get(..word.len())?;
        let tail = &rest[word.len()..];
        let ends = tail.chars().next().is_none_or(|c| !(c.is_alphanumeric() || c == '_'));
        if !head.eq_ignore_ascii_case(word) || !ends {
            return None;
        }
        self.rest = tail;
        Some(())
    }

    fn symbol(&mut self, symbol: char) -> bool {
        match self.rest.trim_start().strip_prefix(symbol) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn identifier(&mut self) -> Option<String> {
        let rest = self.rest.trim_start();
        let first = rest.chars().next()?;
        if let Some(close) = closing_quote(first) {
            let end = rest[1..].find(close)? + 1;
            self.rest = &rest[end + 1..];
            return Some(rest[1..end].to_owned());
        }
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$')).unwrap_or(rest.len());
        self.rest = &rest[end..];
        (end > 0).then(|| rest[..end].to_owned())
    }

    fn parenthesised(&mut self) -> Option<&'a str> {
        let inner = self.rest.trim_start().strip_prefix('(')?;
        let mut depth = 1;
        let mut quote = None;
        for (at, c) in inner.char_indices() {
            match (quote, c) {
                (Some(close), _) if c == close => quote = None,
                (Some(_), _) => {}
                (None, '(') => depth += 1,
                (None, ')') => depth -= 1,
                (None, _) => quote = closing_quote(c),
            }
            if depth == 0 {
                self.rest = &inner[at + 1..];
                return Some(&inner[..at]);
            }
        }
        None
    }
}

fn closing_quote(open: char) -> Option<char> {
    match open {
        '`' | '"' | '\'' => Some(open),
        '[' => Some(']'),
        _ => None,
    }
}

fn unquote(text: &str) -> &str {
    let text = text.trim();
    match text.chars().next().and_then(closing_quote) {
        Some(close) if text.len() > 1 && text.ends_with(close) => &text[1..text.len() - 1],
        _ => text,
    }
}

fn strip_last_word<'a>(text: &'a str, word: &str) -> Option<&'a str> {
    let at = text.len().checked_sub(word.len())?;
    let (before, last) = (text.get(..at)?, text.get(at..)?);
    let separated = before.ends_with(|c: char| c.is_whitespace() || ")`\"']".contains(c));
    (last.eq_ignore_ascii_case(word) && separated).then(|| before.trim_end())
}

fn split_top_level(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut quote, mut start) = (Vec::new(), 0, None, 0);
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (Some(close), _) if c == close => quote = None,
            (Some(_), _) => {}
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, ',') if depth == 0 => {
                parts.push(&text[start..at]);
                start = at + 1;
            }
            (None, _) => quote = closing_quote(c),
        }
    }
    parts.push(&text[start..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_quoting_is_read_and_the_canonical_form_written() {
        let index =
            Index::parse("create unique  index if not exists [a b] on \"t\" ( 'x' collate nocase desc, lower(y) )")
                .expect("an index");
        assert_eq!(
            index.to_sql(),
            "CREATE UNIQUE INDEX IF NOT EXISTS `a b` ON `t` (\n  `x` COLLATE nocase DESC,\n  lower(y)\n)"
        );
    }

    #[test]
    fn a_partial_index_keeps_its_condition() {
        let text = "CREATE UNIQUE INDEX `idx_email` ON `users` (`email`) WHERE `email` != ''";
        let index = Index::parse(text).expect("an index");
        assert_eq!(index.condition, "`email` != ''");
        assert_eq!(index.to_sql(), text);
        assert!(single_column_unique(&[text.to_owned()], "email").is_some());
    }

    #[test]
    fn what_is_no_index_is_refused() {
        for text in
            ["", "DROP TABLE x", "CREATE INDEX a ON b", "CREATE INDEX a ON b ()", "CREATE INDEX a ON b (c) garbage"]
        {
            assert_eq!(Index::parse(text), None, "{text}");
        }
    }
}
