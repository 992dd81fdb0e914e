//! What operators make of the plans, and how projects come to keep to it.
//!
//! A change is stored first and then holds in memory. Hosts and the edge hear of it by the rounds that compare wishes
//! with what is, so a plan of ten thousand projects is changed as fast as one of none.

use http::StatusCode;

use super::draft::{bounds, differences};
use super::{Catalog, Plan};
use crate::audit;
use crate::clock;
use crate::error::{Error, Result};
use crate::fleet::{self, LOCAL};
use crate::projects::store;
use crate::state::Platform;

/// Gives a plan other figures, or makes one. Its projects keep to it when this answers, or at the latest within a minute.
pub async fn save(platform: &Platform, by: &str, name: &str, plan: &Plan) -> Result<()> {
    let _alone = platform.plans.lock().await;
    let before = platform.plans.now();
    let line = match before.find(name) {
        Some(old) if old == plan => return Ok(()),
        Some(old) => format!("The plan {} was changed: {}", old.title, differences(old, plan)),
        None => format!("The plan {} was made: {}", plan.title, bounds(plan)),
    };
    let mut tx = platform.database.begin().await?;
    let sql = "INSERT INTO plan (name, figures, changed_ms) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET figures = excluded.figures, changed_ms = excluded.changed_ms";
    let figures = serde_json::to_string(plan).map_err(anyhow::Error::new)?;
    sqlx::query(sql).bind(name).bind(figures).bind(clock::now_ms()).execute(&mut *tx).await?;
    audit::note(&mut tx, Some(by), None, "plan_changed", &line).await?;
    tx.commit().await?;
    replace(platform, before.with(name, Some(plan.clone()))).await;
    Ok(())
}

/// Has a plan be what the settings say again; one that operators made goes.
///
/// # Errors
/// `not_found`; `plan_in_use` while projects have a plan that would go.
pub async fn take_back(platform: &Platform, by: &str, name: &str) -> Result<()> {
    let _alone = platform.plans.lock().await;
    let before = platform.plans.now();
    let now = before.find(name).ok_or_else(|| Error::not_found("There is no plan of that name."))?;
    if !before.is_changed(name) {
        return Ok(());
    }
    let line = match before.in_settings(name) {
        Some(old) if old == now => format!("The plan {} is that of the settings again", old.title),
        Some(old) => format!("The plan {} is that of the settings again: {}", now.title, differences(now, old)),
        None => {
            refuse_in_use(platform, name).await?;
            format!("The plan {} was removed", now.title)
        }
    };
    let mut tx = platform.database.begin().await?;
    sqlx::query("DELETE FROM plan WHERE name = $1").bind(name).execute(&mut *tx).await?;
    audit::note(&mut tx, Some(by), None, "plan_changed", &line).await?;
    tx.commit().await?;
    replace(platform, before.with(name, None)).await;
    Ok(())
}

/// Takes in what another process may have changed while it was taken over from.
pub async fn reread(platform: &Platform) -> anyhow::Result<()> {
    let _alone = platform.plans.lock().await;
    let before = platform.plans.now();
    let after = before.reread(platform.database.read()).await?;
    if after != *before {
        replace(platform, after).await;
    }
    Ok(())
}

/// Those that are deleted and can still be brought back count: they would come back to less than they had, or more.
async fn refuse_in_use(platform: &Platform, name: &str) -> Result<()> {
    let projects: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM project WHERE plan = $1")
        .bind(name)
        .fetch_one(platform.database.write())
        .await?;
    if projects == 0 {
        return Ok(());
    }
    let message = "Projects have this plan, or had it when they were deleted. Give them another one first.";
    Err(Error::refused(StatusCode::CONFLICT, "plan_in_use", message))
}

/// From now on these are the plans. Whoever is granted something else is judged anew and told to their hosts.
async fn replace(platform: &Platform, after: Catalog) {
    let before = platform.plans.now();
    platform.plans.replace(after);
    let after = platform.plans.now();
    match store::of_node(platform.database.read(), LOCAL).await {
        Ok(rows) => {
            for row in rows.iter().filter(|row| before.grant_of(row) != after.grant_of(row)) {
                platform.usage.judge_anew(&row.id);
                platform.changed(&row.id);
            }
        }
        // What is counted next of a project has it judged anew as well.
        Err(error) => tracing::warn!("failed to find whose plan was changed: {error}"),
    }
    fleet::routes::publish(platform).await;
    platform.fleet.poke();
}
