//! Plans: what a project may use. They are data: `[plans]` in the settings, with what operators changed at the console in
//! their place. An operator may also give a project another plan and figures of its own.
//!
//! Here is only what is granted. What is used, and what happens when that is more, is `usage`.

pub mod api;
mod catalog;
pub mod change;
mod draft;
pub mod preview;

use std::collections::BTreeMap;

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use tenant_runtime::host::Limits;
use utoipa::ToSchema;

use crate::accounts::unverified;
use crate::audit;
use crate::clock::HOUR_MS;
use crate::error::{Error, Result};
use crate::fleet;
use crate::projects::store::Row;
use crate::state::Platform;

pub use self::catalog::{Catalog, Plans};
pub use self::draft::Draft;

/// The plan every installation has, of which others say only how they differ.
pub const STANDARD: &str = "standard";

const MB: u64 = 1024 * 1024;
const GB: u64 = 1024 * MB;

/// What a plan grants; 0 is no limit.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all(serialize = "camelCase"))]
#[schema(rename_all = "camelCase")]
#[expect(missing_docs, reason = "ops/roost.toml explains each")]
pub struct Plan {
    pub title: String,
    pub database_mb: u64,
    pub storage_mb: u64,
    pub egress_gb: u64,
    pub requests: u64,
    pub requests_per_second: u32,
    pub realtime_connections: u32,
    pub upload_mb: u64,
    pub backups_kept: u32,
    pub mails_per_day: u32,
    pub awake_hours: u64,
}

/// What an operator set for one project, instead of its plan's figures.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(missing_docs, reason = "as in the plan")]
pub struct Overrides {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database_mb: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub storage_mb: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub egress_gb: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requests_per_second: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub realtime_connections: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_mb: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backups_kept: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mails_per_day: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub awake_hours: Option<u64>,
}

/// Another plan, other overrides, or both. What is absent stays as it is.
#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Assignment {
    /// The plan's name.
    pub plan: Option<String>,
    /// All overrides there will be: what is not among them is the plan's again.
    pub overrides: Option<Overrides>,
}

/// What one project is granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// The plan's name.
    pub plan: String,
    /// The plan's figures, with the project's own in their place.
    pub figures: Plan,
    /// The project's own.
    pub overrides: Overrides,
}

/// Gives a project another plan or figures of its own. It holds when this answers, or at the latest within a minute.
///
/// # Errors
/// `unknown_plan`.
pub async fn assign(platform: &Platform, by: &str, project: &Row, change: &Assignment) -> Result<()> {
    let alone = platform.plans.lock().await;
    let plans = platform.plans.now();
    if change.plan.as_ref().is_some_and(|plan| plans.find(plan).is_none()) {
        return Err(Error::field("plan", "unknown_plan", "There is no plan of that name."));
    }
    let overrides = change.overrides.as_ref().map(serde_json::to_string).transpose().map_err(anyhow::Error::new)?;
    let mut tx = platform.database.begin().await?;
    let sql = "UPDATE project SET plan = COALESCE($1, plan), plan_overrides = COALESCE($2, plan_overrides)
         WHERE id = $3 RETURNING plan, plan_overrides";
    let row = sqlx::query(sql).bind(&change.plan).bind(overrides).bind(&project.id).fetch_one(&mut *tx).await?;
    let (plan, overrides): (Option<String>, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
    let granted = plans.grant(plan.as_deref(), overrides.as_deref());
    let own = if granted.overrides == Overrides::default() { "" } else { ", with limits of its own" };
    let line = format!("{} has the plan {}{own}", project.name, granted.figures.title);
    audit::note(&mut tx, Some(by), Some(&project.id), "plan", &line).await?;
    tx.commit().await?;
    drop(alone);
    platform.usage.judge_anew(&project.id);
    fleet::reconcile::now(platform, &project.id).await;
    Ok(())
}

/// Whether the plan of those without another is among the plans.
pub(crate) fn check(plans: &BTreeMap<String, Plan>, default: &str) -> anyhow::Result<()> {
    if !plans.contains_key(default) {
        bail!("default_plan: there is no plan {default} in [plans]");
    }
    Ok(())
}

/// Completes each plan with what [`STANDARD`] says.
pub(crate) fn complete(plans: &mut toml::Table) -> anyhow::Result<()> {
    let standard = plans.get(STANDARD).and_then(toml::Value::as_table).context("[plans.standard] is missing")?.clone();
    for (name, plan) in plans.iter_mut() {
        let plan = plan.as_table_mut().with_context(|| format!("[plans.{name}] is not a table"))?;
        if name != STANDARD {
            plan.entry("title").or_insert_with(|| name.clone().into());
        }
        for (key, value) in &standard {
            plan.entry(key).or_insert_with(|| value.clone());
        }
    }
    Ok(())
}

impl Plan {
    fn with(&self, overrides: &Overrides) -> Plan {
        Plan {
            title: self.title.clone(),
            database_mb: overrides.database_mb.unwrap_or(self.database_mb),
            storage_mb: overrides.storage_mb.unwrap_or(self.storage_mb),
            egress_gb: overrides.egress_gb.unwrap_or(self.egress_gb),
            requests: overrides.requests.unwrap_or(self.requests),
            requests_per_second: overrides.requests_per_second.unwrap_or(self.requests_per_second),
            realtime_connections: overrides.realtime_connections.unwrap_or(self.realtime_connections),
            upload_mb: overrides.upload_mb.unwrap_or(self.upload_mb),
            backups_kept: overrides.backups_kept.unwrap_or(self.backups_kept),
            mails_per_day: overrides.mails_per_day.unwrap_or(self.mails_per_day),
            awake_hours: overrides.awake_hours.unwrap_or(self.awake_hours),
        }
    }

    /// Bytes of databases.
    pub fn database_bytes(&self) -> u64 {
        self.database_mb.saturating_mul(MB)
    }

    /// Bytes of files.
    pub fn storage_bytes(&self) -> u64 {
        self.storage_mb.saturating_mul(MB)
    }

    /// Bytes of answers in a month.
    pub fn egress_bytes(&self) -> u64 {
        self.egress_gb.saturating_mul(GB)
    }

    /// Time awake in a month.
    pub fn awake_ms(&self) -> u64 {
        self.awake_hours.saturating_mul(HOUR_MS.unsigned_abs())
    }

    /// What the tenant's host keeps to.
    pub fn for_host(&self) -> Limits {
        Limits {
            requests_per_second: (self.requests_per_second > 0).then_some(self.requests_per_second),
            body_bytes: unless_none(self.upload_mb.saturating_mul(MB)),
            database_bytes: unless_none(self.database_bytes()),
            storage_bytes: unless_none(self.storage_bytes()),
            realtime_connections: if self.realtime_connections == 0 { u32::MAX } else { self.realtime_connections },
            ..Limits::default()
        }
    }
}

/// What is no limit to us is one to hosts that nothing reaches.
fn unless_none(bytes: u64) -> u64 {
    if bytes == 0 { u64::MAX } else { bytes }
}

impl Platform {
    /// What a project is granted: its plan's figures, with its own in their place, bounded while nobody answers for it.
    pub fn grant_of(&self, project: &Row) -> Grant {
        let granted = self.plans.now().grant_of(project);
        if project.is_vouched_for { granted } else { unverified::bound(&self.config, granted) }
    }

    /// The same as its host keeps to it.
    pub fn limits_of(&self, project: &Row) -> Limits {
        self.grant_of(project).figures.for_host()
    }
}
