//! Which backups are kept. What a rule covers stays; of the scheduled ones the rest goes, but never the last proven one.

use std::collections::HashSet;

use chrono::{DateTime, Datelike as _, TimeZone as _, Utc};
use chrono_tz::Tz;
use http::StatusCode;

use super::schedule::{self, Schedule};
use super::{Origin, State, remove, store};
use crate::clock;
use crate::error::{Error, Result};
use crate::projects;
use crate::state::Platform;

/// How long backups made before a restore, and failed ones, stay in the list.
const ASIDE: std::time::Duration = clock::DAY.saturating_mul(30);

/// Removes what the project's rules do not cover.
pub(super) async fn apply(platform: &Platform, project: &str) -> anyhow::Result<()> {
    let db = platform.database.write();
    let Some(rules) = schedule::of(db, project).await? else { return Ok(()) };
    let Some(row) = projects::store::by_id(db, project).await? else { return Ok(()) };
    let most = match platform.grant_of(&row).figures.backups_kept {
        0 => usize::MAX,
        most => usize::try_from(most).unwrap_or(usize::MAX),
    };
    let backups = store::of_project(db, project).await?;
    for id in surplus(&backups, &rules, most, clock::now_ms()) {
        remove(platform, project, &id).await?;
    }
    Ok(())
}

/// Removes what was begun and never came to an end, as its maker was killed: no backup and no import takes a day.
pub(super) async fn forget_interrupted(platform: &Platform) -> anyhow::Result<()> {
    let day_ago = clock::now_ms() - clock::millis(clock::DAY);
    for (backup, project) in store::begun_before(platform.database.write(), day_ago).await? {
        remove(platform, &project, &backup).await?;
    }
    Ok(())
}

/// Refuses another backup made on purpose when a project keeps as many as its plan grants, `begun` that are under way apart:
/// nobody else removes those. The others have to do with the room these leave.
///
/// # Errors
/// `backup_limit`.
pub(super) async fn refuse_many(platform: &Platform, project: &projects::store::Row, begun: usize) -> Result<()> {
    let most = usize::try_from(platform.grant_of(project).figures.backups_kept).unwrap_or(usize::MAX);
    let backups = store::of_project(platform.database.write(), &project.id).await?;
    if most == 0 || on_purpose(&backups) < most + begun {
        return Ok(());
    }
    let message = "This project keeps as many backups as its plan allows. Remove one to make room.";
    Err(Error::refused(StatusCode::FORBIDDEN, "backup_limit", message))
}

/// How many were made on purpose. Of those before a deletion one counts, as one stays.
fn on_purpose(backups: &[store::Backup]) -> usize {
    let sound = || backups.iter().filter(|it| it.state != State::Failed);
    let made = sound().filter(|it| matches!(it.origin, Origin::Hand | Origin::Import)).count();
    made + usize::from(sound().any(|it| it.origin == Origin::Delete))
}

/// The ids of those that go, so that there are at most so many in all, and as many that failed; those made on purpose stay
/// in any case. `backups` are newest first.
fn surplus(backups: &[store::Backup], rules: &Schedule, most: usize, now_ms: i64) -> Vec<String> {
    let last_proven = backups.iter().find(|backup| backup.state == State::Proven).map(|backup| backup.id.as_str());
    let last_deletion = backups.iter().find(|it| it.state == State::Proven && it.origin == Origin::Delete);
    let covered = covered(backups, rules);
    let (mut kept, mut failed) = (on_purpose(backups), 0);
    let old = now_ms - clock::millis(ASIDE);
    let goes = |backup: &&store::Backup| {
        failed += usize::from(backup.state == State::Failed);
        if backup.state == State::Failed && failed > most {
            return true;
        }
        let by_itself = matches!(backup.origin, Origin::Schedule | Origin::Restore) && backup.state == State::Proven;
        if last_proven.is_none_or(|last| last == backup.id) {
            kept += usize::from(by_itself);
            return false;
        }
        match (backup.state, backup.origin) {
            // No job takes that long: whoever made it was interrupted.
            (State::Making, _) => backup.created_ms < now_ms - clock::millis(clock::DAY),
            (State::Failed, _) => backup.created_ms < old,
            (State::Proven, origin @ (Origin::Schedule | Origin::Restore)) => {
                let wanted = if origin == Origin::Restore {
                    backup.created_ms >= old
                } else {
                    covered.contains(backup.id.as_str())
                };
                let stays = kept < most && wanted;
                kept += usize::from(stays);
                !stays
            }
            // Whoever deletes a project and brings it back by turns needs the last state only.
            (State::Proven, Origin::Delete) => last_deletion.is_some_and(|last| last.id != backup.id),
            // Made on purpose: whoever asked for them removes them.
            (State::Proven, Origin::Hand | Origin::Import) => false,
        }
    };
    backups.iter().filter(goes).map(|backup| backup.id.clone()).collect()
}

/// The day, week or month of a moment.
type Period = fn(&DateTime<Tz>) -> (i32, u32);

