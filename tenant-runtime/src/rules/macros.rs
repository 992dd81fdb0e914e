//! `@now` and its kin: identifiers that stand for moments and their parts, always in UTC.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeDelta, Timelike, Utc};

use super::sql::Param;

/// The value of the macro of that name at that moment, if there is such a macro.
pub(super) fn value(name: &str, now: DateTime<Utc>) -> Option<Param> {
    let today = now.date_naive();
    let year = now.year();
    Some(match name.strip_prefix('@')? {
        "now" => moment(now),
        "yesterday" => moment(now - TimeDelta::days(1)),
        "tomorrow" => moment(now + TimeDelta::days(1)),
        "second" => number(now.second()),
        "minute" => number(now.minute()),
        "hour" => number(now.hour()),
        "day" => number(now.day()),
        "month" => number(now.month()),
        "weekday" => number(now.weekday().num_days_from_sunday()),
        "year" => Param::Integer(i64::from(year)),
        "todayStart" => start(today),
        "todayEnd" => end(today),
        "monthStart" => start(today.with_day(1)?),
        "monthEnd" => end(last_of_month(today)?),
        "yearStart" => start(NaiveDate::from_ymd_opt(year, 1, 1)?),
        "yearEnd" => end(NaiveDate::from_ymd_opt(year, 12, 31)?),
        _ => return None,
    })
}

fn last_of_month(day: NaiveDate) -> Option<NaiveDate> {
    let next = match day.month() {
        12 => NaiveDate::from_ymd_opt(day.year() + 1, 1, 1)?,
        month => NaiveDate::from_ymd_opt(day.year(), month + 1, 1)?,
    };
    next.checked_sub_days(Days::new(1))
}

fn start(day: NaiveDate) -> Param {
    moment(day.and_time(NaiveTime::MIN).and_utc())
}

fn end(day: NaiveDate) -> Param {
    moment(day.and_time(NaiveTime::MIN).and_utc() + TimeDelta::milliseconds(86_399_999))
}

fn moment(at: DateTime<Utc>) -> Param {
    Param::Text(at.format("%Y-%m-%d %H:%M:%S%.3fZ").to_string())
}

fn number(value: u32) -> Param {
    Param::Integer(i64::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(moment: &str, name: &str) -> Option<Param> {
        value(name, moment.parse().expect("a date"))
    }

    fn text(value: &str) -> Option<Param> {
        Some(Param::Text(value.to_owned()))
    }

    #[test]
    fn moments_have_the_form_dates_are_stored_in() {
        let now = "2024-02-29T13:05:09.120Z";
        assert_eq!(at(now, "@now"), text("2024-02-29 13:05:09.120Z"));
        assert_eq!(at(now, "@yesterday"), text("2024-02-28 13:05:09.120Z"));
        assert_eq!(at(now, "@tomorrow"), text("2024-03-01 13:05:09.120Z"));
        assert_eq!(at(now, "@todayStart"), text("2024-02-29 00:00:00.000Z"));
        assert_eq!(at(now, "@todayEnd"), text("2024-02-29 23:59:59.999Z"));
        assert_eq!(at(now, "@monthStart"), text("2024-02-01 00:00:00.000Z"));
        assert_eq!(at(now, "@monthEnd"), text("2024-02-29 23:59:59.999Z"));
        assert_eq!(at(now, "@yearStart"), text("2024-01-01 00:00:00.000Z"));
        assert_eq!(at(now, "@yearEnd"), text("2024-12-31 23:59:59.999Z"));
        assert_eq!(at("2023-12-31T00:00:00Z", "@monthEnd"), text("2023-12-31 23:59:59.999Z"));
    }

    #[test]
    fn parts_are_integers_and_weeks_start_on_sunday() {
        let sunday = "2024-05-05T07:08:09Z";
        let parts = ["@second", "@minute", "@hour", "@day", "@month", "@weekday", "@year"];
        let values = [9, 8, 7, 5, 5, 0, 2024];
        for (name, value) in parts.into_iter().zip(values) {
            assert_eq!(at(sunday, name), Some(Param::Integer(value)), "{name}");
        }
        assert_eq!(at(sunday, "@decade"), None);
        assert_eq!(at(sunday, "now"), None);
    }
}
