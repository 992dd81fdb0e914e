//! The command line keeps migrations in the form stock servers read: a snapshot of ours is what theirs would be, and
//! makes the same collections there.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Output;

use http::Method;
use serde_json::{Value as Json, json};
use tests::{Engine, Make};

use crate::garden::{ADMIN, PASSWORD, plant};

const PRUNE: &str = "1700000000_prune.js";

#[tokio::test]
async fn a_snapshot_of_ours_is_a_stock_servers_and_makes_the_same_collections_there() {
    let Some(stock) = Make::stock() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let data = planted(dir.path()).await;

    let ours = written(&answered(Make::Ours, &data, &["migrate", "collections"], "y\n"));
    let folder = dir.path().join("theirs").display().to_string();
    let theirs = written(&answered(stock, &data, &["migrate", "collections", "--migrationsDir", &folder], "y\n"));
    let [ours_text, theirs_text] = [&ours, &theirs].map(|path| fs::read_to_string(path).expect("is there"));
    for (ours, theirs) in ours_text.lines().zip(theirs_text.lines()) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(ours_text.len(), theirs_text.len());

    let other = dir.path().join("other/pb_data");
    let folder = dir.path().join("other/pb_migrations");
    fs::create_dir_all(&folder).expect("a folder");
    fs::copy(&ours, folder.join("1700000000_collections_snapshot.js")).expect("copies");
    stock.upsert_superuser(&other, ADMIN, PASSWORD);
    let (before, after) = (collections(Make::Ours, &data).await, collections(stock, &other).await);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
    assert_eq!(before.len(), after.len());
}

#[tokio::test]
async fn migrations_are_created_and_forgotten_and_scripts_are_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = planted(dir.path()).await;
    let run = |arguments: &[&str], answer: &str| answered(Make::Ours, &data, arguments, answer);

    assert!(text(&run(&["migrate"], "")).contains("No new migrations to apply."));
    assert!(text(&run(&["migrate", "create", "Add Posts"], "n\n")).contains("The command has been cancelled"));
    let blank = written(&run(&["migrate", "create", "Add Posts"], "y\n"));
    assert!(blank.display().to_string().ends_with("_add_posts.js"), "{}", blank.display());
    assert!(fs::read_to_string(&blank).expect("is there").contains("migrate((app) => {"));

    let refused = run(&["migrate", "up"], "");
    assert!(!refused.status.success() && text(&refused).contains("failed to apply migration"), "{}", text(&refused));
    assert!(!run(&["migrate", "nope"], "").status.success());
    fs::remove_file(&blank).expect("removes");
    assert!(run(&["migrate", "up"], "").status.success());

    let engine = Make::Ours.serve(&data);
    let admin = engine.sign_in("_superusers", ADMIN, PASSWORD).await;
    let sql = format!("INSERT INTO _migrations (file, applied) VALUES ('{PRUNE}', 1)");
    engine.done(Method::POST, "/api/sql", &admin, json!({ "query": sql })).await;
    assert!(!run(&["migrate", "down"], "").status.success(), "a script cannot be taken back");
    assert!(run(&["migrate", "history-sync"], "").status.success());
    assert_eq!(history(&engine, &admin).await, 0);
    engine.stop();
}

async fn planted(dir: &Path) -> PathBuf {
    let data = dir.join("pb_data");
    Make::Ours.upsert_superuser(&data, ADMIN, PASSWORD);
    let engine = Make::Ours.serve(&data);
    plant(&engine).await;
    engine.stop();
    data
}

async fn history(engine: &Engine, admin: &str) -> i64 {
    let query = format!("SELECT count(*) AS n FROM _migrations WHERE file = '{PRUNE}'");
    let answer = engine.done(Method::POST, "/api/sql", admin, json!({ "query": query })).await;
    answer["rows"][0][0].as_str().and_then(|count| count.parse().ok()).unwrap_or_else(|| panic!("{answer}"))
}

/// The collections as a migration could make them.
async fn collections(make: Make, data: &Path) -> Vec<Json> {
    let engine = make.serve(data);
    let admin = engine.sign_in("_superusers", ADMIN, PASSWORD).await;
    let mut answer = engine.get("/api/collections?perPage=500&sort=id", &admin).await.json();
    engine.stop();
    let items = answer["items"].as_array_mut().expect("a list");
    for item in items.iter_mut().filter_map(Json::as_object_mut) {
        item.remove("created");
        item.remove("updated");
        if item["type"] == "view" {
            item.remove("fields"); // their ids are made anew
        }
    }
    std::mem::take(items)
}

/// Runs a command that asks.
fn answered(make: Make, dir: &Path, arguments: &[&str], answer: &str) -> Output {
    let mut child = make.start(dir, arguments);
    child.stdin.take().expect("is piped").write_all(answer.as_bytes()).expect("is read");
    child.wait_with_output().expect("ends")
}

/// The file a command says it wrote.
fn written(output: &Output) -> PathBuf {
    let text = text(output);
    let (_, rest) = text.split_once("Successfully created file \"").unwrap_or_else(|| panic!("{text}"));
    rest.split('"').next().expect("a name").into()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
