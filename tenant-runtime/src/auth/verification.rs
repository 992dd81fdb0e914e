//! Proving that a mail address is one's own.

use std::sync::Arc;
use std::time::Duration;

use super::accounts::{self, NewPassword};
use super::{mails, tokens};
use crate::app::App;
use crate::error::{FieldError, Problems, Result};
use crate::records::{Record, Value, save};
use crate::schema::{Collection, TokenType};

/// One account gets this mail no more often.
const PAUSE: Duration = Duration::from_secs(120);
const UNSENT: &str = "A verification mail was not sent";

/// Sends the mail, unless the account is verified or just got one. Nobody waits for it.
pub fn request(app: &App, record: Record) {
    let key = throttle_key(&record);
    if record.flag("verified") || !app.throttle().admit(&key, 1, PAUSE) {
        return;
    }
    let inner = app.clone();
    let under_way = app.mailer().later(async move {
        if let Err(error) = mails::send(&inner, mails::verification(&inner, &record)).await {
            inner.logs().failed(UNSENT, &error);
        }
    });
    if let Err(error) = under_way {
        app.throttle().forget(&key);
        app.logs().failed(UNSENT, &error);
    }
}

/// Marks the account of a token as verified. A second time changes nothing.
///
/// # Errors
/// `Error::Invalid` for a token that is not valid, or not for the account's present address.
pub async fn confirm(app: &App, collection: Arc<Collection>, token: String) -> Result<()> {
    let claimed = tokens::unverified_claims(&token).and_then(|claims| claims.email).unwrap_or_default();
    if claimed.is_empty() {
        let error = FieldError::new("validation_invalid_token_claims", "Missing email token claim.");
        return Err(Problems::of("token", error).into());
    }
    let password_is_of_no_use = collection.auth.as_ref().is_some_and(|auth| !auth.password_auth.enabled);
    let mut random = match password_is_of_no_use {
        true => Some(NewPassword::random(app, &collection).await?),
        false => None,
    };
    let inner = app.clone();
    app.store()
        .write(move |tx| {
            tx.must_be_possible();
            let found = accounts::by_mailed_token(tx, &inner.schema(), &collection, &token, TokenType::Verification)?;
            let (mut record, _) = found.map_err(|error| Problems::of("token", error))?;
            if record.text("email") != claimed {
                let message = "The record email doesn't match with the requested token claims.";
                let error = FieldError::new("validation_token_email_mismatch", message);
                return Err(Problems::of("token", error).into());
            }
            if !record.flag("verified") {
                accounts::set(&mut record, "verified", Value::Bool(true));
                if let Some(password) = random.take() {
                    password.give_to(&mut record);
                }
                let key = throttle_key(&record);
                save::save(&inner, tx, record)?;
                inner.throttle().forget(&key);
            }
            Ok(())
        })
        .await
}

fn throttle_key(record: &Record) -> String {
    format!("verification {} {}", record.collection().id, record.id())
}
