//! The functions of the filter language.

use super::ParseError;
use super::ast::Term;
use super::compile::Compiler;
use super::operand::{Blank, Every, Operand, Scalar, Side};
use super::sql::Sql;

/// A call's result.
pub(super) fn call(
    compiler: &mut Compiler<'_>,
    name: &str,
    arguments: &[Term],
    side: Side,
) -> Result<Operand, ParseError> {
    match name {
        "geoDistance" => geo_distance(compiler, arguments, side),
        "strftime" => strftime(compiler, arguments, side),
        _ => Err(ParseError::new(format!("unknown function {name:?}"))),
    }
}

/// `geoDistance(lonA, latA, lonB, latB)`: kilometres between two points, by the SQL function of
/// that name which every connection has. Of many values any will do.
fn geo_distance(compiler: &mut Compiler<'_>, arguments: &[Term], side: Side) -> Result<Operand, ParseError> {
    if arguments.len() != 4 {
        return Err(refused("geoDistance", format!("expected 4 arguments, got {}", arguments.len())));
    }
    let mut sql = Sql::raw("geoDistance(");
    let mut guard: Option<Sql> = None;
    for (at, term) in arguments.iter().enumerate() {
        if !matches!(term, Term::Identifier(_) | Term::Number(_)) {
            return Err(refused("geoDistance", format!("argument {at} must be an identifier or number")));
        }
        let operand = compiler
            .operand(term, side)
            .map_err(|error| refused("geoDistance", format!("failed to resolve argument {at}: {error}")))?;
        sql.push(if at == 0 { "" } else { ", " });
        sql.append(&operand.scalar.to_sql());
        guard = match (guard, operand.guard) {
            (Some(mut both), Some(guard)) => {
                both.push(" AND ").append(&guard);
                Some(both)
            }
            (before, guard) => before.or(guard),
        };
    }
    sql.push(")");
    Ok(Operand { guard, ..Operand::computed(sql, Blank::Distinct) })
}

/// `strftime(format[, time[, modifier…]])`, as SQLite has it.
fn strftime(compiler: &mut Compiler<'_>, arguments: &[Term], side: Side) -> Result<Operand, ParseError> {
    match arguments.len() {
        0 => return Err(refused("strftime", "expected at least 1 arguments, got 0")),
        1..=10 => {}
        given => return Err(refused("strftime", format!("too many arguments (max allowed 10, got {given})"))),
    }
    let mut sql = Sql::raw("strftime(");
    let mut every_sql = sql.clone();
    let (mut guard, mut every) = (None, None);
    for (at, term) in arguments.iter().enumerate() {
        let allowed = match term {
            Term::Text(_) => true,
            Term::Identifier(_) | Term::Number(_) => at == 1,
            Term::Call(..) => false,
        };
        if !allowed {
            return Err(refused(
                "strftime",
                match at {
                    0 => "expects the first argument to be a format string".to_owned(),
                    1 => "expects the second argument to be of a valid time-value type".to_owned(),
                    _ => format!("invalid modifier argument {} - can be only string", at - 2),
                },
            ));
        }
        let operand = compiler
            .operand(term, side)
            .map_err(|error| refused("strftime", format!("failed to resolve time-value argument: {error}")))?;
        let separator = if at == 0 { "" } else { ", " };
        sql.push(separator).append(&operand.scalar.to_sql());
        let each = match &operand.every {
            Some(every) => every.scalar.to_sql(),
            None => operand.scalar.to_sql(),
        };
        every_sql.push(separator).append(&each);
        guard = guard.or(operand.guard);
        every = every.or(operand.every);
    }
    sql.push(")");
    every_sql.push(")");
    Ok(Operand {
        guard,
        every: every.map(|every| Box::new(Every { scalar: Scalar::Computed(every_sql, Blank::Equal), ..*every })),
        ..Operand::computed(sql, Blank::Equal)
    })
}

fn refused(function: &str, reason: impl std::fmt::Display) -> ParseError {
    ParseError::new(format!("[{function}] {reason}"))
}
