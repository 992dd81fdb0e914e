//! Laying what a client sent over a definition that is there, as an update does and, over a blank one, a create.
//!
//! Keys that are absent keep their value. Lists of fields and indexes are replaced whole; the nested objects of auth
//! options merge key by key, and lists of providers position by position.

use serde_json::{Map, Value as Json};

use super::{AuthOptions, Collection, CollectionType, Field, settle};
use crate::error::{Error, FieldError, Problems};

/// Why a submitted definition cannot even be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A value has another type than its key needs.
    #[error("{0} has the wrong type")]
    Key(&'static str),
    /// A field's definition cannot be read, for instance because its type is unknown.
    #[error("missing or unknown field type in {0}")]
    Field(String),
    /// The collection's type is none of the three.
    #[error("unknown collection type {0}")]
    Type(String),
}

/// The definition with what was sent laid over it.
pub fn overlay(base: &Collection, given: &Map<String, Json>) -> Result<Collection, Malformed> {
    let mut collection = base.clone();
    let sent = Sent(given);
    sent.text("id", &mut collection.id)?;
    sent.text("name", &mut collection.name)?;
    sent.text("created", &mut collection.created)?;
    sent.text("updated", &mut collection.updated)?;
    sent.flag("system", &mut collection.system)?;
    if let Some(kind) = sent.kind()? {
        collection.kind = kind;
    }
    if collection.is_view() {
        sent.text("viewQuery", &mut collection.view_query)?;
    }
    let rules = &mut collection.rules;
    sent.rule("listRule", &mut rules.list)?;
    sent.rule("viewRule", &mut rules.view)?;
    sent.rule("createRule", &mut rules.create)?;
    sent.rule("updateRule", &mut rules.update)?;
    sent.rule("deleteRule", &mut rules.delete)?;
    if let Some(value) = given.get("indexes") {
        collection.indexes = strings(value).ok_or(Malformed::Key("indexes"))?;
    }
    if let Some(value) = given.get("fields") {
        collection.fields = fields(value)?;
    }
    if let Some(auth) = &mut collection.auth {
        **auth = auth_options(auth, given)?;
    }
    Ok(collection)
}

impl Malformed {
    /// The answer when a key as such was readable, given the sentence for what was not.
    pub fn into_error(self, sentence: &str) -> Error {
        match self {
            Malformed::Type(_) => {
                let error = FieldError::new("validation_in_invalid", "Must be a valid value.");
                Problems::of("type", error).into()
            }
            _ => crate::error::ApiError::bad_request(sentence).into(),
        }
    }
}

/// The keys a client sent. `null` leaves a text or a flag as it is.
pub(super) struct Sent<'a>(pub &'a Map<String, Json>);

impl Sent<'_> {
    pub fn text(&self, key: &'static str, into: &mut String) -> Result<(), Malformed> {
        match self.0.get(key) {
            None | Some(Json::Null) => {}
            Some(Json::String(text)) => into.clone_from(text),
            Some(_) => return Err(Malformed::Key(key)),
        }
        Ok(())
    }

    fn flag(&self, key: &'static str, into: &mut bool) -> Result<(), Malformed> {
        match self.0.get(key) {
            None | Some(Json::Null) => {}
            Some(Json::Bool(flag)) => *into = *flag,
            Some(_) => return Err(Malformed::Key(key)),
        }
        Ok(())
    }

    fn rule(&self, key: &'static str, into: &mut Option<String>) -> Result<(), Malformed> {
        match self.0.get(key) {
            None => {}
            Some(Json::Null) => *into = None,
            Some(Json::String(rule)) => *into = Some(rule.clone()),
            Some(_) => return Err(Malformed::Key(key)),
        }
        Ok(())
    }

    /// The collection's type; the empty one is that of a base collection.
    pub fn kind(&self) -> Result<Option<CollectionType>, Malformed> {
        match self.0.get("type") {
            None | Some(Json::Null) => Ok(None),
            Some(Json::String(name)) if name.is_empty() => Ok(Some(CollectionType::Base)),
            Some(Json::String(name)) => {
                CollectionType::from_name(name).map(Some).ok_or_else(|| Malformed::Type(name.clone()))
            }
            Some(_) => Err(Malformed::Key("type")),
        }
    }
}

