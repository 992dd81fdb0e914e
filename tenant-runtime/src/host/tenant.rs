//! One tenant: asleep, awake, or unable to start.
//!
//! The lock *is* the state machine. Its slot holds what runs, or nothing while the tenant sleeps. Every answer reads it
//! until its last byte is sent; whoever opens or closes the tenant writes it. So a tenant cannot be closed while it
//! answers, and of a hundred first requests one finds the slot empty and fills it while the others wait to read.
//! What [`Tenant::report`] tells is a copy for onlookers and decides nothing.

use std::io::{self, ErrorKind};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::anyhow;
use arc_swap::{ArcSwap, ArcSwapOption};
use futures_util::FutureExt;
use tokio::sync::{OwnedRwLockWriteGuard, OwnedSemaphorePermit, RwLock};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::answers::Refusal;
use super::directory::TenantFile;
use super::in_process::Backend;
use super::lease::Lease;
use super::limits::{Gate, Places};
use super::measure::Measured;
use super::seen::{self, Seen};
use super::spec::{Generation, TenantId, TenantReport, TenantState, Wanted};
use super::surroundings::{Surroundings, now_ms};
use super::usage::Usage;
use crate::app::OpenError;

/// How long a request waits for a tenant to wake.
const PATIENCE: Duration = Duration::from_secs(10);
/// The same while the host before may have it open: longer than that takes to let go of anything.
const LONG_PATIENCE: Duration = Duration::from_secs(40);
/// How many requests wait for one tenant, and for all of a host.
const WAITING: u32 = 256;
const WAITING_IN_ALL: u32 = 1_024;

type Slot = Arc<RwLock<Option<Running>>>;

/// The keeper of one App.
pub(super) struct Tenant {
    pub(super) id: TenantId,
    pub(super) gate: Gate,
    pub(super) usage: Usage,
    pub(super) surroundings: Arc<Surroundings>,
    pub(super) measured: Measured,
    /// What `tenant.json` says, once someone asked.
    pub(super) file: ArcSwapOption<TenantFile>,
    pub(super) slot: ArcSwap<RwLock<Option<Running>>>,
    seen: Mutex<Seen>,
    waiting: Places,
    pub(super) removed: AtomicBool,
    /// When it was last in use, on the host's clock.
    used_ms: AtomicU64,
    /// Whether `seen` says idle, for those who only need to know that.
    pub(super) idle: AtomicBool,
    /// Whether it is open for visits only, so that nobody sees it awake.
    pub(super) quiet: AtomicBool,
    /// Held while its copies change: whoever removes one waits for who makes it.
    pub(super) copying: tokio::sync::Mutex<()>,
}

/// An open tenant.
pub(super) struct Running {
    pub(super) backend: Backend,
    /// Ends event streams, and those that begin later.
    pub(super) streams_end: CancellationToken,
    /// Its child that ends those of now.
    streams: ArcSwap<CancellationToken>,
    /// Breaks off everything else.
    pub(super) cut: CancellationToken,
    _room: OwnedSemaphorePermit,
}

impl Running {
    /// Cancelled when an event stream that begins now is to end.
    pub(super) fn stream_end(&self) -> CancellationToken {
        (**self.streams.load()).clone()
    }

    /// Ends the event streams there are; later ones are let be.
    pub(super) fn end_streams(&self) {
        self.streams.swap(Arc::new(self.streams_end.child_token())).cancel();
    }
}

impl Tenant {
    /// A tenant of which only the name is known yet.
    pub(super) fn new(id: TenantId, surroundings: &Arc<Surroundings>) -> Tenant {
        Tenant {
            id,
            gate: Gate::default(),
            usage: Usage::default(),
            surroundings: Arc::clone(surroundings),
            measured: Measured::default(),
            file: ArcSwapOption::empty(),
            slot: ArcSwap::from_pointee(RwLock::new(None)),
            seen: Mutex::new(Seen::asleep()),
            waiting: Places::default(),
            removed: AtomicBool::new(false),
            used_ms: AtomicU64::new(0),
            idle: AtomicBool::new(false),
            quiet: AtomicBool::new(false),
            copying: tokio::sync::Mutex::default(),
        }
    }

