//! How tables follow their definitions.

use http::StatusCode;
use serde_json::{Value as Json, json};

use super::{TestApp, fields};

#[tokio::test]
async fn a_collection_is_created_listed_and_deleted() {
    let app = TestApp::open().await;
    let posts = app.base("posts", json!([{ "name": "title", "type": "text" }])).await;
    assert_eq!(posts["id"], "pbc_1125843985");
    assert_eq!(posts["fields"][0]["name"], "id");
    app.record("posts", json!({ "title": "Hi" })).await;

    let listed = app.get("/api/collections?filter=name%3D'posts'&skipTotal=1").await;
    assert_eq!((&listed["items"][0], &listed["totalItems"]), (&posts, &json!(-1)));
    assert_eq!(app.get("/api/collections").await["items"][0]["name"], "_mfas");
    assert_eq!(app.send("GET", "/api/collections?sort=listRule", Json::Null).await.status, StatusCode::BAD_REQUEST);

    assert_eq!(app.delete("POSTS").await.status, StatusCode::NO_CONTENT);
    assert_eq!(app.send("GET", "/api/collections/posts", Json::Null).await.status, StatusCode::NOT_FOUND);
    assert!(app.columns("posts").await.is_empty());
}

#[tokio::test]
async fn a_freed_name_gets_a_numbered_id() {
    let app = TestApp::open().await;
    let first = app.base("owned", json!([])).await;
    app.update("owned", json!({ "name": "owned_x" })).await;
    let second = app.base("owned", json!([])).await;
    assert_eq!(second["id"], format!("{}2", first["id"].as_str().expect("an id")));
}

#[tokio::test]
async fn names_can_be_swapped_and_values_follow_their_fields() {
    let app = TestApp::open().await;
    let things = app.base("things", json!([{ "name": "a", "type": "text" }, { "name": "b", "type": "text" }])).await;
    app.record("things", json!({ "a": "was a", "b": "was b" })).await;
    let swapped = fields(&things, |name, field| match name {
        "a" => field["name"] = "b".into(),
        "b" => field["name"] = "a".into(),
        _ => {}
    });
    assert_eq!(app.update("things", json!({ "fields": swapped })).await.status, StatusCode::OK);
    let record = &app.records("things").await[0];
    assert_eq!((&record["a"], &record["b"]), (&json!("was b"), &json!("was a")));
}

#[tokio::test]
async fn a_field_becomes_a_list_and_back() {
    let app = TestApp::open().await;
    let things = app
        .base(
            "things",
            json!([
                { "name": "one", "type": "select", "values": ["x", "y", "z"] },
                { "name": "many", "type": "select", "values": ["x", "y", "z"], "maxSelect": 3 },
                { "name": "text", "type": "text" },
            ]),
        )
        .await;
    app.record("things", json!({ "one": "x", "many": ["y", "z"] })).await;
    let turned = fields(&things, |name, field| match name {
        "one" => field["maxSelect"] = 2.into(),
        "many" => field["maxSelect"] = 1.into(),
        _ => {}
    });
    assert_eq!(app.update("things", json!({ "fields": turned })).await.status, StatusCode::OK);
    let record = &app.records("things").await[0];
    assert_eq!((&record["one"], &record["many"]), (&json!(["x"]), &json!("z")));
    assert_eq!(app.columns("things").await, ["id", "text", "one", "many"]);
}

#[tokio::test]
async fn an_index_on_a_renamed_field_stops_the_whole_change() {
    let app = TestApp::open().await;
    let things = app.base("things", json!([{ "name": "a", "type": "text" }])).await;
    app.update("things", json!({ "indexes": ["create index by_a on other (a)"] })).await;
    let stored = app.get("/api/collections/things").await;
    assert_eq!(stored["indexes"], json!(["CREATE INDEX `by_a` ON `things` (`a`)"]));

    let renamed = fields(&things, |name, field| {
        if name == "a" {
            field["name"] = "b".into();
        }
    });
    let answer = app.update("things", json!({ "fields": renamed })).await;
    assert_eq!(answer.json["data"]["indexes"]["0"]["code"], "validation_invalid_index_expression");
    assert_eq!(answer.json["data"]["indexes"]["0"]["message"], "Failed to create index by_a - no such column: a.");
    assert_eq!(app.get("/api/collections/things").await["fields"], stored["fields"]);
    assert_eq!(app.columns("things").await, ["a", "id"]);
}

#[tokio::test]
async fn a_rename_takes_rate_limits_along() {
    let app = TestApp::open().await;
    app.base("posts", json!([])).await;
    let mut settings = crate::settings::Settings::clone(&app.app.settings());
    settings.rate_limits.rules[0].label = "posts:list".into();
    app.app.set_settings(settings);
    app.update("posts", json!({ "name": "articles" })).await;
    assert_eq!(app.app.settings().rate_limits.rules[0].label, "articles:list");
}

#[tokio::test]
async fn referenced_collections_stay() {
    let app = TestApp::open().await;
    let parents = app.base("parents", json!([])).await;
    app.base("children", json!([{ "name": "p", "type": "relation", "collectionId": parents["id"], "required": true }]))
        .await;
    assert_eq!(
        app.delete("parents").await.json["message"],
        "Failed to delete collection probably due to existing reference in children."
    );
    let parent = app.record("parents", json!({})).await;
    app.record("children", json!({ "p": parent["id"] })).await;
    assert_eq!(
        app.delete("parents/truncate").await.json["message"],
        "Failed to truncate collection (most likely due to required cascade delete record references)."
    );
    assert_eq!(app.records("parents").await.as_array().map(Vec::len), Some(1));
    assert_eq!(app.delete("children/truncate").await.status, StatusCode::NO_CONTENT);
    assert_eq!(app.delete("children").await.status, StatusCode::NO_CONTENT);
    assert_eq!(app.delete("parents").await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn the_files_of_a_deleted_collection_go() {
    let app = TestApp::open().await;
    let posts = app.base("posts", json!([{ "name": "f", "type": "file" }])).await;
    let folder = app.app.dir().join("storage").join(posts["id"].as_str().expect("an id"));
    std::fs::create_dir_all(folder.join("record")).expect("a folder");
    app.delete("posts").await;
    while folder.exists() {
        tokio::task::yield_now().await;
    }
}
