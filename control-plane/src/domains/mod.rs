//! Projects' own domains: what a customer is told to set, what is found, and how far a name has come.
//!
//! A name passes `dnsWait → verifying → issuing → live`, or ends in `failed`; every state has a deadline. It is claimed
//! once everything about it is right: from then on it has a route, and only names with a route are ever certified.

pub mod api;
pub mod checks;
pub mod keeper;
pub mod lookout;
mod name;
mod notices;
pub mod progress;
pub mod store;

use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use lookout::Domains;
pub use name::{DomainName, InvalidDomain};

/// Domains a project may have.
pub const MOST: i64 = 20;

/// A domain as the console shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Domain {
    /// In lower case and ASCII.
    pub name: String,
    /// How far it has come.
    pub state: DomainState,
    /// Why it waits for a proof, does not get a certificate, or failed: a stable code.
    pub reason: Option<String>,
    /// The same in a sentence; the certificate authority's own words where it refused.
    pub message: Option<String>,
    /// Since when it is in this state, in milliseconds since the epoch, like the others.
    pub since_ms: i64,
    /// When the state is given up. Of a live domain: when its certificate ends; of a failed one: when it is removed.
    pub deadline_ms: i64,
    /// When its DNS was last looked at.
    pub looked_ms: Option<i64>,
    /// When it was added.
    pub created_ms: i64,
    /// What to set. Where a CNAME is listed it stands for A and AAAA together: set either.
    pub records: Vec<DnsRecord>,
    /// What was found at the last look.
    pub checks: Vec<Check>,
    /// Its certificate, once there is one.
    pub certificate: Option<CertificateFacts>,
}

/// How far a domain has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub enum DomainState {
    /// Its records do not lead here yet.
    DnsWait,
    /// They do; now port 80 and the rights to a certificate are looked at.
    Verifying,
    /// It is this project's, and a certificate is under way.
    Issuing,
    /// It serves.
    Live,
    /// It was given up; the reason says why.
    Failed,
}

/// A record to be set at the domain's DNS provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct DnsRecord {
    /// Its type.
    pub kind: RecordKind,
    /// The whole name it stands at.
    pub name: String,
    /// The value, exactly.
    pub wanted: String,
}

/// A record's type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names say it")]
pub enum RecordKind {
    A,
    Aaaa,
    Cname,
    Txt,
}

/// What was found about a domain, beside what is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Check {
    /// What was looked at.
    pub kind: CheckKind,
    /// Whether it is right.
    pub state: CheckState,
    /// The values found.
    pub found: Vec<String>,
    /// The value wanted, where there is one.
    pub wanted: Option<String>,
    /// A sentence.
    pub message: String,
}

/// What is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckKind {
    /// Its IPv4 addresses.
    A,
    /// Its IPv6 addresses.
    Aaaa,
    /// Which certificate authorities it permits.
    Caa,
    /// Whether port 80 under this name is ours.
    Http,
    /// The proof that it is the customer's.
    Txt,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum CheckState {
    /// As it should be.
    Ok,
    /// Something else is there.
    Wrong,
    /// Nothing is there.
    Missing,
    /// Not known yet.
    Waiting,
}

/// What there is to say about a certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CertificateFacts {
    /// The name of the authority in the settings.
    pub issuer: String,
    /// When it ends.
    pub expires_ms: i64,
    /// When it is to be renewed.
    pub renew_ms: i64,
}

impl DomainState {
    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            DomainState::DnsWait => "dns_wait",
            DomainState::Verifying => "verifying",
            DomainState::Issuing => "issuing",
            DomainState::Live => "live",
            DomainState::Failed => "failed",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> DomainState {
        use DomainState::{DnsWait, Issuing, Live, Verifying};
        let states = [DnsWait, Verifying, Issuing, Live];
        states.into_iter().find(|state| state.name() == name).unwrap_or(DomainState::Failed)
    }
}

impl Domain {
    /// Puts together what is stored and where the domain has to point.
    pub fn new(row: store::Row, addresses: &[IpAddr], project_host: &str) -> Domain {
        Domain {
            records: records(&row, addresses, project_host),
            name: row.name.to_string(),
            state: row.state,
            reason: row.reason,
            message: row.message,
            since_ms: row.since_ms,
            deadline_ms: row.deadline_ms,
            looked_ms: row.looked_ms,
            created_ms: row.created_ms,
            checks: row.checks,
            certificate: row.certificate,
        }
    }
}

/// Where the proof that a name is the customer's stands.
pub fn proof_name(name: &str) -> String {
    format!("_roost.{name}")
}

/// What to set: addresses, the alternative where there may be one, and the proof if one is needed.
fn records(row: &store::Row, addresses: &[IpAddr], project_host: &str) -> Vec<DnsRecord> {
    let record = |kind, wanted: String| DnsRecord { kind, name: row.name.to_string(), wanted };
    let mut records: Vec<DnsRecord> = addresses
        .iter()
        .map(|address| record(if address.is_ipv4() { RecordKind::A } else { RecordKind::Aaaa }, address.to_string()))
        .collect();
    if !row.name.is_apex() {
        records.push(record(RecordKind::Cname, project_host.to_owned()));
    }
    if let Some(proof) = row.checks.iter().find(|check| check.kind == CheckKind::Txt) {
        let wanted = proof.wanted.clone().unwrap_or_default();
        records.push(DnsRecord { kind: RecordKind::Txt, name: proof_name(row.name.as_str()), wanted });
    }
    records
}
