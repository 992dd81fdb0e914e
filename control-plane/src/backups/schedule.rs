//! When projects are backed up. One loop looks for what is due, so that nothing needs a timer per project: schedules,
//! checks of what is stored, data kept for an undo that is over, and what was begun and never done.
//!
//! However many runs were missed, one makes up for them. A project's own delay, the same every time, spreads what would
//! otherwise all begin at full hours.

use std::time::Duration;

use chrono::{DateTime, TimeZone as _, Utc};
use chrono_tz::Tz;
use serde::{Deserialize, Serialize};
use sqlx::any::AnyRow;
use sqlx::{Any, AnyPool, Row as _, Transaction};
use tenant_runtime::cron;
use tokio_util::sync::CancellationToken;
use utoipa::ToSchema;

use super::{Origin, check, make, restore, retention, store};
use crate::clock;
use crate::error::{Error, Result};
use crate::operator::disk;
use crate::state::Platform;

const TICK: Duration = Duration::from_secs(5);
/// A check that could not be done, though it was tried again and again, is left alone for so long.
const PAUSE: Duration = clock::HOUR;
/// A project's delay is at most this, and at most a tenth of the time between two runs.
const LONGEST_DELAY_MS: i64 = 15 * 60 * 1000;
/// Of the latest, of days, of weeks and of months: a year of days.
const MOST_KEPT: i64 = 366;
/// So many runs are looked at to find out how close together they are: more than there may be in a day.
const LOOKED_AT: usize = 25;

/// When a project is backed up and how much of that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Schedule {
    /// Five fields, such as `0 3 * * *`; empty: never.
    pub cron: String,
    /// An IANA name, such as `Europe/Berlin`.
    pub zone: String,
    /// So many of the latest.
    pub keep_last: i64,
    /// The newest of so many days.
    pub keep_daily: i64,
    /// The newest of so many weeks.
    pub keep_weekly: i64,
    /// The newest of so many months.
    pub keep_monthly: i64,
}

/// Every project's first schedule: nightly, at a time of its own.
pub async fn begin(tx: &mut Transaction<'static, Any>, project: &str) -> Result<()> {
    let minutes = spread(project) % (5 * 60);
    let cron = format!("{} {} * * *", minutes % 60, minutes / 60);
    let schedule =
        Schedule { cron, zone: "UTC".to_owned(), keep_last: 0, keep_daily: 7, keep_weekly: 4, keep_monthly: 0 };
    set(tx, project, &schedule).await
}

/// A project's schedule.
pub(super) async fn of(db: &AnyPool, project: &str) -> Result<Option<Schedule>> {
    let sql = "SELECT cron, zone, keep_last, keep_daily, keep_weekly, keep_monthly FROM backup_schedule
        WHERE project_id = $1";
    let row = sqlx::query(sql).bind(project).fetch_optional(db).await?;
    Ok(row.map(|row| from_row(&row)).transpose()?)
}

fn from_row(row: &AnyRow) -> sqlx::Result<Schedule> {
    Ok(Schedule {
        cron: row.try_get(0)?,
        zone: row.try_get(1)?,
        keep_last: row.try_get(2)?,
        keep_daily: row.try_get(3)?,
        keep_weekly: row.try_get(4)?,
        keep_monthly: row.try_get(5)?,
    })
}

/// Sets a project's schedule.
pub(super) async fn set(tx: &mut Transaction<'static, Any>, project: &str, schedule: &Schedule) -> Result<()> {
    sqlx::query(
        "INSERT INTO backup_schedule (project_id, cron, zone, keep_last, keep_daily, keep_weekly, keep_monthly, next_ms)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (project_id) DO UPDATE SET cron = $2, zone = $3, keep_last = $4, keep_daily = $5, keep_weekly = $6,
           keep_monthly = $7, next_ms = $8",
    )
    .bind(project)
    .bind(&schedule.cron)
    .bind(&schedule.zone)
    .bind(schedule.keep_last)
    .bind(schedule.keep_daily)
    .bind(schedule.keep_weekly)
    .bind(schedule.keep_monthly)
    .bind(schedule.runs(project, clock::now_ms()).next())
    .execute(&mut **tx)
    .await?;
    Ok(())
}

