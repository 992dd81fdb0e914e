//! One-time passwords by mail.
//!
//! Whether an address is known shows neither in the answer nor in the time it takes: an unknown one has a password
//! hashed and a place in the writer's queue, too.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use chrono::{TimeDelta, Utc};
use rand::RngExt as _;
use rusqlite::Connection;

use super::accounts::{self, NewPassword};
use super::mails;
use crate::app::App;
use crate::client_address;
use crate::error::{ApiError, Error, Result};
use crate::records::{Record, Value, datetime, delete, find, pattern, save};
use crate::schema::auth_options::OtpOptions;
use crate::schema::{Collection, Schema};

/// The collection they are kept in.
pub const OTPS: &str = "_otps";
/// So many are valid at once; who asks for more is told the last one's id again.
const MOST_OPEN: usize = 10;
const ID_LENGTH: usize = 15;
/// Cheaper than a password's: they live for minutes.
pub const COST: u32 = 8;
/// Guesses at one account from one address.
const GUESSES: u32 = 5;
const GUESSING: Duration = Duration::from_secs(180);
const UNSENT: &str = "A one-time password was not sent";
const INVALID: &str = "Invalid or expired OTP";

/// What a request for a password is answered with.
pub struct Requested {
    /// The password's id; made up when there is no account.
    pub id: String,
    /// Whether there is an account with that address.
    pub is_known: bool,
}

/// Makes a password for the account with that address and mails it.
pub async fn request(app: &App, collection: Arc<Collection>, options: &OtpOptions, email: String) -> Result<Requested> {
    let plain = digits(options.length);
    let hash = app.hasher().hash(plain.clone(), i64::from(COST)).await?;
    let (inner, duration) = (app.clone(), options.duration);
    let made = app
        .store()
        .write(move |tx| {
            tx.must_be_possible();
            let Some(account) = accounts::by_email(tx, &collection, &email)? else { return Ok(None) };
            let otps = accounts::supporting(&inner.schema(), OTPS)?;
            let mut open = accounts::belongings(tx, &otps, &account)?;
            open.retain(|otp| !is_over(otp, duration));
            if open.len() >= MOST_OPEN {
                return Ok(Some((open.swap_remove(0).id().to_owned(), None)));
            }
            let mut otp = accounts::belonging(&otps, &account);
            accounts::set(&mut otp, "password", Value::Text(hash));
            let id = save::save(&inner, tx, otp)?.id().to_owned();
            Ok(Some((id, Some(account))))
        })
        .await?;
    let Some((id, account)) = made else {
        return Ok(Requested { id: pattern::random_id(ID_LENGTH), is_known: false });
    };
    if let Some(account) = account {
        let (inner, sent_id) = (app.clone(), id.clone());
        let under_way = app.mailer().later(async move { deliver(&inner, &account, sent_id, &plain).await });
        if let Err(error) = under_way {
            app.logs().failed(UNSENT, &error);
            drop_unsent(app, id.clone()).await;
        }
    }
    Ok(Requested { id, is_known: true })
}

