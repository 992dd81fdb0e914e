//! What handlers are given. Names follow PocketBase's `onRecord…` hooks.

use std::sync::Arc;

use super::Event;
use crate::app::App;
use crate::records::Record;
use crate::schema::Collection;
use crate::store::Tx;

/// What happens to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Action {
    Create,
    Update,
    Delete,
}

impl Action {
    /// The name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Action::Create => "create",
            Action::Update => "update",
            Action::Delete => "delete",
        }
    }
}

/// A record on its way into or out of the database, inside the transaction.
pub struct RecordEvent<'e> {
    /// The backend.
    pub app: &'e App,
    /// The transaction; what is read through it includes what it wrote.
    pub tx: &'e mut Tx,
    /// The record, free to be changed until it is written.
    pub record: &'e mut Record,
    /// What happens to it.
    pub action: Action,
}

/// A record whose change is committed, or failed to be.
pub struct RecordOutcome<'e> {
    /// The backend, outside any transaction.
    pub app: &'e App,
    /// The record as it was written.
    pub record: Arc<Record>,
    /// What happened to it.
    pub action: Action,
}

/// A committed change of a collection's definition.
pub struct CollectionOutcome<'e> {
    /// The backend, outside any transaction.
    pub app: &'e App,
    /// The definition after the change; the last one of a deleted collection.
    pub collection: Arc<Collection>,
    /// The definition before the change; none for a new one.
    pub original: Option<Arc<Collection>>,
    /// What happened to it.
    pub action: Action,
}

/// Kind of [`RecordEvent`]s.
pub struct RecordEvents;

/// Kind of [`RecordOutcome`]s.
pub struct RecordOutcomes;

/// Kind of [`CollectionOutcome`]s.
pub struct CollectionOutcomes;

impl Event for RecordEvents {
    type Of<'e> = RecordEvent<'e>;

    fn has_tag(event: &RecordEvent<'_>, tag: &str) -> bool {
        is_named(event.record.collection(), tag)
    }
}

impl Event for RecordOutcomes {
    type Of<'e> = RecordOutcome<'e>;

    fn has_tag(event: &RecordOutcome<'_>, tag: &str) -> bool {
        is_named(event.record.collection(), tag)
    }
}

impl Event for CollectionOutcomes {
    type Of<'e> = CollectionOutcome<'e>;

    fn has_tag(event: &CollectionOutcome<'_>, tag: &str) -> bool {
        is_named(&event.collection, tag)
    }
}

fn is_named(collection: &Collection, tag: &str) -> bool {
    collection.id == tag || collection.name == tag
}
