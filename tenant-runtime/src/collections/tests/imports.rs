//! Many definitions at once.

use http::StatusCode;
use serde_json::{Value as Json, json};

use super::TestApp;

#[tokio::test]
async fn an_import_keeps_what_it_does_not_name_unless_told_otherwise() {
    let app = TestApp::open().await;
    let definitions = json!([
        { "name": "seen", "type": "view", "viewQuery": "select id, a from posts" },
        { "name": "posts", "fields": [{ "name": "a", "type": "text" }, { "name": "b", "type": "bool" },
            { "name": "r", "type": "relation", "collectionId": "people_id" }] },
        { "id": "people_id", "name": "people", "type": "auth" },
    ]);
    assert_eq!(app.import(definitions, false).await.status, StatusCode::NO_CONTENT);
    let posts = app.get("/api/collections/posts").await;

    let change = json!([{ "name": "posts", "fields": [{ "id": "other", "name": "a", "type": "text", "max": 5 }] }]);
    assert_eq!(app.import(change, false).await.status, StatusCode::NO_CONTENT);
    let after = app.get("/api/collections/posts").await;
    let names: Vec<&str> =
        after["fields"].as_array().expect("a list").iter().filter_map(|field| field["name"].as_str()).collect();
    assert_eq!(names, ["a", "id", "b", "r"]);
    assert_eq!(after["fields"][0], posts["fields"][1], "the existing definition wins");

    let change = json!([{ "name": "posts", "fields": [{ "name": "a", "type": "text" }] }, { "name": "seen" }]);
    assert_eq!(app.import(change, true).await.status, StatusCode::NO_CONTENT);
    let left = app.get("/api/collections?fields=name&filter=system%3Dfalse").await;
    assert_eq!(left["items"], json!([{ "name": "posts" }, { "name": "seen" }]));
    assert_eq!(app.columns("posts").await, ["a", "id"]);
}

#[tokio::test]
async fn an_import_that_fails_changes_nothing() {
    let app = TestApp::open().await;
    let told = app.import(json!([]), false).await.json;
    assert_eq!(told["data"]["collections"]["code"], "validation_required");
    for definitions in [
        json!([{ "name": "one" }, { "name": "two", "fields": [{ "name": "a b", "type": "text" }] }]),
        json!([{ "name": "one" }, { "name": "two", "fields": [{ "name": "a", "type": "vector" }] }]),
        json!([{ "name": "one" }, { "id": "x", "name": "_superusers" }]),
        json!([{ "name": "one" }, { "id": "../../elsewhere", "name": "two" }]),
        json!([{ "name": "one" }, { "name": "two", "type": "view", "viewQuery": "select nope from one" }]),
    ] {
        let told = app.import(definitions.clone(), true).await.json;
        assert_eq!(told["message"], "Failed to import collections.");
        assert_eq!(told["data"]["collections"]["code"], "validation_collections_import_failure", "{definitions}");
        assert_eq!(app.send("GET", "/api/collections/one", Json::Null).await.status, StatusCode::NOT_FOUND);
        assert_eq!(app.send("GET", "/api/collections/users", Json::Null).await.status, StatusCode::OK);
    }
}
