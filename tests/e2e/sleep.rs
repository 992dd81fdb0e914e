//! Sleep and wake: looking never wakes, asking does, a crowd wakes once; and whoever may puts a project to sleep.

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value as Json, json};
use tests::{Console, Roost, SLEEPY, eventually};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

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
    eventually("the activity to say so", || async {
        ann.get("/api/projects/orchard/activity").await["items"].to_string().contains("\"slept\"")
    })
    .await;
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

/// An event stream of a project, once it has begun.
async fn listen(roost: &Roost) -> TcpStream {
    let mut stream = connect(roost).await;
    stream.write_all(b"GET /api/realtime HTTP/1.1\r\nHost: orchard.localhost\r\n\r\n").await.expect("is sent");
    let mut head = vec![0; 16 << 10];
    let length = stream.read(&mut head).await.expect("is answered");
    assert!(head[..length].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
    stream
}

async fn connect(roost: &Roost) -> TcpStream {
    TcpStream::connect(("127.0.0.1", roost.port())).await.expect("connects")
}

async fn lines(ann: &Console, kind: &str) -> Vec<Json> {
    let lines = ann.get(&format!("/api/projects/orchard/audit?kind={kind}")).await["items"].take();
    lines.as_array().expect("a list").clone()
}

#[tokio::test]
async fn an_operator_puts_a_project_to_sleep_and_the_next_request_wakes_it() {
    let roost = Roost::start();
    let operator = roost.sign_up("operator@example.com").await;
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    let before = operator.get("/api/operator/node").await["wake"].take();
    assert_eq!(before["count"], 1, "signing in woke it: {before}");
    let mut stream = listen(&roost).await;
    let tenant = format!("/api/operator/tenants/{}", project.id);
    eventually("the stream and the requests to be seen", || async {
        let tenant = operator.get(&tenant).await["tenant"].take();
        tenant["realtimeConnections"] == 1 && tenant["requestsPerSecond"].as_f64().is_some_and(|pace| pace > 0.0)
    })
    .await;

    let slept = operator.change(Method::POST, &format!("{tenant}/sleep"), &json!({})).await;
    assert_eq!((&slept["state"], &slept["realtimeConnections"]), (&json!("asleep"), &json!(0)), "{slept}");
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.expect("the stream ends");
    assert!(rest.ends_with("0\r\n\r\n"), "as a whole: {rest}");
    let again = operator.change(Method::POST, &format!("{tenant}/sleep"), &json!({})).await;
    assert_eq!(again["state"], "asleep");
    let noted = lines(&ann, "put_to_sleep").await;
    assert_eq!((noted.len(), &noted[0]["email"]), (1, &json!("operator@example.com")), "{noted:?}");
    eventually("the activity to say so", || async {
        ann.get("/api/projects/orchard/activity").await["items"].to_string().contains("\"slept\"")
    })
    .await;

    assert_eq!(roost.http.get(&format!("{}/api/health", project.url)).await.status, 200);
    eventually("the project to be seen awake", || async { ann.state("orchard").await == "awake" }).await;
    let wake = operator.get("/api/operator/node").await["wake"].take();
    assert_eq!(wake["count"], 2, "{wake}");
    assert!(wake["p95Ms"].as_f64().unwrap() >= wake["p50Ms"].as_f64().unwrap(), "{wake}");

    // Its people may do that, too.
    let slept = ann.change(Method::POST, "/api/projects/orchard/sleep", &json!({})).await;
    assert_eq!(slept["state"], "asleep");
    assert_eq!(lines(&ann, "put_to_sleep").await[0]["email"], "ann@example.com");
}

#[tokio::test]
async fn what_a_project_answers_is_finished_before_it_sleeps() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    project.create_collection("posts").await;
    let mut request = connect(&roost).await;
    let head = "POST /api/collections/posts/records HTTP/1.1\r\nHost: orchard.localhost\r\nConnection: close\r\n\
                Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n7\r\n{\"text\"\r\n";
    request.write_all(head.as_bytes()).await.expect("is sent");
    let sleep = async || ann.call(Method::POST, "/api/projects/orchard/sleep", None).await.expect("an answer");
    eventually("the request to be under way", || async { sleep().await.code() == "at_work" }).await;
    assert_eq!(ann.state("orchard").await, "awake");
    request.write_all(b"9\r\n: \"ripe\"}\r\n0\r\n\r\n").await.expect("is sent");
    let mut answer = String::new();
    request.read_to_string(&mut answer).await.expect("is answered");
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("\"ripe\""), "{answer}");
    assert_eq!(sleep().await.json()["state"], "asleep");
    assert_eq!(project.ids("posts").await.len(), 1);
}

#[tokio::test]
async fn only_what_would_wake_again_is_put_to_sleep_and_no_work_is_disturbed() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("place");
    std::fs::write(&place, "a file where the directory should be").unwrap();
    let roost = Roost::start_with(&format!("[backups]\ndir = {:?}\n", place.display().to_string()));
    let operator = roost.sign_up("operator@example.com").await;
    let project = operator.create_project("orchard").await;
    let tenant = |id: &str, what: &str| format!("/api/operator/tenants/{id}/{what}");
    let refused = async |id: &str| {
        let answer = operator.call(Method::POST, &tenant(id, "sleep"), None).await.expect("an answer");
        (answer.status.as_u16(), answer.code())
    };
    assert_eq!(refused("nothing").await.0, 404);
    let backup = operator.begin("/api/projects/orchard/backups").await;
    assert_eq!(refused(&project.id).await, (409, "at_work".to_owned()));
    operator.change(Method::POST, &format!("/api/jobs/{backup}/cancel"), &json!({})).await;
    assert_eq!(operator.end_of(&backup).await, "cancelled");

    operator.change(Method::POST, &tenant(&project.id, "suspend"), &json!({ "reason": "unpaid" })).await;
    assert_eq!(refused(&project.id).await, (409, "suspended".to_owned()));
    operator.change(Method::POST, &tenant(&project.id, "resume"), &json!({})).await;
    operator.change(Method::DELETE, "/api/projects/orchard", &json!({ "slug": "orchard" })).await;
    assert_eq!(refused(&project.id).await, (409, "deleted".to_owned()));
    assert!(lines(&operator, "put_to_sleep").await.is_empty());
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
