//! An account in somebody's name that a stranger opened first, and furnished: what is left of it once its owner comes.

use http::Method;
use serde_json::json;
use tests::{Console, IdentityProvider, PASSWORD, Project, Roost, in_the_end};

use crate::providers::{email_of, walk};
use crate::second_factor::switch_on;

/// Nobody has to prove an address before inviting others, as everywhere before there was a choice.
const LENIENT: &str = "[unverified]\nteams = true\n";

/// What Eve set up in Ann's name, without reading Ann's mail.
struct Furnished {
    eve: Console,
    /// Whose superuser she is.
    project: Project,
    team: String,
    token: String,
    /// Another address of hers, as an owner of the team.
    second: Console,
    seconds_token: String,
    /// For a third one, as an owner, too.
    invitation: String,
}

impl Furnished {
    async fn by_eve(roost: &Roost) -> Furnished {
        let eve = roost.sign_up("ann@example.com").await;
        let project = eve.create_project("orchard").await;
        let team = project.team.clone();
        let token = eve.create_token(&team, "admin").await;
        let second = eve.invite(roost, &team, "eve@example.com", "owner").await;
        let seconds_token = second.create_token(&team, "admin").await;
        let invitation = json!({ "email": "eve3@example.com", "role": "owner" });
        eve.change(Method::POST, &format!("/api/teams/{team}/invitations"), &invitation).await;
        let invitation = roost.secret_from_mail("eve3@example.com", "/join#").await;
        // Even who owns the team now, and who does not, is Eve's doing.
        let members = second.get(&format!("/api/teams/{team}")).await["members"].take();
        let opened = members.as_array().expect("a list").iter().find(|member| member["email"] == "ann@example.com");
        let opened = opened.and_then(|member| member["id"].as_str()).expect("the account in Ann's name");
        let member = format!("/api/teams/{team}/members/{opened}");
        second.change(Method::PATCH, &member, &json!({ "role": "viewer" })).await;
        switch_on(&eve).await;
        Furnished { eve, project, team, token, second, seconds_token, invitation }
    }

