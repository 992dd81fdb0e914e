//! A data directory goes from a stock server to us and back, and the other way round: nothing that can be seen of it
//! changes, and each goes on with what the other wrote.

use std::path::Path;

use http::Method;
use serde_json::{Value as Json, json};
use tests::{Engine, Make};

use crate::garden::{ADMIN, ANN, PASSWORD, grow, plant, seen};

#[tokio::test]
async fn a_directory_of_a_stock_server_goes_to_us_and_back() {
    let Some(stock) = Make::stock() else { return };
    exchange(stock, Make::Ours).await;
}

#[tokio::test]
async fn a_directory_of_ours_goes_to_a_stock_server_and_back() {
    let Some(stock) = Make::stock() else { return };
    exchange(Make::Ours, stock).await;
}

async fn exchange(first: Make, second: Make) {
    let dir = tempfile::tempdir().expect("a directory");
    // A stock server keeps its migrations beside the data.
    let dir = &dir.path().join("pb_data");
    first.upsert_superuser(dir, ADMIN, PASSWORD);
    let engine = first.serve(dir);
    plant(&engine).await;
    let engine = hand_over(engine, second, dir).await;
    grow(&engine, "second").await;
    let engine = hand_over(engine, first, dir).await;
    grow(&engine, "third").await;
    let engine = hand_over(engine, second, dir).await;
    engine.stop();
}

/// Stops the one, starts the other, and compares what they show. Tokens of the one are good for the other.
async fn hand_over(engine: Engine, to: Make, dir: &Path) -> Engine {
    let admin = engine.sign_in("_superusers", ADMIN, PASSWORD).await;
    let ann = engine.sign_in("users", ANN, PASSWORD).await;
    let file = engine.done(Method::POST, "/api/files/token", &admin, Json::Null).await["token"].take();
    let before = seen(&engine).await;
    engine.stop();
    let log = dir.join("data.db-wal");
    assert!(log.metadata().map_or(0, |log| log.len()) == 0, "a clean stop leaves nothing in the log");

    let engine = to.serve(dir);
    for (collection, token) in [("_superusers", &admin), ("users", &ann)] {
        let path = format!("/api/collections/{collection}/auth-refresh");
        engine.done(Method::POST, &path, token, Json::Null).await;
    }
    let secret = "/api/collections/everything/records?filter=secret!=''&perPage=1";
    let record = engine.get(secret, &admin).await.json()["items"][0].take();
    let text = |value: &Json| value.as_str().expect("a text").to_owned();
    let path = format!("/api/files/everything/{}/{}?token=", text(&record["id"]), text(&record["secret"]));
    assert_eq!(engine.get(&path, "").await.status, 404, "a protected file needs a token");
    assert_eq!(engine.get(&(path + &text(&file)), "").await.body.as_ref(), b"a secret");
    let wrong = json!({ "identity": ANN, "password": "wrong horse" });
    let refused = engine.call(Method::POST, "/api/collections/users/auth-with-password", "", Some(&wrong)).await;
    assert_eq!(refused.status, 400);

    let after = seen(&engine).await;
    for (what, shown) in &before {
        assert_eq!(after.get(what), Some(shown), "{what}");
    }
    assert_eq!(after.len(), before.len());
    engine
}
