//! What all tenants of a host find around them: threads, room, ears, the directory.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use super::alarms::Alarms;
use super::answers::Refusal;
use super::directory::Directory;
use super::events::Events;
use super::growth::Growth;
use super::in_process::Launch;
use super::limits::Places;
use super::spec::TenantId;
use super::tenant::Tenant;
use super::wakes::Wakes;
use crate::app::AppOptions;
use crate::settings::EncryptionKey;
use crate::store::Pool;

/// How long a launch waits for another tenant to make room.
const PATIENCE: Duration = Duration::from_secs(9);

/// Shared by all tenants of a host.
pub(super) struct Surroundings {
    pub(super) directory: Directory,
    pub(super) pool: Pool,
    pub(super) launch: Launch,
    /// Hides the settings of all tenants, if there is one.
    pub(super) encryption_key: Option<EncryptionKey>,
    pub(super) events: Events,
    pub(super) awake: Awake,
    pub(super) alarms: Alarms,
    /// How waking went.
    pub(super) wakes: Wakes,
    /// Whether there is disk enough for tenants to grow.
    pub(super) growth: Growth,
    /// Requests that wait for a tenant to wake.
    pub(super) waiting: Places,
    /// The host closes: nobody wakes any more.
    pub(super) closing: CancellationToken,
    /// The directory is ours: wishes can be made true.
    pub(super) owner: CancellationToken,
    /// No host before this one has tenants open any more.
    pub(super) alone: CancellationToken,
    /// How many may be awake at once.
    max_awake: usize,
    /// A permit for each that is not.
    room: Arc<Semaphore>,
    started: Instant,
}

/// The tenants that are awake, so that looking after them costs nothing for those that sleep.
#[derive(Default)]
pub(super) struct Awake {
    tenants: Mutex<HashMap<TenantId, Arc<Tenant>>>,
    /// Told when the first of them wakes.
    first: Notify,
    /// Told when some should sleep before their time.
    crowd: Notify,
}

impl Surroundings {
    pub(super) fn new(directory: Directory, engine: AppOptions, launch: Launch, max_awake: usize) -> Surroundings {
        Surroundings {
            directory,
            pool: engine.pool,
            launch,
            encryption_key: engine.encryption_key,
            events: Events::default(),
            awake: Awake::default(),
            alarms: Alarms::default(),
            wakes: Wakes::default(),
            growth: Growth::default(),
            waiting: Places::default(),
            closing: CancellationToken::new(),
            owner: CancellationToken::new(),
            alone: CancellationToken::new(),
            max_awake,
            room: Arc::new(Semaphore::new(max_awake)),
            started: Instant::now(),
        }
    }

    /// Room for one more awake tenant. The sleeper makes some before there is none, so that this rarely waits.
    pub(super) async fn room(&self) -> Result<OwnedSemaphorePermit, Refusal> {
        if self.crowded() {
            self.awake.crowd.notify_one();
        }
        let room = tokio::time::timeout(PATIENCE, Arc::clone(&self.room).acquire_owned()).await;
        room.ok().and_then(Result::ok).ok_or(Refusal::Busy)
    }

    /// Whether so many are awake that some should sleep before their time.
    pub(super) fn crowded(&self) -> bool {
        self.room.available_permits() <= self.max_awake / 10
    }

    /// Whether there is room enough to stop making some.
    pub(super) fn roomy(&self) -> bool {
        self.room.available_permits() > self.max_awake / 5
    }

    /// Runs blocking work on the host's directory.
    pub(super) async fn on_disk<T, F>(self: &Arc<Self>, work: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&Directory) -> T + Send + 'static,
    {
        let surroundings = Arc::clone(self);
        self.pool.run(move || work(&surroundings.directory)).await.map_err(|_| Refusal::Broken)
    }

    /// How long ago the host opened.
    pub(super) fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// The same in milliseconds.
    pub(super) fn clock_ms(&self) -> u64 {
        u64::try_from(self.uptime().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Awake {
    pub(super) fn insert(&self, tenant: &Arc<Tenant>) {
        let mut tenants = self.lock();
        tenants.insert(tenant.id, Arc::clone(tenant));
        if tenants.len() == 1 {
            self.first.notify_one();
        }
    }

    pub(super) fn remove(&self, id: TenantId) {
        self.lock().remove(&id);
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// Waits until there is anyone to look after, and then for the next look or the first sign of a crowd.
    pub(super) async fn next_look(&self, after: Duration) {
        while self.lock().is_empty() {
            self.first.notified().await;
        }
        tokio::select! {
            () = tokio::time::sleep(after) => {}
            () = self.crowd.notified() => {}
        }
    }

    /// All of them, in no order.
    pub(super) fn all(&self) -> Vec<Arc<Tenant>> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<TenantId, Arc<Tenant>>> {
        self.tenants.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Milliseconds since the epoch.
pub(super) fn now_ms() -> i64 {
    chrono::Utc::now().timestamp_millis()
}
