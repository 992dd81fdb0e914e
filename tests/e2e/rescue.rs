//! The whole platform copied, and restored where there is nothing of it.

use http::Method;
use serde_json::json;
use tests::{Console, POSTGRES_VARIABLE, Project, Roost, SLEEPY, eventually, run};

/// The control database of a PostgreSQL server is not copied by Roost.
fn is_postgres() -> bool {
    std::env::var_os(POSTGRES_VARIABLE).is_some()
}

/// A project with a post and a file.
async fn project(ann: &Console, slug: &str) -> (Project, String) {
    let project = ann.create_project(slug).await;
    project.create_collection("posts").await;
    project.create("posts", slug).await.expect("acknowledged");
    let files = json!({ "name": "pictures", "type": "base", "fields": [{ "name": "file", "type": "file" }] });
    project.call(Method::POST, "/api/collections", Some(&files)).await.expect("an answer");
    let file = project.upload("pictures", slug.as_bytes()).await;
    (project, file)
}

#[tokio::test]
async fn everything_comes_back_on_another_machine() {
    if is_postgres() {
        return;
    }
    let mut roost = Roost::start_with(SLEEPY);
    let ann = roost.sign_up("ann@example.com").await;
    let (asleep, picture) = project(&ann, "asleep").await;
    let (awake, _) = project(&ann, "awake").await;
    ann.finish("/api/projects/asleep/backups").await;
    eventually("a project to fall asleep", || async { ann.state("asleep").await == "asleep" }).await;
    let elsewhere = tempfile::tempdir().expect("a directory");
    let copy = elsewhere.path().join("monday");

    // One project is written to meanwhile.
    let before = awake.ids("posts").await;
    let mut copying = roost.back_up(&copy);
    let mut acknowledged = Vec::new();
    while !copying.has_ended() {
        acknowledged.push(awake.create("posts", "meanwhile").await.expect("acknowledged"));
    }
    copying.finish().expect("is copied");
    assert_eq!(ann.state("asleep").await, "asleep", "nobody saw it wake");
    let ids = (asleep.ids("posts").await, asleep.id.clone());
    roost.kill();
    drop(roost);

    let roost = Roost::restored(&copy);
    let ann = roost.sign_in("ann@example.com").await;
    let listed = ann.get("/api/projects").await;
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2), "{listed}");
    let asleep = ann.open_project(&ann.get("/api/projects/asleep").await).await;
    assert_eq!((asleep.ids("posts").await, asleep.id.clone()), ids);
    let bytes = asleep.call(Method::GET, &picture, None).await.expect("an answer").body;
    assert_eq!(bytes.as_ref(), b"asleep");
    let awake = ann.open_project(&ann.get("/api/projects/awake").await).await;
    let held = awake.ids("posts").await;
    let all: Vec<String> = before.into_iter().chain(acknowledged).collect();
    assert!(held.iter().all(|id| all.contains(id)) && all[..held.len()].iter().all(|id| held.contains(id)), "a prefix");
    awake.create("posts", "after").await.expect("it takes writes");
    let backup = ann.backups("asleep").await.remove(0);
    assert_eq!(backup["state"], "failed", "it was only on the disk that is gone: {backup}");
    ann.finish("/api/projects/asleep/backups").await;
}

#[tokio::test]
async fn a_copy_is_whole_or_refused() {
    if is_postgres() {
        return;
    }
    let mut roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    project(&ann, "orchard").await;
    roost.terminate();
    roost.wait();
    let elsewhere = tempfile::tempdir().expect("a directory");
    let copy = elsewhere.path().join("monday");
    roost.back_up(&copy).finish().expect("nothing has to run");
    let again = roost.back_up(&copy).finish().expect_err("it is used");
    assert!(again.contains("is not empty"), "{again}");

    let path = |name: &str| elsewhere.path().join(name).to_str().expect("UTF-8").to_owned();
    let restore = |from: &str, dir: &str| {
        run(&["restore", "--from", &path(from), "--dir", &path(dir), "--config", &path("roost.toml")])
    };
    let nothing = restore("tuesday", "data").expect_err("there is none");
    assert!(nothing.contains("no complete copy"), "{nothing}");

    let archive =
        std::fs::read_dir(copy.join("tenants")).expect("lists").next().expect("one").expect("an entry").path();
    let sound = std::fs::read(&archive).expect("reads");
    let mut damaged = sound.clone();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    std::fs::write(&archive, damaged).expect("writes");
    let refused = restore("monday", "data").expect_err("it is damaged");
    assert!(refused.contains("checksum"), "{refused}");
    let unfinished = run(&["serve", "--dev", "--dir", &path("data"), "--http", "127.0.0.1:0"]).expect_err("is refused");
    assert!(unfinished.contains("was interrupted"), "{unfinished}");

    std::fs::write(&archive, sound).expect("writes");
    let list = copy.join("platform.json");
    let text = std::fs::read_to_string(&list).expect("reads");
    std::fs::write(&list, text.replace("\"migration\": ", "\"migration\": 9")).expect("writes");
    let newer = restore("monday", "data").expect_err("it is newer");
    assert!(newer.contains("newer Roost"), "{newer}");
    std::fs::write(&list, text).expect("writes");
    restore("monday", "data").expect("begins anew");
    let used = restore("monday", "data").expect_err("it is used now");
    assert!(used.contains("is not empty"), "{used}");
}