impl Schedule {
    /// Refuses what cannot be kept to, and more than one run in so much time.
    pub(super) fn check(&self, least: Duration) -> Result<()> {
        if !self.cron.is_empty() {
            let sound = self.cron.parse::<cron::Schedule>();
            let calendar = sound.map_err(|problem| Error::field("cron", "invalid_cron", problem))?;
            if runs_within(&calendar, least) {
                let minutes = least.as_secs().div_ceil(60);
                let problem = format!("Please leave at least {minutes} minutes between two backups.");
                return Err(Error::field("cron", "too_often", problem));
            }
        }
        if self.zone.parse::<Tz>().is_err() {
            return Err(Error::field("zone", "invalid_zone", "Please name a time zone such as Europe/Berlin."));
        }
        let kept = [
            ("keepLast", self.keep_last),
            ("keepDaily", self.keep_daily),
            ("keepWeekly", self.keep_weekly),
            ("keepMonthly", self.keep_monthly),
        ];
        match kept.into_iter().find(|(_, number)| !(0..=MOST_KEPT).contains(number)) {
            Some((field, _)) => {
                let problem = format!("Please choose a number from 0 to {MOST_KEPT}.");
                Err(Error::field(field, "invalid_number", problem))
            }
            None => Ok(()),
        }
    }

    /// When it runs after that moment, in milliseconds since the epoch. No end, unless it never runs.
    pub(super) fn runs(&self, project: &str, after_ms: i64) -> impl Iterator<Item = i64> + use<> {
        let calendar = self.cron.parse::<cron::Schedule>().ok();
        let zone: Tz = self.zone.parse().unwrap_or(Tz::UTC);
        let spread = spread(project);
        // A run before may still be waiting out its delay.
        let mut at = Utc.timestamp_millis_opt(after_ms - LONGEST_DELAY_MS).single().map(|at| at.with_timezone(&zone));
        std::iter::from_fn(move || {
            let calendar = calendar.as_ref()?;
            let due = calendar.next_after(at?)?;
            at = Some(due);
            let next = calendar.next_after(due);
            Some(due.timestamp_millis() + delay(spread, due, next))
        })
        .filter(move |run| *run > after_ms)
    }
}

/// Whether two runs lie closer together than that. They are those of clocks that never change.
fn runs_within(calendar: &cron::Schedule, least: Duration) -> bool {
    let next = |moment: &DateTime<Utc>| calendar.next_after(*moment);
    let runs: Vec<DateTime<Utc>> = std::iter::successors(next(&Utc::now()), next).take(LOOKED_AT).collect();
    runs.windows(2).any(|pair| (pair[1] - pair[0]).to_std().is_ok_and(|gap| gap < least))
}

/// A project's own delay of a run.
fn delay(spread: i64, due: DateTime<Tz>, next: Option<DateTime<Tz>>) -> i64 {
    let gap = next.map_or(i64::MAX, |next| (next - due).num_milliseconds());
    spread * 1000 % (gap / 10).clamp(1, LONGEST_DELAY_MS)
}

/// A number in which projects differ.
fn spread(project: &str) -> i64 {
    project.bytes().fold(7_i64, |sum, byte| (sum * 31 + i64::from(byte)) % 1_000_003)
}

