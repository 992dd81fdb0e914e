//! The door of the console's API: every endpoint has a line here that says what it asks of whoever calls. What has no
//! line is not served. So the whole of who may do what is this table and the one in `teams`, which says what roles and
//! scopes allow.

use axum::extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{Method, StatusCode};
use serde_json::{Value as Json, json};
use utoipa::openapi::OpenApi;
use utoipa::openapi::extensions::Extensions;

use crate::audit::Origin;
use crate::error::{Error, Result};
use crate::http::ClientAddress;
use crate::projects::store::Row;
use crate::projects::support;
use crate::session::Session;
use crate::state::Platform;
use crate::teams::{self, Action, Role};
use crate::{jobs, projects};

/// What an endpoint asks of whoever calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: strangers call it, too.
    Nothing,
    /// A person at the console; a token never.
    Person,
    /// A person or a token. The answer holds only what they may see.
    Account,
    /// This action in the team its body names, which the handler checks.
    Body(Action),
    /// This action in the team of the project `{slug}`.
    Project(Action),
    /// This action in the team `{team}`.
    Team(Action),
    /// This action in the team of the project that the job `{id}` is for.
    Job(Action),
    /// The action that begins such a job as `{id}`, in the team of the project that it is for.
    EndJob,
    /// A person who operates this installation.
    Operator,
}

use Needs::{Account, Body, EndJob, Job, Nothing, Operator, Person, Project, Team};

const NO_JOB: &str = "There is no such job.";

