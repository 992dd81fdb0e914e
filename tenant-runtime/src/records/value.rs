//! One field's value: cast from what a client sends, read from and written to a column, written as JSON.

use std::borrow::Cow;

use rusqlite::types::{ToSqlOutput, Value as Sql, ValueRef};
use serde_json::Value as Json;

use super::datetime;
use crate::json;
use crate::schema::{Field, FieldKind};

/// A value in the form of its field's type.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// text, editor, email, url, date, autodate, password (its hash), and single select, file and relation.
    Text(String),
    /// number.
    Number(f64),
    /// bool.
    Bool(bool),
    /// Multiple select, file and relation: unique and not empty.
    List(Vec<String>),
    /// json: its text, or nothing for the database's NULL.
    Json(Option<String>),
    /// geoPoint.
    Geo {
        /// Degrees east.
        lon: f64,
        /// Degrees north.
        lat: f64,
    },
}

impl Value {
    /// What an absent value is.
    pub fn zero(field: &Field) -> Value {
        match &field.kind {
            FieldKind::Number(_) => Value::Number(0.0),
            FieldKind::Bool => Value::Bool(false),
            FieldKind::Json(_) => Value::Json(None),
            FieldKind::GeoPoint => Value::Geo { lon: 0.0, lat: 0.0 },
            _ if field.is_multiple() => Value::List(Vec::new()),
            _ => Value::Text(String::new()),
        }
    }

    /// What a client's value becomes. Never fails: what does not fit becomes the zero value, or one that validation
    /// will refuse.
    pub fn cast(field: &Field, given: &Json) -> Value {
        match &field.kind {
            FieldKind::Number(_) => Value::Number(cast_number(given)),
            FieldKind::Bool => Value::Bool(cast_bool(given)),
            FieldKind::Date(_) => Value::Text(given.as_str().map(datetime::normalise).unwrap_or_default()),
            FieldKind::Json(_) => Value::Json(cast_json(given)),
            FieldKind::GeoPoint => cast_geo(given),
            FieldKind::Select(_) | FieldKind::File(_) | FieldKind::Relation(_) => {
                let mut list = cast_list(given);
                if field.is_multiple() { Value::List(list) } else { Value::Text(list.pop().unwrap_or_default()) }
            }
            _ => Value::Text(cast_text(given)),
        }
    }

    /// What a column holds. Tolerates NULL and other types: older files have them.
    pub fn from_column(field: &Field, column: ValueRef<'_>) -> Value {
        match &field.kind {
            FieldKind::Number(_) => Value::Number(match column {
                ValueRef::Integer(number) => number as f64,
                ValueRef::Real(number) => number,
                ValueRef::Text(text) => std::str::from_utf8(text).map_or(0.0, parse_number),
                _ => 0.0,
            }),
            FieldKind::Bool => Value::Bool(match column {
                ValueRef::Integer(number) => number != 0,
                ValueRef::Real(number) => number != 0.0,
                ValueRef::Text(text) => is_true(&String::from_utf8_lossy(text)),
                _ => false,
            }),
            FieldKind::Json(_) => Value::Json(match column {
                ValueRef::Null => None,
                ValueRef::Integer(number) => Some(number.to_string()),
                ValueRef::Real(number) => Some(json::number_text(number)),
                ValueRef::Text(text) | ValueRef::Blob(text) => Some(json_or_string(&String::from_utf8_lossy(text))),
            }),
            FieldKind::GeoPoint => cast_geo(&Json::String(column_text(column).into_owned())),
            FieldKind::Select(_) | FieldKind::File(_) | FieldKind::Relation(_) => {
                let mut list = list_from_text(&column_text(column));
                if field.is_multiple() { Value::List(list) } else { Value::Text(list.pop().unwrap_or_default()) }
            }
            _ => Value::Text(column_text(column).into_owned()),
        }
    }

    /// The text, or nothing for other types.
    pub fn as_text(&self) -> &str {
        match self {
            Value::Text(text) => text,
            _ => "",
        }
    }

    /// Whether it is true; false for other types.
    pub fn is_true(&self) -> bool {
        matches!(self, Value::Bool(true))
    }

