//! Schedules as PocketBase writes them: five fields in UTC, or a macro such as `@daily`. Days of the month and of the week
//! must both fit.
//!
//! The calendar is the `cron` crate's. It reads seconds first and counts the days of the week from one, so the same text
//! would mean another time: it is given every value written out.

use std::str::FromStr;

use chrono::{DateTime, TimeZone};

const MALFORMED: &str = "invalid cron expression - must be a valid macro or to have exactly 5 space separated segments";
/// Minutes, hours, days of the month, months and days of the week from Sunday: the least and the most of each.
const BOUNDS: [(u32, u32); 5] = [(0, 59), (0, 23), (1, 31), (1, 12), (0, 6)];
const DAY_OF_WEEK: usize = 4;

/// When something is due, to the minute.
#[derive(Clone, Debug)]
pub struct Schedule {
    text: String,
    calendar: cron::Schedule,
}

impl Schedule {
    /// The five fields; those a macro stands for.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first moment after that one when it is due; none for a day no year has.
    pub fn next_after<Z: TimeZone>(&self, moment: DateTime<Z>) -> Option<DateTime<Z>> {
        self.calendar.after(&moment).next()
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
        let mut translated = "0".to_owned();
        for (at, (segment, (least, most))) in segments.into_iter().zip(BOUNDS).enumerate() {
            let mut values = 0_u64;
            for part in segment.split(',') {
                values |= parse_part(part, least, most)?;
            }
            let shift = u32::from(at == DAY_OF_WEEK);
            let values = (least..=most).filter(|value| values >> value & 1 == 1);
            let values: Vec<String> = values.map(|value| (value + shift).to_string()).collect();
            translated.push(' ');
            translated.push_str(&values.join(","));
        }
        let calendar = translated.parse().map_err(|_| MALFORMED.to_owned())?;
        Ok(Schedule { text: text.to_owned(), calendar })
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
    use chrono::Utc;

    use super::*;

    /// The next three moments after a Wednesday.
    fn next(text: &str) -> Vec<String> {
        let mut moment = "2025-01-01T10:30:30Z".parse::<DateTime<Utc>>().expect("a date");
        let schedule: Schedule = text.parse().expect("sound");
        let mut moments = Vec::new();
        while let Some(next) = schedule.next_after(moment).filter(|_| moments.len() < 3) {
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
        let schedule: Schedule = "@weekly".parse().expect("sound");
        assert_eq!(schedule.as_str(), "0 0 * * 0");
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