/// Every endpoint and what it asks.
pub const ENDPOINTS: &[(&str, &str, Needs)] = &[
    ("GET", "/api/openapi.json", Nothing),
    ("GET", "/api/health", Nothing),
    ("GET", "/api/config", Nothing),
    ("GET", "/api/outbox", Nothing),
    ("GET", "/api/events", Account),
    ("GET", "/api/jobs/{id}", Job(Action::View)),
    ("POST", "/api/jobs/{id}/cancel", EndJob),
    // Accounts
    ("POST", "/api/accounts", Nothing),
    ("POST", "/api/session", Nothing),
    ("DELETE", "/api/session", Person),
    ("POST", "/api/session/second-factor", Nothing),
    ("GET", "/api/sign-in/{provider}", Nothing),
    ("GET", "/api/sign-in/{provider}/return", Nothing),
    ("POST", "/api/verification", Person),
    ("POST", "/api/verification/confirm", Nothing),
    ("POST", "/api/password-reset", Nothing),
    ("POST", "/api/password-reset/confirm", Nothing),
    ("GET", "/api/account", Account),
    ("PATCH", "/api/account", Person),
    ("DELETE", "/api/account", Person),
    ("POST", "/api/exports", Nothing),
    ("POST", "/api/exports/zip", Nothing),
    ("POST", "/api/account/email", Person),
    ("POST", "/api/account/email/confirm", Nothing),
    ("GET", "/api/account/second-factor", Person),
    ("POST", "/api/account/second-factor", Person),
    ("DELETE", "/api/account/second-factor", Person),
    ("POST", "/api/account/second-factor/confirm", Person),
    ("POST", "/api/account/second-factor/recovery-codes", Person),
    ("GET", "/api/account/sessions", Person),
    ("DELETE", "/api/account/sessions", Person),
    ("DELETE", "/api/account/sessions/{id}", Person),
    ("GET", "/api/account/tokens", Person),
    ("POST", "/api/account/tokens", Person),
    ("DELETE", "/api/account/tokens/{id}", Person),
    ("GET", "/api/account/audit", Person),
    // Projects
    ("GET", "/api/projects", Account),
    ("POST", "/api/projects", Body(Action::Create)),
    ("GET", "/api/projects/{slug}", Project(Action::View)),
    ("PATCH", "/api/projects/{slug}", Project(Action::Rename)),
    ("DELETE", "/api/projects/{slug}", Project(Action::Delete)),
    ("POST", "/api/projects/{slug}/undelete", Project(Action::Delete)),
    ("POST", "/api/projects/{slug}/transfer", Project(Action::Transfer)),
    ("POST", "/api/projects/{slug}/wake", Project(Action::Wake)),
    ("POST", "/api/projects/{slug}/sleep", Project(Action::Wake)),
    ("PUT", "/api/projects/{slug}/superuser", Project(Action::SetSuperuser)),
    ("GET", "/api/projects/{slug}/activity", Project(Action::View)),
    ("GET", "/api/projects/{slug}/audit", Project(Action::View)),
    ("GET", "/api/projects/{slug}/logs", Project(Action::ReadLogs)),
    ("GET", "/api/projects/{slug}/logs/tail", Project(Action::ReadLogs)),
    ("GET", "/api/projects/{slug}/support", Project(Action::View)),
    ("POST", "/api/projects/{slug}/support", Project(Action::GrantSupport)),
    ("DELETE", "/api/projects/{slug}/support", Project(Action::GrantSupport)),
    ("GET", "/api/projects/{slug}/domains", Project(Action::View)),
    ("POST", "/api/projects/{slug}/domains", Project(Action::ManageDomains)),
    ("GET", "/api/projects/{slug}/domains/{name}", Project(Action::View)),
    ("DELETE", "/api/projects/{slug}/domains/{name}", Project(Action::ManageDomains)),
    ("POST", "/api/projects/{slug}/domains/{name}/look", Project(Action::ManageDomains)),
    ("GET", "/api/slugs/{slug}", Account),
    ("GET", "/api/plans", Account),
    ("GET", "/api/projects/{slug}/usage", Project(Action::View)),
    // Backups
    ("GET", "/api/projects/{slug}/backups", Project(Action::View)),
    ("POST", "/api/projects/{slug}/backups", Project(Action::BackUp)),
    ("DELETE", "/api/projects/{slug}/backups/{id}", Project(Action::Restore)),
    ("POST", "/api/projects/{slug}/backups/{id}/check", Project(Action::BackUp)),
    ("POST", "/api/projects/{slug}/backups/{id}/restore", Project(Action::Restore)),
    ("GET", "/api/projects/{slug}/backups/{id}/zip", Project(Action::Download)),
    ("POST", "/api/projects/{slug}/restores/{id}/undo", Project(Action::Restore)),
    ("POST", "/api/projects/{slug}/imports", Project(Action::Import)),
    ("GET", "/api/projects/{slug}/backup-schedule", Project(Action::View)),
    ("PUT", "/api/projects/{slug}/backup-schedule", Project(Action::Restore)),
    ("GET", "/api/projects/{slug}/jobs", Project(Action::View)),
    // Teams
    ("GET", "/api/teams", Account),
    ("POST", "/api/teams", Person),
    ("GET", "/api/teams/{team}", Team(Action::View)),
    ("PATCH", "/api/teams/{team}", Team(Action::RenameTeam)),
    ("DELETE", "/api/teams/{team}", Team(Action::DeleteTeam)),
    ("POST", "/api/teams/{team}/leave", Team(Action::Leave)),
    ("PATCH", "/api/teams/{team}/members/{account}", Team(Action::ManagePeople)),
    ("DELETE", "/api/teams/{team}/members/{account}", Team(Action::ManagePeople)),
    ("GET", "/api/teams/{team}/invitations", Team(Action::ManagePeople)),
    ("POST", "/api/teams/{team}/invitations", Team(Action::ManagePeople)),
    ("POST", "/api/teams/{team}/invitations/{id}/resend", Team(Action::ManagePeople)),
    ("DELETE", "/api/teams/{team}/invitations/{id}", Team(Action::ManagePeople)),
    ("POST", "/api/invitations/show", Nothing),
    ("POST", "/api/invitations/accept", Person),
    ("GET", "/api/teams/{team}/audit", Team(Action::View)),
    ("GET", "/api/teams/{team}/tokens", Team(Action::ManageTokens)),
    ("DELETE", "/api/teams/{team}/tokens/{id}", Team(Action::ManageTokens)),
    // The operator
    ("GET", "/api/operator/node", Operator),
    ("GET", "/api/operator/attention", Operator),
    ("GET", "/api/operator/tenants", Operator),
    ("GET", "/api/operator/tenants/{id}", Operator),
    ("PATCH", "/api/operator/tenants/{id}/limits", Operator),
    ("POST", "/api/operator/tenants/{id}/suspend", Operator),
    ("POST", "/api/operator/tenants/{id}/resume", Operator),
    ("POST", "/api/operator/tenants/{id}/sleep", Operator),
    ("PUT", "/api/operator/plans/{name}", Operator),
    ("DELETE", "/api/operator/plans/{name}", Operator),
    ("POST", "/api/operator/plans/{name}/preview", Operator),
    ("GET", "/api/operator/jobs", Operator),
    ("GET", "/api/operator/jobs/{id}", Operator),
    ("POST", "/api/operator/jobs/{id}/cancel", Operator),
    ("POST", "/api/operator/jobs/{id}/retry", Operator),
    ("GET", "/api/operator/purges", Operator),
    ("POST", "/api/operator/purges", Operator),
    ("GET", "/api/operator/audit", Operator),
];

