//! Collections through the front door, as a superuser's client sees them.

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
        let options = AppOptions { pool: Pool::new(2), hasher: Hasher::for_this_machine(), identity: None };
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

#[tokio::test]
async fn only_superusers_see_collections() {
    let mut app = TestApp::open().await;
    app.token.clear();
    for (method, path) in [
        ("GET", "/api/collections"),
        ("GET", "/api/collections/nope"),
        ("PUT", "/api/collections/import"),
        ("GET", "/api/collections/meta/scaffolds"),
    ] {
        let answer = app.send(method, path, Json::Null).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(answer.json["message"], "The request requires valid record authorization token.");
    }
}

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
async fn what_cannot_be_read_is_told_from_what_is_unsound() {
    let app = TestApp::open().await;
    let unreadable_type = "Failed to load the collection type data due to invalid formatting.";
    let unreadable = "Failed to load the submitted data due to invalid formatting.";
    for (definition, message) in [
        (json!([]), unreadable_type),
        (json!({ "name": 5 }), unreadable_type),
        (json!({ "name": "x", "fields": [{ "name": "y", "type": "vector" }] }), unreadable),
        (json!({ "name": "x", "system": "yes" }), unreadable),
    ] {
        let answer = app.create(definition).await;
        assert_eq!((answer.status, &answer.json["message"]), (StatusCode::BAD_REQUEST, &json!(message)));
    }
    let answer = app.create(json!({ "name": "a b", "type": "table" })).await;
    assert_eq!(answer.json["data"]["type"]["code"], "validation_in_invalid");
    let answer = app.create(json!({ "name": "sqlite_x" })).await;
    assert_eq!(
        answer.json["message"],
        "Failed to create collection. Raw error: \nobject name reserved for internal use: sqlite_x."
    );
}

#[tokio::test]
async fn names_and_ids_are_checked_as_observed() {
    let app = TestApp::open().await;
    for (definition, key, code) in [
        (json!({}), "name", "validation_required"),
        (json!({ "name": "a b" }), "name", "validation_match_invalid"),
        (json!({ "name": "x_VIA_y" }), "name", "validation_found_via"),
        (json!({ "name": "USERS" }), "name", "validation_collection_name_exists"),
        (json!({ "name": "_pb_users_auth_" }), "name", "validation_collection_name_id_duplicate"),
        (json!({ "name": "_params" }), "name", "validation_collection_name_invalid"),
        (json!({ "name": "x", "id": "a-b" }), "id", "validation_match_invalid"),
        (json!({ "name": "x", "id": "_pb_users_auth_" }), "id", "validation_invalid_or_existing_id"),
    ] {
        let answer = app.create(definition.clone()).await;
        assert_eq!(answer.json["data"][key]["code"], code, "{definition}");
        assert_eq!(answer.json["message"], "Failed to create collection.");
    }
}

