//! Comparisons to SQL. What is known before any row is read is decided here and never reaches SQLite.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};

use super::ParseError;
use super::ast::{Comparison, Filter, Group, Item, Join, Operator, Relation, Term};
use super::functions;
use super::macros;
use super::operand::{Blank, Operand, Scalar, Side};
use super::resolve::Resolver;
use super::sql::{Param, Sql};

/// A condition: decided, or a piece of SQL.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Condition {
    Always,
    Never,
    /// Binds at least as tight as `AND`.
    Tight(Sql),
    /// Alternatives; needs parentheses before something is added with `AND`.
    Loose(Sql),
}

impl Condition {
    pub(super) fn and(self, other: Condition) -> Condition {
        match (self, other) {
            (Condition::Never, _) | (_, Condition::Never) => Condition::Never,
            (Condition::Always, other) | (other, Condition::Always) => other,
            (left, right) => {
                let mut sql = left.into_tight();
                sql.push(" AND ").append(&right.into_tight());
                Condition::Tight(sql)
            }
        }
    }

    pub(super) fn or(self, other: Condition) -> Condition {
        match (self, other) {
            (Condition::Always, _) | (_, Condition::Always) => Condition::Always,
            (Condition::Never, other) | (other, Condition::Never) => other,
            (left, right) => {
                let mut sql = left.into_sql();
                sql.push(" OR ").append(&right.into_sql());
                Condition::Loose(sql)
            }
        }
    }

    /// As a boolean expression.
    pub(super) fn into_sql(self) -> Sql {
        match self {
            Condition::Always => Sql::raw("1"),
            Condition::Never => Sql::raw("0"),
            Condition::Tight(sql) | Condition::Loose(sql) => sql,
        }
    }

    fn into_tight(self) -> Sql {
        match self {
            Condition::Loose(sql) => sql.wrapped("(", ")"),
            other => other.into_sql(),
        }
    }

    fn decided(holds: bool) -> Condition {
        if holds { Condition::Always } else { Condition::Never }
    }
}

/// Compiles a filter with the names a resolver knows.
pub(super) fn compile(
    filter: &Filter,
    resolver: &mut dyn Resolver,
    now: DateTime<Utc>,
) -> Result<Condition, ParseError> {
    Compiler { resolver, now }.group(&filter.group)
}

/// Looks up what stands on one side of a comparison or in a function's call.
pub(super) struct Compiler<'r> {
    resolver: &'r mut dyn Resolver,
    now: DateTime<Utc>,
}

impl Compiler<'_> {
    fn group(&mut self, group: &Group) -> Result<Condition, ParseError> {
        let mut alternatives = Condition::Never;
        let mut together = None;
        for (join, item) in &group.0 {
            let condition = match item {
                Item::Comparison(comparison) => self.comparison(comparison)?,
                Item::Group(inner) => self.group(inner)?,
            };
            together = Some(match (together.take(), join) {
                (None, _) => condition,
                (Some(before), Join::And) => Condition::and(before, condition),
                (Some(before), Join::Or) => {
                    alternatives = alternatives.or(before);
                    condition
                }
            });
        }
        Ok(alternatives.or(together.unwrap_or(Condition::Never)))
    }

    fn comparison(&mut self, comparison: &Comparison) -> Result<Condition, ParseError> {
        let left = self.side(&comparison.left, Side::Left)?;
        let right = self.side(&comparison.right, Side::Right)?;
        Ok(match_rows(&left, comparison.operator, &right))
    }

    /// One side of a comparison.
    fn side(&mut self, term: &Term, side: Side) -> Result<Operand, ParseError> {
        self.operand(term, side).map_err(|error| {
            let side = match side {
                Side::Left => "left",
                Side::Right => "right",
            };
            ParseError::new(format!("invalid {side} operand {:?} - {error}", term.name()))
        })
    }

    /// What a term stands for.
    pub(super) fn operand(&mut self, term: &Term, side: Side) -> Result<Operand, ParseError> {
        match term {
            Term::Number(number) => Ok(Operand::known(Param::Number(*number))),
            Term::Text(text) => Ok(Operand::known(Param::Text(text.clone()))),
            Term::Call(name, arguments) => functions::call(self, name, arguments, side),
            Term::Identifier(name) => self.identifier(name, side),
        }
    }

    fn identifier(&mut self, name: &str, side: Side) -> Result<Operand, ParseError> {
        if let Some(value) = macros::value(name, self.now) {
            return Ok(Operand::known(value));
        }
        match literal(name) {
            Some(value) if !self.resolver.has_field(name) => Ok(Operand::known(value)),
            Some(value) => Ok(self.resolver.resolve(name, side).unwrap_or_else(|_| Operand::known(value))),
            None => self.resolver.resolve(name, side),
        }
    }
}

