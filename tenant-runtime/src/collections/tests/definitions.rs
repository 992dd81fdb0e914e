//! What a definition may be, and who may see it.

use http::StatusCode;
use serde_json::{Value as Json, json};

use super::TestApp;

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
async fn admin_pages_get_blank_collections_and_services() {
    let app = TestApp::open().await;
    let blanks = app.get("/api/collections/meta/scaffolds").await;
    assert_eq!((&blanks["base"]["id"], &blanks["view"]["viewQuery"]), (&json!(""), &json!("")));
    assert_eq!(blanks["auth"]["authToken"], json!({ "duration": 432_000 }));
    let services = app.get("/api/collections/meta/oauth2-providers").await;
    assert_eq!(services[0]["name"], "apple");
    assert!(services[0]["logo"].as_str().is_some_and(|logo| logo.starts_with("<svg")));
}
