//! Making a backup: the node writes an archive, it goes to where backups are kept, and comes back to be proven.

use anyhow::Context as _;
use futures_util::TryStreamExt as _;
use serde::{Deserialize, Serialize};
use sqlx::{Any, AnyPool, Transaction};
use tenant_runtime::host::NodeError;

use super::{
    Manifest, Origin, archive_key, check, copy_name, keeper, mail, manifest_key, remove_objects, retention, store,
};
use crate::clock;
use crate::error::Result;
use crate::jobs::{self, GiveUp, Kind, Run};

/// How long a backup that fails is tried again.
const DEADLINE: std::time::Duration = clock::HOUR.saturating_mul(6);

/// What a job about a backup is given.
#[derive(Serialize, Deserialize)]
pub(super) struct Input {
    pub(super) backup: String,
}

/// Why the backup was made that a job is about, by what the job was given.
pub async fn origin_of(db: &AnyPool, input: &str) -> Result<Option<Origin>> {
    let Ok(Input { backup }) = serde_json::from_str(input) else { return Ok(None) };
    Ok(store::by_id(db, &backup).await?.map(|row| row.origin))
}

/// Has a backup made once the transaction is committed; the job. None while something else of that kind is under way.
pub async fn begin(
    tx: &mut Transaction<'static, Any>,
    project: &str,
    origin: Origin,
    key: Option<&str>,
) -> Result<Option<String>> {
    let backup = tenant_runtime::random_id(15);
    let input = serde_json::to_string(&Input { backup: backup.clone() }).map_err(anyhow::Error::new)?;
    let job = jobs::enqueue(tx, Kind::Backup, project, key, &input, clock::now_ms(), DEADLINE).await?;
    if job.is_some() {
        store::create(tx, &backup, project, origin).await?;
    }
    Ok(job)
}

/// Does one step.
pub async fn perform(run: &Run, step: &str) -> anyhow::Result<()> {
    let Input { backup } = run.input()?;
    take_step(run, step, &backup).await?;
    if step == "tidy" {
        retention::apply(&run.platform, &run.project).await.context("Old backups could not be removed")?;
    }
    Ok(())
}

/// One step of making a backup, as a restore does them before it, too.
pub(super) async fn take_step(run: &Run, step: &str, backup: &str) -> anyhow::Result<()> {
    match step {
        "archive" => archive(run, backup).await,
        "store" => keep(run, backup).await,
        "prove" => check::prove(run, backup).await,
        _ => tidy(run, backup).await,
    }
}

async fn archive(run: &Run, backup: &str) -> anyhow::Result<()> {
    run.platform.backups.probe().await.context("The place for backups cannot be reached")?;
    run.say("Writing the archive.").await;
    let (node, id) = keeper(run).await?;
    let report = node.make_archive(&id, &copy_name(backup)?).await.map_err(not_made)?;
    let records: u64 = report.census.records.values().sum();
    let files = report.census.files.count;
    run.say(&format!("The archive has {} bytes with {records} records and {files} files.", report.bytes)).await;
    Ok(())
}

/// Of too many files there are as many the next time.
fn not_made(error: NodeError) -> anyhow::Error {
    match error {
        NodeError::Refused { ref code, ref message, .. } if code == "too_many_files" => {
            GiveUp(message.trim_end_matches('.').to_owned()).into()
        }
        error => anyhow::Error::new(error).context("The archive could not be made"),
    }
}

async fn keep(run: &Run, backup: &str) -> anyhow::Result<()> {
    run.say("Storing the archive.").await;
    let (node, id) = keeper(run).await?;
    let name = copy_name(backup)?;
    // Made already, unless the node lost it.
    let report = node.make_archive(&id, &name).await.map_err(not_made)?;
    let mut sent = 0;
    let content = node.fetch_archive(&id, &name).await.context("The archive could not be read")?;
    let content = content.inspect_ok(|chunk| {
        sent += chunk.len() as u64;
        run.progress(sent, report.bytes);
    });
    let target = &run.platform.backups;
    let stored = target.put(&archive_key(&run.project, backup), Box::pin(content)).await;
    let stored = stored.context("The archive could not be stored")?;
    anyhow::ensure!(stored.sha256 == report.sha256, "The archive changed on its way");
    let row =
        store::by_id(run.platform.database.write(), backup).await?.context("The backup is not wanted any more")?;
    let manifest = Manifest {
        version: Manifest::VERSION,
        project: run.project.clone(),
        backup: backup.to_owned(),
        origin: row.origin,
        made_ms: row.created_ms,
        bytes: stored.bytes,
        sha256: stored.sha256,
        census: Some(report.census),
        exact: report.exact,
    };
    put_manifest(run, &manifest).await
}

/// Stores the manifest beside the archive, then in the control database.
pub(super) async fn put_manifest(run: &Run, manifest: &Manifest) -> anyhow::Result<()> {
    let text = serde_json::to_vec_pretty(manifest)?;
    let content = futures_util::stream::iter([Ok(text.into())]);
    let key = manifest_key(&run.project, &manifest.backup);
    run.platform.backups.put(&key, content).await.context("The manifest could not be stored")?;
    store::stored(run.platform.database.write(), &manifest.backup, manifest).await
}

async fn tidy(run: &Run, backup: &str) -> anyhow::Result<()> {
    let (node, id) = keeper(run).await?;
    Ok(node.remove_archive(&id, &copy_name(backup)?).await?)
}

/// Notes that a try failed, and tells people of the first.
pub async fn failed(run: &Run, error: &anyhow::Error) -> anyhow::Result<()> {
    let Input { backup } = run.input()?;
    run.start_over();
    note_failure(run, &backup, error).await?;
    tidy(run, &backup).await
}

/// Turns a backup red and mails that once.
pub(super) async fn note_failure(run: &Run, backup: &str, error: &anyhow::Error) -> anyhow::Result<()> {
    let reason = format!("{error}.");
    run.say(&reason).await;
    let mut tx = run.platform.database.begin().await?;
    if store::failed(&mut tx, backup, &reason).await? {
        mail::tell_of_failure(&run.platform, &mut tx, &run.project, &reason).await?;
    }
    tx.commit().await?;
    run.platform.jobs.poke();
    Ok(())
}

/// Removes what was made so far. One that had failed before stays in the list.
pub async fn cancelled(run: &Run) -> anyhow::Result<()> {
    let Input { backup } = run.input()?;
    discard(run, &backup).await
}

/// Removes a backup that is not proven, wherever it has got to.
pub(super) async fn discard(run: &Run, backup: &str) -> anyhow::Result<()> {
    let db = run.platform.database.write();
    let Some(row) = store::by_id(db, backup).await? else { return Ok(()) };
    let (node, id) = keeper(run).await?;
    node.discard_restore(&id, &copy_name(backup)?).await?;
    tidy(run, backup).await?;
    if row.state != super::State::Proven {
        remove_objects(&run.platform, &run.project, backup).await?;
        store::remove(db, backup).await?;
    }
    Ok(())
}