/// Says in the OpenAPI document, as `x-access`, what each endpoint asks.
pub fn describe(document: &mut OpenApi) {
    for (path, item) in &mut document.paths.paths {
        let operations = [
            ("GET", &mut item.get),
            ("POST", &mut item.post),
            ("PUT", &mut item.put),
            ("PATCH", &mut item.patch),
            ("DELETE", &mut item.delete),
        ];
        for (method, operation) in operations {
            let line = ENDPOINTS.iter().find(|(known, of, _)| *known == method && of == path);
            if let (Some(operation), Some((_, _, needs))) = (operation, line) {
                let access = Extensions::builder().add("x-access", needs.describe()).build();
                operation.extensions.get_or_insert_default().merge(access);
            }
        }
    }
}

impl Needs {
    fn describe(self) -> Json {
        let in_team = |of: &str, action: Action| {
            let (role, scope) = action.least();
            json!({ "who": "member", "of": of, "role": role, "scope": scope })
        };
        match self {
            Nothing => json!({ "who": "anyone" }),
            Person => json!({ "who": "person" }),
            Account => json!({ "who": "account" }),
            Operator => json!({ "who": "operator" }),
            Body(action) => in_team("body", action),
            Project(action) => in_team("project", action),
            Team(action) => in_team("team", action),
            Job(action) => in_team("job", action),
            EndJob => json!({ "who": "member", "of": "job", "as": "who begins it" }),
        }
    }
}

/// Lets a request in if whoever sends it may do what its endpoint does, and says who that is.
pub async fn door(State(platform): State<Platform>, request: Request, next: Next) -> Response {
    let Some(path) = request.extensions().get::<MatchedPath>().cloned() else {
        return next.run(request).await; // a page
    };
    match enter(&platform, path.as_str(), request).await {
        Ok((request, origin)) => origin.scope(next.run(request)).await,
        Err(error) => error.into_response(),
    }
}

async fn enter(platform: &Platform, path: &str, request: Request) -> Result<(Request, Origin)> {
    let needs = needs(request.method(), path)?;
    let (mut parts, body) = request.into_parts();
    let address = parts.extensions.get::<ClientAddress>().copied().unwrap_or_default();
    let mut origin = Origin { address: Some(address.to_string()), via: None };
    let params = RawPathParams::from_request_parts(&mut parts, &()).await;
    // Bytes that are no text are nobody's name.
    let params = params.map_err(|_| Error::not_found("There is nothing of that name."))?;
    if needs != Nothing {
        let session = Session::authenticate(platform, &parts.headers, address).await?;
        let param = |wanted: &str| params.iter().find(|(name, _)| *name == wanted).map(|(_, value)| value);
        origin.via = session.grant.as_ref().map(|grant| grant.name.clone());
        let request = format!("{} {}", parts.method, parts.uri.path());
        origin.clone().scope(check(platform, &session, needs, &request, param)).await?;
        parts.extensions.insert(session);
    }
    Ok((Request::from_parts(parts, body), origin))
}

