//! Everybody's projects from outside: whose, how large, how busy, in what state; suspending one, letting it go on, and
//! putting it to sleep.

use std::collections::HashMap;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::{AnyPool, Row as _};
use utoipa::{IntoParams, ToSchema};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::audit;
use crate::backups;
use crate::database::number;
use crate::error::{Error, ErrorBody, Result};
use crate::fleet::{self, LOCAL};
use crate::http::{Body, Query};
use crate::jobs::{self, Job};
use crate::mail::{self, Mail};
use crate::plans::{self, Assignment, Overrides, Plan};
use crate::projects::sleep::put_to_sleep;
use crate::projects::store::{self, Row};
use crate::projects::support::{self, SupportGrant};
use crate::projects::{Project, ProjectState};
use crate::session::Session;
use crate::state::Platform;
use crate::teams::store::Member;
use crate::teams::{self, Role};
use crate::usage;
use crate::usage::limits::LimitUse;

/// How many projects a page has.
const PAGE: usize = 50;
const LONGEST_REASON: usize = 200;

pub(super) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(list_tenants))
        .routes(routes!(show_tenant))
        .routes(routes!(suspend_tenant))
        .routes(routes!(resume_tenant))
        .routes(routes!(sleep_tenant))
        .routes(routes!(set_limits))
}

/// Which projects
#[derive(Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
struct TenantFilter {
    /// Part of the slug, the name, the id, the team's name or an owner's mail address.
    query: String,
    /// Only those in this state, such as `awake` or `suspended`.
    state: String,
    /// `name`, `size`, `requests`, `pace` (requests a second now) or `lastRequest`; the largest or latest first.
    sort: String,
    /// Counted from 1.
    page: usize,
}

/// A project as an operator sees it
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Tenant {
    id: String,
    slug: String,
    name: String,
    endpoint: String,
    team_id: String,
    team_name: String,
    /// The mail addresses of the team's owners.
    owners: Vec<String>,
    /// The name of its plan.
    plan: String,
    state: ProjectState,
    /// Since when, in milliseconds since the epoch like the others.
    state_since_ms: i64,
    /// Why it is suspended, not starting or damaged.
    reason: Option<String>,
    database_bytes: i64,
    storage_bytes: i64,
    requests: i64,
    /// Over the last half to whole minute, those refused apart.
    requests_per_second: f64,
    /// Event streams that are open.
    realtime_connections: i64,
    last_request_ms: Option<i64>,
    created_ms: i64,
    /// Until when a deleted project can be brought back.
    deleted_until_ms: Option<i64>,
    /// Until when its people let operators in.
    support_until_ms: Option<i64>,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TenantPage {
    items: Vec<Tenant>,
    /// How many there are on all pages.
    total: i64,
    page: i64,
    per_page: i64,
}

/// A project with its people and its work
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct TenantDetails {
    tenant: Tenant,
    members: Vec<Member>,
    /// Newest first.
    jobs: Vec<Job>,
    /// Whether its people let operators in.
    support: Option<SupportGrant>,
    /// What it may use: its plan's figures, with its own in their place; 0 is no limit.
    limits: Plan,
    /// What it uses of that.
    usage: Vec<LimitUse>,
    /// Its own figures.
    overrides: Overrides,
    /// When its newest proven backup was made.
    last_backup_ms: Option<i64>,
}

#[derive(Deserialize, ToSchema)]
struct Suspension {
    /// What visitors and owners read.
    reason: String,
    /// Whether the owners get a mail.
    #[serde(default)]
    notice: bool,
}

/// What is told of teams beside their projects.
#[derive(Default)]
struct TeamNames {
    name: String,
    owners: Vec<String>,
}

/// Everybody's projects
#[utoipa::path(get, path = "/api/operator/tenants", params(TenantFilter),
    responses((status = 200, body = TenantPage), (status = 403, body = ErrorBody)))]
async fn list_tenants(
    State(platform): State<Platform>,
    Query(filter): Query<TenantFilter>,
) -> Result<Json<TenantPage>> {
    let db = platform.database.read();
    let (teams, grants) = (team_names(db, "").await?, support::all(db).await?);
    let rows = store::of_node(db, LOCAL).await?;
    let counts = platform.usage.requests();
    let mut tenants: Vec<Tenant> = rows
        .into_iter()
        .map(|row| {
            let until = grants.get(&row.id).copied();
            present(&platform, row, &teams, &counts, until)
        })
        .filter(|tenant| filter.wants(tenant))
        .collect();
    filter.sort(&mut tenants);
    let (total, page) = (tenants.len(), filter.page.max(1));
    let items = tenants.into_iter().skip((page - 1).saturating_mul(PAGE)).take(PAGE).collect();
    Ok(Json(TenantPage { items, total: number(total), page: number(page), per_page: number(PAGE) }))
}

