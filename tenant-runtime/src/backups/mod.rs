//! Backups of one backend: a zip of its data directory, made while it is written to, and put back whole.
//!
//! One thing at a time: while a backup is made or restored no other is. What is made or taken apart lies in the folder
//! for temporary files until it is complete, so that a crash leaves nothing that looks like a backup.

mod archive;
mod bounds;
mod census;
pub mod offline;
mod paced;
mod place;
mod proof;
mod swap;
mod unpack;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use http::StatusCode;
use tokio::sync::Semaphore;

use crate::app::App;
use crate::error::{ApiError, Error, Result};
use crate::files::disk::size_of_entries;
use crate::files::names::snake_case;
use crate::files::storage::{About, ByteStream};
use crate::files::{TEMPORARY, Upload};
use crate::logs;
use crate::meter::Claim;
use crate::records::pattern::random_id;
use crate::settings::Settings;

use archive::{TooMany, write as write_archive};
use place::Place;

pub use bounds::{Bounds, check_room};
pub use census::{Census, Files};
pub use place::{Key, Stored};
pub use proof::{Proof, prove};
pub use swap::{finish as finish_restore, is_unfinished as is_restore_unfinished};
pub use unpack::Unfit;

/// The folders of a data directory that backups and restores fill.
pub const FOLDERS: [&str; 2] = ["backups", swap::HOME];
/// What a restore leaves where it is.
const KEPT: &[&str] = &["backups", TEMPORARY, swap::HOME, ".autocert_cache", "lost+found"];
/// What is no part of a backup.
const NOT_ARCHIVED: &[&str] = &["backups", TEMPORARY, swap::HOME, ".autocert_cache", "lost+found", ".notify"];
/// Archives of all backends of this process that are made at once: at midnight many are due.
static AT_ONCE: Semaphore = Semaphore::const_new(2);
/// What the names of scheduled backups begin with.
const AUTOMATIC: &str = "@auto_pb_backup_";
const LONGEST_NAME: usize = 50;

/// What is being done about the backups of one backend.
#[derive(Default)]
pub struct Backups {
    /// The backup being made or restored.
    busy: Mutex<Option<Key>>,
}

/// Keeps everybody else from making or restoring a backup while it lives.
struct Busy(Arc<Backups>);

