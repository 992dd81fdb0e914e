//! Creating, showing, renaming, deleting projects and bringing them back.

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::{Any, Transaction};
use tenant_runtime::host::FirstSuperuser;
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::store::{self, New, Row};
use super::{Project, Slug, Wish, purge};
use crate::accounts::{Email, second_factor, unverified};
use crate::audit::{self, Activity};
use crate::backups::{self, Origin};
use crate::clock;
use crate::error::{Error, ErrorBody, Result};
use crate::fleet;
use crate::http::Body;
use crate::jobs;
use crate::operator::disk;
use crate::session::Session;
use crate::state::Platform;
use crate::teams::{self, Action, Role};

const LONGEST_NAME: usize = 60;
const ACTIVITY_LINES: i64 = 50;
const PASSWORD_LENGTH: usize = 20;

/// The routes.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(list_projects, create_project))
        .routes(routes!(show_project, change_project, delete_project))
        .routes(routes!(undelete_project))
        .routes(routes!(transfer_project))
        .routes(routes!(wake_project))
        .routes(routes!(set_superuser))
        .routes(routes!(project_activity))
        .routes(routes!(check_slug))
        .merge(super::logs::routes())
        .merge(super::sleep::routes())
        .merge(super::support::routes())
}

#[derive(Serialize, ToSchema)]
struct ProjectList {
    items: Vec<Project>,
    /// How many one team may have.
    limit: i64,
    /// The id of the team in which the account creates projects unless it names another; absent if it owns none.
    #[serde(skip_serializing_if = "Option::is_none")]
    team: Option<String>,
}

#[derive(Deserialize, ToSchema)]
struct NewProject {
    name: String,
    slug: Option<String>,
    superuser: Option<SuperuserCredentials>,
    /// The id of the team it will belong to; without one the account's own.
    team: Option<String>,
}

#[derive(Deserialize, ToSchema)]
struct SuperuserCredentials {
    email: String,
    password: String,
}

#[derive(Serialize, ToSchema)]
struct CreatedProject {
    project: Project,
    superuser: CreatedSuperuser,
}

#[derive(Serialize, ToSchema)]
struct CreatedSuperuser {
    email: String,
    /// Only when it was made here; it is shown this once.
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<String>,
}

#[derive(Deserialize, ToSchema)]
struct ProjectChange {
    name: Option<String>,
    slug: Option<String>,
}

#[derive(Deserialize, ToSchema)]
struct Confirmation {
    /// The project's slug, typed by hand.
    slug: String,
    /// From the device, if a second factor is on.
    code: Option<String>,
}

#[derive(Deserialize, ToSchema)]
struct Transfer {
    /// The id of the team it will belong to.
    team: String,
    /// From the device, if a second factor is on.
    code: Option<String>,
}

#[derive(Serialize, ToSchema)]
struct ActivityList {
    items: Vec<Activity>,
}

/// Whether an address can be had
#[derive(Serialize, ToSchema)]
pub struct SlugCheck {
    slug: String,
    available: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// The account's projects, deleted ones in their grace period included
#[utoipa::path(get, path = "/api/projects", responses((status = 200, body = ProjectList)))]
async fn list_projects(State(platform): State<Platform>, session: Session) -> Result<Json<ProjectList>> {
    let rows = store::of_account(platform.database.read(), &session.account.id).await?;
    let seen = rows.into_iter().filter(|(row, _)| session.sees(row));
    let items = seen.map(|(row, role)| Project::new(&platform, row, role)).collect();
    let team = teams::store::oldest_owned(platform.database.read(), &session.account.id).await?;
    let most = platform.config.projects_per_account;
    let limit = unverified::most_projects(&platform, &session.account).map_or(most, |own| own.min(most));
    Ok(Json(ProjectList { items, limit, team }))
}

/// Creates a project; usually it serves when this answers
#[utoipa::path(post, path = "/api/projects", request_body = NewProject,
    responses((status = 201, body = CreatedProject), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 503, body = ErrorBody)))]
