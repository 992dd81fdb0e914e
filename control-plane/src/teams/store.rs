//! Teams and their members in the control database.

use http::StatusCode;
use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{Any, AnyPool, Row as _, Transaction};
use utoipa::ToSchema;

use super::{Role, Team};
use crate::clock;
use crate::error::{Error, Result};

/// Somebody in a team.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Member {
    /// The account's id.
    pub id: String,
    /// Their mail address.
    pub email: String,
    /// What they want to be called; may be empty.
    pub name: String,
    /// What they are here.
    pub role: Role,
    /// Whether a second factor guards their account.
    pub second_factor: bool,
}

/// Makes a team with its first owner.
pub async fn create(tx: &mut Transaction<'static, Any>, name: &str, owner: &str) -> Result<String> {
    let id = tenant_runtime::random_id(15);
    sqlx::query("INSERT INTO team (id, name, created_ms) VALUES ($1, $2, $3)")
        .bind(&id)
        .bind(name)
        .bind(clock::now_ms())
        .execute(&mut **tx)
        .await?;
    add_member(tx, &id, owner, Role::Owner).await?;
    Ok(id)
}

/// Puts somebody into a team. Who is there already keeps the higher of both roles.
pub async fn add_member(tx: &mut Transaction<'static, Any>, team: &str, account: &str, role: Role) -> Result<()> {
    let present = role_in(&mut **tx, team, account).await?;
    let sql = match present {
        None => "INSERT INTO member (team_id, account_id, role) VALUES ($1, $2, $3)",
        Some(present) if present < role => "UPDATE member SET role = $3 WHERE team_id = $1 AND account_id = $2",
        Some(_) => return Ok(()),
    };
    sqlx::query(sql).bind(team).bind(account).bind(role.name()).execute(&mut **tx).await?;
    Ok(())
}

/// The oldest team an account owns.
pub async fn oldest_owned(db: &AnyPool, account: &str) -> Result<Option<String>> {
    let sql = "SELECT m.team_id FROM member m JOIN team t ON t.id = m.team_id
         WHERE m.account_id = $1 AND m.role = 'owner' ORDER BY t.created_ms, t.id LIMIT 1";
    Ok(sqlx::query_scalar(sql).bind(account).fetch_optional(db).await?)
}

/// The team in which an account creates projects unless it says another: the oldest it owns.
///
/// # Errors
/// `no_team` if it owns none.
pub async fn own_team(db: &AnyPool, account: &str) -> Result<String> {
    oldest_owned(db, account).await?.ok_or_else(|| {
        let message = "You own no team. Say in which team the project should be, or make one.";
        Error::refused(StatusCode::BAD_REQUEST, "no_team", message)
    })
}

/// The mail addresses of a team's owners.
pub async fn owners(tx: &mut Transaction<'static, Any>, team: &str) -> Result<Vec<String>> {
    let sql = "SELECT a.email FROM member m JOIN account a ON a.id = m.account_id
         WHERE m.team_id = $1 AND m.role = 'owner' ORDER BY a.email";
    Ok(sqlx::query_scalar(sql).bind(team).fetch_all(&mut **tx).await?)
}

/// The mail addresses of those who look after a project: its team's owners and admins.
pub async fn keepers(tx: &mut Transaction<'static, Any>, project: &str) -> Result<Vec<String>> {
    let sql =
        "SELECT a.email FROM account a JOIN member m ON m.account_id = a.id JOIN project p ON p.team_id = m.team_id
         WHERE p.id = $1 AND m.role IN ('owner', 'admin') ORDER BY a.email";
    Ok(sqlx::query_scalar(sql).bind(project).fetch_all(&mut **tx).await?)
}

/// What an account is in a team.
pub async fn role_in<'e>(
    db: impl sqlx::Executor<'e, Database = Any>,
    team: &str,
    account: &str,
) -> Result<Option<Role>> {
    let role: Option<String> = sqlx::query_scalar("SELECT role FROM member WHERE team_id = $1 AND account_id = $2")
        .bind(team)
        .bind(account)
        .fetch_optional(db)
        .await?;
    Ok(role.map(|role| Role::from_name(&role)))
}

const TEAM: &str = "SELECT t.id, t.name, t.created_ms, m.role,
      (SELECT COUNT(*) FROM member o WHERE o.team_id = t.id) AS members,
      (SELECT COUNT(*) FROM project p WHERE p.team_id = t.id) AS projects
    FROM team t JOIN member m ON m.team_id = t.id WHERE m.account_id = $1";

/// An account's teams, its oldest first.
pub async fn of_account(db: &AnyPool, account: &str) -> Result<Vec<Team>> {
    let sql = format!("{TEAM} ORDER BY t.created_ms, t.id");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(account).fetch_all(db).await?;
    Ok(rows.iter().map(team_from_row).collect::<sqlx::Result<_>>()?)
}

/// One of an account's teams.
pub async fn find(db: &AnyPool, account: &str, team: &str) -> Result<Option<Team>> {
    let sql = format!("{TEAM} AND t.id = $2");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(account).bind(team).fetch_optional(db).await?;
    Ok(row.map(|row| team_from_row(&row)).transpose()?)
}

