//! What is limited until somebody answers for it: anybody can open an account in any name. Projects serve from the first
//! moment and keep everything; what strangers could abuse is bounded until an owner of their team has proven a mail address,
//! or operates the platform.
//!
//! Nothing of it holds where no mail leaves: nobody could prove anything.

use http::StatusCode;
use serde::Serialize;
use sqlx::{Any, AnyPool, Transaction};
use utoipa::ToSchema;

use super::Account;
use crate::config::{self, Config};
use crate::error::{Error, Result};
use crate::fleet;
use crate::plans::Grant;
use crate::state::Platform;

/// How many owners of a project's team answer for the project `p`.
pub const VOUCHERS: &str = "(SELECT COUNT(*) FROM member o JOIN account v ON v.id = o.account_id \
     WHERE o.team_id = p.team_id AND o.role = 'owner' AND (v.verified_ms IS NOT NULL OR v.operator = 1))";

/// What is limited until a mail address is proven; 0 is no limit of its own
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnverifiedLimits {
    projects: i64,
    database_mb: u64,
    storage_mb: u64,
    egress_gb: u64,
    /// Whether projects may send mails to others than their owners.
    mails: bool,
    /// Whether they may have domains of their own.
    domains: bool,
    /// Whether people may be invited, and further teams made.
    teams: bool,
}

impl UnverifiedLimits {
    /// Those of an installation, if it has any.
    pub fn of(config: &Config) -> Option<UnverifiedLimits> {
        let config::Unverified { projects, database_mb, storage_mb, egress_gb, mails, domains, teams } =
            config.unverified;
        let limits = UnverifiedLimits { projects, database_mb, storage_mb, egress_gb, mails, domains, teams };
        hold(config).then_some(limits)
    }
}

/// Whether there are such limits at all.
pub fn hold(config: &Config) -> bool {
    config.dev || !config.mail.host.is_empty()
}

/// Refuses an account what takes a proven address, unless the settings allow it.
///
/// # Errors
/// `unverified`.
pub fn refuse(platform: &Platform, account: &Account, is_allowed: bool, message: &'static str) -> Result<()> {
    if is_allowed || account.verified || account.operator || !hold(&platform.config) {
        return Ok(());
    }
    Err(Error::refused(StatusCode::FORBIDDEN, "unverified", message))
}

/// How many projects an account's team may have; no answer for one that is limited by nothing of this.
pub fn most_projects(platform: &Platform, account: &Account) -> Option<i64> {
    let most = platform.config.unverified.projects;
    (most > 0 && !account.verified && !account.operator && hold(&platform.config)).then_some(most)
}

/// Refuses what makes a team's projects too many, once they are.
///
/// # Errors
/// `unverified`.
pub async fn refuse_crowd(
    platform: &Platform,
    tx: &mut Transaction<'static, Any>,
    account: &Account,
    team: &str,
) -> Result<()> {
    let Some(most) = most_projects(platform, account) else { return Ok(()) };
    let sql = "SELECT COUNT(*) FROM project WHERE team_id = $1 AND wish <> 'deleted'";
    let count: i64 = sqlx::query_scalar(sql).bind(team).fetch_one(&mut **tx).await?;
    let message = "Until you confirm your mail address you can have no more projects. Open the link we mailed you.";
    refuse(platform, account, count <= most, message)
}

/// What is left of a plan for a project nobody answers for. What an operator granted the project itself it keeps.
pub fn bound(config: &Config, mut grant: Grant) -> Grant {
    if !hold(config) {
        return grant;
    }
    let (limits, figures, own) = (&config.unverified, &mut grant.figures, &grant.overrides);
    for (figure, most, is_own) in [
        (&mut figures.database_mb, limits.database_mb, own.database_mb.is_some()),
        (&mut figures.storage_mb, limits.storage_mb, own.storage_mb.is_some()),
        (&mut figures.egress_gb, limits.egress_gb, own.egress_gb.is_some()),
    ] {
        if !is_own && most > 0 && (*figure == 0 || *figure > most) {
            *figure = most;
        }
    }
    grant
}

/// Whether a project may send a mail to that address through the platform.
pub async fn may_mail(config: &Config, db: &AnyPool, project: &str, to: &str) -> sqlx::Result<bool> {
    if config.unverified.mails || !hold(config) {
        return Ok(true);
    }
    let sql = format!(
        "SELECT COUNT(*) FROM project p WHERE p.id = $1 AND ({VOUCHERS} > 0 OR EXISTS (
           SELECT 1 FROM member m JOIN account a ON a.id = m.account_id
           WHERE m.team_id = p.team_id AND m.role = 'owner' AND a.email = $2))"
    );
    let query = sqlx::query_scalar::<_, i64>(sqlx::AssertSqlSafe(sql)).bind(project).bind(to.to_lowercase());
    Ok(query.fetch_one(db).await? > 0)
}

/// Lifts what held for an account's projects: its address was just proven.
pub async fn lift(platform: &Platform, account: &str) -> Result<()> {
    let sql = "SELECT p.id FROM project p JOIN member m ON m.team_id = p.team_id
         WHERE m.account_id = $1 AND m.role = 'owner' AND p.wish <> 'deleted'";
    let projects: Vec<String> = sqlx::query_scalar(sql).bind(account).fetch_all(platform.database.write()).await?;
    for project in projects {
        platform.usage.judge_anew(&project);
        fleet::reconcile::now(platform, &project).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plans::{Catalog, Overrides};

    #[test]
    fn a_plan_is_bounded_except_for_what_an_operator_granted() {
        let mut config = Config::load(None).expect("loads");
        let own = serde_json::to_string(&Overrides { storage_mb: Some(0), ..Overrides::default() }).expect("is JSON");
        let bounded = |config: &Config| bound(config, Catalog::of_settings(config).grant(None, Some(&own))).figures;
        let plan = Catalog::of_settings(&config).grant(None, Some(&own)).figures;
        assert_eq!(bounded(&config), plan, "without mail nobody could prove anything");
        config.dev = true;
        let limits = config.unverified.clone();
        let figures = bounded(&config);
        assert_eq!((figures.database_mb, figures.egress_gb), (limits.database_mb, limits.egress_gb));
        assert_eq!(figures.storage_mb, 0);
    }
}