async fn create_project(
    State(platform): State<Platform>,
    session: Session,
    Body(new): Body<NewProject>,
) -> Result<(StatusCode, Json<CreatedProject>)> {
    let team = teams::api::team_for(&platform, &session, new.team.as_deref()).await?;
    disk::refuse_if_full(&platform)?;
    let name = parse_name(&new.name)?;
    let slug: Slug = match new.slug.as_deref().filter(|slug| !slug.is_empty()) {
        Some(slug) => slug.parse()?,
        None => Slug::from_name(&name).ok_or_else(|| {
            Error::field("slug", "invalid_slug", "Please choose an address of letters a-z, digits and dashes.")
        })?,
    };
    let (superuser, hash) = first_superuser(&platform, &session, new.superuser).await?;
    let first = FirstSuperuser { email: superuser.email.clone(), password_hash: hash };
    let first = serde_json::to_string(&first).map_err(anyhow::Error::new)?;
    let node = platform.fleet.place();
    let mut tx = platform.database.begin().await?;
    let wanted = New { team_id: &team, slug: &slug, name: &name, node_id: node, first_superuser: Some(&first) };
    let id = store::create(&mut tx, &wanted, platform.config.projects_per_account).await?;
    unverified::refuse_crowd(&platform, &mut tx, &session.account, &team).await?;
    let line = format!("{name} was created");
    audit::note(&mut tx, Some(&session.account.id), Some(&id), "created", &line).await?;
    backups::schedule::begin(&mut tx, &id).await?;
    tx.commit().await?;
    fleet::reconcile::now(&platform, &id).await;
    let project = load(&platform, &session, &id).await?;
    Ok((StatusCode::CREATED, Json(CreatedProject { project, superuser })))
}

/// One project
#[utoipa::path(get, path = "/api/projects/{slug}", params(("slug" = String, Path)),
    responses((status = 200, body = Project), (status = 404, body = ErrorBody)))]
async fn show_project(
    State(platform): State<Platform>,
    session: Session,
    Path(slug): Path<String>,
) -> Result<Json<Project>> {
    let found = store::find(platform.database.write(), &session.account.id, &slug).await?;
    let (row, role) = visible(&session, found)?;
    Ok(Json(Project::new(&platform, row, role)))
}

/// Changes name or address; the old address stops working at once
#[utoipa::path(patch, path = "/api/projects/{slug}", params(("slug" = String, Path)), request_body = ProjectChange,
    responses((status = 200, body = Project), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn change_project(
    State(platform): State<Platform>,
    session: Session,
    Path(slug): Path<String>,
    Body(change): Body<ProjectChange>,
) -> Result<Json<Project>> {
    let row = find_project(&platform, &session, &slug, Action::Rename).await?;
    refuse_deleted(&row)?;
    let name = change.name.as_deref().map(parse_name).transpose()?.filter(|name| *name != row.name);
    let slug = change.slug.filter(|slug| *slug != row.slug).map(|slug| slug.parse::<Slug>()).transpose()?;
    let mut tx = platform.database.begin().await?;
    store::rename(&mut tx, &row.id, name.as_deref(), slug.as_ref().map(Slug::as_str)).await?;
    if let Some(name) = name {
        let line = format!("{} is now called {name}", row.name);
        audit::note(&mut tx, Some(&session.account.id), Some(&row.id), "renamed", &line).await?;
    }
    if let Some(slug) = slug {
        let line = format!("The address changed from {} to {slug}", row.slug);
        audit::note(&mut tx, Some(&session.account.id), Some(&row.id), "moved", &line).await?;
    }
    tx.commit().await?;
    fleet::reconcile::now(&platform, &row.id).await;
    Ok(Json(load(&platform, &session, &row.id).await?))
}

/// Deletes a project; it can be brought back until `deletedUntilMs`
#[utoipa::path(delete, path = "/api/projects/{slug}", params(("slug" = String, Path)), request_body = Confirmation,
    responses((status = 200, body = Project), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn delete_project(
    State(platform): State<Platform>,
    session: Session,
    Path(slug): Path<String>,
    Body(typed): Body<Confirmation>,
) -> Result<Json<Project>> {
    let row = find_project(&platform, &session, &slug, Action::Delete).await?;
    if typed.slug != row.slug {
        return Err(Error::field("slug", "mismatch", format!("Please type {} to confirm.", row.slug)));
    }
    if session.grant.is_none() {
        second_factor::demand(&platform, &session.account, typed.code.as_deref()).await?;
    }
    if row.wish != Wish::Deleted {
        let mut tx = platform.database.begin().await?;
        delete(&platform, &mut tx, &session.account.id, &row.id, &row.name).await?;
        tx.commit().await?;
        platform.jobs.poke();
        fleet::reconcile::now(&platform, &row.id).await;
    }
    Ok(Json(load(&platform, &session, &row.id).await?))
}

/// Has a project deleted once the transaction is committed: backed up now, removed for good after the grace period.
pub(crate) async fn delete(
    platform: &Platform,
    tx: &mut Transaction<'static, Any>,
    account: &str,
    id: &str,
    name: &str,
) -> Result<()> {
    let until = clock::now_ms() + clock::millis(platform.config.grace());
    store::delete(tx, id, until).await?;
    backups::make::begin(tx, id, Origin::Delete, None).await?;
    purge::ask_for(tx, id, until).await?;
    audit::note(tx, Some(account), Some(id), "deleted", &format!("{name} was deleted")).await
}

/// Brings a deleted project back, unless it is being removed for good
#[utoipa::path(post, path = "/api/projects/{slug}/undelete", params(("slug" = String, Path)),
    responses((status = 200, body = Project), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody)))]