    /// What is wished of it; read from its directory the first time.
    pub(super) async fn file(self: &Arc<Self>) -> Result<Arc<TenantFile>, Refusal> {
        if let Some(file) = self.file.load_full() {
            return Ok(file);
        }
        self.check_pause()?;
        let id = self.id;
        match self.surroundings.on_disk(move |directory| directory.read(id)).await? {
            Ok((file, remembered)) if file.spec.id == self.id => {
                self.usage.recall(remembered);
                if let Some(at_ms) = remembered.wakes_at_ms {
                    self.surroundings.alarms.set(at_ms, self);
                }
                let file = Arc::new(file);
                // A wish that came meanwhile is newer than what was read.
                let earlier = self.file.compare_and_swap(&None::<Arc<TenantFile>>, Some(Arc::clone(&file)));
                let file = (*earlier).clone().unwrap_or(file);
                self.keep_to(&file);
                self.show_wish(&file);
                Ok(file)
            }
            Ok(_) => Err(self.failed(&OpenError::Damaged("tenant.json is another tenant's".into()))),
            Err(error) => Err(self.failed(&unreadable(error))),
        }
    }

    /// Reads again what was read before.
    pub(super) async fn read_again(self: &Arc<Self>) {
        if self.file.swap(None).is_some() {
            let _ = self.file().await;
        }
    }

    /// Takes a wish that has been written.
    pub(super) fn set_file(&self, file: TenantFile) {
        let file = Arc::new(file);
        self.keep_to(&file);
        self.file.store(Some(Arc::clone(&file)));
        self.show_wish(&file);
    }

    /// The bounds of its wish hold from now on, awake or not.
    fn keep_to(&self, file: &TenantFile) {
        self.usage.meter.bound(file.spec.limits.database_bytes, file.spec.limits.storage_bytes);
    }

    /// Whether it is being removed: then nobody gets in.
    pub(super) fn set_removed(&self, removed: bool) {
        self.removed.store(removed, Ordering::Release);
    }

    /// Wakes the tenant if it sleeps. It cannot sleep again before the lease is dropped.
    pub(super) async fn lease(self: &Arc<Self>) -> Result<Lease, Refusal> {
        if let Ok(slot) = self.slot().try_read_owned()
            && let Some(lease) = Lease::new(self, slot)
        {
            return Ok(lease);
        }
        let _place = self.waiting.take(WAITING).ok_or(Refusal::Waking)?;
        let _place_in_all = self.surroundings.waiting.take(WAITING_IN_ALL).ok_or(Refusal::Waking)?;
        let patience = if self.surroundings.alone.is_cancelled() { PATIENCE } else { LONG_PATIENCE };
        timeout(patience, self.lease_in_turn()).await.unwrap_or(Err(Refusal::Waking))
    }

    async fn lease_in_turn(self: &Arc<Self>) -> Result<Lease, Refusal> {
        loop {
            // Waits for whoever is opening or closing.
            let slot = self.slot().read_owned().await;
            if let Some(lease) = Lease::new(self, slot) {
                return Ok(lease);
            }
            self.check_pause()?;
            // Of a crowd one gets to write; the others go round and wait for it to finish. It does not wait for the
            // lock itself, because a writer in the queue would hold up the readers it is to let in.
            if let Ok(slot) = self.slot().try_write_owned() {
                let tenant = Arc::clone(self);
                // On its own, so that a client that goes away does not leave a tenant half open.
                let launch = tokio::spawn(async move { tenant.launch(slot).await });
                if let Some(lease) = launch.await.map_err(|_| Refusal::Broken)?? {
                    return Ok(lease);
                }
            } else {
                // Whoever reads keeps everybody from writing: a crowd that went round at once would do so for ever.
                tokio::task::yield_now().await;
            }
        }
    }

