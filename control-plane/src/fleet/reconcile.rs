//! Makes nodes do what is wished. Takes no input but the two states, and may run twice without harm.
//!
//! A wish that its node confirmed is remembered by a digest, so a round costs one query when nothing changed. What a
//! node has and nobody wishes is left alone: data goes only by a purge, which names it. So a control database that
//! lists nothing deletes nothing.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures_util::StreamExt as _;
use tenant_runtime::host::{
    FirstSuperuser, Generation, Isolation, NodeClient, TenantId, TenantReport, TenantSpec, TenantState, Wanted,
};
use tokio_util::sync::CancellationToken;

use super::{LOCAL, Seen, routes};
use crate::accounts::tickets::digest;
use crate::audit;
use crate::plans;
use crate::projects::store::{self, Row};
use crate::projects::{Project, ProjectState, Wish};
use crate::session::Session;
use crate::state::Platform;

/// How often everything is compared, whether or not somebody rang.
const ROUND: Duration = Duration::from_secs(30);
/// How long a request waits for its own project.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often what nodes report is kept in the database.
const KEEP: Duration = Duration::from_secs(10);
/// How often the counters of projects that are awake are asked for: nodes only tell by themselves when a state changes.
const COUNT: Duration = Duration::from_secs(1);
/// Wishes told to a node at the same time.
const AT_ONCE: usize = 4;

/// Publishes one project's route and makes its wish true now. Gives up waiting after a second; the next round goes on.
///
/// The route comes first: whoever is told that a project serves may ask it at once.
pub async fn now(platform: &Platform, id: &str) {
    routes::publish(platform).await;
    let work = async {
        if let Some(row) = store::by_id(platform.database.write(), id).await? {
            settle(platform, &row, None).await?;
        }
        anyhow::Ok(())
    };
    match tokio::time::timeout(PATIENCE, work).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            tracing::warn!("project {id} is not as wished yet: {error:#}");
            platform.fleet.poke();
        }
        Err(_) => platform.fleet.poke(),
    }
    platform.changed(id);
}

/// Compares and settles until cancelled.
pub async fn run(platform: Platform, stop: CancellationToken) {
    while !stop.is_cancelled() {
        if let Err(error) = round(&platform).await {
            tracing::error!("failed to compare wishes with nodes: {error:#}");
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = platform.fleet.0.bell.notified() => {}
            () = tokio::time::sleep(ROUND) => {}
        }
    }
}

async fn round(platform: &Platform) -> anyhow::Result<()> {
    plans::change::reread(platform).await?;
    let reports = platform.fleet.node(LOCAL)?.tenants().await?;
    let known: HashMap<String, TenantReport> =
        reports.into_iter().map(|report| (report.id.to_string(), report)).collect();
    let rows = store::of_node(platform.database.read(), LOCAL).await?;
    let wanted: HashSet<&str> = rows.iter().map(|row| row.id.as_str()).collect();
    let unknown = known.keys().filter(|id| !wanted.contains(id.as_str())).count();
    if unknown > 0 {
        tracing::warn!("the node has {unknown} tenants that belong to no project; they are left alone");
    }
    futures_util::stream::iter(&rows)
        .for_each_concurrent(AT_ONCE, |row| async {
            if let Err(error) = settle(platform, row, known.get(&row.id)).await {
                tracing::warn!("project {} is not as wished yet: {error:#}", row.id);
            }
        })
        .await;
    routes::publish(platform).await;
    Ok(())
}

/// Tells the node the wish unless it has confirmed it before and still has the tenant.
async fn settle(platform: &Platform, row: &Row, report: Option<&TenantReport>) -> anyhow::Result<()> {
    let spec = spec(platform, row)?;
    let digest = digest(&serde_json::to_string(&TenantSpec { first_superuser: None, ..spec.clone() })?);
    if let Some(report) = report {
        platform.fleet.see(platform, report.clone());
        if row.applied.as_deref() == Some(digest.as_str()) {
            return Ok(());
        }
    }
    if row.applied.is_some() && report.is_none() && row.applied.as_deref() == Some(digest.as_str()) {
        // Asked for by a request: nothing to tell the node.
        return Ok(());
    }
    let report = platform.fleet.node(&row.node_id)?.put_tenant(&spec).await?;
    store::applied(platform.database.write(), &row.id, &digest).await?;
    platform.fleet.see(platform, report);
    Ok(())
}

