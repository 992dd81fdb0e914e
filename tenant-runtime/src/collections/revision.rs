//! A schema on its way from one state to the next, within a transaction.

use std::sync::Arc;

use crate::app::App;
use crate::error::{Problems, Result};
use crate::hooks::events::{Action, CollectionOutcome};
use crate::records::{datetime, pattern};
use crate::schema::validate::{Definition, validate};
use crate::schema::{AuthOptions, Collection, Field, Schema, persist, settle, sync, view};
use crate::store::Tx;

const SECRET_LENGTH: usize = 50;
/// What hangs on the records of an auth collection.
const DEPENDENTS: [&str; 4] = ["_mfas", "_otps", "_externalAuths", "_authOrigins"];

/// Whether a definition is judged before it is saved.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Checks {
    /// It comes from a client.
    All,
    /// It is judged later, together with others.
    None,
}

/// The collections as the transaction has them so far.
pub struct Revision<'t> {
    tx: &'t mut Tx,
    schema: Schema,
    changes: Vec<Change>,
}

struct Change {
    action: Action,
    collection: Arc<Collection>,
    original: Option<Arc<Collection>>,
}

impl Revision<'_> {
    /// Begins with what is published.
    pub fn begin<'t>(app: &App, tx: &'t mut Tx) -> Revision<'t> {
        Revision { tx, schema: Schema::clone(&app.schema()), changes: Vec::new() }
    }

    /// The collections so far.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// Saves a definition: the row, and the table or view.
    pub fn save(
        &mut self,
        mut new: Collection,
        original: Option<&Arc<Collection>>,
        checks: Checks,
    ) -> Result<Arc<Collection>> {
        new.updated = datetime::now();
        if original.is_none() {
            new.created.clone_from(&new.updated);
        }
        settle::settle(&mut new);
        renew_secret(&mut new, original.map(Arc::as_ref));
        let derived = if new.is_view() { Some(view::derive(self.tx, &self.schema, &new.view_query)?) } else { None };
        if let Some(derived) = &derived {
            new.fields.clone_from(&derived.fields);
        }
        let new = Arc::new(new);
        if checks == Checks::All {
            let definition = Definition {
                db: self.tx,
                schema: &self.schema,
                new: &new,
                original: original.map(Arc::as_ref),
                derived: derived.as_ref(),
            };
            validate(&definition)?.into_result()?;
        } else if let Some(refusal) = derived.and_then(|derived| derived.refusal) {
            return Err(super::refused(refusal));
        }
        if original.is_none() {
            self.tx.check_room()?;
        }
        self.write(&new, original)?;
        let action = if original.is_some() { Action::Update } else { Action::Create };
        self.schema = self.schema.with(Arc::clone(&new));
        self.changes.push(Change { action, collection: Arc::clone(&new), original: original.cloned() });
        Ok(new)
    }

    /// Judges a definition that is saved already.
    pub fn judge(&self, new: &Arc<Collection>, original: Option<&Collection>) -> Result<Problems> {
        let derived = if new.is_view() { Some(view::derive(self.tx, &self.schema, &new.view_query)?) } else { None };
        let (db, schema, original, derived) = (&*self.tx, &self.schema, original, derived.as_ref());
        validate(&Definition { db, schema, new, original, derived })
    }

    fn write(&self, new: &Collection, original: Option<&Arc<Collection>>) -> Result<()> {
        if new.is_view() {
            if let Some(original) = original {
                sync::drop_table(self.tx, original)?;
            }
            view::create(self.tx, new)?;
        }
        match original {
            None => persist::insert(self.tx, new)?,
            Some(_) => persist::update(self.tx, new)?,
        }
        match original {
            _ if new.is_view() => Ok(()),
            None => sync::create_table(self.tx, new),
            Some(original) => sync::update_table(self.tx, original, new),
        }
    }

    /// Deletes a collection with its table or view, whatever depends on it.
    pub fn delete(&mut self, collection: &Arc<Collection>) -> Result<()> {
        sync::drop_table(self.tx, collection)?;
        if collection.is_auth() {
            for dependent in DEPENDENTS {
                self.tx.execute(&format!("DELETE FROM `{dependent}` WHERE `collectionRef` = ?1"), [&collection.id])?;
            }
        }
        persist::delete(self.tx, &collection.id)?;
        self.schema = self.schema.without(&collection.id);
        let original = Some(Arc::clone(collection));
        self.changes.push(Change { action: Action::Delete, collection: Arc::clone(collection), original });
        Ok(())
    }

    /// Saves views anew whose fields are no longer what their query gives. One that cannot be is left as it is.
    pub fn refresh_views(&mut self, except: &str) -> Result<()> {
        let views = self.views(except);
        // A view may select from another; each pass settles at least one more.
        for _ in 0..views.len() {
            let mut settled = true;
            for view in &views {
                match self.refresh(&view.id) {
                    Ok(changed) => settled &= !changed,
                    Err(error) if error.is_storage_failure() => return Err(error),
                    Err(error) => {
                        tracing::debug!("the view {} stays as it is: {error}", view.name);
                        view::fill_lost_columns(self.tx, view)?;
                    }
                }
            }
            if settled {
                break;
            }
        }
        Ok(())
    }

    /// Makes sure that every view makes sense, and refreshes them.
    pub fn require_views(&mut self) -> Result<()> {
        for view in self.views("") {
            self.refresh(&view.id)?;
        }
        self.refresh_views("")
    }

    fn views(&self, except: &str) -> Vec<Arc<Collection>> {
        self.schema.iter().filter(|view| view.is_view() && view.id != except).map(Arc::clone).collect()
    }

    /// Saves a view anew if its query gives other fields; whether it did.
    fn refresh(&mut self, id: &str) -> Result<bool> {
        let Some(view) = self.schema.by_id(id).map(Arc::clone) else { return Ok(false) };
        let derived = view::derive(self.tx, &self.schema, &view.view_query)?;
        if let Some(refusal) = derived.refusal {
            return Err(super::refused(format!("the query of the view {} makes no sense: {refusal}", view.name)));
        }
        if same_fields(&derived.fields, &view.fields) {
            return Ok(false);
        }
        let schema = self.schema.clone();
        let (schema, changes) = self.tx.nested(|tx| {
            let mut revision = Revision { tx, schema, changes: Vec::new() };
            revision.save(Collection::clone(&view), Some(&view), Checks::All)?;
            Ok((revision.schema, revision.changes))
        })?;
        self.schema = schema;
        self.changes.extend(changes);
        Ok(true)
    }

    /// Lets everybody see the new state once it is committed.
    pub fn publish(self, app: &App) -> Result<()> {
        let Revision { tx, schema, changes } = self;
        tx.execute_batch("PRAGMA optimize")?;
        rename_rate_limits(app, tx, &changes)?;
        let app = app.clone();
        tx.after_commit(move || {
            app.set_schema(schema);
            for Change { action, collection, original } in changes {
                let mut outcome = CollectionOutcome { app: &app, collection, original, action };
                if let Err(error) = app.hooks().after_collection(action).trigger(&mut outcome, |_| Ok(())) {
                    tracing::warn!("a handler after a committed {} failed: {error}", action.name());
                }
            }
        });
        Ok(())
    }
}