/// One project, its people and its latest jobs
#[utoipa::path(get, path = "/api/operator/tenants/{id}", params(("id" = String, Path)),
    responses((status = 200, body = TenantDetails), (status = 404, body = ErrorBody)))]
async fn show_tenant(State(platform): State<Platform>, Path(id): Path<String>) -> Result<Json<TenantDetails>> {
    let row = find(&platform, &id).await?;
    Ok(Json(details(&platform, row).await?))
}

async fn details(platform: &Platform, row: Row) -> Result<TenantDetails> {
    let (db, grant) = (platform.database.read(), platform.grant_of(&row));
    Ok(TenantDetails {
        members: teams::store::members(db, &row.team_id).await?,
        jobs: jobs::latest_of(db, &row.id).await?,
        support: support::of(db, &row.id).await?,
        limits: grant.figures,
        usage: usage::limits_of(platform, &row),
        overrides: grant.overrides,
        last_backup_ms: backups::newest_proven(db, &row.id).await?.map(|backup| backup.made_ms),
        tenant: load(platform, row).await?,
    })
}

/// Gives a project another plan, figures of its own, or both
#[utoipa::path(patch, path = "/api/operator/tenants/{id}/limits", params(("id" = String, Path)), request_body = Assignment,
    responses((status = 200, body = TenantDetails), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn set_limits(
    State(platform): State<Platform>,
    session: Session,
    Path(id): Path<String>,
    Body(wanted): Body<Assignment>,
) -> Result<Json<TenantDetails>> {
    let row = find(&platform, &id).await?;
    plans::assign(&platform, &session.account.id, &row, &wanted).await?;
    let row = store::by_id(platform.database.write(), &id).await?.ok_or_else(no_tenant)?;
    Ok(Json(details(&platform, row).await?))
}

/// Stops a project: it answers everybody with the reason, and its people can still export and delete it
#[utoipa::path(post, path = "/api/operator/tenants/{id}/suspend", params(("id" = String, Path)), request_body = Suspension,
    responses((status = 200, body = Tenant), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody)))]
async fn suspend_tenant(
    State(platform): State<Platform>,
    session: Session,
    Path(id): Path<String>,
    Body(wanted): Body<Suspension>,
) -> Result<Json<Tenant>> {
    let row = find(&platform, &id).await?;
    let reason = parse_reason(&wanted.reason)?;
    let mut tx = platform.database.begin().await?;
    if !store::suspend(&mut tx, &row.id, &reason).await? {
        return Err(Error::refused(StatusCode::CONFLICT, "deleted", "This project is deleted."));
    }
    let line = format!("{} was suspended: {reason}", row.name);
    audit::note(&mut tx, Some(&session.account.id), Some(&row.id), "suspended", &line).await?;
    if wanted.notice {
        let sentence = format!(
            "Your project {} was suspended by whoever runs this installation and answers nobody: {reason} Its data and \
             backups are kept, and you can still download them at the console.",
            row.name
        );
        tell_owners(&platform, &mut tx, &row, &format!("{} was suspended", row.name), &sentence).await?;
    }
    tx.commit().await?;
    settle(&platform, &row.id).await
}

/// Lets a suspended project go on
#[utoipa::path(post, path = "/api/operator/tenants/{id}/resume", params(("id" = String, Path)),
    responses((status = 200, body = Tenant), (status = 404, body = ErrorBody)))]
async fn resume_tenant(
    State(platform): State<Platform>,
    session: Session,
    Path(id): Path<String>,
) -> Result<Json<Tenant>> {
    let row = find(&platform, &id).await?;
    if row.suspended_reason.is_some() {
        let mut tx = platform.database.begin().await?;
        store::resume(&mut tx, &row.id).await?;
        let line = format!("{} goes on", row.name);
        audit::note(&mut tx, Some(&session.account.id), Some(&row.id), "resumed", &line).await?;
        let subject = format!("{} goes on", row.name);
        let sentence = format!("Your project {} is not suspended any more and answers as before.", row.name);
        tell_owners(&platform, &mut tx, &row, &subject, &sentence).await?;
        tx.commit().await?;
    }
    settle(&platform, &row.id).await
}

