//! A new password for who can read the account's mail.

use std::sync::Arc;
use std::time::Duration;

use super::accounts::{self, NewPassword};
use super::mails;
use super::records::INSTALLER_EMAIL;
use crate::app::App;
use crate::error::{Problems, Result};
use crate::records::{Record, Value, save};
use crate::schema::{Collection, TokenType};

/// One account gets this mail no more often.
const PAUSE: Duration = Duration::from_secs(120);
const UNSENT: &str = "A password reset mail was not sent";
const FAILED: &str = "Failed to set new password.";

/// Sends the mail, unless the account just got one. Nobody waits for it.
pub fn request(app: &App, record: Record) {
    let key = throttle_key(&record);
    let is_installer = record.collection().is_superusers() && record.text("email") == INSTALLER_EMAIL;
    if is_installer || !app.throttle().admit(&key, 1, PAUSE) {
        return;
    }
    let (inner, undo) = (app.clone(), key.clone());
    let under_way = app.mailer().later(async move {
        if let Err(error) = mails::send(&inner, mails::password_reset(&inner, &record)).await {
            // Who got no mail may ask again at once.
            inner.throttle().forget(&undo);
            inner.logs().failed(UNSENT, &error);
        }
    });
    if let Err(error) = under_way {
        app.throttle().forget(&key);
        app.logs().failed(UNSENT, &error);
    }
}

/// Sets the password of a token's account, and takes the address as verified, since its mail was read.
///
/// # Errors
/// `Error::Invalid` for a token that is not valid; 400 for a password that its field refuses.
pub async fn confirm(app: &App, collection: Arc<Collection>, token: String, password: String) -> Result<()> {
    let (inner, of, given) = (app.clone(), Arc::clone(&collection), token.clone());
    app.store()
        .read(move |db| {
            let found = accounts::by_mailed_token(db, &inner.schema(), &of, &given, TokenType::PasswordReset)?;
            found.map(drop).map_err(|error| Problems::of("token", error).into())
        })
        .await?;
    let password = NewPassword::chosen(app, &collection, password).await?;
    let inner = app.clone();
    app.store()
        .write(move |tx| {
            tx.must_be_possible();
            // Asked again: in between the same token may have been used.
            let found = accounts::by_mailed_token(tx, &inner.schema(), &collection, &token, TokenType::PasswordReset)?;
            let (mut record, claims) = found.map_err(|error| Problems::of("token", error))?;
            password.give_to(&mut record);
            if claims.email.as_deref().is_some_and(|email| email == record.text("email")) {
                accounts::set(&mut record, "verified", Value::Bool(true));
            }
            let key = throttle_key(&record);
            save::save(&inner, tx, record).map_err(|error| error.or_bad_request(FAILED))?;
            inner.throttle().forget(&key);
            Ok(())
        })
        .await
}

fn throttle_key(record: &Record) -> String {
    format!("password-reset {} {}", record.collection().id, record.id())
}
