//! Teams, their people, and invitations. That a caller may do it has been checked at the door (`access`); what is checked
//! here is what depends on whom it concerns: nobody makes somebody more than they are themselves, or touches who is.

use axum::extract::{Path, State};
use axum::{Extension, Json};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sqlx::{Any, Transaction};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::invitations::{self, Invitation};
use super::store::{self, Member};
use super::{Action, Role, Team};
use crate::accounts::tries::By;
use crate::accounts::{self, Email, unverified};
use crate::audit;
use crate::clock::{HOUR, MINUTE};
use crate::error::{Error, ErrorBody, Result};
use crate::http::{Body, ClientAddress};
use crate::mail::{self, Mail};
use crate::session::Session;
use crate::state::Platform;

const LONGEST_NAME: usize = 60;
/// One account's: what a menu shows, and what nobody fills the database with.
const MOST_TEAMS: usize = 50;

/// The routes.
pub fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new()
        .routes(routes!(list_teams, create_team))
        .routes(routes!(show_team, rename_team, delete_team))
        .routes(routes!(leave_team))
        .routes(routes!(change_member, remove_member))
        .routes(routes!(list_invitations, invite))
        .routes(routes!(withdraw_invitation))
        .routes(routes!(resend_invitation))
        .routes(routes!(show_invitation))
        .routes(routes!(accept_invitation))
}

#[derive(Serialize, ToSchema)]
struct TeamList {
    items: Vec<Team>,
}

#[derive(Serialize, ToSchema)]
struct TeamWithPeople {
    team: Team,
    members: Vec<Member>,
}

#[derive(Deserialize, ToSchema)]
struct TeamName {
    name: String,
}

#[derive(Deserialize, ToSchema)]
struct NewRole {
    role: Role,
}

#[derive(Deserialize, ToSchema)]
struct NewInvitation {
    email: String,
    role: Role,
}

#[derive(Serialize, ToSchema)]
struct InvitationList {
    items: Vec<Invitation>,
}

#[derive(Deserialize, ToSchema)]
struct InvitationSecret {
    token: String,
}

/// The account's teams
#[utoipa::path(get, path = "/api/teams", responses((status = 200, body = TeamList)))]
async fn list_teams(State(platform): State<Platform>, session: Session) -> Result<Json<TeamList>> {
    let mut items = store::of_account(platform.database.read(), &session.account.id).await?;
    items.retain(|team| session.sees_team(&team.id));
    Ok(Json(TeamList { items }))
}

/// Makes a team, which the account owns
#[utoipa::path(post, path = "/api/teams", request_body = TeamName,
    responses((status = 201, body = Team), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn create_team(
    State(platform): State<Platform>,
    session: Session,
    Body(new): Body<TeamName>,
) -> Result<(StatusCode, Json<Team>)> {
    let account = &session.account.id;
    let name = parse_name(&new.name)?;
    let message = "Please confirm your mail address before you make another team. Open the link we mailed you.";
    unverified::refuse(&platform, &session.account, platform.config.unverified.teams, message)?;
    if store::of_account(platform.database.read(), account).await?.len() >= MOST_TEAMS {
        let message = "You are in as many teams as anybody may be. Leave one to make room.";
        return Err(Error::refused(StatusCode::FORBIDDEN, "team_limit", message));
    }
    let mut tx = platform.database.begin().await?;
    let id = store::create(&mut tx, &name, account).await?;
    let line = format!("The team {name} was made");
    audit::note_in_team(&mut tx, Some(account), &id, "team_created", &line).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(load(&platform, &session, &id).await?)))
}

/// A team and its people
#[utoipa::path(get, path = "/api/teams/{team}", params(("team" = String, Path)),
    responses((status = 200, body = TeamWithPeople), (status = 404, body = ErrorBody)))]
async fn show_team(
    State(platform): State<Platform>,
    session: Session,
    Path(team): Path<String>,
) -> Result<Json<TeamWithPeople>> {
    let members = store::members(platform.database.read(), &team).await?;
    Ok(Json(TeamWithPeople { team: load(&platform, &session, &team).await?, members }))
}

