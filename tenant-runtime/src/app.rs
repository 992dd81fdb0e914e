//! One open backend: its database, schema and hooks. What PocketBase calls `app`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use anyhow::Context;
use arc_swap::ArcSwap;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::auth::{self, Hasher, TenantHasher, Throttle, oauth2};
use crate::backups::{self, Backups};
use crate::cron::{self, Crons};
use crate::error::{Error, Result};
use crate::files::storage::{Storage, Storages};
use crate::files::thumbs::Thumbs;
use crate::files::{self, Undecided};
use crate::hooks::Hooks;
use crate::http::cors::Origins;
use crate::logs::Logs;
use crate::mail::{Mail, MailError, Mailer, Outbox};
use crate::meter::Meter;
use crate::outbound::Outbound;
use crate::rate_limit::Windows;
use crate::realtime::{self, Broker};
use crate::records::counts::Counts;
use crate::schema::layout::Opened;
use crate::schema::{self, Schema};
use crate::settings::{EncryptionKey, Settings};
use crate::store::{Pool, Store, Tx};

/// A handle to an open backend; clones share it.
#[derive(Clone)]
pub struct App(Arc<Inner>);

/// A handle that does not keep the backend open.
#[derive(Clone)]
pub struct WeakApp(Weak<Inner>);

/// How to open a backend.
#[derive(Clone)]
pub struct AppOptions {
    /// Where blocking work runs; shared by all backends of a process.
    pub pool: Pool,
    /// Where passwords are hashed; shared likewise.
    pub hasher: Hasher,
    /// Where files are looked after; shared likewise.
    pub file_threads: files::Threads,
    /// How servers that a tenant names are reached.
    pub outbound: Outbound,
    /// What it is to pages in browsers.
    pub site: Site,
    /// Hides the settings from whoever only has the file.
    pub encryption_key: Option<EncryptionKey>,
    /// Takes mail while the tenant has no server of its own; without it such mail is not sent.
    pub outbox: Option<Arc<dyn Outbox>>,
    /// Name and address a new data directory's settings begin with.
    pub identity: Option<Identity>,
    /// What it uses, and how much it may.
    pub meter: Meter,
}

impl AppOptions {
    /// A backend that stands alone.
    pub fn alone(pool: Pool, hasher: Hasher) -> AppOptions {
        let (outbound, site) = (Outbound::anywhere(), Site::default());
        let file_threads = files::Threads::for_this_machine();
        AppOptions {
            pool,
            hasher,
            file_threads,
            outbound,
            site,
            encryption_key: None,
            outbox: None,
            identity: None,
            meter: Meter::default(),
        }
    }
}

/// What a backend is to pages in browsers.
#[derive(Clone, Debug, Default)]
pub struct Site {
    /// Whose pages may read its answers.
    pub origins: Origins,
    /// The folder of pages of its own.
    pub public_dir: Option<PathBuf>,
    /// Whether its first page answers for paths that are not there, as pages that route by themselves want it.
    pub index_fallback: bool,
}

/// What a new backend is called and where it is reached.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The application's name in mails.
    pub app_name: String,
    /// The address clients use, without a slash at the end.
    pub app_url: String,
}

/// Why a data directory could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process serves it.
    #[error("the data directory is in use by another process")]
    InUse,
    /// The database cannot be read.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// It answers with more than there is time for, as no data of ours does.
    #[error("the database takes too long to answer")]
    Endless,
    /// Made by a version whose layout is unknown here.
    #[error("the data directory cannot be opened: {0}")]
    Foreign(String),
    /// Anything else.
    #[error("{0:#}")]
    Other(#[from] anyhow::Error),
}

struct Inner {
    dir: PathBuf,
    options: AppOptions,
    store: Store,
    schema: ArcSwap<Schema>,
    settings: ArcSwap<Settings>,
    hooks: Hooks,
    hasher: TenantHasher,
    storages: Storages,
    thumbs: Thumbs,
    realtime: Arc<Broker>,
    counts: Counts,
    rate_windows: Windows,
    logs: Arc<Logs>,
    crons: Crons,
    backups: Arc<Backups>,
    /// Work that goes on without a request.
    tasks: TaskTracker,
    closing: CancellationToken,
    reopening: CancellationToken,
    mailer: Mailer,
    throttle: Throttle,
    oauth2: oauth2::Memory,
    /// Held as long as the directory is served; the system lets go of it with the process.
    lock: File,
}

