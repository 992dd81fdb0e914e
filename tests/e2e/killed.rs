//! Jobs about backups whose process is killed at any step: each is finished by the next process, in the old state or the new.

use http::Method;
use serde_json::json;
use tests::{Console, Roost, in_the_end};

use crate::backups::{newest, orchard, restore};

/// Begins a job at one of whose lines the process is killed, and starts the next process; the job.
async fn begin_and_kill(roost: &mut Roost, ann: &mut Console, path: &str, line: &str) -> String {
    roost.kill_when_it_says(line);
    let _ = ann.call(Method::POST, path, Some(&json!({}))).await;
    go_on(roost, ann).await
}

/// Starts the next process once the one before is killed; the job in which it was. It is asked for then, as the kill may
/// have been faster than the answer.
async fn go_on(roost: &mut Roost, ann: &mut Console) -> String {
    in_the_end("the kill", || std::future::ready(!roost.is_running())).await;
    roost.restart();
    ann.sign_in_again(&roost.http).await;
    let jobs = ann.get("/api/projects/orchard/jobs").await;
    jobs["items"][0]["id"].as_str().expect("a job").to_owned()
}

#[tokio::test]
async fn a_backup_killed_at_any_step_is_finished_by_the_next_process() {
    let mut roost = Roost::start();
    let (mut ann, _project) = orchard(&roost, 2).await;
    for line in
        ["Writing the archive", "The archive has", "Storing the archive", "to prove it", "The stored copy is whole"]
    {
        let job = begin_and_kill(&mut roost, &mut ann, "/api/projects/orchard/backups", line).await;
        assert_eq!(ann.end_of(&job).await, "done", "killed at {line:?}");
        assert_eq!(newest(&ann).await["state"], "proven", "killed at {line:?}");
    }
    assert_eq!((ann.backups("orchard").await.len(), roost.backup_files().len()), (5, 10));
    let copies = roost.tenant_dirs()[0].join("copies");
    assert_eq!(std::fs::read_dir(copies).unwrap().count(), 0, "nothing is left at the node");
}

#[tokio::test]
async fn a_restore_killed_at_any_step_ends_in_the_new_state() {
    let mut roost = Roost::start();
    let (mut ann, mut project) = orchard(&roost, 2).await;
    ann.finish("/api/projects/orchard/backups").await;
    let path = format!("/api/projects/orchard/backups/{}/restore", newest(&ann).await["id"].as_str().unwrap());
    let mut old = 0;
    for line in [
        "Writing the archive",
        "Storing the archive",
        "to prove it",
        "Restoring the backup aside",
        "Putting the restored data",
        "The restored data is in place",
        "Restored.",
    ] {
        project.create("posts", "after the backup").await.expect("acknowledged");
        let job = begin_and_kill(&mut roost, &mut ann, &path, line).await;
        project = project.reconnect(&roost.http);
        let posts = project.ids("posts").await.len();
        assert!(posts == 2 || posts == 3, "killed at {line:?}: {posts} posts are neither the old state nor the new");
        old += usize::from(posts == 3);
        assert_eq!(ann.end_of(&job).await, "done", "killed at {line:?}");
        assert_eq!(project.ids("posts").await.len(), 2, "killed at {line:?}");
    }
    assert!(old > 0, "before the switch the old state serves");
    let dirs = std::fs::read_dir(roost.tenant_dirs()[0].clone()).unwrap();
    let data = dirs.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("data-")).count();
    assert_eq!(data, 2, "the present data and that before the last restore");
}

#[tokio::test]
async fn an_undo_and_a_check_killed_at_any_step_are_finished_by_the_next_process() {
    let mut roost = Roost::start();
    let (mut ann, mut project) = orchard(&roost, 2).await;
    ann.finish("/api/projects/orchard/backups").await;
    let backup = newest(&ann).await;
    let check = format!("/api/projects/orchard/backups/{}/check", backup["id"].as_str().unwrap());
    for line in ["to prove it", "The stored copy is whole"] {
        let job = begin_and_kill(&mut roost, &mut ann, &check, line).await;
        assert_eq!(ann.end_of(&job).await, "done", "killed at {line:?}");
    }
    project = project.reconnect(&roost.http);
    for line in ["Going back to", "The data before the restore is back"] {
        project.create("posts", "after the backup").await.expect("acknowledged");
        let posts = project.ids("posts").await.len();
        let restored = restore(&ann, &backup).await;
        assert_eq!(ann.end_of(&restored).await, "done");
        assert_eq!(project.ids("posts").await.len(), 2);
        let undo = format!("/api/projects/orchard/restores/{restored}/undo");
        let job = begin_and_kill(&mut roost, &mut ann, &undo, line).await;
        project = project.reconnect(&roost.http);
        assert_eq!(ann.end_of(&job).await, "done", "killed at {line:?}");
        assert_eq!(project.ids("posts").await.len(), posts, "killed at {line:?}");
    }
}

