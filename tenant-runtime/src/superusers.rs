//! Superusers from outside the API: the command line, and whoever hosts the backend.
//!
//! The commands work beside a running server: one short transaction, which waits for the server's own. Nothing about
//! records is cached, so the server sees the change with its next read.

use std::path::Path;

use anyhow::{Context as _, bail};
use rusqlite::{Connection, OptionalExtension, params};

use crate::auth::records::INSTALLER_EMAIL;
use crate::auth::{self};
use crate::error::Result;
use crate::records::{datetime, pattern};
use crate::schema::{SUPERUSERS, layout};
use crate::settings::{EncryptionKey, Settings};

const SHORTEST_PASSWORD: usize = 8;
const LONGEST_PASSWORD: usize = 71;
const COST: u32 = 10;

/// A data directory that may be served at the same time.
#[derive(Clone, Copy, Debug)]
pub struct DataDir<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// What its settings are encrypted with, if they are.
    pub key: Option<&'a EncryptionKey>,
}

/// Whether there is any superuser.
pub fn exist(db: &Connection) -> Result<bool> {
    let sql = format!("SELECT 1 FROM `{SUPERUSERS}` WHERE `email` != ?1 LIMIT 1");
    Ok(db.query_row(&sql, [INSTALLER_EMAIL], |_| Ok(())).optional()?.is_some())
}

/// Creates a superuser with a bcrypt hash, or gives that hash to the one with the address.
pub fn put(db: &Connection, email: &str, password_hash: &str) -> Result<()> {
    let now = datetime::now();
    let sql = format!(
        "UPDATE `{SUPERUSERS}` SET `password` = ?2, `tokenKey` = ?3, `verified` = 1, `updated` = ?4 WHERE `email` = ?1"
    );
    let key = pattern::random_key(50);
    if db.execute(&sql, params![email, password_hash, key, now])? == 0 {
        let sql = format!(
            "INSERT INTO `{SUPERUSERS}` (`id`, `email`, `emailVisibility`, `verified`, `password`, `tokenKey`, `created`, `updated`)
             VALUES (?1, ?2, 0, 1, ?3, ?4, ?5, ?5)"
        );
        db.execute(&sql, params![pattern::random_id(15), email, password_hash, key, now])?;
        db.execute(&format!("DELETE FROM `{SUPERUSERS}` WHERE `email` = ?1"), [INSTALLER_EMAIL])?;
    }
    for dependent in ["_authOrigins", "_mfas", "_otps"] {
        let sql = format!(
            "DELETE FROM `{dependent}` WHERE `recordRef` IN (SELECT `id` FROM `{SUPERUSERS}` WHERE `email` = ?1)"
        );
        db.execute(&sql, [email])?;
    }
    Ok(())
}

/// `superuser create`
pub fn create(dir: DataDir<'_>, email: &str, password: &str) -> anyhow::Result<()> {
    let hash = checked_hash(email, password)?;
    in_transaction(dir, |db| {
        if has(db, email)? {
            bail!("failed to create new superuser account: email: Value must be unique.");
        }
        Ok(put(db, email, &hash)?)
    })
}

/// `superuser update`
pub fn update(dir: DataDir<'_>, email: &str, password: &str) -> anyhow::Result<()> {
    let hash = checked_hash(email, password)?;
    in_transaction(dir, |db| {
        if !has(db, email)? {
            bail!("superuser with email {email:?} doesn't exist");
        }
        Ok(put(db, email, &hash)?)
    })
}

/// `superuser upsert`
pub fn upsert(dir: DataDir<'_>, email: &str, password: &str) -> anyhow::Result<()> {
    let hash = checked_hash(email, password)?;
    in_transaction(dir, |db| Ok(put(db, email, &hash)?))
}

/// `superuser delete`
pub fn delete(dir: DataDir<'_>, email: &str) -> anyhow::Result<()> {
    in_transaction(dir, |db| {
        if !has(db, email)? {
            return Ok(());
        }
        let count: i64 = db.query_row(&format!("SELECT count(*) FROM `{SUPERUSERS}`"), [], |row| row.get(0))?;
        if count <= 1 {
            bail!("you can't delete the only existing superuser");
        }
        let dependents = ["_authOrigins", "_mfas", "_otps", "_externalAuths"];
        for dependent in dependents {
            let sql = format!(
                "DELETE FROM `{dependent}` WHERE `recordRef` IN (SELECT `id` FROM `{SUPERUSERS}` WHERE `email` = ?1)"
            );
            db.execute(&sql, [email])?;
        }
        db.execute(&format!("DELETE FROM `{SUPERUSERS}` WHERE `email` = ?1"), [email])?;
        Ok(())
    })
}

/// `superuser ips`: the only addresses superusers may come from; none lifts the limit. A running server takes it over
/// when it would refuse somebody.
pub fn set_addresses(dir: DataDir<'_>, addresses: &[String]) -> anyhow::Result<()> {
    in_transaction(dir, |db| {
        let mut settings = Settings::load(db, dir.key)?;
        settings.superuser_ips = addresses.to_vec();
        if let Some((at, address)) = settings.unfit_superuser_ip() {
            bail!("superuserIPs: ({at}: invalid IP or CIDR subnet `{address}`.).");
        }
        Ok(settings.save(db, dir.key)?)
    })
}

fn has(db: &Connection, email: &str) -> anyhow::Result<bool> {
    let sql = format!("SELECT 1 FROM `{SUPERUSERS}` WHERE `email` = ?1");
    Ok(db.query_row(&sql, [email], |_| Ok(())).optional()?.is_some())
}

fn checked_hash(email: &str, password: &str) -> anyhow::Result<String> {
    if !pattern::is_email(email) {
        bail!("missing or invalid email address");
    }
    let length = password.chars().count();
    if length < SHORTEST_PASSWORD {
        bail!("the password must be at least {SHORTEST_PASSWORD} characters long");
    }
    if length > LONGEST_PASSWORD || password.len() > LONGEST_PASSWORD + 1 {
        bail!("the password must be less than {LONGEST_PASSWORD} characters long");
    }
    Ok(auth::hash(password, COST)?)
}

fn in_transaction(dir: DataDir<'_>, work: impl FnOnce(&Connection) -> anyhow::Result<()>) -> anyhow::Result<()> {
    let DataDir { path, key } = dir;
    std::fs::create_dir_all(path).with_context(|| format!("create {}", path.display()))?;
    let db = layout::open(path, None, key)?.db;
    db.execute_batch("BEGIN IMMEDIATE").context("wait for the database")?;
    work(&db)?;
    db.execute_batch("COMMIT").context("commit")?;
    Ok(())
}
