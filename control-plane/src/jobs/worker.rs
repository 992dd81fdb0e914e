//! The workers: a few for what is quick, a few for what takes long, so that no backup holds up a mail.

use std::num::NonZero;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::kinds::{Kind, Step};
use super::lease::{self, Claim, Hold, Outcome};
use super::run::{GiveUp, Run, is_broken_off};
use super::store;
use crate::clock;
use crate::state::Platform;
use crate::teams::invitations;

const QUICK_WORKERS: usize = 2;
/// At least; a larger machine has as many as cores.
const LONG_WORKERS: usize = 2;
/// How often due work is looked for when nobody says there is some.
const POLL: Duration = Duration::from_secs(5);
/// How often progress is noted, if there is any,
const TICK: Duration = Duration::from_secs(1);
/// and the lease renewed in any case.
const RENEW: Duration = Duration::from_secs(4);
/// How long cleaning up after a job may take: less than the lease, which nobody renews meanwhile.
const CLEANING: Duration = Duration::from_secs(10);
/// How long jobs that ended stay in the list.
const KEPT: Duration = clock::DAY.saturating_mul(30);
const FIRST_RETRY: Duration = Duration::from_secs(2);
const LONGEST_RETRY: Duration = Duration::from_secs(600);

/// The workers' bells.
#[derive(Clone, Default)]
pub struct Jobs(Arc<Bells>);

#[derive(Default)]
struct Bells {
    quick: Notify,
    long: Notify,
    stops: Notify,
}

/// Why a job ends before its last step.
enum End {
    Failed(anyhow::Error),
    Cancelled,
    /// Somebody else has it; there is nothing to be written any more.
    Lost,
}

impl Jobs {
    /// Says that there is something to do.
    pub fn poke(&self) {
        self.0.quick.notify_one();
        self.0.long.notify_one();
    }

    /// Says that a job is to end.
    pub(super) fn stop_one(&self) {
        self.0.stops.notify_waiters();
        self.poke();
    }

    /// Works until cancelled. What is quick is finished first; what takes long goes on with the next process.
    pub async fn run(self, platform: Platform, stop: CancellationToken) {
        let owner = tenant_runtime::random_id(15);
        let quick = (0..QUICK_WORKERS).map(|_| false);
        let workers = quick.chain((0..long_workers()).map(|_| true)).map(|long| {
            let worker = Worker { long, kinds: Kind::names(long), owner: owner.clone(), platform: platform.clone() };
            tokio::spawn(worker.run(self.clone(), stop.clone()))
        });
        let broom = tokio::spawn(forget_old(platform.clone(), stop.clone()));
        futures_util::future::join_all(workers.chain([broom]).collect::<Vec<_>>()).await;
        if let Err(error) = lease::release(platform.database.write(), &owner).await {
            tracing::warn!("failed to give jobs back: {error}");
        }
    }
}

/// What takes long keeps a core busy, so that many teams wait for each other no longer than they have to.
fn long_workers() -> usize {
    std::thread::available_parallelism().map_or(LONG_WORKERS, NonZero::get).max(LONG_WORKERS)
}

/// Removes what ended long ago from the list.
async fn forget_old(platform: Platform, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let before = clock::now_ms() - clock::millis(KEPT);
        if let Err(error) = store::forget(platform.database.write(), before).await {
            tracing::warn!("failed to forget old jobs: {error}");
        }
        if let Err(error) = invitations::forget_old(platform.database.write()).await {
            tracing::warn!("failed to forget old invitations: {error}");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(clock::HOUR) => {}
        }
    }
}

struct Worker {
    long: bool,
    kinds: String,
    owner: String,
    platform: Platform,
}