fn literal(name: &str) -> Option<Param> {
    let literals = [("null", Param::Null), ("true", Param::Bool(true)), ("false", Param::Bool(false))];
    literals.into_iter().find(|(literal, _)| name.eq_ignore_ascii_case(literal)).map(|(_, value)| value)
}

/// Some joined row satisfies the comparison and, unless any will do, none of all the values violates it. What a guard
/// hides can do neither.
fn match_rows(left: &Operand, operator: Operator, right: &Operand) -> Condition {
    let some = compare(&left.scalar, operator.relation, &right.scalar);
    let some = guarded(some, [&left.guard, &right.guard]);
    if operator.any || (left.every.is_none() && right.every.is_none()) {
        return some;
    }
    let mut none = Sql::raw("NOT EXISTS (SELECT 1 FROM (SELECT 1)");
    let mut scalars = [&left.scalar, &right.scalar];
    let mut guards = [&left.guard, &right.guard];
    for (at, operand) in [left, right].into_iter().enumerate() {
        if let Some(every) = &operand.every {
            none.append(&every.joins);
            scalars[at] = &every.scalar;
            guards[at] = &every.guard;
        }
    }
    let kept = compare(scalars[0], operator.relation, scalars[1]);
    let violated = Condition::Tight(kept.into_sql().wrapped("NOT (", ")"));
    none.push(" WHERE ").append(&guarded(violated, guards).into_sql()).push(")");
    some.and(Condition::Tight(none))
}

fn guarded(condition: Condition, guards: [&Option<Sql>; 2]) -> Condition {
    guards.into_iter().flatten().fold(condition, |all, guard| all.and(Condition::Tight(guard.clone())))
}

/// One comparison of two values of one row.
pub(super) fn compare(left: &Scalar, relation: Relation, right: &Scalar) -> Condition {
    match relation {
        Relation::Equal => equal(left, right, true),
        Relation::NotEqual => equal(left, right, false),
        Relation::Like => like(left, " LIKE ", right),
        Relation::NotLike => like(left, " NOT LIKE ", right),
        Relation::Less => order(left, " < ", right, Ordering::is_lt),
        Relation::LessOrEqual => order(left, " <= ", right, Ordering::is_le),
        Relation::Greater => order(left, " > ", right, Ordering::is_gt),
        Relation::GreaterOrEqual => order(left, " >= ", right, Ordering::is_ge),
    }
}

