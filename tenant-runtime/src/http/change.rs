//! One record's change on a client's behalf: a request of its own, or a step of a batch.

use std::sync::Arc;

use rusqlite::Connection;
use serde_json::Map;

use super::body::Submitted;
use super::request::Head;
use crate::app::App;
use crate::auth::Caller;
use crate::error::{Error, Result};
use crate::files;
use crate::records::access::{self, Scope};
use crate::records::actions::{Credentials, Submission, Writing};
use crate::records::value::cast_text;
use crate::records::{Record, delete, expand, export, find, save};
use crate::rules::Context;
use crate::schema::Collection;
use crate::store::Tx;

const FAILED_TO_CREATE: &str = "Failed to create record.";
const FAILED_TO_UPDATE: &str = "Failed to update record.";
const FAILED_TO_DELETE: &str =
    "Failed to delete record. Make sure that the record is not part of a required relation reference.";

/// What is to happen to a record.
pub(super) enum Action {
    Create,
    Update(String),
    /// Update the record the body names, or create it.
    Upsert,
    Delete(String),
}

/// A change as it was asked for.
pub(super) struct Change {
    pub(super) collection: Arc<Collection>,
    pub(super) action: Action,
    pub(super) head: Head,
    pub(super) submitted: Submitted,
}

/// A change whose slow part is done: what is left belongs into the transaction.
pub(super) struct Prepared {
    change: Change,
    credentials: Credentials,
    /// What a new record that brings no id is to be called.
    id: Option<String>,
}

impl Change {
    /// Hashes and compares passwords, and puts files where the record will name them.
    pub(super) async fn prepare(self, app: &App) -> Result<Prepared> {
        let id = match &self.action {
            Action::Update(id) => Some(id.clone()),
            Action::Upsert => self.submitted.values.get("id").map(cast_text),
            Action::Create | Action::Delete(_) => None,
        };
        let credentials = match &self.action {
            Action::Delete(_) => Credentials::default(),
            _ => Credentials::prepare(app, &self.collection, id.as_deref(), &self.submitted.values).await?,
        };
        let id = self.place_files(app).await?;
        Ok(Prepared { change: self, credentials, id })
    }

    /// Puts files in place, outside the transaction. Answers the id that was chosen for the new record they belong to.
    async fn place_files(&self, app: &App) -> Result<Option<String>> {
        if self.submitted.uploads.is_empty() || !self.may_succeed(app).await? {
            return Ok(None);
        }
        let given = || self.submitted.values.get("id").map(cast_text).filter(|id| !id.is_empty());
        let (known, failed) = match &self.action {
            Action::Update(id) => (Some(id.clone()), FAILED_TO_UPDATE),
            _ => (given(), FAILED_TO_CREATE),
        };
        let chosen = if known.is_none() { save::new_id(&self.collection)? } else { None };
        if let Some(id) = known.as_ref().or(chosen.as_ref()) {
            let placed = files::place(app, &self.collection, id, &self.submitted.uploads).await;
            placed.map_err(|error| error.or_bad_request(failed))?;
        }
        Ok(chosen)
    }

    /// A glance beforehand, so that files of those who may not write at all go nowhere. The transaction decides.
    async fn may_succeed(&self, app: &App) -> Result<bool> {
        let rules = self.collection.rules.clone();
        let (rules, id) = match &self.action {
            Action::Create => (vec![rules.create], None),
            Action::Update(id) => (vec![rules.update], Some(id.clone())),
            Action::Upsert => (vec![rules.create, rules.update], None),
            Action::Delete(_) => return Ok(false),
        };
        let (schema, head, collection) = (app.schema(), self.head.clone(), Arc::clone(&self.collection));
        let glance = app.store().read(move |db| {
            let caller = head.caller(db, &schema)?;
            let is_there = id.as_deref().map_or(Ok(true), |id| find::by_id(db, &collection, id).map(|it| it.is_some()));
            Ok(is_there? && rules.iter().any(|rule| access::applicable(&caller, rule).is_ok()))
        });
        glance.await
    }
}

impl Prepared {
    /// The request it came with.
    pub(super) fn head(&self) -> &Head {
        &self.change.head
    }

    /// The collection it changes.
    pub(super) fn collection(&self) -> &Collection {
        &self.change.collection
    }

    /// What rate limits call it.
    pub(super) fn tag(&self, db: &Connection) -> Result<&'static str> {
        Ok(match &self.change.action {
            Action::Create => "create",
            Action::Update(_) => "update",
            Action::Delete(_) => "delete",
            Action::Upsert => {
                let id = self.change.submitted.values.get("id").map(cast_text).unwrap_or_default();
                let known = find::by_id(db, &self.change.collection, &id)?;
                if known.is_some() { "update" } else { "create" }
            }
        })
    }

    /// Changes the record. Answers it as the caller may see it, or nothing once it is deleted.
    pub(super) fn carry_out(
        self,
        app: &App,
        tx: &mut Tx,
        caller: &Caller,
        context: Context,
    ) -> Result<Option<Vec<u8>>> {
        let Prepared { change: Change { collection, action, head, submitted }, credentials, id: new_id } = self;
        let schema = app.schema();
        // The collection may have changed while the body was read.
        let collection = schema.by_id(&collection.id).ok_or(Error::NotFound)?;
        let id = match action {
            Action::Delete(id) => {
                let info = head.info(caller, context, submitted.values);
                let rule = access::applicable(caller, &collection.rules.delete)?;
                let scope = Scope { db: tx, schema: &schema, caller, request: &info };
                let record = scope.find(collection, &id, rule)?.ok_or(Error::NotFound)?;
                delete::delete(app, tx, record).map_err(|error| error.or_bad_request(FAILED_TO_DELETE))?;
                return Ok(None);
            }
            Action::Create => None,
            Action::Update(id) => Some(id),
            Action::Upsert => {
                let id = submitted.values.get("id").map(cast_text).unwrap_or_default();
                find::by_id(tx, collection, &id)?.map(|_| id)
            }
        };
        let request = head.info(caller, context, Map::new());
        let mut writing = Writing { app, schema: &schema, caller, request };
        let submission = Submission { values: submitted.values, uploads: submitted.uploads, credentials, new_id };
        let saved = match &id {
            None => {
                let created = writing.create(tx, collection, submission);
                created.map_err(|error| error.or_bad_request(FAILED_TO_CREATE))
            }
            Some(id) => writing.update(tx, collection, id, submission).map_err(|error| match error {
                Error::NotFound => error,
                error => error.or_bad_request(FAILED_TO_UPDATE),
            }),
        };
        let scope = Scope { db: tx, schema: &schema, caller, request: &writing.request };
        present(&scope, &head, &mut Record::clone(&*saved?)).map(Some)
    }
}

/// The record as JSON, with what `expand` asks for.
pub(super) fn present(scope: &Scope<'_>, head: &Head, record: &mut Record) -> Result<Vec<u8>> {
    if let Some(paths) = head.given("expand") {
        expand::expand(scope, std::slice::from_mut(record), paths)?;
    }
    export::record_json(scope, record)
}
