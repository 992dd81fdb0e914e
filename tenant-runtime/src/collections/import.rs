//! Many definitions at once, as exported by another backend.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::revision::{Checks, Revision};
use super::words;
use crate::app::App;
use crate::error::{Error, FieldError, Problem, Problems, Result};
use crate::records::datetime;
use crate::schema::draft::draft;
use crate::schema::overlay::{Malformed, overlay};
use crate::schema::{Collection, Field, Schema, settle};
use crate::store::Tx;

/// A definition to be saved, and the one it replaces.
struct Imported {
    collection: Collection,
    existing: Option<Arc<Collection>>,
}

/// Saves all definitions in one go, and judges them once all are there: they may depend on each other.
///
/// With `delete_missing`, collections and fields that are not listed go, unless they belong to the system.
///
/// # Errors
/// `Error::Invalid` that says what failed, most often under `collections`.
pub fn import(app: &App, tx: &mut Tx, definitions: &[Map<String, Json>], delete_missing: bool) -> Result<()> {
    let mut revision = Revision::begin(app, tx);
    let mut imported = definitions
        .iter()
        .map(|definition| read(revision.schema(), definition, delete_missing))
        .collect::<Result<Vec<Imported>, Malformed>>()
        .map_err(|malformed| failure(&malformed.to_string()))?;
    // Views come last, for they may select from any of the others.
    imported.sort_by_cached_key(|Imported { collection, .. }| {
        (collection.is_view(), datetime::normalise(&collection.created), datetime::normalise(&collection.updated))
    });
    if delete_missing {
        delete_unlisted(&mut revision, &imported).map_err(in_words)?;
    }
    let mut saved = Vec::with_capacity(imported.len());
    for Imported { collection, existing } in imported {
        let name = collection.name.clone();
        let new = revision
            .save(collection, existing.as_ref(), Checks::None)
            .map_err(|error| with_context(error, &format!("failed to save collection {name:?}: ")))?;
        saved.push((new, existing));
    }
    for (new, existing) in &saved {
        judge(&revision, new, existing.as_ref().unwrap_or(new))?;
    }
    revision.refresh_views("")?;
    revision.publish(app)
}

/// Reads one definition: laid over the collection it names by id or, without one, by name.
fn read(schema: &Schema, given: &Map<String, Json>, delete_missing: bool) -> Result<Imported, Malformed> {
    let named = |key: &str| given.get(key).and_then(Json::as_str).filter(|text| !text.is_empty());
    let existing = named("id").or_else(|| named("name")).and_then(|identifier| schema.find(identifier)).map(Arc::clone);
    let Some(known) = &existing else {
        return Ok(Imported { collection: draft(schema, given)?, existing: None });
    };
    let mut collection = overlay(known, given)?;
    if delete_missing && given.get("fields").is_none_or(Json::is_null) {
        collection.fields.clear();
    }
    for field in known.fields.iter().filter(|field| field.system || !delete_missing) {
        if collection.field_by_id(&field.id).is_some() {
            continue;
        }
        // The same field under another id: the column stays, with the definition it has.
        let same = |listed: &&mut Field| listed.name == field.name && listed.kind.name() == field.kind.name();
        if let Some(listed) = collection.fields.iter_mut().find(same) {
            listed.id.clone_from(&field.id);
        }
        settle::add_field(&mut collection.fields, field.clone());
    }
    Ok(Imported { collection, existing })
}

fn delete_unlisted(revision: &mut Revision<'_>, imported: &[Imported]) -> Result<()> {
    let listed = |id: &str| imported.iter().any(|Imported { collection, .. }| collection.id == id);
    let unlisted: Vec<Arc<Collection>> =
        revision.schema().iter().filter(|known| !known.system && !listed(&known.id)).map(Arc::clone).collect();
    unlisted.iter().try_for_each(|collection| revision.delete(collection))
}

fn judge(revision: &Revision<'_>, new: &Arc<Collection>, original: &Collection) -> Result<()> {
    let problems = revision.judge(new, original)?;
    if problems.is_empty() {
        return Ok(());
    }
    let details = serde_json::to_string_pretty(&messages(&problems)).unwrap_or_default();
    Err(failed(&format!("Data validations failed for collection {:?} ({}):\n{details}", new.name, new.id)))
}

/// The sentences alone, by key.
fn messages(problems: &Problems) -> Json {
    let entry = |(key, problem): (&str, &Problem)| {
        let value = match problem {
            Problem::Item(error) => error.message.trim_end_matches('.').into(),
            Problem::Nested(inner) => messages(inner),
        };
        (key.to_owned(), value)
    };
    Json::Object(problems.iter().map(entry).collect())
}

/// An error whose cause a superuser may know.
fn in_words(error: Error) -> Error {
    with_context(error, "")
}

fn with_context(error: Error, context: &str) -> Error {
    match words(&error) {
        Some(words) => failure(&format!("{context}{words}")),
        None => error,
    }
}

fn failure(reason: &str) -> Error {
    failed(&format!("Failed to import the collections configuration. Raw error:\n{reason}"))
}

fn failed(message: &str) -> Error {
    Problems::of("collections", FieldError::new("validation_collections_import_failure", message)).into()
}