/// The account whose one-time password this is. The password is used up.
///
/// # Errors
/// 400 for whatever does not fit; 429 after too many guesses.
pub async fn redeem(
    app: &App,
    collection: Arc<Collection>,
    options: &OtpOptions,
    id: String,
    password: String,
    address: Option<IpAddr>,
) -> Result<Record> {
    let (inner, of, wanted, duration) = (app.clone(), Arc::clone(&collection), id.clone(), options.duration);
    let known = app.store().read(move |db| open_otp(db, &inner.schema(), &of, &wanted, duration)).await?;
    let Some((otp, account)) = known else {
        // As long as it takes to find that a password is wrong.
        app.hasher().hash(password, i64::from(COST)).await.ok();
        return Err(ApiError::bad_request(INVALID).into());
    };
    let place = address.map(client_address::text).unwrap_or_default();
    if !app.throttle().admit(&format!("otp {} {place}", account.id()), GUESSES, GUESSING) {
        let message = "Too many attempts, please try again later with a new OTP.";
        return Err(ApiError::new(http::StatusCode::TOO_MANY_REQUESTS, message).into());
    }
    if !app.hasher().verify(password, otp.text("password").to_owned()).await? {
        return Err(ApiError::bad_request(INVALID).into());
    }
    let sent_to = otp.text("sentTo").to_owned();
    // Whoever chose the password before the address was proven need not be the one who proved it now.
    let without_second_factor = collection.auth.as_ref().is_some_and(|auth| !auth.mfa.enabled);
    let random = match proves_address(&account, &sent_to) && without_second_factor {
        true => Some(NewPassword::random(app, &collection).await?),
        false => None,
    };
    let inner = app.clone();
    app.store()
        .write(move |tx| {
            tx.must_be_possible();
            let known = open_otp(tx, &inner.schema(), &collection, &id, duration)?;
            let (otp, mut account) = known.ok_or_else(|| ApiError::bad_request(INVALID))?;
            delete::delete(&inner, tx, otp)?;
            if !proves_address(&account, &sent_to) {
                return Ok(account);
            }
            accounts::set(&mut account, "verified", Value::Bool(true));
            if let Some(password) = random {
                password.give_to(&mut account);
            }
            let id = save::save(&inner, tx, account)?.id().to_owned();
            find::by_id(tx, &collection, &id)?.ok_or(Error::NotFound)
        })
        .await
}

/// Whether a mail to that address shows that the account's is its owner's.
fn proves_address(account: &Record, sent_to: &str) -> bool {
    !account.flag("verified") && !sent_to.is_empty() && sent_to == account.text("email")
}

/// Sends the password; one that could not be sent is dropped.
async fn deliver(app: &App, account: &Record, id: String, plain: &str) {
    if let Err(error) = mails::send(app, mails::otp(app, account, &id, plain)).await {
        app.logs().failed(UNSENT, &error);
        return drop_unsent(app, id).await;
    }
    let (inner, email) = (app.clone(), account.text("email").to_owned());
    let noted = app.store().write(move |tx| {
        tx.must_be_possible();
        let otps = accounts::supporting(&inner.schema(), OTPS)?;
        if let Some(mut otp) = find::by_id(tx, &otps, &id)? {
            accounts::set(&mut otp, "sentTo", Value::Text(email));
            save::save(&inner, tx, otp)?;
        }
        Ok(())
    });
    if let Err(error) = noted.await {
        tracing::warn!("failed to note where a one-time password went: {error}");
    }
}

async fn drop_unsent(app: &App, id: String) {
    let inner = app.clone();
    let dropped = app.store().write(move |tx| {
        tx.must_be_possible();
        let otps = accounts::supporting(&inner.schema(), OTPS)?;
        match find::by_id(tx, &otps, &id)? {
            Some(otp) => delete::delete(&inner, tx, otp).map(drop),
            None => Ok(()),
        }
    });
    if let Err(error) = dropped.await {
        tracing::warn!("failed to drop a one-time password that was not sent: {error}");
    }
}

/// A one-time password that still counts, and whose it is.
fn open_otp(
    db: &Connection,
    schema: &Schema,
    collection: &Arc<Collection>,
    id: &str,
    duration: i64,
) -> Result<Option<(Record, Record)>> {
    let otps = accounts::supporting(schema, OTPS)?;
    let Some(otp) = find::by_id(db, &otps, id)? else { return Ok(None) };
    if otp.text("collectionRef") != collection.id || is_over(&otp, duration) {
        return Ok(None);
    }
    let account = find::by_id(db, collection, otp.text("recordRef"))?;
    Ok(account.map(|account| (otp, account)))
}

/// Whether a record was created longer ago than so many seconds.
pub(super) fn is_over(record: &Record, seconds: i64) -> bool {
    let end = TimeDelta::try_seconds(seconds)
        .and_then(|duration| datetime::parse(record.text("created"))?.checked_add_signed(duration));
    end.is_none_or(|end| end < Utc::now())
}

/// That many decimal digits.
pub fn digits(length: i64) -> String {
    const MOST: i64 = 71;
    let mut rng = rand::rng();
    (0..length.clamp(1, MOST)).map(|_| char::from(b'0' + rng.random_range(0..10u8))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_digits() {
        let text = digits(8);
        assert!(text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()), "{text}");
        assert_eq!(digits(1000).len(), 71);
    }
}
