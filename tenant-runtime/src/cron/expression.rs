//! Cron expressions as PocketBase reads them: five fields, Sunday is 0, days of month and week must both fit.
//!
//! The calendar is the `cron` crate's. It wants seconds first and counts the days of the week from 1, so what it is
//! given is written out in full: lists of plain numbers.

use std::fmt::Write as _;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use cron::Schedule;

/// When something is due, in UTC.
#[derive(Clone, Debug)]
pub struct Expression {
    text: String,
    schedule: Schedule,
}

/// Why a text is no expression.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidExpression {
    /// It has more or fewer fields.
    #[error("invalid cron expression - expected 5 fields separated by single spaces, got {0}")]
    Fields(usize),
    /// One of them is not understood.
    #[error("invalid cron field {0:?}: {1}")]
    Field(String, &'static str),
}

/// The lowest and highest number of each field.
const BOUNDS: [(u8, u8); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)];
const DAY_OF_WEEK: usize = 4;
const MACROS: [(&str, &str); 7] = [
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
    ("@monthly", "0 0 1 * *"),
    ("@weekly", "0 0 * * 0"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@hourly", "0 * * * *"),
];

impl Expression {
    /// The five fields.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first moment after that one when it is due; none for a day no year has.
    pub fn next_after(&self, moment: DateTime<Utc>) -> Option<DateTime<Utc>> {
        self.schedule.after(&moment).next()
    }
}

impl FromStr for Expression {
    type Err = InvalidExpression;

    fn from_str(text: &str) -> Result<Expression, InvalidExpression> {
        let text = MACROS.iter().find(|(name, _)| *name == text).map_or(text, |(_, fields)| fields);
        let fields: Vec<&str> = text.split(' ').collect();
        if fields.len() != BOUNDS.len() {
            return Err(InvalidExpression::Fields(fields.len()));
        }
        let mut translated = "0".to_owned();
        for (at, (field, bounds)) in fields.iter().zip(BOUNDS).enumerate() {
            let shift = u8::from(at == DAY_OF_WEEK);
            let numbers =
                numbers(field, bounds).map_err(|reason| InvalidExpression::Field((*field).to_owned(), reason))?;
            for (at, number) in numbers.into_iter().enumerate() {
                let _ = write!(translated, "{}{}", if at == 0 { ' ' } else { ',' }, number + shift);
            }
        }
        let schedule = translated.parse();
        let schedule = schedule.map_err(|_| InvalidExpression::Field(text.to_owned(), "it cannot be scheduled"))?;
        Ok(Expression { text: text.to_owned(), schedule })
    }
}

/// The numbers a field stands for, in order: `*`, `*/2`, `5`, `1-5`, `1-5/2`, and lists of them.
fn numbers(field: &str, (lowest, highest): (u8, u8)) -> Result<Vec<u8>, &'static str> {
    let mut numbers = Vec::new();
    for part in field.split(',') {
        let (range, step) = match part.split_once('/') {
            None => (part, None),
            Some((range, step)) => (range, Some(number(step, (1, highest))?)),
        };
        let (first, last) = match range.split_once('-') {
            _ if range == "*" => (lowest, highest),
            Some((first, last)) => (number(first, (lowest, highest))?, number(last, (lowest, highest))?),
            None if step.is_some() => return Err("a step needs a range before it"),
            None => number(range, (lowest, highest)).map(|number| (number, number))?,
        };
        if first > last {
            return Err("a range goes from low to high");
        }
        numbers.extend((first..=last).step_by(usize::from(step.unwrap_or(1))));
    }
    numbers.sort_unstable();
    numbers.dedup();
    Ok(numbers)
}

fn number(text: &str, (lowest, highest): (u8, u8)) -> Result<u8, &'static str> {
    let number = text.parse().map_err(|_| "it is no number")?;
    if (lowest..=highest).contains(&number) { Ok(number) } else { Err("it is out of range") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The next three moments after a Wednesday.
    fn next(text: &str) -> Vec<String> {
        let mut moment = "2025-01-01T10:30:30Z".parse().expect("a date");
        let expression: Expression = text.parse().expect("sound");
        let mut moments = Vec::new();
        while let Some(next) = expression.next_after(moment).filter(|_| moments.len() < 3) {
            moments.push(next.format("%a %F %R").to_string());
            moment = next;
        }
        moments
    }

    #[test]
    fn minutes_and_hours() {
        assert_eq!(next("* * * * *"), ["Wed 2025-01-01 10:31", "Wed 2025-01-01 10:32", "Wed 2025-01-01 10:33"]);
        assert_eq!(next("0 */6 * * *"), ["Wed 2025-01-01 12:00", "Wed 2025-01-01 18:00", "Thu 2025-01-02 00:00"]);
        assert_eq!(
            next("5-15/5,50 11 * * *"),
            ["Wed 2025-01-01 11:05", "Wed 2025-01-01 11:10", "Wed 2025-01-01 11:15"]
        );
        assert_eq!(next("@hourly"), ["Wed 2025-01-01 11:00", "Wed 2025-01-01 12:00", "Wed 2025-01-01 13:00"]);
    }

    #[test]
    fn the_week_begins_with_sunday_as_0() {
        assert_eq!(next("0 0 * * 0"), ["Sun 2025-01-05 00:00", "Sun 2025-01-12 00:00", "Sun 2025-01-19 00:00"]);
        assert_eq!(next("0 0 * * 5-6"), ["Fri 2025-01-03 00:00", "Sat 2025-01-04 00:00", "Fri 2025-01-10 00:00"]);
        assert_eq!(next("0 0 * * */3"), ["Sat 2025-01-04 00:00", "Sun 2025-01-05 00:00", "Wed 2025-01-08 00:00"]);
    }

    #[test]
    fn day_of_month_and_day_of_week_must_both_fit() {
        assert_eq!(next("0 0 13 * 5"), ["Fri 2025-06-13 00:00", "Fri 2026-02-13 00:00", "Fri 2026-03-13 00:00"]);
        assert_eq!(next("0 0 31 2 *"), Vec::<String>::new());
    }

    #[test]
    fn macros_are_listed_expanded() {
        let expression: Expression = "@weekly".parse().expect("sound");
        assert_eq!(expression.as_str(), "0 0 * * 0");
    }

    #[test]
    fn what_is_no_expression_is_refused() {
        for text in [
            "",
            "* * * *",
            "* * * * * *",
            "*  * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 7",
            "* * * JAN *",
            "* * * * MON",
            "5/2 * * * *",
            "*/0 * * * *",
            "9-3 * * * *",
            "1, * * * *",
            "-1 * * * *",
            "@never",
            "@reboot",
        ] {
            assert!(text.parse::<Expression>().is_err(), "{text:?}");
        }
    }
}
