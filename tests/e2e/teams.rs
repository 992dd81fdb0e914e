//! Teams: invitations, roles, leaving, and projects that change hands.

use http::Method;
use serde_json::{Value as Json, json};
use tests::{Console, PASSWORD, Roost};

async fn team_of(console: &Console) -> String {
    console.get("/api/teams").await["items"][0]["id"].as_str().expect("a team").to_owned()
}

async fn id_of(console: &Console) -> String {
    console.get("/api/account").await["id"].as_str().expect("an id").to_owned()
}

async fn code(console: &Console, method: Method, path: &str, body: Json) -> (u16, String) {
    let answer = console.call(method, path, Some(&body)).await.expect("an answer");
    (answer.status.as_u16(), answer.code())
}

#[tokio::test]
async fn an_invitation_works_once_and_for_the_address_it_was_sent_to() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let bob = roost.sign_up("bob@example.com").await;
    let eve = roost.sign_up("eve@example.com").await;
    let team = team_of(&ann).await;
    let path = format!("/api/teams/{team}/invitations");
    ann.change(Method::POST, &path, &json!({ "email": "Bob@example.com", "role": "developer" })).await;
    let secret = roost.secret_from_mail("bob@example.com", "/join#").await;
    let url = format!("{}/api/invitations/show", roost.url());
    let shown = roost.http.post(&url, &json!({ "token": secret })).await.json();
    assert_eq!((&shown["email"], &shown["role"]), (&json!("bob@example.com"), &json!("developer")));

    let accept = "/api/invitations/accept";
    assert_eq!(code(&eve, Method::POST, accept, json!({ "token": secret })).await, (403, "other_address".into()));
    assert_eq!(code(&bob, Method::POST, accept, json!({ "token": secret })).await.0, 200);
    assert_eq!(code(&bob, Method::POST, accept, json!({ "token": secret })).await, (400, "invalid_invitation".into()));
    let members = bob.get(&format!("/api/teams/{team}")).await["members"].take();
    assert_eq!(members[1]["email"], "bob@example.com");
    assert_eq!(members[1]["role"], "developer");
    assert_eq!(ann.get(&path).await["items"], json!([]));
    let again = ann.call(Method::POST, &path, Some(&json!({ "email": "bob@example.com", "role": "admin" }))).await;
    assert_eq!(again.unwrap().json()["data"]["email"]["code"], "already_member");
}

#[tokio::test]
async fn an_invitation_sent_again_or_withdrawn_has_no_old_link() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let team = team_of(&ann).await;
    let path = format!("/api/teams/{team}/invitations");
    ann.change(Method::POST, &path, &json!({ "email": "bob@example.com", "role": "viewer" })).await;
    let first = roost.secret_from_mail("bob@example.com", "/join#").await;
    let id = ann.get(&path).await["items"][0]["id"].as_str().unwrap().to_owned();
    ann.change(Method::POST, &format!("{path}/{id}/resend"), &json!({})).await;
    let url = format!("{}/api/invitations/show", roost.url());
    assert_eq!(roost.http.post(&url, &json!({ "token": first })).await.code(), "invalid_invitation");
    let latest = || roost.secret_from_mail("bob@example.com", "/join#");
    tests::eventually("the second mail", || async { latest().await != first }).await;
    let second = latest().await;
    assert_eq!(roost.http.post(&url, &json!({ "token": second })).await.status, 200);
    assert_eq!(code(&ann, Method::DELETE, &format!("{path}/{id}"), json!({})).await.0, 204);
    assert_eq!(roost.http.post(&url, &json!({ "token": second })).await.code(), "invalid_invitation");
}

#[tokio::test]
async fn where_sign_up_is_by_invitation_only_the_invited_come_in() {
    let mut roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    roost.kill();
    roost.restart_with("sign_up = \"invite\"");
    let mut ann = ann;
    ann.sign_in_again(&roost.http).await;
    let url = format!("{}/api/accounts", roost.url());
    let body = json!({ "email": "bob@example.com", "password": PASSWORD });
    assert_eq!(roost.http.post(&url, &body).await.code(), "invitation_needed");
    let team = team_of(&ann).await;
    let path = format!("/api/teams/{team}/invitations");
    ann.change(Method::POST, &path, &json!({ "email": "bob@example.com", "role": "viewer" })).await;
    let secret = roost.secret_from_mail("bob@example.com", "/join#").await;
    let stolen = json!({ "email": "eve@example.com", "password": PASSWORD, "invitation": secret });
    assert_eq!(roost.http.post(&url, &stolen).await.json()["data"]["email"]["code"], "other_address");
    let made_up = json!({ "email": "bob@example.com", "password": PASSWORD, "invitation": "x" });
    assert_eq!(roost.http.post(&url, &made_up).await.code(), "invalid_invitation");
    let invited = json!({ "email": "bob@example.com", "password": PASSWORD, "invitation": secret });
    let answer = roost.http.post(&url, &invited).await;
    assert_eq!((answer.status.as_u16(), &answer.json()["verified"]), (201, &json!(true)));
}

