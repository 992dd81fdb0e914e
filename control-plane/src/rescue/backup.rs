//! `roost backup`: copies the platform, running or not.

use std::fmt;
use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use serde::Serialize;
use sqlx::{AnyConnection, Connection as _};
use tenant_runtime::host::{OfflineHost, TenantId};
use tokio::task::block_in_place;

use super::{
    CONTROL, Control, ControlKind, File, MANIFEST, Manifest, Missing, Place, Tenant, file_key, named_files, tenant_key,
};
use crate::backups::Stored;
use crate::clock;
use crate::config::Config;
use crate::failure::Failure;

/// Where copies wait until they are stored.
const FOLDER: &str = "copying";

/// What was copied, and what was not.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Copied {
    /// How many tenants, each restored aside and read back.
    pub tenants: usize,
    /// The bytes of their archives.
    pub bytes: u64,
    /// What keeps the control database.
    pub control: ControlKind,
    /// Tenants that could not be copied.
    pub missing: Vec<Missing>,
}

/// Copies the platform of these settings, and the file they are from. Every object is read back before it counts.
///
/// # Errors
/// When there is no platform, or the place cannot be used. A tenant that cannot be copied ends nothing.
pub async fn backup(config: &Config, settings: Option<&Path>, place: &Place) -> anyhow::Result<Copied> {
    let tenants = config.dir.join("tenants");
    ensure!(tenants.is_dir(), Failure::new("no_platform", format!("there is no platform in {}", config.dir.display())));
    place.refuse_used().await?;
    let mut copying = Copying { place, scratch: Scratch::begin(&config.dir)?, stored: Vec::new() };
    let host = OfflineHost::at(&tenants).context("open the tenants")?;
    let made = copying.all(config, settings, &host).await;
    if made.is_err() {
        for key in &copying.stored {
            place.forget(key).await;
        }
    }
    let manifest = made?;
    Ok(Copied {
        tenants: manifest.tenants.len(),
        bytes: manifest.tenants.iter().map(|tenant| tenant.content.bytes).sum(),
        control: manifest.control.kind(),
        missing: manifest.missing,
    })
}

impl Copied {
    /// Refuses to call a copy good that lacks a tenant.
    ///
    /// # Errors
    /// `incomplete`.
    pub fn refuse_incomplete(&self) -> anyhow::Result<()> {
        let (missing, all) = (self.missing.len(), self.missing.len() + self.tenants);
        let told = || Failure::new("incomplete", format!("{missing} of {all} tenants are not in the copy"));
        if missing == 0 { Ok(()) } else { Err(told().into()) }
    }
}

impl fmt::Display for Copied {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "Copied {} tenants of {} bytes, each restored aside and read back.", self.tenants, self.bytes)?;
        if self.control == ControlKind::Postgres {
            let dump = "keep a dump beside this copy, made with pg_dump before it.";
            writeln!(f, "The control database is PostgreSQL's: {dump}")?;
        }
        self.missing.iter().try_for_each(|tenant| writeln!(f, "Not copied: {}: {}", tenant.id, tenant.reason))
    }
}

struct Copying<'p> {
    place: &'p Place,
    scratch: Scratch,
    /// What is to be removed if the copy is given up.
    stored: Vec<String>,
}

