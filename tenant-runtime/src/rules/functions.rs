//! The functions of the filter language.

use super::ParseError;
use super::ast::Term;
use super::compile::Compiler;
use super::operand::{Blank, Every, Operand, Scalar, Side};
use super::sql::Sql;

/// The Earth's mean radius in kilometres.
const EARTH_RADIUS: &str = "6371";

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

/// `geoDistance(lonA, latA, lonB, latB)`: kilometres by the spherical law of cosines. Of many values any will do.
fn geo_distance(compiler: &mut Compiler<'_>, arguments: &[Term], side: Side) -> Result<Operand, ParseError> {
    let [lon_a, lat_a, lon_b, lat_b] = arguments else {
        return Err(ParseError::new("geoDistance takes exactly 4 arguments"));
    };
    let mut guard = None;
    let mut radians = |term: &Term| -> Result<Sql, ParseError> {
        if !matches!(term, Term::Identifier(_) | Term::Number(_)) {
            return Err(ParseError::new("geoDistance takes identifiers and numbers"));
        }
        let operand = compiler.operand(term, side)?;
        guard = guard.take().or(operand.guard);
        Ok(operand.scalar.to_sql().wrapped("radians(", ")"))
    };
    let (lon_a, lat_a) = (radians(lon_a)?, radians(lat_a)?);
    let (lon_b, lat_b) = (radians(lon_b)?, radians(lat_b)?);
    // rounding may carry the cosine of no distance at all past 1, which acos() answers with NULL
    let mut sql = Sql::raw(format!("({EARTH_RADIUS} * acos(max(-1, min(1, cos("));
    sql.append(&lat_a).push(") * cos(").append(&lat_b);
    sql.push(") * cos(").append(&lon_b).push(" - ").append(&lon_a);
    sql.push(") + sin(").append(&lat_a).push(") * sin(");
    sql.append(&lat_b).push(")))))");
    Ok(Operand { guard, ..Operand::computed(sql, Blank::Distinct) })
}

/// `strftime(format[, time[, modifier…]])`, as SQLite has it.
fn strftime(compiler: &mut Compiler<'_>, arguments: &[Term], side: Side) -> Result<Operand, ParseError> {
    if !(1..=10).contains(&arguments.len()) {
        return Err(ParseError::new("strftime takes 1 to 10 arguments"));
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
            return Err(ParseError::new(format!("strftime does not take such an argument {}", at + 1)));
        }
        let operand = compiler.operand(term, side)?;
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
