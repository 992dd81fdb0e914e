//! Projects: names, crowds, renaming, deleting and bringing back.

use std::collections::HashSet;

use futures_util::future::join_all;
use http::Method;
use serde_json::json;
use tests::{Roost, in_the_end};

#[tokio::test]
async fn names_that_would_mislead_are_refused_with_a_code() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    for (slug, code) in [
        ("www", "reserved_slug"),
        ("api", "reserved_slug"),
        ("admin", "reserved_slug"),
        ("status", "reserved_slug"),
        ("login", "reserved_slug"),
        ("paypal", "reserved_slug"),
        ("_dmarc", "invalid_slug"),
        ("ab", "invalid_slug"),
        ("k3v9x0q2m7d1r5z", "reserved_slug"),
        ("xn--80ak6aa92e", "invalid_slug"),
        ("UPPER", "invalid_slug"),
    ] {
        let answer = ann.ask_for_project(slug).await.unwrap();
        assert_eq!(answer.json()["data"]["slug"]["code"], code, "{slug}");
        assert_eq!(ann.get(&format!("/api/slugs/{slug}")).await["code"], code, "{slug}");
    }
    assert_eq!(ann.get("/api/slugs/orchard").await["available"], true);
}

#[tokio::test]
async fn two_hundred_projects_at_once_with_clashing_names() {
    let roost = Roost::start_with("projects_per_account = 1000");
    let ann = roost.sign_up("ann@example.com").await;
    let slugs: Vec<String> = (0..200).map(|n| format!("crowd-{}", n / 2)).collect();
    let answers = join_all(slugs.iter().map(|slug| ann.ask_for_project(slug))).await;
    let (mut created, mut taken) = (0, 0);
    for answer in answers {
        let answer = answer.unwrap();
        match answer.status.as_u16() {
            201 => created += 1,
            400 if answer.json()["data"]["slug"]["code"] == "slug_taken" => taken += 1,
            status => panic!("{status}: {:?}", answer.json()),
        }
    }
    assert_eq!((created, taken), (100, 100));
    tests::eventually("every project to be there", || async {
        let items = ann.get("/api/projects").await["items"].take();
        items.as_array().unwrap().iter().all(|project| project["state"] != "creating")
    })
    .await;
    let items = ann.get("/api/projects").await["items"].take();
    let ids: HashSet<String> =
        items.as_array().unwrap().iter().map(|project| project["id"].as_str().unwrap().to_owned()).collect();
    let dirs: HashSet<String> =
        roost.tenant_dirs().iter().map(|dir| dir.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(ids.len(), 100);
    assert_eq!(ids, dirs);
}

#[tokio::test]
async fn a_renamed_project_answers_at_its_new_address_only() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    project.create_collection("posts").await;
    project.create("posts", "kept").await.expect("acknowledged");
    let change = json!({ "name": "Garden", "slug": "garden" });
    let renamed = ann.call(Method::PATCH, "/api/projects/orchard", Some(&change)).await.unwrap().json();
    assert_eq!(renamed["endpoint"], roost.project_url("garden"));
    let moved = ann.open_project(&renamed).await;
    assert_eq!(moved.ids("posts").await.len(), 1);
    let old = roost.http.get(&format!("{}/api/health", roost.project_url("orchard"))).await;
    assert_eq!((old.status.as_u16(), old.code().as_str()), (404, "unknown_project"));
}