impl Copying<'_> {
    /// The control database comes first: a tenant of a project that it does not know yet is left alone when it is
    /// restored, but a project whose tenant was forgotten would be missed.
    async fn all(&mut self, config: &Config, settings: Option<&Path>, host: &OfflineHost) -> anyhow::Result<Manifest> {
        let made_ms = clock::now_ms();
        let control = self.control(config).await.context("copy the control database")?;
        let files = self.files(config, settings).await?;
        let (mut tenants, mut missing) = (Vec::new(), Vec::new());
        let all = host.tenants().context("list the tenants")?;
        for (number, id) in all.iter().enumerate() {
            eprintln!("Tenant {id}, {} of {}", number + 1, all.len());
            match self.tenant(host, *id).await {
                Ok(tenant) => tenants.push(tenant),
                Err(_) if !host.has(*id) => eprintln!("It was removed meanwhile."),
                Err(Fault::Tenant(error)) => missing.push(Missing { id: id.to_string(), reason: format!("{error:#}") }),
                Err(Fault::Place(error)) => return Err(error),
            }
        }
        let manifest = Manifest {
            version: Manifest::VERSION,
            roost: env!("CARGO_PKG_VERSION").to_owned(),
            domain: config.domain.clone(),
            made_ms,
            control,
            files,
            tenants,
            missing,
        };
        self.stored.push(MANIFEST.to_owned());
        self.place.put_manifest(serde_json::to_vec_pretty(&manifest)?).await?;
        Ok(manifest)
    }

    async fn control(&mut self, config: &Config) -> anyhow::Result<Control> {
        let url = config.database_url();
        if !url.starts_with("sqlite:") {
            return Ok(Control::Postgres);
        }
        sqlx::any::install_default_drivers();
        // Not `Database::open`: whoever only copies brings nothing up to date.
        let mut db = AnyConnection::connect(&url.replace("mode=rwc", "mode=rw")).await?;
        let copy = self.scratch.file("control.db");
        sqlx::query("VACUUM INTO $1").bind(copy.to_string_lossy().into_owned()).execute(&mut db).await?;
        db.close().await?;
        let mut db = AnyConnection::connect(&format!("sqlite://{}?mode=rw", copy.display())).await?;
        let migration: i64 = sqlx::query_scalar("SELECT MAX(version) FROM _sqlx_migrations").fetch_one(&mut db).await?;
        db.close().await?;
        Ok(Control::Sqlite { migration, content: self.keep(CONTROL, &copy).await? })
    }

    async fn files(&mut self, config: &Config, settings: Option<&Path>) -> anyhow::Result<Vec<File>> {
        let settings = settings.map(std::path::absolute).transpose()?;
        let named = named_files(config)?.into_iter().map(|path| (path, false));
        let mut files = Vec::new();
        for (path, is_settings) in settings.map(|path| (path, true)).into_iter().chain(named) {
            let content = self.keep(&file_key(files.len()), &path).await;
            let content = content.with_context(|| format!("copy {}", path.display()))?;
            files.push(File { path, is_settings, content });
        }
        Ok(files)
    }

    async fn tenant(&mut self, host: &OfflineHost, id: TenantId) -> Result<Tenant, Fault> {
        let archive = self.scratch.file("tenant.zip");
        // This process does nothing else meanwhile.
        let copy = block_in_place(|| {
            remove_file(&archive)?;
            host.copy(id, &archive, &self.scratch.file("proof"))
        });
        let copy = copy.map_err(Fault::Tenant)?;
        let content = self.keep(&tenant_key(id.as_str()), &archive).await.map_err(Fault::Place)?;
        Ok(Tenant { record: copy.record, census: copy.census, content })
    }

    /// Stores a file and reads it back.
    async fn keep(&mut self, key: &str, file: &Path) -> anyhow::Result<Stored> {
        self.stored.push(key.to_owned());
        let stored = self.place.put(key, file).await?;
        self.place.fetch(key, &stored, None).await?;
        Ok(stored)
    }
}

/// What one tenant has no part in ends the whole copy.
enum Fault {
    Tenant(anyhow::Error),
    Place(anyhow::Error),
}

/// The folder in the platform's directory for what is not stored yet. The lock on it ends with the process.
struct Scratch {
    path: PathBuf,
    _lock: fs::File,
}

impl Scratch {
    fn begin(dir: &Path) -> anyhow::Result<Scratch> {
        let path = dir.join(FOLDER);
        let make = || DirBuilder::new().recursive(true).mode(0o700).create(&path);
        make().with_context(|| format!("create {}", path.display()))?;
        let lock = fs::File::open(&path)?;
        lock.try_lock().map_err(|_| anyhow::anyhow!("another copy of this platform is being made"))?;
        for entry in fs::read_dir(&path)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() { fs::remove_dir_all(entry.path())? } else { fs::remove_file(entry.path())? }
        }
        Ok(Scratch { path, _lock: lock })
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!("{} is left: {error}", self.path.display());
        }
    }
}

fn remove_file(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
