//! A job as whoever does its steps sees it.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use serde::de::DeserializeOwned;
use tenant_runtime::host::NodeError;

use super::kinds::{Kind, Step};
use super::lease::Claim;
use super::store;
use crate::state::Platform;

/// One job while it is worked on.
pub struct Run {
    /// The platform's parts.
    pub platform: Platform,
    /// The job.
    pub id: String,
    /// The project it is about; empty for the platform's own work.
    pub project: String,
    pub(super) kind: Kind,
    pub(super) claim: Claim,
    /// Where the present step begins and ends, of a hundred.
    span: Mutex<(u8, u8)>,
    progress: AtomicI64,
    starts_over: AtomicBool,
}

/// An error no other try will mend.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct GiveUp(pub String);

/// Whether a step was only given up before its end, as when a project is closed while it is backed up: that is no failure,
/// and the step is taken again.
pub(super) fn is_broken_off(error: &anyhow::Error) -> bool {
    error.downcast_ref::<NodeError>().is_some_and(|error| error.is("broken_off"))
}

impl Run {
    pub(super) fn new(platform: &Platform, kind: Kind, claim: Claim) -> Run {
        Run {
            platform: platform.clone(),
            id: claim.id.clone(),
            project: claim.project.clone(),
            span: Mutex::new((0, 100)),
            progress: AtomicI64::new(claim.progress),
            starts_over: AtomicBool::new(false),
            kind,
            claim,
        }
    }

    /// What the job was given.
    pub fn input<T: DeserializeOwned>(&self) -> anyhow::Result<T> {
        serde_json::from_str(&self.claim.input).context("read the job's input")
    }

    /// Adds a line to the job's log.
    pub async fn say(&self, text: &str) {
        tracing::info!("job {} ({}): {text}", self.id, self.kind.name());
        if let Err(error) = store::say(self.platform.database.write(), &self.id, text).await {
            tracing::warn!("failed to add to the log of job {}: {error}", self.id);
        }
        self.platform.job_changed(&self.id);
    }

    /// Notes how much of the present step is done.
    pub fn progress(&self, done: u64, of: u64) {
        let (from, to) = *lock(&self.span);
        let width = u64::from(to.saturating_sub(from));
        let part = (width * done.min(of)).checked_div(of).unwrap_or(0);
        self.progress.store(i64::from(from) + i64::try_from(part).unwrap_or(0), Ordering::Relaxed);
    }

    /// Lets the next try, should this one fail, begin with the first step.
    pub fn start_over(&self) {
        self.starts_over.store(true, Ordering::Relaxed);
    }

    pub(super) fn enter(&self, step: Step, ends_at: u8) {
        *lock(&self.span) = (step.begins_at, ends_at);
        self.progress.store(i64::from(step.begins_at), Ordering::Relaxed);
    }

    pub(super) fn progress_now(&self) -> i64 {
        self.progress.load(Ordering::Relaxed)
    }

    pub(super) fn starts_over(&self) -> bool {
        self.starts_over.load(Ordering::Relaxed)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_broken_off_is_told_from_what_failed() {
        let refused = |code: &str| {
            let (code, message) = (code.to_owned(), String::new());
            let error = NodeError::Refused { status: http::StatusCode::SERVICE_UNAVAILABLE, code, message };
            is_broken_off(&anyhow::Error::new(error).context("The archive could not be made"))
        };
        assert!(refused("broken_off") && !refused("storage_failed"));
    }
}
