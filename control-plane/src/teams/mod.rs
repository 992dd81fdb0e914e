//! Teams own projects. Every account has one of its own from the start and may be in others; the role says what a member
//! may do there.

pub mod api;
pub mod invitations;
pub mod store;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

pub use store::{create, own_team};

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
    Wake,
    SetSuperuser,
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
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Scope {
    Read,
    Write,
    Admin,
}

impl Role {
    /// The one table of who may do what. Which endpoint is which action says `access`.
    pub fn may(self, action: Action) -> bool {
        let least = match action {
            Action::View | Action::Leave => Role::Viewer,
            Action::Wake => Role::Developer,
            Action::SetSuperuser | Action::Create | Action::Rename => Role::Admin,
            Action::RenameTeam | Action::ManageTokens | Action::ManagePeople => Role::Admin,
            Action::Delete | Action::Transfer | Action::DeleteTeam => Role::Owner,
        };
        self >= least
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

impl Action {
    /// Whether it decides who has access. Programs never do.
    fn concerns_people(self) -> bool {
        use Action::{DeleteTeam, Leave, ManagePeople, ManageTokens, Transfer};
        matches!(self, ManagePeople | ManageTokens | Transfer | DeleteTeam | Leave)
    }
}

impl Scope {
    /// Whether a token of this scope may do that, if its account may.
    pub fn may(self, action: Action) -> bool {
        match self {
            Scope::Read => Role::Viewer.may(action) && !action.concerns_people(),
            Scope::Write => Role::Developer.may(action) && !action.concerns_people(),
            Scope::Admin => !action.concerns_people(),
        }
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

    const ACTIONS: &[Action] = &[
        Action::View,
        Action::Wake,
        Action::SetSuperuser,
        Action::Create,
        Action::Rename,
        Action::RenameTeam,
        Action::ManageTokens,
        Action::ManagePeople,
        Action::Delete,
        Action::Transfer,
        Action::DeleteTeam,
        Action::Leave,
    ];

    #[test]
    fn higher_roles_may_do_what_lower_ones_may() {
        let roles = [Role::Viewer, Role::Developer, Role::Admin, Role::Owner];
        for pair in roles.windows(2) {
            for action in ACTIONS {
                assert!(!pair[0].may(*action) || pair[1].may(*action), "{pair:?} {action:?}");
            }
        }
        assert!(!Role::Viewer.may(Action::Wake) && !Role::Admin.may(Action::Delete));
        assert_eq!(Role::from_name("no such role"), Role::Viewer);
    }

    #[test]
    fn no_token_decides_who_has_access() {
        for action in ACTIONS.iter().filter(|action| action.concerns_people()) {
            for scope in [Scope::Read, Scope::Write, Scope::Admin] {
                assert!(!scope.may(*action), "{scope:?} {action:?}");
            }
        }
        assert!(Scope::Read.may(Action::View) && !Scope::Read.may(Action::Wake));
        assert!(Scope::Write.may(Action::Wake) && !Scope::Write.may(Action::Rename));
        assert!(Scope::Admin.may(Action::Delete));
        assert_eq!(Scope::from_name("no such scope"), Scope::Read);
    }
}
