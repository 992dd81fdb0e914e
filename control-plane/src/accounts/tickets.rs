//! The secrets in mails: a link that works once, for a while. Only their hashes are kept.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sqlx::{Any, Transaction};

use crate::clock::{self, DAY, HOUR};
use crate::error::Result;

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To prove a mail address.
    Verify,
    /// To choose a new password.
    Reset,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Purpose::Verify => "verify",
            Purpose::Reset => "reset",
        }
    }

    fn lifetime(self) -> Duration {
        match self {
            Purpose::Verify => 3 * DAY,
            Purpose::Reset => HOUR,
        }
    }
}

/// The hash under which a secret is kept.
pub fn digest(secret: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(secret.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A new secret for that purpose; earlier ones of the account for it stop working.
pub async fn issue(tx: &mut Transaction<'static, Any>, account: &str, purpose: Purpose) -> Result<String> {
    let secret = tenant_runtime::random_key(40);
    sqlx::query("DELETE FROM ticket WHERE account_id = $1 AND kind = $2")
        .bind(account)
        .bind(purpose.name())
        .execute(&mut **tx)
        .await?;
    let now = clock::now_ms();
    sqlx::query(
        "INSERT INTO ticket (token_hash, account_id, kind, created_ms, expires_ms) VALUES ($1, $2, $3, $4, $5)",
    )
    .bind(digest(&secret))
    .bind(account)
    .bind(purpose.name())
    .bind(now)
    .bind(now + clock::millis(purpose.lifetime()))
    .execute(&mut **tx)
    .await?;
    Ok(secret)
}

/// The account a secret belongs to. It works this once.
pub async fn redeem(tx: &mut Transaction<'static, Any>, secret: &str, purpose: Purpose) -> Result<Option<String>> {
    let sql = "DELETE FROM ticket WHERE token_hash = $1 AND kind = $2 AND expires_ms > $3 RETURNING account_id";
    Ok(sqlx::query_scalar(sql)
        .bind(digest(secret))
        .bind(purpose.name())
        .bind(clock::now_ms())
        .fetch_optional(&mut **tx)
        .await?)
}
