//! Restoring a backup: the present state is backed up first, the backup is restored aside and compared, and then one
//! switch at the node puts it in the place of the data. The data before stays for a week, so going back is a switch, too.

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use sqlx::{Any, Transaction};
use tenant_runtime::host::NodeError;

use super::{Origin, State, check, copy_name, keeper, make, retention, store};
use crate::audit;
use crate::clock;
use crate::error::Result;
use crate::jobs::{self, GiveUp, Kind, Run};
use crate::state::Platform;

/// How long the data before a restore is kept.
const UNDO: std::time::Duration = clock::DAY.saturating_mul(7);
/// Somebody waits for it.
const DEADLINE: std::time::Duration = clock::HOUR;

/// What the job is given.
#[derive(Serialize, Deserialize)]
struct Input {
    backup: String,
    /// The project the backup is of.
    owner: String,
    /// The backup of the present state; absent for a new project, which has none.
    present: Option<String>,
    account: String,
}

/// What an undo is given.
#[derive(Serialize, Deserialize)]
struct Undo {
    restore: String,
    account: String,
}

/// What is restored, and where.
pub(super) struct Wanted<'a> {
    pub(super) backup: &'a str,
    pub(super) owner: &'a str,
    pub(super) into: &'a str,
    /// Whether there is anything yet that could be lost.
    pub(super) is_new: bool,
    pub(super) account: &'a str,
}

/// Has a backup restored once the transaction is committed; the job. None while something else is under way.
pub(super) async fn begin(tx: &mut Transaction<'static, Any>, wanted: &Wanted<'_>) -> Result<Option<String>> {
    let present = (!wanted.is_new).then(|| tenant_runtime::random_id(15));
    let input = Input {
        backup: wanted.backup.to_owned(),
        owner: wanted.owner.to_owned(),
        present: present.clone(),
        account: wanted.account.to_owned(),
    };
    let input = serde_json::to_string(&input).map_err(anyhow::Error::new)?;
    let job = jobs::enqueue(tx, Kind::Restore, wanted.into, None, &input, clock::now_ms(), DEADLINE).await?;
    if let (Some(_), Some(present)) = (&job, &present) {
        store::create(tx, present, wanted.into, Origin::Restore).await?;
    }
    Ok(job)
}

/// Does one step.
pub async fn perform(run: &Run, step: &str) -> anyhow::Result<()> {
    let input: Input = run.input()?;
    match (step, &input.present) {
        ("archive" | "store" | "prove", Some(present)) => make::take_step(run, step, present).await,
        ("archive" | "store" | "prove", None) => Ok(()),
        ("prepare", _) => prepare(run, &input).await,
        ("switch", _) => switch(run, &input).await,
        _ => tidy(run, &input).await,
    }
}

async fn prepare(run: &Run, input: &Input) -> anyhow::Result<()> {
    run.say("Restoring the backup aside.").await;
    let row = store::by_id(run.platform.database.write(), &input.backup).await?;
    let made = row.and_then(|row| row.manifest).ok_or_else(|| GiveUp("The backup is gone".to_owned()))?;
    let name = copy_name(&run.id)?;
    let restored = check::restore_aside(run, &input.owner, &input.backup, &name).await;
    let compared = restored.and_then(|report| Ok(check::compare(&made, &report)?));
    compared.map_err(check::give_up_if_unsound)
}

async fn switch(run: &Run, input: &Input) -> anyhow::Result<()> {
    run.say("Putting the restored data in place.").await;
    let (node, id) = keeper(run).await?;
    let switched = node.switch(&id, &copy_name(&run.id)?).await;
    let report = switched.map_err(|error| match error {
        NodeError::Refused { ref code, ref message, .. } if code == "unfit" => {
            GiveUp(message.trim_end_matches('.').to_owned()).into()
        }
        error => anyhow::Error::new(error).context("The restored data could not be put in place"),
    })?;
    run.say("The restored data is in place.").await;
    let now = clock::now_ms();
    let mut tx = run.platform.database.begin().await?;
    let restore = store::Restore {
        id: run.id.clone(),
        project: run.project.clone(),
        backup_id: input.backup.clone(),
        at_ms: now,
        undo_until_ms: Some(now + clock::millis(UNDO)),
        undone_ms: None,
        before: report.other.filter(|_| input.present.is_some()),
        data: report.data,
    };
    if store::restored(&mut tx, &restore).await? {
        audit::note(&mut tx, Some(&input.account), Some(&run.project), "restored", "A backup was restored").await?;
    }
    tx.commit().await?;
    run.platform.changed(&run.project);
    Ok(())
}

