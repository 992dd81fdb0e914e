//! `roost restore`: builds the platform anew from a copy of it.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use serde::Serialize;
use sqlx::Row as _;
use tenant_runtime::host::{OfflineHost, TenantCopy};
use tokio::task::block_in_place;

use super::draft::Draft;
use super::{CONTROL, Control, ControlKind, Manifest, Missing, Place, file_key, named_files, tenant_key};
use crate::backups::{self, Target};
use crate::config::Config;
use crate::database::Database;
use crate::failure::Failure;

/// What was restored, and where.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Restored {
    /// How many tenants.
    pub tenants: usize,
    /// The directory to serve.
    pub dir: PathBuf,
    /// How long it took.
    pub seconds: f64,
    /// What keeps the control database.
    pub control: ControlKind,
    /// The settings and the files they name.
    pub files: Vec<PlacedFile>,
    /// Backups of projects that were on the old machine's disk alone: they are shown as failed.
    pub lost_backups: usize,
    /// Tenants that were not in the copy.
    pub missing: Vec<Missing>,
}

/// A file beside the tenants and the control database.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PlacedFile {
    /// As it was called on the old machine.
    pub name: PathBuf,
    /// Where it is now.
    pub path: PathBuf,
    /// Whether there was one already, which stays as it is.
    pub was_there: bool,
}

/// Restores a copy into a directory that is empty or absent. The settings go to `settings`, and what they name to where it
/// was; what is there already stays. Nothing else is written outside of the directory: whoever made the copy chose its
/// names, and this may run as root.
///
/// # Errors
/// When the copy is not whole, is of a newer Roost, or does not fit; then nothing can be served from the directory.
pub async fn restore(place: &Place, dir: &Path, settings: Option<&Path>) -> anyhow::Result<Restored> {
    let began = Instant::now();
    let manifest = read(place).await?;
    let draft = Draft::begin(dir)?;
    let tenants = OfflineHost::at(&draft.path.join("tenants")).context("make the directory of tenants")?;
    let archive = draft.path.join("tenant.zip");
    for (number, tenant) in manifest.tenants.iter().enumerate() {
        let id = tenant.record.spec.id;
        eprintln!("Tenant {id}, {} of {}", number + 1, manifest.tenants.len());
        place.fetch(&tenant_key(id.as_str()), &tenant.content, Some(&archive)).await?;
        let copy = TenantCopy { record: tenant.record.clone(), census: tenant.census.clone() };
        // This process does nothing else meanwhile.
        block_in_place(|| tenants.take_in(copy, &archive)).with_context(|| format!("restore tenant {id}"))?;
        fs::remove_file(&archive)?;
    }
    let (mut config, files) = place_files(place, &manifest, settings, &draft).await?;
    let mut lost_backups = 0;
    if let Control::Sqlite { content, .. } = &manifest.control {
        let control = draft.path.join(CONTROL);
        place.fetch(CONTROL, content, Some(&control)).await?;
        config.dir = dir.to_owned();
        let adapted = adapt(&control, &manifest, &config).await;
        lost_backups = adapted.context("bring the control database up to date")?;
    }
    draft.finish()?;
    Ok(Restored {
        tenants: manifest.tenants.len(),
        dir: dir.to_owned(),
        seconds: began.elapsed().as_secs_f64(),
        control: manifest.control.kind(),
        files,
        lost_backups,
        missing: manifest.missing,
    })
}

impl fmt::Display for Restored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.files.iter().try_for_each(|file| writeln!(f, "{file}"))?;
        let Restored { tenants, dir, seconds, lost_backups, .. } = self;
        writeln!(
            f,
            "Restored {tenants} tenants into {} in {seconds:.1} s. The old machine must not serve them any more.",
            dir.display()
        )?;
        if *lost_backups > 0 {
            writeln!(
                f,
                "{lost_backups} backups of projects were kept on the old machine's disk alone and are shown as failed."
            )?;
        }
        for missing in &self.missing {
            writeln!(f, "Tenant {} was not in the copy: {}", missing.id, missing.reason)?;
        }
        if self.control == ControlKind::Postgres {
            let load = "load your dump with pg_restore before `roost serve`.";
            writeln!(f, "The control database is PostgreSQL's: {load}")?;
        }
        Ok(())
    }
}

