//! Projects in the control database.

use http::StatusCode;
use sqlx::any::AnyRow;
use sqlx::{Any, AnyPool, Row as _, Transaction};

use super::{Slug, Wish};
use crate::accounts::unverified::VOUCHERS;
use crate::clock;
use crate::database::is_unique_violation;
use crate::error::{Error, Result};
use crate::fleet::Seen;
use crate::teams::Role;

const COLUMNS: &str = "p.id, p.team_id, p.slug, p.name, p.wish, p.suspended_reason, p.node_id, p.generation, \
     p.first_superuser, p.applied, p.created_ms, p.deleted_until_ms, p.seen_state, p.seen_since_ms, p.seen_reason, \
     p.requests, p.first_request_ms, p.last_request_ms, p.database_bytes, p.storage_bytes, p.plan, p.plan_overrides";

/// A project as it is stored.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the migration explains the columns")]
pub struct Row {
    pub id: String,
    pub team_id: String,
    pub slug: String,
    pub name: String,
    pub wish: Wish,
    pub suspended_reason: Option<String>,
    pub node_id: String,
    pub generation: i64,
    pub first_superuser: Option<String>,
    pub applied: Option<String>,
    pub created_ms: i64,
    pub deleted_until_ms: Option<i64>,
    pub requests: i64,
    pub first_request_ms: Option<i64>,
    pub last_request_ms: Option<i64>,
    pub plan: Option<String>,
    pub plan_overrides: Option<String>,
    /// Whether an owner of its team has proven a mail address, or operates the platform.
    pub is_vouched_for: bool,
    /// What its node last reported.
    pub seen: Option<Seen>,
}

/// A project to be.
pub struct New<'a> {
    /// The team that will own it.
    pub team_id: &'a str,
    /// Its address.
    pub slug: &'a Slug,
    /// Its name.
    pub name: &'a str,
    /// The node it is placed on.
    pub node_id: &'a str,
    /// JSON with the mail address and the hash of its first superuser, unless its data will bring some.
    pub first_superuser: Option<&'a str>,
}

/// Adds a project.
///
/// # Errors
/// `slug_taken`; `project_limit` when the team has `limit` already, or twice as many with those that are deleted.
pub async fn create(tx: &mut Transaction<'static, Any>, new: &New<'_>, limit: i64) -> Result<String> {
    refuse_full(tx, new.team_id, limit).await?;
    refuse_hoard(tx, new.team_id, limit).await?;
    let id = tenant_runtime::host::TenantId::generate().to_string();
    let inserted = sqlx::query(
        "INSERT INTO project (id, team_id, slug, name, wish, node_id, generation, first_superuser, created_ms, requests,
           database_bytes, storage_bytes)
         VALUES ($1, $2, $3, $4, 'active', $5, 1, $6, $7, 0, 0, 0)",
    )
    .bind(&id)
    .bind(new.team_id)
    .bind(new.slug.as_str())
    .bind(new.name)
    .bind(new.node_id)
    .bind(new.first_superuser)
    .bind(clock::now_ms())
    .execute(&mut **tx)
    .await;
    taken_or(inserted)?;
    Ok(id)
}

/// Moves a project to another team. Tokens for it that members of the old team made are gone, and so is what they let
/// operators see and who left them may fetch.
///
/// # Errors
/// `project_limit` when the team has `limit` already, or twice as many with those that are deleted.
pub async fn transfer(tx: &mut Transaction<'static, Any>, id: &str, team: &str, limit: i64) -> Result<()> {
    refuse_full(tx, team, limit).await?;
    refuse_hoard(tx, team, limit).await?;
    for sql in ["DELETE FROM api_token WHERE project_id = $1", "DELETE FROM support_grant WHERE project_id = $1"] {
        sqlx::query(sql).bind(id).execute(&mut **tx).await?;
    }
    forget_exports(tx, id).await?;
    sqlx::query("UPDATE project SET team_id = $1 WHERE id = $2").bind(team).bind(id).execute(&mut **tx).await?;
    Ok(())
}

