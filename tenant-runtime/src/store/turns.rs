//! Threads of their own for work that would hold up the pool: password hashes, images, files to be synced.
//!
//! Tenants take turns, so a storm at one delays nobody else's work by more than a turn; and the threads run at low
//! priority, so it delays nobody's reads and writes.

use std::collections::{HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::anyhow;
use tokio::sync::oneshot;

use super::lower_priority_of_this_thread;
use crate::error::{Error, Result};

/// The threads; they end when the last handle goes.
#[derive(Clone)]
pub struct Turns(Arc<Handle>);

/// One tenant's place in the queue.
#[derive(Clone)]
pub struct Turn {
    turns: Turns,
    tenant: u64,
}

struct Handle(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    work: Condvar,
    tenants: AtomicU64,
    most_waiting: usize,
}

#[derive(Default)]
struct State {
    turns: VecDeque<u64>,
    jobs: HashMap<u64, VecDeque<Job>>,
    closed: bool,
}

type Job = Box<dyn FnOnce() + Send>;

impl Turns {
    /// That many threads, for each tenant of which that many pieces of work may wait.
    pub fn new(thread_name: &str, threads: usize, most_waiting: usize) -> Turns {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            work: Condvar::new(),
            tenants: AtomicU64::new(0),
            most_waiting,
        });
        for _ in 0..threads {
            let shared = Arc::clone(&shared);
            thread::Builder::new()
                .name(thread_name.to_owned())
                .spawn(move || shared.work())
                .expect("the system has room for a thread");
        }
        Turns(Arc::new(Handle(shared)))
    }

    /// A place in the queue for one more tenant.
    pub fn for_tenant(&self) -> Turn {
        Turn { tenant: self.0.0.tenants.fetch_add(1, Ordering::Relaxed), turns: self.clone() }
    }
}

/// Half as many as there are cores, at least one: what computing may take while the rest goes on.
pub fn half_the_cores() -> usize {
    (thread::available_parallelism().map_or(1, usize::from) / 2).max(1)
}

impl Turn {
    /// Runs `work` when its turn comes, unless nobody waits for it any more. A panic in it is an error here and
    /// nowhere else.
    ///
    /// # Errors
    /// `Error::Busy` when too much of the tenant's work waits already.
    pub async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        let job = move || {
            if !answer.is_closed() {
                let _ = answer.send(catch_unwind(AssertUnwindSafe(work)));
            }
        };
        self.turns.0.0.push(self.tenant, Box::new(job))?;
        match answered.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(_)) | Err(_) => Err(Error::Internal(anyhow!("work panicked or was stopped"))),
        }
    }
}

impl Shared {
    fn push(&self, tenant: u64, job: Job) -> Result<()> {
        let mut state = self.lock();
        let jobs = state.jobs.entry(tenant).or_default();
        if jobs.len() >= self.most_waiting {
            return Err(Error::Busy);
        }
        jobs.push_back(job);
        if jobs.len() == 1 {
            state.turns.push_back(tenant);
        }
        self.work.notify_one();
        Ok(())
    }

    fn work(&self) {
        lower_priority_of_this_thread();
        let mut state = self.lock();
        while !state.closed {
            match state.next() {
                Some(job) => {
                    drop(state);
                    job();
                    state = self.lock();
                }
                None => state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// One job of the tenant whose turn it is; if it has more, it queues up again.
    fn next(&mut self) -> Option<Job> {
        let tenant = self.turns.pop_front()?;
        let jobs = self.jobs.get_mut(&tenant)?;
        let job = jobs.pop_front();
        if jobs.is_empty() {
            self.jobs.remove(&tenant);
        } else {
            self.turns.push_back(tenant);
        }
        job
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.work.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_take_turns() {
        let mut state = State::default();
        let order = Arc::new(Mutex::new(Vec::new()));
        for (tenant, count) in [(1, 3), (2, 1)] {
            state.turns.push_back(tenant);
            for _ in 0..count {
                let order = Arc::clone(&order);
                let job: Job = Box::new(move || order.lock().expect("unpoisoned").push(tenant));
                state.jobs.entry(tenant).or_default().push_back(job);
            }
        }
        while let Some(job) = state.next() {
            job();
        }
        assert_eq!(*order.lock().expect("unpoisoned"), [1, 2, 1, 1]);
    }

    #[tokio::test]
    async fn a_panic_stops_no_other_work() {
        let turn = Turns::new("test", 1, 1).for_tenant();
        assert!(turn.run(|| panic!("on purpose")).await.is_err());
        assert_eq!(turn.run(|| 1).await.expect("the thread goes on"), 1);
    }
}
