//! Proving a backup: it is read back from where it is stored, restored aside by the project's node, and compared with
//! what was made.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _};
use sqlx::{Any, Transaction};
use tenant_runtime::host::{CopyName, NodeError, RestoreReport};
use tokio::time::{Duration, sleep, timeout};

use super::make::{self, Input};
use super::{Manifest, Origin, State, archive_key, copy_name, keeper, manifest_key, remove_objects, store};
use crate::clock;
use crate::error::Result;
use crate::jobs::{self, GiveUp, Kind, Run};

const DEADLINE: Duration = clock::HOUR;
/// The key of a project's check among the jobs: it has one at a time.
pub const CHECK: &str = "check";
/// The same for what is imported, which waits for no other check: whoever brought it would have to bring it again.
pub(super) const IMPORT: &str = "import";

/// An import is checked in a few minutes, and as long as it takes at so many bytes a second,
const LEAST_PATIENCE: Duration = Duration::from_secs(5 * 60);
const SLOWEST: u64 = 1 << 20;
/// but not longer than this, however large it is.
const MOST_PATIENCE: Duration = Duration::from_secs(30 * 60);

/// What is stored is not what was made, or cannot be restored. Reading it once more changes nothing.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Unsound(String);

/// Has a stored backup proven once the transaction is committed; the job. None while there is one of that project under
/// that key.
pub(super) async fn begin(
    tx: &mut Transaction<'static, Any>,
    key: &str,
    project: &str,
    backup: &str,
) -> Result<Option<String>> {
    let input = serde_json::to_string(&Input { backup: backup.to_owned() }).map_err(anyhow::Error::new)?;
    jobs::release_key(tx, project, key).await?;
    jobs::enqueue(tx, Kind::CheckBackup, project, Some(key), &input, clock::now_ms(), DEADLINE).await
}

/// The one step of the job. What strangers bring may be made to take for ever, and others wait meanwhile.
pub async fn perform(run: &Run) -> anyhow::Result<()> {
    let Input { backup } = run.input()?;
    let row = store::by_id(run.platform.database.write(), &backup).await?;
    let brought = row.filter(is_new_import).and_then(|row| row.manifest);
    let patience = brought.map_or(Duration::MAX, |manifest| patience_with(manifest.bytes));
    let proven = timeout(patience, prove(run, &backup)).await;
    let slow = |_| Err(GiveUp(format!("It takes longer than {} minutes to check", patience.as_secs() / 60)).into());
    proven.unwrap_or_else(slow).map_err(give_up_if_unsound)
}

/// How long an import of so many bytes may take to be checked.
fn patience_with(bytes: u64) -> Duration {
    (LEAST_PATIENCE + Duration::from_secs(bytes / SLOWEST)).min(MOST_PATIENCE)
}

/// For who can do nothing about what is stored.
pub(super) fn give_up_if_unsound(error: anyhow::Error) -> anyhow::Error {
    match error.downcast::<Unsound>() {
        Ok(unsound) => GiveUp(unsound.0).into(),
        Err(error) => error,
    }
}

/// Turns the backup red, unless the check could not be done. Of an import that nobody will ever restore only that is left.
pub async fn failed(run: &Run, error: &anyhow::Error, last: bool) -> anyhow::Result<()> {
    let Input { backup } = run.input()?;
    let row = store::by_id(run.platform.database.write(), &backup).await?;
    let Some(row) = row else { return Ok(()) };
    if row.state == State::Proven && is_of_the_node(error) {
        // That says nothing about what is stored. Operators see that it is to be checked still.
        run.say(&format!("{error}. The backup was not checked, and stays proven.")).await;
        return Ok(());
    }
    make::note_failure(run, &backup, error).await?;
    if last && is_new_import(&row) {
        remove_objects(&run.platform, &run.project, &backup).await?;
        store::not_stored(run.platform.database.write(), &backup).await?;
    }
    Ok(())
}

/// Whether it is the node that could not do it, for want of room or of a place to unpack. What it was sent it did not judge.
fn is_of_the_node(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<NodeError>() {
        Some(NodeError::Refused { code, .. }) => !matches!(code.as_str(), "unfit" | "invalid_request"),
        Some(NodeError::Unreachable(_) | NodeError::Misunderstood(_)) => true,
        None => false,
    }
}

/// Removes what was restored aside, and an import that was not proven yet.
pub async fn cancelled(run: &Run) -> anyhow::Result<()> {
    let Input { backup } = run.input()?;
    let row = store::by_id(run.platform.database.write(), &backup).await?;
    if row.as_ref().is_some_and(is_new_import) {
        return make::discard(run, &backup).await;
    }
    let (node, id) = keeper(run).await?;
    Ok(node.discard_restore(&id, &copy_name(&backup)?).await?)
}

fn is_new_import(row: &store::Backup) -> bool {
    row.origin == Origin::Import && row.proven_ms.is_none()
}