#[tokio::test]
async fn nobody_makes_somebody_more_than_they_are_and_a_team_keeps_an_owner() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let team = team_of(&ann).await;
    let adam = ann.invite(&roost, &team, "adam@example.com", "admin").await;
    let vera = ann.invite(&roost, &team, "vera@example.com", "viewer").await;
    let member = |id: &str| format!("/api/teams/{team}/members/{id}");
    let (ann_id, adam_id, vera_id) = (id_of(&ann).await, id_of(&adam).await, id_of(&vera).await);
    let not_allowed = (403, "not_allowed".to_owned());
    let last_owner = (409, "last_owner".to_owned());
    let owner = || json!({ "role": "owner" });
    assert_eq!(code(&adam, Method::PATCH, &member(&adam_id), owner()).await, not_allowed);
    assert_eq!(code(&adam, Method::PATCH, &member(&ann_id), json!({ "role": "viewer" })).await, not_allowed);
    assert_eq!(code(&adam, Method::DELETE, &member(&ann_id), json!({})).await, not_allowed);
    let invite = format!("/api/teams/{team}/invitations");
    let body = json!({ "email": "new@example.com", "role": "owner" });
    assert_eq!(code(&adam, Method::POST, &invite, body).await, not_allowed);
    assert_eq!(code(&adam, Method::PATCH, &member(&vera_id), json!({ "role": "developer" })).await.0, 204);
    let leave = format!("/api/teams/{team}/leave");
    assert_eq!(code(&ann, Method::POST, &leave, json!({})).await, last_owner);
    assert_eq!(code(&ann, Method::PATCH, &member(&ann_id), json!({ "role": "admin" })).await, last_owner);
    assert_eq!(code(&ann, Method::DELETE, &member(&ann_id), json!({})).await, last_owner);
    assert_eq!(code(&ann, Method::PATCH, &member(&adam_id), owner()).await.0, 204);
    assert_eq!(code(&ann, Method::POST, &leave, json!({})).await.0, 204);
    assert_eq!(code(&ann, Method::GET, &format!("/api/teams/{team}"), json!({})).await.0, 404);
}

#[tokio::test]
async fn whoever_is_removed_loses_their_tokens_at_once() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let team = ann.create_project("orchard").await.team;
    let dev = ann.invite(&roost, &team, "dev@example.com", "developer").await;
    let token = dev.create_token(&team, "admin").await;
    let call = async || roost.with_token(&token, Method::GET, "/api/projects/orchard", None).await.status.as_u16();
    assert_eq!(call().await, 200);
    let path = format!("/api/teams/{team}/members/{}", id_of(&dev).await);
    assert_eq!(code(&ann, Method::DELETE, &path, json!({})).await.0, 204);
    assert_eq!(call().await, 401);
    assert_eq!(code(&dev, Method::GET, "/api/projects/orchard", json!({})).await.0, 404);
}

#[tokio::test]
async fn a_project_changes_hands_between_teams_of_its_owner() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    let old_colleague = ann.invite(&roost, &project.team, "old@example.com", "admin").await;
    let made = ann.change(Method::POST, "/api/teams", &json!({ "name": "Fruit" })).await;
    let fruit = made["id"].as_str().unwrap().to_owned();
    let transfer = "/api/projects/orchard/transfer";
    let strangers = roost.sign_up("eve@example.com").await;
    let answer = ann.call(Method::POST, transfer, Some(&json!({ "team": team_of(&strangers).await }))).await.unwrap();
    assert_eq!(answer.json()["data"]["team"]["code"], "no_such_team");
    let refused = code(&old_colleague, Method::POST, transfer, json!({ "team": fruit })).await;
    assert_eq!(refused, (403, "not_allowed".into()));
    assert_eq!(ann.change(Method::POST, transfer, &json!({ "team": fruit })).await["teamId"], json!(fruit));
    assert_eq!(code(&old_colleague, Method::GET, "/api/projects/orchard", json!({})).await.0, 404);
    let in_use = code(&ann, Method::DELETE, &format!("/api/teams/{fruit}"), json!({})).await;
    assert_eq!(in_use, (409, "team_in_use".into()));
    assert_eq!(code(&ann, Method::DELETE, &format!("/api/teams/{}", project.team), json!({})).await.0, 204);
    assert_eq!(ann.get("/api/teams").await["items"].as_array().unwrap().len(), 1);
}
