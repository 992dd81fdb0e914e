//! Backups: made of sleeping projects, proven, red when they cannot be read, restored, undone, cancelled.

use std::path::PathBuf;

use http::Method;
use serde_json::{Value as Json, json};
use tests::{Console, Project, Roost, SLEEPY, eventually, in_the_end};

/// A project with so many posts.
pub async fn orchard(roost: &Roost, posts: usize) -> (Console, Project) {
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    project.create_collection("posts").await;
    for n in 0..posts {
        project.create("posts", &format!("post {n}")).await.expect("acknowledged");
    }
    (ann, project)
}

/// The newest backup.
pub async fn newest(ann: &Console) -> Json {
    ann.backups("orchard").await.into_iter().next().unwrap_or_default()
}

/// Begins to restore a backup; the job.
pub async fn restore(ann: &Console, backup: &Json) -> String {
    let path = format!("/api/projects/orchard/backups/{}/restore", backup["id"].as_str().expect("an id"));
    ann.begin(&path).await
}

/// Mails that told of a failed backup.
async fn alarms(roost: &Roost) -> usize {
    let about = |mail: &&Json| mail["subject"].as_str().unwrap_or_default().starts_with("A backup of");
    roost.mails().await.iter().filter(about).count()
}

#[tokio::test]
async fn a_backup_is_green_only_after_its_copy_was_restored_aside() {
    let roost = Roost::start();
    let (ann, _project) = orchard(&roost, 3).await;
    let job = ann.begin("/api/projects/orchard/backups").await;
    assert_eq!(ann.end_of(&job).await, "done");
    let backup = newest(&ann).await;
    assert_eq!(backup["state"], "proven", "{backup}");
    assert_eq!((&backup["origin"], &backup["bytes"].is_i64()), (&json!("hand"), &true), "{backup}");
    let posts = json!({ "name": "posts", "records": 3 });
    assert!(backup["collections"].as_array().unwrap().contains(&posts), "{backup}");
    let job = ann.get(&format!("/api/jobs/{job}")).await;
    let steps: Vec<&str> = job["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!((steps, &job["progress"]), (vec!["archive", "store", "prove", "tidy"], &json!(100)));
    assert!(job["lines"].as_array().unwrap().len() >= 4, "{job}");
    let copies = roost.tenant_dirs()[0].join("copies");
    assert_eq!(std::fs::read_dir(copies).unwrap().count(), 0, "nothing is left at the node");
    assert_eq!(roost.backup_files().len(), 2, "an archive and its manifest");
}

#[tokio::test]
async fn a_schedule_backs_up_a_sleeping_project_and_nobody_sees_it_awake() {
    let roost = Roost::start_with(&format!("{SLEEPY}[backups]\nleast_interval = 60\n"));
    let (ann, project) = orchard(&roost, 1).await;
    let told_asleep = || async {
        let lines = ann.get("/api/projects/orchard/activity").await["items"].take();
        ann.state("orchard").await == "asleep" && lines[0]["kind"] == "slept"
    };
    eventually("the project to fall asleep", told_asleep).await;
    let before = ann.get("/api/projects/orchard").await;
    let wakes = ann.get("/api/projects/orchard/activity").await["items"].as_array().unwrap().len();
    let every_minute = json!({ "cron": "* * * * *", "zone": "Europe/Berlin",
        "keepLast": 3, "keepDaily": 0, "keepWeekly": 0, "keepMonthly": 0 });
    let path = "/api/projects/orchard/backup-schedule";
    let set = ann.call(Method::PUT, path, Some(&every_minute)).await.unwrap().json();
    assert_eq!(set["nextRunsMs"].as_array().unwrap().len(), 5, "{set}");
    in_the_end("a backup that was due", || async {
        assert_eq!(ann.state("orchard").await, "asleep");
        newest(&ann).await["state"] == "proven"
    })
    .await;
    assert_eq!(newest(&ann).await["origin"], "schedule");
    let after = ann.get("/api/projects/orchard").await;
    assert_eq!((&before["requests"], &before["stateSinceMs"]), (&after["requests"], &after["stateSinceMs"]));
    let lines = ann.get("/api/projects/orchard/activity").await["items"].as_array().unwrap().len();
    assert_eq!(lines, wakes + 1, "only the change of the schedule is an activity");
    assert_eq!(project.ids("posts").await.len(), 1);
}

#[tokio::test]
async fn a_schedule_nobody_can_keep_to_is_refused() {
    let roost = Roost::start();
    let (ann, _project) = orchard(&roost, 0).await;
    let path = "/api/projects/orchard/backup-schedule";
    let default = ann.get(path).await;
    assert_eq!((&default["keepDaily"], &default["keepWeekly"]), (&json!(7), &json!(4)), "{default}");
    let cron = ["61 * * * *", "*/30 * * * *"].map(|cron| ("cron", json!(cron)));
    for (field, value) in cron.into_iter().chain([("zone", json!("Atlantis")), ("keepDaily", json!(-1))]) {
        let mut wanted = default.clone();
        wanted[field] = value;
        let answer = ann.call(Method::PUT, path, Some(&wanted)).await.unwrap();
        assert_eq!(answer.status, 400, "{field}");
        assert!(answer.json()["data"][field]["code"].is_string(), "{:?}", answer.json());
    }
}

#[tokio::test]
async fn a_corrupted_object_turns_its_backup_red_and_mails_once() {
    let roost = Roost::start_with("[backups]\ncheck_every = 1\n");
    let (ann, _project) = orchard(&roost, 2).await;
    ann.finish("/api/projects/orchard/backups").await;
    let archive = roost.backup_file(".zip");
    let mut bytes = std::fs::read(&archive).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&archive, bytes).unwrap();
    in_the_end("the backup to turn red", || async { newest(&ann).await["state"] == "failed" }).await;
    in_the_end("a mail", || async { alarms(&roost).await > 0 }).await;
    assert!(newest(&ann).await["reason"].is_string());
    ann.finish("/api/projects/orchard/backups").await;
    assert_eq!(newest(&ann).await["state"], "proven");
    assert_eq!(alarms(&roost).await, 1);
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_red_until_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("place");
    std::fs::write(&place, "a file where the directory should be").unwrap();
    let roost = Roost::start_with(&format!("[backups]\ndir = {:?}\n", place.display().to_string()));
    let (ann, _project) = orchard(&roost, 1).await;
    let job = ann.begin("/api/projects/orchard/backups").await;
    in_the_end("the backup to turn red", || async { newest(&ann).await["state"] == "failed" }).await;
    let refused = ann.call(Method::POST, "/api/projects/orchard/backups", Some(&json!({}))).await.unwrap();
    assert_eq!(refused.code(), "under_way");
    std::fs::remove_file(&place).unwrap();
    assert_eq!(ann.end_of(&job).await, "done");
    let backup = newest(&ann).await;
    assert_eq!((&backup["state"], &backup["reason"]), (&json!("proven"), &Json::Null));
    assert_eq!(alarms(&roost).await, 1);
}