/// The scheduled backups some rule covers: the latest, and the newest of each of the latest days, weeks and months.
fn covered<'b>(backups: &'b [store::Backup], rules: &Schedule) -> HashSet<&'b str> {
    let zone: Tz = rules.zone.parse().unwrap_or(Tz::UTC);
    let scheduled: Vec<(&str, DateTime<Tz>)> = backups
        .iter()
        .filter(|backup| backup.state == State::Proven && backup.origin == Origin::Schedule)
        .filter_map(|backup| {
            let moment: DateTime<Utc> = Utc.timestamp_millis_opt(backup.created_ms).single()?;
            Some((backup.id.as_str(), moment.with_timezone(&zone)))
        })
        .collect();
    let mut covered: HashSet<&str> =
        scheduled.iter().take(usize::try_from(rules.keep_last).unwrap_or(0)).map(|(id, _)| *id).collect();
    let periods: [(i64, Period); 3] = [
        (rules.keep_daily, |moment| (moment.year(), moment.ordinal())),
        (rules.keep_weekly, |moment| (moment.iso_week().year(), moment.iso_week().week())),
        (rules.keep_monthly, |moment| (moment.year(), moment.month())),
    ];
    for (most, period) in periods {
        let mut seen = HashSet::new();
        for (id, moment) in &scheduled {
            if seen.len() >= usize::try_from(most).unwrap_or(0) {
                break;
            }
            if seen.insert(period(moment)) {
                covered.insert(id);
            }
        }
    }
    covered
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::DAY_MS;

    /// A Sunday, noon.
    const NOW: i64 = 1_767_528_000_000;

    fn backup(id: &str, origin: Origin, state: State, age_days: i64) -> store::Backup {
        store::Backup {
            id: id.to_owned(),
            project: "p".to_owned(),
            origin,
            state,
            reason: None,
            manifest: None,
            created_ms: NOW - age_days * DAY_MS,
            proven_ms: None,
            checked_ms: None,
        }
    }

    fn rules() -> Schedule {
        Schedule {
            cron: "0 3 * * *".to_owned(),
            zone: "UTC".to_owned(),
            keep_last: 0,
            keep_daily: 7,
            keep_weekly: 4,
            keep_monthly: 0,
        }
    }

    #[test]
    fn seven_days_and_four_weeks_are_kept() {
        let daily: Vec<store::Backup> =
            (0..60).map(|age| backup(&age.to_string(), Origin::Schedule, State::Proven, age)).collect();
        let gone = surplus(&daily, &rules(), usize::MAX, NOW);
        let kept: Vec<&str> =
            daily.iter().map(|backup| backup.id.as_str()).filter(|id| !gone.iter().any(|gone| gone == id)).collect();
        // The newest of the present week is among the days already; Sundays end the three weeks before.
        assert_eq!(kept, ["0", "1", "2", "3", "4", "5", "6", "7", "14", "21"]);
        let gone = surplus(&daily, &rules(), 3, NOW);
        assert_eq!(gone.len(), 57, "a plan may grant less");
        assert!(!gone.iter().any(|id| ["0", "1", "2"].contains(&id.as_str())));
    }

    #[test]
    fn the_last_proven_one_stays_whatever_the_rules_say() {
        let nothing = Schedule { keep_daily: 0, keep_weekly: 0, ..rules() };
        let backups = [
            backup("new", Origin::Schedule, State::Failed, 0),
            backup("good", Origin::Schedule, State::Proven, 400),
            backup("older", Origin::Schedule, State::Proven, 401),
            backup("bad", Origin::Hand, State::Failed, 402),
            backup("begun", Origin::Import, State::Making, 0),
            backup("left", Origin::Import, State::Making, 2),
        ];
        assert_eq!(surplus(&backups, &nothing, usize::MAX, NOW), ["older", "bad", "left"]);
        let unproven = [backup("bad", Origin::Schedule, State::Failed, 400)];
        assert!(surplus(&unproven, &nothing, usize::MAX, NOW).is_empty(), "without a proven one nothing goes");
        assert!(surplus(&[], &nothing, usize::MAX, NOW).is_empty());
    }

    #[test]
    fn every_backup_takes_a_place_of_the_plan() {
        let backups = [
            backup("new", Origin::Schedule, State::Proven, 0),
            backup("undo", Origin::Restore, State::Proven, 1),
            backup("bad", Origin::Schedule, State::Failed, 1),
            backup("hand", Origin::Hand, State::Proven, 2),
            backup("day", Origin::Schedule, State::Proven, 2),
            backup("worse", Origin::Hand, State::Failed, 3),
            backup("import", Origin::Import, State::Proven, 3),
            backup("older-undo", Origin::Restore, State::Proven, 4),
        ];
        let gone = |most| surplus(&backups, &rules(), most, NOW);
        assert!(gone(6).is_empty());
        assert_eq!(gone(5), ["older-undo"]);
        assert_eq!(gone(4), ["day", "older-undo"]);
        assert_eq!(
            gone(1),
            ["undo", "day", "worse", "older-undo"],
            "the last proven one and those made on purpose stay"
        );
    }

    #[test]
    fn what_was_made_on_purpose_stays() {
        let backups = [
            backup("new", Origin::Schedule, State::Proven, 0),
            backup("hand", Origin::Hand, State::Proven, 300),
            backup("import", Origin::Import, State::Proven, 300),
            backup("undo", Origin::Restore, State::Proven, 29),
            backup("old-undo", Origin::Restore, State::Proven, 31),
        ];
        assert_eq!(surplus(&backups, &rules(), usize::MAX, NOW), ["old-undo"]);
    }

    #[test]
    fn of_those_made_before_a_deletion_the_last_stays() {
        let mut backups = vec![
            backup("begun", Origin::Delete, State::Making, 0),
            backup("last", Origin::Delete, State::Proven, 1),
            backup("undo", Origin::Restore, State::Proven, 2),
            backup("earlier", Origin::Delete, State::Proven, 3),
            backup("first", Origin::Delete, State::Proven, 400),
        ];
        assert_eq!(surplus(&backups, &rules(), usize::MAX, NOW), ["earlier", "first"]);
        assert_eq!(surplus(&backups, &rules(), 2, NOW), ["earlier", "first"], "all of them take one place");
        backups.drain(1..3);
        assert_eq!(surplus(&backups, &rules(), usize::MAX, NOW), ["first"], "the last proven one stays");
    }
}
