//! Teams own projects. Every account has one of its own from the start and may be in others; the role says what a member
//! may do there.

pub mod api;
pub mod invitations;
pub mod store;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use store::{create, keepers, own_team, owners};

/// What a member of a team is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Role {
    Viewer,
    Developer,
    Admin,
    Owner,
}

/// What can be done to a team, its people and its projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Action {
    View,
    ReadLogs,
    /// And putting to sleep.
    Wake,
    BackUp,
    Restore,
    Download,
    Import,
    SetSuperuser,
    ManageDomains,
    GrantSupport,
    Create,
    Rename,
    RenameTeam,
    ManageTokens,
    ManagePeople,
    Delete,
    Transfer,
    DeleteTeam,
    /// What everybody may do who is in the team, as a person: to leave it.
    Leave,
}

/// What a token may do at most of what its account may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Scope {
    Read,
    Write,
    Admin,
}

impl Action {
    /// The one table of who may do what: the least role of a person, and the least scope of a token. No token does what
    /// decides who has access. Which endpoint is which action says `access`.
    pub fn least(self) -> (Role, Option<Scope>) {
        match self {
            Action::View => (Role::Viewer, Some(Scope::Read)),
            Action::ReadLogs => (Role::Developer, Some(Scope::Read)),
            Action::Wake | Action::BackUp => (Role::Developer, Some(Scope::Write)),
            Action::Restore | Action::Download | Action::Import => (Role::Admin, Some(Scope::Admin)),
            Action::SetSuperuser | Action::ManageDomains | Action::Create => (Role::Admin, Some(Scope::Admin)),
            Action::Rename | Action::RenameTeam => (Role::Admin, Some(Scope::Admin)),
            Action::Delete => (Role::Owner, Some(Scope::Admin)),
            Action::Leave => (Role::Viewer, None),
            Action::ManageTokens | Action::ManagePeople | Action::GrantSupport => (Role::Admin, None),
            Action::Transfer | Action::DeleteTeam => (Role::Owner, None),
        }
    }

    /// Whether an operator may do that with a project whose people let operators in. A superuser of theirs would outlive
    /// the grant, and so would one in a zip they bring, and the keys of tokens in one they take away.
    pub fn in_support(self) -> bool {
        use Action::{BackUp, ReadLogs, Restore, View, Wake};
        matches!(self, View | ReadLogs | Wake | BackUp | Restore)
    }
}

impl Role {
    /// Whether a member with this role may do that.
    pub fn may(self, action: Action) -> bool {
        self >= action.least().0
    }

    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Developer => "developer",
            Role::Admin => "admin",
            Role::Owner => "owner",
        }
    }

    /// The role of that name; an unknown one may only look.
    pub fn from_name(name: &str) -> Role {
        [Role::Owner, Role::Admin, Role::Developer].into_iter().find(|role| role.name() == name).unwrap_or(Role::Viewer)
    }
}

impl Scope {
    /// Whether a token of this scope may do that, if its account may.
    pub fn may(self, action: Action) -> bool {
        action.least().1.is_some_and(|least| self >= least)
    }

    /// The name in the database.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Write => "write",
            Scope::Admin => "admin",
        }
    }

    /// The scope of that name; an unknown one may only look.
    pub fn from_name(name: &str) -> Scope {
        [Scope::Admin, Scope::Write].into_iter().find(|scope| scope.name() == name).unwrap_or(Scope::Read)
    }
}

/// A team as one of its members sees it.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Team {
    /// Stable.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// What the account is in it.
    pub role: Role,
    /// How many people it has.
    pub members: i64,
    /// How many projects it has, deleted ones in their grace period included.
    pub projects: i64,
    /// Milliseconds since the epoch.
    pub created_ms: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_less_may_not_do_what_needs_more() {
        assert!(Role::Viewer.may(Action::View) && !Role::Viewer.may(Action::Wake));
        assert!(Role::Admin.may(Action::Rename) && !Role::Admin.may(Action::Delete));
        assert!(Role::Developer.may(Action::BackUp) && !Role::Developer.may(Action::Restore));
        assert!(Scope::Write.may(Action::Wake) && !Scope::Write.may(Action::Rename));
        assert!(!Scope::Admin.may(Action::ManagePeople) && !Scope::Admin.may(Action::Leave));
    }

    #[test]
    fn support_takes_away_nothing_that_outlives_it() {
        assert!(Role::Admin.may(Action::Download) && !Role::Developer.may(Action::Download));
        assert!(Action::Restore.in_support() && !Action::Download.in_support());
    }

    #[test]
    fn unknown_names_mean_the_least() {
        assert_eq!(Role::from_name("no such role"), Role::Viewer);
        assert_eq!(Scope::from_name("no such scope"), Scope::Read);
    }
}