/// Puts a project to sleep: event streams end, everything else is answered first, and the next request wakes it
#[utoipa::path(post, path = "/api/operator/tenants/{id}/sleep", params(("id" = String, Path)),
    responses((status = 200, body = Tenant), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn sleep_tenant(
    State(platform): State<Platform>,
    session: Session,
    Path(id): Path<String>,
) -> Result<Json<Tenant>> {
    let row = find(&platform, &id).await?;
    put_to_sleep(&platform, &session.account.id, &row).await?;
    Ok(Json(load(&platform, row).await?))
}

async fn settle(platform: &Platform, id: &str) -> Result<Json<Tenant>> {
    platform.jobs.poke();
    fleet::reconcile::now(platform, id).await;
    let row = store::by_id(platform.database.write(), id).await?.ok_or_else(no_tenant)?;
    Ok(Json(load(platform, row).await?))
}

async fn find(platform: &Platform, id: &str) -> Result<Row> {
    store::by_id(platform.database.read(), id).await?.ok_or_else(no_tenant)
}

async fn load(platform: &Platform, row: Row) -> Result<Tenant> {
    let db = platform.database.read();
    let (teams, grant) = (team_names(db, &row.team_id).await?, support::of(db, &row.id).await?);
    Ok(present(platform, row, &teams, &platform.usage.requests(), grant.map(|grant| grant.until_ms)))
}

fn no_tenant() -> Error {
    Error::not_found("There is no such project.")
}

fn parse_reason(text: &str) -> Result<String> {
    let reason = text.trim();
    if reason.is_empty() {
        return Err(Error::field("reason", "required", "Please say why: owners and visitors read it."));
    }
    if reason.chars().count() > LONGEST_REASON || reason.chars().any(char::is_control) {
        return Err(Error::field("reason", "too_long", format!("Please use at most {LONGEST_REASON} characters.")));
    }
    Ok(reason.to_owned())
}

async fn tell_owners(
    platform: &Platform,
    tx: &mut sqlx::Transaction<'static, sqlx::Any>,
    row: &Row,
    subject: &str,
    sentence: &str,
) -> Result<()> {
    let link = format!("{}/p/{}", platform.urls.console(), row.slug);
    for owner in teams::owners(tx, &row.team_id).await? {
        mail::enqueue(tx, &Mail::of_platform(&owner, subject, sentence, "Open the project", &link)).await?;
    }
    Ok(())
}

/// A team and its owners; all teams if none is named.
async fn team_names(db: &AnyPool, team: &str) -> Result<HashMap<String, TeamNames>> {
    let sql = "SELECT t.id, t.name, a.email FROM team t
         LEFT JOIN member m ON m.team_id = t.id AND m.role = 'owner' LEFT JOIN account a ON a.id = m.account_id
         WHERE $1 = '' OR t.id = $1 ORDER BY a.email";
    let mut teams: HashMap<String, TeamNames> = HashMap::new();
    for row in sqlx::query(sql).bind(team).fetch_all(db).await? {
        let team = teams.entry(row.try_get(0)?).or_default();
        team.name = row.try_get(1)?;
        team.owners.extend(row.try_get::<Option<String>, _>(2)?);
    }
    Ok(teams)
}

fn present(
    platform: &Platform,
    row: Row,
    teams: &HashMap<String, TeamNames>,
    counts: &HashMap<String, u64>,
    support_until_ms: Option<i64>,
) -> Tenant {
    let plan = platform.grant_of(&row).plan;
    let project = Project::new(platform, row, Role::Viewer);
    let team = teams.get(&project.team_id);
    let counted = counts.get(&project.id).copied().unwrap_or(0);
    Tenant {
        team_name: team.map(|team| team.name.clone()).unwrap_or_default(),
        owners: team.map(|team| team.owners.clone()).unwrap_or_default(),
        requests_per_second: platform.pace.of(&project.id, counted),
        realtime_connections: platform.fleet.counters(&project.id).map_or(0, |counters| counters.realtime),
        id: project.id,
        slug: project.slug,
        name: project.name,
        endpoint: project.endpoint,
        team_id: project.team_id,
        plan,
        state: project.state,
        state_since_ms: project.state_since_ms,
        reason: project.reason,
        database_bytes: project.database_bytes,
        storage_bytes: project.storage_bytes,
        requests: project.requests,
        last_request_ms: project.last_request_ms,
        created_ms: project.created_ms,
        deleted_until_ms: project.deleted_until_ms,
        support_until_ms,
    }
}

impl TenantFilter {
    fn wants(&self, tenant: &Tenant) -> bool {
        let wanted = self.query.trim().to_lowercase();
        let texts = [&tenant.slug, &tenant.name, &tenant.id, &tenant.team_name];
        let mentioned = || {
            let mut texts = texts.into_iter().chain(&tenant.owners);
            texts.any(|text| text.to_lowercase().contains(&wanted))
        };
        (self.state.is_empty() || tenant.state.name() == self.state) && (wanted.is_empty() || mentioned())
    }

    fn sort(&self, tenants: &mut [Tenant]) {
        tenants.sort_by(|one, other| {
            let by = match self.sort.as_str() {
                "size" => other.bytes().cmp(&one.bytes()),
                "requests" => other.requests.cmp(&one.requests),
                "pace" => other.requests_per_second.total_cmp(&one.requests_per_second),
                "lastRequest" => other.last_request_ms.cmp(&one.last_request_ms),
                _ => std::cmp::Ordering::Equal,
            };
            by.then_with(|| one.name.to_lowercase().cmp(&other.name.to_lowercase())).then_with(|| one.id.cmp(&other.id))
        });
    }
}

impl Tenant {
    fn bytes(&self) -> i64 {
        self.database_bytes.saturating_add(self.storage_bytes)
    }
}
