//! A data directory goes from a stock server to us and back, and the other way round: nothing that can be seen of it
//! changes, and each goes on with what the other wrote.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

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

/// What a stock server left and what it showed, for where there is none: `pb_data` and `seen.json`.
const RECORDED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/stock-0.39.11.tar.gz");

#[tokio::test]
async fn a_recorded_directory_of_a_stock_server_shows_what_it_showed() {
    let dir = tempfile::tempdir().expect("a directory");
    tar(&["-xzf", RECORDED], dir.path());
    let engine = Make::Ours.serve(&dir.path().join("pb_data"));
    let recorded = std::fs::read(dir.path().join("seen.json")).expect("is recorded");
    is_as_before(&seen(&engine).await, &serde_json::from_slice(&recorded).expect("JSON"));
    grow(&engine, "second").await;
    engine.stop();
}

#[tokio::test]
#[ignore = "makes the recorded directory anew"]
async fn record_a_directory_of_a_stock_server() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("pb_data");
    let stock = Make::stock().expect("a stock server");
    stock.upsert_superuser(&data, ADMIN, PASSWORD);
    let engine = stock.serve(&data);
    plant(&engine).await;
    let shown = serde_json::to_vec(&seen(&engine).await).expect("JSON");
    engine.stop();
    std::fs::write(dir.path().join("seen.json"), shown).expect("is written");
    tar(&["-czf", RECORDED, "--exclude=types.d.ts", "pb_data", "seen.json"], dir.path());
}

async fn exchange(first: Make, second: Make) {
    let dir = tempfile::tempdir().expect("a directory");
    // A stock server keeps its migrations beside the data.
    let dir = &dir.path().join("pb_data");
    first.upsert_superuser(dir, ADMIN, PASSWORD);
    let engine = first.serve(dir);
    plant(&engine).await;
    let engine = hand_over(engine, End::Stopped, second, dir).await;
    grow(&engine, "second").await;
    let engine = hand_over(engine, End::Killed, first, dir).await;
    grow(&engine, "third").await;
    let engine = hand_over(engine, End::Killed, second, dir).await;
    engine.stop();
}

/// How a server ends.
#[derive(PartialEq, Eq)]
enum End {
    Stopped,
    Killed,
}

/// Ends the one, starts the other, and compares what they show. Tokens of the one are good for the other.
async fn hand_over(engine: Engine, end: End, to: Make, dir: &Path) -> Engine {
    let admin = engine.sign_in("_superusers", ADMIN, PASSWORD).await;
    let ann = engine.sign_in("users", ANN, PASSWORD).await;
    let file = engine.done(Method::POST, "/api/files/token", &admin, Json::Null).await["token"].take();
    let before = seen(&engine).await;
    let log = || dir.join("data.db-wal").metadata().map_or(0, |log| log.len());
    match end {
        End::Stopped => engine.stop(),
        End::Killed => drop(engine),
    }
    assert_eq!(log() > 0, end == End::Killed, "only a clean stop leaves nothing in the log");

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

    is_as_before(&seen(&engine).await, &before);
    engine
}

fn is_as_before(now: &BTreeMap<String, Json>, before: &BTreeMap<String, Json>) {
    for (what, shown) in before {
        assert_eq!(now.get(what), Some(shown), "{what}");
    }
    assert_eq!(now.len(), before.len());
}

fn tar(arguments: &[&str], dir: &Path) {
    let done = Command::new("tar").current_dir(dir).args(arguments).status();
    assert!(done.expect("tar runs").success());
}
