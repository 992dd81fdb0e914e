//! Records as the API shows them: what this caller may see, straight into bytes.

use std::collections::HashSet;
use std::sync::Arc;

use super::Record;
use super::access::Scope;
use crate::error::Result;
use crate::json;
use crate::schema::{Collection, Field, FieldKind};

/// Appends the records, separated by commas. They may be of different collections.
pub fn write_records(scope: &Scope<'_>, records: &[&Record], out: &mut Vec<u8>) -> Result<()> {
    let mut managed: Option<(Arc<Collection>, HashSet<String>)> = None;
    for (at, record) in records.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let collection = record.collection();
        if collection.is_auth() && managed.as_ref().is_none_or(|(known, _)| known.id != collection.id) {
            managed = Some((Arc::clone(collection), managed_ids(scope, collection, records)?));
        }
        let shows_email = collection.is_auth()
            && (record.flag("emailVisibility")
                || scope.caller.is_superuser()
                || scope.caller.is(record)
                || managed.as_ref().is_some_and(|(_, ids)| ids.contains(record.id())));
        write_record(record, scope.caller.is_superuser(), shows_email, out);
    }
    Ok(())
}

/// One record as bytes.
pub fn record_json(scope: &Scope<'_>, record: &Record) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(512);
    write_records(scope, &[record], &mut out)?;
    Ok(out)
}

/// One record with its mail address, as its owner sees it right after signing in.
pub fn own_record_json(record: &Record) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    write_record(record, record.collection().is_superusers(), true, &mut out);
    out
}

/// Those of the collection's records whose mail address the caller sees because they manage them.
fn managed_ids(scope: &Scope<'_>, collection: &Arc<Collection>, records: &[&Record]) -> Result<HashSet<String>> {
    let Some(rule) = scope.manage_rule(collection) else { return Ok(HashSet::new()) };
    let ids: Vec<&str> =
        records.iter().filter(|record| record.collection().id == collection.id).map(|record| record.id()).collect();
    let scope = Scope { ..*scope };
    scope.satisfying(collection, &ids, rule)
}

fn write_record(record: &Record, shows_hidden: bool, shows_email: bool, out: &mut Vec<u8>) {
    let collection = record.collection();
    out.push(b'{');
    for (field, value) in collection.fields.iter().zip(record.values()) {
        if !is_shown(collection, field, shows_hidden) || (!shows_email && is_email_of(collection, field)) {
            continue;
        }
        json::write_string(out, &field.name);
        out.push(b':');
        match field.kind {
            FieldKind::Password(_) => out.extend_from_slice(b"\"\""),
            _ => value.write_json(out),
        }
        out.push(b',');
    }
    write_tail(collection, out);
    if let Some(expanded) = record.expanded() {
        out.extend_from_slice(b",\"expand\":");
        out.extend_from_slice(expanded);
    }
    out.push(b'}');
}

/// The two keys every record has beside its fields.
pub fn write_tail(collection: &Collection, out: &mut Vec<u8>) {
    out.extend_from_slice(b"\"collectionId\":");
    json::write_string(out, &collection.id);
    out.extend_from_slice(b",\"collectionName\":");
    json::write_string(out, &collection.name);
}

/// Whether a field may be shown at all: hidden ones to superusers, keys of auth records to nobody.
pub fn is_shown(collection: &Collection, field: &Field, shows_hidden: bool) -> bool {
    let is_key = collection.is_auth() && (field.name == "tokenKey" || field.name == "password");
    !is_key && (shows_hidden || !field.hidden)
}

fn is_email_of(collection: &Collection, field: &Field) -> bool {
    collection.is_auth() && field.name == "email"
}
