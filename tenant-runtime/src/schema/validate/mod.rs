//! Whether a definition is sound. All that is wrong is told at once, by key, in the words of stock servers.

mod auth;
mod fields;
mod indexes;
pub(crate) mod limits;
mod settings;
mod texts;

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension};

use self::limits::{length, matches_word};
use super::view::Derived;
use super::{Collection, Schema};
use crate::error::{FieldError, Problems, Result};
use crate::rules;

pub use fields::field_name;

/// A definition with what it is judged by.
pub struct Definition<'a> {
    /// The database, to see which names are taken.
    pub db: &'a Connection,
    /// The collections as they are, to which relations may point.
    pub schema: &'a Schema,
    /// The definition to judge.
    pub new: &'a Arc<Collection>,
    /// What it was before; none if it is new.
    pub original: Option<&'a Collection>,
    /// What a view's query amounts to.
    pub derived: Option<&'a Derived>,
}

pub(crate) type Check = Result<(), FieldError>;

/// One rule under its key.
struct Rule<'a> {
    key: &'static str,
    text: Option<&'a str>,
    /// Whether it was another before.
    changed: bool,
}

/// Judges a definition.
///
/// # Errors
/// Only when the database fails.
pub fn validate(definition: &Definition<'_>) -> Result<Problems> {
    let mut problems = Problems::new();
    let mut note = |key: &str, check: Check| {
        if let Err(error) = check {
            problems.add(key, error);
        }
    };
    note("id", definition.id());
    note("system", definition.system());
    note("type", definition.kind());
    note("name", definition.name()?);
    for rule in definition.rules() {
        note(rule.key, definition.rule(&rule));
    }
    if definition.new.is_view() {
        note("viewQuery", definition.view_query());
    }
    fields::validate(definition, &mut problems);
    indexes::validate(definition, &mut problems)?;
    auth::validate(definition, &mut problems);
    Ok(problems)
}

impl Definition<'_> {
    fn is_new(&self) -> bool {
        self.original.is_none()
    }

    fn id(&self) -> Check {
        let id = &self.new.id;
        if !self.is_new() {
            return Ok(());
        }
        length(id, 1, 100)?;
        matches_word(id)?;
        if self.schema.by_id(id).is_some_and(|known| !Arc::ptr_eq(known, self.new)) {
            let message = "The model id is invalid or already exists.";
            return Err(FieldError::new("validation_invalid_or_existing_id", message));
        }
        Ok(())
    }

    fn system(&self) -> Check {
        match self.original {
            Some(original) if original.system != self.new.system => Err(FieldError::new(
                "validation_collection_system_flag_change",
                "System collection state cannot be changed.",
            )),
            _ => Ok(()),
        }
    }

    fn kind(&self) -> Check {
        match self.original {
            Some(original) if original.kind != self.new.kind => {
                Err(FieldError::new("validation_collection_type_change", "Collection type cannot be changed."))
            }
            _ => Ok(()),
        }
    }

    fn name(&self) -> Result<Check> {
        let name = &self.new.name;
        if let Err(error) = self.name_alone(name) {
            return Ok(Err(error));
        }
        let taken = |other: &&Arc<Collection>| other.id != self.new.id;
        if self.schema.by_name(name).filter(taken).is_some() {
            let message = "Collection name must be unique (case insensitive).";
            return Ok(Err(FieldError::new("validation_collection_name_exists", message)));
        }
        if self.schema.by_id(name).is_some() {
            let message = "The name must not match an existing collection id.";
            return Ok(Err(FieldError::new("validation_collection_name_id_duplicate", message)));
        }
        let own = self.schema.by_id(&self.new.id).is_some_and(|known| known.name.eq_ignore_ascii_case(name));
        if !own && table_exists(self.db, name)? {
            let message = "The name shouldn't match with an existing internal table.";
            return Ok(Err(FieldError::new("validation_collection_name_invalid", message)));
        }
        Ok(Ok(()))
    }

    fn name_alone(&self, name: &str) -> Check {
        length(name, 1, 255)?;
        no_via(name)?;
        matches_word(name)?;
        match self.original {
            Some(original) if original.system && original.name != *name => Err(FieldError::new(
                "validation_collection_system_name_change",
                "System collection name cannot be changed.",
            )),
            _ => Ok(()),
        }
    }

    /// The rules every collection has.
    fn rules(&self) -> [Rule<'_>; 5] {
        let (new, before) = (&self.new.rules, self.original.map(|original| &original.rules));
        [
            Rule::new("listRule", &new.list, before.map(|rules| &rules.list)),
            Rule::new("viewRule", &new.view, before.map(|rules| &rules.view)),
            Rule::new("createRule", &new.create, before.map(|rules| &rules.create)),
            Rule::new("updateRule", &new.update, before.map(|rules| &rules.update)),
            Rule::new("deleteRule", &new.delete, before.map(|rules| &rules.delete)),
        ]
    }

    fn rule(&self, rule: &Rule<'_>) -> Check {
        let writes = matches!(rule.key, "createRule" | "updateRule" | "deleteRule");
        if writes && self.new.is_view() && rule.text.is_some() {
            return Err(FieldError::new("validation_nil", "Must be blank."));
        }
        if let Some(text) = rule.text
            && let Err(error) = rules::check(&self.schema.with(Arc::clone(self.new)), self.new, text)
        {
            let message = format!("Invalid rule. Raw error: {error}");
            return Err(FieldError::new("validation_invalid_rule", &message));
        }
        let is_system = self.original.is_some_and(|original| original.system);
        if is_system && rule.changed {
            return Err(FieldError::new(
                "validation_collection_system_rule_change",
                "System collection API rule cannot be changed.",
            ));
        }
        Ok(())
    }

    fn view_query(&self) -> Check {
        if self.new.view_query.is_empty() {
            return Err(FieldError::required());
        }
        match self.derived.and_then(|derived| derived.refusal.as_deref()) {
            Some(refusal) => {
                Err(FieldError::new("validation_invalid_view_query", &format!("Invalid query - {refusal}")))
            }
            None => Ok(()),
        }
    }
}

impl<'a> Rule<'a> {
    fn new(key: &'static str, text: &'a Option<String>, before: Option<&Option<String>>) -> Rule<'a> {
        Rule { key, text: text.as_deref(), changed: before.is_some_and(|before| before != text) }
    }
}

/// Names with `_via_` would read like the paths to referencing records.
fn no_via(name: &str) -> Check {
    if name.to_ascii_lowercase().contains("_via_") {
        return Err(FieldError::new("validation_found_via", "The value cannot contain \"_via_\"."));
    }
    Ok(())
}

fn table_exists(db: &Connection, name: &str) -> Result<bool> {
    let sql = "SELECT 1 FROM sqlite_schema WHERE `type` IN ('table', 'view') AND lower(`name`) = lower(?1)";
    Ok(db.query_row(sql, [name], |_| Ok(())).optional()?.is_some())
}