/// Proves a backup; only then it is green.
pub(super) async fn prove(run: &Run, backup: &str) -> anyhow::Result<()> {
    run.say("Restoring the stored copy aside to prove it.").await;
    let db = run.platform.database.write();
    let row = store::by_id(db, backup).await?.context("The backup is not wanted any more")?;
    let made = row.manifest.context("The backup is not stored yet")?;
    let text = run.platform.backups.read(&manifest_key(&run.project, backup)).await;
    let text = text.context("The manifest could not be read")?;
    let stored: Manifest =
        serde_json::from_slice(&text).map_err(|error| Unsound(format!("The manifest is damaged: {error}")))?;
    // A proof of an import that was broken off may have written there what is not noted here yet.
    let stored = if made.census.is_none() { Manifest { census: None, ..stored } } else { stored };
    if stored != made || stored.project != run.project {
        return Err(Unsound("The manifest is not this backup's".to_owned()).into());
    }
    let (node, id) = keeper(run).await?;
    let name = copy_name(backup)?;
    // What an interrupted proof left must not stand for this one.
    node.discard_restore(&id, &name).await?;
    let report = restore_aside(run, &run.project, backup, &name).await?;
    node.discard_restore(&id, &name).await?;
    compare(&made, &report)?;
    if made.census.is_none() {
        make::put_manifest(run, &Manifest { census: Some(report.census), exact: true, ..made }).await?;
    }
    store::proven(db, backup).await?;
    run.say("The stored copy is whole, opens and answers.").await;
    Ok(())
}

/// Has the node of the job's project restore a stored backup aside.
pub(super) async fn restore_aside(
    run: &Run,
    owner: &str,
    backup: &str,
    name: &CopyName,
) -> anyhow::Result<RestoreReport> {
    let (node, id) = keeper(run).await?;
    let object = run.platform.backups.open(&archive_key(owner, backup)).await;
    let object = object.context("The stored archive could not be read")?;
    let (read, all) = (Arc::new(AtomicU64::new(0)), object.bytes);
    let counted = Arc::clone(&read);
    let content = object.content.inspect_ok(move |chunk| {
        counted.fetch_add(chunk.len() as u64, Ordering::Relaxed);
    });
    let restoring = node.prepare_restore(&id, name, content.boxed());
    tokio::pin!(restoring);
    let report = loop {
        tokio::select! {
            report = &mut restoring => break report,
            // Reading is about half of it; unpacking and checking the other.
            () = sleep(Duration::from_millis(500)) => {
                run.progress(read.load(Ordering::Relaxed), all.saturating_mul(2));
            }
        }
    };
    report.map_err(|error| match error {
        NodeError::Refused { ref code, ref message, .. } if code == "unfit" => {
            Unsound(message.trim_end_matches('.').to_owned()).into()
        }
        error => anyhow::Error::new(error).context("The stored copy could not be restored aside"),
    })
}

/// Whether what came back is what was made.
pub(super) fn compare(made: &Manifest, report: &RestoreReport) -> std::result::Result<(), Unsound> {
    let unsound = |what: &str| Err(Unsound(what.to_owned()));
    if (report.bytes, &report.sha256) != (made.bytes, &made.sha256) {
        return unsound("The stored archive is not the one that was made");
    }
    if made.origin != Origin::Import && report.owner != made.project {
        return unsound("The stored archive is another project's");
    }
    let Some(census) = &made.census else { return Ok(()) };
    let same = match made.exact {
        true => census == &report.census,
        false => census.records.keys().eq(report.census.records.keys()) && census.files == report.census.files,
    };
    if same { Ok(()) } else { unsound("The restored copy holds other records or files than were backed up") }
}

#[cfg(test)]
mod tests {
    use tenant_runtime::backups::Census;

    use super::*;

    fn census(posts: u64) -> Census {
        Census { records: [("posts".to_owned(), posts)].into(), ..Census::default() }
    }

    #[test]
    fn an_import_is_checked_as_long_as_its_size_takes_and_never_for_hours() {
        let minutes = |bytes| patience_with(bytes).as_secs() / 60;
        assert_eq!([0, 600 << 20, 1 << 40].map(minutes), [5, 15, 30]);
    }

    #[test]
    fn what_the_node_could_not_do_says_nothing_about_the_copy() {
        let refused = |code: &str| {
            let (code, message) = (code.to_owned(), String::new());
            let error = NodeError::Refused { status: http::StatusCode::SERVICE_UNAVAILABLE, code, message };
            is_of_the_node(&anyhow::Error::new(error).context("The stored copy could not be restored aside"))
        };
        assert!(["disk_full", "storage_failed", "busy"].map(refused).iter().all(|of_node| *of_node));
        assert!(!refused("unfit") && !refused("invalid_request"), "the archive broke off on its way");
        assert!(!is_of_the_node(&anyhow::anyhow!("The manifest could not be read")));
    }

    #[test]
    fn a_copy_is_the_same_to_the_last_record_unless_somebody_wrote_meanwhile() {
        let made = |exact| Manifest {
            version: 1,
            project: "p".into(),
            backup: "b".into(),
            origin: Origin::Hand,
            made_ms: 0,
            bytes: 5,
            sha256: "x".into(),
            census: Some(census(3)),
            exact,
        };
        let report = RestoreReport { bytes: 5, sha256: "x".into(), owner: "p".into(), census: census(3) };
        assert!(compare(&made(true), &report).is_ok());
        let more = RestoreReport { census: census(4), ..report.clone() };
        assert!(compare(&made(true), &more).is_err());
        assert!(compare(&made(false), &more).is_ok());
        let foreign = RestoreReport { owner: "q".into(), ..report.clone() };
        assert!(compare(&made(true), &foreign).is_err());
        let corrupt = RestoreReport { sha256: "y".into(), ..report };
        assert!(compare(&made(false), &corrupt).is_err());
    }
}
