//! Second factors in the control database.

use sqlx::{Any, AnyPool, Transaction};

use super::super::tickets::digest;
use crate::clock;
use crate::error::Result;

/// The secret of a factor that is on, or of one that still has to be confirmed.
pub async fn secret(db: &AnyPool, account: &str, confirmed: bool) -> Result<Option<String>> {
    let sql = "SELECT secret FROM second_factor WHERE account_id = $1
         AND CASE WHEN confirmed_ms IS NULL THEN 0 ELSE 1 END = $2";
    Ok(sqlx::query_scalar(sql).bind(account).bind(i64::from(confirmed)).fetch_optional(db).await?)
}

/// Keeps a new secret until it is confirmed. One that is on is left alone.
pub async fn propose(db: &AnyPool, account: &str, secret: &str) -> Result<()> {
    sqlx::query(
        "INSERT INTO second_factor (account_id, secret, last_step) VALUES ($1, $2, 0)
         ON CONFLICT (account_id) DO UPDATE SET secret = excluded.secret, last_step = 0
         WHERE second_factor.confirmed_ms IS NULL",
    )
    .bind(account)
    .bind(secret)
    .execute(db)
    .await?;
    Ok(())
}

/// Switches the factor on; whether it was off, and the step was not used before.
pub async fn confirm(tx: &mut Transaction<'static, Any>, account: &str, step: i64) -> Result<bool> {
    let sql = "UPDATE second_factor SET confirmed_ms = $1, last_step = $2
         WHERE account_id = $3 AND confirmed_ms IS NULL AND last_step < $2";
    let updated = sqlx::query(sql).bind(clock::now_ms()).bind(step).bind(account).execute(&mut **tx).await?;
    Ok(updated.rows_affected() > 0)
}

/// Notes that the code of a step was used; whether it was not before.
pub async fn use_step(db: &AnyPool, account: &str, step: i64) -> Result<bool> {
    let sql = "UPDATE second_factor SET last_step = $1 WHERE account_id = $2 AND last_step < $1";
    Ok(sqlx::query(sql).bind(step).bind(account).execute(db).await?.rows_affected() > 0)
}

/// Uses a recovery code up; whether there was one.
pub async fn use_recovery_code(db: &AnyPool, account: &str, code: &str) -> Result<bool> {
    let sql = "DELETE FROM recovery_code WHERE account_id = $1 AND code_hash = $2";
    Ok(sqlx::query(sql).bind(account).bind(digest(code)).execute(db).await?.rows_affected() > 0)
}

/// How many recovery codes are left.
pub async fn recovery_codes_left(db: &AnyPool, account: &str) -> Result<i64> {
    let sql = "SELECT COUNT(*) FROM recovery_code WHERE account_id = $1";
    Ok(sqlx::query_scalar(sql).bind(account).fetch_one(db).await?)
}

/// Replaces all recovery codes.
pub async fn set_recovery_codes(tx: &mut Transaction<'static, Any>, account: &str, codes: &[String]) -> Result<()> {
    sqlx::query("DELETE FROM recovery_code WHERE account_id = $1").bind(account).execute(&mut **tx).await?;
    for code in codes {
        sqlx::query("INSERT INTO recovery_code (account_id, code_hash) VALUES ($1, $2)")
            .bind(account)
            .bind(digest(code))
            .execute(&mut **tx)
            .await?;
    }
    Ok(())
}

/// Switches the factor off; its recovery codes are gone, and so is one that was only proposed.
pub async fn remove(tx: &mut Transaction<'static, Any>, account: &str) -> Result<()> {
    for sql in ["DELETE FROM second_factor WHERE account_id = $1", "DELETE FROM recovery_code WHERE account_id = $1"] {
        sqlx::query(sql).bind(account).execute(&mut **tx).await?;
    }
    Ok(())
}