async fn undelete_project(
    State(platform): State<Platform>,
    session: Session,
    Path(slug): Path<String>,
) -> Result<Json<Project>> {
    let row = find_project(&platform, &session, &slug, Action::Delete).await?;
    let mut tx = platform.database.begin().await?;
    let is_back = store::undelete(&mut tx, &row.id, &row.team_id, platform.config.projects_per_account).await?;
    if is_back {
        unverified::refuse_crowd(&platform, &mut tx, &session.account, &row.team_id).await?;
        jobs::cancel_queued(&mut tx, &row.id, purge::KEY).await?;
        let line = format!("{} was brought back", row.name);
        audit::note(&mut tx, Some(&session.account.id), Some(&row.id), "undeleted", &line).await?;
    }
    tx.commit().await?;
    if is_back {
        fleet::reconcile::now(&platform, &row.id).await;
    }
    Ok(Json(load(&platform, &session, &row.id).await?))
}

/// Hands a project over to another team of the account
#[utoipa::path(post, path = "/api/projects/{slug}/transfer", params(("slug" = String, Path)), request_body = Transfer,
    responses((status = 200, body = Project), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
async fn transfer_project(
    State(platform): State<Platform>,
    session: Session,
    Path(slug): Path<String>,
    Body(wanted): Body<Transfer>,
) -> Result<Json<Project>> {
    let row = find_project(&platform, &session, &slug, Action::Transfer).await?;
    let team = teams::api::team_for(&platform, &session, Some(&wanted.team)).await?;
    if team != row.team_id {
        second_factor::demand(&platform, &session.account, wanted.code.as_deref()).await?;
        let mut tx = platform.database.begin().await?;
        let line = format!("{} was handed over to another team", row.name);
        audit::note(&mut tx, Some(&session.account.id), Some(&row.id), "handed_over", &line).await?;
        store::transfer(&mut tx, &row.id, &team, platform.config.projects_per_account).await?;
        unverified::refuse_crowd(&platform, &mut tx, &session.account, &team).await?;
        let line = format!("{} was taken over from another team", row.name);
        audit::note(&mut tx, Some(&session.account.id), Some(&row.id), "taken_over", &line).await?;
        tx.commit().await?;
        platform.changed(&row.id);
    }
    Ok(Json(load(&platform, &session, &row.id).await?))
}

/// Wakes a project that sleeps
#[utoipa::path(post, path = "/api/projects/{slug}/wake", params(("slug" = String, Path)),
    responses((status = 200, body = Project), (status = 404, body = ErrorBody), (status = 503, body = ErrorBody)))]
async fn wake_project(
    State(platform): State<Platform>,
    session: Session,
    Path(slug): Path<String>,
) -> Result<Json<Project>> {
    let row = find_project(&platform, &session, &slug, Action::Wake).await?;
    refuse_deleted(&row)?;
    let id = row.id.parse().map_err(anyhow::Error::new)?;
    let report = platform.fleet.node(&row.node_id)?.wake(&id).await.map_err(|error| {
        tracing::warn!("failed to wake {}: {error}", row.id);
        Error::refused(StatusCode::SERVICE_UNAVAILABLE, "not_starting", "The project does not start just now.")
    })?;
    platform.fleet.see(&platform, report);
    Ok(Json(load(&platform, &session, &row.id).await?))
}

/// Sets the password of one of the project's superusers, who is created if there is none with that address
#[utoipa::path(put, path = "/api/projects/{slug}/superuser", params(("slug" = String, Path)),
    request_body = SuperuserCredentials,
    responses((status = 204), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn set_superuser(
    State(platform): State<Platform>,
    session: Session,
    Path(slug): Path<String>,
    Body(given): Body<SuperuserCredentials>,
) -> Result<StatusCode> {
    let row = find_project(&platform, &session, &slug, Action::SetSuperuser).await?;
    refuse_deleted(&row)?;
    let email: Email = given.email.parse()?;
    let hash = hash_superuser_password(&platform, given.password).await?;
    let id = row.id.parse().map_err(anyhow::Error::new)?;
    platform.fleet.node(&row.node_id)?.put_superuser(&id, email.as_str(), &hash).await.map_err(anyhow::Error::new)?;
    let mut tx = platform.database.begin().await?;
    let line = format!("The password of the superuser {email} was set");
    audit::note(&mut tx, Some(&session.account.id), Some(&row.id), "superuser", &line).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What happened to a project, newest first
#[utoipa::path(get, path = "/api/projects/{slug}/activity", params(("slug" = String, Path)),
    responses((status = 200, body = ActivityList), (status = 404, body = ErrorBody)))]