#[tokio::test]
async fn an_import_killed_at_any_step_is_finished_by_the_next_process() {
    let mut roost = Roost::start();
    let (mut ann, mut project) = orchard(&roost, 2).await;
    ann.finish("/api/projects/orchard/backups").await;
    let path = format!("/api/projects/orchard/backups/{}/zip", newest(&ann).await["id"].as_str().unwrap());
    let zip = ann.call(Method::GET, &path, None).await.unwrap().body;
    project.create("posts", "after the backup").await.expect("acknowledged");
    for line in ["to prove it", "The stored copy is whole"] {
        roost.kill_when_it_says(line);
        let _ = ann.send_zip("/api/projects/orchard/imports", zip.to_vec()).await;
        let job = go_on(&mut roost, &mut ann).await;
        project = project.reconnect(&roost.http);
        assert_eq!(ann.end_of(&job).await, "done", "killed at {line:?}");
        let report = newest(&ann).await;
        assert_eq!((&report["origin"], &report["state"]), (&json!("import"), &json!("proven")), "killed at {line:?}");
        assert_eq!(project.ids("posts").await.len(), 3, "nothing changed yet");
    }
    assert_eq!((ann.backups("orchard").await.len(), roost.backup_files().len()), (3, 6));
    let copies = roost.tenant_dirs()[0].join("copies");
    assert_eq!(std::fs::read_dir(copies).unwrap().count(), 0, "nothing is left at the node");
    let job = restore(&ann, &newest(&ann).await).await;
    assert_eq!(ann.end_of(&job).await, "done");
    assert_eq!(project.ids("posts").await.len(), 2);
}

#[tokio::test]
async fn a_restore_into_a_new_project_killed_at_any_step_ends_with_that_project() {
    let mut roost = Roost::start();
    let (mut ann, mut project) = orchard(&roost, 2).await;
    ann.finish("/api/projects/orchard/backups").await;
    let path = format!("/api/projects/orchard/backups/{}/restore", newest(&ann).await["id"].as_str().unwrap());
    project.create("posts", "after the backup").await.expect("acknowledged");
    let lines =
        ["Restoring the backup aside", "Putting the restored data", "The restored data is in place", "Restored."];
    for (number, line) in lines.into_iter().enumerate() {
        let slug = format!("copy-{number}");
        let into = json!({ "into": { "name": slug, "slug": slug } });
        roost.kill_when_it_says(line);
        // The answer may come too late.
        let _ = ann.call(Method::POST, &path, Some(&into)).await;
        in_the_end("the kill", || std::future::ready(!roost.is_running())).await;
        roost.restart();
        ann.sign_in_again(&roost.http).await;
        project = project.reconnect(&roost.http);
        assert_eq!(project.ids("posts").await.len(), 3, "killed at {line:?}");
        let job = ann.get(&format!("/api/projects/{slug}/jobs")).await["items"][0]["id"].take();
        assert_eq!(ann.end_of(job.as_str().expect("a job")).await, "done", "killed at {line:?}");
        let copy = ann.open_project(&ann.get(&format!("/api/projects/{slug}")).await).await;
        assert_eq!(copy.ids("posts").await.len(), 2, "killed at {line:?}");
        let dirs = roost.tenant_dirs();
        let dir = dirs.iter().find(|dir| dir.ends_with(&copy.id)).expect("its directory");
        let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().file_name());
        let data = entries.filter(|name| name.to_string_lossy().starts_with("data-")).count();
        assert_eq!(data, 1, "killed at {line:?}: what it was created with is gone");
        assert_eq!(std::fs::read_dir(dir.join("copies")).unwrap().count(), 0, "killed at {line:?}");
    }
    assert_eq!(ann.backups("orchard").await.len(), 1);
}
