//! Whether a record's values are what its fields allow. All failures are told together.

use chrono::DateTime;
use rusqlite::{Connection, OptionalExtension};
use serde_json::json;

use super::find::quote;
use super::{Record, Value, datetime};
use crate::error::{Error, FieldError, Problems, Result};
use crate::files::Upload;
use crate::schema::field::{
    DateOptions, DomainOptions, FileOptions, NumberOptions, PasswordOptions, RelationOptions, SelectOptions,
    TextOptions,
};
use crate::schema::{Field, FieldKind, Schema};

const DEFAULT_TEXT_MAX: i64 = 5000;
const DEFAULT_EDITOR_SIZE: i64 = 5 << 20;
const DEFAULT_FILE_SIZE: i64 = 5 << 20;
const DEFAULT_JSON_SIZE: i64 = 1 << 20;
/// The default pattern of ids, whose duplicates the database reports by itself.
const DEFAULT_ID_PATTERN: &str = "^[a-z0-9]+$";

/// Checks every field of the record.
///
/// # Errors
/// `Error::Invalid` with all that is wrong.
pub fn validate(db: &Connection, schema: &Schema, record: &Record) -> Result<()> {
    let mut problems = Problems::new();
    for (at, field) in record.collection().fields.iter().enumerate() {
        if let Some(error) = check(db, schema, record, at, field)? {
            problems.add(&field.name, error);
        }
    }
    problems.into_result()
}

fn check(db: &Connection, schema: &Schema, record: &Record, at: usize, field: &Field) -> Result<Option<FieldError>> {
    let value = &record.values()[at];
    if let Value::Number(number) = value
        && !number.is_finite()
    {
        return Ok(Some(FieldError::new("validation_not_a_number", "The submitted number is not properly formatted.")));
    }
    let primary_key = matches!(&field.kind, FieldKind::Text(options) if options.primary_key);
    if primary_key && !record.is_new() {
        let changed = FieldError::new("validation_pk_change", "The record primary key cannot be changed.");
        return Ok(record.changed(at).then_some(changed));
    }
    if let FieldKind::Password(options) = &field.kind {
        return Ok(check_password(record, at, field.required, options));
    }
    if field.required && value.is_empty() {
        return Ok(Some(FieldError::required()));
    }
    Ok(match &field.kind {
        FieldKind::Text(options) => match check_text(value.as_text(), options) {
            None if primary_key => check_new_id(db, record, options)?,
            error => error,
        },
        FieldKind::Editor(options) => {
            let most = or_default(options.max_size, DEFAULT_EDITOR_SIZE);
            let message = format!("The maximum allowed content size is {most} bytes.");
            (bytes(value.as_text()) > most)
                .then(|| FieldError::new("validation_content_size_limit", &message).with("maxSize", most))
        }
        FieldKind::Number(options) => check_number(value, options),
        FieldKind::Email(options) => check_email(value.as_text(), options),
        FieldKind::Url(options) => check_url(value.as_text(), options),
        FieldKind::Date(options) => check_date(value.as_text(), options),
        FieldKind::Select(options) => check_select(value, options),
        FieldKind::File(options) => check_files(record, at, value, options),
        FieldKind::Relation(options) => check_relation(db, schema, value, options)?,
        FieldKind::Json(options) => check_json(value, options.max_size),
        FieldKind::GeoPoint => check_geo_point(value),
        FieldKind::Bool | FieldKind::Autodate(_) | FieldKind::Password(_) => None,
    })
}

fn check_text(text: &str, options: &TextOptions) -> Option<FieldError> {
    if text.is_empty() {
        return None;
    }
    let length = i64::try_from(text.chars().count()).unwrap_or(i64::MAX);
    let most = or_default(options.max, DEFAULT_TEXT_MAX);
    if length < options.min {
        let message = format!("Must be at least {} character(s).", options.min);
        return Some(FieldError::new("validation_min_text_constraint", &message).with("min", options.min));
    }
    if length > most {
        let message = format!("Must be no more than {most} character(s).");
        return Some(FieldError::new("validation_max_text_constraint", &message).with("max", most));
    }
    check_pattern(text, &options.pattern)
}