    async fn launch(
        self: &Arc<Self>,
        mut slot: OwnedRwLockWriteGuard<Option<Running>>,
    ) -> Result<Option<Lease>, Refusal> {
        if slot.is_none() {
            let began = Instant::now();
            // Looked up under the lock: who withdraws the wish afterwards finds the tenant awake and stops it.
            let file = self.file().await?;
            self.check_held(&file)?;
            let room = self.surroundings.room().await?;
            self.show(TenantState::Waking, None);
            self.fill(&mut slot, &file, room).await.inspect_err(|_| self.surroundings.wakes.failed())?;
            self.appear(slot.as_ref());
            self.surroundings.wakes.succeeded(self.surroundings.uptime(), began.elapsed());
        }
        Ok(Lease::new(self, slot.downgrade()))
    }

    /// Opens a tenant that nobody is to see awake. That it must not run forbids only to answer.
    pub(super) async fn open_quietly(self: &Arc<Self>, slot: &mut Option<Running>) -> Result<(), Refusal> {
        if slot.is_some() {
            return Ok(());
        }
        let file = self.file().await?;
        self.check_there()?;
        let room = self.surroundings.room().await?;
        self.quiet.store(true, Ordering::Release);
        let filled = self.fill(slot, &file, room).await;
        self.quiet.store(filled.is_ok(), Ordering::Release);
        filled
    }

    async fn fill(
        self: &Arc<Self>,
        slot: &mut Option<Running>,
        file: &TenantFile,
        room: OwnedSemaphorePermit,
    ) -> Result<(), Refusal> {
        let backend = loop {
            match self.open(file).await {
                Ok(backend) => break backend,
                Err(OpenError::InUse) if self.surroundings.waits_for_predecessor().await => {}
                Err(error) => return Err(self.failed(&error)),
            }
        };
        let streams_end = CancellationToken::new();
        *slot = Some(Running {
            backend,
            streams: ArcSwap::from_pointee(streams_end.child_token()),
            streams_end,
            cut: CancellationToken::new(),
            _room: room,
        });
        self.surroundings.awake.insert(self);
        Ok(())
    }

    /// From now on the tenant is awake for everybody and sees to what is due.
    fn appear(&self, running: Option<&Running>) {
        self.usage.wakes(now_ms());
        self.show(TenantState::Awake, None);
        if let Some(running) = running {
            running.backend.keep_time();
        }
    }

    /// To be called when a request gets in.
    pub(super) fn enter(&self, running: &Running) {
        if self.quiet.load(Ordering::Acquire) && self.quiet.swap(false, Ordering::AcqRel) {
            self.appear(Some(running));
        }
        self.used();
    }

    /// Whether it is open for visits only.
    pub(super) fn is_quiet(&self) -> bool {
        self.quiet.load(Ordering::Acquire)
    }

    async fn open(&self, file: &TenantFile) -> Result<Backend, OpenError> {
        let (id, data) = (self.id, file.data);
        if let Ok(false) = self.surroundings.on_disk(move |directory| directory.holds_data(id, data)).await {
            return Err(OpenError::Damaged("its database is missing".into()));
        }
        let launch =
            (self.surroundings.launch)(self.surroundings.directory.data(id, data), &file.spec, &self.usage.meter);
        let opened = AssertUnwindSafe(launch).catch_unwind().await;
        opened.unwrap_or_else(|_| Err(anyhow!("panicked while opening").into()))
    }

    /// Notes that someone uses it now.
    pub(super) fn used(&self) {
        self.used_ms.store(self.surroundings.clock_ms(), Ordering::Relaxed);
        if self.idle.load(Ordering::Acquire) {
            let mut seen = self.seen();
            if self.idle.swap(false, Ordering::AcqRel) {
                self.change(&mut seen, TenantState::Awake, None);
            }
        }
    }

    /// When it was last in use, on the host's clock.
    pub(super) fn used_ms(&self) -> u64 {
        self.used_ms.load(Ordering::Relaxed)
    }