#[tokio::test]
async fn a_restore_brings_everything_back_and_an_undo_what_was_there_before_it() {
    let roost = Roost::start();
    let (ann, project) = orchard(&roost, 3).await;
    let first = project.ids("posts").await;
    ann.finish("/api/projects/orchard/backups").await;
    let backup = newest(&ann).await;
    project.delete("posts", &first[0]).await;
    project.create("posts", "written after the backup").await.expect("acknowledged");
    let changed = project.ids("posts").await;
    let job = restore(&ann, &backup).await;
    assert_eq!(ann.end_of(&job).await, "done", "{}", ann.get(&format!("/api/jobs/{job}")).await);
    let sorted = |mut ids: Vec<String>| {
        ids.sort();
        ids
    };
    assert_eq!(sorted(project.ids("posts").await), sorted(first));
    let list = ann.get("/api/projects/orchard/backups").await;
    assert_eq!((&list["items"][0]["origin"], &list["items"][0]["state"]), (&json!("restore"), &json!("proven")));
    let done = &list["restores"][0];
    assert!(done["undoUntilMs"].is_i64(), "{list}");
    ann.finish(&format!("/api/projects/orchard/restores/{}/undo", done["id"].as_str().unwrap())).await;
    assert_eq!(sorted(project.ids("posts").await), sorted(changed));
    let again = ann.get("/api/projects/orchard/backups").await["restores"][0].take();
    assert!(again["undoneMs"].is_i64() && again["undoUntilMs"].is_null(), "{again}");
}