fn check_pattern(text: &str, pattern: &str) -> Option<FieldError> {
    if pattern.is_empty() || super::pattern::is_match(pattern, text) {
        return None;
    }
    Some(FieldError::new("validation_invalid_format", "Invalid value format."))
}

/// What ids of one's own making may not be.
fn check_new_id(db: &Connection, record: &Record, options: &TextOptions) -> Result<Option<FieldError>> {
    let id = record.id();
    if options.pattern == DEFAULT_ID_PATTERN || id.is_empty() {
        return Ok(None);
    }
    let sql = format!("SELECT 1 FROM {} WHERE `id` = ?1 COLLATE NOCASE", quote(&record.collection().name));
    if db.prepare_cached(&sql)?.query_row([id], |_| Ok(())).optional()?.is_some() {
        let message = "The record primary key is invalid or already exists.";
        return Ok(Some(FieldError::new("validation_pk_invalid", message)));
    }
    let forbidden = |c: char| "./\\|\"'`<>:?*%$\0\t\n\r ".contains(c);
    if let Some(c) = id.chars().find(|&c| forbidden(c)) {
        let message = format!("'{c}' is not a valid primary key character.");
        return Ok(Some(FieldError::new("validation_forbidden_pk_character", &message).with("ch", c.to_string())));
    }
    let lower = id.to_ascii_lowercase();
    let device = |prefix: &str| lower.strip_prefix(prefix).is_some_and(|rest| matches!(rest.as_bytes(), [b'1'..=b'9']));
    let reserved = matches!(lower.as_str(), "con" | "prn" | "aux" | "nul") || device("com") || device("lpt");
    Ok(reserved.then(|| {
        FieldError::new("validation_reserved_pk", &format!("The primary key \"{id}\" is reserved and cannot be used."))
    }))
}

fn check_number(value: &Value, options: &NumberOptions) -> Option<FieldError> {
    let Value::Number(number) = *value else { return None };
    if number == 0.0 {
        return None;
    }
    if options.only_int && number.fract() != 0.0 {
        return Some(FieldError::new("validation_only_int_constraint", "Decimal numbers are not allowed."));
    }
    if let Some(min) = options.min.filter(|min| number < *min) {
        let message = format!("Must be greater or equal than {}.", crate::json::number_text(min));
        return Some(FieldError::new("validation_min_number_constraint", &message).with("min", min));
    }
    let max = options.max.filter(|max| number > *max)?;
    let message = format!("Must be less or equal than {}.", crate::json::number_text(max));
    Some(FieldError::new("validation_max_number_constraint", &message).with("max", max))
}

fn check_email(email: &str, options: &DomainOptions) -> Option<FieldError> {
    if email.is_empty() {
        return None;
    }
    if !super::pattern::is_email(email) {
        return Some(FieldError::new("validation_is_email", "Must be a valid email address."));
    }
    let domain = email.rsplit('@').next().unwrap_or_default();
    (!is_allowed(domain, options))
        .then(|| FieldError::new("validation_email_domain_not_allowed", "Email domain is not allowed."))
}

fn check_url(text: &str, options: &DomainOptions) -> Option<FieldError> {
    if text.is_empty() {
        return None;
    }
    let Some(host) = super::pattern::url_host(text) else {
        return Some(FieldError::new("validation_invalid_url", "Must be a valid url."));
    };
    (!is_allowed(&host, options))
        .then(|| FieldError::new("validation_url_domain_not_allowed", "Url domain is not allowed."))
}

fn is_allowed(domain: &str, options: &DomainOptions) -> bool {
    let listed = |list: &Option<Vec<String>>| {
        list.as_ref().filter(|list| !list.is_empty()).map(|list| list.iter().any(|entry| entry == domain))
    };
    listed(&options.only_domains).unwrap_or(true) && !listed(&options.except_domains).unwrap_or(false)
}

