//! Mails to those who look after a project: one when a limit is near, one when it is reached.
//!
//! For what counts by the month, once a month. For what stands, once until there was room again: whoever moves about the
//! line is not told each time.

use super::limits::{AGAIN, Limit, LimitState, LimitUse, NEAR, Unit, percent};
use super::{Month, store};
use crate::audit;
use crate::clock::HOUR_MS;
use crate::error::Result;
use crate::mail::{self, Mail};
use crate::projects::store::Row;
use crate::state::Platform;
use crate::teams;

/// Sends what is due.
pub(super) async fn tell(platform: &Platform, row: &Row, limits: &[LimitUse], month: Month) -> Result<()> {
    let told = store::noted(platform.database.read(), &row.id).await?;
    for limit in limits.iter().filter(|limit| limit.max > 0) {
        let step = match limit.state {
            LimitState::Over => 100,
            LimitState::Near => NEAR,
            LimitState::Ok
                if limit.limit.stands() && is_calm(limit) && told.iter().any(|what| what == limit.limit.name()) =>
            {
                let mut tx = platform.database.begin().await?;
                store::forget_note(&mut tx, &row.id, limit.limit).await?;
                tx.commit().await?;
                continue;
            }
            LimitState::Ok => continue,
        };
        let month_ms = if limit.limit.stands() { 0 } else { month.begins_ms };
        let mut tx = platform.database.begin().await?;
        if store::note(&mut tx, &row.id, limit.limit, step, month_ms).await? {
            if step == 100 {
                // Who was not told that it was near need not be any more.
                store::note(&mut tx, &row.id, limit.limit, NEAR, month_ms).await?;
            }
            let (subject, sentence) = words(&row.name, limit, step);
            audit::note(&mut tx, None, Some(&row.id), "quota", &subject).await?;
            let link = format!("{}/p/{}/usage", platform.urls.console(), row.slug);
            for address in teams::keepers(&mut tx, &row.id).await? {
                mail::enqueue(&mut tx, &Mail::of_platform(&address, &subject, &sentence, "See what it uses", &link))
                    .await?;
            }
        }
        tx.commit().await?;
    }
    platform.jobs.poke();
    Ok(())
}

/// Whether there is so much room that the next warning is a new one.
pub(super) fn is_calm(limit: &LimitUse) -> bool {
    percent(limit.used, limit.max).is_none_or(|percent| percent < AGAIN)
}

fn words(project: &str, limit: &LimitUse, step: i64) -> (String, String) {
    let max = amount(limit.max, limit.unit);
    let what = match limit.limit {
        Limit::Database => format!("the {max} its database may have"),
        Limit::Storage => format!("the {max} its files may have"),
        Limit::Egress => format!("the {max} it may send this month"),
        Limit::Requests => format!("the {max} requests it may answer this month"),
        Limit::Realtime => format!("the {max} realtime connections it may have"),
        Limit::Mails => format!("the {max} mails it may send today"),
        Limit::Awake => format!("the {max} it may be awake this month"),
    };
    if step < 100 {
        let subject = format!("{project} has used {step} % of {what}");
        return (subject.clone(), format!("{subject}. {}", consequence(limit.limit, "When all is used")));
    }
    let subject = format!("{project} has used all of {what}");
    (subject.clone(), format!("{subject}. {}", consequence(limit.limit, "From now on")))
}

fn consequence(limit: Limit, when: &str) -> String {
    match limit {
        Limit::Database | Limit::Storage => format!(
            "{when} nothing more is taken in; reading, signing in, deleting and exporting go on. Delete something or \
             choose a larger plan, and it goes on by itself."
        ),
        Limit::Egress => format!("{when} large answers are slow, and later files are refused, until the month ends."),
        Limit::Requests | Limit::Awake => format!("{when} requests are refused until the month ends."),
        Limit::Realtime => format!("{when} further connections are refused."),
        Limit::Mails => format!("{when} mails are refused until tomorrow."),
    }
}

fn amount(number: i64, unit: Unit) -> String {
    const GB: i64 = 1 << 30;
    const MB: i64 = 1 << 20;
    match unit {
        Unit::Bytes if number >= GB && number % GB == 0 => format!("{} GB", number / GB),
        Unit::Bytes => format!("{} MB", number / MB),
        Unit::Count => number.to_string(),
        Unit::Ms => format!("{} hours", number / HOUR_MS),
    }
}
