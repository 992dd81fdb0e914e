//! Projects: what a customer owns. A project is a wish; the fleet makes it true.

pub mod api;
pub mod lock_out;
mod logs;
pub mod mail;
pub mod purge;
pub mod sleep;
mod slug;
pub mod store;
pub mod support;

use serde::Serialize;
use utoipa::ToSchema;

use crate::state::Platform;
use crate::teams::Role;
use crate::usage;
use crate::usage::limits::LimitUse;

pub use slug::Slug;

/// A project as the console shows it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Project {
    /// Stable.
    pub id: String,
    /// The first label of its address.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// What it is doing.
    pub state: ProjectState,
    /// Since when, in milliseconds since the epoch.
    pub state_since_ms: i64,
    /// Why it is suspended, not starting or damaged.
    pub reason: Option<String>,
    /// The address SDKs are given.
    pub endpoint: String,
    /// Milliseconds since the epoch, like the others.
    pub created_ms: i64,
    /// When the first request of all came.
    pub first_request_ms: Option<i64>,
    /// When the latest came.
    pub last_request_ms: Option<i64>,
    /// How many came.
    pub requests: i64,
    /// Size of its database.
    pub database_bytes: i64,
    /// Size of its files.
    pub storage_bytes: i64,
    /// Until when a deleted project can be brought back.
    pub deleted_until_ms: Option<i64>,
    /// The id of the team it belongs to.
    pub team_id: String,
    /// What the account may do with it.
    pub role: Role,
    /// How much it uses of what its plan grants.
    pub limits: Vec<LimitUse>,
}

/// What a project is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum ProjectState {
    Creating,
    Awake,
    Asleep,
    Waking,
    Suspended,
    NotStarting,
    Damaged,
    Deleted,
}

impl ProjectState {
    /// The name in the API.
    pub fn name(self) -> &'static str {
        match self {
            ProjectState::Creating => "creating",
            ProjectState::Awake => "awake",
            ProjectState::Asleep => "asleep",
            ProjectState::Waking => "waking",
            ProjectState::Suspended => "suspended",
            ProjectState::NotStarting => "notStarting",
            ProjectState::Damaged => "damaged",
            ProjectState::Deleted => "deleted",
        }
    }
}

/// What is wished of a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// To serve.
    Active,
    /// To answer with a reason.
    Suspended,
    /// To be gone; its data stays for the grace period.
    Deleted,
}

impl Wish {
    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Wish::Active => "active",
            Wish::Suspended => "suspended",
            Wish::Deleted => "deleted",
        }
    }

    /// The wish of that name.
    pub fn from_name(name: &str) -> Wish {
        match name {
            "suspended" => Wish::Suspended,
            "deleted" => Wish::Deleted,
            _ => Wish::Active,
        }
    }
}

impl Project {
    /// Puts together what is wished and what is seen.
    pub fn new(platform: &Platform, row: store::Row, role: Role) -> Project {
        let limits = usage::limits_of(platform, &row);
        let seen = platform.fleet.seen(&row.id).or(row.seen);
        let state = match (row.wish, &seen) {
            (Wish::Deleted, _) => ProjectState::Deleted,
            (Wish::Suspended, _) => ProjectState::Suspended,
            (Wish::Active, None) => ProjectState::Creating,
            (Wish::Active, Some(seen)) => seen.state,
        };
        let seen = seen.unwrap_or_default();
        let reason = if row.wish == Wish::Suspended { row.suspended_reason } else { seen.reason };
        Project {
            endpoint: platform.urls.project(&row.slug),
            id: row.id,
            slug: row.slug,
            name: row.name,
            state,
            state_since_ms: if seen.since_ms > 0 { seen.since_ms } else { row.created_ms },
            reason,
            created_ms: row.created_ms,
            first_request_ms: row.first_request_ms.or(seen.last_request_ms),
            last_request_ms: seen.last_request_ms.or(row.last_request_ms),
            requests: row.requests + seen.requests_since,
            database_bytes: seen.database_bytes,
            storage_bytes: seen.storage_bytes,
            deleted_until_ms: row.deleted_until_ms,
            team_id: row.team_id,
            role,
            limits,
        }
    }
}
