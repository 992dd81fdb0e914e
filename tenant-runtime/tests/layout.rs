//! A data directory of ours looks as one a stock server makes: `data/` holds what version 0.39.11 wrote, without
//! secrets and mail bodies, white space collapsed and `"` as `'`.

use std::path::Path;

use rusqlite::Connection;
use serde_json::{Map, Value as Json};
use tenant_runtime::app::{App, AppOptions, OpenError};
use tenant_runtime::auth::Hasher;
use tenant_runtime::store::Pool;

const STOCK_SCHEMA: &str = include_str!("data/stock_schema.sql");
const STOCK_DIRECTORY: &str = include_str!("data/stock_directory.json");

async fn open_and_close(dir: &Path) -> Result<(), OpenError> {
    let options = AppOptions::alone(Pool::new(2), Hasher::for_this_machine());
    let app = App::open(dir, options)?;
    app.close().await.expect("closes");
    Ok(())
}

fn schema(file: &Path) -> Vec<String> {
    let db = Connection::open(file).expect("opens");
    let sql = "SELECT `sql` FROM sqlite_schema WHERE `sql` IS NOT NULL AND `name` NOT LIKE 'sqlite_%'";
    let mut statement = db.prepare(sql).expect("sound");
    let texts = statement.query_map([], |row| row.get::<_, String>(0)).expect("reads");
    let collapsed = |text: String| text.split_whitespace().collect::<Vec<_>>().join(" ").replace('"', "'");
    let mut texts: Vec<String> = texts.map(|text| collapsed(text.expect("a text"))).collect();
    texts.sort();
    texts
}

fn collections(db: &Connection) -> Vec<Json> {
    let sql = "SELECT json_object('id', `id`, 'system', `system`, 'type', `type`, 'name', `name`, 'fields', json(`fields`),
        'indexes', json(`indexes`), 'listRule', `listRule`, 'viewRule', `viewRule`, 'createRule', `createRule`,
        'updateRule', `updateRule`, 'deleteRule', `deleteRule`, 'options', json(`options`)) FROM `_collections` ORDER BY `rowid`";
    let mut statement = db.prepare(sql).expect("sound");
    let rows = statement.query_map([], |row| row.get::<_, String>(0)).expect("reads");
    rows.map(|row| without_own_words(serde_json::from_str(&row.expect("a text")).expect("JSON"))).collect()
}

/// Secrets are random, and the mails say it in words of our own.
fn without_own_words(value: Json) -> Json {
    match value {
        Json::Object(keys) => {
            let kept = keys.into_iter().filter(|(key, _)| key != "secret" && key != "body");
            Json::Object(kept.map(|(key, value)| (key, without_own_words(value))).collect::<Map<_, _>>())
        }
        other => other,
    }
}

fn column(db: &Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(sql).expect("sound");
    let rows = statement.query_map([], |row| row.get(0)).expect("reads");
    rows.collect::<rusqlite::Result<_>>().expect("texts")
}

#[tokio::test]
async fn a_fresh_directory_is_laid_out_as_a_stock_one() {
    let dir = tempfile::tempdir().expect("a directory");
    open_and_close(dir.path()).await.expect("opens");
    let (data, auxiliary) = STOCK_SCHEMA.split_once("-- auxiliary.db\n").expect("two files");
    let lines = |text: &'static str| text.lines().filter(|line| !line.starts_with("--")).collect::<Vec<_>>();
    assert_eq!(schema(&dir.path().join("data.db")), lines(data));
    assert_eq!(schema(&dir.path().join("auxiliary.db")), lines(auxiliary));

    let stock: Json = serde_json::from_str(STOCK_DIRECTORY).expect("JSON");
    let db = Connection::open(dir.path().join("data.db")).expect("opens");
    let migrations: Json = column(&db, "SELECT `file` FROM `_migrations` ORDER BY `file`").into();
    assert_eq!(migrations, stock["migrations"]);
    let settings = column(&db, "SELECT CAST(`value` AS TEXT) FROM `_params` WHERE `id` = 'settings'");
    assert_eq!(serde_json::from_str::<Json>(&settings[0]).expect("JSON"), stock["settings"]);
    for (ours, theirs) in collections(&db).iter().zip(stock["collections"].as_array().expect("a list")) {
        assert_eq!(ours, theirs, "{}", theirs["name"]);
    }
}

#[tokio::test]
async fn a_directory_of_an_older_version_gets_the_steps_it_lacks() {
    let dir = tempfile::tempdir().expect("a directory");
    open_and_close(dir.path()).await.expect("opens");
    let db = Connection::open(dir.path().join("data.db")).expect("opens");
    db.execute_batch(
        "DELETE FROM `_migrations` WHERE `file` >= '1763020353';
         UPDATE `_collections` SET `options` = json_set(`options`, '$.authAlert.emailTemplate.body', 'the old text')
            WHERE `name` = 'users';
         CREATE INDEX `by_name` ON `users` (`name`);",
    )
    .expect("becomes old");

    open_and_close(dir.path()).await.expect("opens again");

    let texts = column(
        &db,
        "SELECT json_extract(`options`, '$.authAlert.emailTemplate.body') FROM `_collections` WHERE `name` = 'users'",
    );
    assert!(texts[0].contains("{ALERT_INFO}"), "{texts:?}");
    let indexes = column(&db, "SELECT `indexes` FROM `_collections` WHERE `name` = 'users'");
    assert_eq!(indexes[0].matches("by_name").count(), 1, "{indexes:?}");
    assert_eq!(column(&db, "SELECT `file` FROM `_migrations`").len(), 8);
}

#[tokio::test]
async fn a_foreign_database_is_refused_and_left_as_it_is() {
    for foreign in ["CREATE TABLE t (x)", "CREATE TABLE `_migrations` (file, applied); CREATE TABLE `_admins` (id)"] {
        let dir = tempfile::tempdir().expect("a directory");
        let db = Connection::open(dir.path().join("data.db")).expect("opens");
        db.execute_batch(foreign).expect("creates");
        let before = schema(&dir.path().join("data.db"));
        assert!(matches!(open_and_close(dir.path()).await, Err(OpenError::Foreign(_))), "{foreign}");
        assert_eq!(schema(&dir.path().join("data.db")), before);
    }
}