#[tokio::test]
async fn field_options_are_checked_as_observed() {
    let app = TestApp::open().await;
    for (field, key, code) in [
        (json!({ "name": "expand", "type": "text" }), "name", "validation_not_in_invalid"),
        (json!({ "name": "x", "type": "text", "min": -1 }), "min", "validation_min_greater_equal_than_required"),
        (json!({ "name": "x", "type": "text", "pattern": "[" }), "pattern", "validation_invalid_regex"),
        (
            json!({ "name": "x", "type": "text", "min": 5, "autogeneratePattern": "a" }),
            "autogeneratePattern",
            "validation_invalid_autogenerate_pattern_value",
        ),
        (
            json!({ "name": "x", "type": "text", "primaryKey": true }),
            "primaryKey",
            "validation_unsupported_composite_pk",
        ),
        (
            json!({ "name": "x", "type": "number", "onlyInt": true, "max": 1.5 }),
            "max",
            "validation_only_int_constraint",
        ),
        (json!({ "name": "x", "type": "number", "min": 5, "max": 2 }), "max", "validation_min_number_constraint"),
        (
            json!({ "name": "x", "type": "email", "onlyDomains": ["a.co"], "exceptDomains": ["b.co"] }),
            "onlyDomains",
            "validation_empty",
        ),
        (json!({ "name": "x", "type": "autodate" }), "onCreate", "validation_required"),
        (json!({ "name": "x", "type": "select" }), "values", "validation_required"),
        (
            json!({ "name": "x", "type": "select", "values": ["a"], "maxSelect": 2 }),
            "maxSelect",
            "validation_max_less_equal_than_required",
        ),
        (
            json!({ "name": "x", "type": "relation", "collectionId": "nope" }),
            "collectionId",
            "validation_field_relation_missing_collection",
        ),
        (
            json!({ "name": "x", "type": "relation", "collectionId": "_pb_users_auth_", "minSelect": 3 }),
            "maxSelect",
            "validation_required",
        ),
        (json!({ "name": "x", "type": "password", "cost": 32 }), "cost", "validation_max_less_equal_than_required"),
    ] {
        let answer = app.create(json!({ "name": "things", "fields": [field] })).await;
        assert_eq!(answer.json["data"]["fields"]["1"][key]["code"], code, "{}", answer.json);
    }
    let thumbs = json!([{ "name": "f", "type": "file", "thumbs": ["10x10", "0x0", "a"] }]);
    let answer = app.create(json!({ "name": "things", "fields": thumbs })).await;
    let told = &answer.json["data"]["fields"]["1"]["thumbs"];
    assert_eq!(told["1"]["code"], "validation_not_in_invalid");
    assert_eq!(told["2"]["code"], "validation_match_invalid");
    assert!(told.get("0").is_none());
    let twice = json!([{ "name": "a", "type": "text" }, { "name": "A", "type": "number" }]);
    let answer = app.create(json!({ "name": "things", "fields": twice })).await;
    let told = &answer.json["data"]["fields"]["2"]["name"];
    assert_eq!(
        (&told["code"], &told["params"]),
        (&json!("validation_duplicated_field_name"), &json!({"fieldName": "A"}))
    );
}

