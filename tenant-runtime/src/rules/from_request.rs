//! `@request.…`: what came with the request and who sent it.

use serde_json::Value as Json;

use super::ParseError;
use super::ast::Relation;
use super::compile::compare;
use super::modifiers::Modifier;
use super::operand::{Blank, Operand, Scalar, Side};
use super::request::{json_param, json_text};
use super::resolve::{Records, Rows, unresolved};
use super::sql::{Param, Sql, quote};
use crate::schema::{Field, FieldKind};

impl Records<'_, '_> {
    /// What stands at `@request.<path>`.
    pub(super) fn request(&mut self, path: &[&str], side: Side) -> Result<Operand, ParseError> {
        let request = self.view.request;
        match path {
            ["context"] => Ok(text(request.context.name())),
            ["method"] => Ok(text(&request.method)),
            ["headers", path @ .., last] => self.sent(path, last, |name| request.header(name)),
            ["query", path @ .., last] => self.sent(path, last, |name| request.query_value(name)),
            ["auth", path @ .., last] => self.auth(path, last, side),
            ["body", path @ .., last] => self.body(path, last, side),
            _ => Err(unresolved(&format!("@request.{}", path.join(".")))),
        }
    }

    /// A property of the caller, or anything reachable from the caller's record.
    fn auth(&mut self, path: &[&str], last: &str, side: Side) -> Result<Operand, ParseError> {
        let Some(auth) = &self.view.request.auth else {
            return Ok(Operand::known(Param::Null));
        };
        if path.is_empty() {
            let (name, modifier) = Modifier::split(last)?;
            match (auth.known(name), modifier) {
                (Some(value), Some(Modifier::Lower)) => return Ok(Operand::known(lower(value))),
                (Some(value), _) => return Ok(Operand::known(value)),
                (None, _) => {}
            }
        }
        let Some(collection) = self.view.schema.by_id(&auth.collection_id) else {
            return Ok(Operand::known(Param::Null));
        };
        let path = [path, &[last]].concat();
        self.operand(side, |view, joins| {
            let key = format!("{}@request.auth", view.realm);
            let table = Sql::raw(quote(&collection.name));
            let rows = view.join(joins, key, collection, false, table, |alias| {
                let mut on = Sql::raw(format!("{alias}.`id` = "));
                on.bind(Param::Text(auth.id.clone()));
                on
            })?;
            let rows = Rows { lenient: true, ..rows };
            view.walk(joins, rows, &path)
        })
    }

    /// A submitted value, or what its relation leads to.
    fn body(&mut self, path: &[&str], last: &str, side: Side) -> Result<Operand, ParseError> {
        if let [first, rest @ ..] = path {
            return match self.view.base.field(first) {
                Some(field) if field.relation().is_some() => self.body_relation(field, &[rest, &[last]].concat(), side),
                field => self.body_value(field, path, last),
            };
        }
        let (name, modifier) = Modifier::split(last)?;
        let field = self.view.base.field(name);
        let value = self.view.request.body.get(name);
        match (modifier, field) {
            (Some(Modifier::Changed), Some(_)) => self.changed(name, side),
            (Some(Modifier::Length), Some(field)) if field.is_multiple_capable() => {
                let length = i64::try_from(items(value).len()).unwrap_or(i64::MAX);
                Ok(Operand::known(Param::Integer(length)))
            }
            (Some(Modifier::Each), Some(field)) if field.is_multiple_capable() => self.body_items(field, value, side),
            (Some(Modifier::Length | Modifier::Each), Some(_)) => {
                Err(ParseError::new(format!("field {name:?} doesn't support multivalue operations")))
            }
            (Some(Modifier::Lower), Some(field)) if value.is_none() || field.is_multiple() => Ok(text("")),
            _ => self.body_value(field, &[], last),
        }
    }

    /// The value found by following keys and positions from the body on.
    fn body_value(&self, field: Option<&Field>, path: &[&str], last: &str) -> Result<Operand, ParseError> {
        let (name, modifier) = Modifier::split(last)?;
        let body = &self.view.request.body;
        let is_json = field.is_some_and(|field| matches!(field.kind, FieldKind::Json(_)));
        let found = match path {
            [] => body.get(name).cloned(),
            [first, rest @ ..] => body.get(*first).and_then(|value| {
                let parsed = match value {
                    Json::String(text) if is_json => serde_json::from_str(text).ok()?,
                    other => other.clone(),
                };
                let inner = rest.iter().try_fold(&parsed, |value, key| at(value, key))?;
                at(inner, name).cloned()
            }),
        };
        let param = match &found {
            Some(value) if is_json && path.is_empty() => Param::Text(json_text(value)),
            Some(value) => json_param(value),
            None => Param::Null,
        };
        self.modified(last, modifier, param, found.is_some())
    }

