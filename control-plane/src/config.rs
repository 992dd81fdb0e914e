//! The settings: `ops/roost.toml` is the documentation and what the program loads.

use std::fmt::Display;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use ipnet::IpNet;
use proxy::{Bounds, PerAddress};
use serde::Deserialize;
use tenant_runtime::outbound::Network;

const DEFAULTS: &str = include_str!("../../ops/roost.toml");

/// All settings, keys as in `ops/roost.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "ops/roost.toml explains each")]
pub struct Config {
    pub domain: String,
    pub console: String,
    pub dir: PathBuf,
    pub database: String,
    pub sign_up: SignUp,
    pub projects_per_account: i64,
    pub grace_days: u32,
    pub listen: Listen,
    pub tls: Tls,
    pub edge: Edge,
    pub rest: Rest,
    pub projects: Projects,
    pub backups: Backups,
    pub mail: Mail,
    /// Given by `--dev` only: a development outbox, no limits on tries, and the first account is an operator.
    #[serde(skip)]
    pub dev: bool,
}

/// Who may open an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum SignUp {
    Open,
    Invite,
    Closed,
}

/// Where the proxy listens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "ops/roost.toml explains each")]
pub struct Listen {
    pub http: Vec<SocketAddr>,
    pub https: Vec<SocketAddr>,
    pub dns: Vec<SocketAddr>,
    #[serde(deserialize_with = "unless_empty")]
    pub metrics: Option<SocketAddr>,
    pub proxy_protocol_from: Vec<IpNet>,
    pub trust_forwarded_from: Vec<IpNet>,
}

/// Certificates from files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "ops/roost.toml explains each")]
pub struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// How much the proxy takes before it refuses.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "ops/roost.toml explains each")]
pub struct Edge {
    pub connections: usize,
    pub requests: usize,
    pub uploads: usize,
    pub connections_per_address: usize,
    pub new_connections_per_address: u32,
    pub handshakes_per_address: usize,
    pub requests_per_address: u32,
}

/// When projects rest.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "ops/roost.toml explains each")]
pub struct Rest {
    pub idle_after: f64,
    pub sleep_after: f64,
    pub most_awake: usize,
}

/// What projects may do beyond their own address.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "ops/roost.toml explains each")]
pub struct Projects {
    pub may_reach: Vec<Network>,
    pub mails_per_day: i64,
}

/// Where backups are kept.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "ops/roost.toml explains each")]
pub struct Backups {
    pub dir: PathBuf,
    pub bucket: String,
    pub endpoint: String,
    pub region: String,
    pub access_key: String,
    pub secret_key: String,
    pub path_style: bool,
    pub check_every: u64,
    pub largest_import: u64,
}

/// How the platform's mails leave.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "ops/roost.toml explains each")]
pub struct Mail {
    pub from: String,
    pub host: String,
    pub port: u16,
    pub username: String,
    pub password: String,
    pub security: Security,
}

/// How a connection to the mail server is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Security {
    Starttls,
    Tls,
    None,
}

impl Config {
    /// The defaults, overlaid by a file if one is given and by `ROOST_<KEY>` for keys of the top level.
    pub fn load(file: Option<&Path>) -> anyhow::Result<Config> {
        let mut settings: toml::Table = DEFAULTS.parse().context("read the embedded defaults")?;
        if let Some(file) = file {
            let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
            let given = text.parse().with_context(|| format!("understand {}", file.display()))?;
            overlay(&mut settings, given);
        }
        for (key, value) in std::env::vars() {
            let Some(key) = key.strip_prefix("ROOST_").map(str::to_ascii_lowercase) else { continue };
            if settings.get(&key).is_some_and(toml::Value::is_str) {
                settings.insert(key, value.into());
            }
        }
        settings.try_into().context("understand the settings")
    }

    /// The host name of the console.
    pub fn console_host(&self) -> &str {
        if self.console.is_empty() { &self.domain } else { &self.console }
    }

    /// The control database's URL.
    pub fn database_url(&self) -> String {
        if self.database.is_empty() { crate::database::Database::sqlite_url(&self.dir) } else { self.database.clone() }
    }

    /// Where backups are kept without a bucket.
    pub fn backups_dir(&self) -> PathBuf {
        let dir = &self.backups.dir;
        if dir.as_os_str().is_empty() { self.dir.join("backups") } else { dir.clone() }
    }

    /// How long a deleted project can be brought back.
    pub fn grace(&self) -> Duration {
        crate::clock::DAY * self.grace_days
    }
}

impl Rest {
    /// The same as a tenant's host takes it.
    pub fn to_spec(&self) -> tenant_runtime::host::Rest {
        let millis = |seconds: f64| Duration::try_from_secs_f64(seconds).map_or(0, |time| time.as_millis() as u64);
        tenant_runtime::host::Rest { idle_after_ms: millis(self.idle_after), sleep_after_ms: millis(self.sleep_after) }
    }
}

impl std::fmt::Debug for Backups {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Backups").field("dir", &self.dir).field("bucket", &self.bucket).finish_non_exhaustive()
    }
}

impl Edge {
    /// What all clients may have together.
    pub fn bounds(&self) -> Bounds {
        let Edge { connections, requests, uploads, .. } = *self;
        Bounds { connections, requests, uploads, ..Bounds::default() }
    }

    /// What one client may have.
    pub fn per_address(&self) -> PerAddress {
        PerAddress {
            connections: self.connections_per_address,
            new_connections: self.new_connections_per_address,
            handshakes: self.handshakes_per_address,
            requests: self.requests_per_address,
        }
    }
}

impl std::fmt::Debug for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mail").field("from", &self.from).field("host", &self.host).finish_non_exhaustive()
    }
}

/// A value that is absent when it is the empty text.
fn unless_empty<'de, D: serde::Deserializer<'de>, T: std::str::FromStr<Err: Display>>(
    from: D,
) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(from)?;
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(serde::de::Error::custom) }
}

/// Lays one table over another, key by key.
fn overlay(base: &mut toml::Table, over: toml::Table) {
    for (key, value) in over {
        match (base.get_mut(&key), value) {
            (Some(toml::Value::Table(base)), toml::Value::Table(over)) => overlay(base, over),
            (_, value) => _ = base.insert(key, value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_embedded_defaults_are_complete() {
        let config = Config::load(None).expect("loads");
        assert_eq!(config.domain, "localhost");
        assert_eq!(config.listen.http.len(), 2);
        assert_eq!(config.rest.to_spec().sleep_after_ms, 60_000);
        assert_eq!((config.listen.metrics, config.edge.requests_per_address), (None, 200));
    }

    #[test]
    fn a_file_needs_only_what_differs_and_misspellings_are_told() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("roost.toml");
        std::fs::write(&file, "domain = \"example.com\"\n[rest]\nsleep_after = 2.5\n").expect("writes");
        let config = Config::load(Some(&file)).expect("loads");
        assert_eq!((config.domain.as_str(), config.rest.idle_after), ("example.com", 5.0));
        assert_eq!(config.rest.to_spec().sleep_after_ms, 2_500);
        std::fs::write(&file, "domian = \"example.com\"\n").expect("writes");
        assert!(format!("{:#}", Config::load(Some(&file)).expect_err("is told")).contains("domian"));
    }
}
