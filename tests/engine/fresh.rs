//! A new data directory has the tables and the collections a stock server begins with.

use std::path::Path;
use std::process::Command;

use serde_json::Value as Json;
use tests::Make;

use crate::garden::{ADMIN, PASSWORD};

#[tokio::test]
async fn a_new_directory_begins_with_what_a_stock_servers_begins_with() {
    let Some(stock) = Make::stock() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let mut seen = Vec::new();
    for make in [Make::Ours, stock] {
        let data = dir.path().join(format!("{make:?}/pb_data"));
        make.upsert_superuser(&data, ADMIN, PASSWORD);
        let engine = make.serve(&data);
        let admin = engine.sign_in("_superusers", ADMIN, PASSWORD).await;
        let collections = engine.get("/api/collections?perPage=500&sort=name", &admin).await.json();
        engine.stop();
        let tables = ["data.db", "auxiliary.db"].map(|name| tables(&data.join(name)));
        seen.push((tables, collections["items"].as_array().cloned().expect("a list")));
    }
    let (ours, stocks) = (seen.remove(0), seen.remove(0));
    assert_eq!(ours.0, stocks.0);
    for (ours, stocks) in ours.1.into_iter().zip(stocks.1) {
        assert_eq!(without_wording(ours), without_wording(stocks));
    }
}

/// The statements tables and indexes were made with, whatever their blanks and quotes.
fn tables(database: &Path) -> Vec<String> {
    let sql = "SELECT replace(name || ' ' || coalesce(sql, ''), char(10), ' ') FROM sqlite_master
        WHERE name NOT LIKE 'sqlite_%' ORDER BY name";
    let output = Command::new("sqlite3").arg(database).arg(sql).output().expect("sqlite3 runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(|line| line.replace('"', "'").split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Mails are worded differently, and nothing is made at the same moment.
fn without_wording(mut collection: Json) -> Json {
    let keys = collection.as_object_mut().expect("an object");
    keys.remove("created");
    keys.remove("updated");
    for template in keys.values_mut().filter_map(Json::as_object_mut) {
        template.remove("body");
        template.remove("emailTemplate");
    }
    collection
}
