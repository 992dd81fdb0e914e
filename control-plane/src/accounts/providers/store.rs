//! Who an account is at which provider, and which account somebody from a provider gets.

use http::StatusCode;
use sqlx::{Any, Transaction};
use tenant_runtime::auth::oauth2::Profile;

use super::super::store::{self, NO_PASSWORD};
use super::super::{Email, take_over};
use crate::clock;
use crate::config::SignUp;
use crate::error::{Error, Result};
use crate::state::Platform;

/// The account of somebody from a provider: the one they had before, the one with their proven address, or a new one. And
/// whether the address was proven by this.
///
/// # Errors
/// `no_address` without a proven address, `sign_up_closed` and `invitation_needed` where nobody may simply come in.
pub async fn account_of(
    platform: &Platform,
    tx: &mut Transaction<'static, Any>,
    provider: &str,
    profile: &Profile,
) -> Result<(String, bool)> {
    let known: Option<String> =
        sqlx::query_scalar("SELECT account_id FROM identity WHERE provider = $1 AND subject = $2")
            .bind(provider)
            .bind(&profile.id)
            .fetch_optional(&mut **tx)
            .await?;
    if let Some(account) = known {
        return Ok((account, false));
    }
    let email: Email = profile.email.parse().map_err(|_| {
        let message = "The provider told no proven mail address.";
        Error::refused(StatusCode::FORBIDDEN, "no_address", message)
    })?;
    let sql = "SELECT id FROM account WHERE email = $1";
    let opened: Option<String> = sqlx::query_scalar(sql).bind(email.as_str()).fetch_optional(&mut **tx).await?;
    let (account, is_proven_now) = match opened {
        Some(id) => {
            let is_proven_now = take_over(tx, &platform.urls, &id).await?;
            (id, is_proven_now)
        }
        None => {
            refuse_uninvited(platform, tx, &email).await?;
            let name: String = profile.name.chars().filter(|c| !c.is_control()).take(80).collect();
            let id = store::create(tx, &email, &name, NO_PASSWORD, platform.config.dev).await?.id;
            store::verify(tx, &id).await?;
            (id, true)
        }
    };
    sqlx::query("INSERT INTO identity (provider, subject, account_id, created_ms) VALUES ($1, $2, $3, $4)")
        .bind(provider)
        .bind(&profile.id)
        .bind(&account)
        .bind(clock::now_ms())
        .execute(&mut **tx)
        .await?;
    Ok((account, is_proven_now))
}

async fn refuse_uninvited(platform: &Platform, tx: &mut Transaction<'static, Any>, email: &Email) -> Result<()> {
    let refused = |code, message| Err(Error::refused(StatusCode::FORBIDDEN, code, message));
    match platform.config.sign_up {
        SignUp::Open => Ok(()),
        SignUp::Closed => refused("sign_up_closed", "This installation does not take new accounts."),
        SignUp::Invite => {
            let sql = "SELECT COUNT(*) FROM invitation WHERE email = $1 AND expires_ms > $2";
            let invitations = sqlx::query_scalar::<_, i64>(sql).bind(email.as_str()).bind(clock::now_ms());
            if invitations.fetch_one(&mut **tx).await? > 0 {
                return Ok(());
            }
            refused("invitation_needed", "This installation takes new accounts by invitation only.")
        }
    }
}