#[tokio::test]
async fn a_deleted_project_is_unknown_and_can_be_brought_back() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    project.create_collection("posts").await;
    project.create("posts", "kept").await.expect("acknowledged");
    let unconfirmed = ann.call(Method::DELETE, "/api/projects/orchard", Some(&json!({ "slug": "x" }))).await.unwrap();
    assert_eq!(unconfirmed.json()["data"]["slug"]["code"], "mismatch");
    let confirmed =
        ann.call(Method::DELETE, "/api/projects/orchard", Some(&json!({ "slug": "orchard" }))).await.unwrap();
    assert_eq!(confirmed.json()["state"], "deleted");
    assert!(confirmed.json()["deletedUntilMs"].as_i64().is_some());
    let health = format!("{}/api/health", project.url);
    assert_eq!(roost.http.get(&health).await.code(), "unknown_project");
    assert_eq!(ann.ask_for_project("orchard").await.unwrap().json()["data"]["slug"]["code"], "slug_taken");
    let back = ann.call(Method::POST, "/api/projects/orchard/undelete", None).await.unwrap();
    assert_eq!(back.status, 200);
    let project = ann.open_project(&back.json()).await;
    assert_eq!(project.ids("posts").await.len(), 1);
}

#[tokio::test]
async fn what_is_half_removed_for_good_is_not_brought_back() {
    let roost = Roost::start_with("grace_days = 0\n");
    let ann = roost.sign_up("ann@example.com").await;
    ann.create_project("orchard").await;
    ann.finish("/api/projects/orchard/backups").await;
    // A backup that cannot be removed keeps the removal from its end.
    let archive = roost.backup_file(".zip");
    std::fs::remove_file(&archive).unwrap();
    std::fs::create_dir_all(archive.join("in the way")).unwrap();
    ann.change(Method::DELETE, "/api/projects/orchard", &json!({ "slug": "orchard" })).await;
    in_the_end("the data to be gone", || std::future::ready(roost.tenant_dirs().is_empty())).await;
    let refused = ann.call(Method::POST, "/api/projects/orchard/undelete", None).await.unwrap();
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (409, "too_late"));
    assert_eq!(ann.state("orchard").await, "deleted");
    std::fs::remove_dir_all(&archive).unwrap();
    in_the_end("the project to be gone", || async { ann.get("/api/projects").await["items"] == json!([]) }).await;
}

#[tokio::test]
async fn a_lost_superuser_password_is_set_anew_from_the_console() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    let new = json!({ "email": "admin@example.com", "password": "battery staple" });
    let answer = ann.call(Method::PUT, "/api/projects/orchard/superuser", Some(&new)).await.unwrap();
    assert_eq!(answer.status, 204, "{:?}", answer.json());
    let login = format!("{}/api/collections/_superusers/auth-with-password", project.url);
    let with = |password: &str| json!({ "identity": "admin@example.com", "password": password });
    assert_eq!(roost.http.post(&login, &with("correct horse")).await.status, 400);
    assert_eq!(roost.http.post(&login, &with("battery staple")).await.status, 200);
}

#[tokio::test]
async fn deleted_projects_are_no_way_around_the_limit() {
    let roost = Roost::start_with("projects_per_account = 1\n");
    let ann = roost.sign_up("ann@example.com").await;
    ann.create_project("orchard").await;
    ann.change(Method::DELETE, "/api/projects/orchard", &json!({ "slug": "orchard" })).await;
    ann.create_project("meadow").await;
    let undelete = "/api/projects/orchard/undelete";
    let refused = ann.call(Method::POST, undelete, None).await.unwrap();
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (403, "project_limit"));
    assert_eq!(ann.state("orchard").await, "deleted");
    ann.change(Method::DELETE, "/api/projects/meadow", &json!({ "slug": "meadow" })).await;
    let refused = ann.ask_for_project("quarry").await.unwrap();
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (403, "project_limit"));
    ann.change(Method::POST, undelete, &json!({})).await;
    assert_ne!(ann.state("orchard").await, "deleted");
}

#[tokio::test]
async fn an_event_stream_tells_nothing_of_others_projects() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let bob = roost.sign_up("bob@example.com").await;
    let mut lines = roost.follow(("cookie", bob.cookie()), "/api/events").await;
    let orchard = ann.create_project("orchard").await;
    bob.create_project("burrow").await;
    loop {
        let line = lines.next_line().await.unwrap().expect("the stream goes on");
        assert!(!line.contains("projectGone") && !line.contains(&orchard.id), "{line}");
        if line.contains("burrow") {
            break;
        }
    }
}
