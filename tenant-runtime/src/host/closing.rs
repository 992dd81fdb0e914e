//! Closing a tenant: what is unused rests and then sleeps by itself, what somebody puts to sleep drains, what must make way
//! stops.
//!
//! Whoever closes holds the slot for writing (see `tenant`), so nothing is being answered any more.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::{OwnedRwLockWriteGuard, RwLock};
use tokio::time::timeout;

use super::seen;
use super::spec::TenantState;
use super::surroundings::now_ms;
use super::tenant::{Running, Tenant};

/// How long a tenant that has to close lets answers in flight come to their end.
pub(super) const GRACE: Duration = Duration::from_secs(10);
/// How long those that are broken off then take to notice.
const CUT: Duration = Duration::from_secs(1);

impl Tenant {
    /// Gives back caches if nobody used the tenant for that long, and measures it. What is written to the database
    /// by then is moved out of its log, so that closing later has little to do. Whether there was anything to give.
    pub(super) async fn rest(&self, after: Duration) -> bool {
        let used = self.used_ms();
        if self.is_quiet() || self.idle.load(Ordering::Acquire) || self.unused_for() < after {
            return false;
        }
        let Ok(slot) = self.slot().try_read_owned() else { return false };
        let Some(running) = slot.as_ref() else { return false };
        running.backend.rest().await;
        self.measure_databases().await;
        self.measure_storage_if_due().await;
        let mut seen = self.seen();
        if self.used_ms() == used {
            self.idle.store(true, Ordering::Release);
            self.change(&mut seen, TenantState::Idle, None);
        }
        true
    }

    /// Closes the tenant; `false` while any answer is still being sent or other work is under way.
    pub(super) async fn sleep_if_unused(self: &Arc<Self>) -> bool {
        self.measure_storage_if_due().await;
        match self.slot().try_write_owned() {
            Ok(slot) => self.sleep(slot).await,
            Err(_) => false,
        }
    }

    /// Puts the tenant to sleep before its time: event streams end, so that their clients come back and wake it, and
    /// answers in flight come to their end, while whoever comes now waits. `false` if that takes too long, or other work is
    /// under way: then it goes on.
    pub(super) async fn drain(self: &Arc<Self>, patience: Duration) -> bool {
        let slot = self.slot();
        match slot.read().await.as_ref() {
            None => return true,
            Some(_) if self.is_quiet() => return true,
            Some(running) if running.backend.is_at_work() || self.copying.try_lock().is_err() => return false,
            Some(running) => running.end_streams(),
        }
        match timeout(patience, slot.write_owned()).await {
            Ok(slot) => slot.is_none() || self.sleep(slot).await,
            Err(_) => false,
        }
    }

    /// Closes what is open and not at work.
    async fn sleep(self: &Arc<Self>, mut slot: OwnedRwLockWriteGuard<Option<Running>>) -> bool {
        let Some(running) = slot.take_if(|running| !running.backend.is_at_work()) else { return false };
        let wakes_at = running.backend.wakes_at_ms();
        running.backend.close().await;
        drop(running);
        self.closed(wakes_at).await;
        true
    }

    /// Whether other data is ready to take the place of what the tenant has open.
    pub(super) fn wants_reopening(&self) -> bool {
        let Ok(slot) = self.slot().try_read_owned() else { return false };
        let app = slot.as_ref().and_then(|running| running.backend.app.as_ref());
        app.is_some_and(|app| app.reopening().is_cancelled())
    }

    /// Closes the tenant whatever it does: event streams end, answers in flight get their time, then are broken off.
    /// Whoever comes later wakes it again, unless nobody gets in any more.
    pub(super) async fn stop(self: &Arc<Self>, grace: Duration) {
        let slot = self.slot();
        let running = Arc::clone(&slot).read_owned().await;
        let Some((backend, streams_end, cut)) =
            running.as_ref().map(|it| (it.backend.clone(), it.streams_end.clone(), it.cut.clone()))
        else {
            return;
        };
        drop(running);
        streams_end.cancel();
        let mut emptied = timeout(grace, Arc::clone(&slot).write_owned()).await;
        if emptied.is_err() {
            cut.cancel();
            emptied = timeout(CUT, Arc::clone(&slot).write_owned()).await;
        }
        if emptied.is_err() {
            // A client that stopped reading holds its lease until its connection ends. It keeps the old slot.
            tracing::warn!(tenant = %self.id, "closing although an answer is not through");
            self.slot.compare_and_swap(&slot, Arc::new(RwLock::new(None)));
        }
        let wakes_at = backend.wakes_at_ms();
        backend.close().await;
        drop(backend);
        // Perhaps other data takes its place.
        self.measured.forget();
        let mut emptied = emptied.ok();
        if let Some(slot) = &mut emptied {
            slot.take();
        }
        self.closed(wakes_at).await;
    }

    async fn closed(self: &Arc<Self>, wakes_at_ms: Option<i64>) {
        // Closing took the log away.
        self.measure_databases().await;
        self.surroundings.awake.remove(self.id);
        self.usage.sleeps(now_ms());
        self.idle.store(false, Ordering::Release);
        self.quiet.store(false, Ordering::Release);
        let file = self.file.load_full();
        let (state, reason) = file.as_deref().map_or((TenantState::Asleep, None), seen::at_rest);
        self.show(state, reason);
        if self.removed.load(Ordering::Acquire) {
            return;
        }
        self.usage.set_wakes_at(wakes_at_ms);
        if let Some(at_ms) = wakes_at_ms {
            self.surroundings.alarms.set(at_ms, self);
        }
        let (id, usage) = (self.id, self.usage.to_remember());
        let written = self.surroundings.on_disk(move |directory| directory.write_usage(id, &usage)).await;
        if !matches!(written, Ok(Ok(()))) {
            tracing::warn!(tenant = %self.id, "usage was not written: {written:?}");
        }
    }
}