#[tokio::test]
async fn a_restore_brings_files_back_to_the_last_byte() {
    let roost = Roost::start();
    let (ann, project) = orchard(&roost, 0).await;
    let pictures = json!({ "name": "pictures", "type": "base", "fields": [{ "name": "file", "type": "file" }] });
    project.call(Method::POST, "/api/collections", Some(&pictures)).await.unwrap();
    let bytes: Vec<u8> = (0..300_000_u64).map(|n| (n * n % 251) as u8).collect();
    let file = project.upload("pictures", &bytes).await;
    ann.finish("/api/projects/orchard/backups").await;
    let backup = newest(&ann).await;
    assert_eq!(backup["files"], 1, "{backup}");
    for id in project.ids("pictures").await {
        project.delete("pictures", &id).await;
    }
    assert_eq!(project.call(Method::GET, &file, None).await.unwrap().status, 404);
    let job = restore(&ann, &backup).await;
    assert_eq!(ann.end_of(&job).await, "done");
    assert!(project.call(Method::GET, &file, None).await.unwrap().body == bytes);
}

#[tokio::test]
async fn a_backup_amid_writes_holds_all_that_was_acknowledged_before_it() {
    let roost = Roost::start();
    let (ann, project) = orchard(&roost, 20).await;
    let before = project.ids("posts").await;
    let backing_up = async {
        for _ in 0..3 {
            ann.finish("/api/projects/orchard/backups").await;
        }
    };
    let writing = async {
        loop {
            project.create("posts", &"long ".repeat(500)).await.expect("acknowledged");
        }
    };
    tokio::select! {
        () = backing_up => {}
        () = writing => {}
    }
    let now: std::collections::HashSet<String> = project.ids("posts").await.into_iter().collect();
    let backup = newest(&ann).await;
    let job = restore(&ann, &backup).await;
    assert_eq!(ann.end_of(&job).await, "done");
    let restored = project.ids("posts").await;
    assert!(before.iter().all(|id| restored.contains(id)), "nothing is missing");
    assert!(restored.iter().all(|id| now.contains(id)), "nothing is made up");
}

#[tokio::test]
async fn a_backup_becomes_a_new_project() {
    let roost = Roost::start();
    let (ann, project) = orchard(&roost, 2).await;
    ann.finish("/api/projects/orchard/backups").await;
    project.create("posts", "not in the backup").await.expect("acknowledged");
    let id = newest(&ann).await["id"].as_str().unwrap().to_owned();
    let into = json!({ "into": { "name": "Copy", "slug": "copy" } });
    let path = format!("/api/projects/orchard/backups/{id}/restore");
    let begun = ann.call(Method::POST, &path, Some(&into)).await.unwrap().json();
    assert_eq!(ann.end_of(begun["jobId"].as_str().unwrap()).await, "done", "{begun}");
    let copy = ann.open_project(&ann.get("/api/projects/copy").await).await;
    assert_eq!((copy.ids("posts").await.len(), project.ids("posts").await.len()), (2, 3));
    let stranger = roost.sign_up("bob@example.com").await;
    stranger.create_project("burrow").await;
    let path = format!("/api/projects/burrow/backups/{id}/restore");
    let stolen = stranger.call(Method::POST, &path, Some(&json!({}))).await.unwrap();
    assert_eq!(stolen.status, 404);
}

#[tokio::test]
async fn the_audit_says_who_ended_a_job() {
    let roost = Roost::start();
    let (ann, project) = orchard(&roost, 1).await;
    ann.finish("/api/projects/orchard/backups").await;
    let backup = newest(&ann).await;
    let dev = ann.invite(&roost, &project.team, "dev@example.com", "developer").await;
    let restored = format!("/api/projects/orchard/backups/{}/restore", backup["id"].as_str().unwrap());
    for (path, who) in [(restored.as_str(), &ann), ("/api/projects/orchard/backups", &dev)] {
        let (job, file) = begin_endless(&roost, &ann, path).await;
        std::fs::remove_file(file).unwrap();
        who.change(Method::POST, &format!("/api/jobs/{job}/cancel"), &json!({})).await;
        assert_eq!(ann.end_of(&job).await, "cancelled");
    }
    let audit = ann.get("/api/projects/orchard/audit?kind=job_cancelled").await["items"].take();
    let told: Vec<_> = audit.as_array().unwrap().iter().map(|line| (&line["email"], &line["text"])).collect();
    let (by_dev, by_ann) = (json!("dev@example.com"), json!("ann@example.com"));
    let (of_backup, of_restore) = (json!("A job was cancelled: backup"), json!("A job was cancelled: restore"));
    assert_eq!(told, [(&by_dev, &of_backup), (&by_ann, &of_restore)]);
}