fn check_date(text: &str, options: &DateOptions) -> Option<FieldError> {
    let moment = datetime::parse(text)?;
    let go_text = |bound: DateTime<chrono::Utc>| bound.format("%Y-%m-%d %H:%M:%S%.f +0000 UTC").to_string();
    if let Some(min) = datetime::parse(&options.min).filter(|min| moment < *min) {
        let message = format!("Must be no less than {}.", go_text(min));
        let error = FieldError::new("validation_min_greater_equal_than_required", &message);
        return Some(error.with("threshold", datetime::rfc3339(min)));
    }
    let max = datetime::parse(&options.max).filter(|max| moment > *max)?;
    let message = format!("Must be no greater than {}.", go_text(max));
    Some(FieldError::new("validation_max_less_equal_than_required", &message).with("threshold", datetime::rfc3339(max)))
}

fn check_select(value: &Value, options: &SelectOptions) -> Option<FieldError> {
    let items = value.items();
    if count(items) > options.max_select.max(1) {
        return Some(too_many_values(options.max_select.max(1)));
    }
    let known = options.values.as_deref().unwrap_or_default();
    let unknown = items.iter().find(|item| !known.contains(item))?;
    Some(
        FieldError::new("validation_invalid_value", &format!("Invalid value {unknown}."))
            .with("value", unknown.clone()),
    )
}

fn too_many_values(most: i64) -> FieldError {
    FieldError::new("validation_too_many_values", &format!("Select no more than {most}.")).with("maxSelect", most)
}

fn check_files(record: &Record, at: usize, value: &Value, options: &FileOptions) -> Option<FieldError> {
    let kept = record.original(at).map(Value::items).unwrap_or_default();
    let new = |name: &&String| !kept.contains(name);
    let upload = |name: &String| record.uploads().iter().find(|upload| upload.name == *name);
    let invalid: Vec<&String> = value.items().iter().filter(new).filter(|name| upload(name).is_none()).collect();
    if !invalid.is_empty() {
        let names: Vec<&str> = invalid.iter().map(|name| name.as_str()).collect();
        let message = format!("Invalid new files: [{}].", names.join(" "));
        return Some(FieldError::new("validation_invalid_file", &message).with("invalidFiles", json!(names)));
    }
    if count(value.items()) > options.max_select.max(1) {
        let most = options.max_select.max(1);
        let message = format!("The maximum allowed files is {most}.");
        return Some(FieldError::new("validation_too_many_files", &message).with("maxSelect", most));
    }
    value.items().iter().filter(new).filter_map(upload).find_map(|upload| upload_problem(upload, options))
}

/// What is wrong with a new file for a field.
pub fn upload_problem(upload: &Upload, options: &FileOptions) -> Option<FieldError> {
    let most = or_default(options.max_size, DEFAULT_FILE_SIZE);
    if i64::try_from(upload.size).unwrap_or(i64::MAX) > most {
        let message =
            format!("Failed to upload {:?} - the maximum allowed file size is {most} bytes.", upload.original_name);
        let error = FieldError::new("validation_file_size_limit", &message);
        return Some(error.with("file", upload.original_name.clone()).with("maxSize", most));
    }
    let allowed = options.mime_types.as_deref().unwrap_or_default();
    if !allowed.is_empty() && !allowed.iter().any(|allowed| upload.is_of_type(allowed)) {
        let list = allowed.join(", ");
        let message = format!("{:?} mime type must be one of: {list}.", upload.name);
        let error = FieldError::new("validation_invalid_mime_type", &message);
        return Some(error.with("file", upload.name.clone()).with("mimeTypes", list));
    }
    None
}

