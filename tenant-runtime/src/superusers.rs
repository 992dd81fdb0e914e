//! Superusers from outside the API: the command line, and whoever hosts the backend.
//!
//! The commands work beside a running server: one short transaction, which waits for the server's own. Nothing about
//! records is cached, so the server sees the change with its next read.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use rusqlite::{Connection, OptionalExtension, params};

use crate::app::{self, App};
use crate::auth::otp;
use crate::auth::records::INSTALLER_EMAIL;
use crate::auth::{self};
use crate::backups;
use crate::error::Result;
use crate::records::value::Value;
use crate::records::{Record, datetime, find, pattern, save};
use crate::schema::{Collection, SUPERUSERS, layout, persist};
use crate::settings::{EncryptionKey, Settings};

const SHORTEST_PASSWORD: usize = 8;
const LONGEST_PASSWORD: usize = 71;
const RANDOM_PASSWORD: usize = 30;
const COST: u32 = 10;
/// How long the link to create the first superuser works.
const INSTALLER_SECONDS: i64 = 1800;

/// A data directory that may be served at the same time.
#[derive(Clone, Copy, Debug)]
pub struct DataDir<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// What its settings are encrypted with, if they are.
    pub key: Option<&'a EncryptionKey>,
}

impl DataDir<'_> {
    /// Its database, made and brought up to date if need be, beside a server that has it open or not.
    pub(crate) fn open(self) -> anyhow::Result<Connection> {
        let DataDir { path, key } = self;
        std::fs::create_dir_all(path).with_context(|| format!("create {}", path.display()))?;
        // A server finishes its restores itself; where none runs, one may wait to be finished.
        if backups::is_restore_unfinished(path)
            && let Ok(_lock) = app::lock(path)
        {
            backups::finish_restore(path).context("finish a restore")?;
        }
        Ok(layout::open(path, None, key)?.db)
    }
}

/// Whether there is any superuser.
pub fn exist(db: &Connection) -> Result<bool> {
    let sql = format!("SELECT 1 FROM `{SUPERUSERS}` WHERE `email` != ?1 LIMIT 1");
    Ok(db.query_row(&sql, [INSTALLER_EMAIL], |_| Ok(())).optional()?.is_some())
}

/// Where superusers are written to.
pub fn addresses(db: &Connection) -> Result<Vec<String>> {
    let mut statement = db.prepare(&format!("SELECT `email` FROM `{SUPERUSERS}` WHERE `email` != ?1"))?;
    let addresses = statement.query_map([INSTALLER_EMAIL], |row| row.get(0))?;
    Ok(addresses.collect::<rusqlite::Result<_>>()?)
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

/// Removes all superusers. Their tokens, links and codes are worth nothing from then on.
pub fn remove_all(db: &Connection) -> Result<()> {
    for dependent in ["_externalAuths", "_authOrigins", "_mfas", "_otps"] {
        let sql = format!("DELETE FROM `{dependent}` WHERE `recordRef` IN (SELECT `id` FROM `{SUPERUSERS}`)");
        db.execute(&sql, [])?;
    }
    db.execute(&format!("DELETE FROM `{SUPERUSERS}`"), [])?;
    Ok(())
}

/// A token with which the first superuser can be made through the API; none once there is one. It is that of an
/// account nobody knows the password of, which goes as soon as there is a real one.
pub async fn installer_token(app: &App) -> Result<Option<String>> {
    let password_hash = app.hasher().hash(pattern::random_key(RANDOM_PASSWORD), i64::from(COST)).await?;
    let inner = app.clone();
    app.store()
        .write(move |tx| {
            tx.must_be_possible();
            let schema = inner.schema();
            let Some(superusers) = schema.by_name(SUPERUSERS) else { return Ok(None) };
            if exist(tx)? {
                return Ok(None);
            }
            let record = match find::by_column(tx, superusers, "email", INSTALLER_EMAIL, false)? {
                Some(record) => record,
                None => {
                    let saved = save::save(&inner, tx, installer(superusers, password_hash))?;
                    Record::clone(&saved)
                }
            };
            auth::issue_static(&record, INSTALLER_SECONDS).map(Some)
        })
        .await
}

fn installer(superusers: &Arc<Collection>, password_hash: String) -> Record {
    let mut record = Record::new(superusers);
    for (field, value) in [("email", INSTALLER_EMAIL.to_owned()), ("password", password_hash)] {
        if let Some(at) = superusers.field_index(field) {
            record.set_value(at, Value::Text(value));
        }
    }
    record
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

/// `superuser delete`. Whether there was one.
pub fn delete(dir: DataDir<'_>, email: &str) -> anyhow::Result<bool> {
    in_transaction(dir, |db| {
        if !has(db, email)? {
            return Ok(false);
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
        Ok(true)
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

/// A one-time password as the command line tells it.
#[derive(Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub struct OneTimePassword {
    pub id: String,
    pub password: String,
    pub seconds: i64,
}

/// `superuser otp`: for who lost their second factor, or their mail server.
pub fn otp(dir: DataDir<'_>, email: &str) -> anyhow::Result<OneTimePassword> {
    if !pattern::is_email(email) {
        bail!("invalid or missing email address");
    }
    let mut made = None;
    in_transaction(dir, |db| {
        let sql = format!("SELECT `id` FROM `{SUPERUSERS}` WHERE `email` = ?1");
        let Some(id) = db.query_row(&sql, [email], |row| row.get::<_, String>(0)).optional()? else {
            bail!("superuser with email {email:?} doesn't exist");
        };
        let superusers = persist::load(db)?.into_iter().find(Collection::is_superusers);
        let options = superusers.as_ref().and_then(|collection| Some((&collection.id, &collection.auth.as_ref()?.otp)));
        let Some((collection, options)) = options.filter(|(_, options)| options.enabled) else {
            bail!("OTP auth is not enabled for the {SUPERUSERS} collection");
        };
        let (otp_id, password) = (pattern::random_id(15), otp::digits(options.length));
        let sql = format!(
            "INSERT INTO `{}` (`id`, `collectionRef`, `recordRef`, `password`, `sentTo`, `created`, `updated`)
             VALUES (?1, ?2, ?3, ?4, '', ?5, ?5)",
            otp::OTPS
        );
        db.execute(&sql, params![otp_id, collection, id, auth::hash(&password, otp::COST)?, datetime::now()])?;
        made = Some(OneTimePassword { id: otp_id, password, seconds: options.duration });
        Ok(())
    })?;
    made.context("make a one-time password")
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

fn in_transaction<T>(dir: DataDir<'_>, work: impl FnOnce(&Connection) -> anyhow::Result<T>) -> anyhow::Result<T> {
    let db = dir.open()?;
    db.execute_batch("BEGIN IMMEDIATE").context("wait for the database")?;
    let done = work(&db)?;
    db.execute_batch("COMMIT").context("commit")?;
    Ok(done)
}