#[tokio::test]
async fn a_download_is_taken_in_again_and_reported_before_anything_changes() {
    let roost = Roost::start_with("[backups]\nlargest_import = 1\n");
    let (ann, project) = orchard(&roost, 4).await;
    ann.finish("/api/projects/orchard/backups").await;
    let id = newest(&ann).await["id"].as_str().unwrap().to_owned();
    let zip = ann.call(Method::GET, &format!("/api/projects/orchard/backups/{id}/zip"), None).await.unwrap();
    assert_eq!((zip.status.as_u16(), &zip.body[..2]), (200, &b"PK"[..]));
    for post in project.ids("posts").await {
        project.delete("posts", &post).await;
    }
    let taken = ann.send_zip("/api/projects/orchard/imports", zip.body.to_vec()).await.expect("an answer");
    assert_eq!(taken.status, 202, "{:?}", taken.json());
    assert_eq!(ann.end_of(taken.json()["jobId"].as_str().unwrap()).await, "done");
    let report = newest(&ann).await;
    assert_eq!((&report["origin"], &report["state"]), (&json!("import"), &json!("proven")), "{report}");
    assert!(report["collections"].as_array().unwrap().contains(&json!({ "name": "posts", "records": 4 })), "{report}");
    assert_eq!(project.ids("posts").await.len(), 0, "nothing changed yet");
    let job = restore(&ann, &report).await;
    assert_eq!(ann.end_of(&job).await, "done");
    assert_eq!(project.ids("posts").await.len(), 4);
    let nonsense = ann.send_zip("/api/projects/orchard/imports", b"no zip at all".to_vec()).await.expect("an answer");
    assert_eq!(ann.end_of(nonsense.json()["jobId"].as_str().unwrap()).await, "failed");
    assert_eq!(newest(&ann).await["state"], "failed");
    assert_eq!(roost.backup_files().len(), 6, "three backups and what is told of them: nothing of what is no archive");
    let huge = ann.send_zip("/api/projects/orchard/imports", vec![0; (1 << 20) + 1]).await.expect("an answer");
    assert_eq!((huge.status.as_u16(), huge.code().as_str()), (413, "too_large"));
}

#[tokio::test]
async fn a_project_has_one_of_its_backups_checked_at_a_time() {
    let roost = Roost::start();
    let (ann, _project) = orchard(&roost, 1).await;
    for _ in 0..2 {
        ann.finish("/api/projects/orchard/backups").await;
    }
    let ids = ann.backups("orchard").await.iter().map(|it| it["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    let check = |id: &str| format!("/api/projects/orchard/backups/{id}/check");
    // As long as its manifest is away the check is tried again.
    let manifest = roost.backup_file(&format!("{}.json", ids[0]));
    let aside = manifest.with_extension("aside");
    std::fs::rename(&manifest, &aside).unwrap();
    let job = ann.begin(&check(&ids[0])).await;
    let refused = ann.call(Method::POST, &check(&ids[1]), None).await.unwrap();
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (409, "under_way"));
    std::fs::rename(&aside, &manifest).unwrap();
    assert_eq!(ann.end_of(&job).await, "done");
    ann.finish(&check(&ids[1])).await;
    ann.finish(&check(&ids[1])).await;
}

#[tokio::test]
async fn of_zips_that_are_brought_one_is_checked_at_a_time() {
    let roost = Roost::start();
    let (ann, _project) = orchard(&roost, 1).await;
    ann.finish("/api/projects/orchard/backups").await;
    let id = newest(&ann).await["id"].as_str().unwrap().to_owned();
    let zip = ann.call(Method::GET, &format!("/api/projects/orchard/backups/{id}/zip"), None).await.unwrap();
    let bring = async || ann.send_zip("/api/projects/orchard/imports", zip.body.to_vec()).await.expect("an answer");
    // As long as there is no place to unpack it the check is tried again.
    let copies = roost.tenant_dirs()[0].join("copies");
    std::fs::remove_dir(&copies).unwrap();
    std::fs::write(&copies, "a file where the directory should be").unwrap();
    let first = bring().await;
    assert_eq!(first.status, 202, "{:?}", first.json());
    let refused = bring().await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (409, "under_way"));
    assert_eq!((ann.backups("orchard").await.len(), roost.backup_files().len()), (2, 4), "nothing of it is kept");
    std::fs::remove_file(&copies).unwrap();
    assert_eq!(ann.end_of(first.json()["jobId"].as_str().unwrap()).await, "done");
    assert_eq!(bring().await.status, 202);
}

