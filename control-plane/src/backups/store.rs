//! Backups, schedules and restores in the control database.

use serde::Serialize;
use sqlx::any::AnyRow;
use sqlx::{Any, AnyPool, AssertSqlSafe, Row as _, Transaction};
use utoipa::ToSchema;

use super::{Manifest, Origin, State, check, meaning, word};
use crate::clock;
use crate::database::number;
use crate::error::Result;

const COLUMNS: &str = "id, project_id, origin, state, reason, stored, created_ms, proven_ms, checked_ms";

/// A backup as it is kept.
#[derive(Clone, Debug)]
pub(super) struct Backup {
    pub(super) id: String,
    pub(super) project: String,
    pub(super) origin: Origin,
    pub(super) state: State,
    pub(super) reason: Option<String>,
    /// Absent until it is stored.
    pub(super) manifest: Option<Manifest>,
    pub(super) created_ms: i64,
    pub(super) proven_ms: Option<i64>,
    pub(super) checked_ms: Option<i64>,
}

/// A restore that was done.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Restore {
    /// Stable.
    pub id: String,
    /// What was restored.
    pub backup_id: String,
    /// Milliseconds since the epoch, like the others.
    pub at_ms: i64,
    /// Until when it can be undone; absent when it cannot.
    pub undo_until_ms: Option<i64>,
    /// When it was undone.
    pub undone_ms: Option<i64>,
    /// The data directory before.
    #[serde(skip)]
    pub before: Option<String>,
    /// The data directory it brought.
    #[serde(skip)]
    pub data: String,
    #[serde(skip)]
    pub(super) project: String,
}

