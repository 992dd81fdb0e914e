//! What a node reported of a project, in the console's words.

use tenant_runtime::host::{TenantReport, TenantState};

use crate::database::number;
use crate::projects::ProjectState;

/// The latest report of a project.
#[derive(Clone, Debug, PartialEq)]
#[expect(missing_docs, reason = "as in the project the console shows")]
pub struct Seen {
    pub state: ProjectState,
    pub since_ms: i64,
    pub reason: Option<String>,
    /// Requests since the node started: what is stored counts those before.
    pub requests_since: i64,
    pub last_request_ms: Option<i64>,
    pub database_bytes: i64,
    pub storage_bytes: i64,
}

/// What a node counts of a project. Nothing the console shows by itself: it changes all the time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// How long it was awake since its node started.
    pub awake_ms: i64,
    /// Mails it sent since then through the platform.
    pub mails: i64,
    /// Event streams that are open.
    pub realtime: i64,
    /// Bytes of its database that count.
    pub database_used: i64,
}

impl Counters {
    /// Reads a report.
    pub fn of(report: &TenantReport) -> Counters {
        Counters {
            awake_ms: number(report.awake_ms),
            mails: number(report.mails),
            realtime: report.realtime_connections.into(),
            database_used: number(report.database_used),
        }
    }
}

impl Seen {
    /// Reads a report.
    pub fn of(report: &TenantReport) -> Seen {
        Seen {
            state: match report.state {
                TenantState::Asleep => ProjectState::Asleep,
                TenantState::Waking => ProjectState::Waking,
                TenantState::Awake | TenantState::Idle => ProjectState::Awake,
                TenantState::Held => ProjectState::Suspended,
                TenantState::NotStarting => ProjectState::NotStarting,
                TenantState::Damaged => ProjectState::Damaged,
            },
            since_ms: report.since_ms,
            reason: report.reason.clone(),
            requests_since: number(report.requests),
            last_request_ms: report.last_request_ms,
            database_bytes: number(report.database_bytes),
            storage_bytes: number(report.storage_bytes),
        }
    }

    /// The state's name in the database.
    pub fn state_name(&self) -> &'static str {
        NAMES.iter().find(|(state, _)| *state == self.state).map_or("asleep", |(_, name)| name)
    }

    /// The state of that name. Whoever was awake before a restart is asleep after it.
    pub fn state_from_name(name: &str) -> Option<ProjectState> {
        let (state, _) = NAMES.iter().find(|(_, known)| *known == name)?;
        Some(match state {
            ProjectState::Awake | ProjectState::Waking => ProjectState::Asleep,
            state => *state,
        })
    }
}

const NAMES: &[(ProjectState, &str)] = &[
    (ProjectState::Asleep, "asleep"),
    (ProjectState::Awake, "awake"),
    (ProjectState::Waking, "waking"),
    (ProjectState::Suspended, "suspended"),
    (ProjectState::NotStarting, "not_starting"),
    (ProjectState::Damaged, "damaged"),
];

impl Default for Seen {
    fn default() -> Seen {
        Seen {
            state: ProjectState::Creating,
            since_ms: 0,
            reason: None,
            requests_since: 0,
            last_request_ms: None,
            database_bytes: 0,
            storage_bytes: 0,
        }
    }
}