/// Counts under a lock on the team, so that two projects at once do not both get the last place.
async fn refuse_full(tx: &mut Transaction<'static, Any>, team: &str, limit: i64) -> Result<()> {
    sqlx::query("UPDATE team SET name = name WHERE id = $1").bind(team).execute(&mut **tx).await?;
    let count: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM project WHERE team_id = $1 AND wish <> 'deleted'")
        .bind(team)
        .fetch_one(&mut **tx)
        .await?;
    if count >= limit {
        let message = "This team has as many projects as it may have. Delete one to make room.";
        return Err(Error::refused(StatusCode::FORBIDDEN, "project_limit", message));
    }
    Ok(())
}

/// Deleted projects keep their data for the grace period: whoever creates and deletes by turns fills the disk, too.
async fn refuse_hoard(tx: &mut Transaction<'static, Any>, team: &str, limit: i64) -> Result<()> {
    let count: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM project WHERE team_id = $1").bind(team).fetch_one(&mut **tx).await?;
    if count >= limit.saturating_mul(2) {
        let message = "This team has too many deleted projects that can still be brought back. Bring one back, or wait \
                       until their grace period is over.";
        return Err(Error::refused(StatusCode::FORBIDDEN, "project_limit", message));
    }
    Ok(())
}

/// An account's projects with its role in each, newest last.
pub async fn of_account(db: &AnyPool, account: &str) -> Result<Vec<(Row, Role)>> {
    let sql = format!(
        "SELECT {COLUMNS}, {VOUCHERS} AS vouchers, m.role FROM project p JOIN member m ON m.team_id = p.team_id
         WHERE m.account_id = $1 ORDER BY p.created_ms, p.id"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(account).fetch_all(db).await?;
    Ok(rows.iter().map(with_role).collect::<sqlx::Result<_>>()?)
}

/// One of an account's projects, by slug or id, or one whose people let operators in, if the account is one. For what
/// people type: nobody chooses an id, so an id goes before a slug that looks like it.
pub async fn find(db: &AnyPool, account: &str, slug_or_id: &str) -> Result<Option<(Row, Role)>> {
    find_where(db, "p.slug = $2 OR p.id = $2", account, slug_or_id).await
}

/// The same, by id alone.
pub async fn find_by_id(db: &AnyPool, account: &str, id: &str) -> Result<Option<(Row, Role)>> {
    find_where(db, "p.id = $2", account, id).await
}

async fn find_where(db: &AnyPool, named: &'static str, account: &str, name: &str) -> Result<Option<(Row, Role)>> {
    let sql = format!(
        "SELECT {COLUMNS}, {VOUCHERS} AS vouchers, COALESCE(m.role, 'admin') AS role FROM project p
         LEFT JOIN member m ON m.team_id = p.team_id AND m.account_id = $1
         WHERE ({named}) AND (m.role IS NOT NULL OR EXISTS (
           SELECT 1 FROM support_grant s JOIN account a ON a.id = $1
           WHERE s.project_id = p.id AND s.until_ms > $3 AND a.operator = 1))
         ORDER BY CASE WHEN p.id = $2 THEN 0 ELSE 1 END LIMIT 1"
    );
    let row =
        sqlx::query(sqlx::AssertSqlSafe(sql)).bind(account).bind(name).bind(clock::now_ms()).fetch_optional(db).await?;
    Ok(row.map(|row| with_role(&row)).transpose()?)
}

/// All projects of a node: what the reconciler and the route table need.
pub async fn of_node(db: &AnyPool, node: &str) -> Result<Vec<Row>> {
    let sql = format!("SELECT {COLUMNS}, {VOUCHERS} AS vouchers FROM project p WHERE p.node_id = $1");
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(node).fetch_all(db).await?;
    Ok(rows.iter().map(from_row).collect::<sqlx::Result<_>>()?)
}

/// Whether there is a project of that slug or id.
pub async fn exists(db: &AnyPool, slug_or_id: &str) -> Result<bool> {
    let sql = "SELECT COUNT(*) FROM project WHERE slug = $1 OR id = $1";
    Ok(sqlx::query_scalar::<_, i64>(sql).bind(slug_or_id).fetch_one(db).await? > 0)
}

/// Whether some project, a deleted one included, has that address.
pub async fn is_taken(db: &AnyPool, slug: &Slug) -> Result<bool> {
    let count: i64 =
        sqlx::query_scalar("SELECT COUNT(*) FROM project WHERE slug = $1").bind(slug.as_str()).fetch_one(db).await?;
    Ok(count > 0)
}

/// Sets name and address, or what of them is given.
///
/// # Errors
/// `slug_taken`.
pub async fn rename(
    tx: &mut Transaction<'static, Any>,
    id: &str,
    name: Option<&str>,
    slug: Option<&str>,
) -> Result<()> {
    let updated = sqlx::query("UPDATE project SET name = COALESCE($1, name), slug = COALESCE($2, slug) WHERE id = $3")
        .bind(name)
        .bind(slug)
        .bind(id)
        .execute(&mut **tx)
        .await;
    taken_or(updated)
}

/// Wishes a project gone; until then it can be brought back.
pub async fn delete(tx: &mut Transaction<'static, Any>, id: &str, until_ms: i64) -> Result<()> {
    sqlx::query(
        "UPDATE project SET wish = 'deleted', deleted_until_ms = $1, purge_confirmed_ms = NULL,
           purge_begun_ms = CASE WHEN wish = 'deleted' THEN purge_begun_ms END
         WHERE id = $2",
    )
    .bind(until_ms)
    .bind(id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Brings a deleted project back; one that was suspended is so again, and whoever left it behind cannot fetch it any more.
/// Whether it was deleted.
///
/// # Errors
/// `project_limit` when its team has `limit` others; `too_late` once it is being removed for good.
pub async fn undelete(tx: &mut Transaction<'static, Any>, id: &str, team: &str, limit: i64) -> Result<bool> {
    let undeleted = sqlx::query(
        "UPDATE project SET wish = CASE WHEN suspended_reason IS NULL THEN 'active' ELSE 'suspended' END,
           deleted_until_ms = NULL, purge_confirmed_ms = NULL
         WHERE id = $1 AND wish = 'deleted' AND purge_begun_ms IS NULL",
    )
    .bind(id)
    .execute(&mut **tx)
    .await?;
    let is_back = undeleted.rows_affected() > 0;
    if is_back {
        refuse_full(tx, team, limit.saturating_add(1)).await?;
        forget_exports(tx, id).await?;
    } else {
        refuse_begun(tx, id).await?;
    }
    Ok(is_back)
}

/// Refuses to bring back what is left of a project whose purge has begun.
async fn refuse_begun(tx: &mut Transaction<'static, Any>, id: &str) -> Result<()> {
    let sql = "SELECT COUNT(*) FROM project WHERE id = $1 AND wish = 'deleted' AND purge_begun_ms IS NOT NULL";
    let begun: i64 = sqlx::query_scalar(sql).bind(id).fetch_one(&mut **tx).await?;
    if begun > 0 {
        let message = "This project is being removed for good. It cannot be brought back any more.";
        return Err(Error::refused(StatusCode::CONFLICT, "too_late", message));
    }
    Ok(())
}

/// Ends the links with which somebody may fetch a project's data whose account is erased.
async fn forget_exports(tx: &mut Transaction<'static, Any>, id: &str) -> Result<()> {
    sqlx::query("DELETE FROM export WHERE project_id = $1").bind(id).execute(&mut **tx).await?;
    Ok(())
}

/// Has a project that is not deleted answer everybody with a reason. Whether there is one.
pub async fn suspend(tx: &mut Transaction<'static, Any>, id: &str, reason: &str) -> Result<bool> {
    let suspended =
        sqlx::query("UPDATE project SET wish = 'suspended', suspended_reason = $1 WHERE id = $2 AND wish <> 'deleted'")
            .bind(reason)
            .bind(id)
            .execute(&mut **tx)
            .await?;
    Ok(suspended.rows_affected() > 0)
}

/// Lets a project serve again; one that was deleted meanwhile will, once it is brought back.
pub async fn resume(tx: &mut Transaction<'static, Any>, id: &str) -> Result<()> {
    sqlx::query(
        "UPDATE project SET wish = CASE WHEN wish = 'suspended' THEN 'active' ELSE wish END, suspended_reason = NULL
         WHERE id = $1",
    )
    .bind(id)
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// Notes that the node has made the wish true. The first superuser's hash is not needed any more.
pub async fn applied(db: &AnyPool, id: &str, digest: &str) -> Result<()> {
    sqlx::query("UPDATE project SET applied = $1, first_superuser = NULL WHERE id = $2")
        .bind(digest)
        .bind(id)
        .execute(db)
        .await?;
    Ok(())
}

/// Keeps what a node reported, so that it is known after a restart.
pub async fn keep_seen(db: &AnyPool, id: &str, seen: &Seen) -> Result<()> {
    sqlx::query(
        "UPDATE project SET seen_state = $1, seen_since_ms = $2, seen_reason = $3, requests = requests + $4,
           first_request_ms = COALESCE(first_request_ms, $5), last_request_ms = COALESCE($6, last_request_ms),
           database_bytes = $7, storage_bytes = $8
         WHERE id = $9",
    )
    .bind(seen.state_name())
    .bind(seen.since_ms)
    .bind(&seen.reason)
    .bind(seen.requests_since)
    .bind(seen.last_request_ms)
    .bind(seen.last_request_ms)
    .bind(seen.database_bytes)
    .bind(seen.storage_bytes)
    .bind(id)
    .execute(db)
    .await?;
    Ok(())
}

/// Removes the row of a project whose data is gone.
pub async fn remove(tx: &mut Transaction<'static, Any>, id: &str) -> Result<()> {
    sqlx::query("DELETE FROM project WHERE id = $1 AND wish = 'deleted'").bind(id).execute(&mut **tx).await?;
    Ok(())
}

/// A project whatever its team, for background work.
pub async fn by_id(db: &AnyPool, id: &str) -> Result<Option<Row>> {
    let sql = format!("SELECT {COLUMNS}, {VOUCHERS} AS vouchers FROM project p WHERE p.id = $1");
    let row = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(id).fetch_optional(db).await?;
    Ok(row.map(|row| from_row(&row)).transpose()?)
}

/// A project's slug and its team.
pub async fn address_of(tx: &mut Transaction<'static, Any>, id: &str) -> Result<Option<(String, String)>> {
    let row = sqlx::query("SELECT slug, team_id FROM project WHERE id = $1").bind(id).fetch_optional(&mut **tx).await?;
    Ok(row.map(|row| Ok::<_, sqlx::Error>((row.try_get(0)?, row.try_get(1)?))).transpose()?)
}

fn taken_or(result: sqlx::Result<sqlx::any::AnyQueryResult>) -> Result<()> {
    match result {
        Ok(_) => Ok(()),
        Err(error) if is_unique_violation(&error) => {
            Err(Error::field("slug", "slug_taken", "This address is taken. Please choose another."))
        }
        Err(error) => Err(error.into()),
    }
}

fn with_role(row: &AnyRow) -> sqlx::Result<(Row, Role)> {
    Ok((from_row(row)?, Role::from_name(row.try_get("role")?)))
}

fn from_row(row: &AnyRow) -> sqlx::Result<Row> {
    let state: Option<String> = row.try_get("seen_state")?;
    let seen = match state.as_deref().and_then(Seen::state_from_name) {
        None => None,
        Some(state) => Some(Seen {
            state,
            since_ms: row.try_get::<Option<i64>, _>("seen_since_ms")?.unwrap_or_default(),
            reason: row.try_get("seen_reason")?,
            requests_since: 0,
            last_request_ms: row.try_get("last_request_ms")?,
            database_bytes: row.try_get("database_bytes")?,
            storage_bytes: row.try_get("storage_bytes")?,
        }),
    };
    Ok(Row {
        id: row.try_get("id")?,
        team_id: row.try_get("team_id")?,
        slug: row.try_get("slug")?,
        name: row.try_get("name")?,
        wish: Wish::from_name(row.try_get("wish")?),
        suspended_reason: row.try_get("suspended_reason")?,
        node_id: row.try_get("node_id")?,
        generation: row.try_get("generation")?,
        first_superuser: row.try_get("first_superuser")?,
        applied: row.try_get("applied")?,
        created_ms: row.try_get("created_ms")?,
        deleted_until_ms: row.try_get("deleted_until_ms")?,
        requests: row.try_get("requests")?,
        first_request_ms: row.try_get("first_request_ms")?,
        last_request_ms: row.try_get("last_request_ms")?,
        plan: row.try_get("plan")?,
        plan_overrides: row.try_get("plan_overrides")?,
        is_vouched_for: row.try_get::<i64, _>("vouchers")? > 0,
        seen,
    })
}

#[cfg(test)]
mod tests;