impl App {
    /// Opens a data directory, creating it if it is absent. Blocks for about half a millisecond.
    pub fn open(dir: &Path, options: AppOptions) -> Result<App, OpenError> {
        std::fs::create_dir_all(dir).with_context(|| format!("create {}", dir.display()))?;
        let lock = lock(dir)?;
        backups::finish_restore(dir).with_context(|| format!("finish the restore of {}", dir.display()))?;
        let path = dir.join("data.db");
        let crons = Crons::new(&path);
        let Opened { db, collections, settings } =
            schema::layout::open(dir, options.identity.as_ref(), options.encryption_key.as_ref())?;
        let undecided = Undecided::left_in(dir);
        let store = Store::new(&path, db, &options.pool, &options.meter).map_err(OpenError::from_store)?;
        let logs = Logs::new(dir, &options.pool, &options.meter, &settings.logs);
        let mut hooks = Hooks::default();
        auth::records::bind(&mut hooks);
        auth::references::bind(&mut hooks);
        files::bind(&mut hooks);
        realtime::bind(&mut hooks);
        let storages = Storages::new(dir, &options.file_threads, &options.outbound, &options.meter.storage);
        let app = App(Arc::new(Inner {
            dir: dir.to_owned(),
            store,
            schema: ArcSwap::from_pointee(Schema::new(collections.into_iter().map(Arc::new).collect())),
            settings: ArcSwap::from_pointee(settings),
            hooks,
            hasher: options.hasher.for_tenant(),
            thumbs: Thumbs::new(&storages, &options.file_threads),
            storages,
            realtime: Arc::default(),
            counts: Counts::default(),
            rate_windows: Windows::default(),
            logs,
            crons,
            backups: Arc::default(),
            tasks: TaskTracker::new(),
            closing: CancellationToken::new(),
            reopening: CancellationToken::new(),
            mailer: Mailer::new(options.outbound.clone(), options.outbox.clone()),
            throttle: Throttle::default(),
            oauth2: oauth2::Memory::default(),
            options,
            lock,
        }));
        undecided.settle(&app);
        Ok(app)
    }

    /// The data directory.
    pub fn dir(&self) -> &Path {
        &self.0.dir
    }

    /// The database.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// The pool for blocking work.
    pub fn pool(&self) -> &Pool {
        &self.0.options.pool
    }

    /// What the backend uses, and how much it may.
    pub fn meter(&self) -> &Meter {
        &self.0.options.meter
    }

    /// The pool for password hashes.
    pub fn hasher(&self) -> &TenantHasher {
        &self.0.hasher
    }

    /// The way to servers that a tenant names.
    pub fn outbound(&self) -> &Outbound {
        &self.0.options.outbound
    }

    /// Where files may be kept.
    pub fn storages(&self) -> &Storages {
        &self.0.storages
    }

    /// Where files are kept, as the settings say.
    ///
    /// # Errors
    /// When the settings describe no bucket.
    pub fn storage(&self) -> Result<Storage> {
        self.0.storages.current(&self.settings().s3)
    }

    /// Small copies of images.
    pub fn thumbs(&self) -> &Thumbs {
        &self.0.thumbs
    }

    /// All collections as last committed.
    pub fn schema(&self) -> Arc<Schema> {
        self.0.schema.load_full()
    }

    /// Publishes the collections of a committed change.
    pub fn set_schema(&self, schema: Schema) {
        self.0.schema.store(Arc::new(schema));
    }

    /// The settings as last committed.
    pub fn settings(&self) -> Arc<Settings> {
        self.0.settings.load_full()
    }

    /// Writes settings and publishes them once they are committed.
    pub fn save_settings(&self, tx: &mut Tx, settings: Settings) -> Result<()> {
        settings.save(tx, self.encryption_key())?;
        let app = self.clone();
        tx.after_commit(move || app.set_settings(settings));
        Ok(())
    }

    /// Takes over settings that the command line changed meanwhile.
    pub async fn reload_settings(&self) -> Result<()> {
        let app = self.clone();
        // In the writer's order, so that nothing older is published after something newer.
        self.0
            .store
            .write(move |tx| {
                let settings = Settings::load(tx, app.encryption_key())?;
                if settings != *app.settings() {
                    tx.after_commit(move || app.set_settings(settings));
                }
                Ok(())
            })
            .await
    }

    /// Hides the settings on disk, if there is one.
    pub fn encryption_key(&self) -> Option<&EncryptionKey> {
        self.0.options.encryption_key.as_ref()
    }

    /// Publishes committed settings. Who used up a rate limit begins anew.
    pub fn set_settings(&self, settings: Settings) {
        self.0.logs.set_wanted(&settings.logs);
        self.0.settings.store(Arc::new(settings));
        self.0.crons.set_changed();
        self.0.rate_windows.clear();
    }

    /// What rate limits counted.
    pub fn rate_windows(&self) -> &Windows {
        &self.0.rate_windows
    }

    /// What the backend is to pages in browsers.
    pub fn site(&self) -> &Site {
        &self.0.options.site
    }

    /// The way for mail that nobody waits for.
    pub fn mailer(&self) -> &Mailer {
        &self.0.mailer
    }

    /// Sends a mail as the settings say and waits until it is on its way.
    pub async fn send(&self, mail: &Mail) -> Result<(), MailError> {
        self.0.mailer.send(&self.settings().smtp, mail).await
    }

    /// What happened too often lately.
    pub fn throttle(&self) -> &Throttle {
        &self.0.throttle
    }

