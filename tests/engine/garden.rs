//! A backend with some of everything in it, and all that can be seen of one.

use std::collections::BTreeMap;

use http::Method;
use serde_json::{Value as Json, json};
use tests::{Engine, Upload};

pub const ADMIN: &str = "admin@example.com";
pub const PASSWORD: &str = "correct horse";
pub const ANN: &str = "ann@example.com";

/// Three bytes of every value, so that nothing survives a conversion of line ends or of character sets.
const EVERY_BYTE: [u8; 768] = {
    let mut bytes = [0; 768];
    let mut at = 0;
    while at < bytes.len() {
        bytes[at] = (at % 256) as u8;
        at += 1;
    }
    bytes
};
const PIXEL: &[u8] = &[
    0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 0x0d, 0x49, 0x48, 0x44, 0x52, 0, 0, 0, 1, 0, 0, 0, 1, 8,
    6, 0, 0, 0, 0x1f, 0x15, 0xc4, 0x89, 0, 0, 0, 0x0d, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0xf8, 0xcf, 0xc0,
    0xf0, 0x1f, 0, 5, 0, 1, 0xff, 0x56, 0xc7, 0x2f, 0x0d, 0, 0, 0, 0, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
];

/// Collections of every type with every type of field, rules, indexes, relations, a view, users, files, settings.
pub async fn plant(engine: &Engine) {
    let admin = engine.sign_in("_superusers", ADMIN, PASSWORD).await;
    let settings = json!({ "meta": { "appName": "Orchard" }, "batch": { "enabled": true, "maxRequests": 7 } });
    engine.done(Method::PATCH, "/api/settings", &admin, settings).await;
    for collection in collections() {
        engine.done(Method::POST, "/api/collections", &admin, collection).await;
    }
    for (name, visible) in [("ann", true), ("ben", false)] {
        let user = json!({
            "id": format!("{name}00000000000{}", name.len() % 10), "email": format!("{name}@example.com"), "name": name,
            "emailVisibility": visible, "verified": visible, "password": PASSWORD, "passwordConfirm": PASSWORD,
        });
        engine.done(Method::POST, "/api/collections/users/records", &admin, user).await;
    }
    grow(engine, "first").await;
}

/// More records, with files and relations, a change of each kind, another user and another collection.
pub async fn grow(engine: &Engine, season: &str) {
    let admin = engine.sign_in("_superusers", ADMIN, PASSWORD).await;
    let user = json!({
        "email": format!("{season}@example.com"), "name": season, "password": PASSWORD, "passwordConfirm": PASSWORD,
    });
    let user = engine.done(Method::POST, "/api/collections/users/records", &admin, user).await;
    let tree = json!({ "title": season, "owner": user["id"] });
    let tree = engine.done(Method::POST, "/api/collections/trees/records", &admin, tree).await;
    let files: [Upload<'_>; 3] = [
        ("photos", "Ünï çödé.png", PIXEL),
        ("photos", "every.bin", &EVERY_BYTE),
        ("secret", "secret.txt", b"a secret"),
    ];
    let path = "/api/collections/everything/records";
    let fruit = engine.upload(Method::POST, path, &admin, &fruit(season, &tree["id"]), &files).await;
    let path = format!("{path}/{}", fruit["id"].as_str().expect("an id"));
    let first = fruit["photos"][0].clone();
    let change = json!({ "number+": 3, "many+": "b", "photos-": first, "text": format!("{season} ~ 'quoted' ~ ž😀") });
    engine.upload(Method::PATCH, &path, &admin, &change, &[("photos+", "late.bin", b"late")]).await;
    let gone = engine.done(Method::POST, "/api/collections/trees/records", &admin, json!({ "title": "gone" })).await;
    let gone = format!("/api/collections/trees/records/{}", gone["id"].as_str().expect("an id"));
    engine.done(Method::DELETE, &gone, &admin, Json::Null).await;
    let extra = json!({
        "name": format!("extra_{season}"), "type": "base", "listRule": "tree.owner.name ?= 'ann'",
        "fields": [{ "name": "label", "type": "text" },
                   { "name": "tree", "type": "relation", "collectionId": fruit_collection(engine, &admin, "trees").await }],
        "indexes": [format!("CREATE UNIQUE INDEX `idx_{season}` ON `extra_{season}` (`label`)")],
    });
    engine.done(Method::POST, "/api/collections", &admin, extra).await;
    let renamed = json!({ "name": format!("kept_{season}") });
    engine.done(Method::PATCH, &format!("/api/collections/extra_{season}"), &admin, renamed).await;
}

