//! Power cuts: what was acknowledged is there, what was half made is whole or gone.

use std::collections::HashSet;

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value as Json, json};
use tests::{Roost, eventually, in_the_end};

#[tokio::test]
async fn every_acknowledged_record_survives_a_kill_under_sixty_four_writers() {
    let mut roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    project.create_collection("posts").await;
    let writers = (0..64).map(|writer| {
        let project = &project;
        async move {
            let mut acknowledged = Vec::new();
            for n in 0.. {
                match project.create("posts", &format!("{writer}-{n}")).await {
                    Some(id) => acknowledged.push(id),
                    None => break,
                }
            }
            acknowledged
        }
    });
    let killer = async {
        tokio::time::sleep(std::time::Duration::from_millis(700)).await;
        roost.kill();
    };
    let (ledgers, ()) = tokio::join!(join_all(writers), killer);
    let acknowledged: Vec<String> = ledgers.into_iter().flatten().collect();
    assert!(acknowledged.len() > 64, "the writers got going: {}", acknowledged.len());
    roost.restart();
    let project = project.reconnect(&roost.http);
    let stored: HashSet<String> = project.ids("posts").await.into_iter().collect();
    let lost = acknowledged.iter().filter(|id| !stored.contains(*id)).count();
    assert_eq!(lost, 0, "of {}", acknowledged.len());
}

#[tokio::test]
async fn a_project_killed_while_it_is_created_is_whole_or_gone() {
    let mut roost = Roost::start_with("projects_per_account = 1000");
    let mut ann = roost.sign_up("ann@example.com").await;
    for round in 0..8_u64 {
        let slugs: Vec<String> = (0..6).map(|n| format!("round-{round}-{n}")).collect();
        let asking = join_all(slugs.iter().map(|slug| ann.ask_for_project(slug)));
        let killing = async {
            // Another moment in every round: from before the first row to after the last directory.
            tokio::time::sleep(std::time::Duration::from_millis(15 + round * 40)).await;
            roost.kill();
        };
        tokio::join!(asking, killing);
        roost.restart();
        ann.sign_in_again(&roost.http).await;
    }
    eventually("all projects to settle", || async {
        let items = ann.get("/api/projects").await["items"].take();
        items.as_array().unwrap().iter().all(|project| project["state"] != "creating")
    })
    .await;
    let items = ann.get("/api/projects").await["items"].take();
    let projects = items.as_array().unwrap();
    for project in projects {
        // Whole: it serves, and its first superuser can sign in.
        ann.open_project(project).await;
    }
    let ids: HashSet<&str> = projects.iter().map(|project| project["id"].as_str().unwrap()).collect();
    for dir in roost.tenant_dirs() {
        let name = dir.file_name().unwrap().to_string_lossy().into_owned();
        assert!(ids.contains(name.as_str()), "{name} belongs to no project");
    }
}

#[tokio::test]
async fn a_mail_and_a_purge_killed_at_their_only_step_are_done_once_by_the_next_process() {
    let mut roost = Roost::start_with("grace_days = 0\n");
    let mut ann = roost.sign_up("ann@example.com").await;
    ann.create_project("orchard").await;
    roost.kill_when_it_says("(send_mail) is at send");
    // The kill may come before the answer.
    let _ = ann.call(Method::POST, "/api/password-reset", Some(&json!({ "email": "ann@example.com" }))).await;
    eventually("the kill", || std::future::ready(!roost.is_running())).await;
    roost.restart();
    ann.sign_in_again(&roost.http).await;
    let resets = || async {
        let about = |mail: &&Json| mail["subject"] == "Choose a new password";
        roost.mails().await.iter().filter(about).count()
    };
    in_the_end("the mail", || async { resets().await > 0 }).await;
    assert_eq!(resets().await, 1);
    roost.kill_when_it_says("(purge_project) is at purge");
    let _ = ann.call(Method::DELETE, "/api/projects/orchard", Some(&json!({ "slug": "orchard" }))).await;
    in_the_end("the kill", || std::future::ready(!roost.is_running())).await;
    roost.restart();
    ann.sign_in_again(&roost.http).await;
    in_the_end("the purge", || async { ann.get("/api/projects").await["items"] == json!([]) }).await;
    assert!(roost.tenant_dirs().is_empty() && roost.backup_files().is_empty());
}

#[tokio::test]
async fn a_damaged_database_is_that_projects_trouble_alone() {
    let mut roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let (good, bad) = (ann.create_project("good").await, ann.create_project("bad").await);
    good.create_collection("posts").await;
    roost.kill();
    let dir = roost.tenant_dirs().into_iter().find(|dir| dir.ends_with(&bad.id)).expect("its directory");
    for file in ["data.db-wal", "data.db-shm"] {
        let _ = std::fs::remove_file(dir.join("data-1").join(file));
    }
    std::fs::write(dir.join("data-1/data.db"), "this is no database".repeat(1000)).expect("written");
    roost.restart();
    let answer = roost.http.get(&format!("{}/api/health", bad.url)).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "damaged"), "{:?}", answer.json());
    let good = good.reconnect(&roost.http);
    assert!(good.create("posts", "still here").await.is_some());
}
