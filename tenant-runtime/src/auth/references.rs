//! What the system's own collections hold about people: each row must belong to a record that exists.

use crate::error::{FieldError, Problems, Result};
use crate::hooks::events::{RecordEvent, RecordEvents};
use crate::hooks::{Hooks, Next};
use crate::records::find;
use crate::schema::oauth2_providers;

/// Registers the handlers.
pub fn bind(hooks: &mut Hooks) {
    hooks.record_validate.bind(&["_mfas", "_otps", "_externalAuths", "_authOrigins"], check_owner);
    hooks.record_validate.bind(&["_externalAuths"], check_provider);
}

fn check_owner(event: &mut RecordEvent<'_>, next: Next<'_, RecordEvents>) -> Result<()> {
    next.run(event)?;
    let schema = event.app.schema();
    let refused = |field, code, message| Err(Problems::of(field, FieldError::new(code, message)).into());
    let Some(collection) = schema.by_id(event.record.text("collectionRef")) else {
        return refused("collectionRef", "validation_invalid_collection_id", "Missing or invalid collection.");
    };
    if !collection.is_auth() {
        return refused("collectionRef", "validation_invalid_collection_type", "Missing or invalid auth collection.");
    }
    if find::by_id(event.tx, collection, event.record.text("recordRef"))?.is_none() {
        return refused("recordRef", "validation_invalid_record", "Missing or invalid record.");
    }
    Ok(())
}

fn check_provider(event: &mut RecordEvent<'_>, next: Next<'_, RecordEvents>) -> Result<()> {
    next.run(event)?;
    if oauth2_providers::find(event.record.text("provider")).is_none() {
        let error = FieldError::new("validation_in_invalid", "Must be a valid value.");
        return Err(Problems::of("provider", error).into());
    }
    Ok(())
}