#[tokio::test]
async fn a_check_that_its_node_cannot_do_turns_nothing_red_and_operators_see_it() {
    let roost = Roost::start();
    let (ann, _project) = orchard(&roost, 1).await;
    ann.finish("/api/projects/orchard/backups").await;
    let unchecked = async || {
        let items = ann.get("/api/operator/attention").await["items"].take();
        items.as_array().unwrap().iter().filter(|item| item["kind"] == "backupUnchecked").count()
    };
    // As long as there is no place to unpack it the check is tried again.
    let copies = roost.tenant_dirs()[0].join("copies");
    std::fs::remove_dir(&copies).unwrap();
    std::fs::write(&copies, "a file where the directory should be").unwrap();
    let id = newest(&ann).await["id"].as_str().unwrap().to_owned();
    let job = ann.begin(&format!("/api/projects/orchard/backups/{id}/check")).await;
    in_the_end("the check to fail", || async { unchecked().await == 1 }).await;
    let backup = newest(&ann).await;
    assert_eq!((&backup["state"], &backup["reason"]), (&json!("proven"), &Json::Null));
    std::fs::remove_file(&copies).unwrap();
    assert_eq!(ann.end_of(&job).await, "done");
    assert_eq!((unchecked().await, alarms(&roost).await), (0, 0));
}

#[tokio::test]
async fn restores_that_fail_leave_no_heap_of_copies() {
    let roost = Roost::start_with("[plans.standard]\nbackups_kept = 2\n");
    let (ann, _project) = orchard(&roost, 1).await;
    ann.finish("/api/projects/orchard/backups").await;
    let backup = newest(&ann).await;
    let archive = roost.backup_file(&format!("{}.zip", backup["id"].as_str().unwrap()));
    std::fs::write(archive, "no archive any more").unwrap();
    for _ in 0..3 {
        let job = restore(&ann, &backup).await;
        assert_eq!(ann.end_of(&job).await, "failed");
    }
    let origins: Vec<Json> = ann.backups("orchard").await.iter_mut().map(|it| it["origin"].take()).collect();
    assert_eq!(origins, ["restore", "hand"]);
}

#[tokio::test]
async fn deleting_and_bringing_back_by_turns_leaves_one_backup() {
    let roost = Roost::start();
    let (ann, _project) = orchard(&roost, 1).await;
    for _ in 0..3 {
        ann.change(Method::DELETE, "/api/projects/orchard", &json!({ "slug": "orchard" })).await;
        in_the_end("the backup", || async {
            ann.get("/api/projects/orchard/backups").await["jobs"].as_array().unwrap().is_empty()
        })
        .await;
        ann.change(Method::POST, "/api/projects/orchard/undelete", &json!({})).await;
        let backups = ann.backups("orchard").await;
        assert_eq!(
            (backups.len(), &backups[0]["origin"], &backups[0]["state"]),
            (1, &json!("delete"), &json!("proven"))
        );
    }
    assert_eq!(roost.backup_files().len(), 2);
}

