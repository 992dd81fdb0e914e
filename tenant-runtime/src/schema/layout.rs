//! What a data directory looks like: made for a new backend, recognised and brought up to date for an old one.
//!
//! The rows of `_migrations` are those a stock server writes, so that either can open what the other made.

use std::path::Path;

use chrono::Utc;
use rusqlite::{Connection, OptionalExtension, params};

use super::{Collection, persist, sync, system};
use crate::app::{Identity, OpenError};
use crate::error::{Error, Result};
use crate::logs;
use crate::settings::{EncryptionKey, Settings};
use crate::store;

/// The migration without which a file is older than anything that can be brought up to date.
const OLDEST: &str = "1717233556_v0.23_migrate.go";
const ALERT_TEMPLATES: &str = "1763020353_update_default_auth_alert_templates.go";
const INDEXES: &str = "1778828400_normalize_indexes.go";
/// All of them, in order; the last is what an up-to-date file has.
const MIGRATIONS: [&str; 8] = [
    "1640988000_aux_init.go",
    "1640988000_init.go",
    OLDEST,
    "1717233557_v0.23_migrate2.go",
    "1717233558_v0.23_migrate3.go",
    "1717233559_v0.23_migrate4.go",
    ALERT_TEMPLATES,
    INDEXES,
];

/// A data directory's database, and what it says of itself.
pub struct Opened {
    /// The writer.
    pub db: Connection,
    /// All collections.
    pub collections: Vec<Collection>,
    /// The settings.
    pub settings: Settings,
}

/// Opens the database of a data directory: makes the layout if the directory is new, brings an older one up to date.
///
/// # Errors
/// `OpenError::Foreign` for what is no data directory, or is older or newer than can be read: it stays as it is, byte for
/// byte.
pub fn open(dir: &Path, identity: Option<&Identity>, key: Option<&EncryptionKey>) -> Result<Opened, OpenError> {
    let db = store::open_untouched(&dir.join("data.db")).map_err(OpenError::from_store)?;
    store::distrust(&db).map_err(OpenError::from_sqlite)?;
    let opened = open_distrusted(db, dir, identity, key)?;
    store::trust(&opened.db).map_err(OpenError::from_sqlite)?;
    Ok(opened)
}

fn open_distrusted(
    db: Connection,
    dir: &Path,
    identity: Option<&Identity>,
    key: Option<&EncryptionKey>,
) -> Result<Opened, OpenError> {
    let tables: i64 =
        db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(OpenError::from_sqlite)?;
    if tables == 0 {
        store::take_over(&db).map_err(OpenError::from_store)?;
        // What is made last is what the next start looks for.
        logs::create(dir).and_then(|()| create(&db, identity, key)).map_err(OpenError::from_store)?;
        let (collections, settings) = load(&db, key)?;
        return Ok(Opened { db, collections, settings });
    }
    refuse_pretence(&db)?;
    refuse_other_versions(&db)?;
    // Whatever else a newer version may have changed shows here, before anything is written.
    let (mut collections, settings) = load(&db, key)?;
    store::take_over(&db).map_err(OpenError::from_store)?;
    if !has_migration(&db, INDEXES)? {
        bring_up_to_date(&db).map_err(OpenError::from_store)?;
        collections = load(&db, key)?.0;
    }
    Ok(Opened { db, collections, settings })
}

fn load(db: &Connection, key: Option<&EncryptionKey>) -> Result<(Vec<Collection>, Settings), OpenError> {
    let loaded = persist::load(db).and_then(|collections| Ok((collections, Settings::load(db, key)?)));
    loaded.map_err(|error| match error {
        Error::Internal(reason) => OpenError::Foreign(format!("{reason:#}")),
        other => OpenError::from_store(other),
    })
}

/// Refuses what only looks like the tables every data directory has: a view may answer otherwise every time, or never.
fn refuse_pretence(db: &Connection) -> Result<(), OpenError> {
    let sql = "SELECT name FROM sqlite_schema WHERE name COLLATE NOCASE IN ('_migrations', '_collections', '_params')
        AND (type <> 'table' OR rootpage = 0)";
    match db.query_row(sql, [], |row| row.get::<_, String>(0)).optional().map_err(OpenError::from_sqlite)? {
        Some(name) => Err(OpenError::Foreign(format!("its {name} is no table"))),
        None => Ok(()),
    }
}

fn refuse_other_versions(db: &Connection) -> Result<(), OpenError> {
    if !has_migration(db, OLDEST)? {
        let reason = "it is no PocketBase data directory of version 0.23 or later";
        return Err(OpenError::Foreign(reason.to_owned()));
    }
    match newer_migration(db).map_err(OpenError::from_sqlite)? {
        Some(file) => Err(OpenError::Foreign(format!("a newer version of PocketBase made it: it has had {file}"))),
        None => Ok(()),
    }
}

