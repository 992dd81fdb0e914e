//! The node's own threads for work that blocks: SQLite, images, archives.
//!
//! As many threads as cores, shared by all tenants: more would only meet colder caches. A piece of work that holds its
//! thread longer than [`PATIENCE`] stops counting: it goes on at low priority and another thread takes its place, so
//! a few slow queries cannot stop a small machine. At most [`MOST_SPARES`] do so at once.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::anyhow;
use tokio::runtime::Handle as Runtime;
use tokio::sync::oneshot;

use crate::error::{Error, Result};

const PATIENCE: Duration = Duration::from_millis(20);
const MOST_SPARES: usize = 32;

pub(super) type Job = Box<dyn FnOnce() + Send>;

/// A handle to the threads; they end when the last handle goes.
#[derive(Clone)]
pub struct Pool(Arc<Handle>);

struct Handle(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    work: Condvar,
    watch: Condvar,
    threads: usize,
    started: Instant,
    /// What the pool was made in: work may leave it tasks that wait for a network.
    runtime: Option<Runtime>,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    idle: usize,
    workers: Vec<Arc<Worker>>,
    watching: bool,
    closed: bool,
}

/// What the watcher knows of one thread.
#[derive(Default)]
struct Worker {
    /// Milliseconds since the pool's start when the present job began, plus one; 0 when idle.
    busy_since: AtomicU64,
    thread_id: AtomicI32,
}

impl Pool {
    /// As many threads as there are cores, but at least two.
    pub fn for_this_machine() -> Pool {
        Pool::new(thread::available_parallelism().map_or(2, usize::from).max(2))
    }

    /// That many threads.
    pub fn new(threads: usize) -> Pool {
        let shared = Arc::new(Shared {
            state: Mutex::default(),
            work: Condvar::new(),
            watch: Condvar::new(),
            threads,
            started: Instant::now(),
            runtime: Runtime::try_current().ok(),
        });
        {
            let mut state = shared.lock();
            for _ in 0..threads {
                shared.start_worker(&mut state);
            }
        }
        let watched = Arc::clone(&shared);
        start_thread("roost-watch", move || watched.watch());
        Pool(Arc::new(Handle(shared)))
    }

    /// Runs `work` on one of the threads. A panic in it is an error here and nowhere else.
    pub async fn run<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.spawn(Box::new(move || {
            let _ = answer.send(catch_unwind(AssertUnwindSafe(work)));
        }));
        match answered.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(_)) | Err(_) => Err(Error::Internal(anyhow!("blocking work panicked"))),
        }
    }

    /// Runs `work` on one of the threads without anybody waiting for it.
    pub fn spawn_detached(&self, work: impl FnOnce() + Send + 'static) {
        self.spawn(Box::new(work));
    }

    pub(super) fn spawn(&self, job: Job) {
        let shared = &self.0.0;
        let mut state = shared.lock();
        state.jobs.push_back(job);
        if state.idle > 0 {
            shared.work.notify_one();
        }
        // Idle threads may be on their way to earlier work already: only as many jobs as there are of them are safe.
        if state.jobs.len() > state.idle && state.watching {
            shared.watch.notify_one();
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.work.notify_all();
        self.0.watch.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    fn start_worker(self: &Arc<Self>, state: &mut State) {
        let worker = Arc::new(Worker::default());
        state.workers.push(Arc::clone(&worker));
        let shared = Arc::clone(self);
        start_thread("roost-work", move || {
            let _entered = shared.runtime.as_ref().map(Runtime::enter);
            shared.work(&worker);
        });
    }

    fn work(&self, worker: &Arc<Worker>) {
        worker.thread_id.store(priority::this_thread(), Ordering::Relaxed);
        let mut state = self.lock();
        loop {
            // Someone took this thread's place while it was held up: there are enough without it.
            let replaced = !state.workers.iter().any(|known| Arc::ptr_eq(known, worker));
            if state.closed && state.jobs.is_empty() || replaced {
                return;
            }
            let Some(job) = state.jobs.pop_front() else {
                state.idle += 1;
                state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.idle -= 1;
                continue;
            };
            drop(state);
            worker.busy_since.store(self.now(), Ordering::Relaxed);
            if catch_unwind(AssertUnwindSafe(job)).is_err() {
                tracing::error!("blocking work panicked");
            }
            worker.busy_since.store(0, Ordering::Relaxed);
            state = self.lock();
        }
    }

    /// While work waits, looks for threads that are held up and replaces them.
    fn watch(self: &Arc<Self>) {
        let mut spares: Vec<std::sync::Weak<Worker>> = Vec::new();
        let mut state = self.lock();
        while !state.closed {
            if state.jobs.is_empty() {
                state.watching = true;
                state = self.watch.wait(state).unwrap_or_else(PoisonError::into_inner);
                state.watching = false;
                continue;
            }
            state = self.watch.wait_timeout(state, PATIENCE / 2).unwrap_or_else(PoisonError::into_inner).0;
            spares.retain(|spare| spare.strong_count() > 0);
            let now = self.now();
            let held_up = |worker: &Arc<Worker>| {
                let since = worker.busy_since.load(Ordering::Relaxed);
                since > 0 && u128::from(now.saturating_sub(since)) > PATIENCE.as_millis()
            };
            if state.jobs.is_empty() || spares.len() >= MOST_SPARES {
                continue;
            }
            if let Some(at) = state.workers.iter().position(held_up) {
                let slow = state.workers.swap_remove(at);
                priority::lower(slow.thread_id.load(Ordering::Relaxed));
                spares.push(Arc::downgrade(&slow));
                drop(slow);
                self.start_worker(&mut state);
            }
            debug_assert_eq!(state.workers.len(), self.threads, "a replaced thread is always replaced by one");
        }
    }
}

/// Lets everything else go first from now on.
pub fn lower_priority_of_this_thread() {
    priority::lower(priority::this_thread());
}

fn start_thread(name: &str, body: impl FnOnce() + Send + 'static) {
    thread::Builder::new().name(name.to_owned()).spawn(body).expect("the system has room for a thread");
}

/// Scheduling priority of single threads, which only Linux has.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "libc offers no safe form; both calls take plain integers and touch no memory of ours")]
mod priority {
    pub(super) fn this_thread() -> i32 {
        // SAFETY: takes nothing, cannot fail.
        unsafe { libc::gettid() }
    }

    pub(super) fn lower(thread_id: i32) {
        let Ok(thread_id) = libc::id_t::try_from(thread_id) else { return };
        // SAFETY: takes integers only; a thread that has ended is an error that does not matter.
        let _ = unsafe { libc::setpriority(libc::PRIO_PROCESS, thread_id, 10) };
    }
}

#[cfg(not(target_os = "linux"))]
mod priority {
    pub(super) fn this_thread() -> i32 {
        0
    }

    pub(super) fn lower(_thread_id: i32) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn slow_work_does_not_keep_others_waiting() {
        let pool = Pool::new(2);
        let (release, held) = std::sync::mpsc::channel::<()>();
        let held = Arc::new(Mutex::new(held));
        for _ in 0..2 {
            let held = Arc::clone(&held);
            pool.spawn(Box::new(move || {
                let _ = held.lock().expect("unpoisoned").recv();
            }));
        }
        assert_eq!(pool.run(|| 1 + 1).await.expect("answered while both threads are held"), 2);
        drop(release);
    }

    #[tokio::test]
    async fn a_panic_is_an_error_of_that_work_only() {
        let pool = Pool::new(2);
        assert!(pool.run(|| panic!("on purpose")).await.is_err());
        assert_eq!(pool.run(|| 7).await.expect("the pool goes on"), 7);
    }
}