/// `=` and `!=`. Blank is blank, whether `NULL` or the empty text, except where JSON tells them apart. Where one side
/// is known not to be blank the other stays bare, so that an index can serve.
fn equal(left: &Scalar, right: &Scalar, equal: bool) -> Condition {
    if left.tells_null() || right.tells_null() {
        return binary(left, if equal { " IS " } else { " IS NOT " }, right);
    }
    if left.is_blank() && right.is_blank() {
        return Condition::decided(equal);
    }
    if let (Scalar::Known(left), Scalar::Known(right)) = (left, right) {
        return Condition::decided(ordering(left, right).is_eq() == equal);
    }
    let operator = if equal { " = " } else { " IS NOT " };
    if left.is_never_blank() || right.is_never_blank() {
        let blank = Scalar::Known(Param::Text(String::new()));
        let or_blank = |side| if Scalar::is_blank(side) { &blank } else { side };
        return binary(or_blank(left), operator, or_blank(right));
    }
    if left.is_blank() || right.is_blank() {
        let scalar = if left.is_blank() { right } else { left };
        let mut value = scalar.to_sql();
        if matches!(scalar, Scalar::Computed(_, Blank::Empty)) {
            value.push(operator).push("''");
            return Condition::Tight(value);
        }
        let (empty, null) = if equal { (" = '' OR ", " IS NULL)") } else { (" IS NOT '' AND ", " IS NOT NULL)") };
        let mut sql = Sql::raw("(");
        sql.append(&value).push(empty).append(&value).push(null);
        return Condition::Tight(sql);
    }
    let mut sql = left.to_sql().wrapped("COALESCE(", ", '')");
    sql.push(operator).append(&right.to_sql().wrapped("COALESCE(", ", '')"));
    Condition::Tight(sql)
}

fn order(left: &Scalar, operator: &str, right: &Scalar, holds: impl Fn(Ordering) -> bool) -> Condition {
    match (left, right) {
        (Scalar::Known(Param::Null), _) | (_, Scalar::Known(Param::Null)) => Condition::Never,
        (Scalar::Known(left), Scalar::Known(right)) => Condition::decided(holds(ordering(left, right))),
        _ => binary(left, operator, right),
    }
}

fn like(left: &Scalar, operator: &str, right: &Scalar) -> Condition {
    let pattern = match (left, right) {
        (Scalar::Known(Param::Null), _) | (_, Scalar::Known(Param::Null)) => {
            return Condition::Never;
        }
        (_, Scalar::Known(Param::Text(text))) => Sql::bound(Param::Text(pattern(text))),
        (_, Scalar::Known(Param::Number(number))) => Sql::bound(Param::Text(pattern(&number.to_string()))),
        (_, Scalar::Known(Param::Integer(number))) => Sql::bound(Param::Text(pattern(&number.to_string()))),
        (_, right) => right.to_sql().wrapped("('%' || ", " || '%')"),
    };
    let mut sql = left.to_sql();
    sql.push(operator).append(&pattern).push(" ESCAPE '\\'");
    Condition::Tight(sql)
}

fn binary(left: &Scalar, operator: &str, right: &Scalar) -> Condition {
    let mut sql = left.to_sql();
    sql.push(operator).append(&right.to_sql());
    Condition::Tight(sql)
}

/// SQLite's order of values that have no column: `NULL`, numbers, texts.
fn ordering(left: &Param, right: &Param) -> Ordering {
    let number = |param: &Param| match param {
        Param::Number(number) => Some(*number),
        Param::Integer(number) => Some(*number as f64),
        Param::Bool(value) => Some(f64::from(u8::from(*value))),
        Param::Null | Param::Text(_) => None,
    };
    let rank = |param: &Param| match param {
        Param::Null => 0,
        Param::Bool(_) | Param::Integer(_) | Param::Number(_) => 1,
        Param::Text(_) => 2,
    };
    match (left, right) {
        (Param::Text(left), Param::Text(right)) => left.cmp(right),
        _ => match (number(left), number(right)) {
            (Some(left), Some(right)) => left.total_cmp(&right),
            _ => rank(left).cmp(&rank(right)),
        },
    }
}

/// The pattern a text is looked for with: itself if it has a `%` of its own, else the text anywhere, taken literally.
fn pattern(text: &str) -> String {
    if has_wildcard(text) {
        return text.to_owned();
    }
    let mut reversed = Vec::with_capacity(text.len() + 2);
    let mut chars = text.chars().rev().peekable();
    while let Some(c) = chars.next() {
        reversed.push(c);
        if matches!(c, '\\' | '%' | '_') {
            chars.next_if_eq(&'\\');
            reversed.push('\\');
        }
    }
    let escaped: String = reversed.into_iter().rev().collect();
    format!("%{escaped}%")
}