    /// The realtime clients.
    pub fn realtime(&self) -> &Arc<Broker> {
        &self.0.realtime
    }

    /// What is remembered of sign-ins through other services.
    pub fn oauth2(&self) -> &oauth2::Memory {
        &self.0.oauth2
    }

    /// What lists have in all.
    pub fn counts(&self) -> &Counts {
        &self.0.counts
    }

    /// What happened.
    pub fn logs(&self) -> &Arc<Logs> {
        &self.0.logs
    }

    /// What is due when.
    pub fn crons(&self) -> &Crons {
        &self.0.crons
    }

    /// What is being done about backups.
    pub fn backups(&self) -> &Arc<Backups> {
        &self.0.backups
    }

    /// The handlers.
    pub fn hooks(&self) -> &Hooks {
        &self.0.hooks
    }

    /// The API of this backend, ready to be called.
    pub fn router(&self) -> axum::Router {
        crate::http::router(self)
    }

    /// Begins to see to what is due without a request. To be called within a tokio runtime by whoever serves the backend.
    pub fn keep_time(&self) {
        tokio::spawn(cron::keep(self.downgrade(), self.0.closing.clone()));
    }

    /// Runs work that nobody needs to wait for. The backend is not closed before it ends.
    pub fn spawn<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.0.tasks.spawn(work)
    }

    /// Whether any such work is under way.
    pub fn is_at_work(&self) -> bool {
        !self.0.tasks.is_empty()
    }

    /// Whether work that takes long should stop.
    pub fn is_closing(&self) -> bool {
        self.0.closing.is_cancelled()
    }

    /// Says that the backend should be closed and opened again, as other data is to take the place of the present.
    pub fn ask_to_be_reopened(&self) {
        self.0.reopening.cancel();
    }

    /// Cancelled once the backend asks to be reopened.
    pub fn reopening(&self) -> &CancellationToken {
        &self.0.reopening
    }

    /// A handle that does not keep the backend open.
    pub fn downgrade(&self) -> WeakApp {
        WeakApp(Arc::downgrade(&self.0))
    }

    /// Gives back what memory can be given back without closing.
    pub async fn rest(&self) {
        self.0.counts.clear();
        if let Err(error) = self.0.store.rest().await {
            tracing::debug!("failed to rest: {error}");
        }
        self.0.logs.rest().await;
    }

    /// Ends streams, sends what mail is under way, finishes queued writes, moves the log into the database and closes it.
    pub async fn close(&self) -> Result<()> {
        self.0.realtime.close();
        self.0.closing.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
        self.0.mailer.close().await;
        let closed = self.0.store.close().await;
        if let Err(error) = self.0.logs.close().await {
            tracing::warn!("failed to close the logs: {error}");
        }
        // A handle that somebody still holds must not keep the next one out.
        if let Err(error) = self.0.lock.unlock() {
            tracing::warn!("failed to unlock {}: {error}", self.0.dir.display());
        }
        closed
    }
}

impl WeakApp {
    /// The backend, unless it is gone.
    pub fn upgrade(&self) -> Option<App> {
        self.0.upgrade().map(App)
    }
}

impl OpenError {
    /// Tells a damaged file from other failures of the database.
    pub fn from_sqlite(error: rusqlite::Error) -> OpenError {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase, OperationInterrupted};
        match error.sqlite_error_code() {
            Some(DatabaseCorrupt | NotADatabase) => OpenError::Damaged(error.to_string()),
            Some(OperationInterrupted) => OpenError::Endless,
            _ => OpenError::Other(anyhow::Error::new(error)),
        }
    }

    /// Whether it says nothing of the data: there was no room on the disk to look.
    pub fn is_disk_full(&self) -> bool {
        let OpenError::Other(cause) = self else { return false };
        let of_database = cause.downcast_ref::<rusqlite::Error>().and_then(rusqlite::Error::sqlite_error_code);
        let of_file = cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind);
        of_database == Some(rusqlite::ErrorCode::DiskFull) || of_file == Some(std::io::ErrorKind::StorageFull)
    }

    /// The same for an error of the engine.
    pub fn from_store(error: Error) -> OpenError {
        match error {
            Error::Sqlite(cause) => OpenError::from_sqlite(cause),
            Error::Internal(cause) => OpenError::Other(cause),
            other => OpenError::Other(anyhow::anyhow!("{other}")),
        }
    }
}

/// Locks the directory itself, so that no file of ours stands among the data.
pub(crate) fn lock(dir: &Path) -> Result<File, OpenError> {
    let handle = File::open(dir).with_context(|| format!("open {}", dir.display()))?;
    match handle.try_lock() {
        Ok(()) => Ok(handle),
        Err(std::fs::TryLockError::WouldBlock) => Err(OpenError::InUse),
        Err(std::fs::TryLockError::Error(error)) => Err(anyhow::Error::new(error).context("lock the directory").into()),
    }
}
