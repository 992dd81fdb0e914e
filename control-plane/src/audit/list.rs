//! Looking the audit up: of what, what of it, and which page.

use serde::{Deserialize, Serialize};
use sqlx::{AnyPool, Row as _};
use utoipa::{IntoParams, ToSchema};

use crate::error::Result;
use crate::page;

/// Whose lines.
pub enum Of<'a> {
    Project(&'a str),
    Team(&'a str),
    /// What an account did, and what was done to it, outside of teams and within.
    Account(&'a str),
    Everything,
}

/// Which of them.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct Filter {
    /// Part of the sentence, of the mail address, of the token's name or of the client's address.
    pub search: String,
    /// Only lines of this kind, such as `renamed`.
    pub kind: String,
    /// Only what the account with this id did.
    pub by: String,
    /// `next` of the page before.
    pub before: String,
}

/// A line of the audit.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditLine {
    /// Stable.
    pub id: String,
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// A stable word such as `renamed`.
    pub kind: String,
    /// A sentence.
    pub text: String,
    /// The account that did it; nobody's for what the platform did by itself.
    pub by: Option<String>,
    /// That account's mail address, while there is one.
    pub email: Option<String>,
    /// The name of the token, if a program did it.
    pub via: Option<String>,
    /// From where.
    pub address: Option<String>,
    /// The slug of the project it is about, while there is one.
    pub project: Option<String>,
    /// The name of the team it is about, while there is one.
    pub team: Option<String>,
}

/// A page of the audit.
#[derive(Serialize, ToSchema)]
pub struct AuditPage {
    /// Newest first.
    pub items: Vec<AuditLine>,
    /// For `before`, if there are older ones.
    pub next: Option<String>,
}

/// A page of lines, newest first. That projects slept and woke is not among them.
///
/// # Errors
/// `invalid_page` for a `before` that was never a `next`.
pub async fn list(db: &AnyPool, of: Of<'_>, filter: &Filter) -> Result<AuditPage> {
    let (condition, id) = match of {
        Of::Project(id) => ("a.project_id = $1", id),
        Of::Team(id) => ("a.team_id = $1", id),
        Of::Account(id) => ("a.account_id = $1", id),
        Of::Everything => ("$1 = ''", ""),
    };
    let (before_ms, before_id) = page::begin(&filter.before)?;
    let sql = format!(
        "SELECT a.id, a.at_ms, a.kind, a.text, a.account_id, c.email, a.via, a.address, p.slug, t.name AS team
         FROM audit a LEFT JOIN account c ON c.id = a.account_id LEFT JOIN project p ON p.id = a.project_id
           LEFT JOIN team t ON t.id = a.team_id
         WHERE {condition} AND a.kind NOT IN ('slept', 'woke')
           AND ($2 = '' OR a.kind = $2) AND ($3 = '' OR a.account_id = $3)
           AND ($4 = '' OR LOWER(a.text) LIKE $4 ESCAPE '!' OR c.email LIKE $4 ESCAPE '!'
             OR LOWER(a.via) LIKE $4 ESCAPE '!' OR a.address LIKE $4 ESCAPE '!')
           AND (a.at_ms < $5 OR (a.at_ms = $5 AND a.id < $6))
         ORDER BY a.at_ms DESC, a.id DESC LIMIT $7"
    );
    let rows = sqlx::query(sqlx::AssertSqlSafe(sql))
        .bind(id)
        .bind(filter.kind.as_str())
        .bind(filter.by.as_str())
        .bind(pattern(&filter.search))
        .bind(before_ms)
        .bind(before_id)
        .bind(page::READ)
        .fetch_all(db)
        .await?;
    let mut items = rows.iter().map(line_from_row).collect::<sqlx::Result<Vec<AuditLine>>>()?;
    let next = page::end(&mut items, |line| (line.at_ms, line.id.as_str()));
    Ok(AuditPage { items, next })
}

fn line_from_row(row: &sqlx::any::AnyRow) -> sqlx::Result<AuditLine> {
    Ok(AuditLine {
        id: row.try_get("id")?,
        at_ms: row.try_get("at_ms")?,
        kind: row.try_get("kind")?,
        text: row.try_get("text")?,
        by: row.try_get("account_id")?,
        email: row.try_get("email")?,
        via: row.try_get("via")?,
        address: row.try_get("address")?,
        project: row.try_get("slug")?,
        team: row.try_get("team")?,
    })
}

/// What to compare with `LIKE`: the text anywhere, in lower case.
pub(super) fn pattern(search: &str) -> String {
    let search = search.trim().to_lowercase();
    if search.is_empty() {
        return search;
    }
    let escaped: String =
        search.chars().flat_map(|c| matches!(c, '%' | '_' | '!').then_some('!').into_iter().chain([c])).collect();
    format!("%{escaped}%")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_means_its_signs_literally() {
        assert_eq!(pattern(" 100% Mine_"), "%100!% mine!_%");
        assert_eq!(pattern("  "), "");
    }
}
