//! Invitations: a mail with a link that makes its reader a member of a team, once. The secret is in the mail alone.

use http::StatusCode;
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{Any, AnyPool, Row as _, Transaction};
use utoipa::ToSchema;

use super::{Role, store};
use crate::accounts::tickets::digest;
use crate::accounts::{Account, Email};
use crate::audit;
use crate::clock::{self, DAY};
use crate::error::{Error, Result};

/// Days in which an invitation can be accepted.
const DAYS: u32 = 7;
/// Days after which one that nobody accepted is gone: until then it can be sent again.
const KEPT_DAYS: u32 = 30;

/// An invitation nobody accepted yet.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Invitation {
    /// Stable; not a secret.
    pub id: String,
    /// To whom it was sent.
    pub email: String,
    /// What they will be.
    pub role: Role,
    /// Who invited them: a mail address, while there is such an account.
    pub invited_by: Option<String>,
    /// The team's id.
    pub team_id: String,
    /// The team's name.
    pub team: String,
    /// Milliseconds since the epoch, like the other.
    pub created_ms: i64,
    /// When it stops working.
    pub expires_ms: i64,
}

const SELECT: &str =
    "SELECT i.id, i.email, i.role, a.email AS invited_by, i.team_id, t.name AS team, i.created_ms, i.expires_ms
    FROM invitation i JOIN team t ON t.id = i.team_id LEFT JOIN account a ON a.id = i.invited_by";

/// Invites somebody, or again with a new link; the answer is the secret for the mail.
pub async fn invite(
    tx: &mut Transaction<'static, Any>,
    team: &str,
    email: &Email,
    role: Role,
    by: &str,
) -> Result<String> {
    let secret = tenant_runtime::random_key(40);
    let now = clock::now_ms();
    sqlx::query(
        "INSERT INTO invitation (id, team_id, email, role, token_hash, invited_by, created_ms, expires_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (team_id, email) DO UPDATE SET role = excluded.role, token_hash = excluded.token_hash,
           invited_by = excluded.invited_by, created_ms = excluded.created_ms, expires_ms = excluded.expires_ms",
    )
    .bind(tenant_runtime::random_id(15))
    .bind(team)
    .bind(email.as_str())
    .bind(role.name())
    .bind(digest(&secret))
    .bind(by)
    .bind(now)
    .bind(now + clock::millis(DAY * DAYS))
    .execute(&mut **tx)
    .await?;
    Ok(secret)
}

/// The invitation with that secret.
///
/// # Errors
/// `invalid_invitation` for one that is unknown, withdrawn, used or too old.
pub async fn by_secret(db: &AnyPool, secret: &str) -> Result<Invitation> {
    let sql = format!("{SELECT} WHERE i.token_hash = $1 AND i.expires_ms > $2");
    let row =
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(digest(secret)).bind(clock::now_ms()).fetch_optional(db).await?;
    Ok(from_row(&row.ok_or_else(invalid)?)?)
}

/// Makes an account a member. The invitation is used up.
///
/// # Errors
/// `invalid_invitation`; `other_address` for an account with another address than was invited.
pub async fn accept(tx: &mut Transaction<'static, Any>, secret: &str, account: &Account) -> Result<String> {
    let sql = "DELETE FROM invitation WHERE token_hash = $1 AND expires_ms > $2 RETURNING team_id, email, role";
    let row = sqlx::query(sql).bind(digest(secret)).bind(clock::now_ms()).fetch_optional(&mut **tx).await?;
    let row = row.ok_or_else(invalid)?;
    let (team, email): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    if email != account.email {
        let message = "This invitation was sent to another address. Sign in with that one.";
        return Err(Error::refused(StatusCode::FORBIDDEN, "other_address", message));
    }
    let role = Role::from_name(row.try_get(2)?);
    store::add_member(tx, &team, &account.id, role).await?;
    let line = format!("{email} joined as {}", role.name());
    audit::note_in_team(tx, Some(&account.id), &team, "joined", &line).await?;
    Ok(team)
}

/// A team's open invitations, the newest first; old ones can be sent again.
pub async fn of_team(db: &AnyPool, team: &str) -> Result<Vec<Invitation>> {
    let sql = format!("{SELECT} WHERE i.team_id = $1 ORDER BY i.created_ms DESC, i.id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(team).fetch_all(db).await?;
    Ok(rows.iter().map(from_row).collect::<sqlx::Result<_>>()?)
}

/// One of a team's open invitations.
pub async fn find(db: &AnyPool, team: &str, id: &str) -> Result<Invitation> {
    let sql = format!("{SELECT} WHERE i.team_id = $1 AND i.id = $2");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(team).bind(id).fetch_optional(db).await?;
    Ok(from_row(&row.ok_or_else(|| Error::not_found("There is no such invitation."))?)?)
}

/// Takes an invitation back.
pub async fn withdraw(tx: &mut Transaction<'static, Any>, team: &str, id: &str) -> Result<()> {
    sqlx::query("DELETE FROM invitation WHERE team_id = $1 AND id = $2").bind(team).bind(id).execute(&mut **tx).await?;
    Ok(())
}

/// Removes those that nobody accepted for long.
pub async fn forget_old(db: &AnyPool) -> Result<()> {
    let before = clock::now_ms() - clock::millis(DAY * KEPT_DAYS);
    sqlx::query("DELETE FROM invitation WHERE created_ms < $1").bind(before).execute(db).await?;
    Ok(())
}

fn invalid() -> Error {
    let message = "This invitation has been used, withdrawn, or is too old. Ask for a new one.";
    Error::refused(StatusCode::BAD_REQUEST, "invalid_invitation", message)
}

fn from_row(row: &AnyRow) -> sqlx::Result<Invitation> {
    Ok(Invitation {
        id: row.try_get("id")?,
        email: row.try_get("email")?,
        role: Role::from_name(row.try_get("role")?),
        invited_by: row.try_get("invited_by")?,
        team_id: row.try_get("team_id")?,
        team: row.try_get("team")?,
        created_ms: row.try_get("created_ms")?,
        expires_ms: row.try_get("expires_ms")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::testing;

    #[tokio::test]
    async fn an_invitation_can_be_sent_again_for_weeks_and_then_is_gone() {
        let (database, _dir) = testing::with_projects(&[("orchard", "team")]).await;
        let mut tx = database.begin().await.expect("begins");
        for address in ["late@example.com", "gone@example.com"] {
            let sql = "INSERT INTO invitation VALUES ($1, 'team', $1, 'viewer', $1, NULL, $2, $2)";
            let days = if address.starts_with("late") { 29 } else { 31 };
            let sent = clock::now_ms() - clock::millis(DAY * days);
            sqlx::query(sql).bind(address).bind(sent).execute(&mut *tx).await.expect("is added");
        }
        tx.commit().await.expect("commits");
        forget_old(database.write()).await.expect("forgets");
        let left = of_team(database.read(), "team").await.expect("are listed");
        assert_eq!(left.iter().map(|left| left.email.as_str()).collect::<Vec<_>>(), ["late@example.com"]);
    }
}
