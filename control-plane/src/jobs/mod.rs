//! Durable work: written in the transaction of the change it belongs to, done step by step by one worker at a time,
//! tried again until its deadline, visible all the time.
//!
//! A step looks whether its effect is there, brings it about, and is noted; so any step may run twice, and after a crash
//! work goes on with the step that was under way. Whoever works on a job holds a lease on it; who lost the lease changes
//! nothing any more. A project has at most one exclusive job.

pub mod api;
mod kinds;
mod lease;
mod run;
mod store;
mod worker;

#[cfg(test)]
mod again;

pub use api::{begun_by, cancel};
pub use kinds::Kind;
pub use run::{GiveUp, Run};
pub use store::{
    Job, JobLine, active_of, begin_again, by_id, can_retry, cancel_queued, enqueue, is_under_way, latest_of, lines,
    list, project_of, release_key, retry,
};
pub use worker::Jobs;
