//! Listing, making, checking, restoring and removing backups, and their schedule.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State as Extract};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::{Any, Transaction};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::schedule::{self, Schedule};
use super::store::{self, Restore};
use super::{Origin, State, check, make, restore, retention, transfer};
use crate::accounts::unverified;
use crate::audit;
use crate::clock;
use crate::database::number;
use crate::error::{Error, ErrorBody, Result};
use crate::fleet;
use crate::http::Body;
use crate::jobs::{self, Job};
use crate::operator::disk;
use crate::projects::api::{find_project, parse_name, refuse_deleted};
use crate::projects::{self, Slug};
use crate::session::Session;
use crate::state::Platform;
use crate::teams::{self, Action};

/// How many of the next runs are told.
const NEXT_RUNS: usize = 5;

/// The routes.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(list_backups, make_backup))
        .routes(routes!(remove_backup))
        .routes(routes!(check_backup))
        .routes(routes!(restore_backup))
        .routes(routes!(undo_restore))
        .routes(routes!(show_schedule, set_schedule))
        .merge(transfer::routes())
}

/// A backup as the console shows it
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Backup {
    id: String,
    /// Why it was made.
    origin: Origin,
    /// Only `proven` is green.
    state: State,
    /// Why it is red.
    reason: Option<String>,
    /// The archive's size, once it is stored.
    bytes: Option<i64>,
    /// Of the whole archive.
    sha256: Option<String>,
    /// Records in all collections.
    records: Option<i64>,
    /// Files of records.
    files: Option<i64>,
    /// The collections and how many records each has.
    collections: Vec<CollectionCount>,
    /// Milliseconds since the epoch, like the others.
    created_ms: i64,
    /// When it was first restored from where it is stored.
    proven_ms: Option<i64>,
    /// When it last was.
    checked_ms: Option<i64>,
    /// Whether it may be removed: the last proven one stays.
    can_remove: bool,
}

#[derive(Serialize, ToSchema)]
struct CollectionCount {
    name: String,
    records: i64,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct BackupList {
    items: Vec<Backup>,
    /// Restores, newest first.
    restores: Vec<Restore>,
    /// What is under way.
    jobs: Vec<Job>,
    /// `directory` or `bucket`.
    kept_in: &'static str,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ShownSchedule {
    #[serde(flatten)]
    schedule: Schedule,
    /// In milliseconds since the epoch.
    next_runs_ms: Vec<i64>,
}

/// What is under way
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Begun {
    pub(super) job_id: String,
    /// The project it is about.
    pub(super) slug: String,
}

#[derive(Deserialize, Default, ToSchema)]
struct Wanted {
    /// A project to be made for it; without it the backup takes the place of the present data.
    into: Option<RestoredProject>,
}

/// A project that a backup is restored into
#[derive(Deserialize, ToSchema)]
struct RestoredProject {
    name: String,
    slug: Option<String>,
    /// The id of the team it will belong to; without one that of the backup's project.
    team: Option<String>,
}

/// A project's backups and restores, newest first
#[utoipa::path(get, path = "/api/projects/{slug}/backups", params(("slug" = String, Path)),
    responses((status = 200, body = BackupList), (status = 404, body = ErrorBody)))]
async fn list_backups(
    Extract(platform): Extract<Platform>,
    session: Session,
    Path(slug): Path<String>,
) -> Result<Json<BackupList>> {
    let project = find_project(&platform, &session, &slug, Action::View).await?;
    let db = platform.database.read();
    let backups = store::of_project(db, &project.id).await?;
    let proven = backups.iter().filter(|backup| backup.state == State::Proven).count();
    Ok(Json(BackupList {
        items: backups.into_iter().map(|backup| present(backup, proven)).collect(),
        restores: store::restores(db, &project.id).await?,
        jobs: jobs::active_of(db, &project.id).await?,
        kept_in: if platform.config.backups.bucket.is_empty() { "directory" } else { "bucket" },
    }))
}

