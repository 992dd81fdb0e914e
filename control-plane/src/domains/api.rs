//! Adding, showing, looking at and removing a project's domains.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{Domain, DomainName, keeper, store};
use crate::accounts::unverified;
use crate::audit;
use crate::clock;
use crate::error::{Error, ErrorBody, Result};
use crate::fleet;
use crate::http::Body;
use crate::projects::{self, api as projects_api};
use crate::session::Session;
use crate::state::Platform;
use crate::teams::Action;

/// Whoever asks for a look again before this has passed is shown the last one.
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// The routes.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(list_domains, add_domain))
        .routes(routes!(show_domain, remove_domain))
        .routes(routes!(look_at_domain))
}

#[derive(Serialize, ToSchema)]
struct DomainList {
    items: Vec<Domain>,
}

#[derive(Deserialize, ToSchema)]
struct NewDomain {
    name: String,
}

/// A project's domains, oldest first
#[utoipa::path(get, path = "/api/projects/{slug}/domains", params(("slug" = String, Path)),
    responses((status = 200, body = DomainList), (status = 404, body = ErrorBody)))]
async fn list_domains(
    State(platform): State<Platform>,
    session: Session,
    Path(slug): Path<String>,
) -> Result<Json<DomainList>> {
    let project = projects_api::find_project(&platform, &session, &slug, Action::View).await?;
    let rows = store::of_project(platform.database.read(), &project.id).await?;
    let addresses = platform.domains.addresses().await;
    let host = platform.urls.project_host(&project.slug);
    Ok(Json(DomainList { items: rows.into_iter().map(|row| Domain::new(row, &addresses, &host)).collect() }))
}

/// Adds a domain; the answer says which records to set
#[utoipa::path(post, path = "/api/projects/{slug}/domains", params(("slug" = String, Path)), request_body = NewDomain,
    responses((status = 201, body = Domain), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody)))]
async fn add_domain(
    State(platform): State<Platform>,
    session: Session,
    Path(slug): Path<String>,
    Body(new): Body<NewDomain>,
) -> Result<(StatusCode, Json<Domain>)> {
    let project = projects_api::find_project(&platform, &session, &slug, Action::ManageDomains).await?;
    projects_api::refuse_deleted(&project)?;
    let message = "Please confirm your mail address before you add a domain. Open the link we mailed you.";
    unverified::refuse(&platform, &session.account, platform.config.unverified.domains, message)?;
    let name = parse_name(&platform, &new.name)?;
    let mut tx = platform.database.begin().await?;
    store::add(&mut tx, &project.id, &name, clock::millis(platform.config.domains.dns_wait())).await?;
    let line = format!("The domain {name} was added");
    audit::note(&mut tx, Some(&session.account.id), Some(&project.id), "domain_added", &line).await?;
    tx.commit().await?;
    platform.domains.poke();
    platform.domain_changed(&project.id, &name);
    Ok((StatusCode::CREATED, Json(load(&platform, &project, &name).await?)))
}

/// One domain
#[utoipa::path(get, path = "/api/projects/{slug}/domains/{name}", params(("slug" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = Domain), (status = 404, body = ErrorBody)))]
async fn show_domain(
    State(platform): State<Platform>,
    session: Session,
    Path((slug, name)): Path<(String, String)>,
) -> Result<Json<Domain>> {
    let project = projects_api::find_project(&platform, &session, &slug, Action::View).await?;
    Ok(Json(load(&platform, &project, &known(&name)?).await?))
}

/// Looks at a domain now; one that failed begins anew
#[utoipa::path(post, path = "/api/projects/{slug}/domains/{name}/look",
    params(("slug" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = Domain), (status = 404, body = ErrorBody)))]
async fn look_at_domain(
    State(platform): State<Platform>,
    session: Session,
    Path((slug, name)): Path<(String, String)>,
) -> Result<Json<Domain>> {
    let project = projects_api::find_project(&platform, &session, &slug, Action::ManageDomains).await?;
    projects_api::refuse_deleted(&project)?;
    let name = known(&name)?;
    let row = store::find(platform.database.write(), &project.id, &name).await?.ok_or_else(no_such_domain)?;
    let looked = row.looked_ms.unwrap_or_default();
    if clock::now_ms() - looked >= clock::millis(BETWEEN_LOOKS) {
        keeper::look(&platform, &row).await?;
    }
    Ok(Json(load(&platform, &project, &name).await?))
}

/// Removes a domain; it stops answering at once
#[utoipa::path(delete, path = "/api/projects/{slug}/domains/{name}",
    params(("slug" = String, Path), ("name" = String, Path)),
    responses((status = 204), (status = 404, body = ErrorBody)))]
async fn remove_domain(
    State(platform): State<Platform>,
    session: Session,
    Path((slug, name)): Path<(String, String)>,
) -> Result<StatusCode> {
    let project = projects_api::find_project(&platform, &session, &slug, Action::ManageDomains).await?;
    let name = known(&name)?;
    let row = store::find(platform.database.write(), &project.id, &name).await?.ok_or_else(no_such_domain)?;
    let mut tx = platform.database.begin().await?;
    store::remove(&mut tx, &row, clock::millis(platform.config.domains.quarantine())).await?;
    let line = format!("The domain {name} was removed");
    audit::note(&mut tx, Some(&session.account.id), Some(&project.id), "domain_removed", &line).await?;
    tx.commit().await?;
    if row.live {
        fleet::routes::publish(&platform).await;
    }
    platform.domain_changed(&project.id, &name);
    Ok(StatusCode::NO_CONTENT)
}

/// The domain as it is now, if the project has it.
pub(crate) async fn present(
    platform: &Platform,
    project: &projects::store::Row,
    name: &DomainName,
) -> Result<Option<Domain>> {
    let Some(row) = store::find(platform.database.write(), &project.id, name).await? else { return Ok(None) };
    let addresses = platform.domains.addresses().await;
    Ok(Some(Domain::new(row, &addresses, &platform.urls.project_host(&project.slug))))
}

async fn load(platform: &Platform, project: &projects::store::Row, name: &DomainName) -> Result<Domain> {
    present(platform, project, name).await?.ok_or_else(no_such_domain)
}

/// A name somebody wants to add.
fn parse_name(platform: &Platform, text: &str) -> Result<DomainName> {
    let name: DomainName = text.parse().map_err(|_| {
        let message =
            "Please enter the name of a domain, such as api.example.com, without https:// and without a path.";
        Error::field("name", "invalid_domain", message)
    })?;
    if name.is_within(&platform.config.domain) || name.is_within(platform.config.console_host()) {
        let message = "This name belongs to the platform. A project's address there is changed in its settings.";
        return Err(Error::field("name", "platform_domain", message));
    }
    Ok(name)
}

/// A name in a path: what is no name is no domain of a project either.
fn known(text: &str) -> Result<DomainName> {
    text.parse().map_err(|_| no_such_domain())
}

fn no_such_domain() -> Error {
    Error::not_found("This project has no such domain.")
}
