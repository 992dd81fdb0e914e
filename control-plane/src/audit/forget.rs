//! The one thing that changes lines of the audit: an account is erased, and nothing may tell any more who it was.

use sqlx::{Any, Row as _, Transaction};

use crate::error::Result;

/// Puts another word in the place of an account's mail address, in lines about the teams it was in and their projects.
/// Lines of others are none of its business, whatever address they bear.
pub async fn forget_address(
    tx: &mut Transaction<'static, Any>,
    account: &str,
    email: &str,
    instead: &str,
) -> Result<()> {
    // Who left a team is no member any more, but did something there: at the least, joined it.
    let sql = "SELECT id, text FROM audit WHERE LOWER(text) LIKE $2 ESCAPE '!' AND team_id IN (
           SELECT m.team_id FROM member m WHERE m.account_id = $1
           UNION SELECT a.team_id FROM audit a WHERE a.account_id = $1 AND a.team_id IS NOT NULL
           UNION SELECT i.team_id FROM invitation i WHERE i.email = $3)";
    let pattern = super::list::pattern(email);
    let rows = sqlx::query(sql).bind(account).bind(pattern).bind(email).fetch_all(&mut **tx).await?;
    for row in rows {
        let (id, text): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let text = without_address(&text, email, instead);
        sqlx::query("UPDATE audit SET text = $1 WHERE id = $2").bind(text).bind(id).execute(&mut **tx).await?;
    }
    Ok(())
}

/// Removes an account's own lines, and from those about teams and projects that it was the one.
pub async fn forget_account(tx: &mut Transaction<'static, Any>, account: &str) -> Result<()> {
    for sql in [
        "DELETE FROM audit WHERE account_id = $1 AND project_id IS NULL AND team_id IS NULL",
        "UPDATE audit SET account_id = NULL, address = NULL, via = NULL WHERE account_id = $1",
    ] {
        sqlx::query(sql).bind(account).execute(&mut **tx).await?;
    }
    Ok(())
}

/// A sentence with something else where that address stands as a whole, however it is written.
fn without_address(text: &str, email: &str, instead: &str) -> String {
    let (lower, email) = (text.to_ascii_lowercase(), email.to_ascii_lowercase());
    let mut told = String::with_capacity(text.len());
    let mut rest = 0;
    for (start, found) in lower.match_indices(&email) {
        let end = start + found.len();
        if !goes_on_before(&lower[..start]) && !goes_on_after(&lower[end..]) {
            told.push_str(&text[rest..start]);
            told.push_str(instead);
            rest = end;
        }
    }
    told.push_str(&text[rest..]);
    told
}

/// Whether an address that seems to begin here began before.
fn goes_on_before(before: &str) -> bool {
    before.chars().next_back().is_some_and(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~.@".contains(c))
}

/// Whether an address that seems to end here goes on. A full stop may be the sentence's.
fn goes_on_after(after: &str) -> bool {
    let in_domain = |c: char| c.is_alphanumeric() || c == '-' || c == '@';
    let mut chars = after.chars();
    match chars.next() {
        Some('.') => chars.next().is_some_and(in_domain),
        next => next.is_some_and(in_domain),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::database::Database;

    #[test]
    fn an_address_goes_as_a_whole_only() {
        let told = |text: &str| without_address(text, "ann@example.com", "nobody");
        assert_eq!(told("ann@example.com joined as admin"), "nobody joined as admin");
        assert_eq!(told("Asked for Ann@Example.com."), "Asked for nobody.");
        assert_eq!(told("ann@example.com, ann@example.com"), "nobody, nobody");
        for other in [
            "joann@example.com",
            "jo.ann@example.com",
            "ann@example.company",
            "ann@example.com.au",
            "é-ann@example.com",
        ] {
            assert_eq!(told(other), other);
        }
    }

    #[tokio::test]
    async fn only_lines_of_teams_it_was_in_lose_an_address() {
        let dir = tempfile::tempdir().expect("a directory");
        let database = Database::open(&Database::sqlite_url(dir.path())).await.expect("opens");
        let mut tx = database.begin().await.expect("begins");
        for sql in [
            "INSERT INTO team VALUES ('in', 'in', 0), ('left', 'left', 0), ('never', 'never', 0)",
            "INSERT INTO account (id, email, name, password_hash, operator, created_ms)
               VALUES ('ann', 'ann@example.com', '', '!', 0, 0)",
            "INSERT INTO member VALUES ('in', 'ann', 'viewer')",
            "INSERT INTO audit (id, at_ms, account_id, team_id, kind, text) VALUES
               ('1', 0, 'bob', 'in', 'invited', 'ann@example.com was invited'),
               ('2', 0, 'ann', 'left', 'joined', 'ann@example.com joined'),
               ('3', 0, 'bob', 'left', 'member_removed', 'ann@example.com was removed'),
               ('4', 0, 'eve', 'never', 'renamed', 'The team is called ann@example.com now'),
               ('5', 0, 'eve', NULL, 'email_asked', 'Asked for ann@example.com as the mail address'),
               ('6', 0, 'ann', NULL, 'signed_in', 'Signed in')",
        ] {
            sqlx::query(sql).execute(&mut *tx).await.expect(sql);
        }
        forget_address(&mut tx, "ann", "ann@example.com", "nobody").await.expect("is forgotten");
        forget_account(&mut tx, "ann").await.expect("is forgotten");
        let rows = sqlx::query("SELECT id, text, account_id FROM audit ORDER BY id").fetch_all(&mut *tx).await;
        let rows = rows.expect("are there");
        let changed = |row: &sqlx::any::AnyRow| row.get::<String, _>(1).contains("nobody");
        let ids: Vec<String> = rows.iter().filter(|row| changed(row)).map(|row| row.get(0)).collect();
        assert_eq!(ids, ["1", "2", "3"]);
        assert_eq!(rows.len(), 5, "its own line is gone");
        assert!(rows.iter().all(|row| row.get::<Option<String>, _>(2).as_deref() != Some("ann")));
    }
}