/// Another rule about who may sign in ends what was issued under the old one.
fn renew_secret(new: &mut Collection, original: Option<&Collection>) {
    let before = original.and_then(|original| original.auth.as_deref());
    // "Nobody" and "everybody" count as the same here: the tokens stay, and the rule decides at the next refresh.
    let rule = |auth: &AuthOptions| auth.auth_rule.clone().unwrap_or_default();
    if let (Some(before), Some(auth)) = (before, &mut new.auth)
        && rule(before) != rule(auth)
    {
        auth.auth_token.secret = pattern::random_key(SECRET_LENGTH);
    }
}

/// Whether two lists of fields differ in nothing but their ids.
fn same_fields(a: &[Field], b: &[Field]) -> bool {
    let nameless = |field: &Field| Field { id: String::new(), ..field.clone() };
    a.iter().map(nameless).eq(b.iter().map(nameless))
}

/// Limits that name a renamed collection follow it.
fn rename_rate_limits(app: &App, tx: &mut Tx, changes: &[Change]) -> Result<()> {
    let mut settings = app.settings().as_ref().clone();
    for Change { collection, original, .. } in changes {
        let Some(original) = original.as_ref().filter(|original| original.name != collection.name) else { continue };
        for rule in &mut settings.rate_limits.rules {
            if let Some(action) = rule.label.strip_prefix(&original.name).and_then(|rest| rest.strip_prefix(':')) {
                rule.label = format!("{}:{action}", collection.name);
            }
        }
    }
    if settings == *app.settings() {
        return Ok(());
    }
    app.save_settings(tx, settings)
}
