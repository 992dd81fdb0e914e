//! Backups of one backend: a zip of its data directory, made while it is written to, and put back whole.
//!
//! One thing at a time: while a backup is made or restored no other is. What is made or taken apart lies in the folder
//! for temporary files until it is complete, so that a crash leaves nothing that looks like a backup.

mod archive;
pub mod offline;
mod place;
mod swap;
mod unpack;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use tokio::sync::Semaphore;

use crate::app::App;
use crate::error::{ApiError, Error, Result};
use crate::files::names::snake_case;
use crate::files::{TEMPORARY, Upload};
use crate::logs;
use crate::records::pattern::random_id;
use crate::settings::Settings;

pub use place::{Key, Stored};
pub use swap::{finish as finish_restore, is_unfinished as is_restore_unfinished};
pub use unpack::Unfit;

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
    on_disk(app, place::list).await
}

/// Whether there is a backup of that name.
pub async fn exists(app: &App, key: &Key) -> Result<bool> {
    let key = key.clone();
    on_disk(app, move |dir| Ok(place::path(dir, &key).is_file())).await
}

/// Where the bytes of a backup are.
pub fn path(app: &App, key: &Key) -> PathBuf {
    place::path(app.dir(), key)
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
        on_disk(app, move |dir| place::remove(dir, &old)).await?;
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
pub async fn take_in(app: &App, key: Key, upload: Upload) -> Result<(), UploadError> {
    let scratch = Scratch::new(app.dir());
    app.pool()
        .run({
            let app = app.clone();
            move || {
                unpack::check(upload.path(), &scratch.0, app.encryption_key())?;
                Ok(place::put(app.dir(), &key, upload.path())?)
            }
        })
        .await?
}

/// Why an upload is not kept.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// It is none that could be restored.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// Anything else.
    #[error(transparent)]
    Engine(#[from] Error),
}

impl From<io::Error> for UploadError {
    fn from(error: io::Error) -> UploadError {
        UploadError::Engine(error.into())
    }
}

/// Removes a backup.
///
/// # Errors
/// 400 while it is made or restored, and when there is none.
pub async fn remove(app: &App, key: Key) -> Result<()> {
    if app.backups().in_use().as_ref() == Some(&key) {
        return Err(ApiError::bad_request("The backup is currently being used and cannot be deleted.").into());
    }
    let removed = on_disk(app, move |dir| place::remove(dir, &key)).await;
    removed.map_err(|error| {
        let message = format!("Invalid or already deleted backup file. Raw error: \n{error}");
        ApiError::bad_request(&message).because(&error).into()
    })
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
async fn prepare_restore(app: &App, key: Key) -> Result<(), UploadError> {
    let scratch = Scratch::new(app.dir());
    let owner = app.clone();
    app.pool()
        .run(move || {
            let dir = owner.dir();
            unpack::unpack(&place::path(dir, &key), &scratch.0, owner.encryption_key())?;
            Ok(swap::commit(dir, &scratch.0)?)
        })
        .await?
}

const DATABASES: [&str; 2] = ["data.db", logs::FILE];

async fn make(app: &App, key: Key) -> Result<()> {
    let _turn = AT_ONCE.acquire().await.map_err(anyhow::Error::new)?;
    let draft = Scratch::new(app.dir());
    let logs = app.logs().database().await;
    let logs = logs.inspect_err(|error| tracing::warn!("a backup is made without logs: {error}")).ok();
    // The guard keeps the logs from being closed while they are pinned.
    let log_store = logs.as_deref().cloned();
    let owner = app.clone();
    let made = app.pool().run(move || -> Result<()> {
        fs::create_dir_all(owner.dir().join(TEMPORARY))?;
        let mut databases = vec![(DATABASES[0], owner.store().pin()?)];
        if let Some(logs) = log_store {
            databases.push((DATABASES[1], logs.pin()?));
        }
        let file = File::create_new(&draft.0)?;
        archive::write(owner.dir(), &databases, file, &|| owner.is_closing())?;
        drop(databases);
        Ok(place::put(owner.dir(), &key, &draft.0)?)
    });
    let made = made.await;
    drop(logs);
    made?
}

/// The name of a backup of that moment.
fn key_for(settings: &Settings, prefix: &str, now: DateTime<Utc>) -> Result<Key> {
    let mut name = snake_case(&settings.meta.app_name);
    name.truncate(LONGEST_NAME);
    let key = Key::parse(&format!("{prefix}{name}_{}.zip", now.format("%Y%m%d%H%M%S")));
    key.ok_or_else(|| Error::Internal(anyhow!("the application's name makes no name of a file")))
}

async fn on_disk<T: Send + 'static>(
    app: &App,
    work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
) -> Result<T> {
    let owner = app.clone();
    Ok(app.pool().run(move || work(owner.dir())).await??)
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
