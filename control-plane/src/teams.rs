//! Teams own projects. Every account has one of its own from the start; the role says what a member may do.

use sqlx::{Any, AnyPool, Transaction};

use crate::accounts::Account;
use crate::clock;
use crate::error::Result;

/// What a member of a team is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Role {
    Viewer,
    Developer,
    Admin,
    Owner,
}

/// What can be done to a team's projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Action {
    View,
    Wake,
    BackUp,
    Restore,
    SetSuperuser,
    Create,
    Rename,
    Delete,
}

impl Role {
    /// The one table of who may do what.
    pub fn may(self, action: Action) -> bool {
        let least = match action {
            Action::View => Role::Viewer,
            Action::Wake | Action::BackUp => Role::Developer,
            Action::Restore | Action::SetSuperuser | Action::Create | Action::Rename => Role::Admin,
            Action::Delete => Role::Owner,
        };
        self >= least
    }

    fn name(self) -> &'static str {
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

/// Makes an account's own team.
pub async fn create_personal(tx: &mut Transaction<'static, Any>, account: &Account) -> Result<()> {
    let id = tenant_runtime::random_id(15);
    sqlx::query("INSERT INTO team (id, name, created_ms) VALUES ($1, $2, $3)")
        .bind(&id)
        .bind(&account.email)
        .bind(clock::now_ms())
        .execute(&mut **tx)
        .await?;
    sqlx::query("INSERT INTO member (team_id, account_id, role) VALUES ($1, $2, $3)")
        .bind(&id)
        .bind(&account.id)
        .bind(Role::Owner.name())
        .execute(&mut **tx)
        .await?;
    Ok(())
}

/// The team in which an account creates projects: the one it owns.
pub async fn own_team(db: &AnyPool, account: &str) -> Result<String> {
    let sql = "SELECT team_id FROM member WHERE account_id = $1 AND role = 'owner' ORDER BY team_id LIMIT 1";
    Ok(sqlx::query_scalar(sql).bind(account).fetch_one(db).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn higher_roles_may_do_what_lower_ones_may() {
        let roles = [Role::Viewer, Role::Developer, Role::Admin, Role::Owner];
        let actions = [
            Action::View,
            Action::Wake,
            Action::BackUp,
            Action::Restore,
            Action::SetSuperuser,
            Action::Create,
            Action::Rename,
            Action::Delete,
        ];
        for pair in roles.windows(2) {
            for action in actions {
                assert!(!pair[0].may(action) || pair[1].may(action), "{pair:?} {action:?}");
            }
        }
        assert!(!Role::Viewer.may(Action::Wake) && !Role::Admin.may(Action::Delete));
        assert_eq!(Role::from_name("no such role"), Role::Viewer);
    }
}