async fn tidy(run: &Run, input: &Input) -> anyhow::Result<()> {
    let (node, id) = keeper(run).await?;
    node.discard_restore(&id, &copy_name(&run.id)?).await?;
    match &input.present {
        Some(present) => {
            make::take_step(run, "tidy", present).await?;
            retention::apply(&run.platform, &run.project).await.context("Old backups could not be removed")?;
        }
        // What a new project was created with is nothing to go back to.
        None => forget_others(run).await?,
    }
    run.say("Restored.").await;
    Ok(())
}

async fn forget_others(run: &Run) -> anyhow::Result<()> {
    let (node, id) = keeper(run).await?;
    let report = node.switch(&id, &copy_name(&run.id)?).await?;
    if let Some(other) = report.other {
        node.forget_data(&id, &other).await?;
    }
    Ok(())
}

/// Notes that a try failed. The project has its data as before, unless the switch is done.
pub async fn failed(run: &Run, error: &anyhow::Error, last: bool) -> anyhow::Result<()> {
    let input: Input = run.input()?;
    run.say(&format!("{error}.")).await;
    if last {
        return drop_traces(run, &input).await;
    }
    let Some(present) = &input.present else { return Ok(()) };
    let row = store::by_id(run.platform.database.write(), present).await?;
    if row.is_none_or(|row| row.state != State::Proven) {
        run.start_over();
        make::take_step(run, "tidy", present).await?;
    }
    Ok(())
}

/// Removes what was restored aside, and the backup of the present state unless it is proven: such a one stays as long as
/// others made before a restore.
pub async fn cancelled(run: &Run) -> anyhow::Result<()> {
    drop_traces(run, &run.input()?).await
}

async fn drop_traces(run: &Run, input: &Input) -> anyhow::Result<()> {
    let (node, id) = keeper(run).await?;
    node.discard_restore(&id, &copy_name(&run.id)?).await?;
    match &input.present {
        Some(present) => {
            make::discard(run, present).await?;
            retention::apply(&run.platform, &run.project).await
        }
        None => Ok(()),
    }
}

/// Has a restore undone once the transaction is committed; the job.
pub(super) async fn begin_undo(
    tx: &mut Transaction<'static, Any>,
    restore: &store::Restore,
    account: &str,
) -> Result<Option<String>> {
    let input = Undo { restore: restore.id.clone(), account: account.to_owned() };
    let input = serde_json::to_string(&input).map_err(anyhow::Error::new)?;
    jobs::enqueue(tx, Kind::UndoRestore, &restore.project, None, &input, clock::now_ms(), DEADLINE).await
}

/// Goes back to the data before a restore. What was written since then stays beside it for the rest of the week.
pub async fn undo(run: &Run) -> anyhow::Result<()> {
    let input: Undo = run.input()?;
    let restores = store::restores(run.platform.database.write(), &run.project).await?;
    let restore = restores.into_iter().find(|restore| restore.id == input.restore);
    let before = restore.as_ref().and_then(|restore| restore.before.as_deref());
    let before = before.ok_or_else(|| GiveUp("The data before this restore is gone".to_owned()))?;
    run.say("Going back to the data before the restore.").await;
    let (node, id) = keeper(run).await?;
    node.choose_data(&id, before).await.context("The data before could not be put in place")?;
    run.say("The data before the restore is back.").await;
    let mut tx = run.platform.database.begin().await?;
    if store::set_undone(&mut tx, &input.restore).await? {
        audit::note(&mut tx, Some(&input.account), Some(&run.project), "restore_undone", "A restore was undone")
            .await?;
    }
    tx.commit().await?;
    run.platform.changed(&run.project);
    Ok(())
}

/// Lets go of the data before restores that can no longer be undone.
pub(super) async fn forget_old(platform: &Platform) -> anyhow::Result<()> {
    for restore in store::over(platform.database.read(), clock::now_ms()).await? {
        let Some(project) = crate::projects::store::by_id(platform.database.read(), &restore.project).await? else {
            continue;
        };
        let node = platform.fleet.node(&project.node_id)?;
        let id = restore.project.parse()?;
        // Whichever of the two is not open.
        for data in restore.before.iter().chain([&restore.data]) {
            node.forget_data(&id, data).await?;
        }
        store::set_over(platform.database.write(), &restore.id).await?;
    }
    Ok(())
}
