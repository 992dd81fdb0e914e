//! What projects use: counted where it happens, gathered every few seconds, and held against what they are granted.
//!
//! The edge counts requests and bytes ([`proxy::meter::Meter`], one for all routes of a project), the node everything
//! else. [`collect`] adds what came on top to the database and works out how it stands with each limit; sizes and
//! connections are kept to by the node itself, months by the allowance the edge is given. What the console shows of
//! limits is read from memory.

pub mod api;
pub mod collect;
pub mod limits;
mod notices;
mod store;

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Datelike as _, TimeZone as _, Utc};
use proxy::meter::Meter;
use tokio::sync::Notify;

use self::limits::{Earlier, LimitUse, Used, When};
use self::store::{Counts, Sizes};
use crate::clock::{self, DAY_MS};
use crate::fleet::Counters;
use crate::plans::Plan;
use crate::projects::store::Row;
use crate::state::Platform;

/// What is known of all projects' use.
#[derive(Default)]
pub struct Usage {
    meters: Mutex<HashMap<String, Arc<Meter>>>,
    known: Mutex<HashMap<String, Known>>,
    /// Whose limits are to be worked out anew.
    due: Mutex<HashSet<String>>,
    /// What is in the database already of what was counted since the start. Held while it is written.
    written: tokio::sync::Mutex<HashMap<String, Written>>,
    /// A project is there of which nothing is known, or what was known does not hold any more.
    news: Notify,
}

/// What was counted of a project when it was last written.
#[derive(Clone, Debug, Default, PartialEq)]
struct Written {
    counts: Counts,
    sizes: Sizes,
    /// Not written, but looked at.
    counters: Counters,
}

/// What was last worked out for a project.
#[derive(Clone, Debug, Default)]
struct Known {
    /// The month all of it is about.
    month_ms: i64,
    month: Counts,
    /// The day since the epoch on which so many mails were sent.
    day: i64,
    mails_today: i64,
    /// Sizes some days ago, and for which hour that was looked up.
    earlier: Option<Earlier>,
    looked_up_ms: i64,
    limits: Vec<LimitUse>,
}

impl Usage {
    /// The meter of a project, the same one as long as this process runs.
    pub fn meter(&self, project: &str) -> Arc<Meter> {
        let mut meters = lock(&self.meters);
        match meters.get(project) {
            Some(meter) => Arc::clone(meter),
            None => {
                self.news.notify_one();
                Arc::clone(meters.entry(project.to_owned()).or_default())
            }
        }
    }

    /// Requests of all projects that had any since this process started.
    pub fn requests(&self) -> HashMap<String, u64> {
        let meters = lock(&self.meters);
        let counts = meters.iter().map(|(id, meter)| (id, meter.requests())).filter(|(_, requests)| *requests > 0);
        counts.map(|(id, requests)| (id.clone(), requests)).collect()
    }

    /// Has worked out anew how it stands with a project's limits: it is granted something else.
    pub fn judge_anew(&self, project: &str) {
        self.judge_later([project.to_owned()]);
        self.news.notify_one();
    }

    /// The same with the next round.
    fn judge_later(&self, projects: impl IntoIterator<Item = String>) {
        lock(&self.due).extend(projects);
    }

    fn next_due(&self) -> Option<String> {
        let mut due = lock(&self.due);
        let next = due.iter().next().cloned()?;
        due.remove(&next);
        Some(next)
    }

    /// Counts a project no longer: it is gone.
    fn remove(&self, project: &str) {
        lock(&self.meters).remove(project);
        lock(&self.known).remove(project);
    }

    /// The projects of which nothing is known about that month.
    fn unknown_in(&self, month: Month) -> Vec<String> {
        let (meters, known) = (lock(&self.meters), lock(&self.known));
        let is_known = |id: &str| known.get(id).is_some_and(|known| known.month_ms == month.begins_ms);
        meters.keys().filter(|id| !is_known(id)).cloned().collect()
    }

    fn known(&self, project: &str) -> Option<Known> {
        lock(&self.known).get(project).cloned()
    }
}

/// How it stands with a project's limits now.
pub fn limits_of(platform: &Platform, project: &Row) -> Vec<LimitUse> {
    limits_under(platform, project, &platform.grant_of(project).figures)
}

/// How it would stand with them under these figures.
pub fn limits_under(platform: &Platform, project: &Row, figures: &Plan) -> Vec<LimitUse> {
    let month = Month::at(clock::now_ms());
    let known = platform.usage.known(&project.id).filter(|known| known.month_ms == month.begins_ms);
    work_out(platform, project, figures, &known.unwrap_or_default(), month)
}

fn work_out(platform: &Platform, project: &Row, figures: &Plan, known: &Known, month: Month) -> Vec<LimitUse> {
    let counters = platform.fleet.counters(&project.id);
    let sizes = platform.fleet.seen(&project.id).or_else(|| project.seen.clone());
    let (database, storage) = sizes.map_or((0, 0), |seen| (seen.database_bytes, seen.storage_bytes));
    let used = Used {
        database: counters.as_ref().map_or(database, |counters| counters.database_used),
        storage,
        realtime: counters.as_ref().map_or(0, |counters| counters.realtime),
        mails_today: if known.day == clock::now_ms() / DAY_MS { known.mails_today } else { 0 },
        requests: known.month.requests,
        egress: known.month.egress,
        awake_ms: known.month.awake_ms,
    };
    let when = When {
        now_ms: clock::now_ms(),
        begins_ms: month.begins_ms,
        resets_ms: month.resets_ms,
        since_ms: project.created_ms,
    };
    limits::limits(figures, &used, when, known.earlier)
}

/// A calendar month.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Month {
    /// Its first millisecond.
    pub begins_ms: i64,
    /// That of the next one.
    pub resets_ms: i64,
}

impl Month {
    /// The one in which a moment lies, by UTC.
    pub fn at(now_ms: i64) -> Month {
        let now: DateTime<Utc> = DateTime::from_timestamp_millis(now_ms).unwrap_or_default();
        let first = |year: i32, month: u32| Utc.with_ymd_and_hms(year, month, 1, 0, 0, 0).single();
        let begins = first(now.year(), now.month());
        let resets = if now.month() == 12 { first(now.year() + 1, 1) } else { first(now.year(), now.month() + 1) };
        let millis = |moment: Option<DateTime<Utc>>| moment.map_or(0, |moment| moment.timestamp_millis());
        Month { begins_ms: millis(begins), resets_ms: millis(resets) }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_follow_each_other() {
        let december = Month::at(1_735_689_599_999);
        assert_eq!(december, Month { begins_ms: 1_733_011_200_000, resets_ms: 1_735_689_600_000 });
        assert_eq!(Month::at(december.resets_ms).begins_ms, december.resets_ms);
    }

    #[test]
    fn a_project_has_one_meter() {
        let usage = Usage::default();
        assert!(Arc::ptr_eq(&usage.meter("a"), &usage.meter("a")));
        assert!(!Arc::ptr_eq(&usage.meter("a"), &usage.meter("b")));
    }
}
