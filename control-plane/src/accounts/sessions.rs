//! A person's sessions: begun by signing in, ended by signing out, by rest, by age, or from another device.

use std::time::Duration;

use http::HeaderMap;
use serde::Serialize;
use sqlx::{Any, AnyPool, Row as _, Transaction};
use utoipa::ToSchema;

use super::device;
use super::tickets::digest;
use crate::clock::{self, DAY, MINUTE};
use crate::database::Database;
use crate::error::Result;
use crate::http::ClientAddress;

/// A session ends after so long without a request.
const LONGEST_REST: Duration = Duration::from_secs(14 * DAY.as_secs());
/// A session ends after so long, however busy it is.
pub const LONGEST: Duration = Duration::from_secs(90 * DAY.as_secs());

/// A session as its owner sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ShownSession {
    /// Stable; not a secret.
    pub id: String,
    /// Such as `Firefox on Linux`.
    pub device: String,
    /// Where it was last seen.
    pub address: String,
    /// Milliseconds since the epoch, like the others.
    pub created_ms: i64,
    /// To the minute.
    pub seen_ms: i64,
    /// When it ends if it is not used.
    pub expires_ms: i64,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// Begins a session; the answer is the secret for the cookie.
pub async fn begin(
    tx: &mut Transaction<'static, Any>,
    account: &str,
    headers: &HeaderMap,
    address: ClientAddress,
) -> Result<String> {
    let secret = tenant_runtime::random_key(40);
    let now = clock::now_ms();
    sqlx::query("DELETE FROM session WHERE expires_ms <= $1 OR COALESCE(seen_ms, created_ms) <= $2")
        .bind(now)
        .bind(now - clock::millis(LONGEST_REST))
        .execute(&mut **tx)
        .await?;
    sqlx::query(
        "INSERT INTO session (token_hash, account_id, device, address, created_ms, seen_ms, expires_ms)
         VALUES ($1, $2, $3, $4, $5, $5, $6)",
    )
    .bind(digest(&secret))
    .bind(account)
    .bind(device::name(headers))
    .bind(address.to_string())
    .bind(now)
    .bind(now + clock::millis(LONGEST))
    .execute(&mut **tx)
    .await?;
    Ok(secret)
}

/// The account and the hash of the session of that secret, which counts as seen now.
pub async fn redeem(database: &Database, secret: &str, address: ClientAddress) -> Result<Option<(String, String)>> {
    let now = clock::now_ms();
    let hash = digest(secret);
    let sql = "SELECT account_id, seen_ms FROM session
         WHERE token_hash = $1 AND expires_ms > $2 AND COALESCE(seen_ms, created_ms) > $3";
    let row = sqlx::query(sql)
        .bind(&hash)
        .bind(now)
        .bind(now - clock::millis(LONGEST_REST))
        .fetch_optional(database.read())
        .await?;
    let Some(row) = row else { return Ok(None) };
    if row.try_get::<Option<i64>, _>(1)?.is_none_or(|seen| seen <= now - clock::millis(MINUTE)) {
        sqlx::query("UPDATE session SET seen_ms = $1, address = $2 WHERE token_hash = $3")
            .bind(now)
            .bind(address.to_string())
            .bind(&hash)
            .execute(database.write())
            .await?;
    }
    Ok(Some((row.try_get(0)?, hash)))
}

/// Whether a session has not ended.
pub async fn counts(db: &AnyPool, hash: &str) -> Result<bool> {
    let now = clock::now_ms();
    let sql = "SELECT COUNT(*) FROM session
         WHERE token_hash = $1 AND expires_ms > $2 AND COALESCE(seen_ms, created_ms) > $3";
    let found = sqlx::query_scalar::<_, i64>(sql).bind(hash).bind(now).bind(now - clock::millis(LONGEST_REST));
    Ok(found.fetch_one(db).await? > 0)
}

/// An account's sessions, the latest seen first.
pub async fn of_account(db: &AnyPool, account: &str, current: Option<&str>) -> Result<Vec<ShownSession>> {
    let now = clock::now_ms();
    let rest = clock::millis(LONGEST_REST);
    let rows = sqlx::query(
        "SELECT token_hash, device, address, created_ms, COALESCE(seen_ms, created_ms) AS seen, expires_ms FROM session
         WHERE account_id = $1 AND expires_ms > $2 AND COALESCE(seen_ms, created_ms) > $3
         ORDER BY seen DESC, created_ms DESC, token_hash",
    )
    .bind(account)
    .bind(now)
    .bind(now - rest)
    .fetch_all(db)
    .await?;
    let sessions = rows.iter().map(|row| {
        let hash: String = row.try_get(0)?;
        let seen_ms: i64 = row.try_get(4)?;
        Ok(ShownSession {
            current: current == Some(hash.as_str()),
            id: public_id(&hash).to_owned(),
            device: row.try_get::<Option<String>, _>(1)?.unwrap_or_default(),
            address: row.try_get::<Option<String>, _>(2)?.unwrap_or_default(),
            created_ms: row.try_get(3)?,
            seen_ms,
            expires_ms: (seen_ms + rest).min(row.try_get(5)?),
        })
    });
    Ok(sessions.collect::<sqlx::Result<_>>()?)
}

/// Whether an account is signed in at the place of that address.
pub async fn is_at(db: &AnyPool, account: &str, address: ClientAddress) -> Result<bool> {
    let sessions = of_account(db, account, None).await?;
    Ok(sessions.iter().any(|session| ClientAddress::read(&session.address).place() == address.place()))
}

/// What a session is called where it is shown: the start of its hash, of which nothing can be made.
pub fn public_id(hash: &str) -> &str {
    hash.get(..16).unwrap_or(hash)
}

/// Ends one of an account's sessions by what it is called; whether there was one.
pub async fn end(tx: &mut Transaction<'static, Any>, account: &str, id: &str) -> Result<bool> {
    let ended = sqlx::query("DELETE FROM session WHERE account_id = $1 AND SUBSTR(token_hash, 1, 16) = $2")
        .bind(account)
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(ended.rows_affected() > 0)
}

/// Ends all of an account's sessions but the one with the hash that is kept.
pub async fn end_all(tx: &mut Transaction<'static, Any>, account: &str, kept: Option<&str>) -> Result<u64> {
    let ended = sqlx::query("DELETE FROM session WHERE account_id = $1 AND token_hash <> $2")
        .bind(account)
        .bind(kept.unwrap_or_default())
        .execute(&mut **tx)
        .await?;
    Ok(ended.rows_affected())
}
