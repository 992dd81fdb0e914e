//! A tenant's settings: one row of `_params`, JSON with PocketBase's keys and defaults.

mod encryption;
mod validate;

use rusqlite::types::{Value as Sql, ValueRef};
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use crate::error::Result;

pub use encryption::{EncryptionKey, UnfitKey};

/// The settings, keys as on the wire. Secrets are stored but never shown.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the wire's")]
pub struct Settings {
    #[serde(rename = "superuserIPs")]
    pub superuser_ips: Vec<String>,
    pub smtp: Smtp,
    pub backups: Backups,
    pub s3: S3,
    pub meta: Meta,
    pub rate_limits: RateLimits,
    pub trusted_proxy: TrustedProxy,
    pub batch: Batch,
    pub logs: Logs,
}

/// How mail leaves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the wire's")]
pub struct Smtp {
    pub enabled: bool,
    pub port: i64,
    pub host: String,
    pub username: String,
    pub password: String,
    pub auth_method: String,
    pub tls: bool,
    pub local_name: String,
}

/// Scheduled backups of the tenant itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the wire's")]
pub struct Backups {
    pub cron: String,
    pub cron_max_keep: i64,
    pub s3: S3,
}

/// An object store.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the wire's")]
pub struct S3 {
    pub enabled: bool,
    pub bucket: String,
    pub region: String,
    pub endpoint: String,
    pub access_key: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub secret: String,
    pub force_path_style: bool,
}

/// What the application is called and where it lives.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the wire's")]
pub struct Meta {
    pub accent_color: String,
    pub app_name: String,
    #[serde(rename = "appURL")]
    pub app_url: String,
    pub sender_name: String,
    pub sender_address: String,
    pub hide_controls: bool,
}

/// Requests per client and time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the wire's")]
pub struct RateLimits {
    pub rules: Vec<RateLimitRule>,
    #[serde(rename = "excludedIPs")]
    pub excluded_ips: Vec<String>,
    pub enabled: bool,
}

/// One limit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the wire's")]
pub struct RateLimitRule {
    pub label: String,
    pub audience: String,
    pub duration: i64,
    pub max_requests: i64,
}

/// Which headers tell a client's address.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the names are the wire's")]
pub struct TrustedProxy {
    pub headers: Vec<String>,
    #[serde(rename = "useLeftmostIP")]
    pub use_leftmost_ip: bool,
}

/// Limits of batch requests; `timeout` in seconds, `max_body_size` in bytes with 0 for 128 MiB.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the wire's")]
pub struct Batch {
    pub enabled: bool,
    pub max_requests: i64,
    pub timeout: i64,
    pub max_body_size: i64,
}

/// What is logged, and for how many days.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the wire's")]
pub struct Logs {
    pub max_days: i64,
    pub min_level: i64,
    #[serde(rename = "logIP")]
    pub log_ip: bool,
    pub log_auth_id: bool,
}

impl Settings {
    /// These settings with what a client sent laid over them; nothing if a value has another type than its key.
    pub fn overlaid(&self, given: &Map<String, Json>) -> Option<Settings> {
        let mut keys = serde_json::to_value(self).ok()?;
        // Secrets that are not set are not written, yet they can be.
        for s3 in ["/s3", "/backups/s3"] {
            keys.pointer_mut(s3)?.as_object_mut()?.entry("secret").or_insert_with(|| Json::from(""));
        }
        overlay(&mut keys, &Json::Object(given.clone()));
        serde_json::from_value(keys).ok()
    }

    /// What the API shows: everything but the secrets.
    pub fn to_public_json(&self) -> Json {
        let mut keys = serde_json::to_value(self).unwrap_or_default();
        for (at, secret) in [("/smtp", "password"), ("/s3", "secret"), ("/backups/s3", "secret")] {
            if let Some(section) = keys.pointer_mut(at).and_then(Json::as_object_mut) {
                section.remove(secret);
            }
        }
        keys
    }