/// The whole wish for one tenant.
fn spec(platform: &Platform, row: &Row) -> anyhow::Result<TenantSpec> {
    let first_superuser: Option<FirstSuperuser> =
        row.first_superuser.as_deref().map(serde_json::from_str).transpose()?;
    Ok(TenantSpec {
        id: row.id.parse::<TenantId>()?,
        generation: Generation(u64::try_from(row.generation)?),
        state: match row.wish {
            Wish::Active => Wanted::Running,
            Wish::Suspended => Wanted::Suspended { reason: row.suspended_reason.clone().unwrap_or_default() },
            Wish::Deleted => Wanted::Suspended { reason: "deleted".to_owned() },
        },
        isolation: Isolation::Shared,
        limits: platform.limits_of(row),
        rest: platform.config.rest.to_spec(),
        public_url: platform.urls.project(&row.slug),
        app_name: row.name.clone(),
        first_superuser,
    })
}

/// Follows what the node reports until cancelled, and keeps it in the database from time to time.
pub async fn follow(platform: Platform, stop: CancellationToken) {
    let (mut kept, mut told) = (HashMap::new(), Told::default());
    while !stop.is_cancelled() {
        let Ok(node) = platform.fleet.node(LOCAL) else { return };
        let mut events = Box::pin(node.events());
        let (mut keep, mut count) = (tokio::time::interval(KEEP), tokio::time::interval(COUNT));
        loop {
            tokio::select! {
                () = stop.cancelled() => {
                    keep_seen(&platform, &mut kept).await;
                    return;
                }
                _ = keep.tick() => keep_seen(&platform, &mut kept).await,
                _ = count.tick() => ask_awake(&platform, node, &mut told).await,
                report = events.next() => match report {
                    Some(report) => note_change(&platform, report, &mut told).await,
                    None => break,
                },
            }
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(Duration::from_secs(1)) => {}
        }
    }
}

/// Looks at the counters of those that are awake. Whoever is asleep is left alone: nothing of theirs changes.
async fn ask_awake(platform: &Platform, node: &NodeClient, told: &mut Told) {
    for (id, seen) in platform.fleet.all_seen() {
        let Ok(id) = id.parse::<TenantId>() else { continue };
        if seen.state == ProjectState::Awake
            && let Ok(report) = node.tenant(&id).await
        {
            note_change(platform, report, told).await;
        }
    }
}

/// The state of each project that its activity knows of. It is nobody else's but the one's who follows the node: what the
/// console shows may be ahead, as when somebody wakes a project there, and is told once all the same.
type Told = HashMap<String, ProjectState>;

/// Takes a report in; falling asleep and waking up go into the project's activity.
async fn note_change(platform: &Platform, report: TenantReport, told: &mut Told) {
    let id = report.id.to_string();
    let state = Seen::of(&report).state;
    let before = told.insert(id.clone(), state).or_else(|| Some(platform.fleet.seen(&id)?.state));
    let line = match (before, state) {
        (Some(ProjectState::Awake), ProjectState::Asleep) => Some(("slept", "Fell asleep")),
        (Some(ProjectState::Asleep | ProjectState::Waking), ProjectState::Awake) => Some(("woke", "Woke up")),
        (before, ProjectState::Damaged) if before != Some(state) => Some(("damaged", "The database is damaged")),
        (before, ProjectState::NotStarting) if before != Some(state) => Some(("not_starting", "Did not start")),
        _ => None,
    };
    let waking = report.state == TenantState::Waking;
    platform.fleet.see(platform, report);
    if let (Some((kind, text)), false) = (line, waking)
        && let Err(error) = note_activity(platform, &id, kind, text).await
    {
        tracing::warn!("failed to note that {id} {kind}: {error}");
    }
}

async fn note_activity(platform: &Platform, id: &str, kind: &str, text: &str) -> crate::error::Result<()> {
    let mut tx = platform.database.begin().await?;
    audit::note(&mut tx, None, Some(id), kind, text).await?;
    tx.commit().await?;
    Ok(())
}

/// Writes what changed since it was last written. Requests are kept as what came on top.
async fn keep_seen(platform: &Platform, kept: &mut HashMap<String, Seen>) {
    for (id, seen) in platform.fleet.all_seen() {
        let before = kept.get(&id);
        if before == Some(&seen) {
            continue;
        }
        let already = before.map_or(0, |before| before.requests_since);
        let fresh = Seen { requests_since: seen.requests_since - already, ..seen.clone() };
        match store::keep_seen(platform.database.write(), &id, &fresh).await {
            Ok(()) => {
                platform.fleet.kept(&id, seen.requests_since);
                kept.insert(id, seen);
            }
            Err(error) => tracing::warn!("failed to keep what {id} reported: {error}"),
        }
    }
}

/// The project whoever asks sees, with what is known now.
pub async fn present(platform: &Platform, session: &Session, id: &str) -> crate::error::Result<Option<Project>> {
    let found = store::find_by_id(platform.database.read(), &session.account.id, id).await?;
    Ok(found.filter(|(row, _)| session.sees(row)).map(|(row, role)| Project::new(platform, row, role)))
}
