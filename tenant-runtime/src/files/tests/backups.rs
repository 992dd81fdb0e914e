//! Files and backups: what a backup holds of them, and backups that are themselves kept in a bucket.

use super::bucket::TestBucket;
use super::*;
use crate::backups::{self, Key};

fn key(name: &str) -> Key {
    Key::parse(name).expect("a name")
}

#[tokio::test]
async fn files_stay_while_a_backup_needs_them() {
    let app = TestApp::open().await;
    let record = app.upload("note.txt", b"hello", "1").await.json();
    let staying = app.app.storages().stay().await.expect("nobody else removes");
    app.delete(&record).await;
    assert_eq!(app.download(&record, "").await.status, StatusCode::NOT_FOUND);
    eventually("the removal to begin", async || !app.temporary().is_empty()).await;
    assert_eq!(app.stored().len(), 1, "the file is still there");
    drop(staying);
    eventually("the file to go", async || app.stored().is_empty()).await;
}

#[tokio::test]
async fn a_backup_brings_records_and_their_files_back() {
    let app = TestApp::open().await;
    let record = app.upload("note.txt", b"hello", "1").await.json();
    backups::create(&app.app, key("a.zip")).await.expect("is made");
    app.delete(&record).await;
    eventually("the file to go", async || app.stored().is_empty()).await;
    backups::restore(&app.app, key("a.zip")).await.expect("begins");
    app.app.reopening().cancelled().await;
    assert!(app.app.backups().in_use().is_some(), "nothing more is made of data that is about to go");
    let app = app.restart().await;
    assert_eq!(app.download(&record, "").await.body, "hello");
    assert!(app.app.backups().in_use().is_none());
}

#[tokio::test]
async fn one_backup_is_made_at_a_time_and_not_deleted_meanwhile() {
    let app = TestApp::open().await;
    let staying = app.app.storages().stay().await.expect("nobody else removes");
    let owner = app.app.clone();
    let making = tokio::spawn(async move { backups::create(&owner, key("a.zip")).await });
    eventually("the backup to begin", async || app.app.backups().in_use().is_some()).await;
    let refused = [backups::create(&app.app, key("b.zip")).await, backups::remove(&app.app, key("a.zip")).await];
    assert!(refused.into_iter().all(|answer| answer.is_err()));
    drop(staying);
    making.await.expect("ends").expect("is made");
    backups::remove(&app.app, key("a.zip")).await.expect("is removed");
}

#[tokio::test]
async fn a_backup_that_cannot_be_restored_changes_nothing_and_tells_the_log() {
    let app = TestApp::open().await;
    let record = app.upload("note.txt", b"hello", "1").await.json();
    let folder = app.dir.path().join("backups");
    std::fs::create_dir(&folder).expect("creates");
    std::fs::write(folder.join("bad.zip"), "no archive").expect("writes");
    backups::restore(&app.app, key("bad.zip")).await.expect("begins");
    eventually("the restore to fail", async || app.app.backups().in_use().is_none()).await;
    assert!(!app.app.reopening().is_cancelled());
    assert_eq!(app.download(&record, "").await.body, "hello");
    let stats = app.app.logs().stats("message ~ 'bad.zip' && level = 8".to_owned()).await.expect("counts");
    assert!(String::from_utf8(stats).expect("a text").contains(r#""total":1"#));
    eventually("the scratch files to go", async || app.temporary().is_empty()).await;
}

#[tokio::test]
async fn a_new_scheduled_backup_takes_the_place_of_the_oldest() {
    let app = TestApp::open().await;
    let mut settings = Settings::clone(&app.app.settings());
    settings.backups.cron_max_keep = 1;
    app.app.set_settings(settings);
    let folder = app.dir.path().join("backups");
    std::fs::create_dir(&folder).expect("creates");
    for name in ["@auto_pb_backup_acme_20200101000000.zip", "mine.zip"] {
        let old = std::fs::File::create(folder.join(name)).expect("creates");
        old.set_modified(std::time::SystemTime::UNIX_EPOCH).expect("sets");
    }
    backups::create_automatic(&app.app).await.expect("is made");
    let names: Vec<String> =
        backups::list(&app.app).await.expect("lists").into_iter().map(|backup| backup.key).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(names[0].starts_with("@auto_pb_backup_acme_2") && !names[0].contains("_2020"), "{names:?}");
    assert_eq!(names[1], "mine.zip");
}

#[tokio::test]
async fn backups_are_kept_in_a_bucket() {
    let Some(bucket) = TestBucket::create().await else { return };
    let app = TestApp::open().await;
    let mut settings = Settings::clone(&app.app.settings());
    settings.backups.s3 = bucket.settings.clone();
    let inner = app.app.clone();
    app.app.store().write(move |tx| inner.save_settings(tx, settings)).await.expect("saves");
    let record = app.upload("note.txt", b"hello", "1").await.json();
    backups::create(&app.app, key("a b@1.zip")).await.expect("is made");
    assert!(!app.dir.path().join("backups").exists(), "nothing is kept on disk");
    let listed = backups::list(&app.app).await.expect("lists");
    assert_eq!(listed.iter().map(|backup| backup.key.as_str()).collect::<Vec<_>>(), ["a b@1.zip"]);
    let about = backups::about(&app.app, &key("a b@1.zip")).await.expect("is known");
    assert_eq!((about.size, about.content_type.as_str()), (listed[0].size, "application/zip"));
    assert!(!backups::exists(&app.app, &key("b.zip")).await.expect("asks"));
    assert!(backups::remove(&app.app, key("b.zip")).await.is_err());

    app.delete(&record).await;
    backups::restore(&app.app, key("a b@1.zip")).await.expect("begins");
    app.app.reopening().cancelled().await;
    let app = app.restart().await;
    assert_eq!(app.download(&record, "").await.body, "hello");
    // The settings came with the backup, and name the bucket.
    backups::remove(&app.app, key("a b@1.zip")).await.expect("is removed");
    assert_eq!(backups::list(&app.app).await.expect("lists").len(), 0);
}
