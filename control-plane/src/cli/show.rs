//! What commands print: tables and sentences for people, the API's own JSON for programs.

use std::io::Write as _;

use chrono::{DateTime, Local};
use serde_json::Value as Json;

/// A column of a table: its title, and what it shows of an item.
pub(super) type Column = (&'static str, fn(&Json) -> String);

/// Prints lines; whoever reads may have seen enough before their end.
pub(super) fn print(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Prints an answer on one line.
pub(super) fn json(answer: &Json) {
    print(&answer.to_string());
}

/// Prints the items of a list as a table, or the whole answer.
pub(super) fn list(as_json: bool, answer: &Json, columns: &[Column]) {
    if as_json {
        return json(answer);
    }
    match answer["items"].as_array().map(Vec::as_slice).unwrap_or_default() {
        [] => print("None."),
        items => print(&table(items, columns)),
    }
}

/// Prints one thing, a line for each column, or the whole answer.
pub(super) fn one(as_json: bool, answer: &Json, columns: &[Column]) {
    if as_json {
        return json(answer);
    }
    let width = columns.iter().map(|(title, _)| title.len()).max().unwrap_or_default();
    for (title, cell) in columns {
        let value = cell(answer);
        if !value.is_empty() {
            print(&format!("{title:width$}  {value}"));
        }
    }
}

/// Prints a sentence, or the whole answer.
pub(super) fn sentence(as_json: bool, answer: &Json, sentence: &str) {
    if as_json { json(answer) } else { print(sentence) }
}

fn table(items: &[Json], columns: &[Column]) -> String {
    let mut rows = vec![columns.iter().map(|(title, _)| (*title).to_uppercase()).collect::<Vec<_>>()];
    rows.extend(items.iter().map(|item| columns.iter().map(|(_, cell)| cell(item)).collect()));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
        cells.join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// A text or a number; nothing for what is absent.
pub(super) fn text(value: &Json) -> String {
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A moment in the local time zone, from milliseconds since the epoch.
pub(super) fn moment(value: &Json) -> String {
    let moment = value.as_i64().filter(|ms| *ms > 0).and_then(DateTime::from_timestamp_millis);
    moment.map(|moment| moment.with_timezone(&Local).format("%Y-%m-%d %H:%M:%S").to_string()).unwrap_or_default()
}

/// A size with a unit people read.
pub(super) fn bytes(value: &Json) -> String {
    let Some(bytes) = value.as_f64() else { return String::new() };
    let mut size = bytes;
    for unit in ["B", "kB", "MB", "GB"] {
        if size < 1024.0 {
            return if unit == "B" { format!("{size} {unit}") } else { format!("{size:.1} {unit}") };
        }
        size /= 1024.0;
    }
    format!("{size:.1} TB")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let items = [json!({ "slug": "orchard", "bytes": 2048 }), json!({ "slug": "b", "bytes": null })];
        let columns: [Column; 2] = [("project", |item| text(&item["slug"])), ("size", |item| bytes(&item["bytes"]))];
        assert_eq!(table(&items, &columns), "PROJECT  SIZE\norchard  2.0 kB\nb");
    }

    #[test]
    fn sizes_and_moments_are_for_people() {
        let shown = [0, 1023, 1 << 20, 5 << 40].map(|size: u64| bytes(&json!(size)));
        assert_eq!(shown, ["0 B", "1023 B", "1.0 MB", "5.0 TB"]);
        assert_eq!((moment(&Json::Null), moment(&json!(0))), (String::new(), String::new()));
    }
}