/// What the endpoint asks.
///
/// # Errors
/// `not_found` for a path without a line, `method_not_allowed` for another method of one that has some.
fn needs(method: &Method, path: &str) -> Result<Needs> {
    let method = if method == Method::HEAD { &Method::GET } else { method };
    let mut lines = ENDPOINTS.iter().filter(|(_, known, _)| *known == path).peekable();
    if lines.peek().is_none() {
        return Err(Error::not_found("There is no such endpoint."));
    }
    let line = lines.find(|(known, _, _)| *known == method.as_str());
    line.map(|(_, _, needs)| *needs).ok_or_else(|| {
        let message = "This endpoint does not know this method.";
        Error::refused(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
    })
}

/// Refuses who may not. What somebody may not know of is not found for them.
async fn check<'p>(
    platform: &Platform,
    session: &Session,
    needs: Needs,
    request: &str,
    param: impl Fn(&str) -> Option<&'p str>,
) -> Result<()> {
    let db = platform.database.read();
    let account = &session.account.id;
    match needs {
        Nothing | Account | Body(_) => Ok(()),
        Person => session.person(),
        Operator => {
            session.person()?;
            if session.account.operator { Ok(()) } else { Err(no_operator()) }
        }
        Team(action) => {
            let team = param("team").unwrap_or_default();
            let role = teams::store::role_in(db, team, account).await?.filter(|_| session.sees_team(team));
            session.allow(role.ok_or_else(|| Error::not_found("There is no such team."))?, action)
        }
        Project(action) => {
            let slug = param("slug").unwrap_or_default();
            let found = projects::store::find(db, account, slug).await?.filter(|(row, _)| session.sees(row));
            let Some(found) = found else {
                let is_there = projects::store::exists(db, slug).await?;
                return Err(hidden(session, is_there, "There is no such project."));
            };
            check_project(platform, session, found, action, request).await
        }
        Job(action) => check_job(platform, session, param("id").unwrap_or_default(), action, request).await,
        EndJob => {
            let job = param("id").unwrap_or_default();
            let action = jobs::begun_by(db, job).await?.ok_or_else(|| Error::not_found(NO_JOB))?;
            check_job(platform, session, job, action, request).await
        }
    }
}

/// Refuses who may not do that with the project a job is for.
async fn check_job(platform: &Platform, session: &Session, job: &str, action: Action, request: &str) -> Result<()> {
    let (db, account) = (platform.database.read(), &session.account.id);
    let project = jobs::project_of(db, job).await?.ok_or_else(|| Error::not_found(NO_JOB))?;
    let found = projects::store::find_by_id(db, account, &project).await?.filter(|(row, _)| session.sees(row));
    let Some(found) = found else {
        let is_there = projects::store::by_id(db, &project).await?.is_some();
        return Err(hidden(session, is_there, NO_JOB));
    };
    check_project(platform, session, found, action, request).await
}

/// Refuses who may not do that with a project. Operators who are let in may do some of it, and it is noted.
async fn check_project(
    platform: &Platform,
    session: &Session,
    (row, role): (Row, Role),
    action: Action,
    request: &str,
) -> Result<()> {
    let (db, account) = (platform.database.read(), &session.account.id);
    session.allow(role, action)?;
    if teams::store::role_in(db, &row.team_id, account).await?.is_some() {
        return Ok(());
    }
    if !action.in_support() {
        let message = "Support access does not allow that: only members of the project's team may.";
        return Err(Error::refused(StatusCode::FORBIDDEN, "not_allowed", message));
    }
    support::note_use(platform, account, &row.id, request).await
}

/// What somebody is told of a project they may not know of: an operator, whether it is there, and others nothing.
fn hidden(session: &Session, is_there: bool, missing: &'static str) -> Error {
    if !is_there || !session.account.operator || session.grant.is_some() {
        return Error::not_found(missing);
    }
    let message = "What is in this project is its people's. They can let operators in for a while, in its settings.";
    Error::refused(StatusCode::FORBIDDEN, "no_support_grant", message)
}

fn no_operator() -> Error {
    Error::refused(StatusCode::FORBIDDEN, "not_operator", "Only operators of this installation may do that.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_endpoint_has_one_line_and_every_line_an_endpoint() {
        let document: Json = serde_json::from_str(&crate::http::openapi()).expect("JSON");
        let mut documented: Vec<(String, String)> = vec![("GET".to_owned(), "/api/openapi.json".to_owned())];
        for (path, item) in document["paths"].as_object().expect("paths") {
            let methods = item.as_object().expect("operations");
            documented.extend(methods.keys().map(|method| (method.to_uppercase(), path.clone())));
        }
        let mut lines: Vec<(String, String)> =
            ENDPOINTS.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
        documented.sort();
        lines.sort();
        assert_eq!(lines, documented);
    }

    #[test]
    fn what_is_not_listed_is_not_served() {
        assert!(needs(&Method::HEAD, "/api/health").is_ok());
        assert!(needs(&Method::PUT, "/api/health").is_err());
        assert!(needs(&Method::GET, "/api/{*path}").is_err());
    }
}
