//! What saving and deleting a record of an auth collection brings with it, as handlers of the same hooks users have.

use rusqlite::OptionalExtension;

use crate::error::{ApiError, FieldError, Problems, Result};
use crate::hooks::events::{Action, RecordEvent};
use crate::hooks::{Hooks, Next};
use crate::records::find::quote;
use crate::records::{Record, Value, pattern};
use crate::schema::SUPERUSERS;

/// The account through which a new backend's first superuser is made.
pub const INSTALLER_EMAIL: &str = "__pbinstaller@example.com";
const TOKEN_KEY_LENGTH: usize = 50;

/// Registers the handlers.
pub fn bind(hooks: &mut Hooks) {
    hooks.record_create.bind(&[], around_save);
    hooks.record_update.bind(&[], around_save);
    hooks.record_validate.bind(&[], check_id);
    hooks.record_delete.bind(&[SUPERUSERS], keep_one_superuser);
    hooks.record_delete_execute.bind(&[], remove_dependents);
}

fn around_save(event: &mut RecordEvent<'_>, next: Next<'_, crate::hooks::events::RecordEvents>) -> Result<()> {
    if !event.record.collection().is_auth() {
        return next.run(event);
    }
    if event.record.collection().is_superusers() {
        set(event.record, "verified", Value::Bool(true));
    }
    let proven =
        event.action == Action::Update && event.record.changed_by_name("verified") && event.record.flag("verified");
    if proven && !event.record.changed_by_name("tokenKey") && remove(event, &["_externalAuths"])? > 0 {
        // Whoever linked the account before its owner proved the address is out.
        set(event.record, "tokenKey", Value::Text(pattern::random_key(TOKEN_KEY_LENGTH)));
    }
    let password_changed = event.record.changed_by_name("password");
    let unset = event.record.text("tokenKey").is_empty();
    let stale =
        (password_changed || event.record.changed_by_name("email")) && !event.record.changed_by_name("tokenKey");
    if unset || (!event.record.is_new() && stale) {
        set(event.record, "tokenKey", Value::Text(pattern::random_key(TOKEN_KEY_LENGTH)));
    }
    let (action, key_changed) = (event.action, event.record.changed_by_name("tokenKey"));
    next.run(event)?;
    match action {
        Action::Create
            if event.record.collection().is_superusers() && event.record.text("email") != INSTALLER_EMAIL =>
        {
            let sql = format!("DELETE FROM `{SUPERUSERS}` WHERE `email` = ?1");
            event.tx.prepare_cached(&sql)?.execute([INSTALLER_EMAIL])?;
        }
        Action::Update => {
            if password_changed {
                remove(event, &["_authOrigins", "_mfas"])?;
            }
            if key_changed {
                remove(event, &["_otps"])?;
            }
        }
        _ => {}
    }
    Ok(())
}

/// An id names one record among all auth collections.
fn check_id(event: &mut RecordEvent<'_>, next: Next<'_, crate::hooks::events::RecordEvents>) -> Result<()> {
    next.run(event)?;
    if !event.record.is_new() || !event.record.collection().is_auth() {
        return Ok(());
    }
    for other in event.app.schema().iter() {
        if !other.is_auth() || other.id == event.record.collection().id {
            continue;
        }
        let sql = format!("SELECT 1 FROM {} WHERE `id` = ?1", quote(&other.name));
        if event.tx.prepare_cached(&sql)?.query_row([event.record.id()], |_| Ok(())).optional()?.is_some() {
            let error = FieldError::new("validation_invalid_auth_id", "Invalid or duplicated auth record id.");
            return Err(Problems::of("id", error).into());
        }
    }
    Ok(())
}

fn keep_one_superuser(event: &mut RecordEvent<'_>, next: Next<'_, crate::hooks::events::RecordEvents>) -> Result<()> {
    let count: i64 = event.tx.query_row(&format!("SELECT count(*) FROM `{SUPERUSERS}`"), [], |row| row.get(0))?;
    if count <= 1 {
        return Err(ApiError::bad_request("You can't delete the only existing superuser.").into());
    }
    next.run(event)
}

fn remove_dependents(event: &mut RecordEvent<'_>, next: Next<'_, crate::hooks::events::RecordEvents>) -> Result<()> {
    next.run(event)?;
    if event.record.collection().is_auth() {
        remove(event, &["_mfas", "_otps", "_externalAuths", "_authOrigins"])?;
    }
    Ok(())
}

/// Deletes the rows of these system collections that belong to the record. Answers how many there were.
fn remove(event: &mut RecordEvent<'_>, collections: &[&str]) -> Result<usize> {
    let mut removed = 0;
    for collection in collections {
        if event.app.schema().by_name(collection).is_some() {
            let sql = format!("DELETE FROM `{collection}` WHERE `collectionRef` = ?1 AND `recordRef` = ?2");
            let keys = [event.record.collection().id.as_str(), event.record.id()];
            removed += event.tx.prepare_cached(&sql)?.execute(keys)?;
        }
    }
    Ok(removed)
}

fn set(record: &mut Record, field: &str, value: Value) {
    if let Some(at) = record.collection().field_index(field) {
        record.set_value(at, value);
    }
}