impl Worker {
    async fn run(self, jobs: Jobs, stop: CancellationToken) {
        let bell = if self.long { &jobs.0.long } else { &jobs.0.quick };
        while !stop.is_cancelled() {
            match lease::claim(self.platform.database.write(), &self.kinds, &self.owner).await {
                Ok(Some(claim)) => {
                    tokio::select! {
                        () = work(&self.platform, claim) => {}
                        () = stop.cancelled(), if self.long => return,
                    }
                    continue;
                }
                Ok(None) => {}
                Err(error) => tracing::error!("failed to claim a job: {error}"),
            }
            tokio::select! {
                () = stop.cancelled() => {}
                () = bell.notified() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }
}

async fn work(platform: &Platform, claim: Claim) {
    let Some(kind) = Kind::from_name(&claim.kind) else {
        let outcome =
            Outcome { state: "failed", step: &claim.step, due_ms: 0, error: Some("no such kind of job".into()) };
        let _ = lease::finish(platform.database.write(), &claim, outcome).await;
        return;
    };
    let run = Run::new(platform, kind, claim);
    let (step, end) = go_through(&run).await;
    let outcome = match end {
        Ok(()) => Outcome { state: "done", step, due_ms: clock::now_ms(), error: None },
        Err(End::Lost) => return,
        Err(End::Cancelled) => {
            match tokio::time::timeout(CLEANING, kind.cancelled(&run)).await {
                Ok(Ok(())) => run.say("Cancelled; everything is as it was.").await,
                Ok(Err(error)) => {
                    tracing::warn!("failed to clean up after job {}: {error:#}", run.id);
                    run.say("Cancelled; what was begun could not be removed yet.").await;
                }
                Err(_) => {
                    tracing::warn!("cleaning up after job {} takes longer than {CLEANING:?}", run.id);
                    run.say("Cancelled; what was begun could not be removed yet.").await;
                }
            }
            Outcome { state: "cancelled", step, due_ms: clock::now_ms(), error: None }
        }
        Err(End::Failed(error)) => after_failure(&run, step, &error).await,
    };
    if let Err(error) = lease::finish(platform.database.write(), &run.claim, outcome).await {
        tracing::error!("failed to note the end of job {}: {error}", run.id);
    }
    platform.job_changed(&run.id);
}

/// Does the step that was under way and those after it; the step it came to.
async fn go_through(run: &Run) -> (&'static str, Result<(), End>) {
    let steps = run.kind.steps();
    let first = steps.iter().position(|step| step.name == run.claim.step).unwrap_or(0);
    let mut at = steps[first].name;
    for (n, step) in steps.iter().enumerate().skip(first) {
        at = step.name;
        let ends_at = steps.get(n + 1).map_or(100, |next| next.begins_at);
        if let Err(end) = take_step(run, *step, ends_at).await {
            return (at, Err(end));
        }
    }
    (at, Ok(()))
}

async fn take_step(run: &Run, step: Step, ends_at: u8) -> Result<(), End> {
    let begun = lease::begin_step(run.platform.database.write(), &run.claim, step).await;
    match begun.map_err(|error| End::Failed(error.into()))? {
        Hold::Held => {}
        Hold::Stopping => return Err(End::Cancelled),
        Hold::Lost => return Err(End::Lost),
    }
    tracing::info!("job {} ({}) is at {}", run.id, run.kind.name(), step.name);
    run.enter(step, ends_at);
    run.platform.job_changed(&run.id);
    let performing = tokio::time::timeout(run.kind.patience(), run.kind.perform(run, step.name));
    tokio::select! {
        performed = performing => match performed {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(End::Failed(error)),
            Err(_) => Err(End::Failed(anyhow::anyhow!("it took longer than {:?}", run.kind.patience()))),
        },
        end = keep(run, step) => Err(end),
    }
}

/// Renews the lease until there is a reason to end.
async fn keep(run: &Run, step: Step) -> End {
    let (mut told, mut renewed) = (run.progress_now(), Instant::now());
    loop {
        let stops = tokio::time::timeout(TICK, run.platform.jobs.0.stops.notified()).await.is_ok();
        let progress = run.progress_now();
        if !stops && progress == told && renewed.elapsed() < RENEW {
            continue;
        }
        match lease::renew(run.platform.database.write(), &run.claim, progress).await {
            Ok(Hold::Held) => renewed = Instant::now(),
            Ok(Hold::Stopping) if step.can_cancel => return End::Cancelled,
            Ok(Hold::Stopping) => renewed = Instant::now(),
            Ok(Hold::Lost) => return End::Lost,
            Err(error) => tracing::warn!("failed to renew the lease of job {}: {error}", run.id),
        }
        if progress != told {
            told = progress;
            run.platform.job_changed(&run.id);
        }
    }
}

/// Whether there is another try, and when.
async fn after_failure<'s>(run: &Run, step: &'s str, error: &anyhow::Error) -> Outcome<'s> {
    let retry = clock::now_ms() + clock::millis(delay(run.claim.attempt));
    let is_over = retry > run.claim.deadline_ms;
    if is_broken_off(error) && !is_over {
        run.say("This was broken off, and goes on in a moment.").await;
        return Outcome { state: "queued", step, due_ms: retry, error: None };
    }
    let last = is_over || error.is::<GiveUp>();
    let state = if last { "failed" } else { "queued" };
    tracing::warn!("job {} ({}) failed, now {state}: {error:#}", run.id, run.claim.kind);
    match tokio::time::timeout(CLEANING, run.kind.failed(run, error, last)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::error!("failed to note the failure of job {}: {error:#}", run.id),
        Err(_) => tracing::error!("cleaning up after job {} takes longer than {CLEANING:?}", run.id),
    }
    let first = run.kind.steps().first().map_or(step, |step| step.name);
    let step = if run.starts_over() { first } else { step };
    // Whoever may see the job is told what failed; the log has the causes.
    Outcome { state, step, due_ms: retry, error: Some(error.to_string()) }
}

/// Doubles with every try.
fn delay(attempt: i64) -> Duration {
    let doublings = u32::try_from(attempt - 1).unwrap_or(0).min(16);
    (FIRST_RETRY * 2_u32.pow(doublings)).min(LONGEST_RETRY)
}
