//! Removes one-time passwords and half-finished sign-ins that no longer count. They are refused before, so when this
//! runs is of no importance.

use rusqlite::Connection;

use super::mfa::MFAS;
use super::otp::OTPS;
use crate::app::App;
use crate::error::Result;
use crate::records::{datetime, find};
use crate::schema::Collection;

/// Removes expired one-time passwords.
pub async fn purge_otps(app: &App) -> Result<()> {
    let inner = app.clone();
    app.store()
        .write(move |tx| purge(tx, &inner, OTPS, |collection| collection.auth.as_ref().map(|auth| auth.otp.duration)))
        .await
}

/// Removes expired half-finished sign-ins.
pub async fn purge_mfas(app: &App) -> Result<()> {
    let inner = app.clone();
    app.store()
        .write(move |tx| purge(tx, &inner, MFAS, |collection| collection.auth.as_ref().map(|auth| auth.mfa.duration)))
        .await
}

fn purge(db: &Connection, app: &App, table: &str, duration: impl Fn(&Collection) -> Option<i64>) -> Result<()> {
    let sql = format!("DELETE FROM {} WHERE `collectionRef` = ?1 AND `created` < ?2", find::quote(table));
    for collection in app.schema().iter() {
        let Some(age) = duration(collection).and_then(chrono::TimeDelta::try_seconds) else { continue };
        let Some(oldest) = chrono::Utc::now().checked_sub_signed(age) else { continue };
        db.execute(&sql, [&collection.id, &datetime::format(oldest)])?;
    }
    Ok(())
}
