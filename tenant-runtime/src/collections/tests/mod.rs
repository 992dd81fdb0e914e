//! Collections through the front door, as a superuser's client sees them.

mod definitions;
mod imports;
mod tables;
mod views;

use axum::body::Body;
use axum::extract::Request;
use http::StatusCode;
use http_body_util::BodyExt as _;
use serde_json::{Value as Json, json};
use tempfile::TempDir;
use tower::ServiceExt as _;

use crate::app::{App, AppOptions};
use crate::auth::{self, Hasher};
use crate::records::find;
use crate::schema::{SUPERUSERS, TokenType};
use crate::store::Pool;
use crate::superusers;

struct TestApp {
    app: App,
    token: String,
    _dir: TempDir,
}

struct Answer {
    status: StatusCode,
    json: Json,
}

impl TestApp {
    async fn open() -> TestApp {
        let dir = tempfile::tempdir().expect("a directory");
        let options = AppOptions::alone(Pool::new(2), Hasher::for_this_machine());
        let app = App::open(dir.path(), options).expect("opens");
        let inner = app.clone();
        let write = app.store().write(move |tx| {
            superusers::put(tx, "root@example.com", "no hash")?;
            let schema = inner.schema();
            let superusers = schema.by_name(SUPERUSERS).expect("is always there");
            let record = find::by_column(tx, superusers, "email", "root@example.com", false)?.expect("was just put");
            auth::issue(&record, TokenType::Auth)
        });
        let token = write.await.expect("a token");
        TestApp { app, token, _dir: dir }
    }

    async fn send(&self, method: &str, path: &str, body: Json) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("authorization", &self.token)
            .header("content-type", "application/json");
        let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
        let request = request.body(body).expect("a request");
        let response = self.app.router().oneshot(request).await.expect("an answer");
        let status = response.status();
        let bytes = response.into_body().collect().await.expect("a body").to_bytes();
        Answer { status, json: serde_json::from_slice(&bytes).unwrap_or(Json::Null) }
    }

    async fn get(&self, path: &str) -> Json {
        self.send("GET", path, Json::Null).await.json
    }

    async fn create(&self, definition: Json) -> Answer {
        self.send("POST", "/api/collections", definition).await
    }

    async fn update(&self, name: &str, change: Json) -> Answer {
        self.send("PATCH", &format!("/api/collections/{name}"), change).await
    }

    async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", &format!("/api/collections/{path}"), Json::Null).await
    }

    async fn import(&self, collections: Json, delete_missing: bool) -> Answer {
        let form = json!({ "collections": collections, "deleteMissing": delete_missing });
        self.send("PUT", "/api/collections/import", form).await
    }

    /// A base collection with these fields; panics if that fails.
    async fn base(&self, name: &str, fields: Json) -> Json {
        let created = self.create(json!({ "name": name, "fields": fields })).await;
        assert_eq!(created.status, StatusCode::OK, "{}", created.json);
        created.json
    }

    async fn record(&self, collection: &str, record: Json) -> Json {
        let created = self.send("POST", &format!("/api/collections/{collection}/records"), record).await;
        assert_eq!(created.status, StatusCode::OK, "{}", created.json);
        created.json
    }

    async fn records(&self, collection: &str) -> Json {
        self.get(&format!("/api/collections/{collection}/records")).await["items"].clone()
    }

    async fn columns(&self, table: &'static str) -> Vec<String> {
        let read = self.app.store().read(move |db| {
            let mut statement = db.prepare("SELECT `name` FROM pragma_table_info(?1)")?;
            Ok(statement.query_map([table], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?)
        });
        read.await.expect("reads")
    }
}

/// The fields of a definition, with some of them changed.
fn fields(definition: &Json, change: impl Fn(&str, &mut Json)) -> Json {
    let mut fields = definition["fields"].as_array().expect("a list").clone();
    for field in &mut fields {
        let name = field["name"].as_str().expect("a name").to_owned();
        change(&name, field);
    }
    Json::Array(fields)
}
