//! Answers as texts: every cell is a string or null, numbers as Go writes them.

use anyhow::anyhow;
use rusqlite::Statement;
use rusqlite::types::ValueRef;

use super::{Column, MOST_BYTES, MOST_ROWS};
use crate::error::{Error, Result};

/// There is nobody to give values.
pub(super) fn check_no_parameters(statement: &Statement<'_>) -> Result<()> {
    if statement.parameter_count() == 0 {
        return Ok(());
    }
    Err(Error::Internal(match statement.parameter_name(1) {
        Some(name) if !name.starts_with('?') => anyhow!("missing named argument {:?}", &name[1..]),
        _ => anyhow!("missing argument with index 1"),
    }))
}

pub(super) fn columns(statement: &Statement<'_>) -> Vec<Column> {
    let shown = |column: &rusqlite::Column<'_>| Column {
        name: column.name().to_owned(),
        kind: column.decl_type().unwrap_or_default().to_uppercase(),
    };
    statement.columns().iter().map(shown).collect()
}

/// The first rows; the rest of the statement runs all the same if it writes.
pub(super) fn rows(statement: &mut Statement<'_>, width: usize) -> Result<Vec<Vec<Option<String>>>> {
    let writes = !statement.readonly();
    let (mut shown, mut bytes) = (Vec::new(), 0);
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        if shown.len() == MOST_ROWS {
            if writes {
                continue;
            }
            break;
        }
        let cells = (0..width).map(|at| Ok(text(row.get_ref(at)?))).collect::<Result<Vec<_>>>()?;
        bytes += cells.iter().flatten().map(String::len).sum::<usize>();
        if bytes > MOST_BYTES {
            return Err(Error::Internal(anyhow!("the answer is larger than {} MiB", MOST_BYTES >> 20)));
        }
        shown.push(cells);
    }
    Ok(shown)
}

fn text(value: ValueRef<'_>) -> Option<String> {
    match value {
        ValueRef::Null => None,
        ValueRef::Integer(number) => Some(number.to_string()),
        ValueRef::Real(number) => Some(float(number)),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
    }
}

/// The shortest digits that mean the number, with an exponent from a million on and below a ten-thousandth.
fn float(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let Some((digits, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) {
        return number.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        for (number, expected) in [
            (1.5, "1.5"),
            (1e20, "1e+20"),
            (1_000_000.0, "1e+06"),
            (123_456.0, "123456"),
            (1_234_567.5, "1.2345675e+06"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (-2.5, "-2.5"),
            (3.0, "3"),
            (0.0, "0"),
            (1e300, "1e+300"),
            (f64::INFINITY, "+Inf"),
        ] {
            assert_eq!(float(number), expected);
        }
    }

    #[test]
    fn blobs_are_shown_as_the_text_they_may_be() {
        assert_eq!(text(ValueRef::Blob(b"a\xffb")).as_deref(), Some("a\u{fffd}b"));
        assert_eq!(text(ValueRef::Null), None);
    }
}
