//! Brings domains forward: looks at those that are due, writes what came of it, and tells whom it concerns.
//!
//! Everything is read from the database each time, the fate of certificates included, so a restart loses nothing. Before
//! looking, a process takes the domain's turn; only the latest turn may write. So two processes may do this at once.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio_util::sync::CancellationToken;

use super::checks::{self, Stage};
use super::progress::{self, Surroundings};
use super::store::{self, Outcome, Row};
use super::{Check, CheckKind, CheckState, DomainState, notices};
use crate::clock;
use crate::error::Result;
use crate::fleet;
use crate::state::Platform;

/// How often is looked for what is due.
const ROUND: Duration = Duration::from_secs(1);
/// How long a turn may take before somebody else takes the next.
const TURN: Duration = Duration::from_secs(60);
const SWEEP: Duration = Duration::from_secs(60 * 60);
/// Looks at once: mostly they wait for other people's servers.
const AT_ONCE: usize = 64;

/// Sees to domains until cancelled.
pub async fn run(platform: Platform, stop: CancellationToken) {
    let mut sweep = tokio::time::interval(SWEEP);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = platform.domains.poked() => {}
            () = tokio::time::sleep(ROUND) => {}
            _ = sweep.tick() => {
                if let Err(error) = store::sweep(platform.database.write(), clock::now_ms()).await {
                    tracing::error!("failed to sweep domains: {error}");
                }
            }
        }
        if let Err(error) = round(&platform).await {
            tracing::error!("failed to see to domains: {error}");
        }
    }
}

async fn round(platform: &Platform) -> Result<()> {
    let due = store::due(platform.database.read(), clock::now_ms(), platform.config.acme.is_on()).await?;
    futures_util::stream::iter(due)
        .for_each_concurrent(AT_ONCE, |row| async move {
            let served = matches!(row.state, DomainState::Issuing | DomainState::Live);
            let looked = row.looked_ms.unwrap_or_default();
            // What wakes a domain that is served is mostly its certificate; its records are looked at now and then.
            let look = !served || clock::now_ms() - looked >= clock::millis(progress::LIVE_LOOK);
            if let Err(error) = turn(platform, &row, look).await {
                tracing::warn!("failed to bring {} forward: {error}", row.name);
            }
        })
        .await;
    Ok(())
}

/// Looks at one domain now.
pub async fn look(platform: &Platform, row: &Row) -> Result<()> {
    turn(platform, row, true).await?;
    if row.live && row.order_error.is_some() {
        platform.domains.retry(row.name.as_str());
    }
    Ok(())
}

/// One turn: look, decide, write, tell.
async fn turn(platform: &Platform, row: &Row, look: bool) -> Result<()> {
    let now = clock::now_ms();
    let Some(row) = store::take_turn(platform.database.write(), row, now + clock::millis(TURN)).await? else {
        return Ok(());
    };
    let rival = match row.live {
        true => None,
        false => store::rival(platform.database.write(), &row.project_id, &row.name, row.created_ms).await?,
    };
    let (found, looked_ms) = if look {
        let proof = rival.map(|_| row.txt_token.as_str());
        (platform.domains.look(row.name.as_str(), proof).await, Some(clock::now_ms()))
    } else {
        (row.checks.clone(), row.looked_ms)
    };
    let around = Surroundings {
        now: clock::now_ms(),
        dns_wait: platform.config.domains.dns_wait(),
        certified: platform.config.acme.is_on(),
        rival,
    };
    let outcome = progress::settle(&row, found, looked_ms, &around);
    if write(platform, &row, &outcome).await? {
        if outcome.live != row.live {
            fleet::routes::publish(platform).await;
        }
        platform.domain_changed(&row.project_id, &row.name);
    }
    Ok(())
}

/// Writes an outcome with everything it entails in one step; false if a later turn has begun.
async fn write(platform: &Platform, row: &Row, outcome: &Outcome) -> Result<bool> {
    let quarantine = clock::millis(platform.config.domains.quarantine());
    let mut dethroned = None;
    let mut tx = platform.database.begin().await?;
    if outcome.live && !row.live {
        // Somebody may have come first since the look; without a proof they keep the name.
        let rival = store::rival(&mut *tx, &row.project_id, &row.name, row.created_ms).await?;
        if rival.is_some() && !is_proven(&outcome.checks) {
            return Ok(false);
        }
        let until = progress::failed_until(outcome.since_ms);
        dethroned = store::dethrone(&mut tx, row, notices::TRANSFERRED, until).await?;
    }
    if row.live && !outcome.live {
        store::bury(&mut tx, row, quarantine).await?;
    }
    if !store::finish(&mut tx, row, outcome).await? {
        return Ok(false);
    }
    notices::tell(platform, &mut tx, row, outcome).await?;
    if let Some(loser) = &dethroned {
        notices::tell_of_transfer(platform, &mut tx, loser, &row.name).await?;
    }
    tx.commit().await?;
    platform.jobs.poke();
    if let Some(loser) = dethroned {
        platform.domain_changed(&loser, &row.name);
    }
    Ok(true)
}

fn is_proven(checks: &[Check]) -> bool {
    checks.iter().any(|check| check.kind == CheckKind::Txt && check.state == CheckState::Ok)
}

/// Looks at a name right before its certificate is asked for; the error is for whoever the name belongs to.
pub async fn precheck(platform: &Platform, name: &str) -> std::result::Result<(), String> {
    // A wildcard is proven by DNS alone, which the authority has to ask for itself.
    if name.starts_with("*.") {
        return Ok(());
    }
    let found = platform.domains.look(name, None).await;
    if let Err(error) = note_checks(platform, name, &found).await {
        tracing::warn!("failed to note what was found about {name}: {error}");
    }
    if checks::stage(&found) == Stage::Good {
        return Ok(());
    }
    let wrong = found.into_iter().filter(|check| matches!(check.state, CheckState::Wrong | CheckState::Missing));
    let sentences: Vec<String> = wrong.map(|check| check.message).collect();
    match sentences.is_empty() {
        true => Err(format!("It could not be learned where {name} points.")),
        false => Err(sentences.join(" ")),
    }
}

/// Has the console show what was found, if the name is a project's domain.
async fn note_checks(platform: &Platform, name: &str, found: &[Check]) -> Result<()> {
    if let Some(project) = store::note_checks(platform.database.write(), name, found).await?
        && let Ok(name) = name.parse()
    {
        platform.domain_changed(&project, &name);
    }
    Ok(())
}