pub(super) async fn create(tx: &mut Transaction<'static, Any>, id: &str, project: &str, origin: Origin) -> Result<()> {
    sqlx::query(
        "INSERT INTO backup (id, project_id, origin, state, told, created_ms) VALUES ($1, $2, $3, 'making', 0, $4)",
    )
    .bind(id)
    .bind(project)
    .bind(word(origin))
    .bind(clock::now_ms())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

/// A project's backups, newest first.
pub(super) async fn of_project(db: &AnyPool, project: &str) -> Result<Vec<Backup>> {
    let sql = format!("SELECT {COLUMNS} FROM backup WHERE project_id = $1 ORDER BY created_ms DESC, id");
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(project).fetch_all(db).await?;
    Ok(rows.iter().map(from_row).collect::<sqlx::Result<_>>()?)
}

pub(super) async fn by_id(db: &AnyPool, id: &str) -> Result<Option<Backup>> {
    let sql = format!("SELECT {COLUMNS} FROM backup WHERE id = $1");
    let row = sqlx::query(AssertSqlSafe(sql)).bind(id).fetch_optional(db).await?;
    Ok(row.map(|row| from_row(&row)).transpose()?)
}

/// A backup that can be fetched.
pub struct Kept {
    /// Stable.
    pub id: String,
    /// The zip's size.
    pub bytes: i64,
    /// When it was made.
    pub made_ms: i64,
}

/// The newest proven backup of a project.
pub async fn newest_proven(db: &AnyPool, project: &str) -> Result<Option<Kept>> {
    let backups = of_project(db, project).await?;
    let mut proven = backups.into_iter().filter(|backup| backup.state == State::Proven);
    Ok(proven.find_map(|backup| {
        let bytes = number(backup.manifest?.bytes);
        Some(Kept { id: backup.id, bytes, made_ms: backup.created_ms })
    }))
}

/// The newest proven backup of each project that was not checked since `before_ms`. Whoever cancelled a check since then
/// wants none before the next one is due; one that could not be done is not begun anew before `tried_ms` is past, either.
pub(super) async fn to_be_checked(db: &AnyPool, before_ms: i64, tried_ms: i64) -> Result<Vec<(String, String)>> {
    let rows = sqlx::query(
        "SELECT b.id, b.project_id FROM backup b JOIN project p ON p.id = b.project_id
         WHERE b.state = 'proven' AND b.checked_ms <= $1 AND p.wish <> 'deleted' AND NOT EXISTS
           (SELECT 1 FROM backup n WHERE n.project_id = b.project_id AND n.state = 'proven' AND n.created_ms > b.created_ms)
           AND NOT EXISTS (SELECT 1 FROM job j WHERE j.tenant_id = b.project_id AND j.idem_key = $3
             AND ((j.state = 'cancelled' AND j.updated_ms > $1) OR (j.state = 'failed' AND j.updated_ms > $2)))",
    )
    .bind(before_ms)
    .bind(tried_ms)
    .bind(check::CHECK)
    .fetch_all(db)
    .await?;
    Ok(rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<sqlx::Result<_>>()?)
}

/// Backups that were begun before that moment and are not done yet, though no job is at them, and whose they are.
pub(super) async fn begun_before(db: &AnyPool, before_ms: i64) -> Result<Vec<(String, String)>> {
    let sql = "SELECT b.id, b.project_id FROM backup b WHERE b.state = 'making' AND b.created_ms < $1 AND NOT EXISTS
        (SELECT 1 FROM job j WHERE j.tenant_id = b.project_id AND j.state IN ('queued', 'running'))";
    let rows = sqlx::query(sql).bind(before_ms).fetch_all(db).await?;
    Ok(rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect::<sqlx::Result<_>>()?)
}

/// Notes what was stored.
pub(super) async fn stored<'e, E>(db: E, id: &str, manifest: &Manifest) -> anyhow::Result<()>
where
    E: sqlx::Executor<'e, Database = Any>,
{
    let text = serde_json::to_string(manifest)?;
    sqlx::query("UPDATE backup SET stored = $1 WHERE id = $2").bind(text).bind(id).execute(db).await?;
    Ok(())
}

/// Notes that it is stored no more.
pub(super) async fn not_stored(db: &AnyPool, id: &str) -> Result<()> {
    sqlx::query("UPDATE backup SET stored = NULL WHERE id = $1").bind(id).execute(db).await?;
    Ok(())
}

/// Notes that it was restored from where it is stored.
pub(super) async fn proven(db: &AnyPool, id: &str) -> Result<()> {
    sqlx::query(
        "UPDATE backup SET state = 'proven', reason = NULL, told = 0, proven_ms = COALESCE(proven_ms, $1), checked_ms = $1
         WHERE id = $2",
    )
    .bind(clock::now_ms())
    .bind(id)
    .execute(db)
    .await?;
    Ok(())
}

/// Notes a failure; whether nobody was told of it yet.
pub(super) async fn failed(tx: &mut Transaction<'static, Any>, id: &str, reason: &str) -> Result<bool> {
    let told: Option<i64> =
        sqlx::query_scalar("SELECT told FROM backup WHERE id = $1").bind(id).fetch_optional(&mut **tx).await?;
    sqlx::query("UPDATE backup SET state = 'failed', reason = $1, told = 1, checked_ms = $2 WHERE id = $3")
        .bind(reason)
        .bind(clock::now_ms())
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(told == Some(0))
}

/// Turns a backup red that is to be removed, unless it is the last proven one: whether it may go. Of several that are given
/// up at once each counts the others.
pub(super) async fn give_up(tx: &mut Transaction<'static, Any>, project: &str, id: &str) -> Result<bool> {
    sqlx::query("UPDATE project SET name = name WHERE id = $1").bind(project).execute(&mut **tx).await?;
    let sql = "UPDATE backup SET state = 'failed', reason = 'Its removal was begun.', told = 1
         WHERE id = $1 AND project_id = $2 AND (state <> 'proven' OR EXISTS (SELECT 1 FROM backup o
           WHERE o.project_id = backup.project_id AND o.state = 'proven' AND o.id <> backup.id))";
    Ok(sqlx::query(sql).bind(id).bind(project).execute(&mut **tx).await?.rows_affected() > 0)
}

pub(super) async fn remove(db: &AnyPool, id: &str) -> Result<()> {
    sqlx::query("DELETE FROM backup WHERE id = $1").bind(id).execute(db).await?;
    Ok(())
}

/// Notes a restore, unless it is noted already. Those before it can no longer be undone: a project keeps the data before
/// its last restore only.
pub(super) async fn restored(tx: &mut Transaction<'static, Any>, restore: &Restore) -> Result<bool> {
    sqlx::query("UPDATE restore SET before = NULL WHERE project_id = $1 AND id <> $2")
        .bind(&restore.project)
        .bind(&restore.id)
        .execute(&mut **tx)
        .await?;
    let noted = sqlx::query(
        "INSERT INTO restore (id, project_id, backup_id, data, before, at_ms, undo_until_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
    )
    .bind(&restore.id)
    .bind(&restore.project)
    .bind(&restore.backup_id)
    .bind(&restore.data)
    .bind(&restore.before)
    .bind(restore.at_ms)
    .bind(restore.undo_until_ms.unwrap_or_default())
    .execute(&mut **tx)
    .await?;
    Ok(noted.rows_affected() > 0)
}

const RESTORE: &str = "SELECT id, project_id, backup_id, data, before, at_ms, undo_until_ms, undone_ms FROM restore";

/// More restores than anybody undoes within the week in which one can.
const LATEST_RESTORES: i64 = 10;

/// A project's latest restores, newest first.
pub(super) async fn restores(db: &AnyPool, project: &str) -> Result<Vec<Restore>> {
    let sql = format!("{RESTORE} WHERE project_id = $1 ORDER BY at_ms DESC, id LIMIT $2");
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(project).bind(LATEST_RESTORES).fetch_all(db).await?;
    Ok(rows.iter().map(restore_from_row).collect::<sqlx::Result<_>>()?)
}

/// Restores whose data before is kept no longer.
pub(super) async fn over(db: &AnyPool, now_ms: i64) -> Result<Vec<Restore>> {
    let sql = format!("{RESTORE} WHERE before IS NOT NULL AND undo_until_ms <= $1");
    let rows = sqlx::query(AssertSqlSafe(sql)).bind(now_ms).fetch_all(db).await?;
    Ok(rows.iter().map(restore_from_row).collect::<sqlx::Result<_>>()?)
}

/// Notes that a restore was undone, unless it is noted already.
pub(super) async fn set_undone(tx: &mut Transaction<'static, Any>, id: &str) -> Result<bool> {
    let noted = sqlx::query("UPDATE restore SET undone_ms = $1 WHERE id = $2 AND undone_ms IS NULL")
        .bind(clock::now_ms())
        .bind(id)
        .execute(&mut **tx)
        .await?;
    Ok(noted.rows_affected() > 0)
}

/// Notes that the data before a restore is gone.
pub(super) async fn set_over(db: &AnyPool, id: &str) -> Result<()> {
    sqlx::query("UPDATE restore SET before = NULL WHERE id = $1").bind(id).execute(db).await?;
    Ok(())
}

fn from_row(row: &AnyRow) -> sqlx::Result<Backup> {
    let stored: Option<String> = row.try_get("stored")?;
    Ok(Backup {
        id: row.try_get("id")?,
        project: row.try_get("project_id")?,
        origin: meaning(row.try_get("origin")?).unwrap_or(Origin::Hand),
        state: meaning(row.try_get("state")?).unwrap_or(State::Failed),
        reason: row.try_get("reason")?,
        manifest: stored.and_then(|text| serde_json::from_str(&text).ok()),
        created_ms: row.try_get("created_ms")?,
        proven_ms: row.try_get("proven_ms")?,
        checked_ms: row.try_get("checked_ms")?,
    })
}

fn restore_from_row(row: &AnyRow) -> sqlx::Result<Restore> {
    let before: Option<String> = row.try_get("before")?;
    let (until_ms, undone_ms): (i64, Option<i64>) = (row.try_get("undo_until_ms")?, row.try_get("undone_ms")?);
    Ok(Restore {
        id: row.try_get("id")?,
        project: row.try_get("project_id")?,
        backup_id: row.try_get("backup_id")?,
        at_ms: row.try_get("at_ms")?,
        undo_until_ms: (before.is_some() && undone_ms.is_none()).then_some(until_ms),
        undone_ms,
        before,
        data: row.try_get("data")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Database;
    use crate::database::testing::{run, with_projects};

    #[tokio::test]
    async fn a_check_that_was_cancelled_waits_for_its_next_time() {
        let (database, _dir) = with_projects(&[("orchard", "anns")]).await;
        let mut tx = database.begin().await.expect("begins");
        create(&mut tx, "night", "orchard", Origin::Schedule).await.expect("is there");
        tx.commit().await.expect("commits");
        proven(database.write(), "night").await.expect("is proven");
        run(&database, "UPDATE backup SET checked_ms = 1000").await;
        let due = async |before_ms, tried_ms| {
            let due = to_be_checked(database.read(), before_ms, tried_ms).await.expect("asks");
            due.into_iter().map(|(backup, _)| backup).collect::<Vec<_>>()
        };
        assert_eq!((due(999, 999).await.len(), due(2000, 2000).await), (0, vec!["night".to_owned()]));
        let job = "INSERT INTO job (id, tenant_id, kind, idem_key, input, state, step, exclusive, attempt, due_ms,
               deadline_ms, lease_epoch, lease_until_ms, created_ms, updated_ms)
             VALUES ('j', 'orchard', 'check_backup', 'check', '', 'cancelled', 'prove', 0, 1, 0, 0, 0, 0, 2500, 2500)";
        run(&database, job).await;
        assert!(due(2000, 2000).await.is_empty(), "it was cancelled since then");
        assert_eq!(due(3000, 3000).await, ["night"], "the next one is due");
        run(&database, "UPDATE job SET state = 'failed'").await;
        assert!(due(2000, 2400).await.is_empty(), "it could not be done a moment ago");
        assert_eq!(due(2000, 2600).await, ["night"], "it is tried again");
        run(&database, "UPDATE job SET idem_key = 'import'").await;
        assert_eq!(due(2000, 2400).await, ["night"], "what somebody brought is another matter");
    }

    #[tokio::test]
    async fn of_the_last_two_that_are_proven_only_one_can_be_removed() {
        let dir = tempfile::tempdir().expect("a directory");
        let database = Database::open(&Database::sqlite_url(dir.path())).await.expect("opens");
        let mut tx = database.begin().await.expect("begins");
        for id in ["one", "other", "red"] {
            create(&mut tx, id, "p", Origin::Hand).await.expect("is there");
        }
        tx.commit().await.expect("commits");
        for id in ["one", "other"] {
            proven(database.write(), id).await.expect("is proven");
        }
        let mut tx = database.begin().await.expect("begins");
        assert!(give_up(&mut tx, "p", "one").await.expect("asks"));
        assert!(!give_up(&mut tx, "p", "other").await.expect("asks"), "it is the last one");
        assert!(give_up(&mut tx, "p", "red").await.expect("asks"), "what is not proven may always go");
        assert!(!give_up(&mut tx, "another", "red").await.expect("asks"), "it is this project's");
    }
}
