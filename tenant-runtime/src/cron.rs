//! Schedules as PocketBase writes them: five fields in UTC, or a macro such as `@daily`.
//!
//! The `cron` crate reads seconds and counts weekdays from one, so the same text would mean another time.

use std::str::FromStr;

use chrono::{DateTime, Datelike as _, Timelike as _, Utc};

const MALFORMED: &str = "invalid cron expression - must be a valid macro or to have exactly 5 space separated segments";
/// Minutes, hours, days of the month, months and days of the week from Sunday: the least and the most of each.
const BOUNDS: [(u32, u32); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)];

/// When something is due, to the minute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// One bit for each value of a field.
    fields: [u64; 5],
}

impl Schedule {
    /// Whether the minute of that moment is one of the schedule's.
    pub fn is_due(&self, at: DateTime<Utc>) -> bool {
        let values = [at.minute(), at.hour(), at.day(), at.month(), at.weekday().num_days_from_sunday()];
        self.fields.iter().zip(values).all(|(field, value)| field >> value & 1 == 1)
    }
}

impl FromStr for Schedule {
    /// What is wrong, in the words of stock servers.
    type Err = String;

    fn from_str(text: &str) -> Result<Schedule, String> {
        let text = match text {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            plain => plain,
        };
        let segments: Vec<&str> = text.split(' ').collect();
        let segments: [&str; 5] = segments.try_into().map_err(|_| MALFORMED.to_owned())?;
        let mut fields = [0; 5];
        for ((field, segment), (least, most)) in fields.iter_mut().zip(segments).zip(BOUNDS) {
            for part in segment.split(',') {
                *field |= parse_part(part, least, most)?;
            }
        }
        Ok(Schedule { fields })
    }
}

/// `5`, `1-5`, `*`, each perhaps with a step: `*/10`.
fn parse_part(part: &str, least: u32, most: u32) -> Result<u64, String> {
    let mut pieces = part.split('/');
    let (range, step) = match (pieces.next().unwrap_or_default(), pieces.next(), pieces.next()) {
        (range, None, _) => (range, 1),
        (range, Some(step), None) => {
            let step = number(step)?;
            if step < 1 || step > most {
                return Err(format!("invalid segment step boundary - the step must be between 1 and the {most}"));
            }
            (range, step)
        }
        _ => return Err("invalid segment step format - must be in the format */n or 1-30/n".to_owned()),
    };
    let (first, last) = match range.split('-').collect::<Vec<_>>()[..] {
        ["*"] => (least, most),
        [single] => {
            if part.contains('/') {
                return Err(
                    "invalid segment step - step > 1 could be used only with the wildcard or range format".to_owned()
                );
            }
            let value = number(single)?;
            if value < least || value > most {
                return Err("invalid segment value - must be between the min and max of the segment".to_owned());
            }
            (value, value)
        }
        [first, last] => {
            let first = number(first)?;
            if first < least || first > most {
                return Err(format!("invalid segment range minimum - must be between {least} and {most}"));
            }
            let last = number(last)?;
            if last < first || last > most {
                return Err(format!("invalid segment range maximum - must be between {first} and {most}"));
            }
            (first, last)
        }
        _ => return Err("invalid segment range format - the range must have 1 or 2 parts".to_owned()),
    };
    Ok((first..=last).step_by(step as usize).fold(0, |bits, value| bits | 1 << value))
}

fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| format!("strconv.Atoi: parsing {text:?}: invalid syntax"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minutes_are_matched() {
        let due = |schedule: &str, at: &str| {
            schedule.parse::<Schedule>().expect(schedule).is_due(at.parse().expect("a date"))
        };
        assert!(due("*/15 8-10 * * 1,3", "2024-05-15T08:30:59Z"));
        assert!(!due("*/15 8-10 * * 1,3", "2024-05-15T08:31:00Z"));
        assert!(!due("*/15 8-10 * * 1,3", "2024-05-16T08:30:00Z"), "a Thursday");
        assert!(due("@weekly", "2024-05-19T00:00:00Z") && due("@daily", "2024-05-15T00:00:00Z"));
        assert!(due("5-55/25 * 31 12 *", "2024-12-31T01:30:00Z") && !due("0 0 31 2 *", "2024-03-01T00:00:00Z"));
    }

    #[test]
    fn what_is_no_schedule_is_told_as_observed() {
        for (text, start) in [
            ("nope", "invalid cron expression"),
            ("* * * *", "invalid cron expression"),
            ("61 * * * *", "invalid segment value"),
            ("*/0 * * * *", "invalid segment step boundary - the step must be between 1 and the 59"),
            ("5-1 * * * *", "invalid segment range maximum - must be between 5 and 59"),
            ("a * * * *", "strconv.Atoi: parsing \"a\": invalid syntax"),
            ("1/2/3 * * * *", "invalid segment step format"),
            ("1-2-3 * * * *", "invalid segment range format"),
            ("* * 0 * *", "invalid segment value"),
        ] {
            let error = text.parse::<Schedule>().expect_err(text);
            assert!(error.starts_with(start), "{text}: {error}");
        }
    }
}
