//! Every event that can be hooked, by PocketBase's names.

use super::Hook;
use super::events::{Action, CollectionOutcomes, RecordEvents, RecordOutcomes};

/// The hooks of one backend. Filled before serving begins, then read only.
#[derive(Default)]
#[expect(missing_docs, reason = "the names are PocketBase's, without their `on`")]
pub struct Hooks {
    pub record_validate: Hook<RecordEvents>,
    pub record_create: Hook<RecordEvents>,
    pub record_create_execute: Hook<RecordEvents>,
    pub record_after_create_success: Hook<RecordOutcomes>,
    pub record_after_create_error: Hook<RecordOutcomes>,
    pub record_update: Hook<RecordEvents>,
    pub record_update_execute: Hook<RecordEvents>,
    pub record_after_update_success: Hook<RecordOutcomes>,
    pub record_after_update_error: Hook<RecordOutcomes>,
    pub record_delete: Hook<RecordEvents>,
    pub record_delete_execute: Hook<RecordEvents>,
    pub record_after_delete_success: Hook<RecordOutcomes>,
    pub record_after_delete_error: Hook<RecordOutcomes>,
    pub collection_after_create_success: Hook<CollectionOutcomes>,
    pub collection_after_update_success: Hook<CollectionOutcomes>,
    pub collection_after_delete_success: Hook<CollectionOutcomes>,
}

impl Hooks {
    /// The hook around the whole of an action.
    pub fn around(&self, action: Action) -> &Hook<RecordEvents> {
        match action {
            Action::Create => &self.record_create,
            Action::Update => &self.record_update,
            Action::Delete => &self.record_delete,
        }
    }

    /// The hook around an action's statement.
    pub fn execute(&self, action: Action) -> &Hook<RecordEvents> {
        match action {
            Action::Create => &self.record_create_execute,
            Action::Update => &self.record_update_execute,
            Action::Delete => &self.record_delete_execute,
        }
    }

    /// The hook after the commit.
    pub fn after_success(&self, action: Action) -> &Hook<RecordOutcomes> {
        match action {
            Action::Create => &self.record_after_create_success,
            Action::Update => &self.record_after_update_success,
            Action::Delete => &self.record_after_delete_success,
        }
    }

    /// The hook after a failure.
    pub fn after_error(&self, action: Action) -> &Hook<RecordOutcomes> {
        match action {
            Action::Create => &self.record_after_create_error,
            Action::Update => &self.record_after_update_error,
            Action::Delete => &self.record_after_delete_error,
        }
    }

    /// The hook after a committed change of a collection.
    pub fn after_collection(&self, action: Action) -> &Hook<CollectionOutcomes> {
        match action {
            Action::Create => &self.collection_after_create_success,
            Action::Update => &self.collection_after_update_success,
            Action::Delete => &self.collection_after_delete_success,
        }
    }
}
