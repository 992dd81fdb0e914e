//! What people are told about backups.

use sqlx::{Any, Transaction};

use crate::error::Result;
use crate::mail::{self, Mail};
use crate::state::Platform;
use crate::teams;

/// Mails those who look after a project that a backup failed.
pub(super) async fn tell_of_failure(
    platform: &Platform,
    tx: &mut Transaction<'static, Any>,
    project: &str,
    reason: &str,
) -> Result<()> {
    let named: Option<(String, String)> =
        sqlx::query_as("SELECT name, slug FROM project WHERE id = $1").bind(project).fetch_optional(&mut **tx).await?;
    let Some((name, slug)) = named else { return Ok(()) };
    let sentence = format!(
        "A backup of {name} failed: {reason} The project itself works on, and we try again by ourselves. Backups that \
         were proven before are still there."
    );
    let link = format!("{}/p/{slug}/backups", platform.urls.console());
    for address in teams::keepers(tx, project).await? {
        let subject = format!("A backup of {name} failed");
        mail::enqueue(tx, &Mail::of_platform(&address, &subject, &sentence, "See the backups", &link)).await?;
    }
    Ok(())
}
