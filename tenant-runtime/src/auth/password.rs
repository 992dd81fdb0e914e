//! Password hashing on threads of its own: one hash costs as much as two thousand reads.
//!
//! Tenants take turns, so a login storm at one delays nobody else's logins by more than a turn; and the threads run at
//! low priority, so it delays nobody's reads and writes. Hashes are bcrypt, as stock servers store them.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::anyhow;
use tokio::sync::oneshot;

use crate::error::{Error, Result};
use crate::store::lower_priority_of_this_thread;

/// What bcrypt can take.
const MOST_BYTES: usize = 72;
/// Hashes of one tenant that may wait.
const WAITING: usize = 256;
const DEFAULT_COST: u32 = 10;

/// The threads; shared by all backends of a process.
#[derive(Clone)]
pub struct Hasher(Arc<Handle>);

/// One backend's place in the queue.
#[derive(Clone)]
pub struct TenantHasher {
    hasher: Hasher,
    tenant: u64,
}

struct Handle(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    work: Condvar,
    tenants: AtomicU64,
}

#[derive(Default)]
struct State {
    turns: VecDeque<u64>,
    jobs: HashMap<u64, VecDeque<Job>>,
    closed: bool,
}

type Job = Box<dyn FnOnce() + Send>;

impl Hasher {
    /// Half as many threads as there are cores, at least one.
    pub fn for_this_machine() -> Hasher {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let shared = Arc::new(Shared::default());
        for _ in 0..(cores / 2).max(1) {
            let shared = Arc::clone(&shared);
            thread::Builder::new()
                .name("roost-hash".to_owned())
                .spawn(move || shared.work())
                .expect("the system has room for a thread");
        }
        Hasher(Arc::new(Handle(shared)))
    }

    /// A place in the queue for one more backend.
    pub fn for_tenant(&self) -> TenantHasher {
        TenantHasher { tenant: self.0.0.tenants.fetch_add(1, Ordering::Relaxed), hasher: self.clone() }
    }
}

impl TenantHasher {
    /// Hashes a password; a cost of 0 means 10.
    ///
    /// # Errors
    /// `Error::Busy` when 256 wait already. The caller has checked that it has at most 72 bytes; more is an internal
    /// error, never a truncated hash.
    pub async fn hash(&self, plain: String, cost: i64) -> Result<String> {
        let cost = u32::try_from(cost).ok().filter(|cost| *cost > 0).unwrap_or(DEFAULT_COST);
        self.run(move || hash(&plain, cost)).await?
    }

    /// Whether a password has that hash. An empty or malformed hash fits none.
    pub async fn verify(&self, plain: String, hash: String) -> Result<bool> {
        self.run(move || bcrypt::verify(plain.as_bytes(), &hash).unwrap_or(false)).await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let (answer, answered) = oneshot::channel();
        self.hasher.0.0.push(self.tenant, Box::new(move || _ = answer.send(work())))?;
        answered.await.map_err(|_| Error::Internal(anyhow!("hashing stopped")))
    }
}

/// Hashes on the calling thread, for command lines and set-ups without a queue.
pub fn hash(plain: &str, cost: u32) -> Result<String> {
    if plain.len() > MOST_BYTES {
        return Err(Error::Internal(anyhow!("a password of more than {MOST_BYTES} bytes")));
    }
    let parts = bcrypt::hash_with_result(plain, cost).map_err(|error| Error::Internal(anyhow!(error)))?;
    Ok(parts.format_for_version(bcrypt::Version::TwoA))
}

impl Shared {
    fn push(&self, tenant: u64, job: Job) -> Result<()> {
        let mut state = self.lock();
        let jobs = state.jobs.entry(tenant).or_default();
        if jobs.len() >= WAITING {
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
    fn hashes_have_the_prefix_stock_servers_write() {
        let hashed = hash("1234567890", 4).expect("hashes");
        assert!(hashed.starts_with("$2a$04$"), "{hashed}");
        assert!(bcrypt::verify("1234567890", &hashed).expect("verifies"));
    }

    #[test]
    fn what_bcrypt_would_truncate_is_refused() {
        assert!(hash(&"ä".repeat(37), 4).is_err());
    }

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
}