impl fmt::Display for PlacedFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match () {
            () if self.was_there => write!(f, "{path} is there already and stays as it is."),
            () if self.path == self.name => write!(f, "{path} is restored."),
            () => write!(f, "{}, as it was called, is restored as {path}.", self.name.display()),
        }
    }
}

async fn read(place: &Place) -> anyhow::Result<Manifest> {
    let text = place.read_manifest().await;
    let text = text.context(Failure::new("no_copy", "there is no complete copy of a platform"))?;
    let manifest: Manifest = serde_json::from_slice(&text).context("understand the list of what was copied")?;
    let (newest, made_by) = (Database::newest_migration(), &manifest.roost);
    let newer = match manifest.control {
        Control::Sqlite { migration, .. } => migration > newest,
        Control::Postgres => false,
    };
    if newer || manifest.version > Manifest::VERSION {
        let told = format!("the copy is of a newer Roost ({made_by}): restore it with that one or a later one");
        bail!(Failure::new("newer_copy", told));
    }
    Ok(manifest)
}

/// Puts the settings where they are wanted and what they name where it was, unless something is there, and all other files
/// aside. The settings, and what became of each.
async fn place_files(
    place: &Place,
    manifest: &Manifest,
    settings: Option<&Path>,
    draft: &Draft,
) -> anyhow::Result<(Config, Vec<PlacedFile>)> {
    let first = manifest.files.iter().position(|file| file.is_settings);
    let mut readable = settings.filter(|path| path.exists()).map(Path::to_owned);
    let mut placed = Vec::new();
    if let Some(number) = first {
        let (file, path) = place_file(place, manifest, number, settings, draft).await?;
        placed.push(file);
        readable = Some(path);
    }
    let config = Config::load(readable.as_deref()).context("read the restored settings")?;
    let named = named_files(&config)?;
    for (number, file) in manifest.files.iter().enumerate().filter(|(number, _)| Some(*number) != first) {
        let known = named.contains(&file.path).then_some(file.path.as_path());
        placed.push(place_file(place, manifest, number, known, draft).await?.0);
    }
    Ok((config, placed))
}

/// Puts a file to a path, or aside if it has none; what became of it, and where it can be read until all is done.
async fn place_file(
    place: &Place,
    manifest: &Manifest,
    number: usize,
    path: Option<&Path>,
    draft: &Draft,
) -> anyhow::Result<(PlacedFile, PathBuf)> {
    let file = &manifest.files[number];
    let scratch = draft.path.join("file");
    place.fetch(&file_key(number), &file.content, Some(&scratch)).await?;
    let (aside, later) = draft.aside(number, &file.path);
    let target = path.unwrap_or(&aside).to_owned();
    let was_there = target.exists();
    if !was_there {
        private_copy(&scratch, &target).with_context(|| format!("write {}", target.display()))?;
    }
    fs::remove_file(&scratch)?;
    let placed = PlacedFile { name: file.path.clone(), path: path.map_or(later, Path::to_owned), was_there };
    Ok((placed, target))
}

/// Writes a file only its owner reads, who is the owner of the folder it is in; its group, too, may read it.
fn private_copy(from: &Path, to: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
    let folder = to.parent().unwrap_or(Path::new("/"));
    fs::create_dir_all(folder)?;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o640).open(to)?;
    std::io::copy(&mut fs::File::open(from)?, &mut file)?;
    let owner = fs::metadata(folder)?;
    if owner.gid() != file.metadata()?.gid() {
        std::os::unix::fs::fchown(&file, None, Some(owner.gid()))?;
    }
    file.sync_all()
}