    /// How long nobody used it.
    pub(super) fn unused_for(&self) -> Duration {
        let now = self.surroundings.clock_ms();
        Duration::from_millis(now.saturating_sub(self.used_ms.load(Ordering::Relaxed)))
    }

    /// How soon it is to rest and to sleep.
    pub(super) fn rests_after(&self) -> (Duration, Duration) {
        let rest = self.file.load().as_ref().map(|file| file.spec.rest).unwrap_or_default();
        (Duration::from_millis(rest.idle_after_ms), Duration::from_millis(rest.sleep_after_ms))
    }

    /// Lets the next request try again at once.
    pub(super) fn forgive(&self) {
        self.seen().forgive(Instant::now());
    }

    /// What onlookers are told. Wakes nobody.
    pub(super) fn report(&self) -> TenantReport {
        self.report_of(&self.seen())
    }

    fn report_of(&self, seen: &Seen) -> TenantReport {
        let remembered = self.usage.to_remember();
        TenantReport {
            id: self.id,
            generation: self.file.load().as_ref().map_or(Generation(0), |file| file.spec.generation),
            state: seen.state,
            since_ms: seen.since_ms,
            database_bytes: remembered.sizes.database_bytes,
            database_used: remembered.sizes.database_used,
            storage_bytes: remembered.sizes.storage_bytes,
            requests: self.usage.requests(),
            awake_ms: self.usage.awake_ms(now_ms()),
            mails: self.usage.meter.mails.load(Ordering::Relaxed),
            realtime_connections: self.gate.streams(),
            last_request_ms: remembered.last_request_ms,
            reason: seen.reason.clone(),
        }
    }

    /// Refuses while it must not run.
    pub(super) fn check_held(&self, file: &TenantFile) -> Result<(), Refusal> {
        self.check_there()?;
        match &file.spec.state {
            Wanted::Running => Ok(()),
            Wanted::Suspended { reason } => Err(Refusal::Suspended { reason: reason.clone() }),
        }
    }

    fn check_there(&self) -> Result<(), Refusal> {
        if self.removed.load(Ordering::Acquire) {
            return Err(Refusal::UnknownProject);
        }
        if self.surroundings.closing.is_cancelled() {
            return Err(Refusal::Waking);
        }
        Ok(())
    }

    fn check_pause(&self) -> Result<(), Refusal> {
        self.seen().check_pause(Instant::now())
    }

    fn failed(&self, error: &OpenError) -> Refusal {
        let now = Instant::now();
        let mut seen = self.seen();
        if let Some(pause) = seen.fail(error, now) {
            tracing::error!(tenant = %self.id, "not starting, next try in {} s: {error}", pause.as_secs());
            let (state, reason) = seen::after(error);
            self.change(&mut seen, state, Some(reason));
        }
        seen.check_pause(now).err().unwrap_or(Refusal::Waking)
    }

    fn show_wish(&self, file: &TenantFile) {
        let mut seen = self.seen();
        if seen.may_show(file) {
            let (state, reason) = seen::at_rest(file);
            self.change(&mut seen, state, reason);
        }
    }

    /// Tells onlookers of a change that is not one of state.
    pub(super) fn tell(&self) {
        let seen = self.seen();
        self.surroundings.events.tell(|| self.report_of(&seen));
    }

    pub(super) fn show(&self, state: TenantState, reason: Option<String>) {
        self.change(&mut self.seen(), state, reason);
    }

    /// Told while `seen` is locked, so that onlookers hear of changes in their order.
    pub(super) fn change(&self, seen: &mut Seen, state: TenantState, reason: Option<String>) {
        if seen.set(state, reason) {
            self.surroundings.events.tell(|| self.report_of(seen));
        }
    }

    pub(super) fn slot(&self) -> Slot {
        self.slot.load_full()
    }

    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unreadable(error: io::Error) -> OpenError {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::InvalidData | ErrorKind::UnexpectedEof => {
            OpenError::Damaged(format!("tenant.json: {error}"))
        }
        _ => OpenError::Other(anyhow::Error::new(error).context("read tenant.json")),
    }
}
