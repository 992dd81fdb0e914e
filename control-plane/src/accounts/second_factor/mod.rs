//! A second factor: a code from a device beside the password, or one of ten recovery codes when the device is gone. It is
//! asked for when signing in, and again before what cannot easily be undone.

pub mod api;
mod store;
mod totp;

use http::StatusCode;
use sqlx::{Any, Transaction};

use super::Account;
use super::tries::By;
use crate::clock::{self, MINUTE};
use crate::error::{Error, Result};
use crate::state::Platform;

pub use store::remove;

/// Asks for a code, if the account has a second factor.
///
/// # Errors
/// `second_factor_required` without a code, `wrong_code` for one that does not fit or was used, 429 after too many tries.
pub async fn demand(platform: &Platform, account: &Account, code: Option<&str>) -> Result<()> {
    if !account.second_factor {
        return Ok(());
    }
    let code: String = code.unwrap_or_default().chars().filter(|c| !c.is_whitespace() && *c != '-').collect();
    if code.is_empty() {
        let message = "Please enter the code from your device.";
        return Err(Error::refused(StatusCode::FORBIDDEN, "second_factor_required", message));
    }
    let tries = By::Account(&account.id);
    platform.tries.count("second factor", tries, 10, 15 * MINUTE)?;
    let db = platform.database.write();
    let fits = match store::secret(db, &account.id, true).await? {
        None => false,
        Some(secret) => match totp::step_of(&secret, &code, clock::now_ms()) {
            Some(step) => store::use_step(db, &account.id, step).await?,
            None => store::use_recovery_code(db, &account.id, &code.to_uppercase()).await?,
        },
    };
    if !fits {
        return Err(wrong_code());
    }
    platform.tries.forget("second factor", tries);
    Ok(())
}

/// Whether an account has a second factor.
pub async fn is_on(tx: &mut Transaction<'static, Any>, account: &str) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM second_factor WHERE account_id = $1 AND confirmed_ms IS NOT NULL";
    Ok(sqlx::query_scalar::<_, i64>(sql).bind(account).fetch_one(&mut **tx).await? > 0)
}

fn wrong_code() -> Error {
    Error::field("code", "wrong_code", "This code does not fit. Codes change every half minute and work once.")
}