impl Backups {
    /// The backup being made or restored at this moment.
    pub fn in_use(&self) -> Option<Key> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn begin(self: &Arc<Self>, key: &Key) -> Result<Busy> {
        let mut busy = self.busy.lock().unwrap_or_else(PoisonError::into_inner);
        if busy.is_some() {
            let message = "Try again later - another backup/restore process has already been started.";
            return Err(ApiError::bad_request(message).into());
        }
        *busy = Some(key.clone());
        Ok(Busy(Arc::clone(self)))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// All backups.
pub async fn list(app: &App) -> Result<Vec<Stored>> {
    Place::of(app)?.list(app.pool()).await
}

/// Whether there is a backup of that name.
pub async fn exists(app: &App, key: &Key) -> Result<bool> {
    match about(app, key).await {
        Ok(_) => Ok(true),
        Err(error) if error.to_api().status == StatusCode::NOT_FOUND => Ok(false),
        Err(error) => Err(error),
    }
}

/// What is known of a backup.
///
/// # Errors
/// One that answers 404 when there is none.
pub async fn about(app: &App, key: &Key) -> Result<About> {
    Place::of(app)?.about(app.pool(), key).await
}

/// So many bytes of a backup.
pub async fn part(app: &App, key: &Key, start: u64, length: u64) -> Result<ByteStream> {
    Place::of(app)?.part(key, start, length).await
}

/// The name of a backup nobody named.
pub fn default_key(app: &App, now: DateTime<Utc>) -> Result<Key> {
    key_for(&app.settings(), "pb_backup_", now)
}

/// Makes a backup. It goes on to its end even if whoever asked for it does not wait.
///
/// # Errors
/// 400 while another is made or restored.
pub async fn create(app: &App, key: Key) -> Result<()> {
    let busy = app.backups().begin(&key)?;
    let owner = app.clone();
    let making = app.spawn(async move {
        let _busy = busy;
        make(&owner, key).await
    });
    making.await.map_err(|error| Error::Internal(anyhow!(error).context("make a backup")))?
}

/// Makes a scheduled backup and removes those that are too many.
pub async fn create_automatic(app: &App) -> Result<()> {
    create(app, key_for(&app.settings(), AUTOMATIC, Utc::now())?).await?;
    let keep = usize::try_from(app.settings().backups.cron_max_keep).unwrap_or(usize::MAX);
    let mut automatic = list(app).await?;
    automatic.retain(|backup| backup.key.starts_with(AUTOMATIC));
    automatic.sort_by_key(|backup| std::cmp::Reverse(backup.modified));
    for old in automatic.iter().skip(keep).filter_map(|backup| Key::parse(&backup.key)) {
        discard(app, &old).await?;
    }
    Ok(())
}

/// When the newest scheduled backup was made.
pub async fn newest_automatic(app: &App) -> Option<DateTime<Utc>> {
    let backups = list(app).await.ok()?;
    let automatic = backups.into_iter().filter(|backup| backup.key.starts_with(AUTOMATIC));
    automatic.map(|backup| backup.modified).max()
}

/// Takes in a backup made elsewhere.
///
/// # Errors
/// Why it could not be restored, if so: then nothing of it is kept.
pub async fn take_in(app: &App, key: Key, upload: Upload) -> Result<(), Failure> {
    let (scratch, owner, checked) = (Scratch::new(app.dir()), app.clone(), upload.clone());
    let work = move || unpack::check(checked.path(), &scratch.0, owner.encryption_key(), &bounds(&owner));
    app.pool().run(work).await??;
    let place = Place::of(app)?;
    place.put(app.pool(), &key, upload.path().to_owned()).await?;
    if place.is_beside_data() {
        upload.stays();
    }
    Ok(())
}

/// Why an archive is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// It is none that could be restored.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// Anything else.
    #[error(transparent)]
    Engine(#[from] Error),
}

/// Removes a backup.
///
/// # Errors
/// 400 while it is made or restored, and when there is none.
pub async fn remove(app: &App, key: Key) -> Result<()> {
    if app.backups().in_use().as_ref() == Some(&key) {
        return Err(ApiError::bad_request("The backup is currently being used and cannot be deleted.").into());
    }
    discard(app, &key).await.map_err(|error| {
        let message = format!("Invalid or already deleted backup file. Raw error: \n{error}");
        ApiError::bad_request(&message).because(&error).into()
    })
}

async fn discard(app: &App, key: &Key) -> Result<()> {
    let place = Place::of(app)?;
    let size = if place.is_beside_data() { place.about(app.pool(), key).await?.size } else { 0 };
    place.remove(app.pool(), key).await?;
    app.meter().storage.give_back(size);
    Ok(())
}

/// Begins to restore a backup. Answers at once; when the new data is ready the backend asks to be reopened.
///
/// # Errors
/// 400 when there is no such backup, and while another is made or restored.
pub async fn restore(app: &App, key: Key) -> Result<()> {
    if !exists(app, &key).await? {
        return Err(ApiError::bad_request("Missing or invalid backup file.").into());
    }
    let busy = app.backups().begin(&key)?;
    let owner = app.clone();
    app.spawn(async move {
        match prepare_restore(&owner, key.clone()).await {
            Ok(()) => {
                tracing::info!("reopening to restore {}", key.as_str());
                owner.ask_to_be_reopened();
                // Nothing more may be made of data that is about to go.
                std::mem::forget(busy);
            }
            Err(error) => owner.logs().failed(&format!("The backup {} was not restored", key.as_str()), &error),
        }
    });
    Ok(())
}

/// Unpacks a backup beside the data and makes it wanted: whoever opens the directory next finds it in place.
async fn prepare_restore(app: &App, key: Key) -> Result<(), Failure> {
    let (scratch, owner) = (Scratch::new(app.dir()), app.clone());
    let archive = Place::of(app)?.copy(app.dir(), &key).await?;
    let _staying = app.storages().stay().await?;
    let work = move || -> Result<(), Failure> {
        unpack::unpack(archive.path(), &scratch.0, owner.encryption_key(), &bounds(&owner))?;
        check_room(owner.meter(), &scratch.0)?;
        swap::commit(owner.dir(), &scratch.0).map_err(Error::from)?;
        Ok(())
    };
    app.pool().run(work).await??;
    app.storages().stay_for_good();
    Ok(())
}

/// What an archive may bring a backend that is not about to close.
fn bounds(app: &App) -> Bounds {
    let owner = app.clone();
    Bounds::of(
        app.meter(),
        app.dir(),
        move || {
            if owner.is_closing() { Err(io::ErrorKind::Interrupted.into()) } else { Ok(()) }
        },
    )
}

const DATABASES: [&str; 2] = ["data.db", logs::FILE];

/// Whether that is the name of a database in a data directory, or of what SQLite keeps beside one.
pub fn is_database(name: &str) -> bool {
    let rest = DATABASES.iter().find_map(|database| name.strip_prefix(database));
    rest.is_some_and(|rest| ["", "-wal", "-shm", "-journal"].contains(&rest))
}

/// The bytes of what a data directory holds beside its databases and what a restore leaves as it is: files of records, and
/// whatever else an archive brought.
pub fn size_beside_databases(dir: &Path) -> u64 {
    size_of_entries(dir, |name| !is_database(name) && !KEPT.contains(&name))
}

async fn make(app: &App, key: Key) -> Result<()> {
    let draft = Scratch::new(app.dir());
    fs::create_dir_all(app.dir().join(TEMPORARY))?;
    let owner = app.clone();
    let claim = Arc::new(Claim::on(&app.meter().storage));
    write(app, draft.0.clone(), "", Some(Arc::clone(&claim)), move || owner.is_closing()).await?;
    let place = Place::of(app)?;
    place.put(app.pool(), &key, draft.0.clone()).await?;
    if place.is_beside_data() {
        claim.keep();
    }
    Ok(())
}

/// An archive that was written, and what is in it.
pub struct Archived {
    /// What a restored copy has to hold.
    pub census: Census,
    /// Whether nobody wrote meanwhile: only then the counts are those of the copy to the last record.
    pub exact: bool,
}

/// Writes an archive that belongs to whoever keeps backups elsewhere, in a file that is not there yet. `owner` is noted in
/// it; `stop` ends it early.
///
/// # Errors
/// 400 while a backup is made or restored.
pub async fn archive(
    app: &App,
    key: Key,
    target: PathBuf,
    owner: &str,
    stop: impl Fn() -> bool + Send + 'static,
) -> Result<Archived> {
    let _busy = app.backups().begin(&key)?;
    write(app, target, owner, None, stop).await
}

async fn write(
    app: &App,
    target: PathBuf,
    owner: &str,
    claim: Option<Arc<Claim>>,
    stop: impl Fn() -> bool + Send + 'static,
) -> Result<Archived> {
    let _turn = AT_ONCE.acquire().await.map_err(anyhow::Error::new)?;
    // Files whose records are pinned must not go before they are in the archive.
    let staying = app.storages().stay().await?;
    let logs = app.logs().database().await;
    let logs = logs.inspect_err(|error| tracing::warn!("a backup is made without logs: {error}")).ok();
    // The guard keeps the logs from being closed while they are pinned.
    let log_store = logs.as_deref().cloned();
    let (app, owner) = (app.clone(), owner.to_owned());
    let pool = app.pool().clone();
    let written = pool.run(move || -> Result<Archived> {
        let before = app.store().version();
        let mut databases = vec![(DATABASES[0], app.store().pin()?)];
        let records = databases[0].1.read(|db| census::records(db, || false))?;
        if let Some(logs) = log_store {
            databases.push((DATABASES[1], logs.pin()?));
        }
        let file = File::create_new(&target)?;
        let files = write_archive(app.dir(), &databases, file, &owner, claim.as_deref(), &stop).map_err(of_archive)?;
        Ok(Archived { census: Census { records, files }, exact: app.store().version() == before })
    });
    let written = written.await;
    drop((logs, staying));
    written?
}

/// What has too many files is no failure of the disk.
fn of_archive(error: io::Error) -> Error {
    if !error.get_ref().is_some_and(|cause| cause.is::<TooMany>()) {
        return error.into();
    }
    let message = "There are more files than a backup may hold that can be restored.";
    ApiError::coded(StatusCode::UNPROCESSABLE_ENTITY, "too_many_files", message).into()
}

/// The name of a backup of that moment.
fn key_for(settings: &Settings, prefix: &str, now: DateTime<Utc>) -> Result<Key> {
    let mut name = snake_case(&settings.meta.app_name);
    name.truncate(LONGEST_NAME);
    let key = Key::parse(&format!("{prefix}{name}_{}.zip", now.format("%Y%m%d%H%M%S")));
    key.ok_or_else(|| Error::Internal(anyhow!("the application's name makes no name of a file")))
}

fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// A file or folder among the temporary ones that goes with this value.
struct Scratch(PathBuf);

impl Scratch {
    fn new(dir: &Path) -> Scratch {
        Scratch(dir.join(TEMPORARY).join(format!("backup_{}", random_id(20))))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let removed = match self.0.symlink_metadata() {
            Err(_) => Ok(()),
            Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(&self.0),
            Ok(_) => fs::remove_file(&self.0),
        };
        if let Err(error) = removed {
            tracing::warn!("failed to remove what is left of a backup: {error}");
        }
    }
}