fn check_relation(
    db: &Connection,
    schema: &Schema,
    value: &Value,
    options: &RelationOptions,
) -> Result<Option<FieldError>> {
    let ids = value.items();
    if ids.is_empty() {
        return Ok(None);
    }
    if count(ids) < options.min_select {
        let message = format!("Select at least {}.", options.min_select);
        let error = FieldError::new("validation_not_enough_values", &message);
        return Ok(Some(error.with("minSelect", options.min_select)));
    }
    if count(ids) > options.max_select.max(1) {
        return Ok(Some(too_many_values(options.max_select.max(1))));
    }
    let Some(target) = schema.by_id(&options.collection_id) else {
        let message = "Relation connection is missing or cannot be accessed.";
        return Ok(Some(FieldError::new("validation_missing_rel_collection", message)));
    };
    let sql = format!("SELECT 1 FROM {} WHERE `id` = ?1", quote(&target.name));
    let mut exists = db.prepare_cached(&sql)?;
    for id in ids {
        if exists.query_row([id], |_| Ok(())).optional()?.is_none() {
            let message = "Failed to find all relation records with the provided ids.";
            return Ok(Some(FieldError::new("validation_missing_rel_records", message)));
        }
    }
    Ok(None)
}

fn check_json(value: &Value, max_size: i64) -> Option<FieldError> {
    let Value::Json(Some(text)) = value else { return None };
    let most = or_default(max_size, DEFAULT_JSON_SIZE);
    let message = format!("The maximum allowed JSON size is {most} bytes.");
    (bytes(text) > most).then(|| FieldError::new("validation_json_size_limit", &message).with("maxSize", most))
}

fn check_geo_point(value: &Value) -> Option<FieldError> {
    let Value::Geo { lon, lat } = value else { return None };
    if lat.abs() > 90.0 {
        let message = "Latitude must be between -90 and 90 degrees.";
        return Some(FieldError::new("validation_invalid_latitude", message));
    }
    let message = "Longitude must be between -180 and 180 degrees.";
    (lon.abs() > 180.0).then(|| FieldError::new("validation_invalid_longitude", message))
}

/// A password is checked by its plain text, which is there only when it was just set.
fn check_password(record: &Record, at: usize, required: bool, options: &PasswordOptions) -> Option<FieldError> {
    let Some(plain) = record.plain_password(at) else {
        return (required && record.values()[at].is_empty()).then(FieldError::required);
    };
    plain_password_problem(plain, required, options)
}

/// What is wrong with a plain password, known before it is hashed.
pub fn plain_password_problem(plain: &str, required: bool, options: &PasswordOptions) -> Option<FieldError> {
    const MOST_BYTES: usize = 72;
    if plain.is_empty() {
        return required.then(FieldError::required);
    }
    let length = i64::try_from(plain.chars().count()).unwrap_or(i64::MAX);
    if length < options.min {
        let message = format!("Must be at least {} character(s).", options.min);
        return Some(FieldError::new("validation_min_text_constraint", &message));
    }
    let most = or_default(options.max, 71);
    if length > most {
        let message = format!("Must be less than {most} character(s).");
        return Some(FieldError::new("validation_max_text_constraint", &message));
    }
    if plain.len() > MOST_BYTES {
        return Some(FieldError::invalid_value());
    }
    check_pattern(plain, &options.pattern)
}

/// The field errors of a violated unique index: one for each of its columns that is a field.
pub fn unique_violation(error: &rusqlite::Error, record: &Record) -> Option<Error> {
    let rusqlite::Error::SqliteFailure(code, Some(message)) = error else { return None };
    const UNIQUE: i32 = 2067;
    const PRIMARY_KEY: i32 = 1555;
    if code.extended_code != UNIQUE && code.extended_code != PRIMARY_KEY {
        return None;
    }
    let columns = message.strip_prefix("UNIQUE constraint failed: ")?;
    let mut problems = Problems::new();
    for column in columns.split(", ") {
        let name = column.rsplit('.').next().unwrap_or_default();
        if record.collection().field(name).is_some() {
            problems.add(name, FieldError::new("validation_not_unique", "Value must be unique."));
        }
    }
    Some(Error::Invalid(problems))
}

fn count(items: &[String]) -> i64 {
    i64::try_from(items.len()).unwrap_or(i64::MAX)
}

fn bytes(text: &str) -> i64 {
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

fn or_default(limit: i64, default: i64) -> i64 {
    if limit > 0 { limit } else { default }
}
