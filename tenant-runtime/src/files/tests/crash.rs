//! What is left of files after a record was refused, a client went away or a process ended in the middle.

use serde_json::json;

use super::*;
use crate::files::{TEMPORARY, Upload, place, spool};

impl TestApp {
    /// A file in the place a record of that id would name.
    async fn placed(&self, id: &str) -> Upload {
        let content = futures_util::stream::iter([Ok(Bytes::from("hello"))]);
        let upload = spool(&self.app, "note.txt", content).await.expect("spools");
        let schema = self.app.schema();
        let docs = schema.by_name("docs").expect("is there");
        place(&self.app, docs, id, &[("file".to_owned(), upload.clone())]).await.expect("places");
        upload
    }
}

#[tokio::test]
async fn a_refused_record_leaves_no_file_behind() {
    let app = TestApp::open().await;
    let refused = app.upload("note.txt", b"hello", "10").await;
    assert_eq!(refused.json()["data"]["tag"]["code"], "validation_max_number_constraint");
    eventually("the file to go", async || app.stored().is_empty() && app.temporary().is_empty()).await;
}

#[tokio::test]
async fn who_may_not_write_leaves_no_file_behind() {
    let app = TestApp::open().await;
    let form = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\nhello\r\n--x--\r\n";
    for request in [
        Request::patch("/api/collections/docs/records/aaaaaaaaaaaaaaa"),
        Request::post("/api/collections/_superusers/records"),
        Request::post("/api/collections/docs/records?id=..%2F..%2Fup"),
    ] {
        let request = request.header("content-type", "multipart/form-data; boundary=x");
        assert!(app.send(request, Body::from(form)).await.status.is_client_error());
    }
    eventually("the spool files to go", async || app.temporary().is_empty()).await;
    assert!(app.stored().is_empty());
}

#[tokio::test]
async fn a_failed_batch_leaves_no_file_behind() {
    let app = TestApp::open().await;
    let mut settings = Settings::clone(&app.app.settings());
    settings.batch.enabled = true;
    app.app.set_settings(settings);
    let step = |tag| json!({ "method": "POST", "url": "/api/collections/docs/records", "body": { "tag": tag } });
    let form = format!(
        "--x\r\nContent-Disposition: form-data; name=\"@jsonPayload\"\r\n\r\n{}\r\n\
         --x\r\nContent-Disposition: form-data; name=\"requests.0.file\"; filename=\"a.txt\"\r\n\r\nhello\r\n--x--\r\n",
        json!({ "requests": [step(1), step(10)] })
    );
    let request = Request::post("/api/batch").header("content-type", "multipart/form-data; boundary=x");
    let failed = app.send(request, Body::from(form)).await;
    assert_eq!(failed.status, StatusCode::BAD_REQUEST, "{}", failed.json());
    assert_eq!(failed.json()["data"]["requests"]["1"]["code"], "batch_request_failed", "{}", failed.json());
    eventually("the file to go", async || app.stored().is_empty() && app.temporary().is_empty()).await;
}

#[tokio::test]
async fn a_client_that_goes_away_leaves_no_file_behind() {
    let app = TestApp::open().await;
    let upload = app.placed("aaaaaaaaaaaaaaa").await;
    assert_eq!(app.stored(), std::slice::from_ref(&upload.name));
    drop(upload);
    eventually("the file to go", async || app.stored().is_empty() && app.temporary().is_empty()).await;
}

#[tokio::test]
async fn a_kept_file_has_no_note_any_more() {
    let app = TestApp::open().await;
    let created = app.upload("note.txt", b"hello", "1").await;
    assert_eq!(created.status, StatusCode::OK, "{}", created.json());
    assert_eq!(app.stored(), [text(&created.json(), "file")]);
    eventually("the spool file to go", async || app.temporary().is_empty()).await;
}

#[tokio::test]
async fn a_file_whose_record_was_never_committed_goes_at_the_next_start() {
    let app = TestApp::open().await;
    let kept = app.upload("kept.txt", b"hello", "1").await.json();
    // Forgotten, as by a process that was killed.
    std::mem::forget(app.placed("aaaaaaaaaaaaaaa").await);
    std::mem::forget(app.placed(text(&kept, "id")).await);
    assert_eq!(app.stored().len(), 3);
    let app = app.restart().await;
    eventually("the files to go", async || app.stored() == [text(&kept, "file")]).await;
    eventually("the notes to go", async || app.temporary().is_empty()).await;
    assert_eq!(app.download(&kept, "").await.body, "hello");
}

#[tokio::test]
async fn a_removal_that_was_cut_short_is_finished_at_the_next_start() {
    let app = TestApp::open().await;
    let [kept, gone] =
        [app.upload("kept.txt", b"hello", "1").await.json(), app.upload("gone.txt", b"hello", "1").await.json()];
    let id = text(&gone, "id").to_owned();
    // As if the process had ended between the commit and the removal.
    let key = format!("{}/{id}/{}\n", text(&gone, "collectionId"), text(&gone, "file"));
    app.app
        .store()
        .write(move |tx| Ok(tx.execute("DELETE FROM `docs` WHERE `id` = ?1", [id])?))
        .await
        .expect("deletes");
    std::fs::write(app.dir.path().join(TEMPORARY).join("files_gone"), key).expect("writes");
    let app = app.restart().await;
    eventually("the file to go", async || app.stored() == [text(&kept, "file")]).await;
}

#[tokio::test]
async fn what_a_record_names_stays_whatever_a_note_says() {
    let app = TestApp::open().await;
    let kept = app.upload("kept.txt", b"hello", "1").await.json();
    let docs = app.app.schema().by_name("docs").expect("is there").id.clone();
    let temporary = app.dir.path().join(TEMPORARY);
    for (note, content) in [
        ("files_named", format!("{docs}/{}/{}\n", text(&kept, "id"), text(&kept, "file"))),
        ("files_torn", format!("{docs}/{}", text(&kept, "id"))),
        ("files_empty", String::new()),
        ("files_elsewhere", "../../data.db\n".to_owned()),
        ("files_folder", format!("{docs}/{}/\n", text(&kept, "id"))),
        ("upload_leftover", "bytes".to_owned()),
    ] {
        std::fs::write(temporary.join(note), content).expect("writes");
    }
    let app = app.restart().await;
    eventually("the notes to go", async || app.temporary().is_empty()).await;
    assert_eq!(app.download(&kept, "").await.body, "hello");
}
