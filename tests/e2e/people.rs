//! People: where they are signed in, tokens for their programs, and who did what from where.

use http::Method;
use serde_json::{Value as Json, json};
use tests::{Console, PASSWORD, Roost, eventually};

async fn kinds(console: &Console, path: &str) -> Vec<String> {
    let items = console.get(path).await["items"].take();
    let items = items.as_array().cloned().unwrap_or_default();
    items.iter().map(|line| line["kind"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn a_session_is_ended_from_another_device() {
    let roost = Roost::start();
    let phone = roost.sign_up("ann@example.com").await;
    let laptop = roost.sign_in("ann@example.com").await;
    let sessions = laptop.get("/api/account/sessions").await["items"].take();
    let sessions = sessions.as_array().cloned().unwrap_or_default();
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions.iter().filter(|session| session["current"] == true).count(), 1);
    assert!(sessions.iter().all(|session| session["address"] == "127.0.0.1"), "{sessions:?}");
    let other = sessions.iter().find(|session| session["current"] == false).expect("the phone");
    let path = format!("/api/account/sessions/{}", other["id"].as_str().expect("an id"));
    assert_eq!(laptop.call(Method::DELETE, &path, None).await.unwrap().status, 204);
    assert_eq!(phone.call(Method::GET, "/api/account", None).await.unwrap().status, 401);
    assert_eq!(laptop.call(Method::GET, "/api/account", None).await.unwrap().status, 200);
    // Somebody else's cannot be ended.
    let bob = roost.sign_up("bob@example.com").await;
    let own = laptop.get("/api/account/sessions").await["items"][0]["id"].take();
    let path = format!("/api/account/sessions/{}", own.as_str().expect("an id"));
    assert_eq!(bob.call(Method::DELETE, &path, None).await.unwrap().status, 404);
}

#[tokio::test]
async fn an_event_stream_ends_with_its_session() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let stream = ann.call(Method::GET, "/api/events", None);
    let sign_out = async {
        // Whenever it comes, the stream must end: `call` waits for the whole of it.
        ann.call(Method::DELETE, "/api/session", None).await.unwrap()
    };
    let (stream, signed_out) = futures_util::future::join(stream, sign_out).await;
    assert_eq!(signed_out.status, 204);
    assert!(matches!(stream.unwrap().status.as_u16(), 200 | 401));
}

#[tokio::test]
async fn a_token_works_within_its_team_or_project_until_it_is_revoked() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let team = ann.create_project("orchard").await.team;
    ann.create_project("meadow").await;
    let other = ann.change(Method::POST, "/api/teams", &json!({ "name": "Others" })).await;
    let other = other["id"].as_str().unwrap();
    let body = json!({ "name": "elsewhere", "slug": "elsewhere", "team": other });
    ann.change(Method::POST, "/api/projects", &body).await;
    let slugs = async |token: &str| {
        let items = roost.with_token(token, Method::GET, "/api/projects", None).await.json()["items"].take();
        let mut slugs: Vec<String> =
            items.as_array().unwrap().iter().map(|project| project["slug"].as_str().unwrap().to_owned()).collect();
        slugs.sort();
        slugs
    };

    let token = ann.create_token(&team, "admin").await;
    assert!(token.starts_with("roost_"));
    assert_eq!(slugs(&token).await, ["meadow", "orchard"]);
    assert_eq!(roost.with_token(&token, Method::GET, "/api/projects/elsewhere", None).await.status, 404);
    let renamed = roost.with_token(&token, Method::PATCH, "/api/projects/orchard", Some(&json!({ "name": "O" }))).await;
    assert_eq!(renamed.status, 200);

    let body = json!({ "name": "one", "scope": "write", "team": team, "project": "orchard", "expiresDays": 1 });
    let one = ann.change(Method::POST, "/api/account/tokens", &body).await["secret"].as_str().unwrap().to_owned();
    assert_eq!(slugs(&one).await, ["orchard"]);
    assert_eq!(roost.with_token(&one, Method::GET, "/api/projects/meadow", None).await.status, 404);
    assert_eq!(roost.with_token(&one, Method::GET, &format!("/api/teams/{team}"), None).await.status, 404);

    let listed = ann.get("/api/account/tokens").await["items"].take();
    assert!(!listed.to_string().contains(&token[..20]), "a secret is shown once");
    assert_eq!(listed[1]["usedAddress"], "127.0.0.1");
    let path = format!("/api/account/tokens/{}", listed[1]["id"].as_str().unwrap());
    assert_eq!(ann.call(Method::DELETE, &path, None).await.unwrap().status, 204);
    let answer = roost.with_token(&token, Method::GET, "/api/projects", None).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (401, "invalid_token"));
}