/// Changes a team's name
#[utoipa::path(patch, path = "/api/teams/{team}", params(("team" = String, Path)), request_body = TeamName,
    responses((status = 200, body = Team), (status = 400, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn rename_team(
    State(platform): State<Platform>,
    session: Session,
    Path(team): Path<String>,
    Body(new): Body<TeamName>,
) -> Result<Json<Team>> {
    let name = parse_name(&new.name)?;
    let mut tx = platform.database.begin().await?;
    store::rename(&mut tx, &team, &name).await?;
    let line = format!("The team is called {name} now");
    audit::note_in_team(&mut tx, Some(&session.account.id), &team, "team_renamed", &line).await?;
    tx.commit().await?;
    Ok(Json(load(&platform, &session, &team).await?))
}

/// Removes a team without projects
#[utoipa::path(delete, path = "/api/teams/{team}", params(("team" = String, Path)),
    responses((status = 204), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn delete_team(
    State(platform): State<Platform>,
    session: Session,
    Path(team): Path<String>,
) -> Result<StatusCode> {
    let mut tx = platform.database.begin().await?;
    store::remove(&mut tx, &team).await?;
    audit::note_in_team(&mut tx, Some(&session.account.id), &team, "team_deleted", "The team was deleted").await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Leaves a team; its last owner cannot
#[utoipa::path(post, path = "/api/teams/{team}/leave", params(("team" = String, Path)),
    responses((status = 204), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)))]
async fn leave_team(
    State(platform): State<Platform>,
    session: Session,
    Path(team): Path<String>,
) -> Result<StatusCode> {
    let account = &session.account;
    let mut tx = platform.database.begin().await?;
    store::remove_member(&mut tx, &team, &account.id).await?;
    let line = format!("{} left", account.email);
    audit::note_in_team(&mut tx, Some(&account.id), &team, "left", &line).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Changes what somebody is in a team
#[utoipa::path(patch, path = "/api/teams/{team}/members/{account}",
    params(("team" = String, Path), ("account" = String, Path)), request_body = NewRole,
    responses((status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody)))]
async fn change_member(
    State(platform): State<Platform>,
    session: Session,
    Path((team, account)): Path<(String, String)>,
    Body(new): Body<NewRole>,
) -> Result<StatusCode> {
    let mut tx = platform.database.begin().await?;
    let (own, member) = concerned(&mut tx, &session, &team, &account).await?;
    refuse_above(own, member.role.max(new.role))?;
    store::set_role(&mut tx, &team, &member.id, new.role).await?;
    let line = format!("{} is {} now, was {}", member.email, new.role.name(), member.role.name());
    audit::note_in_team(&mut tx, Some(&session.account.id), &team, "role_changed", &line).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes somebody out of a team
#[utoipa::path(delete, path = "/api/teams/{team}/members/{account}",
    params(("team" = String, Path), ("account" = String, Path)),
    responses((status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody)))]
async fn remove_member(
    State(platform): State<Platform>,
    session: Session,
    Path((team, account)): Path<(String, String)>,
) -> Result<StatusCode> {
    let mut tx = platform.database.begin().await?;
    let (own, member) = concerned(&mut tx, &session, &team, &account).await?;
    refuse_above(own, member.role)?;
    store::remove_member(&mut tx, &team, &member.id).await?;
    let line = format!("{} was removed", member.email);
    audit::note_in_team(&mut tx, Some(&session.account.id), &team, "member_removed", &line).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Invitations nobody accepted yet
#[utoipa::path(get, path = "/api/teams/{team}/invitations", params(("team" = String, Path)),
    responses((status = 200, body = InvitationList), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn list_invitations(State(platform): State<Platform>, Path(team): Path<String>) -> Result<Json<InvitationList>> {
    Ok(Json(InvitationList { items: invitations::of_team(platform.database.read(), &team).await? }))
}

/// Invites somebody by mail; the link works once, for a week
#[utoipa::path(post, path = "/api/teams/{team}/invitations", params(("team" = String, Path)),
    request_body = NewInvitation,
    responses((status = 204), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody),
        (status = 404, body = ErrorBody), (status = 429, body = ErrorBody)))]
async fn invite(
    State(platform): State<Platform>,
    session: Session,
    Path(team): Path<String>,
    Body(new): Body<NewInvitation>,
) -> Result<StatusCode> {
    let email: Email = new.email.parse()?;
    let members = store::members(platform.database.read(), &team).await?;
    if members.iter().any(|member| member.email == email.as_str()) {
        return Err(Error::field("email", "already_member", "They are in the team already."));
    }
    send(&platform, &session, &team, &email, new.role).await
}

/// Sends an invitation again, with a new link and a new week
#[utoipa::path(post, path = "/api/teams/{team}/invitations/{id}/resend",
    params(("team" = String, Path), ("id" = String, Path)),
    responses((status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 429, body = ErrorBody)))]
async fn resend_invitation(
    State(platform): State<Platform>,
    session: Session,
    Path((team, id)): Path<(String, String)>,
) -> Result<StatusCode> {
    let invitation = invitations::find(platform.database.read(), &team, &id).await?;
    send(&platform, &session, &team, &invitation.email.parse()?, invitation.role).await
}

/// Takes an invitation back; its link stops working
#[utoipa::path(delete, path = "/api/teams/{team}/invitations/{id}",
    params(("team" = String, Path), ("id" = String, Path)),
    responses((status = 204), (status = 403, body = ErrorBody), (status = 404, body = ErrorBody)))]
