//! Creating and updating records: the hooks, the checks and the statement, in PocketBase's order.

use std::fmt::Write as _;
use std::sync::Arc;

use rusqlite::params_from_iter;

use super::find::quote;
use super::{Record, Value, datetime, pattern, validate};
use crate::app::App;
use crate::error::{Error, Result};
use crate::hooks::events::{Action, RecordEvent, RecordOutcome};
use crate::schema::{Collection, Field, FieldKind};
use crate::store::Tx;

/// Whether a save checks the values.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Checks {
    All,
    None,
}

/// Creates the record if it is new, else updates it.
///
/// # Errors
/// `Error::Invalid` with all fields that do not fit, or with those of a violated unique index.
pub fn save(app: &App, tx: &mut Tx, record: Record) -> Result<Arc<Record>> {
    run(app, tx, record, Checks::All)
}

/// Saves without checking values: for the server's own changes, such as removing a deleted record from relations.
pub fn save_unvalidated(app: &App, tx: &mut Tx, record: Record) -> Result<Arc<Record>> {
    run(app, tx, record, Checks::None)
}

fn run(app: &App, tx: &mut Tx, mut record: Record, checks: Checks) -> Result<Arc<Record>> {
    let action = if record.is_new() { Action::Create } else { Action::Update };
    let hooks = app.hooks();
    if action == Action::Create {
        // What the system keeps of a sign-in goes by other rules, see `must_be_possible`.
        if !record.collection().system {
            tx.check_room()?;
        }
        autogenerate(&mut record)?;
    }
    let mut event = RecordEvent { app, tx, record: &mut record, action };
    let result = hooks.around(action).trigger(&mut event, |event| {
        if checks == Checks::All {
            hooks
                .record_validate
                .trigger(event, |event| validate::validate(event.tx, &event.app.schema(), event.record))?;
        }
        hooks.execute(action).trigger(event, write)
    });
    let record = Arc::new(record);
    announce(app, tx, &record, action);
    result.map(|()| record)
}

/// Tells those who listen, once it is known how the transaction ended.
pub(super) fn announce(app: &App, tx: &mut Tx, record: &Arc<Record>, action: Action) {
    if !app.hooks().after_success(action).is_empty() {
        let (app, record) = (app.clone(), Arc::clone(record));
        tx.after_commit(move || {
            let mut outcome = RecordOutcome { app: &app, record, action };
            if let Err(error) = app.hooks().after_success(action).trigger(&mut outcome, |_| Ok(())) {
                tracing::warn!("a handler after a committed {} failed: {error}", action.name());
            }
        });
    }
    if !app.hooks().after_error(action).is_empty() {
        let (app, record) = (app.clone(), Arc::clone(record));
        tx.after_rollback(move || {
            let mut outcome = RecordOutcome { app: &app, record, action };
            if let Err(error) = app.hooks().after_error(action).trigger(&mut outcome, |_| Ok(())) {
                tracing::warn!("a handler after a failed {} failed: {error}", action.name());
            }
        });
    }
}

/// An id for a new record of a collection, unless it wants to be given one.
pub fn new_id(collection: &Collection) -> Result<Option<String>> {
    collection.field_index("id").map_or(Ok(None), |at| generated(&collection.fields[at]))
}

/// Fills empty texts that have a pattern to be made from.
fn autogenerate(record: &mut Record) -> Result<()> {
    let collection = Arc::clone(record.collection());
    for (at, field) in collection.fields.iter().enumerate() {
        if record.values()[at].is_empty()
            && let Some(text) = generated(field)?
        {
            record.set_value(at, Value::Text(text));
        }
    }
    Ok(())
}

/// A text made from the field's pattern, if it has one.
fn generated(field: &Field) -> Result<Option<String>> {
    let FieldKind::Text(options) = &field.kind else { return Ok(None) };
    if options.autogenerate_pattern.is_empty() {
        return Ok(None);
    }
    let text = pattern::generate(&options.autogenerate_pattern);
    text.map(Some).map_err(|error| Error::Internal(anyhow::anyhow!("make a value of {}: {error}", field.name)))
}

/// Stamps the dates and executes the statement.
fn write(event: &mut RecordEvent<'_>) -> Result<()> {
    let RecordEvent { tx, record, action, .. } = event;
    let collection = Arc::clone(record.collection());
    let now = datetime::now();
    for (at, field) in collection.fields.iter().enumerate() {
        if let FieldKind::Autodate(options) = &field.kind
            && (if *action == Action::Create { options.on_create } else { options.on_update })
        {
            record.set_value(at, Value::Text(now.clone()));
        }
    }
    let sql = match action {
        Action::Create => insert_sql(&collection),
        _ => update_sql(&collection),
    };
    let mut statement = tx.prepare_cached(&sql)?;
    let outcome = match action {
        Action::Create => statement.execute(params_from_iter(record.values())),
        _ => {
            let id = record.collection().field_index("id").and_then(|at| record.original(at)).cloned();
            statement.execute(params_from_iter(record.values().iter().chain(id.iter())))
        }
    };
    match outcome {
        Ok(0) => Err(Error::NotFound),
        Ok(_) => Ok(()),
        Err(error) => Err(validate::unique_violation(&error, record).unwrap_or(Error::Sqlite(error))),
    }
}

fn insert_sql(collection: &Collection) -> String {
    let mut sql =
        format!("INSERT INTO {} ({}) VALUES (", quote(&collection.name), super::find::columns(collection, None));
    for at in 0..collection.fields.len() {
        sql.push_str(if at == 0 { "?" } else { ",?" });
    }
    sql.push(')');
    sql
}

fn update_sql(collection: &Collection) -> String {
    let mut sql = format!("UPDATE {} SET ", quote(&collection.name));
    for (at, field) in collection.fields.iter().enumerate() {
        let _ = write!(sql, "{}{} = ?", if at == 0 { "" } else { ", " }, quote(&field.name));
    }
    sql.push_str(" WHERE `id` = ?");
    sql
}