#[tokio::test]
async fn tokens_are_refused_where_they_make_no_sense() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let bob = roost.sign_up("bob@example.com").await;
    let team = ann.create_project("orchard").await.team;
    let good = json!({ "name": "ci", "scope": "read", "team": team, "expiresDays": 30 });
    for (key, value, code) in [
        ("name", json!(" "), "invalid_name"),
        ("expiresDays", json!(0), "invalid_expiry"),
        ("expiresDays", json!(367), "invalid_expiry"),
        ("team", json!("nothing"), "no_such_team"),
        ("project", json!("nothing"), "no_such_project"),
    ] {
        let mut body = good.clone();
        body[key] = value;
        let answer = ann.call(Method::POST, "/api/account/tokens", Some(&body)).await.unwrap();
        assert_eq!(answer.json()["data"][key]["code"], code, "{body}");
    }
    let answer = bob.call(Method::POST, "/api/account/tokens", Some(&good)).await.unwrap();
    assert_eq!(answer.json()["data"]["team"]["code"], "no_such_team");
}

#[tokio::test]
async fn the_audit_says_who_did_what_from_where() {
    let roost = Roost::start();
    let operator = roost.sign_up("operator@example.com").await;
    let ann = roost.sign_up("ann@example.com").await;
    let team = ann.create_project("orchard").await.team;
    let token = ann.create_token(&team, "admin").await;
    let renamed = json!({ "name": "Fruit 100%" });
    roost.with_token(&token, Method::PATCH, "/api/projects/orchard", Some(&renamed)).await;

    let lines = ann.get("/api/projects/orchard/audit").await["items"].take();
    assert_eq!(lines[0]["kind"], "renamed");
    assert_eq!(lines[0]["email"], "ann@example.com");
    assert_eq!(lines[0]["via"], "admin token");
    assert_eq!(lines[0]["address"], "127.0.0.1");
    assert_eq!(lines[1]["via"], Json::Null);
    assert_eq!(kinds(&ann, "/api/projects/orchard/audit").await, ["renamed", "created"]);
    assert_eq!(kinds(&ann, &format!("/api/teams/{team}/audit")).await, ["renamed", "token_created", "created"]);
    assert_eq!(kinds(&ann, "/api/account/audit").await, ["renamed", "token_created", "created", "signed_up"]);

    let search = |text: &str| format!("/api/account/audit?search={text}");
    assert_eq!(kinds(&ann, &search("100%25")).await, ["renamed"]);
    assert_eq!(kinds(&ann, &search("ADMIN%20tok")).await, ["renamed", "token_created"]);
    assert_eq!(kinds(&ann, &search("%25_")).await, [""; 0]);
    assert_eq!(kinds(&ann, "/api/account/audit?kind=created").await, ["created"]);
    assert_eq!(kinds(&operator, "/api/operator/audit?kind=signed_up").await.len(), 2);
    assert_eq!(kinds(&operator, "/api/account/audit").await, ["signed_up"]);
}

#[tokio::test]
async fn the_audit_has_pages() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    ann.create_project("orchard").await;
    for n in 0..60 {
        ann.change(Method::PATCH, "/api/projects/orchard", &json!({ "name": format!("Orchard {n}") })).await;
    }
    let first = ann.get("/api/projects/orchard/audit").await;
    let next = first["next"].as_str().expect("a next page").to_owned();
    let second = ann.get(&format!("/api/projects/orchard/audit?before={next}")).await;
    assert_eq!(first["items"].as_array().unwrap().len(), 50);
    assert_eq!(second["items"].as_array().unwrap().len(), 11);
    assert_eq!((&second["items"][10]["kind"], &second["next"]), (&json!("created"), &Json::Null));
}

#[tokio::test]
async fn a_new_mail_address_is_proven_before_it_counts() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    roost.sign_up("bob@example.com").await;
    let ask = async |email: &str, password: &str| {
        let body = json!({ "email": email, "currentPassword": password });
        ann.call(Method::POST, "/api/account/email", Some(&body)).await.unwrap()
    };
    let wrong = ask("new@example.com", "not the password").await;
    assert_eq!(wrong.json()["data"]["currentPassword"]["code"], "wrong_password");
    // Nobody learns which addresses are taken.
    assert_eq!(ask("bob@example.com", PASSWORD).await.status, 204);
    assert_eq!(ask("new@example.com", PASSWORD).await.status, 204);
    let secret = roost.secret_from_mail("new@example.com", "/verify-address#").await;
    assert_eq!(ann.get("/api/account").await["email"], "ann@example.com");
    let url = format!("{}/api/account/email/confirm", roost.url());
    assert_eq!(roost.http.post(&url, &json!({ "token": secret })).await.json()["email"], "new@example.com");
    assert_eq!(roost.http.post(&url, &json!({ "token": secret })).await.code(), "invalid_token");
    roost.sign_in("new@example.com").await;
    eventually("the change to be noted", || async {
        kinds(&ann, "/api/account/audit").await.first().is_some_and(|kind| kind == "signed_in")
    })
    .await;
}