async fn withdraw_invitation(
    State(platform): State<Platform>,
    session: Session,
    Path((team, id)): Path<(String, String)>,
) -> Result<StatusCode> {
    let invitation = invitations::find(platform.database.read(), &team, &id).await?;
    let mut tx = platform.database.begin().await?;
    invitations::withdraw(&mut tx, &team, &id).await?;
    let line = format!("The invitation of {} was withdrawn", invitation.email);
    audit::note_in_team(&mut tx, Some(&session.account.id), &team, "invitation_withdrawn", &line).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What an invitation is for, with the secret from the mail
#[utoipa::path(post, path = "/api/invitations/show", request_body = InvitationSecret,
    responses((status = 200, body = Invitation), (status = 400, body = ErrorBody)))]
async fn show_invitation(
    State(platform): State<Platform>,
    Extension(address): Extension<ClientAddress>,
    Body(given): Body<InvitationSecret>,
) -> Result<Json<Invitation>> {
    platform.tries.count("invitation", By::Place(address), 100, HOUR)?;
    Ok(Json(invitations::by_secret(platform.database.read(), &given.token).await?))
}

/// Joins the team one was invited to, with the secret from the mail
#[utoipa::path(post, path = "/api/invitations/accept", request_body = InvitationSecret,
    responses((status = 200, body = Team), (status = 400, body = ErrorBody), (status = 403, body = ErrorBody)))]
async fn accept_invitation(
    State(platform): State<Platform>,
    session: Session,
    Body(given): Body<InvitationSecret>,
) -> Result<Json<Team>> {
    let mut tx = platform.database.begin().await?;
    let team = invitations::accept(&mut tx, &given.token, &session.account).await?;
    // Whoever has the secret read the mail.
    let is_proven_now = accounts::store::verify(&mut tx, &session.account.id).await?;
    tx.commit().await?;
    if is_proven_now {
        unverified::lift(&platform, &session.account.id).await?;
    }
    Ok(Json(load(&platform, &session, &team).await?))
}

async fn send(platform: &Platform, session: &Session, team: &str, email: &Email, role: Role) -> Result<StatusCode> {
    let own = load(platform, session, team).await?;
    refuse_above(own.role, role)?;
    let message = "Please confirm your mail address before you invite others. Open the link we mailed you.";
    unverified::refuse(platform, &session.account, platform.config.unverified.teams, message)?;
    platform.tries.count("invite", By::Account(&session.account.id), 50, HOUR)?;
    platform.tries.count("invite", By::Typed(&format!("{team} {email}")), 3, 15 * MINUTE)?;
    let mut tx = platform.database.begin().await?;
    let secret = invitations::invite(&mut tx, team, email, role, &session.account.id).await?;
    mail::enqueue(&mut tx, &Mail::invitation(platform, email, &session.account, &own.name, &secret)).await?;
    let line = format!("{email} was invited as {}", role.name());
    audit::note_in_team(&mut tx, Some(&session.account.id), team, "invited", &line).await?;
    tx.commit().await?;
    platform.jobs.poke();
    Ok(StatusCode::NO_CONTENT)
}

/// What the caller is in the team, and the member that is concerned: as they are when that changes.
async fn concerned(
    tx: &mut Transaction<'static, Any>,
    session: &Session,
    team: &str,
    account: &str,
) -> Result<(Role, Member)> {
    store::lock(tx, team).await?;
    let members = store::members(&mut **tx, team).await?;
    let own = members.iter().find(|member| member.id == session.account.id).map(|member| member.role);
    let member = members.into_iter().find(|member| member.id == account);
    own.zip(member).ok_or_else(|| Error::not_found("There is nobody like that in this team."))
}

/// Nobody gives or takes a role above their own.
fn refuse_above(own: Role, role: Role) -> Result<()> {
    if role <= own {
        return Ok(());
    }
    let message = "Only an owner decides who is an owner.";
    Err(Error::refused(StatusCode::FORBIDDEN, "not_allowed", message))
}

async fn load(platform: &Platform, session: &Session, team: &str) -> Result<Team> {
    let found = store::find(platform.database.write(), &session.account.id, team).await?;
    found.ok_or_else(|| Error::not_found("There is no such team."))
}

/// The team a project is to be in: one the account names, or its own.
///
/// # Errors
/// `no_such_team`; what `Session::allow` refuses.
pub async fn team_for(platform: &Platform, session: &Session, named: Option<&str>) -> Result<String> {
    let db = platform.database.read();
    let team = match (named.filter(|team| !team.is_empty()), &session.grant) {
        (Some(team), _) => team.to_owned(),
        (None, Some(grant)) => grant.team_id.clone(),
        (None, None) => store::own_team(db, &session.account.id).await?,
    };
    let role = store::role_in(db, &team, &session.account.id).await?.filter(|_| session.sees_team(&team));
    session
        .allow(role.ok_or_else(|| Error::field("team", "no_such_team", "There is no such team."))?, Action::Create)?;
    Ok(team)
}

fn parse_name(text: &str) -> Result<String> {
    let name = text.trim();
    if name.is_empty() {
        return Err(Error::field("name", "required", "Please give the team a name."));
    }
    if name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        return Err(Error::field("name", "too_long", format!("Please use at most {LONGEST_NAME} characters.")));
    }
    Ok(name.to_owned())
}
