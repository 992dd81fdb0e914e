//! Work that is due at certain times: which jobs there are, and who sees to them while a backend is awake.
//!
//! Nothing runs for a backend that sleeps. Whoever wakes it finds what fell due since anything was last written, and
//! each such job runs once, shortly after: the jobs all clean up or save, so once is enough however many times it was.

mod jobs;
mod schedule;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, Utc};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::app::{App, WeakApp};

pub use jobs::Job;
pub use schedule::Schedule;

/// What fell due during sleep waits that long, lest it is in the way of the request that woke the backend.
const SETTLE: Duration = Duration::from_secs(2);
/// The clock is looked at so often at least: it may be set, and the machine may have slept.
const LONGEST_NAP: Duration = Duration::from_secs(3600);

/// The timetable of one backend.
#[derive(Debug)]
pub struct Crons {
    /// Up to when everything due has been seen to.
    seen_to: DateTime<Utc>,
    changed: Arc<Notify>,
}

impl Crons {
    /// The timetable of a data directory that is about to be opened.
    pub fn new(database: &Path) -> Crons {
        let written = database.metadata().and_then(|file| file.modified());
        Crons { seen_to: written.unwrap_or_else(|_| SystemTime::now()).into(), changed: Arc::default() }
    }

    /// To be told when settings change, as they may say when a job is due.
    pub fn set_changed(&self) {
        self.changed.notify_one();
    }
}

/// The jobs of a backend and when they are due, in the order they are listed.
pub fn timetable(app: &App) -> Vec<(Job, Schedule)> {
    let settings = app.settings();
    let is_known = |job: &Job| *job != Job::ForgetRates || !app.rate_windows().is_empty();
    Job::ALL.into_iter().filter(is_known).filter_map(|job| Some((job, job.schedule(&settings)?))).collect()
}

/// When a backend wants to be woken although nobody asks for it. What only cleans up can wait.
pub fn next_wake(app: &App) -> Option<DateTime<Utc>> {
    Job::Backup.schedule(&app.settings())?.next_after(Utc::now())
}

/// Sees to what is due until the backend closes.
pub async fn keep(app: WeakApp, closing: CancellationToken) {
    tokio::select! {
        () = closing.cancelled() => {}
        () = see_to_jobs(app) => {}
    }
}

async fn see_to_jobs(app: WeakApp) {
    tokio::time::sleep(SETTLE).await;
    let Some(mut seen_to) = app.upgrade().map(|app| app.crons().seen_to) else { return };
    while let Some(awake) = app.upgrade() {
        let now = Utc::now();
        let timetable = timetable(&awake);
        for job in fallen_due(&timetable, seen_to, now) {
            start(&awake, job, now);
        }
        seen_to = now;
        let next = timetable.iter().filter_map(|(_, schedule)| schedule.next_after(now)).min();
        let nap = next.and_then(|next| (next - Utc::now()).to_std().ok()).unwrap_or(LONGEST_NAP);
        let changed = Arc::clone(&awake.crons().changed);
        drop(awake);
        let _ = tokio::time::timeout(nap.min(LONGEST_NAP), changed.notified()).await;
    }
}

/// The jobs that fell due in that time, each once.
fn fallen_due(timetable: &[(Job, Schedule)], since: DateTime<Utc>, until: DateTime<Utc>) -> impl Iterator<Item = Job> {
    let is_due = move |schedule: &Schedule| schedule.next_after(since).is_some_and(|due| due <= until);
    timetable.iter().filter(move |(_, schedule)| is_due(schedule)).map(|(job, _)| *job)
}

fn start(app: &App, job: Job, now: DateTime<Utc>) {
    let owner = app.clone();
    app.spawn(async move {
        if job.is_still_due(&owner, now).await {
            job.run(&owner).await;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fell_due_many_times_is_done_once() {
        let timetable = [(Job::RemoveOldOtps, "0 * * * *"), (Job::OptimizeDatabase, "0 0 * * *")];
        let timetable = timetable.map(|(job, text)| (job, text.parse().expect("sound")));
        let at = |text: &str| text.parse::<DateTime<Utc>>().expect("a date");
        let due = |since: &str, until: &str| -> Vec<Job> { fallen_due(&timetable, at(since), at(until)).collect() };
        assert_eq!(due("2025-01-01T10:01:00Z", "2025-01-01T10:59:59Z"), []);
        assert_eq!(due("2025-01-01T10:01:00Z", "2025-01-01T17:30:00Z"), [Job::RemoveOldOtps]);
        assert_eq!(due("2025-01-01T10:01:00Z", "2025-01-09T17:30:00Z"), [Job::RemoveOldOtps, Job::OptimizeDatabase]);
        assert_eq!(due("2025-01-01T11:00:00Z", "2025-01-01T11:00:30Z"), [], "nor twice");
    }

    #[test]
    fn a_new_directory_owes_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let before = Utc::now();
        assert!(Crons::new(&dir.path().join("data.db")).seen_to >= before);
        let old = std::fs::File::create(dir.path().join("data.db")).expect("creates");
        old.set_modified(SystemTime::UNIX_EPOCH).expect("sets");
        assert_eq!(Crons::new(&dir.path().join("data.db")).seen_to, DateTime::<Utc>::UNIX_EPOCH);
    }
}
