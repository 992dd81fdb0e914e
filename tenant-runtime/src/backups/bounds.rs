//! What holds while an archive is restored: how much may come out of it, and why to go on no longer.

use std::io;
use std::panic::{AssertUnwindSafe, RefUnwindSafe};
use std::path::Path;
use std::sync::Arc;

use super::{DATABASES, Unfit, size_beside_databases};
use crate::app::OpenError;
use crate::meter::Meter;
use crate::store;

/// What SQLite keeps beside the databases, and what a plan does not count.
const OTHERS: u64 = 64 << 20;

type Ask = dyn Fn() -> io::Result<()> + Send + Sync;

/// The bounds of one restore; clones share them.
#[derive(Clone)]
pub struct Bounds {
    pub(super) most: u64,
    pub(super) ask: Arc<Ask>,
}

impl Bounds {
    /// None but those every archive has.
    pub fn none() -> Bounds {
        Bounds { most: u64::MAX, ask: Arc::new(|| Ok(())) }
    }

    /// As much may come out as its owner may have, or has now in the directory `data`, with a log as long as the database.
    /// `ask` is asked again and again while it lasts, and its error ends it.
    pub fn of(meter: &Meter, data: &Path, ask: impl Fn() -> io::Result<()> + Send + Sync + 'static) -> Bounds {
        let database = meter.database.most().max(DATABASES.iter().map(|name| size(&data.join(name))).sum());
        let storage = meter.storage.most().max(size_beside_databases(data));
        let most = database.saturating_mul(2).saturating_add(storage).saturating_add(OTHERS);
        Bounds { most, ask: Arc::new(ask) }
    }

    /// Whether it may go on.
    pub(super) fn check(&self) -> io::Result<()> {
        (self.ask)()
    }

    /// For SQLite, which only wants to know whether to stop.
    pub(super) fn stop(&self) -> impl Fn() -> bool + Send + RefUnwindSafe + 'static {
        // It only reads, so nothing is half done when somebody panics.
        let ask = AssertUnwindSafe(Arc::clone(&self.ask));
        move || (*ask)().is_err()
    }
}

/// Refuses restored data that is larger than its owner may have, unless it has as much now. Pages that are free for reuse
/// do not count, as they do not in use. Blocks.
///
/// # Errors
/// `TooLarge`.
pub fn check_room(meter: &Meter, restored: &Path) -> Result<(), Unfit> {
    let database = store::in_use(&restored.join(DATABASES[0])).map_err(OpenError::from_store)?;
    let files = size_beside_databases(restored);
    for (size, quota) in [(database, &meter.database), (files, &meter.storage)] {
        if size > quota.most().max(quota.used()) {
            return Err(Unfit::TooLarge(quota.most()));
        }
    }
    Ok(())
}

fn size(file: &Path) -> u64 {
    file.metadata().map_or(0, |file| file.len())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_is_restored_fits_the_plan_or_is_no_more_than_there_was() {
        let dir = tempfile::tempdir().expect("a directory");
        let db = store::open_exclusive(&dir.path().join("data.db")).expect("opens");
        let fill = "CREATE TABLE t (n); CREATE TABLE gone (n); INSERT INTO t VALUES (zeroblob(20000));
            INSERT INTO gone SELECT zeroblob(200000)";
        db.execute_batch(fill).expect("fills");
        db.execute_batch("DROP TABLE gone").expect("drops");
        drop(db);
        let used = store::in_use(&dir.path().join("data.db")).expect("measures");
        assert!((20_000..200_000).contains(&used), "{used} bytes without those that are free");
        fs::create_dir(dir.path().join("storage")).expect("makes a folder");
        fs::write(dir.path().join("storage/cat.png"), [0; 20]).expect("writes");
        fs::write(dir.path().join("attic"), [0; 10]).expect("writes");
        let meter = Meter::default();
        assert!(check_room(&meter, dir.path()).is_ok(), "without bounds all fits");
        for (database, storage, fits) in [(used, 30, true), (used - 1, 30, false), (used, 29, false)] {
            meter.bound(database, storage);
            assert_eq!(check_room(&meter, dir.path()).is_ok(), fits, "{database} {storage}");
        }
        meter.storage.set_used(30);
        assert!(check_room(&meter, dir.path()).is_ok(), "it has as much now");
    }

    #[test]
    fn as_much_comes_out_as_its_owner_may_have_or_has() {
        let dir = tempfile::tempdir().expect("a directory");
        let meter = Meter::default();
        let most = |meter: &Meter| Bounds::of(meter, dir.path(), || Ok(())).most;
        assert_eq!(most(&meter), u64::MAX);
        meter.bound(1000, 50);
        assert_eq!(most(&meter), 2050 + OTHERS);
        fs::write(dir.path().join("data.db"), [0; 3000]).expect("writes");
        assert_eq!(most(&meter), 6050 + OTHERS, "free pages of the present database are copied, too");
    }
}