    /// The values of a list, or the one of a single text if it has one.
    pub fn items(&self) -> &[String] {
        match self {
            Value::List(items) => items,
            Value::Text(text) if !text.is_empty() => std::slice::from_ref(text),
            _ => &[],
        }
    }

    /// Whether `required` refuses it.
    pub fn is_empty(&self) -> bool {
        match self {
            Value::Text(text) => text.is_empty(),
            Value::Number(number) => *number == 0.0,
            Value::Bool(value) => !value,
            Value::List(items) => items.is_empty(),
            Value::Json(text) => {
                matches!(text.as_deref().map(str::trim), None | Some("null" | "\"\"" | "[]" | "{}" | ""))
            }
            Value::Geo { lon, lat } => *lon == 0.0 && *lat == 0.0,
        }
    }

    /// What is bound to the column.
    pub fn to_sql(&self) -> Sql {
        match self {
            Value::Text(text) => Sql::Text(text.clone()),
            Value::Number(number) => number_to_sql(*number),
            Value::Bool(value) => Sql::Integer(i64::from(*value)),
            Value::List(items) => Sql::Text(list_text(items)),
            Value::Json(Some(text)) => Sql::Text(text.clone()),
            Value::Json(None) => Sql::Null,
            Value::Geo { lon, lat } => {
                Sql::Text(format!(r#"{{"lon":{},"lat":{}}}"#, json::number_text(*lon), json::number_text(*lat)))
            }
        }
    }

    /// Appends what the API shows.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match self {
            Value::Text(text) => json::write_string(out, text),
            Value::Number(number) => json::write_number(out, *number),
            Value::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
            Value::List(items) => write_list(out, items),
            Value::Json(Some(text)) => json::write_compact(out, text),
            Value::Json(None) => out.extend_from_slice(b"null"),
            Value::Geo { lon, lat } => {
                out.extend_from_slice(b"{\"lon\":");
                json::write_number(out, *lon);
                out.extend_from_slice(b",\"lat\":");
                json::write_number(out, *lat);
                out.push(b'}');
            }
        }
    }

    /// What the API shows, as a value.
    pub fn to_json(&self) -> Json {
        match self {
            Value::Text(text) => Json::String(text.clone()),
            Value::Number(number) => number_to_json(*number),
            Value::Bool(value) => Json::Bool(*value),
            Value::List(items) => items.iter().cloned().map(Json::String).collect(),
            Value::Json(text) => text.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default(),
            Value::Geo { lon, lat } => serde_json::json!({"lon": number_to_json(*lon), "lat": number_to_json(*lat)}),
        }
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Value::Text(text) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            Value::Json(Some(text)) => ToSqlOutput::Borrowed(ValueRef::Text(text.as_bytes())),
            other => ToSqlOutput::Owned(Value::to_sql(other)),
        })
    }
}

/// Appends what the API shows of a column, without going through a [`Value`] where the bytes are right already.
pub fn write_column(field: &Field, column: ValueRef<'_>, out: &mut Vec<u8>) {
    match (&field.kind, column) {
        (FieldKind::Number(_), ValueRef::Integer(number)) if number.unsigned_abs() < 1 << 53 => {
            out.extend_from_slice(number.to_string().as_bytes());
        }
        (FieldKind::Bool, ValueRef::Integer(number)) => {
            out.extend_from_slice(if number != 0 { b"true" } else { b"false" });
        }
        (
            FieldKind::Text(_)
            | FieldKind::Editor(_)
            | FieldKind::Email(_)
            | FieldKind::Url(_)
            | FieldKind::Date(_)
            | FieldKind::Autodate(_),
            ValueRef::Text(text),
        ) => json::write_string(out, &String::from_utf8_lossy(text)),
        _ => Value::from_column(field, column).write_json(out),
    }
}

/// A whole number small enough is an integer on the wire and on disk.
fn number_to_json(number: f64) -> Json {
    if number.fract() == 0.0 && number.abs() < 9e15 {
        Json::from(number as i64)
    } else {
        serde_json::Number::from_f64(number).map_or(Json::Null, Json::Number)
    }
}

