//! A project's log in the console: read where it lies, and followed while it grows.

use http::Method;
use serde_json::{Value as Json, json};
use tests::{Console, Roost, SLEEPY, eventually};

async fn entries(console: &Console, query: &str) -> Vec<Json> {
    let page = console.get(&format!("/api/projects/orchard/logs?{query}")).await;
    page["items"].as_array().unwrap_or_else(|| panic!("{page}")).clone()
}

fn is_about(entry: &Json, part: &str) -> bool {
    entry["data"]["url"].as_str().unwrap_or_default().contains(part)
}

#[tokio::test]
async fn a_log_is_read_newest_first_and_searched() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    for n in 0..5 {
        roost.http.get(&format!("{}/api/collections/missing{n}/records", project.url)).await;
    }
    let found = entries(&ann, "query=missing&level=0").await;
    assert_eq!(found.len(), 5, "{found:?}");
    assert!(is_about(&found[0], "missing4") && is_about(&found[4], "missing0"), "{found:?}");
    assert!(found[0]["atMs"].as_i64().unwrap() > 1_700_000_000_000, "{}", found[0]);
    let first = ann.get("/api/projects/orchard/logs?query=missing&limit=2").await;
    let next = first["next"].as_i64().expect("there are older ones");
    let second = entries(&ann, &format!("query=missing&limit=2&before={next}")).await;
    assert!(is_about(&second[0], "missing2") && is_about(&second[1], "missing1"), "{second:?}");
    assert!(entries(&ann, "query=nothing%20like%20that").await.is_empty());
}

#[tokio::test]
async fn looking_at_the_log_of_a_sleeping_project_does_not_wake_it() {
    let roost = Roost::start_with(SLEEPY);
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    roost.http.get(&format!("{}/api/collections/missing/records", project.url)).await;
    eventually("the project to fall asleep", || async { ann.state("orchard").await == "asleep" }).await;
    let before = ann.get("/api/projects/orchard").await;
    assert_eq!(entries(&ann, "query=missing").await.len(), 1);
    let after = ann.get("/api/projects/orchard").await;
    assert_eq!((&before["state"], &before["stateSinceMs"]), (&after["state"], &after["stateSinceMs"]));
    let data = roost.tenant_dirs()[0].join("data-1");
    assert!(!data.join("auxiliary.db-shm").exists() && !data.join("auxiliary.db-wal").exists(), "no trace is left");
}

#[tokio::test]
async fn whoever_only_views_does_not_read_logs() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let team = ann.create_project("orchard").await.team;
    let vic = ann.invite(&roost, &team, "vic@example.com", "viewer").await;
    let dee = ann.invite(&roost, &team, "dee@example.com", "developer").await;
    let read = async |who: &Console| who.call(Method::GET, "/api/projects/orchard/logs", None).await.unwrap();
    assert_eq!(read(&vic).await.code(), "not_allowed");
    assert_eq!(read(&dee).await.status, 200);
}

#[tokio::test]
async fn a_tail_tells_what_happens_from_now_on_and_ends_with_the_right_to_read() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    roost.http.get(&format!("{}/api/collections/earlier/records", project.url)).await;
    entries(&ann, "").await;
    let dee = ann.invite(&roost, &project.team, "dee@example.com", "developer").await;
    let tail = "/api/projects/orchard/logs/tail?query=collections";
    let mut lines = roost.follow(("cookie", dee.cookie()), tail).await;
    roost.http.get(&format!("{}/api/collections/later/records", project.url)).await;
    let entry: Json = loop {
        let line = lines.next_line().await.unwrap().expect("the stream goes on");
        if let Some(data) = line.strip_prefix("data: ") {
            break serde_json::from_str(data).unwrap();
        }
    };
    assert!(is_about(&entry, "later"), "{entry}");
    let members = ann.get(&format!("/api/teams/{}", project.team)).await["members"].take();
    let members = members.as_array().unwrap().clone();
    let id = members.iter().find(|member| member["email"] == "dee@example.com").unwrap()["id"].as_str().unwrap();
    let path = format!("/api/teams/{}/members/{id}", project.team);
    ann.change(Method::PATCH, &path, &json!({ "role": "viewer" })).await;
    while let Ok(Some(_)) = lines.next_line().await {}
}

#[tokio::test]
async fn a_tail_tells_nothing_more_once_its_reader_may_not_know_of_the_project() {
    let roost = Roost::start();
    let operator = roost.sign_up("operator@example.com").await;
    let ann = roost.sign_up_proven("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    let token = format!("Bearer {}", ann.create_token(&project.team, "read").await);
    ann.change(Method::POST, "/api/projects/orchard/support", &json!({ "hours": 1 })).await;
    let tail = "/api/projects/orchard/logs/tail";
    let mut to_support = roost.follow(("cookie", operator.cookie()), tail).await;
    let mut to_program = roost.follow(("authorization", &token), tail).await;
    ann.change(Method::DELETE, "/api/projects/orchard/support", &json!({})).await;
    let team = ann.change(Method::POST, "/api/teams", &json!({ "name": "Fruit" })).await["id"].take();
    ann.change(Method::POST, "/api/projects/orchard/transfer", &json!({ "team": team })).await;
    roost.http.get(&format!("{}/api/collections/later/records", project.url)).await;
    for lines in [&mut to_support, &mut to_program] {
        while let Ok(Some(line)) = lines.next_line().await {
            assert!(!line.contains("later"), "{line}");
        }
    }
}