/// Makes a backup now
#[utoipa::path(post, path = "/api/projects/{slug}/backups", params(("slug" = String, Path)),
    responses((status = 202, body = Begun), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn make_backup(
    Extract(platform): Extract<Platform>,
    session: Session,
    Path(slug): Path<String>,
) -> Result<(StatusCode, Json<Begun>)> {
    let project = find_project(&platform, &session, &slug, Action::BackUp).await?;
    disk::refuse_copies_if_full(&platform)?;
    retention::refuse_many(&platform, &project, 0).await?;
    let mut tx = platform.database.begin().await?;
    let job = make::begin(&mut tx, &project.id, Origin::Hand, None).await?.ok_or_else(under_way)?;
    audit::note(&mut tx, Some(&session.account.id), Some(&project.id), "backup", "A backup was begun").await?;
    tx.commit().await?;
    begun(&platform, job, project.slug)
}

/// Removes a backup for good; the last proven one stays
#[utoipa::path(delete, path = "/api/projects/{slug}/backups/{id}", params(("slug" = String, Path), ("id" = String, Path)),
    responses((status = 204), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn remove_backup(
    Extract(platform): Extract<Platform>,
    session: Session,
    Path((slug, id)): Path<(String, String)>,
) -> Result<StatusCode> {
    let project = find_project(&platform, &session, &slug, Action::Restore).await?;
    if !jobs::active_of(platform.database.write(), &project.id).await?.is_empty() {
        return Err(under_way());
    }
    find(&platform, &project.id, &id).await?;
    if !super::remove(&platform, &project.id, &id).await? {
        let message = "This is the last backup that was proven. It stays until there is another.";
        return Err(Error::refused(StatusCode::CONFLICT, "last_backup", message));
    }
    let mut tx = platform.database.begin().await?;
    audit::note(&mut tx, Some(&session.account.id), Some(&project.id), "backup_removed", "A backup was removed")
        .await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Restores a backup aside once more to prove it
#[utoipa::path(post, path = "/api/projects/{slug}/backups/{id}/check", params(("slug" = String, Path), ("id" = String, Path)),
    responses((status = 202, body = Begun), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn check_backup(
    Extract(platform): Extract<Platform>,
    session: Session,
    Path((slug, id)): Path<(String, String)>,
) -> Result<(StatusCode, Json<Begun>)> {
    let project = find_project(&platform, &session, &slug, Action::BackUp).await?;
    let backup = find(&platform, &project.id, &id).await?;
    if backup.manifest.is_none() {
        return Err(Error::refused(StatusCode::CONFLICT, "not_stored", "This backup was never stored."));
    }
    disk::refuse_copies_if_full(&platform)?;
    let mut tx = platform.database.begin().await?;
    let job = check::begin(&mut tx, check::CHECK, &project.id, &id).await?.ok_or_else(under_way)?;
    tx.commit().await?;
    begun(&platform, job, project.slug)
}

/// Restores a backup in the place of the present data, which is backed up first, or into a new project
#[utoipa::path(post, path = "/api/projects/{slug}/backups/{id}/restore", request_body = Wanted,
    params(("slug" = String, Path), ("id" = String, Path)),
    responses((status = 202, body = Begun), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody)))]
async fn restore_backup(
    Extract(platform): Extract<Platform>,
    session: Session,
    Path((slug, id)): Path<(String, String)>,
    Body(wanted): Body<Wanted>,
) -> Result<(StatusCode, Json<Begun>)> {
    let project = find_project(&platform, &session, &slug, Action::Restore).await?;
    let backup = find(&platform, &project.id, &id).await?;
    if backup.state != State::Proven {
        return Err(Error::refused(
            StatusCode::CONFLICT,
            "not_proven",
            "Only a backup that was proven can be restored.",
        ));
    }
    disk::refuse_copies_if_full(&platform)?;
    let is_new = wanted.into.is_some();
    if is_new {
        refuse_copy(&platform, &session, &project).await?;
    } else {
        refuse_deleted(&project)?;
    }
    let mut tx = platform.database.begin().await?;
    let (into, slug) = match wanted.into {
        None => (project.id.clone(), project.slug),
        Some(new) => create_project(&platform, &session, &mut tx, &project, new).await?,
    };
    let wanted = restore::Wanted { backup: &id, owner: &project.id, into: &into, is_new, account: &session.account.id };
    let job = restore::begin(&mut tx, &wanted).await?.ok_or_else(under_way)?;
    tx.commit().await?;
    if is_new {
        fleet::reconcile::now(&platform, &into).await;
    }
    begun(&platform, job, slug)
}

/// Refuses a copy that would outlive what its project is under: a suspension, or the time for which operators are let in.
async fn refuse_copy(platform: &Platform, session: &Session, source: &projects::store::Row) -> Result<()> {
    if source.suspended_reason.is_some() {
        let message =
            "This project is suspended. Its backups can be downloaded, but not restored into another project.";
        return Err(Error::refused(StatusCode::CONFLICT, "suspended", message));
    }
    let role = teams::store::role_in(platform.database.read(), &source.team_id, &session.account.id).await?;
    if role.is_none() {
        let message = "Support access does not allow that: only members of the project's team may.";
        return Err(Error::refused(StatusCode::FORBIDDEN, "not_allowed", message));
    }
    Ok(())
}

/// A project whose data a restore will bring, and its slug. Without that restore there will not be one.
async fn create_project(
    platform: &Platform,
    session: &Session,
    tx: &mut Transaction<'static, Any>,
    source: &projects::store::Row,
    new: RestoredProject,
) -> Result<(String, String)> {
    disk::refuse_if_full(platform)?;
    let team = new.team.as_deref().unwrap_or(&source.team_id);
    let team = teams::api::team_for(platform, session, Some(team)).await?;
    let name = parse_name(&new.name)?;
    let slug: Slug = match new.slug.as_deref().filter(|slug| !slug.is_empty()) {
        Some(slug) => slug.parse()?,
        None => Slug::from_name(&name).ok_or_else(|| {
            Error::field("slug", "invalid_slug", "Please choose an address of letters, digits and dashes.")
        })?,
    };
    let node = platform.fleet.place();
    let wanted =
        projects::store::New { team_id: &team, slug: &slug, name: &name, node_id: node, first_superuser: None };
    let id = projects::store::create(tx, &wanted, platform.config.projects_per_account).await?;
    unverified::refuse_crowd(platform, tx, &session.account, &team).await?;
    schedule::begin(tx, &id).await?;
    let line = format!("{name} was created from a backup");
    audit::note(tx, Some(&session.account.id), Some(&id), "created", &line).await?;
    Ok((id, slug.to_string()))
}

/// Goes back to the data before a restore
#[utoipa::path(post, path = "/api/projects/{slug}/restores/{id}/undo", params(("slug" = String, Path), ("id" = String, Path)),
    responses((status = 202, body = Begun), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn undo_restore(
    Extract(platform): Extract<Platform>,
    session: Session,
    Path((slug, id)): Path<(String, String)>,
) -> Result<(StatusCode, Json<Begun>)> {
    let project = find_project(&platform, &session, &slug, Action::Restore).await?;
    refuse_deleted(&project)?;
    let restores = store::restores(platform.database.write(), &project.id).await?;
    let restore = restores.into_iter().find(|restore| restore.id == id);
    let restore = restore.ok_or_else(|| Error::not_found("There is no such restore."))?;
    if restore.undo_until_ms.is_none() {
        return Err(Error::refused(StatusCode::CONFLICT, "too_late", "This restore cannot be undone any more."));
    }
    let mut tx = platform.database.begin().await?;
    let job = restore::begin_undo(&mut tx, &restore, &session.account.id).await?.ok_or_else(under_way)?;
    tx.commit().await?;
    begun(&platform, job, project.slug)
}

/// When a project is backed up, and how much of that is kept
#[utoipa::path(get, path = "/api/projects/{slug}/backup-schedule", params(("slug" = String, Path)),
    responses((status = 200, body = ShownSchedule), (status = 404, body = ErrorBody)))]
