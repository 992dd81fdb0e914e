//! Measuring what a tenant has on disk: its databases whenever it rests or somebody looks, its files rarely, since each of
//! them has to be looked at.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::tenant::Tenant;
use super::usage;

/// How often all files of a tenant in use are looked at. In between what comes and goes is added up.
const FILES_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// When a tenant was last measured, on the host's clock.
#[derive(Default)]
pub(super) struct Measured {
    /// Its files; 0 when that counts no more.
    files_ms: AtomicU64,
    /// Its databases, because somebody looked.
    looked_ms: AtomicU64,
}

impl Measured {
    /// Other data may take the place of what was measured.
    pub(super) fn forget(&self) {
        self.files_ms.store(0, Ordering::Relaxed);
    }
}

impl Tenant {
    /// Measures the databases.
    pub(super) async fn measure_databases(&self) {
        let Some(file) = self.file.load_full() else { return };
        let (id, data) = (self.id, file.data);
        let measuring = self.surroundings.on_disk(move |directory| usage::database_bytes(&directory.data(id, data)));
        if let Ok(bytes) = measuring.await {
            self.usage.set_database_bytes(bytes);
        }
    }

    /// Measures the databases if somebody used the tenant since they were.
    pub(super) async fn measure_if_used(&self) {
        let looked_ms = self.measured.looked_ms.swap(self.surroundings.clock_ms(), Ordering::Relaxed);
        if looked_ms <= self.used_ms() {
            self.measure_databases().await;
        }
    }

    /// Measures everything of other data that took the place of what was measured.
    pub(super) async fn measure_anew(&self) {
        self.measured.forget();
        self.used();
        self.measure_databases().await;
        self.measure_storage(Duration::ZERO).await;
    }

    /// Measures the files of a tenant in use that were not for a long time.
    pub(super) async fn measure_storage_if_due(&self) {
        self.measure_storage(FILES_AFTER).await;
    }

    /// Measures the files, unless nobody used the tenant since the last time or that was no longer ago than that. What
    /// changes meanwhile makes it worthless: it is done another time.
    async fn measure_storage(&self, after: Duration) {
        let now = self.surroundings.clock_ms();
        let last = self.measured.files_ms.load(Ordering::Relaxed);
        let is_recent = last > 0 && Duration::from_millis(now.saturating_sub(last)) < after;
        let is_current = is_recent || self.used_ms() <= last;
        let Some(file) = self.file.load_full().filter(|_| !is_current) else { return };
        let changes = self.usage.meter.storage.changes();
        let (id, data) = (self.id, file.data);
        let measuring = self.surroundings.on_disk(move |directory| usage::storage_bytes(&directory.data(id, data)));
        if let Ok(bytes) = measuring.await
            && self.usage.meter.storage.changes() == changes
        {
            self.usage.set_storage_bytes(bytes);
            self.measured.files_ms.store(now.max(1), Ordering::Relaxed);
        }
    }
}
