//! A second factor: who proved themselves once gets an id, and shows it when they prove themselves otherwise.

use super::Method;
use super::accounts;
use super::otp::is_over;
use crate::app::App;
use crate::error::{ApiError, Error, Result};
use crate::records::{Record, Value, delete, find, save};

/// The collection half-finished sign-ins are kept in.
pub const MFAS: &str = "_mfas";
const OVER: &str = "Invalid or expired MFA session.";

/// Begins a sign-in that one factor is not enough for. Answers the id to show with the second.
pub async fn begin(app: &App, account: Record, method: Method) -> Result<String> {
    let inner = app.clone();
    app.store()
        .write(move |tx| {
            tx.must_be_possible();
            let mfas = accounts::supporting(&inner.schema(), MFAS)?;
            let mut mfa = accounts::belonging(&mfas, &account);
            accounts::set(&mut mfa, "method", Value::Text(method.name().to_owned()));
            Ok(save::save(&inner, tx, mfa)?.id().to_owned())
        })
        .await
}

/// Ends it with the second factor. The id is used up, or dropped if it is too old.
///
/// # Errors
/// 400 for an id that is not valid, is somebody else's, or was gained by the same method.
pub async fn finish(app: &App, account: Record, method: Method, id: String) -> Result<()> {
    let duration = account.collection().auth.as_ref().map_or(0, |auth| auth.mfa.duration);
    let inner = app.clone();
    let refusal = app
        .store()
        .write(move |tx| {
            tx.must_be_possible();
            let mfas = accounts::supporting(&inner.schema(), MFAS)?;
            let Some(mfa) = find::by_id(tx, &mfas, &id)? else { return Ok(Some(OVER)) };
            if is_over(&mfa, duration) {
                delete::delete(&inner, tx, mfa)?;
                return Ok(Some(OVER));
            }
            if mfa.text("recordRef") != account.id() || mfa.text("collectionRef") != account.collection().id {
                return Ok(Some("Invalid MFA session."));
            }
            if mfa.text("method") == method.name() {
                return Ok(Some("A different authentication method is required."));
            }
            delete::delete(&inner, tx, mfa)?;
            Ok(None)
        })
        .await?;
    refusal.map_or(Ok(()), |message| Err(Error::from(ApiError::bad_request(message))))
}