#[tokio::test]
async fn the_last_proven_backup_stays() {
    let roost = Roost::start();
    let (ann, _project) = orchard(&roost, 1).await;
    ann.finish("/api/projects/orchard/backups").await;
    let remove = |id: &Json| format!("/api/projects/orchard/backups/{}", id.as_str().unwrap());
    let only = newest(&ann).await;
    let refused = ann.call(Method::DELETE, &remove(&only["id"]), None).await.unwrap();
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (409, "last_backup"));
    ann.finish("/api/projects/orchard/backups").await;
    assert_eq!(ann.call(Method::DELETE, &remove(&only["id"]), None).await.unwrap().status, 204);
    assert_eq!((ann.backups("orchard").await.len(), roost.backup_files().len()), (1, 2));
}

#[tokio::test]
async fn a_deleted_project_is_backed_up_first() {
    let roost = Roost::start();
    let (ann, _project) = orchard(&roost, 1).await;
    ann.call(Method::DELETE, "/api/projects/orchard", Some(&json!({ "slug": "orchard" }))).await.unwrap();
    in_the_end("the backup", || async { newest(&ann).await["state"] == "proven" }).await;
    assert_eq!(newest(&ann).await["origin"], "delete");
    assert_eq!(ann.state("orchard").await, "deleted");
}

#[tokio::test]
async fn a_project_that_goes_for_good_takes_its_backups_along() {
    let roost = Roost::start_with("grace_days = 0\n");
    let (ann, _project) = orchard(&roost, 1).await;
    ann.finish("/api/projects/orchard/backups").await;
    ann.create_project("other").await;
    ann.finish("/api/projects/other/backups").await;
    ann.call(Method::DELETE, "/api/projects/orchard", Some(&json!({ "slug": "orchard" }))).await.unwrap();
    in_the_end("the purge", || async { roost.tenant_dirs().len() == 1 && roost.backup_files().len() == 2 }).await;
    assert_eq!(ann.backups("other").await.len(), 1);
}

#[tokio::test]
async fn a_cancelled_restore_leaves_everything_as_it_was() {
    let roost = Roost::start();
    let (ann, project) = orchard(&roost, 2).await;
    ann.finish("/api/projects/orchard/backups").await;
    let backup = newest(&ann).await;
    project.create("posts", "one more").await.expect("acknowledged");
    let job = restore(&ann, &backup).await;
    let cancelled = ann.call(Method::POST, &format!("/api/jobs/{job}/cancel"), Some(&json!({}))).await.unwrap();
    let state = ann.end_of(&job).await;
    if cancelled.status == 200 {
        assert_eq!(state, "cancelled");
        assert_eq!(project.ids("posts").await.len(), 3);
        assert_eq!(ann.get("/api/projects/orchard/backups").await["restores"].as_array().unwrap().len(), 0);
    } else {
        assert_eq!((cancelled.code().as_str(), state.as_str()), ("too_late", "done"));
    }
}

/// Puts a file into a project that takes no room and has no end, as far as a test is concerned, and begins what writes an
/// archive; the job and the file, once it is being written.
async fn begin_endless(roost: &Roost, ann: &Console, path: &str) -> (String, PathBuf) {
    let home = roost.tenant_dirs().remove(0);
    let folder = home.join("data-1/storage/posts/1");
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("endless.png");
    std::fs::File::create(&file).and_then(|file| file.set_len(1 << 40)).expect("a file");
    let job = ann.begin(path).await;
    let drafts = || {
        let copies = std::fs::read_dir(home.join("copies")).into_iter().flatten().flatten();
        copies.filter(|copy| copy.path().extension().is_some_and(|ending| ending == "part")).count()
    };
    eventually("an archive to be begun", || std::future::ready(drafts() == 1)).await;
    (job, file)
}

#[tokio::test]
async fn a_backup_whose_project_is_closed_meanwhile_goes_on_and_is_never_red() {
    let roost = Roost::start();
    let (ann, _project) = orchard(&roost, 1).await;
    let (job, file) = begin_endless(&roost, &ann, "/api/projects/orchard/backups").await;
    // It is read still, though nobody finds it any more.
    std::fs::remove_file(file).unwrap();
    let id = ann.get("/api/projects/orchard").await["id"].take();
    let suspend = format!("/api/operator/tenants/{}/suspend", id.as_str().unwrap());
    ann.change(Method::POST, &suspend, &json!({ "reason": "For a moment" })).await;
    in_the_end("the backup to be broken off", || async {
        ann.get(&format!("/api/jobs/{job}")).await["lines"].to_string().contains("broken off")
    })
    .await;
    assert_ne!(newest(&ann).await["state"], "failed");
    assert_eq!(ann.end_of(&job).await, "done");
    assert_eq!((&newest(&ann).await["state"], alarms(&roost).await), (&json!("proven"), 0));
}