async fn show_schedule(
    Extract(platform): Extract<Platform>,
    session: Session,
    Path(slug): Path<String>,
) -> Result<Json<ShownSchedule>> {
    let project = find_project(&platform, &session, &slug, Action::View).await?;
    let schedule = schedule::of(platform.database.read(), &project.id).await?;
    let schedule = schedule.ok_or_else(|| Error::not_found("This project has no schedule."))?;
    Ok(Json(shown(schedule, &project.id)))
}

/// Sets when a project is backed up, and how much of that is kept
#[utoipa::path(put, path = "/api/projects/{slug}/backup-schedule", params(("slug" = String, Path)), request_body = Schedule,
    responses((status = 200, body = ShownSchedule), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn set_schedule(
    Extract(platform): Extract<Platform>,
    session: Session,
    Path(slug): Path<String>,
    Body(wanted): Body<Schedule>,
) -> Result<Json<ShownSchedule>> {
    let project = find_project(&platform, &session, &slug, Action::Restore).await?;
    wanted.check(Duration::from_secs(platform.config.backups.least_interval))?;
    let mut tx = platform.database.begin().await?;
    schedule::set(&mut tx, &project.id, &wanted).await?;
    let line = "The schedule of backups was changed";
    audit::note(&mut tx, Some(&session.account.id), Some(&project.id), "backup_schedule", line).await?;
    tx.commit().await?;
    Ok(Json(shown(wanted, &project.id)))
}

fn shown(schedule: Schedule, project: &str) -> ShownSchedule {
    let next_runs_ms = schedule.runs(project, clock::now_ms()).take(NEXT_RUNS).collect();
    ShownSchedule { schedule, next_runs_ms }
}

/// A backup of a project, and of no other.
pub(super) async fn find(platform: &Platform, project: &str, id: &str) -> Result<store::Backup> {
    let backup = store::by_id(platform.database.write(), id).await?;
    backup.filter(|backup| backup.project == project).ok_or_else(no_backup)
}

fn no_backup() -> Error {
    Error::not_found("There is no such backup.")
}

pub(super) fn under_way() -> Error {
    let message = "A backup, check or restore of this project is under way. Please wait for it, or cancel it.";
    Error::refused(StatusCode::CONFLICT, "under_way", message)
}

pub(super) fn begun(platform: &Platform, job_id: String, slug: String) -> Result<(StatusCode, Json<Begun>)> {
    platform.jobs.poke();
    Ok((StatusCode::ACCEPTED, Json(Begun { job_id, slug })))
}

/// `proven` is how many of the project's backups are.
fn present(backup: store::Backup, proven: usize) -> Backup {
    let manifest = backup.manifest.as_ref();
    let census = manifest.and_then(|manifest| manifest.census.as_ref());
    let collections = census.map(|census| {
        let counts = census.records.iter();
        counts.map(|(name, records)| CollectionCount { name: name.clone(), records: number(*records) }).collect()
    });
    Backup {
        bytes: manifest.map(|manifest| number(manifest.bytes)),
        sha256: manifest.map(|manifest| manifest.sha256.clone()),
        records: census.map(|census| number(census.records.values().sum::<u64>())),
        files: census.map(|census| number(census.files.count)),
        collections: collections.unwrap_or_default(),
        can_remove: backup.state == State::Failed || (backup.state == State::Proven && proven > 1),
        id: backup.id,
        origin: backup.origin,
        state: backup.state,
        reason: backup.reason,
        created_ms: backup.created_ms,
        proven_ms: backup.proven_ms,
        checked_ms: backup.checked_ms,
    }
}