/// Sees to what is due until cancelled.
pub async fn run(platform: Platform, stop: CancellationToken) {
    while !stop.is_cancelled() {
        for seen_to in [
            back_up_due(&platform).await,
            check_due(&platform).await,
            restore::forget_old(&platform).await,
            retention::forget_interrupted(&platform).await,
        ] {
            if let Err(error) = seen_to {
                tracing::error!("failed to see to the backups that are due: {error:#}");
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

async fn back_up_due(platform: &Platform) -> anyhow::Result<()> {
    let now = clock::now_ms();
    let rows = sqlx::query(
        "SELECT s.project_id, s.next_ms FROM backup_schedule s JOIN project p ON p.id = s.project_id
         WHERE s.cron <> '' AND (s.next_ms IS NULL OR s.next_ms <= $1) AND p.wish <> 'deleted' ORDER BY s.next_ms",
    )
    .bind(now)
    .fetch_all(platform.database.read())
    .await?;
    for row in rows {
        let (project, due): (String, Option<i64>) = (row.try_get(0)?, row.try_get(1)?);
        let Some(schedule) = of(platform.database.read(), &project).await? else { continue };
        let mut tx = platform.database.begin().await?;
        if let Some(due) = due {
            let key = format!("schedule:{due}");
            let job = make::begin(&mut tx, &project, Origin::Schedule, Some(&key)).await?;
            // While something else is under way it is due still.
            if job.is_none() {
                continue;
            }
        }
        sqlx::query("UPDATE backup_schedule SET next_ms = $1 WHERE project_id = $2")
            .bind(schedule.runs(&project, now).next())
            .bind(&project)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        platform.jobs.poke();
    }
    Ok(())
}

async fn check_due(platform: &Platform) -> anyhow::Result<()> {
    // There is no room to restore anything aside. What is proven stays so meanwhile.
    if !disk::may_grow(platform) {
        return Ok(());
    }
    let every = Duration::from_secs(platform.config.backups.check_every.max(1));
    let now = clock::now_ms();
    let (before, tried) = (now - clock::millis(every), now - clock::millis(every.min(PAUSE)));
    for (backup, project) in store::to_be_checked(platform.database.read(), before, tried).await? {
        let mut tx = platform.database.begin().await?;
        check::begin(&mut tx, check::CHECK, &project, &backup).await?;
        tx.commit().await?;
        platform.jobs.poke();
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(cron: &str, zone: &str, after: &str) -> Vec<String> {
        let schedule = Schedule {
            cron: cron.to_owned(),
            zone: zone.to_owned(),
            keep_last: 0,
            keep_daily: 7,
            keep_weekly: 4,
            keep_monthly: 0,
        };
        schedule.check(clock::HOUR).expect("sound");
        let after: DateTime<Utc> = after.parse().expect("a date");
        // The id whose delay is nothing.
        let project = (0..).map(|n| format!("{n}")).find(|id| spread(id) % 900 == 0).expect("some");
        let runs = schedule.runs(&project, after.timestamp_millis()).take(2);
        runs.map(|run| Utc.timestamp_millis_opt(run).single().expect("a date").format("%F %R").to_string()).collect()
    }

    #[test]
    fn a_night_stays_a_night_when_clocks_change() {
        assert_eq!(
            runs("0 3 * * *", "Europe/Berlin", "2026-03-28T00:00:00Z"),
            ["2026-03-28 02:00", "2026-03-29 01:00"]
        );
        assert_eq!(runs("0 0 * * 0", "UTC", "2026-01-01T00:00:00Z"), ["2026-01-04 00:00", "2026-01-11 00:00"]);
    }

    #[test]
    fn a_delay_is_the_projects_own_and_short() {
        let schedule = Schedule {
            cron: "* * * * *".to_owned(),
            zone: "UTC".to_owned(),
            keep_last: 0,
            keep_daily: 0,
            keep_weekly: 0,
            keep_monthly: 0,
        };
        for project in ["orchard", "tide", "lab"] {
            let first: Vec<i64> = schedule.runs(project, 1_767_528_000_000).take(3).collect();
            assert!(first.windows(2).all(|pair| pair[1] - pair[0] == 60_000), "{first:?}");
            assert!(first[0] % 60_000 < 6_000, "{first:?}");
        }
    }

    #[test]
    fn what_nobody_can_keep_to_is_refused() {
        let sound = Schedule {
            cron: String::new(),
            zone: "UTC".to_owned(),
            keep_last: 0,
            keep_daily: 0,
            keep_weekly: 0,
            keep_monthly: 0,
        };
        let check = |schedule: &Schedule| schedule.check(clock::HOUR);
        assert!(check(&sound).is_ok());
        assert_eq!(sound.runs("p", 0).next(), None, "an empty one never runs");
        assert!(check(&Schedule { cron: "nightly".into(), ..sound.clone() }).is_err());
        assert!(check(&Schedule { zone: "Atlantis".into(), ..sound.clone() }).is_err());
        assert!(check(&Schedule { keep_daily: -1, ..sound.clone() }).is_err());
        for (cron, fits) in [
            ("* * * * *", false),
            ("0,59 3 * * *", false),
            ("*/30 * * * *", false),
            ("0,30 0 1 1 *", false),
            ("0 * * * *", true),
            ("17 0,1 * * *", true),
            ("0 0 29 2 *", true),
        ] {
            assert_eq!(check(&Schedule { cron: cron.into(), ..sound.clone() }).is_ok(), fits, "{cron}");
        }
    }
}
