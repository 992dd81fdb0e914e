//! Projects that somebody made in an account that turned out to be another's: whoever made them knows the passwords of
//! their superusers. They go on serving, as they may be what the owner wants; but all superusers go, and the owner, who is
//! told, sets one anew.

use sqlx::{Any, Row as _, Transaction};

use super::store;
use crate::audit;
use crate::clock;
use crate::error::Result;
use crate::fleet::urls::Urls;
use crate::jobs::{self, GiveUp, Kind, Run};
use crate::mail::{self, Mail};

/// How long it is tried: a project that does not open today may tomorrow.
const DEADLINE: std::time::Duration = clock::DAY.saturating_mul(30);

/// Has all superusers removed of the projects of every team an account is in, once the transaction is committed, and tells
/// the account's owner. What is deleted is among them: it may be brought back.
pub async fn begin(tx: &mut Transaction<'static, Any>, urls: &Urls, account: &str) -> Result<()> {
    let sql = "SELECT p.id, p.name FROM project p JOIN member m ON m.team_id = p.team_id WHERE m.account_id = $1
         ORDER BY p.name, p.id";
    let mut names = Vec::new();
    for row in sqlx::query(sql).bind(account).fetch_all(&mut **tx).await? {
        let (id, name): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        jobs::enqueue(tx, Kind::LockOut, &id, None, "{}", clock::now_ms(), DEADLINE).await?;
        let line = "All superusers are removed: whoever made the project had not proven the account's mail address";
        audit::note(tx, Some(account), Some(&id), "locked_out", line).await?;
        names.push(name);
    }
    let sql = "SELECT email FROM account WHERE id = $1";
    let email: String = sqlx::query_scalar(sql).bind(account).fetch_one(&mut **tx).await?;
    if !names.is_empty() {
        mail::enqueue(tx, &Mail::projects_found(urls, &email, &names)).await?;
    }
    Ok(())
}

/// The one step of the job.
pub async fn perform(run: &Run) -> anyhow::Result<()> {
    let row = store::by_id(run.platform.database.write(), &run.project).await?;
    let row = row.ok_or_else(|| GiveUp("There is no such project any more.".to_owned()))?;
    run.platform.fleet.node(&row.node_id)?.remove_superusers(&row.id.parse()?).await?;
    run.say("All superusers are removed.").await;
    Ok(())
}
