//! What is wished of a tenant and what is seen of it: the messages of the admin API.

use std::fmt;
use std::str::FromStr;

use rand::RngExt;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The whole wish for one tenant. Sending it twice changes nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantSpec {
    /// Which tenant.
    pub id: TenantId,
    /// Whose turn it is to hold the data; see [`Generation`].
    pub generation: Generation,
    /// Whether it may run.
    pub state: Wanted,
    /// How far it is kept from the others.
    #[serde(default)]
    pub isolation: Isolation,
    /// How much it may use.
    #[serde(default)]
    pub limits: Limits,
    /// How soon it rests.
    #[serde(default)]
    pub rest: Rest,
    /// Where its users reach it, such as `https://blog.example.com`.
    pub public_url: String,
    /// What it calls itself until its owner chooses another name.
    pub app_name: String,
    /// Who may administer it from the first moment. Read only when the tenant is created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_superuser: Option<FirstSuperuser>,
}

/// Whether a tenant may run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Wanted {
    /// It wakes for any request.
    Running,
    /// It never wakes and answers 403 `suspended`.
    Suspended {
        /// Why, in words its users may read.
        reason: String,
    },
}

/// How far a tenant is kept from the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Isolation {
    /// In the host's own process.
    #[default]
    Shared,
    /// In a process of its own. A host that cannot do so refuses the wish rather than share silently.
    Process,
}

/// How much a tenant may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Limits {
    /// Requests in a second, with a burst of twice as many; any number when absent.
    pub requests_per_second: Option<u32>,
    /// Requests being answered at once, subscriptions apart.
    pub concurrent_requests: u32,
    /// Bytes of one request's body.
    pub body_bytes: u64,
    /// Bytes of its databases, pages that are free for reuse apart; `u64::MAX` for no bound.
    pub database_bytes: u64,
    /// Bytes of its files; `u64::MAX` for no bound.
    pub storage_bytes: u64,
    /// Event streams open at once.
    pub realtime_connections: u32,
}

impl Default for Limits {
    /// What a self-hosted project gets: no rate, and bounds that only a mistake or an attack meets.
    fn default() -> Limits {
        const GIB: u64 = 1 << 30;
        Limits {
            requests_per_second: None,
            concurrent_requests: 256,
            body_bytes: 2 * GIB,
            database_bytes: 10 * GIB,
            storage_bytes: 100 * GIB,
            realtime_connections: 1_000,
        }
    }
}

/// How soon a tenant rests after its last request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rest {
    /// Then it gives back its caches.
    pub idle_after_ms: u64,
    /// Then it is closed.
    pub sleep_after_ms: u64,
}

impl Default for Rest {
    fn default() -> Rest {
        Rest { idle_after_ms: 5_000, sleep_after_ms: 60_000 }
    }
}

/// The superuser a tenant is created with.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FirstSuperuser {
    /// Its e-mail address.
    pub email: String,
    /// Its bcrypt hash: the password itself never travels.
    pub password_hash: String,
}

impl fmt::Debug for FirstSuperuser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FirstSuperuser").field("email", &self.email).finish_non_exhaustive()
    }
}

/// What a host sees of one of its tenants. Reading it wakes nobody.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TenantReport {
    /// Which tenant.
    pub id: TenantId,
    /// The generation the host holds.
    pub generation: Generation,
    /// What it does now.
    pub state: TenantState,
    /// Since when, in milliseconds since the epoch.
    pub since_ms: i64,
    /// Bytes of its databases when last measured.
    pub database_bytes: u64,
    /// What of it counts: pages free for reuse apart, and what waits in the log.
    #[serde(default)]
    pub database_used: u64,
    /// Bytes of its files.
    pub storage_bytes: u64,
    /// Requests since the host started, those refused apart.
    pub requests: u64,
    /// How long it was awake since the host started.
    #[serde(default)]
    pub awake_ms: u64,
    /// Mails it sent without a server of its own since the host started.
    #[serde(default)]
    pub mails: u64,
    /// Event streams that are open.
    #[serde(default)]
    pub realtime_connections: u32,
    /// When the last request came.
    pub last_request_ms: Option<i64>,
    /// Why it is held or does not start.
    pub reason: Option<String>,
}

/// What a tenant does now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum TenantState {
    /// Closed; nothing but an entry in a map.
    Asleep,
    /// Being opened.
    Waking,
    /// Open.
    Awake,
    /// Open, with its caches given back.
    Idle,
    /// Closed, and kept so.
    Held,
    /// It could not be opened; the next try comes after a pause.
    NotStarting,
    /// It could not be opened because its files are damaged.
    Damaged,
}

/// A tenant's name among all hosts, for ever: 15 characters of `a-z0-9`, so also a safe name of a directory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TenantId([u8; TenantId::LENGTH]);

impl TenantId {
    const LENGTH: usize = 15;
    const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

    /// A new one.
    pub fn generate() -> TenantId {
        let mut random = rand::rng();
        TenantId(std::array::from_fn(|_| Self::ALPHABET[random.random_range(0..Self::ALPHABET.len())]))
    }

    /// A number in which ids differ, for spreading them.
    pub(super) fn spread(self) -> usize {
        self.0.iter().fold(0, |sum, &byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("a tenant's id is ASCII from its making on")
    }
}

impl FromStr for TenantId {
    type Err = InvalidTenantId;

    fn from_str(text: &str) -> Result<TenantId, InvalidTenantId> {
        let bytes: [u8; Self::LENGTH] = text.as_bytes().try_into().map_err(|_| InvalidTenantId)?;
        let allowed = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if bytes.iter().all(allowed) { Ok(TenantId(bytes)) } else { Err(InvalidTenantId) }
    }
}

impl fmt::Display for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for TenantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for TenantId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for TenantId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<TenantId, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

/// Not 15 characters of `a-z0-9`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a tenant's id is 15 characters of a-z and 0-9")]
pub struct InvalidTenantId;

/// Counts the moves of a tenant between hosts, so that only one of them writes: a host serves a request only when it
/// carries the generation that the host holds, and takes no wish of a lower one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Generation(pub u64);

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Generation {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Generation, Self::Err> {
        text.parse().map(Generation)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_never_a_path() {
        for bad in [
            "",
            "..",
            "../../etc/passwd",
            "abcdefghijklm/.",
            "ABCDEFGHIJKLMNO",
            "abcdefghijklmn",
            "abcdefghijklmnop",
            "abcdefghijklmn\0",
        ] {
            assert_eq!(bad.parse::<TenantId>(), Err(InvalidTenantId), "{bad:?}");
        }
        let made = TenantId::generate();
        assert_eq!(made.as_str().parse(), Ok(made));
    }

    #[test]
    fn a_short_wish_gets_the_defaults() {
        let spec: TenantSpec = serde_json::from_value(serde_json::json!({
            "id": "abcdefghij12345", "generation": 3, "state": {"suspended": {"reason": "unpaid"}},
            "limits": {"concurrentRequests": 2}, "publicUrl": "http://a.localhost", "appName": "A",
        }))
        .expect("the message is complete");
        assert_eq!(spec.generation, Generation(3));
        assert_eq!(spec.isolation, Isolation::Shared);
        assert_eq!(spec.limits.concurrent_requests, 2);
        assert_eq!(spec.limits.requests_per_second, None);
        assert_eq!(spec.rest, Rest::default());
    }

    #[test]
    fn a_hash_is_not_logged() {
        let first = FirstSuperuser { email: "a@example.com".into(), password_hash: "secret-hash".into() };
        assert!(!format!("{first:?}").contains("secret-hash"));
    }
}