    async fn assert_gone(&self, roost: &Roost) {
        let members = format!("/api/teams/{}", self.team);
        assert_eq!(self.eve.call(Method::GET, "/api/account", None).await.expect("an answer").status, 401);
        assert_eq!(self.second.call(Method::GET, &members, None).await.expect("an answer").status, 404);
        for token in [&self.token, &self.seconds_token] {
            assert_eq!(roost.with_token(token, Method::GET, "/api/projects", None).await.code(), "invalid_token");
        }
        let show = format!("{}/api/invitations/show", roost.url());
        let answer = roost.http.post(&show, &json!({ "token": self.invitation })).await;
        assert_eq!(answer.code(), "invalid_invitation");
        let session = format!("{}/api/session", roost.url());
        let body = json!({ "email": "ann@example.com", "password": PASSWORD });
        assert_eq!(roost.http.post(&session, &body).await.code(), "wrong_credentials");
        // The project serves as before, but she is nobody in it.
        let collections = async || self.project.call(Method::GET, "/api/collections", None).await.expect("an answer");
        in_the_end("her to be locked out", async || collections().await.status == 401).await;
        assert_eq!(roost.http.get(&format!("{}/api/health", self.project.url)).await.status, 200);
        let body = json!({ "identity": "admin@example.com", "password": "correct horse" });
        let sign_in = format!("{}/api/collections/_superusers/auth-with-password", self.project.url);
        assert_eq!(roost.http.post(&sign_in, &body).await.status, 400);
        let told = async || {
            let mut mails = roost.mails().await;
            mails.retain(|mail| mail["subject"] == "Projects in your account" && mail["to"] == "ann@example.com");
            mails.iter().map(|mail| mail["text"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        in_the_end("a mail", async || !told().await.is_empty()).await;
        assert!(told().await.iter().all(|text| text.contains("orchard")), "{:?}", told().await);
    }
}

#[tokio::test]
async fn what_a_stranger_furnished_is_gone_when_its_owner_comes_by_a_provider() {
    let provider = IdentityProvider::start().await;
    let roost = Roost::start_with(&format!("{LENIENT}{}", provider.settings()));
    roost.sign_up("operator@example.com").await;
    let furnished = Furnished::by_eve(&roost).await;
    provider.set("u1", "ann@example.com", true);
    let answer = walk(&roost, str::to_owned).await;
    assert_eq!(email_of(&roost, &answer).await, "ann@example.com", "no second factor keeps her out");
    furnished.assert_gone(&roost).await;
}

#[tokio::test]
async fn what_a_stranger_furnished_is_gone_when_its_owner_comes_by_a_link_from_a_mail() {
    let roost = Roost::start_with(LENIENT);
    roost.sign_up("operator@example.com").await;
    let furnished = Furnished::by_eve(&roost).await;
    let reset = format!("{}/api/password-reset", roost.url());
    assert_eq!(roost.http.post(&reset, &json!({ "email": "ann@example.com" })).await.status, 204);
    let token = roost.secret_from_mail("ann@example.com", "/reset#").await;
    let password = "another quiet place";
    let body = json!({ "token": token, "password": password });
    assert_eq!(roost.http.post(&format!("{reset}/confirm"), &body).await.status, 204);
    furnished.assert_gone(&roost).await;
    let verify = roost.secret_from_mail("ann@example.com", "/verify#").await;
    let confirm = format!("{}/api/verification/confirm", roost.url());
    assert_eq!(roost.http.post(&confirm, &json!({ "token": verify })).await.code(), "invalid_token");

    let body = json!({ "email": "ann@example.com", "password": password });
    let answer = roost.http.post(&format!("{}/api/session", roost.url()), &body).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["verified"]), (200, &json!(true)));
    let cookie = answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let team = format!("{}/api/teams/{}", roost.url(), furnished.team);
    let shown = roost.http.send(Method::GET, &team, &[("cookie", &cookie)], None).await.unwrap().json();
    assert_eq!(shown["members"].as_array().unwrap().len(), 1);
    assert_eq!(shown["team"]["role"], "owner", "she is alone in it, and it is hers");

    let ann = Console::signed_in(&roost.http, &roost.url(), &cookie);
    let lines = ann.get("/api/projects/orchard/activity").await["items"].take();
    assert!(lines.as_array().unwrap().iter().any(|line| line["kind"] == "locked_out"), "{lines}");
    let superuser = json!({ "email": "admin@example.com", "password": "correct horse" });
    ann.change(Method::PUT, "/api/projects/orchard/superuser", &superuser).await;
    ann.open_project(&ann.get("/api/projects/orchard").await).await;
}

#[tokio::test]
async fn nobody_becomes_an_operator_who_only_took_the_operators_address() {
    let roost = Roost::start_with(LENIENT);
    roost.sign_up("first@example.com").await;
    let furnished = Furnished::by_eve(&roost).await;
    let token = roost.create_operator("ann@example.com");
    furnished.assert_gone(&roost).await;
    let url = |path: &str| format!("{}{path}", roost.url());
    let password = "another quiet place";
    let chosen =
        roost.http.post(&url("/api/password-reset/confirm"), &json!({ "token": token, "password": password })).await;
    assert_eq!(chosen.status, 204);
    let body = json!({ "email": "ann@example.com", "password": password });
    assert_eq!(roost.http.post(&url("/api/session"), &body).await.json()["operator"], true);
}

#[tokio::test]
async fn who_proved_the_address_keeps_everything_through_a_new_password() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let verify = roost.secret_from_mail("ann@example.com", "/verify#").await;
    let confirm = format!("{}/api/verification/confirm", roost.url());
    assert_eq!(roost.http.post(&confirm, &json!({ "token": verify })).await.status, 200);
    let team = ann.create_project("orchard").await.team;
    let token = ann.create_token(&team, "read").await;
    let bob = ann.invite(&roost, &team, "bob@example.com", "viewer").await;
    let (_, codes) = switch_on(&ann).await;
    let reset = format!("{}/api/password-reset", roost.url());
    assert_eq!(roost.http.post(&reset, &json!({ "email": "ann@example.com" })).await.status, 204);
    let secret = roost.secret_from_mail("ann@example.com", "/reset#").await;
    let body = json!({ "token": secret, "password": PASSWORD });
    assert_eq!(roost.http.post(&format!("{reset}/confirm"), &body).await.status, 204);
    let session = format!("{}/api/session", roost.url());
    let body = json!({ "email": "ann@example.com", "password": PASSWORD });
    assert_eq!(roost.http.post(&session, &body).await.code(), "second_factor_required");
    let body = json!({ "email": "ann@example.com", "password": PASSWORD, "code": codes[0] });
    assert_eq!(roost.http.post(&session, &body).await.status, 200);
    assert_eq!(roost.with_token(&token, Method::GET, "/api/projects/orchard", None).await.status, 200);
    assert_eq!(bob.get("/api/projects/orchard").await["role"], "viewer");
}
