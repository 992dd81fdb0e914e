//! Another mail address for an account, once it is proven to be its owner's.

use std::sync::Arc;

use rusqlite::Connection;

use super::{accounts, mails, tokens};
use crate::app::App;
use crate::error::{ApiError, FieldError, Problems, Result};
use crate::records::{Record, Value, save};
use crate::schema::{Collection, TokenType};

const FAILED_TO_REQUEST: &str = "Failed to request email change.";
const FAILED_TO_CONFIRM: &str = "Failed to confirm email change.";

/// Whether an address may become that of an account.
pub fn check_new_email(db: &Connection, record: &Record, email: &str) -> Result<Result<(), FieldError>> {
    if email == record.text("email") {
        return Ok(Err(FieldError::new("validation_not_in_invalid", "Must not be in list.")));
    }
    if accounts::by_email(db, record.collection(), email)?.is_some_and(|other| other.id() != record.id()) {
        return Ok(Err(FieldError::new("validation_invalid_new_email", "Invalid new email address.")));
    }
    Ok(Ok(()))
}

/// Sends the mail to the new address and waits for it.
pub async fn request(app: &App, record: &Record, email: &str) -> Result<()> {
    mails::send(app, mails::email_change(app, record, email)).await.map_err(|error| {
        app.logs().failed("An address change mail was not sent", &error);
        ApiError::bad_request(FAILED_TO_REQUEST).into()
    })
}

/// Gives the account of a token its new address.
///
/// # Errors
/// `Error::Invalid` for a token that is not valid and for a password that is not the account's.
pub async fn confirm(app: &App, collection: Arc<Collection>, token: String, password: String) -> Result<()> {
    let (inner, of, given) = (app.clone(), Arc::clone(&collection), token.clone());
    let known = app.store().read(move |db| claimed(&inner, db, &of, &given)).await?;
    let mut problems = Problems::new();
    let fits = match known {
        Ok((record, _)) => app.hasher().verify(password, record.text("password").to_owned()).await?,
        Err(error) => {
            problems.add("token", error);
            false
        }
    };
    if !fits {
        let message = "Missing or invalid auth record password.";
        problems.add("password", FieldError::new("validation_invalid_password", message));
    }
    problems.into_result()?;
    let inner = app.clone();
    app.store()
        .write(move |tx| {
            tx.must_be_possible();
            let found = claimed(&inner, tx, &collection, &token)?;
            let (mut record, email) = found.map_err(|error| Problems::of("token", error))?;
            accounts::set(&mut record, "email", Value::Text(email));
            accounts::set(&mut record, "verified", Value::Bool(true));
            save::save(&inner, tx, record).map_err(|error| error.or_bad_request(FAILED_TO_CONFIRM))?;
            Ok(())
        })
        .await
}

/// The account a token belongs to, and the address it is to have.
fn claimed(
    app: &App,
    db: &Connection,
    collection: &Collection,
    token: &str,
) -> Result<Result<(Record, String), FieldError>> {
    let email = tokens::unverified_claims(token).and_then(|claims| claims.new_email).unwrap_or_default();
    if email.is_empty() {
        let message = "Invalid token payload - newEmail must be set.";
        return Ok(Err(FieldError::new("validation_invalid_token_payload", message)));
    }
    let found = accounts::by_mailed_token(db, &app.schema(), collection, token, TokenType::EmailChange)?;
    let (record, _) = match found {
        Ok(found) => found,
        Err(error) => return Ok(Err(error)),
    };
    if accounts::by_email(db, record.collection(), &email)?.is_some() {
        let error = FieldError::new("validation_invalid_token_email", "The new email address is invalid.");
        return Ok(Err(error));
    }
    Ok(Ok((record, email)))
}
