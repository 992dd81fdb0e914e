//! The settings: `ops/roost.toml` is the documentation and what the program loads.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context;
use ipnet::IpNet;
use proxy::{Bounds, PerAddress};
use serde::Deserialize;
use tenant_runtime::outbound::Network;

use crate::operator::disk::Mark;
use crate::plans::{self, Plan};

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
    pub default_plan: String,
    pub unverified: Unverified,
    pub plans: BTreeMap<String, Plan>,
    pub grace_days: u32,
    pub listen: Listen,
    pub tls: Tls,
    pub acme: Acme,
    pub domains: Domains,
    pub edge: Edge,
    pub rest: Rest,
    pub projects: Projects,
    pub disk: Disk,
    pub backups: Backups,
    pub mail: Mail,
    pub sign_in: SignIn,
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

/// What holds until somebody proves a mail address.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "ops/roost.toml explains each")]
pub struct Unverified {
    pub projects: i64,
    pub database_mb: u64,
    pub storage_mb: u64,
    pub egress_gb: u64,
    pub mails: bool,
    pub domains: bool,
    pub teams: bool,
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

/// Certificates that come by themselves.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "ops/roost.toml explains each")]
pub struct Acme {
    pub email: String,
    pub directory: String,
    pub root: PathBuf,
    pub eab_kid: String,
    pub eab_key: String,
    pub profile: String,
    pub wildcard: bool,
    pub second: Authority,
}

/// A certificate authority.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "ops/roost.toml explains each")]
pub struct Authority {
    pub directory: String,
    pub root: PathBuf,
    pub eab_kid: String,
    pub eab_key: String,
}

/// Projects' own domains.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "ops/roost.toml explains each")]
pub struct Domains {
    pub addresses: Vec<IpAddr>,
    pub resolvers: Vec<SocketAddr>,
    pub http_port: u16,
    pub dns_wait_days: u32,
    pub quarantine_days: u32,
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
    pub purge_most: i64,
    pub purge_share: i64,
}

/// What stops while the disk is nearly full.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "ops/roost.toml explains each")]
pub struct Disk {
    pub stop_projects_below: Mark,
    pub stop_writes_below: Mark,
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
    pub least_interval: u64,
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

/// Ways to sign in beside the password.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "ops/roost.toml explains each")]
pub struct SignIn {
    pub github: GitHub,
    pub oidc: Oidc,
}

/// An application at GitHub.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "ops/roost.toml explains each")]
pub struct GitHub {
    pub client_id: String,
    pub client_secret: String,
}

/// A client at a provider of OpenID Connect.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "ops/roost.toml explains each")]
pub struct Oidc {
    pub name: String,
    pub issuer: String,
    pub client_id: String,
    pub client_secret: String,
    pub auth_url: String,
    pub token_url: String,
    pub user_info_url: String,
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
    /// The defaults, overlaid by a file if one is given and by `ROOST_<KEY>` for texts of the top level.
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
        if let Some(toml::Value::Table(plans)) = settings.get_mut("plans") {
            plans::complete(plans)?;
        }
        let config: Config = settings.try_into().context("understand the settings")?;
        plans::check(&config.plans, &config.default_plan)?;
        Ok(config)
    }

    /// Fills in where to listen if nothing was said: for the world when certificates come by themselves, else for this
    /// machine alone.
    pub fn settle_listeners(&mut self) {
        if !self.listen.http.is_empty() || !self.listen.https.is_empty() {
            return;
        }
        if self.acme.is_on() {
            // Where there is IPv6, its socket takes IPv4 as well.
            let everywhere = match TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0)) {
                Ok(_) => IpAddr::from(Ipv6Addr::UNSPECIFIED),
                Err(_) => Ipv4Addr::UNSPECIFIED.into(),
            };
            self.listen.http = vec![(everywhere, 80).into()];
            self.listen.https = vec![(everywhere, 443).into()];
        } else {
            self.listen.http = vec![(Ipv4Addr::LOCALHOST, 8080).into(), (Ipv6Addr::LOCALHOST, 8080).into()];
        }
    }

    /// Whether one certificate covers all projects under the domain: that takes a proof by DNS.
    pub fn wildcard(&self) -> bool {
        self.acme.is_on() && self.acme.wildcard && !self.listen.dns.is_empty()
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

impl Acme {
    /// Whether certificates come by themselves.
    pub fn is_on(&self) -> bool {
        !self.email.is_empty()
    }

    /// The authorities in the order they are asked.
    pub fn authorities(&self) -> Vec<Authority> {
        let first = Authority {
            directory: self.directory.clone(),
            root: self.root.clone(),
            eab_kid: self.eab_kid.clone(),
            eab_key: self.eab_key.clone(),
        };
        let mut authorities = vec![first, self.second.clone()];
        authorities.retain(|authority| !authority.directory.is_empty());
        authorities
    }
}

impl Authority {
    /// The host of its directory: what certificates and logs call it.
    pub fn name(&self) -> &str {
        let host = self.directory.split("://").nth(1).unwrap_or(&self.directory);
        host.split('/').next().unwrap_or(host)
    }

    /// The root to trust for its directory, if it is a private one's.
    pub fn root_pem(&self) -> anyhow::Result<Option<String>> {
        if self.root.as_os_str().is_empty() {
            return Ok(None);
        }
        std::fs::read_to_string(&self.root).map(Some).with_context(|| format!("read {}", self.root.display()))
    }
}

impl Domains {
    /// How long a domain's records may take to be set.
    pub fn dns_wait(&self) -> Duration {
        crate::clock::DAY * self.dns_wait_days
    }

    /// How long a name that was a project's is nobody else's without a proof.
    pub fn quarantine(&self) -> Duration {
        crate::clock::DAY * self.quarantine_days
    }
}

impl Rest {
    /// The same as a tenant's host takes it.
    pub fn to_spec(&self) -> tenant_runtime::host::Rest {
        let millis = |seconds: f64| Duration::try_from_secs_f64(seconds).map_or(0, |time| time.as_millis() as u64);
        tenant_runtime::host::Rest { idle_after_ms: millis(self.idle_after), sleep_after_ms: millis(self.sleep_after) }
    }
}

impl std::fmt::Debug for Acme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Acme").field("directory", &self.directory).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Authority").field("directory", &self.directory).finish_non_exhaustive()
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

impl std::fmt::Debug for GitHub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GitHub").field("client_id", &self.client_id).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Oidc {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Oidc").field("name", &self.name).field("client_id", &self.client_id).finish_non_exhaustive()
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
        assert_eq!(config.rest.to_spec().sleep_after_ms, 60_000);
        assert_eq!((config.listen.metrics, config.edge.requests_per_address), (None, 200));
    }

    #[test]
    fn with_an_e_mail_address_the_world_is_listened_to() {
        let mut config = Config::load(None).expect("loads");
        let mut world = config.clone();
        config.settle_listeners();
        assert!(config.listen.http.iter().all(|address| address.ip().is_loopback()) && config.listen.https.is_empty());
        world.acme.email = "ops@example.com".to_owned();
        world.settle_listeners();
        assert!(world.listen.http.iter().all(|address| address.ip().is_unspecified() && address.port() == 80));
        assert!(world.listen.https.iter().all(|address| address.ip().is_unspecified() && address.port() == 443));
        assert!(!world.wildcard());
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
