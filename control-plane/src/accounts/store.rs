//! Accounts in the control database.

use sqlx::any::AnyRow;
use sqlx::{Any, AnyPool, Row as _, Transaction};

use super::{Account, Email, sessions, tickets};
use crate::clock;
use crate::database::is_unique_violation;
use crate::error::{Error, Result};

/// What no password fits: of accounts that never chose one.
pub const NO_PASSWORD: &str = "!";

const SELECT: &str = "SELECT a.id, a.email, a.name, a.password_hash, a.verified_ms, a.operator, a.created_ms,
      (SELECT COUNT(*) FROM second_factor s WHERE s.account_id = a.id AND s.confirmed_ms IS NOT NULL) AS factors
    FROM account a";

/// An account with its password's hash.
pub struct Stored {
    /// What may be shown.
    pub account: Account,
    /// argon2id.
    pub password_hash: String,
}

/// Adds an account with a team of its own. The first one is an operator if `first_operates`.
///
/// # Errors
/// `email_taken`.
pub async fn create(
    tx: &mut Transaction<'static, Any>,
    email: &Email,
    name: &str,
    password_hash: &str,
    first_operates: bool,
) -> Result<Account> {
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM account").fetch_one(&mut **tx).await?;
    let account = Account {
        id: tenant_runtime::random_id(15),
        email: email.to_string(),
        name: name.to_owned(),
        verified: false,
        operator: first_operates && count == 0,
        second_factor: false,
        has_password: password_hash != NO_PASSWORD,
        created_ms: clock::now_ms(),
    };
    let sql =
        "INSERT INTO account (id, email, name, password_hash, operator, created_ms) VALUES ($1, $2, $3, $4, $5, $6)";
    let inserted = sqlx::query(sql)
        .bind(&account.id)
        .bind(&account.email)
        .bind(&account.name)
        .bind(password_hash)
        .bind(i64::from(account.operator))
        .bind(account.created_ms)
        .execute(&mut **tx)
        .await;
    taken_or(inserted)?;
    crate::teams::create(tx, &account.email, &account.id).await?;
    Ok(account)
}

/// By address.
pub async fn by_email(db: &AnyPool, email: &Email) -> Result<Option<Stored>> {
    let sql = format!("{SELECT} WHERE a.email = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(email.as_str()).fetch_optional(db).await?;
    Ok(row.map(|row| from_row(&row)).transpose()?)
}

/// By id.
pub async fn by_id(db: &AnyPool, id: &str) -> Result<Option<Stored>> {
    let sql = format!("{SELECT} WHERE a.id = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(db).await?;
    Ok(row.map(|row| from_row(&row)).transpose()?)
}

/// Notes that the address is proven; whether it was not before.
pub async fn verify(tx: &mut Transaction<'static, Any>, id: &str) -> Result<bool> {
    let proven = sqlx::query("UPDATE account SET verified_ms = $1 WHERE id = $2 AND verified_ms IS NULL")
        .bind(clock::now_ms())
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(proven.rows_affected() > 0)
}

/// Sets the password's hash, ends the account's sessions, but for the one that is kept, and withdraws links in mails.
pub async fn set_password(
    tx: &mut Transaction<'static, Any>,
    id: &str,
    password_hash: &str,
    kept_session: Option<&str>,
) -> Result<()> {
    sqlx::query("UPDATE account SET password_hash = $1 WHERE id = $2")
        .bind(password_hash)
        .bind(id)
        .execute(&mut **tx)
        .await?;
    sessions::end_all(tx, id, kept_session).await?;
    tickets::withdraw(tx, id).await
}

/// Changes the mail address to one that is proven. Links in mails to the old one stop working.
///
/// # Errors
/// `email_taken`.
pub async fn set_email(tx: &mut Transaction<'static, Any>, id: &str, email: &Email) -> Result<()> {
    let updated = sqlx::query("UPDATE account SET email = $1, verified_ms = $2 WHERE id = $3")
        .bind(email.as_str())
        .bind(clock::now_ms())
        .bind(id)
        .execute(&mut **tx)
        .await;
    taken_or(updated)?;
    tickets::withdraw(tx, id).await
}

/// Sets the name.
pub async fn rename(db: &AnyPool, id: &str, name: &str) -> Result<()> {
    sqlx::query("UPDATE account SET name = $1 WHERE id = $2").bind(name).bind(id).execute(db).await?;
    Ok(())
}

/// The mail addresses of the operators.
pub async fn operators(tx: &mut Transaction<'static, Any>) -> Result<Vec<String>> {
    let sql = "SELECT email FROM account WHERE operator = 1 ORDER BY email";
    Ok(sqlx::query_scalar(sql).fetch_all(&mut **tx).await?)
}

/// How many operators there are. None of them goes until the transaction ends: of two that leave at once each would count
/// the other.
pub async fn lock_operators(tx: &mut Transaction<'static, Any>) -> Result<u64> {
    let sql = "UPDATE account SET operator = 1 WHERE operator = 1";
    Ok(sqlx::query(sql).execute(&mut **tx).await?.rows_affected())
}

/// Makes an account an operator.
pub async fn make_operator(tx: &mut Transaction<'static, Any>, id: &str) -> Result<()> {
    sqlx::query("UPDATE account SET operator = 1 WHERE id = $1").bind(id).execute(&mut **tx).await?;
    Ok(())
}

fn taken_or(result: sqlx::Result<sqlx::any::AnyQueryResult>) -> Result<()> {
    match result {
        Ok(_) => Ok(()),
        Err(error) if is_unique_violation(&error) => {
            Err(Error::field("email", "email_taken", "There is an account with this address. Sign in instead?"))
        }
        Err(error) => Err(error.into()),
    }
}

fn from_row(row: &AnyRow) -> sqlx::Result<Stored> {
    let password_hash: String = row.try_get("password_hash")?;
    let account = Account {
        id: row.try_get("id")?,
        email: row.try_get("email")?,
        name: row.try_get("name")?,
        verified: row.try_get::<Option<i64>, _>("verified_ms")?.is_some(),
        operator: row.try_get::<i64, _>("operator")? != 0,
        second_factor: row.try_get::<i64, _>("factors")? > 0,
        has_password: password_hash != NO_PASSWORD,
        created_ms: row.try_get("created_ms")?,
    };
    Ok(Stored { account, password_hash })
}