fn has_wildcard(text: &str) -> bool {
    let mut escaped = false;
    text.chars().any(|c| {
        let wild = c == '%' && !escaped;
        escaped = c == '\\' && !escaped;
        wild
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str) -> Scalar {
        Scalar::Computed(Sql::raw(name), Blank::Equal)
    }

    fn text(text: &str) -> Scalar {
        Scalar::Known(Param::Text(text.to_owned()))
    }

    #[test]
    fn decided_parts_leave_no_trace() {
        let open = |name: &str| Condition::Tight(Sql::raw(name));
        assert_eq!(Condition::Always.and(open("a")), open("a"));
        assert_eq!(Condition::Never.or(open("a")), open("a"));
        assert_eq!(open("a").and(Condition::Never), Condition::Never);
        assert_eq!(open("a").or(Condition::Always), Condition::Always);
        let either = open("a").or(open("b"));
        assert_eq!(either.clone().and(open("c")), open("(a OR b) AND c"));
        assert_eq!(open("c").and(open("d")).or(either).into_sql().text, "c AND d OR a OR b");
    }

    #[test]
    fn equality_knows_what_is_blank() {
        let json = Scalar::Computed(Sql::raw("j"), Blank::Distinct);
        let stored = Scalar::Computed(Sql::raw("s"), Blank::Empty);
        let null = Scalar::Known(Param::Null);
        for (left, right, equals, differs) in [
            (column("a"), text("x"), "a = ?", "a IS NOT ?"),
            (text("x"), column("a"), "? = a", "? IS NOT a"),
            (column("a"), text(""), "(a = '' OR a IS NULL)", "(a IS NOT '' AND a IS NOT NULL)"),
            (null.clone(), column("a"), "(a = '' OR a IS NULL)", "(a IS NOT '' AND a IS NOT NULL)"),
            (stored.clone(), null.clone(), "s = ''", "s IS NOT ''"),
            (stored, column("a"), "COALESCE(s, '') = COALESCE(a, '')", "COALESCE(s, '') IS NOT COALESCE(a, '')"),
            (json.clone(), text(""), "j IS ?", "j IS NOT ?"),
            (column("a"), json, "a IS j", "a IS NOT j"),
            (null.clone(), text(""), "1", "0"),
            (text("x"), null, "0", "1"),
            (Scalar::Known(Param::Integer(1)), Scalar::Known(Param::Number(1.0)), "1", "0"),
            (Scalar::Known(Param::Bool(true)), text("1"), "0", "1"),
        ] {
            assert_eq!(compare(&left, Relation::Equal, &right).into_sql().text, equals);
            assert_eq!(compare(&left, Relation::NotEqual, &right).into_sql().text, differs);
        }
    }

    #[test]
    fn known_values_are_ordered_as_sqlite_orders_them() {
        let number = Scalar::Known(Param::Number(9.0));
        let holds = |left: &Scalar, right: &Scalar| compare(left, Relation::Less, right) == Condition::Always;
        assert!(holds(&number, &text("")) && holds(&text("10"), &text("9")));
        assert!(!holds(&number, &number) && !holds(&Scalar::Known(Param::Null), &number));
    }

    #[test]
    fn patterns_are_literal_unless_they_have_a_wildcard() {
        for (given, expected) in [
            ("", "%%"),
            ("ab", "%ab%"),
            ("a_b", r"%a\_b%"),
            ("__", r"%\_\_%"),
            (r"a\b", r"%a\\b%"),
            (r"a\_", r"%a\_%"),
            (r"a\%", r"%a\%%"),
            (r"\\", r"%\\%"),
            ("a%", "a%"),
            (r"a\\%_", r"a\\%_"),
        ] {
            assert_eq!(pattern(given), expected, "{given}");
        }
    }
}