fn strings(value: &Json) -> Option<Vec<String>> {
    match value {
        Json::Null => Some(Vec::new()),
        Json::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

fn fields(value: &Json) -> Result<Vec<Field>, Malformed> {
    let definitions = match value {
        Json::Null => return Ok(Vec::new()),
        Json::Array(definitions) => definitions,
        _ => return Err(Malformed::Key("fields")),
    };
    let mut fields = Vec::with_capacity(definitions.len());
    for definition in definitions {
        let field = definition.as_object().and_then(|keys| Field::from_json(keys).ok());
        let field = field.ok_or_else(|| Malformed::Field(definition.to_string()))?;
        settle::add_field(&mut fields, field);
    }
    Ok(fields)
}

fn auth_options(stored: &AuthOptions, given: &Map<String, Json>) -> Result<AuthOptions, Malformed> {
    let mut keys = stored.to_json();
    for (key, known) in &mut keys {
        match given.get(key) {
            None => {}
            Some(rule @ (Json::Null | Json::String(_))) if key.ends_with("Rule") => *known = rule.clone(),
            Some(value) => merge(known, value),
        }
    }
    if let Some(fields) = keys.get_mut("passwordAuth").and_then(|options| options.get_mut("identityFields"))
        && fields.is_null()
    {
        *fields = Json::Array(Vec::new());
    }
    serde_json::from_value(Json::Object(keys)).map_err(|_| Malformed::Key("an auth option"))
}

/// Objects merge key by key and lists position by position. `null` empties a list and leaves other values alone.
fn merge(known: &mut Json, given: &Json) {
    match (known, given) {
        (Json::Object(known), Json::Object(given)) => {
            for (key, value) in given {
                merge(known.entry(key.clone()).or_insert(Json::Null), value);
            }
        }
        (Json::Array(known), Json::Array(given)) => {
            known.resize(given.len(), Json::Null);
            for (known, value) in known.iter_mut().zip(given) {
                merge(known, value);
            }
        }
        (known @ (Json::Array(_) | Json::Null), given) => *known = given.clone(),
        (_, Json::Null) => {}
        (known, given) => *known = given.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::scaffold;
    use super::*;
    use serde_json::json;

    fn over(base: &Collection, given: Json) -> Result<Collection, Malformed> {
        overlay(base, given.as_object().expect("an object"))
    }

    #[test]
    fn absent_keys_keep_their_value_and_null_ends_a_rule() {
        let mut base = scaffold::blank(CollectionType::Base, "posts");
        base.rules.list = Some("a = 1".into());
        base.rules.view = Some(String::new());
        let collection = over(&base, json!({"viewRule": null, "name": null, "unknown": 5})).expect("sound");
        assert_eq!(collection.rules.list.as_deref(), Some("a = 1"));
        assert_eq!(collection.rules.view, None);
        assert_eq!(collection.name, "posts");
    }

    #[test]
    fn nested_options_merge_and_providers_follow_their_position() {
        let base = scaffold::blank(CollectionType::Auth, "people");
        let first = json!({"oauth2": {"providers": [{"name": "github", "clientId": "i", "clientSecret": "s"}]}});
        let stored = over(&base, first).expect("sound");
        let second =
            json!({"oauth2": {"providers": [{"name": "google"}], "enabled": true}, "authToken": {"duration": 60}});
        let auth = over(&stored, second).expect("sound").auth.expect("auth options");
        let providers = auth.oauth2.providers.expect("providers");
        assert_eq!((providers[0].name.as_str(), providers[0].client_secret.as_str()), ("google", "s"));
        assert_eq!((auth.auth_token.duration, auth.auth_token.secret.len()), (60, 50));
    }

    #[test]
    fn of_two_fields_with_one_id_or_one_name_the_later_wins() {
        let base = scaffold::blank(CollectionType::Base, "posts");
        let given = json!({"fields": [
            {"name": "a", "type": "text"}, {"name": "a", "type": "number"},
            {"id": "q", "name": "b", "type": "text"}, {"id": "q", "name": "c", "type": "bool"},
        ]});
        let fields = over(&base, given).expect("sound").fields;
        let names: Vec<(&str, &str)> = fields.iter().map(|field| (field.name.as_str(), field.kind.name())).collect();
        assert_eq!(names, [("a", "number"), ("c", "bool")]);
    }

    #[test]
    fn what_has_the_wrong_type_is_refused() {
        let base = scaffold::blank(CollectionType::Auth, "people");
        for given in [
            json!({"name": 5}),
            json!({"system": "yes"}),
            json!({"indexes": [5]}),
            json!({"fields": [null]}),
            json!({"fields": [{"name": "x"}]}),
            json!({"fields": [{"name": "x", "type": "vector"}]}),
            json!({"listRule": 5}),
            json!({"authRule": 5}),
            json!({"otp": 5}),
        ] {
            assert!(over(&base, given.clone()).is_err(), "{given}");
        }
        assert_eq!(over(&base, json!({"type": "table"})), Err(Malformed::Type("table".into())));
    }
}
