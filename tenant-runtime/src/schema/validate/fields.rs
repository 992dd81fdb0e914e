//! The `fields` of a definition: the list as a whole. What each field's own options may be is in `settings`.

use std::collections::HashSet;

use super::limits::{about_field, length, matches_word};
use super::{Definition, no_via, settings};
use crate::error::{FieldError, Problem, Problems};
use crate::schema::{Field, FieldKind};

const RESERVED: [&str; 7] = ["null", "true", "false", "_rowid_", "expand", "collectionId", "collectionName"];

/// Notes what is wrong: the first fault of the list, else those of all fields.
pub fn validate(definition: &Definition<'_>, problems: &mut Problems) {
    match list(definition) {
        Err(Problem::Item(error)) => problems.add("fields", error),
        Err(Problem::Nested(inner)) => problems.nest("fields", inner),
        Ok(()) => {
            let mut inner = Problems::new();
            for (at, field) in definition.new.fields.iter().enumerate() {
                inner.nest(&at.to_string(), settings::check(definition, field));
            }
            problems.nest("fields", inner);
        }
    }
}

/// Whether a field may have that name.
pub fn field_name(name: &str) -> Result<(), FieldError> {
    length(name, 1, 100)?;
    matches_word(name)?;
    if RESERVED.contains(&name) {
        return Err(FieldError::new("validation_not_in_invalid", "Must not be in list."));
    }
    no_via(name)
}

fn list(definition: &Definition<'_>) -> Result<(), Problem> {
    let fields = &definition.new.fields;
    let mut names = HashSet::new();
    for (at, field) in fields.iter().enumerate() {
        if !names.insert(field.name.to_lowercase()) {
            let message = format!("Duplicated or invalid field name {}", field.name);
            return Err(of_name(at, about_field("validation_duplicated_field_name", &message, &field.name)));
        }
    }
    if fields.is_empty() {
        return Err(Problem::Item(FieldError::required()));
    }
    if !fields.iter().any(|field| field.name == "id" && is_primary_key(field)) {
        let message = "Missing or invalid \"id\" PK field.";
        return Err(Problem::Item(FieldError::new("validation_missing_primary_key", message)));
    }
    if !definition.new.is_view() {
        unchanged_system_fields(definition)?;
        unchanged_types(definition)?;
    }
    let reserved = |field: &Field| matches!(field.name.as_str(), "passwordConfirm" | "oldPassword");
    match fields.iter().position(reserved) {
        Some(at) if definition.new.is_auth() => {
            let message = "The field name is reserved and cannot be used.";
            Err(of_name(at, FieldError::new("validation_reserved_field_name", message)))
        }
        _ => Ok(()),
    }
}

fn unchanged_system_fields(definition: &Definition<'_>) -> Result<(), Problem> {
    let originals = definition.original.into_iter().flat_map(|original| &original.fields);
    for original in originals.filter(|field| field.system) {
        if definition.new.field_by_id(&original.id).is_none_or(|field| field.name != original.name) {
            let message = "System fields cannot be deleted or renamed.";
            return Err(Problem::Item(FieldError::new("validation_system_field_change", message)));
        }
    }
    Ok(())
}

fn unchanged_types(definition: &Definition<'_>) -> Result<(), Problem> {
    let Some(original) = definition.original else { return Ok(()) };
    for (at, field) in definition.new.fields.iter().enumerate() {
        if original.field_by_id(&field.id).is_some_and(|known| known.kind.name() != field.kind.name()) {
            let error = FieldError::new("validation_field_type_change", "Field type cannot be changed.");
            return Err(Problem::Nested(Problems::of(&at.to_string(), error)));
        }
    }
    Ok(())
}

fn of_name(at: usize, error: FieldError) -> Problem {
    let mut problems = Problems::new();
    problems.nest(&at.to_string(), Problems::of("name", error));
    Problem::Nested(problems)
}

/// Whether it is declared to be one; there may be a single such field, called `id`.
pub fn is_primary_key(field: &Field) -> bool {
    matches!(&field.kind, FieldKind::Text(options) if options.primary_key)
}
