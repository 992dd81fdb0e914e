//! Which columns and tables a `SELECT` names, read from its text alone.
//!
//! No SQL parser: only the outermost level counts, and what stands in parentheses or quotes is one piece. That is how
//! stock servers read views, and a view must have the same fields on both.

/// What a query selects, and from where.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identifiers {
    /// The result's columns in order.
    pub columns: Vec<Identifier>,
    /// Tables and subqueries, that of `FROM` first.
    pub tables: Vec<Identifier>,
}

/// `original AS alias`, both without quotes. Without an alias it is the last part of the original.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Identifier {
    /// A name, a dotted name or an expression.
    pub original: String,
    /// The name it is known by.
    pub alias: String,
}

#[derive(Clone, Copy, PartialEq)]
enum Part {
    Select,
    From,
    Join,
}

impl Identifiers {
    /// Reads a query.
    ///
    /// # Errors
    /// A sentence about what cannot be read.
    pub fn parse(query: &str) -> Result<Identifiers, String> {
        let (mut select, mut from, mut joins) = (String::new(), String::new(), String::new());
        let mut part = None;
        let mut skipping = false;
        for piece in split(&without_comments(query), |c| c.is_whitespace() || c == ',', true)? {
            match piece.to_ascii_lowercase().as_str() {
                "select" => (part, skipping) = (Some(Part::Select), false),
                "from" => (part, skipping) = (Some(Part::From), false),
                "join" => {
                    if part == Some(Part::Join) {
                        joins.push(',');
                    }
                    (part, skipping) = (Some(Part::Join), false);
                }
                "distinct" => {}
                "left" | "right" | "full" | "inner" | "outer" | "cross"
                    if matches!(part, Some(Part::From | Part::Join)) => {}
                "where" | "group" | "having" | "order" | "limit" | "with" if part.is_some() => skipping = true,
                "on" if part == Some(Part::Join) => skipping = true,
                _ if skipping => {}
                _ => {
                    let text = match part {
                        Some(Part::Select) => &mut select,
                        Some(Part::From) => &mut from,
                        Some(Part::Join) => &mut joins,
                        None => continue,
                    };
                    text.push(' ');
                    text.push_str(&piece);
                }
            }
        }
        let mut tables = identifiers(&from)?;
        tables.extend(identifiers(&joins)?);
        Ok(Identifiers { columns: identifiers(&select)?, tables })
    }
}

impl Identifier {
    fn from_words(words: &[String]) -> Result<Identifier, String> {
        let (original, alias) = match words {
            [original, middle, alias] if middle.eq_ignore_ascii_case("as") => (original.as_str(), alias.as_str()),
            [_, middle, _] => return Err(format!("invalid identifier part - expected \"as\", got {middle}")),
            [original, alias] => (original.as_str(), alias.as_str()),
            [only] => (only.as_str(), only.rsplit('.').next().unwrap_or(only)),
            _ => return Err(format!("invalid identifier parts [{}]", words.join(" "))),
        };
        let original = unquote(original, &['`', '"', '[', ']', ';']);
        Ok(Identifier { original, alias: unquote(alias, &['`', '"', '[', ']', ';', '\'']) })
    }
}

fn identifiers(list: &str) -> Result<Vec<Identifier>, String> {
    split(list, |c| c == ',', false)?
        .iter()
        .map(|item| Identifier::from_words(&split(item, char::is_whitespace, false)?))
        .collect()
}

fn unquote(text: &str, quotes: &[char]) -> String {
    text.split('.').map(|part| part.trim_matches(quotes)).collect::<Vec<_>>().join(".")
}

/// The pieces between separators outside quotes and parentheses, trimmed and without empty ones. Separators other than
/// white space are pieces, too, if they are `kept`.
pub fn split(text: &str, is_separator: impl Fn(char) -> bool, kept: bool) -> Result<Vec<String>, String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    let (mut quote, mut depth) = (None, 0_usize);
    for c in text.chars() {
        if quote.is_none() && depth == 0 && is_separator(c) {
            push_trimmed(&mut pieces, &mut piece);
            if kept {
                piece.push(c);
                push_trimmed(&mut pieces, &mut piece);
            }
            continue;
        }
        match (quote, c) {
            (Some(open), _) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"' | '`') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            (None, _) => {}
        }
        piece.push(c);
    }
    if quote.is_some() || depth > 0 {
        return Err(format!("unbalanced parenthesis or quoted expression: {piece:?}"));
    }
    push_trimmed(&mut pieces, &mut piece);
    Ok(pieces)
}

fn push_trimmed(pieces: &mut Vec<String>, piece: &mut String) {
    let trimmed = piece.trim();
    if !trimmed.is_empty() {
        pieces.push(trimmed.to_owned());
    }
    piece.clear();
}

/// Replaces `/* … */` and `-- …` by a space; quoted text keeps what looks like one.
fn without_comments(query: &str) -> String {
    let mut out = String::with_capacity(query.len());
    let mut quote = None;
    let mut rest = query;
    while let Some(c) = rest.chars().next() {
        let comment = match quote {
            None if rest.starts_with("/*") => rest.find("*/").map(|end| end + 2).or(Some(rest.len())),
            None if rest.starts_with("--") => rest.find('\n').or(Some(rest.len())),
            _ => None,
        };
        if let Some(length) = comment {
            out.push(' ');
            rest = &rest[length..];
            continue;
        }
        match quote {
            Some(open) if c == open => quote = None,
            None if matches!(c, '\'' | '"' | '`') => quote = Some(c),
            _ => {}
        }
        out.push(c);
        rest = &rest[c.len_utf8()..];
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[Identifier]) -> Vec<(&str, &str)> {
        list.iter().map(|item| (item.original.as_str(), item.alias.as_str())).collect()
    }

    #[test]
    fn columns_and_tables_are_found_at_the_outermost_level() {
        let query = "with w as (select 1)
            select distinct a.id, [b].`name` as \"n\", (select count(*) from z) c, 'x,y' -- from here
            from \"posts\" a left outer join users b on b.id = a.author, t3 join t4 /* join t5 */ where a.x > 1 order by 2";
        let found = Identifiers::parse(query).expect("readable");
        assert_eq!(
            pairs(&found.columns),
            [("a.id", "id"), ("b.name", "n"), ("(select count(*) from z)", "c"), ("'x,y'", "x,y")]
        );
        assert_eq!(pairs(&found.tables), [("posts", "a"), ("users", "b"), ("t4", "t4")]);
    }

    #[test]
    fn operators_outside_parentheses_are_refused() {
        let error = Identifiers::parse("select id, a || b from t").expect_err("three words without as");
        assert_eq!(error, "invalid identifier part - expected \"as\", got ||");
        let error = Identifiers::parse("select id, a || b x from t").expect_err("four words");
        assert_eq!(error, "invalid identifier parts [a || b x]");
        assert!(Identifiers::parse("select id, (a || b) x from t").is_ok());
        assert!(Identifiers::parse("select (id from t").is_err());
    }
}
