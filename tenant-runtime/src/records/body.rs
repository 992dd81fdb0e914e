//! What a submitted body does to a record: modifiers applied, files placed, hidden fields left alone.

use serde_json::{Map, Value as Json, json};

use super::value::{Value, cast_list, cast_text};
use super::{Record, pattern};
use crate::error::{Error, Result};
use crate::files::Upload;
use crate::schema::{Field, FieldKind};

/// A body as rules see it, and what still has to be hashed.
#[derive(Debug, Default)]
pub struct Resolved {
    /// The final value of each submitted field, and unknown keys as they came.
    pub body: Map<String, Json>,
    /// Plain passwords by the position of their field.
    pub passwords: Vec<(usize, String)>,
}

/// Applies a body to a record. Passwords are left to the caller, who has them hashed.
///
/// # Errors
/// An internal error when a text cannot be made from its pattern.
pub fn resolve(
    record: &mut Record,
    mut values: Map<String, Json>,
    uploads: Vec<(String, Upload)>,
    superuser: bool,
) -> Result<Resolved> {
    let collection = record.collection().clone();
    let mut passwords = Vec::new();
    for (at, field) in collection.fields.iter().enumerate() {
        let Some(change) = Change::of(field, &mut values, &uploads) else { continue };
        let writable = superuser || !field.hidden || (collection.is_auth() && field.name == "password");
        if !writable {
            continue;
        }
        let shown = match &field.kind {
            FieldKind::Password(_) => {
                let plain = change.plain.as_ref().map(cast_text).unwrap_or_default();
                passwords.push((at, plain.clone()));
                Json::String(plain)
            }
            FieldKind::Autodate(_) => Json::String(String::new()),
            _ => {
                let value = change.apply(field, &record.values()[at])?;
                let shown = with_uploads(&value, &uploads);
                record.set_value(at, value);
                shown
            }
        };
        values.insert(field.name.clone(), shown);
    }
    for (_, upload) in uploads {
        let is_used = record.values().iter().any(|value| value.items().contains(&upload.name));
        if is_used {
            record.add_upload(upload);
        }
    }
    Ok(Resolved { body: values, passwords })
}

/// Everything a body says about one field.
struct Change {
    plain: Option<Json>,
    /// In the order in which they apply: by the length of their key.
    modifiers: Vec<(Modifier, Json)>,
}

#[derive(Clone, Copy)]
enum Modifier {
    /// `f+`
    Append,
    /// `+f`
    Prepend,
    /// `f-`
    Remove,
    /// `f:autogenerate`
    Autogenerate,
}

impl Change {
    /// Takes the field's keys out of the body; `None` if it has none.
    fn of(field: &Field, values: &mut Map<String, Json>, uploads: &[(String, Upload)]) -> Option<Change> {
        let name = &field.name;
        let mut plain = values.remove(name);
        let mut modifiers = Vec::new();
        let keys: &[(Modifier, String)] = match &field.kind {
            FieldKind::Number(_) => &[(Modifier::Append, format!("{name}+")), (Modifier::Remove, format!("{name}-"))],
            FieldKind::Text(_) => &[(Modifier::Autogenerate, format!("{name}:autogenerate"))],
            _ if field.is_multiple_capable() => &[
                (Modifier::Append, format!("{name}+")),
                (Modifier::Prepend, format!("+{name}")),
                (Modifier::Remove, format!("{name}-")),
            ],
            _ => &[],
        };
        for (modifier, key) in keys {
            modifiers.extend(values.remove(key).map(|value| (*modifier, value)));
        }
        if matches!(field.kind, FieldKind::File(_)) {
            plain = with_upload_names(plain, name, uploads);
            for (modifier, key) in [(Modifier::Append, format!("{name}+")), (Modifier::Prepend, format!("+{name}"))] {
                modifiers.extend(with_upload_names(None, &key, uploads).map(|names| (modifier, names)));
            }
        }
        (plain.is_some() || !modifiers.is_empty()).then_some(Change { plain, modifiers })
    }

    fn apply(&self, field: &Field, current: &Value) -> Result<Value> {
        let mut value = match &self.plain {
            Some(plain) => Value::cast(field, plain),
            None => current.clone(),
        };
        for (modifier, given) in &self.modifiers {
            value = modify(field, &value, *modifier, given)?;
        }
        Ok(value)
    }
}

