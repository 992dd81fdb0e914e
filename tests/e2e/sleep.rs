//! Sleep and wake: looking never wakes, asking does, a crowd wakes once.

use futures_util::future::join_all;
use http::Method;
use serde_json::json;
use tests::{Roost, SLEEPY, eventually};

#[tokio::test]
async fn looking_never_wakes_and_the_next_request_does() {
    let roost = Roost::start_with(SLEEPY);
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    project.create_collection("posts").await;
    project.create("posts", "kept").await.expect("acknowledged");
    eventually("the project to fall asleep", || async { ann.state("orchard").await == "asleep" }).await;
    for path in ["/api/projects", "/api/projects/orchard", "/api/projects/orchard/activity"] {
        ann.get(path).await;
        assert_eq!(ann.state("orchard").await, "asleep", "after {path}");
    }
    assert_eq!(project.ids("posts").await.len(), 1);
    eventually("the console to say so", || async { ann.state("orchard").await != "creating" }).await;
    let activity = ann.get("/api/projects/orchard/activity").await["items"].take();
    assert!(activity.as_array().unwrap().iter().any(|line| line["kind"] == "slept"), "{activity}");
}

#[tokio::test]
async fn a_crowd_of_first_requests_wakes_a_project_once() {
    let roost = Roost::start_with(SLEEPY);
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    eventually("the project to fall asleep", || async { ann.state("orchard").await == "asleep" }).await;
    let wakes = || async {
        let activity = ann.get("/api/projects/orchard/activity").await["items"].take();
        activity.as_array().unwrap().iter().filter(|line| line["kind"] == "woke").count()
    };
    let before = wakes().await;
    let health = format!("{}/api/health", project.url);
    let answers = join_all((0..100).map(|_| roost.http.get(&health))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    eventually("the wake to be noted", || async { wakes().await > before }).await;
    assert_eq!(wakes().await, before + 1);
}

#[tokio::test]
async fn a_project_can_be_woken_from_the_console() {
    let roost = Roost::start_with("[rest]\nidle_after = 0.1\nsleep_after = 1.0\n");
    let ann = roost.sign_up("ann@example.com").await;
    ann.create_project("orchard").await;
    eventually("the project to fall asleep", || async { ann.state("orchard").await == "asleep" }).await;
    let woken = ann.call(Method::POST, "/api/projects/orchard/wake", None).await.unwrap();
    assert_eq!(woken.json()["state"], "awake");
}

#[tokio::test]
async fn waking_a_project_from_the_console_is_told_once() {
    let roost = Roost::start_with(SLEEPY);
    let ann = roost.sign_up("ann@example.com").await;
    ann.create_project("orchard").await;
    let told = async |kind: &str| {
        let lines = ann.get("/api/projects/orchard/activity").await["items"].take();
        lines.as_array().expect("a list").iter().filter(|line| line["kind"] == kind).count()
    };
    let fallen_asleep = async |times| told("slept").await == times && ann.state("orchard").await == "asleep";
    eventually("the project to fall asleep", || fallen_asleep(1)).await;
    let before = told("woke").await;
    for time in 1..=3 {
        let woken = ann.change(Method::POST, "/api/projects/orchard/wake", &json!({})).await;
        assert_eq!(woken["state"], "awake");
        // By then all is told of its waking.
        eventually("it to fall asleep again", || fallen_asleep(1 + time)).await;
        assert_eq!(told("woke").await, before + time);
    }
}