async fn project_activity(
    State(platform): State<Platform>,
    session: Session,
    Path(slug): Path<String>,
) -> Result<Json<ActivityList>> {
    let row = find_project(&platform, &session, &slug, Action::View).await?;
    let items = audit::of_project(platform.database.read(), &row.id, ACTIVITY_LINES).await?;
    Ok(Json(ActivityList { items }))
}

/// Whether an address can be had
#[utoipa::path(get, path = "/api/slugs/{slug}", params(("slug" = String, Path)),
    responses((status = 200, body = SlugCheck)))]
async fn check_slug(
    State(platform): State<Platform>,
    _session: Session,
    Path(slug): Path<String>,
) -> Result<Json<SlugCheck>> {
    let refusal = match slug.parse::<Slug>() {
        Ok(parsed) if store::is_taken(platform.database.read(), &parsed).await? => {
            Some(("slug_taken", "This address is taken.".to_owned()))
        }
        Ok(_) => None,
        Err(Error::Field { code, message, .. }) => Some((code, message)),
        Err(error) => return Err(error),
    };
    let available = refusal.is_none();
    let (code, message) = refusal.map(|(code, message)| (code.to_owned(), message)).unzip();
    Ok(Json(SlugCheck { slug, available, code, message }))
}

/// The project as the account sees it now.
pub(super) async fn load(platform: &Platform, session: &Session, id: &str) -> Result<Project> {
    let found = store::find_by_id(platform.database.write(), &session.account.id, id).await?;
    let (row, role) = visible(session, found)?;
    Ok(Project::new(platform, row, role))
}

/// The project, if the account may do that with it.
pub(crate) async fn find_project(
    platform: &Platform,
    session: &Session,
    slug_or_id: &str,
    action: Action,
) -> Result<Row> {
    let found = store::find(platform.database.read(), &session.account.id, slug_or_id).await?;
    let (row, role) = visible(session, found)?;
    session.allow(role, action)?;
    Ok(row)
}

/// Whether the account may still do that with a project it found before.
pub(super) async fn may_still(platform: &Platform, session: &Session, id: &str, action: Action) -> Result<()> {
    let found = store::find_by_id(platform.database.read(), &session.account.id, id).await?;
    let (_, role) = visible(session, found)?;
    session.allow(role, action)
}

fn visible(session: &Session, found: Option<(Row, Role)>) -> Result<(Row, Role)> {
    found.filter(|(row, _)| session.sees(row)).ok_or_else(|| Error::not_found("There is no such project."))
}

/// Refuses what makes no sense with a project that is deleted.
pub(crate) fn refuse_deleted(row: &Row) -> Result<()> {
    if row.wish == Wish::Deleted {
        let message = "This project is deleted. Bring it back first.";
        return Err(Error::refused(StatusCode::CONFLICT, "deleted", message));
    }
    Ok(())
}

/// A project's name as people may type it.
pub(crate) fn parse_name(text: &str) -> Result<String> {
    let name = text.trim();
    if name.is_empty() {
        return Err(Error::field("name", "required", "Please give the project a name."));
    }
    if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(Error::field("name", "too_long", format!("Please use at most {LONGEST_NAME} characters.")));
    }
    Ok(name.to_owned())
}

/// Who will be the project's first superuser, and the hash of their password.
async fn first_superuser(
    platform: &Platform,
    session: &Session,
    given: Option<SuperuserCredentials>,
) -> Result<(CreatedSuperuser, String)> {
    let (email, plain, shown) = match given {
        Some(given) => (given.email.parse::<Email>()?.to_string(), given.password, None),
        None => {
            let password = tenant_runtime::random_key(PASSWORD_LENGTH);
            (session.account.email.clone(), password.clone(), Some(password))
        }
    };
    let hash = hash_superuser_password(platform, plain).await?;
    Ok((CreatedSuperuser { email, password: shown }, hash))
}

/// The rules of a backend's superusers: 8 to 71 characters, at most 72 bytes.
async fn hash_superuser_password(platform: &Platform, plain: String) -> Result<String> {
    let length = plain.chars().count();
    if length < 8 {
        return Err(Error::field("password", "password_too_short", "Please use at least 8 characters."));
    }
    if length > 71 || plain.len() > 72 {
        return Err(Error::field("password", "password_too_long", "Please use at most 71 characters."));
    }
    let hash = platform.fleet.hasher().hash(plain, 0).await;
    hash.map_err(|error| Error::Internal(anyhow::anyhow!("hash a superuser's password: {error}")))
}