#[tokio::test]
async fn a_backup_cancelled_while_its_archive_is_written_is_cancelled_and_leaves_nothing() {
    let roost = Roost::start();
    let (ann, _project) = orchard(&roost, 1).await;
    let (job, _file) = begin_endless(&roost, &ann, "/api/projects/orchard/backups").await;
    ann.change(Method::POST, &format!("/api/jobs/{job}/cancel"), &json!({})).await;
    assert_eq!(ann.end_of(&job).await, "cancelled");
    let copies = roost.tenant_dirs()[0].join("copies");
    assert_eq!((std::fs::read_dir(copies).unwrap().count(), ann.backups("orchard").await.len()), (0, 0));
    let told = ann.get(&format!("/api/jobs/{job}")).await;
    assert_eq!((&told["error"], alarms(&roost).await), (&Json::Null, 0), "{told}");
}

#[tokio::test]
async fn a_bucket_that_is_away_is_red_and_a_corrupted_object_in_it_too() {
    let Ok(endpoint) = std::env::var("S3_ENDPOINT") else {
        eprintln!("skipped: S3_ENDPOINT names no server that speaks S3");
        return;
    };
    let port = endpoint.rsplit(':').next().expect("a port").trim_end_matches('/').parse().expect("a port");
    let front = Front::to(port).await;
    let bucket = format!("roost-{}", std::process::id());
    let http = tests::Http::new();
    let made = http.send(Method::PUT, &format!("{endpoint}/{bucket}"), &[], None).await.unwrap();
    assert_eq!(made.status, 200);
    let settings = format!(
        "[backups]\nbucket = \"{bucket}\"\nendpoint = \"http://127.0.0.1:{}\"\naccess_key = \"a\"\nsecret_key = \"b\"\ncheck_every = 2\n",
        front.port
    );
    let roost = Roost::start_with(&settings);
    let (ann, project) = orchard(&roost, 2).await;
    front.set_open(false);
    let job = ann.begin("/api/projects/orchard/backups").await;
    in_the_end("the backup to turn red", || async { newest(&ann).await["state"] == "failed" }).await;
    in_the_end("a mail", || async { alarms(&roost).await == 1 }).await;
    front.set_open(true);
    assert_eq!(ann.end_of(&job).await, "done");
    let backup = newest(&ann).await;
    assert_eq!(backup["state"], "proven", "{backup}");
    let object = format!("{endpoint}/{bucket}/{}/{}.zip", project.id, backup["id"].as_str().unwrap());
    // The server for tests believes whoever says who they are.
    let owner = [(
        "authorization",
        "AWS4-HMAC-SHA256 Credential=a/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0",
    )];
    let mut bytes = http.send(Method::GET, &object, &owner, None).await.unwrap().body.to_vec();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    assert_eq!(http.send_bytes(Method::PUT, &object, &owner, bytes.into()).await.unwrap().status, 200);
    in_the_end("the backup to turn red", || async { newest(&ann).await["state"] == "failed" }).await;
    in_the_end("another mail", || async { alarms(&roost).await == 2 }).await;
}

/// A way to another port that can be closed.
struct Front {
    port: u16,
    open: std::sync::Arc<std::sync::atomic::AtomicBool>,
}

impl Front {
    async fn to(port: u16) -> Front {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let front = Front { port: listener.local_addr().expect("an address").port(), open: Default::default() };
        let open = front.open.clone();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                if !open.load(std::sync::atomic::Ordering::SeqCst) {
                    continue;
                }
                tokio::spawn(async move {
                    let mut server = tokio::net::TcpStream::connect(("127.0.0.1", port)).await?;
                    tokio::io::copy_bidirectional(&mut client, &mut server).await
                });
            }
        });
        front
    }

    fn set_open(&self, open: bool) {
        self.open.store(open, std::sync::atomic::Ordering::SeqCst);
    }
}