    /// Writes the settings as stock servers do: the bytes of their JSON, or with a key a text that hides it.
    pub fn save(&self, db: &Connection, key: Option<&EncryptionKey>) -> Result<()> {
        let plain = serde_json::to_vec(self).map_err(|error| anyhow::anyhow!(error))?;
        let value = match key {
            None => Sql::Blob(plain),
            Some(key) => Sql::Text(key.encrypt(plain)?),
        };
        let sql = "INSERT INTO `_params` (`id`, `value`, `created`, `updated`) VALUES ('settings', ?1, ?2, ?2)
            ON CONFLICT (`id`) DO UPDATE SET `value` = excluded.`value`, `updated` = excluded.`updated`";
        db.execute(sql, rusqlite::params![value, crate::records::datetime::now()])?;
        Ok(())
    }

    /// Reads the stored settings; keys a file of an older version lacks take their defaults. What is not encrypted is read
    /// whether there is a key or not, and encrypted when it is next saved.
    pub fn load(db: &Connection, key: Option<&EncryptionKey>) -> Result<Settings> {
        let stored = db
            .query_row("SELECT `value` FROM `_params` WHERE `id` = 'settings'", [], |row| {
                Ok(match row.get_ref(0)? {
                    ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes.to_vec()),
                    _ => None,
                })
            })
            .optional()?
            .flatten();
        let Some(bytes) = stored else { return Ok(Settings::default()) };
        let decrypted = || serde_json::from_slice(&key?.decrypt(&bytes)?).ok();
        let settings = serde_json::from_slice(&bytes).ok().or_else(decrypted);
        settings.ok_or_else(|| anyhow::anyhow!("invalid settings db data or missing encryption key").into())
    }
}

/// Lays `given` over `base` as Go does when it reads JSON into what is there: null empties a list and else changes
/// nothing, objects merge key by key in any case, and the elements of lists position by position.
fn overlay(base: &mut Json, given: &Json) {
    match (base, given) {
        (Json::Array(base), Json::Null) => base.clear(),
        (_, Json::Null) => {}
        (Json::Object(base), Json::Object(given)) => {
            for (key, value) in given {
                let known = base.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(key));
                match known.map(|(_, value)| value) {
                    Some(known) => overlay(known, value),
                    None => _ = base.insert(key.clone(), value.clone()),
                }
            }
        }
        (Json::Array(base), Json::Array(given)) => {
            base.truncate(given.len());
            for (at, value) in given.iter().enumerate() {
                match base.get_mut(at) {
                    Some(known) => overlay(known, value),
                    None => base.push(value.clone()),
                }
            }
        }
        (base, given) => *base = given.clone(),
    }
}

impl Default for Smtp {
    fn default() -> Smtp {
        Smtp {
            enabled: false,
            port: 587,
            host: "smtp.example.com".into(),
            username: String::new(),
            password: String::new(),
            auth_method: String::new(),
            tls: false,
            local_name: String::new(),
        }
    }
}

impl Default for Backups {
    fn default() -> Backups {
        Backups { cron: String::new(), cron_max_keep: 3, s3: S3::default() }
    }
}

impl Default for Meta {
    fn default() -> Meta {
        Meta {
            accent_color: "#1055c9".into(),
            app_name: "Acme".into(),
            app_url: "http://localhost:8090".into(),
            sender_name: "Support".into(),
            sender_address: "support@example.com".into(),
            hide_controls: false,
        }
    }
}

impl Default for RateLimits {
    fn default() -> RateLimits {
        let rule = |label: &str, max_requests, duration| RateLimitRule {
            label: label.to_owned(),
            audience: String::new(),
            duration,
            max_requests,
        };
        RateLimits {
            rules: vec![
                rule("*:auth", 2, 3),
                rule("*:create", 20, 5),
                rule("/api/batch", 3, 1),
                rule("/api/", 300, 10),
            ],
            excluded_ips: Vec::new(),
            enabled: false,
        }
    }
}

impl Default for Batch {
    fn default() -> Batch {
        Batch { enabled: false, max_requests: 50, timeout: 3, max_body_size: 0 }
    }
}

impl Default for Logs {
    fn default() -> Logs {
        Logs { max_days: 5, min_level: 0, log_ip: true, log_auth_id: false }
    }
}
