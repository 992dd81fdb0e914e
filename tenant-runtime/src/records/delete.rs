//! Deleting a record and what hangs on it: references are removed, and records that cannot be without it go too.

use std::sync::Arc;

use rusqlite::Connection;

use super::find::{columns, quote};
use super::save::announce;
use super::{Record, Value, save};
use crate::app::App;
use crate::error::{Error, Result};
use crate::hooks::events::{Action, RecordEvent};
use crate::schema::{Collection, Field, FieldKind};
use crate::store::Tx;

/// Referencing records looked at in one go.
const BATCH: usize = 4000;

/// Deletes the record and, by cascade, those that must not outlive it.
///
/// # Errors
/// An error when a required relation would be left empty.
pub fn delete(app: &App, tx: &mut Tx, mut record: Record) -> Result<Arc<Record>> {
    let hooks = app.hooks();
    let mut event = RecordEvent { app, tx, record: &mut record, action: Action::Delete };
    let result = hooks.record_delete.trigger(&mut event, |event| {
        hooks.record_delete_execute.trigger(event, |event| {
            let sql = format!("DELETE FROM {} WHERE `id` = ?1", quote(&event.record.collection().name));
            if event.tx.prepare_cached(&sql)?.execute([event.record.id()])? == 0 {
                return Err(Error::NotFound);
            }
            release_references(event.app, event.tx, event.record)
        })
    });
    let record = Arc::new(record);
    announce(app, tx, &record, Action::Delete);
    result.map(|()| record)
}

/// Takes the deleted record's id out of every relation that holds it.
fn release_references(app: &App, tx: &mut Tx, deleted: &Record) -> Result<()> {
    for (owner, at) in app.schema().references_to(deleted.collection()) {
        let FieldKind::Relation(relation) = &owner.fields[at].kind else { continue };
        loop {
            let referencing = referencing(tx, &owner, &owner.fields[at], deleted.id(), BATCH)?;
            let full = referencing.len() == BATCH;
            for mut record in referencing {
                let left: Vec<String> =
                    record.values()[at].items().iter().filter(|id| *id != deleted.id()).cloned().collect();
                if left.is_empty() && relation.cascade_delete {
                    delete(app, tx, record)?;
                    continue;
                }
                if left.is_empty() && owner.fields[at].required {
                    return Err(Error::Internal(anyhow::anyhow!(
                        "{} is required by {} {}",
                        deleted.id(),
                        owner.name,
                        record.id()
                    )));
                }
                record.set_value(
                    at,
                    match owner.fields[at].is_multiple() {
                        true => Value::List(left),
                        false => Value::Text(left.into_iter().next().unwrap_or_default()),
                    },
                );
                save::save_unvalidated(app, tx, record)?;
            }
            if !full {
                break;
            }
        }
    }
    Ok(())
}

/// The records whose relation field holds that id, at most so many.
pub fn referencing(
    db: &Connection,
    owner: &Arc<Collection>,
    field: &Field,
    id: &str,
    limit: usize,
) -> Result<Vec<Record>> {
    let condition = if field.is_multiple() {
        format!(
            "EXISTS (SELECT 1 FROM json_each(CASE WHEN json_valid({0}) THEN {0} ELSE json_array({0}) END) WHERE value = ?1)",
            quote(&field.name)
        )
    } else {
        format!("{} = ?1", quote(&field.name))
    };
    let sql = format!("SELECT {} FROM {} WHERE {condition} LIMIT {limit}", columns(owner, None), quote(&owner.name));
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement.query_map([id], |row| Record::from_row(owner, row, 0))?;
    Ok(rows.collect::<rusqlite::Result<Vec<Record>>>()?)
}
