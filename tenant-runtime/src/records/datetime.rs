//! Moments as the database and the wire write them: `2024-05-01 10:00:00.000Z`, always UTC; empty for none.

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Utc};

/// The present moment.
pub fn now() -> String {
    format(Utc::now())
}

/// The database's form; what is below a millisecond is cut off.
pub fn format(moment: DateTime<Utc>) -> String {
    moment.format("%Y-%m-%d %H:%M:%S%.3fZ").to_string()
}

/// RFC 3339 without a fraction when there is none, as validation messages show bounds.
pub fn rfc3339(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}

/// What was typed as the database's form; empty for whatever is no date.
pub fn normalise(text: &str) -> String {
    parse(text).map(format).unwrap_or_default()
}

/// Reads the many forms stock servers accept. A missing offset means UTC.
pub fn parse(text: &str) -> Option<DateTime<Utc>> {
    let bytes = text.as_bytes();
    if bytes.len() < 6 || bytes[0].is_ascii_whitespace() {
        return None;
    }
    if bytes[0].is_ascii_digit() && bytes.get(4) == Some(&b'-') { parse_iso(text) } else { parse_named(text) }
}

/// `YYYY-MM-DD`, alone or followed by a time with seconds, a fraction and an offset.
fn parse_iso(text: &str) -> Option<DateTime<Utc>> {
    let (date, rest) = (text.get(..10)?, text.get(10..)?);
    if !date.bytes().enumerate().all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() }) {
        return None;
    }
    let date = NaiveDate::parse_from_str(date, "%Y-%m-%d").ok()?;
    if rest.is_empty() {
        return Some(date.and_hms_opt(0, 0, 0)?.and_utc());
    }
    let rest = rest.strip_prefix(['T', ' '])?;
    let (clock, rest) = (rest.get(..8)?, rest.get(8..)?);
    if !clock.bytes().enumerate().all(|(at, b)| if at == 2 || at == 5 { b == b':' } else { b.is_ascii_digit() }) {
        return None;
    }
    let digits = rest.strip_prefix('.').map_or(0, |f| f.bytes().take_while(u8::is_ascii_digit).count());
    if rest.starts_with('.') && digits == 0 {
        return None;
    }
    let (fraction, offset) = rest.split_at(if digits > 0 { digits + 1 } else { 0 });
    let fraction = fraction.get(..fraction.len().min(10))?;
    let naive = NaiveDateTime::parse_from_str(&format!("{date} {clock}{fraction}"), "%Y-%m-%d %H:%M:%S%.f").ok()?;
    let minutes = parse_offset(offset)?;
    Some(naive.and_utc() - chrono::TimeDelta::minutes(minutes))
}

/// Minutes east of UTC of ``, `Z`, `+02:00`, `+0200`, each possibly followed by a zone's name.
fn parse_offset(text: &str) -> Option<i64> {
    let offset = text.trim_start_matches(' ');
    if offset.is_empty() && text.is_empty() || offset == "Z" || offset == "UTC" {
        return Some(0);
    }
    let sign = match offset.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let body = &offset[1..];
    let (numbers, rest) = match body.as_bytes() {
        [_, _, b':', _, _, ..] => (format!("{}{}", &body[..2], &body[3..5]), &body[5..]),
        [_, _, _, _, ..] => (body.get(..4)?.to_owned(), body.get(4..)?),
        _ => return None,
    };
    let named = rest.is_empty() || rest.strip_prefix(' ').is_some_and(|zone| !zone.is_empty());
    if !named || !numbers.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i64, i64) = (numbers[..2].parse().ok()?, numbers[2..].parse().ok()?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// The forms with names of days or months. The name of a zone counts as UTC: no server knows them all.
fn parse_named(text: &str) -> Option<DateTime<Utc>> {
    let words: Vec<&str> = text.split(' ').map(|word| if is_zone(word) { "+0000" } else { word }).collect();
    let zoned = words.join(" ");
    if let Ok(moment) = DateTime::parse_from_rfc2822(&zoned) {
        return Some(moment.to_utc());
    }
    for form in ["%a %b %e %H:%M:%S %z %Y", "%A, %d-%b-%y %H:%M:%S %z", "%d %b %y %H:%M %z"] {
        if let Ok(moment) = DateTime::parse_from_str(&zoned, form) {
            return Some(moment.to_utc());
        }
    }
    if let Ok(moment) = NaiveDateTime::parse_from_str(text, "%a %b %e %H:%M:%S %Y") {
        return Some(moment.and_utc());
    }
    match NaiveDate::parse_from_str(text, "%d %b %Y") {
        Ok(date) => date.and_hms_opt(0, 0, 0).map(|naive| naive.and_utc()),
        Err(_) => parse_yearless(text),
    }
}

/// `Jan  2 15:04:05` and `3:04PM`: moments of the year 0.
fn parse_yearless(text: &str) -> Option<DateTime<Utc>> {
    let time_of_day = NaiveDateTime::parse_from_str(&format!("0000-01-01 {text}"), "%Y-%m-%d %I:%M%p");
    let naive = time_of_day.or_else(|_| NaiveDateTime::parse_from_str(&format!("0000 {text}"), "%Y %b %e %H:%M:%S"));
    naive.ok().map(|naive| naive.and_utc())
}

fn is_zone(word: &str) -> bool {
    (3..=5).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stock_servers_accept_is_accepted() {
        for (text, expected) in [
            ("2024-01-02", "2024-01-02 00:00:00.000Z"),
            ("2024-01-02 03:04:05", "2024-01-02 03:04:05.000Z"),
            ("2024-01-02 03:04:05.1234567Z", "2024-01-02 03:04:05.123Z"),
            ("2024-01-02T03:04:05.123456+02:00", "2024-01-02 01:04:05.123Z"),
            ("2024-01-02 03:04:05 +0200", "2024-01-02 01:04:05.000Z"),
            ("2024-01-02 03:04:05 +0200 CEST", "2024-01-02 01:04:05.000Z"),
            ("Tue, 02 Jan 2024 03:04:05 GMT", "2024-01-02 03:04:05.000Z"),
            ("02 Jan 2006", "2006-01-02 00:00:00.000Z"),
        ] {
            assert_eq!(normalise(text), expected, "{text}");
        }
    }

    #[test]
    fn everything_else_is_the_zero_date() {
        for text in [
            "",
            "bad",
            "1700000000",
            "20240102",
            "2024-01",
            "2024/01/02",
            "2024-01-02T03:04",
            "2024-01-02t03:04:05z",
            "2024-1-2",
            " 2024-01-02",
            "2024-01-02 03:04:05+02",
            "2024-13-01",
            "2024-01-02 25:00:00",
        ] {
            assert_eq!(normalise(text), "", "{text}");
        }
    }
}