/// A step that a server itself takes and that is unknown here. Users' own steps are scripts, `.js`.
fn newer_migration(db: &Connection) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT `file` FROM `_migrations` WHERE `file` LIKE '%.go' AND `file` > ?1 ORDER BY `file` LIMIT 1";
    db.query_row(sql, [INDEXES], |row| row.get(0)).optional()
}

fn has_migration(db: &Connection, file: &str) -> Result<bool, OpenError> {
    let found = db.query_row("SELECT 1 FROM `_migrations` WHERE `file` = ?1", [file], |_| Ok(())).optional();
    match found {
        Ok(found) => Ok(found.is_some()),
        Err(error) if error.to_string().contains("no such table") => Ok(false),
        Err(error) => Err(OpenError::from_sqlite(error)),
    }
}

fn create(db: &Connection, identity: Option<&Identity>, key: Option<&EncryptionKey>) -> Result<()> {
    let tx = db.unchecked_transaction()?;
    tx.execute_batch(
        "CREATE TABLE `_migrations` (file VARCHAR(255) PRIMARY KEY NOT NULL, applied INTEGER NOT NULL);
        CREATE TABLE `_params` (
            `id`      TEXT PRIMARY KEY DEFAULT ('r'||lower(hex(randomblob(7)))) NOT NULL,
            `value`   JSON DEFAULT NULL,
            `created` TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%fZ')) NOT NULL,
            `updated` TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%fZ')) NOT NULL
        );
        CREATE TABLE `_collections` (
            `id`         TEXT PRIMARY KEY DEFAULT ('r'||lower(hex(randomblob(7)))) NOT NULL,
            `system`     BOOLEAN DEFAULT FALSE NOT NULL,
            `type`       TEXT DEFAULT 'base' NOT NULL,
            `name`       TEXT UNIQUE NOT NULL,
            `fields`     JSON DEFAULT '[]' NOT NULL,
            `indexes`    JSON DEFAULT '[]' NOT NULL,
            `listRule`   TEXT DEFAULT NULL,
            `viewRule`   TEXT DEFAULT NULL,
            `createRule` TEXT DEFAULT NULL,
            `updateRule` TEXT DEFAULT NULL,
            `deleteRule` TEXT DEFAULT NULL,
            `options`    JSON DEFAULT '{}' NOT NULL,
            `created`    TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%fZ')) NOT NULL,
            `updated`    TEXT DEFAULT (strftime('%Y-%m-%d %H:%M:%fZ')) NOT NULL
        );
        CREATE INDEX idx__collections_type on `_collections` (`type`);",
    )?;
    for collection in system::initial_collections() {
        persist::insert(&tx, &collection)?;
        sync::create_table(&tx, &collection)?;
    }
    let mut settings = Settings::default();
    if let Some(identity) = identity {
        settings.meta.app_name = identity.app_name.clone();
        settings.meta.app_url = identity.app_url.clone();
    }
    settings.save(&tx, key)?;
    for file in MIGRATIONS {
        note(&tx, file)?;
    }
    tx.commit()?;
    Ok(())
}

/// The two steps that came after the layout of 0.23.
fn bring_up_to_date(db: &Connection) -> Result<()> {
    let tx = db.unchecked_transaction()?;
    let alerts = has_row(&tx, ALERT_TEMPLATES)?;
    for mut collection in persist::load(&tx)? {
        let before = collection.clone();
        if let (false, Some(auth)) = (alerts, &mut collection.auth)
            && !auth.auth_alert.email_template.body.contains("{ALERT_INFO}")
        {
            auth.auth_alert.email_template.body = super::auth_options::AuthAlert::default().email_template.body;
        }
        if !collection.system && !collection.is_view() {
            sync::adopt_indexes(&tx, &mut collection)?;
        }
        if collection != before {
            persist::update(&tx, &collection)?;
        }
    }
    for file in [ALERT_TEMPLATES, INDEXES] {
        note(&tx, file)?;
    }
    tx.commit()?;
    Ok(())
}

fn has_row(db: &Connection, file: &str) -> Result<bool> {
    let found = db.query_row("SELECT 1 FROM `_migrations` WHERE `file` = ?1", [file], |_| Ok(())).optional()?;
    Ok(found.is_some())
}

fn note(db: &Connection, file: &str) -> Result<()> {
    let sql = "INSERT INTO `_migrations` (`file`, `applied`) VALUES (?1, ?2) ON CONFLICT DO NOTHING";
    db.execute(sql, params![file, Utc::now().timestamp_micros()])?;
    Ok(())
}
