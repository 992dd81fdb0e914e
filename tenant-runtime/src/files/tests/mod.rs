//! Files through the front door, with an eye on what lies on disk and in the bucket.

mod backups;
mod bucket;
mod crash;
mod thumbs;

use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::{Map, Value as Json, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::app::{App, AppOptions};
use crate::auth::Hasher;
use crate::collections;
use crate::settings::{S3, Settings};
use crate::store::Pool;

/// A backend with a collection `docs` anybody may write, whose field `file` takes a file and whose `tag` is a number.
struct TestApp {
    app: App,
    dir: TempDir,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

fn options() -> AppOptions {
    AppOptions::alone(Pool::new(2), Hasher::for_this_machine())
}

impl TestApp {
    async fn open() -> TestApp {
        TestApp::open_with(options()).await
    }

    async fn open_with(options: AppOptions) -> TestApp {
        let dir = tempfile::tempdir().expect("a directory");
        let app = App::open(dir.path(), options).expect("opens");
        let definition = json!({
            "name": "docs", "type": "base", "createRule": "", "updateRule": "", "deleteRule": "", "viewRule": "",
            "fields": [
                { "name": "file", "type": "file", "maxSelect": 1, "maxSize": 20_000_000, "thumbs": ["8x0"] },
                { "name": "tag", "type": "number", "max": 9 },
            ],
        });
        let inner = app.clone();
        let definitions: Vec<Map<String, Json>> = definition.as_object().cloned().into_iter().collect();
        app.store().write_alone(move |tx| collections::import(&inner, tx, &definitions, false)).await.expect("imports");
        TestApp { app, dir }
    }

    /// Ends the process, as far as the directory can tell, and starts another one.
    async fn restart(self) -> TestApp {
        let TestApp { app, dir } = self;
        app.close().await.expect("closes");
        drop(app);
        TestApp { app: App::open(dir.path(), options()).expect("opens again"), dir }
    }

    fn keep_files_in(&self, s3: S3) {
        self.app.set_settings(Settings { s3, ..Settings::clone(&self.app.settings()) });
    }

    async fn send(&self, request: http::request::Builder, body: Body) -> Answer {
        let request: Request = request.body(body).expect("a request");
        let response = self.app.router().oneshot(request).await.expect("an answer");
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a body").to_bytes();
        Answer { status: head.status, headers: head.headers, body }
    }

    /// Creates a record with a file.
    async fn upload(&self, name: &str, content: &[u8], tag: &str) -> Answer {
        let mut form = format!(
            "--x\r\nContent-Disposition: form-data; name=\"tag\"\r\n\r\n{tag}\r\n\
             --x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
        )
        .into_bytes();
        form.extend_from_slice(content);
        form.extend_from_slice(b"\r\n--x--\r\n");
        let request = Request::post("/api/collections/docs/records");
        self.send(request.header("content-type", "multipart/form-data; boundary=x"), Body::from(form)).await
    }

    async fn download(&self, record: &Json, query: &str) -> Answer {
        self.send(Request::get(format!("{}{query}", way(record))), Body::empty()).await
    }

    async fn delete(&self, record: &Json) {
        let way = format!("/api/collections/docs/records/{}", text(record, "id"));
        let answer = self.send(Request::delete(way), Body::empty()).await;
        assert_eq!(answer.status, StatusCode::NO_CONTENT);
    }

    fn folder(&self) -> PathBuf {
        self.dir.path().join("storage")
    }

    /// The names of all files of records, without their sidecars.
    fn stored(&self) -> Vec<String> {
        let mut names = Vec::new();
        collect(&self.folder(), &mut names);
        names
    }

    /// What an operation under way has noted or spooled.
    fn temporary(&self) -> Vec<String> {
        let mut names = Vec::new();
        collect(&self.dir.path().join(super::TEMPORARY), &mut names);
        names
    }
}

fn collect(dir: &Path, names: &mut Vec<String>) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.path().is_dir() {
            collect(&entry.path(), names);
        } else if !name.ends_with(".attrs") {
            names.push(name);
        }
    }
}

fn way(record: &Json) -> String {
    format!("/api/files/docs/{}/{}", text(record, "id"), text(record, "file"))
}

fn text<'j>(record: &'j Json, key: &str) -> &'j str {
    record[key].as_str().unwrap_or_else(|| panic!("no {key} in {record}"))
}

/// Waits until `condition` holds.
async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    for _ in 0..1000 {
        if condition().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("timed out waiting for {what}");
}
