//! One record: the values of a collection's fields, and what they were before.

use std::sync::Arc;

use rusqlite::Row;
use serde_json::Value as Json;

use super::value::Value;
use crate::files::Upload;
use crate::schema::{Collection, FieldKind};

/// A record of a collection.
#[derive(Clone, Debug)]
pub struct Record {
    collection: Arc<Collection>,
    values: Vec<Value>,
    original: Option<Box<[Value]>>,
    /// Files that come with this save, by the name they will be stored under.
    uploads: Vec<Upload>,
    /// Plain passwords set since it was read, by field: validation looks at them, nothing stores them.
    plain_passwords: Vec<(usize, String)>,
    expanded: Option<Vec<u8>>,
}

impl Record {
    /// A record that is not stored yet, all values zero.
    pub fn new(collection: &Arc<Collection>) -> Record {
        Record {
            values: collection.fields.iter().map(Value::zero).collect(),
            collection: Arc::clone(collection),
            original: None,
            uploads: Vec::new(),
            plain_passwords: Vec::new(),
            expanded: None,
        }
    }

    /// A stored record from a row whose columns are the collection's fields in order, starting at `first`.
    pub fn from_row(collection: &Arc<Collection>, row: &Row<'_>, first: usize) -> rusqlite::Result<Record> {
        let values = collection
            .fields
            .iter()
            .enumerate()
            .map(|(at, field)| Ok(Value::from_column(field, row.get_ref(first + at)?)))
            .collect::<rusqlite::Result<Vec<Value>>>()?;
        Ok(Record { original: Some(values.clone().into()), values, ..Record::empty(collection) })
    }

    fn empty(collection: &Arc<Collection>) -> Record {
        Record {
            collection: Arc::clone(collection),
            values: Vec::new(),
            original: None,
            uploads: Vec::new(),
            plain_passwords: Vec::new(),
            expanded: None,
        }
    }

    /// The collection it belongs to.
    pub fn collection(&self) -> &Arc<Collection> {
        &self.collection
    }

    /// Its id; empty before the first save of one that brings none.
    pub fn id(&self) -> &str {
        self.text("id")
    }

    /// Whether it is not stored yet.
    pub fn is_new(&self) -> bool {
        self.original.is_none()
    }

    /// The value of a field by name.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.collection.field_index(name).map(|at| &self.values[at])
    }

    /// The values in the order of the collection's fields.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The text of a field, empty if there is none.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).map(Value::as_text).unwrap_or_default()
    }

    /// Whether a boolean field is true.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name).is_some_and(Value::is_true)
    }

    /// Sets a field by name, casting as a client's value would be; ignores unknown names. A password is given as its
    /// hash: see [`Record::set_password`].
    pub fn set(&mut self, name: &str, given: &Json) {
        if let Some(at) = self.collection.field_index(name) {
            self.values[at] = Value::cast(&self.collection.fields[at], given);
        }
    }

    /// Sets the value of the field at that position.
    pub fn set_value(&mut self, at: usize, value: Value) {
        self.values[at] = value;
    }

    /// Sets a password: the hash is stored, the plain text validated and forgotten.
    pub fn set_password(&mut self, at: usize, plain: String, hash: String) {
        self.values[at] = Value::Text(hash);
        self.plain_passwords.retain(|(field, _)| *field != at);
        self.plain_passwords.push((at, plain));
    }

    /// The plain text of a password set since the record was read.
    pub fn plain_password(&self, at: usize) -> Option<&str> {
        self.plain_passwords.iter().find(|(field, _)| *field == at).map(|(_, plain)| plain.as_str())
    }

    /// The value a field had when the record was read; none for a new record.
    pub fn original(&self, at: usize) -> Option<&Value> {
        self.original.as_deref().map(|values| &values[at])
    }

    /// Whether a field differs from what was read. Everything of a new record does.
    pub fn changed(&self, at: usize) -> bool {
        self.original(at) != Some(&self.values[at])
    }

    /// Whether the field of that name differs from what was read.
    pub fn changed_by_name(&self, name: &str) -> bool {
        self.collection.field_index(name).is_some_and(|at| self.changed(at))
    }

    /// From now on it is stored as it is.
    pub fn mark_saved(&mut self) {
        self.original = Some(self.values.clone().into());
        self.plain_passwords.clear();
        self.uploads.clear();
    }

    /// Adds a file to be stored with the next save.
    pub fn add_upload(&mut self, upload: Upload) {
        self.uploads.push(upload);
    }

    /// The files to be stored with the next save.
    pub fn uploads(&self) -> &[Upload] {
        &self.uploads
    }

    /// Names of files that the save makes superfluous.
    pub fn replaced_files(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (at, field) in self.collection.fields.iter().enumerate() {
            if !matches!(field.kind, FieldKind::File(_)) {
                continue;
            }
            let Some(before) = self.original(at) else { continue };
            names.extend(before.items().iter().filter(|name| !self.values[at].items().contains(name)).cloned());
        }
        names
    }

    /// Names of all files the record has, as read.
    pub fn stored_files(&self) -> Vec<String> {
        let files = self.collection.fields.iter().enumerate().filter(|(_, f)| matches!(f.kind, FieldKind::File(_)));
        files.filter_map(|(at, _)| self.original(at)).flat_map(|value| value.items().to_vec()).collect()
    }

    /// What `expand` found, as a JSON object; none if nothing was asked or no path led anywhere.
    pub fn expanded(&self) -> Option<&[u8]> {
        self.expanded.as_deref()
    }

    /// Notes what `expand` found, as a JSON object.
    pub fn set_expanded(&mut self, expanded: Vec<u8>) {
        self.expanded = Some(expanded);
    }
}