fn modify(field: &Field, value: &Value, modifier: Modifier, given: &Json) -> Result<Value> {
    if let Value::Number(number) = value {
        let Value::Number(by) = Value::cast(field, given) else { return Ok(value.clone()) };
        return Ok(Value::Number(if matches!(modifier, Modifier::Remove) { number - by } else { number + by }));
    }
    if let (Modifier::Autogenerate, FieldKind::Text(options)) = (modifier, &field.kind) {
        let generated = pattern::generate(&options.autogenerate_pattern)
            .map_err(|error| Error::Internal(anyhow::anyhow!("make a value of {}: {error}", field.name)))?;
        return Ok(Value::Text(format!("{}{generated}", cast_text(given))));
    }
    let given = cast_list(given);
    let mut items = value.items().to_vec();
    match modifier {
        Modifier::Append => items.extend(given.into_iter().filter(|item| !value.items().contains(item))),
        Modifier::Prepend => {
            items.retain(|item| !given.contains(item));
            items.splice(0..0, given);
        }
        Modifier::Remove => items.retain(|item| !given.contains(item)),
        Modifier::Autogenerate => {}
    }
    Ok(Value::cast(field, &json!(items)))
}

/// The names given as text, followed by those of the files under that key; files without names replace.
fn with_upload_names(given: Option<Json>, key: &str, uploads: &[(String, Upload)]) -> Option<Json> {
    let new: Vec<&str> = uploads.iter().filter(|(k, _)| k == key).map(|(_, upload)| upload.name.as_str()).collect();
    if new.is_empty() {
        return given;
    }
    let mut names = given.as_ref().map(cast_list).unwrap_or_default();
    names.extend(new.into_iter().map(str::to_owned));
    Some(json!(names))
}

/// A value as rules see it: a new file is an object with its name and size.
fn with_uploads(value: &Value, uploads: &[(String, Upload)]) -> Json {
    let describe = |name: &String| match uploads.iter().find(|(_, upload)| upload.name == *name) {
        Some((_, upload)) => {
            json!({ "name": upload.name, "originalName": upload.original_name, "size": upload.size })
        }
        None => Json::String(name.clone()),
    };
    match value {
        Value::List(items) => items.iter().map(describe).collect(),
        Value::Text(text) if uploads.iter().any(|(_, upload)| upload.name == *text) => describe(text),
        other => other.to_json(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::schema::field::{NumberOptions, RelationOptions, SelectOptions};
    use crate::schema::{Collection, CollectionType, Rules};

    fn record(kinds: Vec<(&str, FieldKind)>) -> Record {
        let collection = Collection {
            id: "c".into(),
            name: "c".into(),
            kind: CollectionType::Base,
            system: false,
            fields: kinds.into_iter().map(|(name, kind)| Field::new(name, kind)).collect(),
            indexes: Vec::new(),
            rules: Rules::default(),
            view_query: String::new(),
            auth: None,
            created: String::new(),
            updated: String::new(),
        };
        Record::new(&Arc::new(collection))
    }

    fn apply(record: &mut Record, body: Json) -> Map<String, Json> {
        let Json::Object(values) = body else { panic!("a body is an object") };
        resolve(record, values, Vec::new(), false).expect("resolves").body
    }

    #[test]
    fn number_modifiers_apply_as_observed() {
        let mut record = record(vec![("n", FieldKind::Number(NumberOptions::default()))]);
        apply(&mut record, json!({"n": 12.5}));
        apply(&mut record, json!({"n+": 5, "n-": 1}));
        assert_eq!(record.get("n"), Some(&Value::Number(16.5)));
        let body = apply(&mut record, json!({"n": 5, "n+": 2, "n-": 1}));
        assert_eq!(Json::Object(body), json!({"n": 6}));
    }

    #[test]
    fn single_relation_modifiers_apply_as_observed() {
        let mut record = record(vec![("r", FieldKind::Relation(RelationOptions::default()))]);
        for (body, expected) in
            [(json!({"r": "A"}), "A"), (json!({"r+": "B"}), "B"), (json!({"+r": "A"}), "B"), (json!({"r-": "B"}), "")]
        {
            apply(&mut record, body);
            assert_eq!(record.text("r"), expected);
        }
    }

    #[test]
    fn lists_grow_at_either_end_and_unknown_keys_stay_visible() {
        let mut record = record(vec![("s", FieldKind::Select(SelectOptions { values: None, max_select: 9 }))]);
        apply(&mut record, json!({"s": ["a", "b"]}));
        let body = apply(&mut record, json!({"s+": ["c", "a"], "+s": "b", "other": 1}));
        assert_eq!(Json::Object(body), json!({"s": ["b", "a", "c"], "other": 1}));
    }

    #[test]
    fn hidden_fields_are_for_superusers() {
        let mut record = record(vec![("n", FieldKind::Number(NumberOptions::default()))]);
        let mut collection = (**record.collection()).clone();
        collection.fields[0].hidden = true;
        record = Record::new(&Arc::new(collection));
        assert!(apply(&mut record, json!({"n": 1})).is_empty());
        assert_eq!(record.get("n"), Some(&Value::Number(0.0)));
    }
}
