//! What a tenant used: counted while it answers, measured while it is awake, remembered while it sleeps.

use std::path::Path;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::backups;
use crate::files::disk::tree_size;
use crate::meter::Meter;

/// What is known of one tenant. Numbers only, so reading them waits for nobody.
#[derive(Default)]
pub(super) struct Usage {
    requests: AtomicU64,
    last_request_ms: AtomicI64,
    wakes_at_ms: AtomicI64,
    database_bytes: AtomicU64,
    /// Since when it is awake; 0 while it is not.
    awake_since_ms: AtomicI64,
    /// How long it was awake before that, since the host started.
    awake_ms: AtomicU64,
    /// What its backend counts itself.
    pub(super) meter: Meter,
}

/// The part that outlives the process, in `usage.json` beside `tenant.json`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Remembered {
    pub(super) last_request_ms: Option<i64>,
    /// When it wants to be woken.
    pub(super) wakes_at_ms: Option<i64>,
    #[serde(flatten)]
    pub(super) sizes: Sizes,
}

/// How much a data directory holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Sizes {
    pub(super) database_bytes: u64,
    /// What of it is in use: pages free for reuse apart, and what waits in the log.
    pub(super) database_used: u64,
    pub(super) storage_bytes: u64,
}

impl Usage {
    /// Counts a request.
    pub(super) fn count(&self, now_ms: i64) {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.last_request_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Requests since the host started.
    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// What is worth remembering.
    pub(super) fn to_remember(&self) -> Remembered {
        let last = self.last_request_ms.load(Ordering::Relaxed);
        let wakes = self.wakes_at_ms.load(Ordering::Relaxed);
        let sizes = Sizes {
            database_bytes: self.database_bytes.load(Ordering::Relaxed),
            database_used: self.meter.database.used() + self.meter.logs.used(),
            storage_bytes: self.meter.storage.used(),
        };
        Remembered { last_request_ms: (last > 0).then_some(last), wakes_at_ms: (wakes > 0).then_some(wakes), sizes }
    }

    /// Takes over what an earlier process remembered.
    pub(super) fn recall(&self, remembered: Remembered) {
        self.last_request_ms.fetch_max(remembered.last_request_ms.unwrap_or(0), Ordering::Relaxed);
        self.set_wakes_at(remembered.wakes_at_ms);
        self.set_database_bytes(remembered.sizes.database_bytes);
        let Sizes { database_bytes, database_used, .. } = remembered.sizes;
        self.meter.database.set_used(if database_used > 0 { database_used } else { database_bytes });
        self.set_storage_bytes(remembered.sizes.storage_bytes);
    }

    /// Notes when it wants to be woken.
    pub(super) fn set_wakes_at(&self, at_ms: Option<i64>) {
        self.wakes_at_ms.store(at_ms.unwrap_or(0), Ordering::Relaxed);
    }

    /// Notes a measurement.
    pub(super) fn set_database_bytes(&self, bytes: u64) {
        self.database_bytes.store(bytes, Ordering::Relaxed);
    }

    /// Notes a measurement.
    pub(super) fn set_storage_bytes(&self, bytes: u64) {
        self.meter.storage.set_used(bytes);
    }

    /// It is awake from now on.
    pub(super) fn wakes(&self, now_ms: i64) {
        let _ = self.awake_since_ms.compare_exchange(0, now_ms, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// It is awake no longer.
    pub(super) fn sleeps(&self, now_ms: i64) {
        let since = self.awake_since_ms.swap(0, Ordering::Relaxed);
        if since > 0 {
            self.awake_ms.fetch_add(u64::try_from(now_ms - since).unwrap_or(0), Ordering::Relaxed);
        }
    }

    /// How long it was awake since the host started.
    pub(super) fn awake_ms(&self, now_ms: i64) -> u64 {
        let since = self.awake_since_ms.load(Ordering::Relaxed);
        let now = if since > 0 { u64::try_from(now_ms - since).unwrap_or(0) } else { 0 };
        self.awake_ms.load(Ordering::Relaxed) + now
    }
}

/// The bytes of the databases in a data directory. What vanishes meanwhile counts nothing.
pub(super) fn database_bytes(data: &Path) -> u64 {
    let entries = std::fs::read_dir(data).into_iter().flatten().filter_map(Result::ok);
    let databases = entries.filter(|entry| backups::is_database(&entry.file_name().to_string_lossy()));
    databases.filter_map(|entry| entry.metadata().ok().filter(std::fs::Metadata::is_file)).map(|file| file.len()).sum()
}

/// The bytes of the files that records of a data directory have, of its backups, and of whatever else lies there: a look at
/// every one of them.
pub(super) fn storage_bytes(data: &Path) -> u64 {
    let backups: u64 = backups::FOLDERS.into_iter().map(|folder| tree_size(&data.join(folder))).sum();
    backups + backups::size_beside_databases(data)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn databases_and_files_are_told_apart() {
        let dir = tempfile::tempdir().expect("a directory");
        let storage = dir.path().join("storage/posts/1");
        fs::create_dir_all(&storage).expect("makes a folder");
        fs::write(storage.join("cat.png"), [0; 30]).expect("writes");
        fs::write(dir.path().join("data.db"), [0; 7]).expect("writes");
        fs::create_dir(dir.path().join("backups")).expect("makes a folder");
        fs::write(dir.path().join("backups/a.zip"), [0; 100]).expect("writes");
        fs::write(dir.path().join("data.db-wal"), [0; 5]).expect("writes");
        fs::create_dir_all(dir.path().join("attic/old.db")).expect("makes a folder");
        fs::write(dir.path().join("attic/old.db/chest"), [0; 1000]).expect("writes");
        fs::write(dir.path().join("other.db"), [0; 10_000]).expect("writes");
        assert_eq!((database_bytes(dir.path()), storage_bytes(dir.path())), (12, 11_130));
    }

    #[test]
    fn what_was_remembered_is_recalled() {
        let usage = Usage::default();
        usage.count(5);
        usage.set_wakes_at(Some(9));
        usage.set_database_bytes(1);
        usage.meter.database.set_used(1);
        usage.set_storage_bytes(2);
        let text = serde_json::to_string(&usage.to_remember()).expect("is JSON");
        let later = Usage::default();
        later.recall(serde_json::from_str(&text).expect("is the same JSON"));
        assert_eq!(later.to_remember(), usage.to_remember());
        assert_eq!(later.requests(), 0);
    }

    #[test]
    fn time_awake_adds_up() {
        let usage = Usage::default();
        usage.wakes(1_000);
        usage.wakes(2_000);
        assert_eq!(usage.awake_ms(4_000), 3_000);
        usage.sleeps(5_000);
        usage.sleeps(6_000);
        usage.wakes(10_000);
        assert_eq!(usage.awake_ms(10_500), 4_500);
    }
}
