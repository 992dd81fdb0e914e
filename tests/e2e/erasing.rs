//! Erasing an account: what is in the way, what leaves first, what is left.

use http::Method;
use serde_json::{Value as Json, json};
use tests::{Answer, Console, PASSWORD, Roost, eventually};

async fn erase(console: &Console, password: &str, delete_projects: bool) -> Answer {
    let body = json!({ "currentPassword": password, "deleteProjects": delete_projects });
    console.call(Method::DELETE, "/api/account", Some(&body)).await.expect("an answer")
}

#[tokio::test]
async fn an_account_is_erased_and_its_data_can_be_fetched_with_the_mail() {
    let roost = Roost::start();
    let operator = roost.sign_up("operator@example.com").await;
    let ann = roost.sign_up("ann@example.com").await;
    let bob = roost.sign_up_proven("bob@example.com").await;
    let project = ann.create_project("orchard").await;
    project.create_collection("posts").await;
    project.create("posts", "kept").await.expect("acknowledged");
    ann.finish("/api/projects/orchard/backups").await;
    let team = bob.create_project("meadow").await.team;
    bob.change(
        Method::POST,
        &format!("/api/teams/{team}/invitations"),
        &json!({ "email": "ann@example.com", "role": "admin" }),
    )
    .await;
    let secret = roost.secret_from_mail("ann@example.com", "/join#").await;
    ann.change(Method::POST, "/api/invitations/accept", &json!({ "token": secret })).await;
    ann.change(Method::PATCH, "/api/projects/meadow", &json!({ "name": "Meadows" })).await;

    assert_eq!(erase(&ann, "wrong", true).await.json()["data"]["currentPassword"]["code"], "wrong_password");
    assert_eq!(erase(&ann, PASSWORD, false).await.code(), "owns_projects");
    assert_eq!(erase(&ann, PASSWORD, true).await.status, 204);
    assert_eq!(ann.call(Method::GET, "/api/account", None).await.unwrap().status, 401);

    // The data can be fetched, by whoever has the mail.
    let secret = roost.secret_from_mail("ann@example.com", "/export#").await;
    let url = |path: &str| format!("{}{path}", roost.url());
    let export = roost.http.post(&url("/api/exports"), &json!({ "secret": secret })).await.json();
    assert_eq!(export["projects"][0]["slug"], "orchard", "{export}");
    let form = format!("secret={secret}&project={}", project.id);
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let zip = roost.http.send_bytes(Method::POST, &url("/api/exports/zip"), &headers, form.into()).await.unwrap();
    assert_eq!((zip.status.as_u16(), &zip.body[..2]), (200, &b"PK"[..]));
    let wrong = roost.http.post(&url("/api/exports"), &json!({ "secret": "wrong" })).await;
    assert_eq!(wrong.status, 404);

    // Of the person nothing is left, of what they did to others' projects the lines.
    let health = format!("{}/api/health", project.url);
    eventually("the project to be gone", || async { roost.http.get(&health).await.status == 404 }).await;
    let audit = operator.get("/api/operator/audit").await["items"].take();
    let lines = audit.as_array().unwrap();
    assert!(lines.iter().any(|line| line["kind"] == "account_erased"), "{audit}");
    let told = audit.to_string();
    assert!(!told.contains("ann@example.com"), "{told}");
    let renamed = lines.iter().find(|line| line["kind"] == "renamed").expect("the line stays");
    assert_eq!((&renamed["by"], &renamed["address"]), (&Json::Null, &Json::Null), "{renamed}");
    let tenants = operator.get("/api/operator/tenants?query=orchard").await["items"].take();
    assert_eq!(tenants[0]["teamName"], "a deleted account", "{tenants}");
    assert_eq!(bob.get(&format!("/api/teams/{team}")).await["members"].as_array().unwrap().len(), 1);
    // The address is free again.
    roost.sign_up("ann@example.com").await;
}

#[tokio::test]
async fn an_invitation_into_a_team_that_was_left_opens_nothing() {
    let roost = Roost::start();
    roost.sign_up("operator@example.com").await;
    let ann = roost.sign_up_proven("ann@example.com").await;
    let team = ann.create_project("orchard").await.team;
    let invitation = json!({ "email": "bob@example.com", "role": "owner" });
    ann.change(Method::POST, &format!("/api/teams/{team}/invitations"), &invitation).await;
    let secret = roost.secret_from_mail("bob@example.com", "/join#").await;
    assert_eq!(erase(&ann, PASSWORD, true).await.status, 204);
    let bob = roost.sign_up("bob@example.com").await;
    let accept = json!({ "token": secret });
    let answer = bob.call(Method::POST, "/api/invitations/accept", Some(&accept)).await.unwrap();
    assert_eq!(answer.code(), "invalid_invitation");
    assert_eq!(bob.get("/api/projects").await["items"], json!([]));
}

#[tokio::test]
async fn whoever_others_depend_on_cannot_leave_them_alone() {
    let roost = Roost::start();
    let operator = roost.sign_up("operator@example.com").await;
    assert_eq!(erase(&operator, PASSWORD, true).await.code(), "last_operator");
    let ann = roost.sign_up_proven("ann@example.com").await;
    let team = ann.get("/api/teams").await["items"][0]["id"].as_str().unwrap().to_owned();
    ann.invite(&roost, &team, "dee@example.com", "developer").await;
    assert_eq!(erase(&ann, PASSWORD, true).await.code(), "last_owner");
    let bob = roost.sign_up("bob@example.com").await;
    assert_eq!(erase(&bob, PASSWORD, false).await.status, 204);
}

#[tokio::test]
async fn whoever_took_an_address_without_proving_it_erases_nothing_of_its_owners() {
    let roost = Roost::start();
    roost.sign_up("operator@example.com").await;
    let bob = roost.sign_up_proven("bob@example.com").await;
    let team = bob.get("/api/teams").await["items"][0]["id"].as_str().unwrap().to_owned();
    let invitations = format!("/api/teams/{team}/invitations");
    let invitation = json!({ "email": "ann@example.com", "role": "developer" });
    bob.change(Method::POST, &invitations, &invitation).await;
    let thief = roost.sign_up("ann@example.com").await;
    assert_eq!(erase(&thief, PASSWORD, true).await.status, 204);
    assert_eq!(bob.get(&invitations).await["items"][0]["email"], "ann@example.com");
    let audit = bob.get(&format!("/api/teams/{team}/audit")).await["items"].to_string();
    assert!(audit.contains("ann@example.com was invited"), "{audit}");
}

#[tokio::test]
async fn of_the_last_two_operators_who_leave_at_once_one_stays() {
    let roost = Roost::start();
    let first = roost.sign_up("first@example.com").await;
    for round in 0..4 {
        let email = format!("second{round}@example.com");
        let token = roost.create_operator(&email);
        let confirm = format!("{}/api/password-reset/confirm", roost.url());
        let chosen = roost.http.post(&confirm, &json!({ "token": token, "password": PASSWORD })).await;
        assert_eq!(chosen.status, 204);
        let second = roost.sign_in(&email).await;
        let (one, other) = tokio::join!(erase(&first, PASSWORD, true), erase(&second, PASSWORD, true));
        let mut codes = [(one.status.as_u16(), one.code()), (other.status.as_u16(), other.code())];
        codes.sort();
        assert_eq!(codes, [(204, String::new()), (409, "last_operator".to_owned())]);
        if one.status == 204 {
            return;
        }
    }
}