#[tokio::test]
async fn unsound_rules_are_refused() {
    let app = TestApp::open().await;
    app.base("posts", json!([{ "name": "t", "type": "text" }])).await;
    for rule in ["@request.foo = 1", "@nope = 1", "nope = 1", "@collection.nope.x = 1", "t ="] {
        let answer = app.update("posts", json!({ "listRule": rule })).await;
        assert_eq!(answer.json["data"]["listRule"]["code"], "validation_invalid_rule", "{rule}");
    }
    let answer = app.update("posts", json!({ "listRule": "@collection.posts.t = t", "viewRule": "" })).await;
    assert_eq!((answer.status, &answer.json["viewRule"]), (StatusCode::OK, &json!("")));
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
async fn an_auth_collection_keeps_its_system_fields_and_secrets() {
    let app = TestApp::open().await;
    let created =
        app.create(json!({ "name": "people", "type": "auth", "fields": [{ "name": "nick", "type": "text" }] }));
    let people = created.await.json;
    let names = |definition: &Json| -> Vec<String> {
        let fields = definition["fields"].as_array().expect("a list");
        fields.iter().map(|field| field["name"].as_str().expect("a name").to_owned()).collect()
    };
    assert_eq!(names(&people), ["id", "nick", "password", "tokenKey", "email", "emailVisibility", "verified"]);
    assert_eq!(people["authToken"], json!({ "duration": 432_000 }));

    let secret = || {
        let schema = app.app.schema();
        let options = schema.by_name("people").and_then(|people| people.auth.clone());
        options.expect("auth options").auth_token.secret
    };
    let before = secret();
    let emptied =
        app.update("people", json!({ "fields": [], "indexes": [], "authToken": { "duration": 60 } })).await.json;
    assert_eq!(names(&emptied), ["id", "password", "tokenKey", "email", "emailVisibility", "verified"]);
    assert_eq!(emptied["indexes"].as_array().map(Vec::len), Some(2));
    assert_eq!(secret(), before);

    app.update("people", json!({ "authRule": "verified = true" })).await;
    assert_ne!(secret(), before, "what was issued under the old rule must end");
}

#[tokio::test]
async fn auth_options_are_checked_as_observed() {
    let app = TestApp::open().await;
    for (options, path, code) in [
        (json!({ "manageRule": "" }), "/manageRule", "validation_nil_or_not_empty_required"),
        (
            json!({ "authToken": { "duration": 5 } }),
            "/authToken/duration",
            "validation_min_greater_equal_than_required",
        ),
        (json!({ "fileToken": { "secret": "short" } }), "/fileToken/secret", "validation_length_out_of_range"),
        (json!({ "verificationTemplate": { "body": "" } }), "/verificationTemplate/body", "validation_required"),
        (json!({ "mfa": { "enabled": true } }), "/mfa/enabled", "validation_mfa_not_enough_auths"),
        (
            json!({ "otp": { "enabled": true, "length": 3 } }),
            "/otp/length",
            "validation_min_greater_equal_than_required",
        ),
        (
            json!({ "passwordAuth": { "identityFields": ["nope"] } }),
            "/passwordAuth/identityFields",
            "validation_missing_field",
        ),
        (
            json!({ "passwordAuth": { "identityFields": ["verified"] } }),
            "/passwordAuth/identityFields",
            "validation_missing_unique_constraint",
        ),
        (
            json!({ "oauth2": { "enabled": true, "providers": [{ "name": "nope" }] } }),
            "/oauth2/providers/0/name",
            "validation_missing_provider",
        ),
    ] {
        let answer = app.update("users", options.clone()).await;
        let told = answer.json["data"].pointer(path).map(|item| item["code"].clone());
        assert_eq!(told, Some(json!(code)), "{options}");
    }
}

#[tokio::test]
async fn system_collections_keep_name_rules_and_fields() {
    let app = TestApp::open().await;
    let change = json!({ "name": "x", "listRule": "", "authRule": "verified = true", "system": false });
    let told = app.update("_superusers", change).await.json["data"].clone();
    assert_eq!(told["name"]["code"], "validation_collection_system_name_change");
    assert_eq!(told["listRule"]["code"], "validation_collection_system_rule_change");
    assert_eq!(told["authRule"]["code"], "validation_collection_system_rule_change");
    assert_eq!(told["system"]["code"], "validation_collection_system_flag_change");
    let told = app.update("_superusers", json!({ "fields": [] })).await.json["data"].clone();
    assert_eq!(told["fields"]["code"], "validation_system_field_change");
    assert_eq!(app.delete("_superusers").await.json["message"], "Failed to delete collection.");

    let forced =
        json!({ "oauth2": { "enabled": true }, "passwordAuth": { "enabled": false }, "otp": { "enabled": true } });
    let kept = app.update("_superusers", forced).await.json;
    assert_eq!(kept["oauth2"]["enabled"], false);
    assert_eq!(kept["passwordAuth"]["enabled"], true);
    assert_eq!(kept["mfa"]["enabled"], true);
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
async fn indexes_are_checked_as_observed() {
    let app = TestApp::open().await;
    for (indexes, at, code) in [
        (json!(["nonsense"]), "0", "validation_invalid_index_expression"),
        (json!(["create index i on t (id)", "create index I on t (x)"]), "1", "validation_duplicated_index_name"),
        (
            json!(["create index i on t (id)", "create index j on t (id)"]),
            "1",
            "validation_duplicated_index_definition",
        ),
        (json!(["create index idx_email__pb_users_auth_ on t (id)"]), "0", "validation_existing_index_name"),
    ] {
        let answer = app.create(json!({ "name": "things", "indexes": indexes })).await;
        assert_eq!(answer.json["data"]["indexes"][at]["code"], code, "{indexes}");
    }
    let plain = json!({ "indexes": ["create index plain on users (email)"] });
    assert_eq!(app.update("users", plain).await.status, StatusCode::OK, "the unique ones come back by themselves");
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
        json!([{ "name": "one" }, { "name": "two", "type": "view", "viewQuery": "select nope from one" }]),
    ] {
        let told = app.import(definitions.clone(), true).await.json;
        assert_eq!(told["message"], "Failed to import collections.");
        assert_eq!(told["data"]["collections"]["code"], "validation_collections_import_failure", "{definitions}");
        assert_eq!(app.send("GET", "/api/collections/one", Json::Null).await.status, StatusCode::NOT_FOUND);
        assert_eq!(app.send("GET", "/api/collections/users", Json::Null).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn admin_pages_get_blank_collections_and_services() {
    let app = TestApp::open().await;
    let blanks = app.get("/api/collections/meta/scaffolds").await;
    assert_eq!((&blanks["base"]["id"], &blanks["view"]["viewQuery"]), (&json!(""), &json!("")));
    assert_eq!(blanks["auth"]["authToken"], json!({ "duration": 432_000 }));
    let services = app.get("/api/collections/meta/oauth2-providers").await;
    assert_eq!(services[0]["name"], "apple");
    assert!(services[0]["logo"].as_str().is_some_and(|logo| logo.starts_with("<svg")));
}