/// Makes the copy of the control database fit what came with it. How many backups are lost.
async fn adapt(control: &Path, manifest: &Manifest, config: &Config) -> anyhow::Result<usize> {
    let database = Database::open(&format!("sqlite://{}?mode=rw", control.display())).await?;
    let sound: String = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(database.write()).await?;
    ensure!(sound == "ok", "it is damaged: {sound}");
    // What was wished between its copy and the tenant's is wished again. Of a project whose tenant is missing nothing is:
    // it would begin an empty one.
    let mut tx = database.begin().await?;
    for tenant in &manifest.tenants {
        sqlx::query("UPDATE project SET applied = NULL WHERE id = $1")
            .bind(tenant.record.spec.id.as_str())
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    let lost = forget_lost_backups(&database, config).await?;
    database.close().await;
    Ok(lost)
}

/// Backups in a directory that did not come along are not green any more.
async fn forget_lost_backups(database: &Database, config: &Config) -> anyhow::Result<usize> {
    let Target::Directory(dir) = Target::of(config)? else { return Ok(0) };
    let proven = sqlx::query("SELECT id, project_id FROM backup WHERE state = 'proven'");
    let mut lost = 0;
    for row in proven.fetch_all(database.write()).await? {
        let (id, project): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        if !dir.join(backups::archive_key(&project, &id)).is_file() {
            let reason = "It was kept on the disk of a machine that is no more.";
            sqlx::query("UPDATE backup SET state = 'failed', reason = $1, told = 1 WHERE id = $2")
                .bind(reason)
                .bind(&id)
                .execute(database.write())
                .await?;
            lost += 1;
        }
    }
    Ok(lost)
}

#[cfg(test)]
mod tests {
    use super::super::File;
    use super::*;

    /// Restores settings that name a certificate, the certificate, and a file nobody named; what is where afterwards.
    async fn restored(with_settings: bool) -> Vec<String> {
        let dir = tempfile::tempdir().expect("a directory");
        let at = |name: &str| dir.path().join(name);
        let place = Place { target: Target::Directory(at("copy")), prefix: String::new() };
        let settings = format!("[tls]\ncertificate = {:?}\n", at("etc/cert.pem").display().to_string());
        let contents = [("etc/roost.toml", settings.as_str()), ("etc/cert.pem", "a"), ("etc/cron.d/job", "b")];
        let mut files = Vec::new();
        for (number, (name, text)) in contents.into_iter().enumerate() {
            fs::write(at("file"), text).expect("writes");
            let content = place.put(&file_key(number), &at("file")).await.expect("stores");
            files.push(File { path: at(name), is_settings: number == 0, content });
        }
        let manifest = Manifest {
            version: Manifest::VERSION,
            roost: String::new(),
            domain: String::new(),
            made_ms: 0,
            control: Control::Postgres,
            files,
            tenants: Vec::new(),
            missing: Vec::new(),
        };
        let draft = Draft::begin(&at("data")).expect("begins");
        let wanted = at("etc/wanted.toml");
        let (config, _) =
            place_files(&place, &manifest, with_settings.then_some(&*wanted), &draft).await.expect("restores");
        assert_eq!(config.tls.certificate, at("etc/cert.pem"));
        draft.finish().expect("finishes");
        let names = ["etc/roost.toml", "etc/wanted.toml", "etc/cert.pem", "etc/cron.d/job"].into_iter();
        let aside = ["data/restored-files/0-roost.toml", "data/restored-files/2-job"];
        names.chain(aside).filter(|name| at(name).exists()).map(str::to_owned).collect()
    }

    #[tokio::test]
    async fn only_the_settings_and_what_they_name_leave_the_directory() {
        assert_eq!(restored(true).await, ["etc/wanted.toml", "etc/cert.pem", "data/restored-files/2-job"]);
        let aside = ["etc/cert.pem", "data/restored-files/0-roost.toml", "data/restored-files/2-job"];
        assert_eq!(restored(false).await, aside, "nobody said where the settings belong");
    }
}