fn number_to_sql(number: f64) -> Sql {
    if number.fract() == 0.0 && number.abs() < 9e15 { Sql::Integer(number as i64) } else { Sql::Real(number) }
}

/// The JSON text a list is stored as.
pub fn list_text(items: &[String]) -> String {
    let mut out = Vec::new();
    write_list(&mut out, items);
    String::from_utf8(out).unwrap_or_default()
}

fn write_list(out: &mut Vec<u8>, items: &[String]) {
    out.push(b'[');
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        json::write_string(out, item);
    }
    out.push(b']');
}

/// The text of a column of any type; NULL is empty.
pub fn column_text(column: ValueRef<'_>) -> Cow<'_, str> {
    match column {
        ValueRef::Null => Cow::Borrowed(""),
        ValueRef::Integer(number) => Cow::Owned(number.to_string()),
        ValueRef::Real(number) => Cow::Owned(json::number_text(number)),
        ValueRef::Text(text) | ValueRef::Blob(text) => String::from_utf8_lossy(text),
    }
}

/// Numbers and booleans as text; what has no text is empty.
pub fn cast_text(given: &Json) -> String {
    match given {
        Json::String(text) => text.clone(),
        Json::Number(number) => number.as_f64().unwrap_or_default().to_string(),
        Json::Bool(value) => value.to_string(),
        Json::Null | Json::Array(_) | Json::Object(_) => String::new(),
    }
}

/// Numbers, booleans and texts as a number; 0 for what is none.
pub fn cast_number(given: &Json) -> f64 {
    match given {
        Json::Number(number) => number.as_f64().unwrap_or_default(),
        Json::Bool(value) => f64::from(u8::from(*value)),
        Json::String(text) => parse_number(text),
        _ => 0.0,
    }
}

/// Decimal notation with an optional exponent and `_` between digits; anything else is 0, but the words for infinity
/// and not-a-number are what they say, so that validation can refuse them. Digits beyond every bound are 0, too.
fn parse_number(text: &str) -> f64 {
    let plain = text.replace('_', "");
    let number = plain.parse().unwrap_or(0.0);
    if f64::is_infinite(number) && plain.contains(|c: char| c.is_ascii_digit()) { 0.0 } else { number }
}

fn cast_bool(given: &Json) -> bool {
    match given {
        Json::Bool(value) => *value,
        Json::Number(number) => number.as_f64().is_some_and(|number| number != 0.0),
        Json::String(text) => is_true(text),
        _ => false,
    }
}

fn is_true(text: &str) -> bool {
    matches!(text, "1" | "t" | "T" | "TRUE" | "true" | "True")
}

/// A list of distinct, non-empty texts.
pub fn cast_list(given: &Json) -> Vec<String> {
    match given {
        Json::String(text) => list_from_text(text),
        Json::Array(items) => distinct(items.iter().map(cast_text)),
        Json::Number(_) | Json::Bool(_) => distinct(std::iter::once(cast_text(given))),
        Json::Null | Json::Object(_) => Vec::new(),
    }
}

/// A text that is a JSON list is that list, any other is its only item.
fn list_from_text(text: &str) -> Vec<String> {
    if text.contains('[')
        && let Ok(Json::Array(items)) = serde_json::from_str::<Json>(text)
    {
        return distinct(items.iter().map(cast_text));
    }
    if text.is_empty() { Vec::new() } else { vec![text.to_owned()] }
}

fn distinct(items: impl Iterator<Item = String>) -> Vec<String> {
    let mut list: Vec<String> = Vec::new();
    for item in items {
        if !item.is_empty() && !list.contains(&item) {
            list.push(item);
        }
    }
    list
}

fn cast_json(given: &Json) -> Option<String> {
    match given {
        Json::Null => None,
        Json::String(text) => Some(json_or_string(text)),
        other => Some(json::text(other)),
    }
}

/// A string that looks like JSON and is JSON stands for itself, any other for a JSON string.
fn json_or_string(text: &str) -> String {
    let looks = matches!(text, "null" | "true" | "false")
        || text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '-' | '"' | '[' | '{'));
    if looks && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok() {
        return text.to_owned();
    }
    json::text(&Json::String(text.to_owned()))
}

