//! The functions of the filter language.

use super::ParseError;
use super::ast::Term;
use super::compile::Compiler;
use super::operand::{Blank, Every, Operand, Scalar, Side};
use super::sql::Sql;

/// The Earth's mean radius in kilometres.
const EARTH_RADIUS: f64 = 6371.0;

/// Kilometres between two points given in degrees, by the spherical law of cosines. Connections offer it to SQL as
/// `geoDistance(lonA, latA, lonB, latB)`, which is `NULL` when an argument is.
pub fn geo_distance(lon_a: f64, lat_a: f64, lon_b: f64, lat_b: f64) -> f64 {
    let (lat_a, lat_b) = (lat_a.to_radians(), lat_b.to_radians());
    let angle = (lon_b - lon_a).to_radians();
    let cosine = lat_a.cos() * lat_b.cos() * angle.cos() + lat_a.sin() * lat_b.sin();
    // rounding may carry the cosine of no distance at all past 1
    EARTH_RADIUS * cosine.clamp(-1.0, 1.0).acos()
}

/// A call's result.
pub(super) fn call(
    compiler: &mut Compiler<'_>,
    name: &str,
    arguments: &[Term],
    side: Side,
) -> Result<Operand, ParseError> {
    match name {
        "geoDistance" => geo_distance_call(compiler, arguments, side),
        "strftime" => strftime(compiler, arguments, side),
        _ => Err(ParseError::new(format!("unknown function {name:?}"))),
    }
}

/// `geoDistance(lonA, latA, lonB, latB)`: an SQL function of the same name does it. Of many values any will do.
fn geo_distance_call(compiler: &mut Compiler<'_>, arguments: &[Term], side: Side) -> Result<Operand, ParseError> {
    if arguments.len() != 4 {
        return Err(ParseError::new("geoDistance takes exactly 4 arguments"));
    }
    let mut sql = Sql::raw("geoDistance(");
    let mut guard = None;
    for (at, term) in arguments.iter().enumerate() {
        if !matches!(term, Term::Identifier(_) | Term::Number(_)) {
            return Err(ParseError::new("geoDistance takes identifiers and numbers"));
        }
        let operand = compiler.operand(term, side)?;
        sql.push(if at == 0 { "" } else { ", " });
        sql.append(&operand.scalar.to_sql());
        guard = guard.or(operand.guard);
    }
    sql.push(")");
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_on_a_sphere() {
        let sofia_to_plovdiv = geo_distance(23.32, 42.69, 24.75, 42.13);
        assert!((sofia_to_plovdiv - 132.8).abs() < 0.5, "{sofia_to_plovdiv}");
        assert_eq!(geo_distance(23.32, 42.69, 23.32, 42.69), 0.0);
        let half_the_equator = geo_distance(0.0, 0.0, 180.0, 0.0);
        assert!((half_the_equator - 20015.1).abs() < 0.1, "{half_the_equator}");
    }
}