    /// A header or query parameter: flat, so a longer path leads nowhere.
    fn sent<'v>(
        &self,
        path: &[&str],
        last: &str,
        find: impl Fn(&str) -> Option<&'v str>,
    ) -> Result<Operand, ParseError> {
        let (name, modifier) = Modifier::split(last)?;
        let found = if path.is_empty() { find(name) } else { None };
        let param = found.map_or(Param::Null, |value| Param::Text(value.to_owned()));
        self.modified(last, modifier, param, found.is_some())
    }

    /// A value of the request with a modifier any of them may have.
    fn modified(
        &self,
        segment: &str,
        modifier: Option<Modifier>,
        param: Param,
        is_set: bool,
    ) -> Result<Operand, ParseError> {
        let param = match modifier {
            None => self.as_number(segment, param),
            Some(Modifier::IsSet) => Param::Bool(is_set),
            Some(Modifier::Lower) => lower(param),
            Some(_) => return Err(ParseError::new(format!("invalid modifier sequence {segment}"))),
        };
        Ok(Operand::known(param))
    }

    /// A text is a number if its key names a number field: forms and addresses hold nothing but texts.
    fn as_number(&self, key: &str, param: Param) -> Param {
        let is_number = |field: &Field| matches!(field.kind, FieldKind::Number(_));
        match &param {
            Param::Text(text) if self.view.base.field(key).is_some_and(is_number) => {
                text.parse().ok().filter(|number: &f64| number.is_finite()).map_or(param, Param::Number)
            }
            _ => param,
        }
    }

    /// `:changed`: whether the field was sent with another value than the stored one.
    fn changed(&mut self, name: &str, side: Side) -> Result<Operand, ParseError> {
        if !self.view.request.body.contains_key(name) {
            return Ok(Operand::known(Param::Bool(false)));
        }
        let sent = self.body_value(self.view.base.field(name), &[], name)?;
        let stored = self.operand(side, |view, joins| view.walk(joins, view.base_rows(), &[name]))?;
        let changed = compare(&sent.scalar, Relation::NotEqual, &stored.scalar);
        let sql = changed.into_sql().wrapped("(", ")");
        Ok(Operand::computed(sql, Blank::Distinct))
    }

    /// `:each` of a submitted list.
    fn body_items(&mut self, field: &Field, value: Option<&Json>, side: Side) -> Result<Operand, ParseError> {
        let list = json_text(&Json::Array(items(value)));
        self.operand(side, |view, joins| {
            let key = format!("{}@request.body.{}:each", view.realm, field.name);
            let table = Sql::bound(Param::Text(list.clone())).wrapped("json_each(", ")");
            let many = field.is_multiple();
            let items = joins.add(key, &field.name, many, table, |_| Sql::default());
            let sql = Sql::raw(format!("{}.value", items.alias));
            let rows = Rows { many, ..view.base_rows() };
            Ok(Some(rows.reached(Scalar::Computed(sql, Blank::Never))))
        })
    }

    /// A path through the records a submitted relation names.
    fn body_relation(&mut self, field: &Field, path: &[&str], side: Side) -> Result<Operand, ParseError> {
        let target = field
            .relation()
            .and_then(|options| self.view.schema.by_id(&options.collection_id))
            .ok_or_else(|| unresolved(&field.name))?;
        let ids = json_text(&Json::Array(items(self.view.request.body.get(&field.name))));
        self.operand(side, |view, joins| {
            let key = format!("{}@request.body.{}", view.realm, field.name);
            let table = Sql::raw(quote(&target.name));
            let many = field.is_multiple();
            let rows = view.join(joins, key, target, many, table, |alias| {
                let mut on = Sql::raw(format!("{alias}.`id` IN (SELECT value FROM json_each("));
                on.bind(Param::Text(ids.clone())).push("))");
                on
            })?;
            let rows = Rows { lenient: true, ..rows };
            view.walk(joins, rows, path)
        })
    }
}

/// The items of a submitted value. A single one is a list of one, even if it is the empty text.
fn items(value: Option<&Json>) -> Vec<Json> {
    match value {
        None | Some(Json::Null) => Vec::new(),
        Some(Json::Array(items)) => items.clone(),
        Some(single) => vec![single.clone()],
    }
}

fn at<'v>(value: &'v Json, key: &str) -> Option<&'v Json> {
    match value {
        Json::Object(keys) => keys.get(key),
        Json::Array(items) => items.get(key.parse::<usize>().ok()?),
        _ => None,
    }
}

fn lower(param: Param) -> Param {
    match param {
        Param::Text(text) => Param::Text(text.to_ascii_lowercase()),
        Param::Number(number) => Param::Text(number.to_string()),
        Param::Integer(number) => Param::Text(number.to_string()),
        Param::Bool(value) => Param::Text(value.to_string()),
        Param::Null => Param::Null,
    }
}

fn text(value: &str) -> Operand {
    Operand::known(Param::Text(value.to_owned()))
}