fn cast_geo(given: &Json) -> Value {
    let parsed;
    let object = match given {
        Json::String(text) => {
            parsed = serde_json::from_str::<Json>(text).unwrap_or_default();
            &parsed
        }
        other => other,
    };
    let degrees = |key| object.get(key).map(cast_number).unwrap_or_default();
    Value::Geo { lon: degrees("lon"), lat: degrees("lat") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::field::{DateOptions, JsonOptions, NumberOptions, SelectOptions, TextOptions};
    use serde_json::json;

    fn cast(kind: FieldKind, given: Json) -> Json {
        Value::cast(&Field::new("f", kind), &given).to_json()
    }

    #[test]
    fn numbers_are_cast_as_observed() {
        let pairs = [
            (json!("1"), json!(1)),
            (json!("1e3"), json!(1000)),
            (json!(1.5), json!(1.5)),
            (json!(true), json!(1)),
            (json!("abc"), json!(0)),
            (json!(""), json!(0)),
            (json!(null), json!(0)),
            (json!(" 5 "), json!(0)),
            (json!("0x10"), json!(0)),
            (json!(-0.0), json!(0)),
            (json!("1_000"), json!(1000)),
            (json!(".5"), json!(0.5)),
        ];
        for (given, expected) in pairs {
            assert_eq!(cast(FieldKind::Number(NumberOptions::default()), given.clone()), expected, "{given}");
        }
    }

    #[test]
    fn booleans_are_cast_as_observed() {
        for (given, expected) in [
            (json!("1"), true),
            (json!("t"), true),
            (json!(2), true),
            (json!("yes"), false),
            (json!(0), false),
            (json!(null), false),
        ] {
            assert_eq!(cast(FieldKind::Bool, given.clone()), json!(expected), "{given}");
        }
    }

    #[test]
    fn texts_and_dates_are_cast_as_observed() {
        for (given, expected) in [(json!(123), "123"), (json!(true), "true"), (json!(["a"]), ""), (json!(null), "")] {
            assert_eq!(cast(FieldKind::Text(TextOptions::default()), given.clone()), json!(expected), "{given}");
        }
        for given in [json!("bad"), json!(1_700_000_000), json!("1700000000"), json!("20240102")] {
            assert_eq!(cast(FieldKind::Date(DateOptions::default()), given.clone()), json!(""), "{given}");
        }
    }

    #[test]
    fn json_is_cast_as_observed() {
        for (given, stored) in [
            (json!("plain"), Some("\"plain\"")),
            (json!("\"quoted\""), Some("\"quoted\"")),
            (json!("null"), Some("null")),
            (json!(null), None),
            (json!(""), Some("\"\"")),
            (json!("5"), Some("5")),
            (json!("[1,"), Some("\"[1,\"")),
            (json!("true"), Some("true")),
            (json!(" 5"), Some("\" 5\"")),
            (json!({"b": 1, "a": 2.0}), Some(r#"{"a":2,"b":1}"#)),
        ] {
            let value = Value::cast(&Field::new("f", FieldKind::Json(JsonOptions::default())), &given);
            assert_eq!(value, Value::Json(stored.map(str::to_owned)), "{given}");
        }
    }

    #[test]
    fn points_and_selects_are_cast_as_observed() {
        assert_eq!(cast(FieldKind::GeoPoint, json!("{\"lat\":1.5,\"lon\":2}")), json!({"lon": 2, "lat": 1.5}));
        for given in [json!("bad"), json!(null), json!([1, 2]), json!({})] {
            assert_eq!(cast(FieldKind::GeoPoint, given), json!({"lon": 0, "lat": 0}));
        }
        let select = |max_select| FieldKind::Select(SelectOptions { values: None, max_select });
        assert_eq!(cast(select(1), json!(["a", "b"])), json!("b"));
        assert_eq!(cast(select(2), json!("a")), json!(["a"]));
        assert_eq!(cast(select(2), json!("[\"a\",\"a\",\"\"]")), json!(["a"]));
    }
}
