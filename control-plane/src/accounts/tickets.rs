//! The secrets in mails: a link that works once, for a while. Only their hashes are kept.

use std::time::Duration;

use sha2::{Digest as _, Sha256};
use sqlx::{Any, AnyPool, Row as _, Transaction};

use crate::clock::{self, DAY, HOUR, MINUTE};
use crate::error::Result;

/// What a link is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To prove a mail address.
    Verify,
    /// To choose a new password.
    Reset,
    /// To prove a new mail address, which is the ticket's detail.
    Email,
    /// To go on signing in with a code from a device, after a provider said who it is.
    SecondFactor,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Purpose::Verify => "verify",
            Purpose::Reset => "reset",
            Purpose::Email => "email",
            Purpose::SecondFactor => "second_factor",
        }
    }

    fn lifetime(self) -> Duration {
        match self {
            Purpose::Verify => 3 * DAY,
            Purpose::Reset | Purpose::Email => HOUR,
            Purpose::SecondFactor => 10 * MINUTE,
        }
    }

    /// Whether anybody has a secret made who knows the mail address.
    fn strangers_ask(self) -> bool {
        self == Purpose::Reset
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

/// A new secret for that purpose; earlier ones of the account for it stop working, unless strangers can ask for one: they
/// would keep every mail from working.
pub async fn issue(tx: &mut Transaction<'static, Any>, account: &str, purpose: Purpose) -> Result<String> {
    issue_about(tx, account, purpose, None).await
}

/// A new secret that is about something.
pub async fn issue_about(
    tx: &mut Transaction<'static, Any>,
    account: &str,
    purpose: Purpose,
    detail: Option<&str>,
) -> Result<String> {
    let secret = tenant_runtime::random_key(40);
    let now = clock::now_ms();
    sqlx::query("DELETE FROM ticket WHERE account_id = $1 AND kind = $2 AND expires_ms <= $3")
        .bind(account)
        .bind(purpose.name())
        .bind(if purpose.strangers_ask() { now } else { i64::MAX })
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "INSERT INTO ticket (token_hash, account_id, kind, detail, created_ms, expires_ms)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(digest(&secret))
    .bind(account)
    .bind(purpose.name())
    .bind(detail)
    .bind(now)
    .bind(now + clock::millis(purpose.lifetime()))
    .execute(&mut **tx)
    .await?;
    Ok(secret)
}

/// Makes all of an account's secrets stop working.
pub async fn withdraw(tx: &mut Transaction<'static, Any>, account: &str) -> Result<()> {
    sqlx::query("DELETE FROM ticket WHERE account_id = $1").bind(account).execute(&mut **tx).await?;
    Ok(())
}

/// The account a secret belongs to, which goes on working.
pub async fn owner(db: &AnyPool, secret: &str, purpose: Purpose) -> Result<Option<String>> {
    let sql = "SELECT account_id FROM ticket WHERE token_hash = $1 AND kind = $2 AND expires_ms > $3";
    let query = sqlx::query_scalar(sql).bind(digest(secret)).bind(purpose.name()).bind(clock::now_ms());
    Ok(query.fetch_optional(db).await?)
}

/// The account a secret belongs to. It works this once.
pub async fn redeem(tx: &mut Transaction<'static, Any>, secret: &str, purpose: Purpose) -> Result<Option<String>> {
    Ok(redeem_about(tx, secret, purpose).await?.map(|(account, _)| account))
}

/// The account a secret belongs to, and what it is about. It works this once.
pub async fn redeem_about(
    tx: &mut Transaction<'static, Any>,
    secret: &str,
    purpose: Purpose,
) -> Result<Option<(String, Option<String>)>> {
    let sql = "DELETE FROM ticket WHERE token_hash = $1 AND kind = $2 AND expires_ms > $3 RETURNING account_id, detail";
    let row = sqlx::query(sql)
        .bind(digest(secret))
        .bind(purpose.name())
        .bind(clock::now_ms())
        .fetch_optional(&mut **tx)
        .await?;
    Ok(row.map(|row| Ok::<_, sqlx::Error>((row.try_get(0)?, row.try_get(1)?))).transpose()?)
}
