//! Whom a domain's progress concerns: lines of its project's activity, and mails to its owners for what needs them.

use sqlx::{Any, Transaction};

use super::store::{Outcome, Row};
use super::{DomainName, DomainState};
use crate::audit;
use crate::error::Result;
use crate::mail::{self, Mail};
use crate::projects;
use crate::state::Platform;
use crate::teams;

/// What a project reads whose name went to another.
pub const TRANSFERRED: &str = "Somebody else proved by DNS that this name is theirs.";

/// Tells of what changed with this outcome, in the same step.
pub async fn tell(platform: &Platform, tx: &mut Transaction<'static, Any>, row: &Row, outcome: &Outcome) -> Result<()> {
    let name = &row.name;
    let words = outcome.message.as_deref().unwrap_or_default();
    let renewed = row.deadline_ms != outcome.deadline_ms;
    let (kind, line) = match (row.state, outcome.state) {
        (before, DomainState::Failed) if before != DomainState::Failed => {
            ("domain_failed", format!("The domain {name} failed: {words}"))
        }
        (DomainState::Live, DomainState::Live) if renewed => {
            ("domain_renewed", format!("The certificate of {name} was renewed"))
        }
        (DomainState::Live, DomainState::Live) if row.reason.is_none() && outcome.reason.is_some() => {
            ("domain_not_renewed", format!("The certificate of {name} could not be renewed: {words}"))
        }
        (before, DomainState::Live) if before != DomainState::Live => {
            ("domain_live", format!("The domain {name} is live"))
        }
        (DomainState::Issuing, DomainState::Issuing) if row.message != outcome.message && !words.is_empty() => {
            ("domain_refused", format!("No certificate for {name} yet: {words}"))
        }
        _ => return Ok(()),
    };
    audit::note(tx, None, Some(&row.project_id), kind, &line).await?;
    let advice = match kind {
        "domain_failed" => "It is not served any more. Once the cause is mended, have it looked at again.",
        "domain_not_renewed" => {
            "It is served as before until its certificate ends. We keep trying; you may have to mend its DNS."
        }
        _ => return Ok(()),
    };
    let subject = match kind {
        "domain_failed" => format!("The domain {name} failed"),
        _ => format!("The certificate of {name} could not be renewed"),
    };
    send(platform, tx, &row.project_id, &subject, &format!("{line} {advice}")).await
}

/// Tells a project that a name of its went to another.
pub async fn tell_of_transfer(
    platform: &Platform,
    tx: &mut Transaction<'static, Any>,
    project: &str,
    name: &DomainName,
) -> Result<()> {
    let line = format!("The domain {name} went to another project. {TRANSFERRED}");
    audit::note(tx, None, Some(project), "domain_failed", &line).await?;
    let subject = format!("The domain {name} went to another project");
    let advice = "If the name is yours, set the TXT record the console shows and have it looked at again.";
    send(platform, tx, project, &subject, &format!("{line} {advice}")).await
}

async fn send(
    platform: &Platform,
    tx: &mut Transaction<'static, Any>,
    project: &str,
    subject: &str,
    sentence: &str,
) -> Result<()> {
    let Some((slug, team)) = projects::store::address_of(tx, project).await? else { return Ok(()) };
    let link = format!("{}/p/{slug}/domains", platform.urls.console());
    for owner in teams::owners(tx, &team).await? {
        let mail = Mail::of_platform(&owner, subject, sentence, "Open the project's domains", &link);
        mail::enqueue(tx, &mail).await?;
    }
    Ok(())
}
