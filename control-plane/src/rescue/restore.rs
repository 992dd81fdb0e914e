//! `roost restore`: builds the platform anew from a copy of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, bail, ensure};
use sqlx::Row as _;
use tenant_runtime::host::{OfflineHost, TenantCopy};
use tokio::task::block_in_place;

use super::draft::Draft;
use super::{CONTROL, Control, Manifest, Place, file_key, tenant_key};
use crate::backups::{self, Target};
use crate::config::Config;
use crate::database::Database;

/// Restores a copy into a directory that is empty or absent. The settings go to `settings`, or to where they were; what is
/// there already stays.
///
/// # Errors
/// When the copy is not whole, is of a newer Roost, or does not fit; then nothing can be served from the directory.
pub async fn restore(place: &Place, dir: &Path, settings: Option<&Path>) -> anyhow::Result<()> {
    let began = Instant::now();
    let manifest = read(place).await?;
    let draft = Draft::begin(dir)?;
    let tenants = OfflineHost::at(&draft.path.join("tenants")).context("make the directory of tenants")?;
    let archive = draft.path.join("tenant.zip");
    for (number, tenant) in manifest.tenants.iter().enumerate() {
        let id = tenant.record.spec.id;
        println!("Tenant {id}, {} of {}", number + 1, manifest.tenants.len());
        place.fetch(&tenant_key(id.as_str()), &tenant.content, Some(&archive)).await?;
        let copy = TenantCopy { record: tenant.record.clone(), census: tenant.census.clone() };
        // This process does nothing else meanwhile.
        block_in_place(|| tenants.take_in(copy, &archive)).with_context(|| format!("restore tenant {id}"))?;
        fs::remove_file(&archive)?;
    }
    let placed = place_files(place, &manifest, settings, &draft.path).await?;
    if let Control::Sqlite { content, .. } = &manifest.control {
        let control = draft.path.join(CONTROL);
        place.fetch(CONTROL, content, Some(&control)).await?;
        let mut config = Config::load(placed.as_deref()).context("read the restored settings")?;
        config.dir = dir.to_owned();
        adapt(&control, &manifest, &config).await.context("bring the control database up to date")?;
    }
    draft.finish()?;
    println!(
        "Restored {} tenants into {} in {:.1} s. The old machine must not serve them any more.",
        manifest.tenants.len(),
        dir.display(),
        began.elapsed().as_secs_f64()
    );
    for missing in &manifest.missing {
        println!("Tenant {} was not in the copy: {}", missing.id, missing.reason);
    }
    if matches!(manifest.control, Control::Postgres) {
        println!("The control database is PostgreSQL's: load your dump with pg_restore before `roost serve`.");
    }
    Ok(())
}

async fn read(place: &Place) -> anyhow::Result<Manifest> {
    let text = place.read_manifest().await.context("there is no complete copy of a platform")?;
    let manifest: Manifest = serde_json::from_slice(&text).context("understand the list of what was copied")?;
    let (newest, made_by) = (Database::newest_migration(), &manifest.roost);
    let newer = match manifest.control {
        Control::Sqlite { migration, .. } => migration > newest,
        Control::Postgres => false,
    };
    if newer || manifest.version > Manifest::VERSION {
        bail!("the copy is of a newer Roost ({made_by}): restore it with that one or a later one");
    }
    Ok(manifest)
}

/// Puts the settings and what they name where it was, unless something is there. Where the settings are.
async fn place_files(
    place: &Place,
    manifest: &Manifest,
    settings: Option<&Path>,
    scratch: &Path,
) -> anyhow::Result<Option<PathBuf>> {
    let mut placed = settings.filter(|path| path.exists()).map(Path::to_owned);
    for (number, file) in manifest.files.iter().enumerate() {
        let path = settings.filter(|_| file.is_settings).unwrap_or(&file.path);
        let draft = scratch.join("file");
        place.fetch(&file_key(number), &file.content, Some(&draft)).await?;
        if path.exists() {
            println!("{} is there already and stays as it is.", path.display());
        } else {
            private_copy(&draft, path).with_context(|| format!("write {}", path.display()))?;
            println!("{} is restored.", path.display());
        }
        fs::remove_file(&draft)?;
        if file.is_settings {
            placed = Some(path.to_owned());
        }
    }
    Ok(placed)
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

/// Makes the copy of the control database fit what came with it.
async fn adapt(control: &Path, manifest: &Manifest, config: &Config) -> anyhow::Result<()> {
    let database = Database::open(&format!("sqlite://{}?mode=rw", control.display())).await?;
    let sound: String = sqlx::query_scalar("PRAGMA integrity_check(1)").fetch_one(database.write()).await?;
    ensure!(sound == "ok", "it is damaged: {sound}");
    // What was wished between its copy and the tenant's is wished again. Of a project whose tenant is missing nothing is:
    // it would begin an empty one.
    for tenant in &manifest.tenants {
        sqlx::query("UPDATE project SET applied = NULL WHERE id = $1")
            .bind(tenant.record.spec.id.as_str())
            .execute(database.write())
            .await?;
    }
    let lost = forget_lost_backups(&database, config).await?;
    if lost > 0 {
        println!("{lost} backups of projects were kept on the old machine's disk alone and are shown as failed.");
    }
    database.close().await;
    Ok(())
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
