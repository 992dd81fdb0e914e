//! Views, and queries tried for them.

use http::StatusCode;
use serde_json::json;

use super::{TestApp, fields};

#[tokio::test]
async fn a_view_takes_its_fields_from_its_query() {
    let app = TestApp::open().await;
    let posts = app.base("posts", json!([{ "name": "t", "type": "text", "max": 9 }])).await;
    for t in ["a", "b"] {
        app.record("posts", json!({ "t": t })).await;
    }
    let query = "select (ROW_NUMBER() OVER()) as id, t, posts.id as post, count(*) c from posts group by posts.id;";
    let view = app.create(json!({ "name": "numbered", "type": "view", "viewQuery": query, "listRule": "c > 0" })).await;
    let kinds: Vec<(&str, &str)> = view.json["fields"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|field| (field["name"].as_str().expect("a name"), field["type"].as_str().expect("a type")))
        .collect();
    assert_eq!(kinds, [("id", "text"), ("t", "text"), ("post", "relation"), ("c", "number")]);
    assert_eq!(view.json["viewQuery"], query);
    assert_eq!(app.records("numbered").await[1]["id"], "2");

    let wider = fields(&posts, |name, field| {
        if name == "t" {
            field["max"] = 20.into();
        }
    });
    app.update("posts", json!({ "fields": wider })).await;
    assert_eq!(app.get("/api/collections/numbered").await["fields"][1]["max"], 20, "the view follows");
    assert!(app.update("posts", json!({ "fields": [] })).await.json["message"].as_str().is_some_and(|message| {
        message.starts_with("Failed to update collection. Raw error: \nfailed to drop column t - ")
    }));
    assert_eq!(app.delete("numbered/truncate").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(app.delete("numbered").await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn a_view_holds_on_to_what_it_selects_from() {
    let app = TestApp::open().await;
    app.base("posts", json!([])).await;
    app.base("others", json!([])).await;
    let view = json!({ "name": "counted", "type": "view", "viewQuery": "select 'all' as id, count(*) n from posts" });
    app.create(view).await;
    let told = app.delete("posts").await.json;
    assert_eq!((&told["message"], &told["data"]), (&json!("Failed to delete collection."), &json!({})));
    assert_eq!(app.delete("others").await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn views_that_make_no_sense_are_refused() {
    let app = TestApp::open().await;
    for (query, reason) in [
        ("select * from users", "wildcard columns (*) are not supported"),
        ("select email from users", "missing required id column"),
        ("select id from users; drop table users", "multiple statements are not supported"),
        ("select id, nope from users", "no such column: nope"),
        ("select id, name || email from users", "invalid identifier part - expected \"as\", got ||"),
        ("select id, name as 'a b' from users", "invalid field \"a b\" (1): name: must be in a valid format"),
    ] {
        let answer = app.create(json!({ "name": "v", "type": "view", "viewQuery": query })).await;
        let told = &answer.json["data"]["viewQuery"];
        assert_eq!(told["code"], "validation_invalid_view_query", "{query}");
        let begins = format!("Invalid query - {reason}");
        assert!(told["message"].as_str().is_some_and(|message| message.starts_with(&begins)), "{told}");
    }
    let answer = app.create(json!({ "name": "v", "type": "view", "viewQuery": "select id from users",
        "createRule": "", "indexes": ["create index i on v (id)"] }));
    let told = answer.await.json["data"].clone();
    assert_eq!(told["createRule"]["code"], "validation_nil");
    assert_eq!(told["indexes"]["code"], "validation_indexes_not_supported");
}

#[tokio::test]
async fn a_query_can_be_tried() {
    let app = TestApp::open().await;
    app.base("posts", json!([{ "name": "t", "type": "text", "hidden": true }])).await;
    let post = app.record("posts", json!({ "t": "x" })).await;
    let path = "/api/collections/meta/dry-run-view";
    let tried = app.send("POST", path, json!({ "query": "select id, t, 5 five from posts" })).await.json;
    let sample = &tried["sample"][0];
    assert_eq!((&sample["id"], &sample["five"], sample.get("t")), (&post["id"], &json!(5), None));
    assert_eq!(tried["fields"][1]["hidden"], true);
    app.record("posts", json!({ "t": "y" })).await;
    for (query, message) in [
        ("select '' as id", "the query could return records with empty or invalid ids"),
        ("select 1 as id from posts", "the query could return records with non-unique ids"),
    ] {
        let told = app.send("POST", path, json!({ "query": query })).await.json;
        assert_eq!(told["message"], format!("Invalid view query. Raw error: \n{message}."));
    }
    let told = app.send("POST", path, json!({})).await.json;
    assert_eq!(told["data"]["query"]["code"], "validation_required");
}

#[tokio::test]
async fn a_column_renamed_under_a_view_reads_as_empty_until_the_query_is_edited() {
    let app = TestApp::open().await;
    let posts = app.base("posts", json!([{ "name": "t", "type": "text" }])).await;
    app.record("posts", json!({ "t": "x" })).await;
    app.create(json!({ "name": "seen", "type": "view", "viewQuery": "select id, t from posts" })).await;
    let renamed = fields(&posts, |name, field| {
        if name == "t" {
            field["name"] = "title".into();
        }
    });
    app.update("posts", json!({ "fields": renamed })).await;
    assert_eq!(app.records("seen").await[0]["t"], "");
    assert_eq!(app.get("/api/collections/seen").await["viewQuery"], "select id, t from posts");

    app.update("seen", json!({ "viewQuery": "select id, title as t from posts" })).await;
    assert_eq!(app.records("seen").await[0]["t"], "x");
}