/// A team's people, owners first.
pub async fn members<'e>(db: impl sqlx::Executor<'e, Database = Any>, team: &str) -> Result<Vec<Member>> {
    let sql = "SELECT a.id, a.email, a.name, m.role,
           (SELECT COUNT(*) FROM second_factor s WHERE s.account_id = a.id AND s.confirmed_ms IS NOT NULL) AS factors
         FROM member m JOIN account a ON a.id = m.account_id WHERE m.team_id = $1
         ORDER BY CASE m.role WHEN 'owner' THEN 0 WHEN 'admin' THEN 1 WHEN 'developer' THEN 2 ELSE 3 END, a.email";
    let rows = sqlx::query(sql).bind(team).fetch_all(db).await?;
    let members = rows.iter().map(|row| {
        Ok(Member {
            id: row.try_get("id")?,
            email: row.try_get("email")?,
            name: row.try_get("name")?,
            role: Role::from_name(row.try_get("role")?),
            second_factor: row.try_get::<i64, _>("factors")? > 0,
        })
    });
    Ok(members.collect::<sqlx::Result<_>>()?)
}

/// Sets the name.
pub async fn rename(tx: &mut Transaction<'static, Any>, team: &str, name: &str) -> Result<()> {
    sqlx::query("UPDATE team SET name = $1 WHERE id = $2").bind(name).bind(team).execute(&mut **tx).await?;
    Ok(())
}

/// Changes what somebody is in a team.
///
/// # Errors
/// `last_owner` when nobody would own it any more.
pub async fn set_role(tx: &mut Transaction<'static, Any>, team: &str, account: &str, role: Role) -> Result<()> {
    sqlx::query("UPDATE member SET role = $1 WHERE team_id = $2 AND account_id = $3")
        .bind(role.name())
        .bind(team)
        .bind(account)
        .execute(&mut **tx)
        .await?;
    refuse_without_owner(tx, team).await
}

/// Takes somebody out of a team, and their tokens for it with them.
///
/// # Errors
/// `last_owner` when nobody would own it any more.
pub async fn remove_member(tx: &mut Transaction<'static, Any>, team: &str, account: &str) -> Result<()> {
    for sql in [
        "DELETE FROM member WHERE team_id = $1 AND account_id = $2",
        "DELETE FROM api_token WHERE team_id = $1 AND account_id = $2",
    ] {
        sqlx::query(sql).bind(team).bind(account).execute(&mut **tx).await?;
    }
    refuse_without_owner(tx, team).await
}

/// Leaves every team that somebody is in to them alone: they own it, and nobody else is in it, has a token for it or is
/// invited.
pub async fn leave_to(tx: &mut Transaction<'static, Any>, account: &str) -> Result<()> {
    let theirs = "SELECT m.team_id FROM member m WHERE m.account_id = $1";
    for sql in [
        format!("DELETE FROM invitation WHERE team_id IN ({theirs})"),
        format!("DELETE FROM api_token WHERE account_id <> $1 AND team_id IN ({theirs})"),
        format!("DELETE FROM member WHERE account_id <> $1 AND team_id IN ({theirs})"),
        "UPDATE member SET role = 'owner' WHERE account_id = $1".to_owned(),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(account).execute(&mut **tx).await?;
    }
    Ok(())
}

/// Removes a team.
///
/// # Errors
/// `team_in_use` while it has projects, deleted ones in their grace period included.
pub async fn remove(tx: &mut Transaction<'static, Any>, team: &str) -> Result<()> {
    let projects: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM project WHERE team_id = $1").bind(team).fetch_one(&mut **tx).await?;
    if projects > 0 {
        let message = "This team still has projects. Transfer or delete them first; deleted ones count until their \
                       grace period is over.";
        return Err(Error::refused(StatusCode::CONFLICT, "team_in_use", message));
    }
    sqlx::query("DELETE FROM team WHERE id = $1").bind(team).execute(&mut **tx).await?;
    Ok(())
}

/// Removes a team that has neither people nor projects any more: its last member's account was erased.
pub async fn remove_if_left(tx: &mut Transaction<'static, Any>, team: &str) -> Result<()> {
    let sql = "DELETE FROM team WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM member m WHERE m.team_id = team.id)
         AND NOT EXISTS (SELECT 1 FROM project p WHERE p.team_id = team.id)";
    sqlx::query(sql).bind(team).execute(&mut **tx).await?;
    Ok(())
}

/// Lets nobody else change a team or its people until the transaction ends.
pub async fn lock(tx: &mut Transaction<'static, Any>, team: &str) -> Result<()> {
    sqlx::query("UPDATE team SET name = name WHERE id = $1").bind(team).execute(&mut **tx).await?;
    Ok(())
}

/// Counts owners under the lock, so that two owners who leave at once do not both succeed.
async fn refuse_without_owner(tx: &mut Transaction<'static, Any>, team: &str) -> Result<()> {
    lock(tx, team).await?;
    let owners: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM member WHERE team_id = $1 AND role = 'owner'")
        .bind(team)
        .fetch_one(&mut **tx)
        .await?;
    if owners == 0 {
        let message = "A team needs an owner. Make somebody else one first.";
        return Err(Error::refused(StatusCode::CONFLICT, "last_owner", message));
    }
    Ok(())
}

fn team_from_row(row: &AnyRow) -> sqlx::Result<Team> {
    Ok(Team {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        role: Role::from_name(row.try_get("role")?),
        members: row.try_get("members")?,
        projects: row.try_get("projects")?,
        created_ms: row.try_get("created_ms")?,
    })
}