/// The definitions and records of all collections, every file, and what guests, users and queries are shown.
pub async fn seen(engine: &Engine) -> BTreeMap<String, Json> {
    let admin = engine.sign_in("_superusers", ADMIN, PASSWORD).await;
    let ann = engine.sign_in("users", ANN, PASSWORD).await;
    let file_token = engine.done(Method::POST, "/api/files/token", &admin, Json::Null).await;
    let file_token = file_token["token"].as_str().expect("a token");
    let mut seen = BTreeMap::new();
    let collections = engine.get("/api/collections?perPage=500&sort=name", &admin).await.json();
    for collection in collections["items"].as_array().expect("a list") {
        let name = collection["name"].as_str().expect("a name");
        if name == "_authOrigins" {
            continue; // one more with every sign-in from a place not seen before
        }
        let path = format!("/api/collections/{name}/records?perPage=500&sort=id");
        for (who, token) in [("guest", ""), ("ann", &ann), ("admin", &admin)] {
            let answer = engine.get(&path, token).await;
            seen.insert(format!("{name} as {who}"), json!([answer.status.as_u16(), answer.json()]));
        }
        let fields = collection["fields"].as_array().expect("a list");
        let files: Vec<_> = fields.iter().filter(|field| field["type"] == "file").collect();
        for record in engine.get(&path, &admin).await.json()["items"].as_array().expect("a list") {
            for names in files.iter().map(|field| &record[field["name"].as_str().expect("a name")]) {
                let names = names.as_array().cloned().unwrap_or_else(|| vec![names.clone()]);
                for file in names.iter().filter_map(Json::as_str).filter(|file| !file.is_empty()) {
                    let id = record["id"].as_str().expect("an id");
                    let path = format!("/api/files/{name}/{id}/{file}?token={file_token}");
                    let answer = engine.get(&path, "").await;
                    let kind = answer.headers["content-type"].to_str().expect("a text");
                    let shown = json!([answer.status.as_u16(), kind, answer.body.to_vec()]);
                    seen.insert(format!("file {file}"), shown);
                }
            }
        }
    }
    for query in [
        "everything/records?expand=tree.owner,trees&sort=-number,text&filter=text~'quoted'%26%26number%3E1",
        "everything/records?filter=tree.owner.name?='first'||geoDistance(geo.lon,geo.lat,23,42)%3C100&sort=id",
        "users/records?expand=trees_via_owner&sort=name",
        "overview/records?sort=id&filter=title!='nothing'",
    ] {
        let answer = engine.get(&format!("/api/collections/{query}"), &admin).await;
        assert_eq!(answer.status, 200, "{query}: {:?}", answer.json());
        seen.insert(query.to_owned(), answer.json());
    }
    seen.insert("collections".to_owned(), collections);
    seen.insert("settings".to_owned(), engine.get("/api/settings", &admin).await.json());
    seen
}

fn collections() -> Vec<Json> {
    let trees = json!({
        "id": "pbc_trees000001", "name": "trees", "type": "base",
        "fields": [
            { "name": "title", "type": "text", "required": true },
            { "name": "owner", "type": "relation", "collectionId": "_pb_users_auth_", "cascadeDelete": true },
        ],
        "listRule": "owner = @request.auth.id || title = 'first'", "viewRule": "@request.auth.id != ''",
        "indexes": ["CREATE INDEX `idx_trees_title` ON `trees` (`title` COLLATE NOCASE) WHERE `title` != ''"],
    });
    let tree = json!({ "name": "tree", "type": "relation", "collectionId": "pbc_trees000001", "required": true });
    let everything = json!({
        "id": "pbc_everything1", "name": "everything", "type": "base",
        "fields": [
            { "name": "text", "type": "text", "max": 200, "presentable": true },
            { "name": "code", "type": "text", "autogeneratePattern": "[A-Z]{8}", "pattern": "^[A-Z]+$" },
            { "name": "editor", "type": "editor" },
            { "name": "number", "type": "number", "min": -1e9 },
            { "name": "bool", "type": "bool" },
            { "name": "email", "type": "email", "exceptDomains": ["example.org"] },
            { "name": "url", "type": "url" },
            { "name": "date", "type": "date", "min": "2001-01-01 00:00:00.000Z" },
            { "name": "one", "type": "select", "values": ["a", "b"] },
            { "name": "many", "type": "select", "values": ["a", "b", "c"], "maxSelect": 3 },
            { "name": "json", "type": "json" },
            { "name": "geo", "type": "geoPoint" },
            { "name": "photos", "type": "file", "maxSelect": 5, "thumbs": ["10x10"] },
            { "name": "secret", "type": "file", "protected": true },
            { "name": "password", "type": "password" },
            { "name": "hidden", "type": "text", "hidden": true },
            tree,
            { "name": "trees", "type": "relation", "collectionId": "pbc_trees000001", "maxSelect": 9 },
            { "name": "created", "type": "autodate", "onCreate": true },
            { "name": "updated", "type": "autodate", "onCreate": true, "onUpdate": true },
        ],
        "listRule": "", "viewRule": "@request.auth.id != ''", "createRule": "@request.body.number:isset = true",
    });
    let people = json!({
        "name": "people", "type": "auth", "fields": [{ "name": "nick", "type": "text" }], "manageRule": "nick = 'boss'",
        "authRule": "verified = true", "authToken": { "duration": 4321 }, "passwordAuth": { "identityFields": ["email"] },
        "otp": { "enabled": true, "duration": 99, "length": 5 },
    });
    let overview = json!({
        "name": "overview", "type": "view", "listRule": "",
        "viewQuery": "SELECT t.id, t.title, u.name as owner_name, count(e.id) as fruits FROM trees t \
                      LEFT JOIN users u ON u.id = t.owner LEFT JOIN everything e ON e.tree = t.id GROUP BY t.id",
    });
    vec![trees, everything, people, overview]
}

fn fruit(season: &str, tree: &Json) -> Json {
    json!({
        "text": season, "editor": "<p>apples &amp; <b>pears</b></p>", "number": 12.75, "bool": true,
        "email": "fruit@example.com", "url": "https://example.com/?a=1&b=2", "date": "2024-02-29 23:59:59.999Z", "one": "b",
        "many": ["c", "a"], "json": { "deep": [1, 2.5, null, { "<&>": "\u{2028}" }], "big": 12345678901234567890_u64 },
        "geo": { "lon": 23.32, "lat": 42.69 }, "password": "12345678", "hidden": "unseen", "tree": tree, "trees": [tree],
    })
}

async fn fruit_collection(engine: &Engine, admin: &str, name: &str) -> Json {
    engine.get(&format!("/api/collections/{name}"), admin).await.json()["id"].take()
}
