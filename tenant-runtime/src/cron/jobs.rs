//! The jobs every backend has.

use chrono::{DateTime, TimeDelta, Utc};
use rusqlite::Connection;

use super::Schedule;
use crate::app::App;
use crate::backups;
use crate::error::Result;
use crate::mail::template;
use crate::records::datetime;
use crate::schema::Schema;
use crate::schema::auth_options::AuthOptions;
use crate::settings::Settings;
use crate::superusers;

/// A job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Job {
    /// Moves the logs of the databases into them and looks after the statistics queries are planned by.
    OptimizeDatabase,
    /// Removes half-finished sign-ins.
    RemoveOldMfas,
    /// Removes one-time passwords that are no longer good.
    RemoveOldOtps,
    /// Removes old log entries.
    RemoveOldLogs,
    /// Makes a backup, if the settings say when.
    Backup,
    /// Forgets what was counted for rate limits, once something was.
    ForgetRates,
}

impl Job {
    /// All of them, in the order they are listed.
    pub const ALL: [Job; 6] = [
        Job::OptimizeDatabase,
        Job::RemoveOldMfas,
        Job::RemoveOldOtps,
        Job::RemoveOldLogs,
        Job::Backup,
        Job::ForgetRates,
    ];

    /// The name stock servers give it.
    pub fn id(self) -> &'static str {
        match self {
            Job::OptimizeDatabase => "__pbDBOptimize__",
            Job::RemoveOldMfas => "__pbMFACleanup__",
            Job::RemoveOldOtps => "__pbOTPCleanup__",
            Job::RemoveOldLogs => "__pbLogsCleanup__",
            Job::Backup => "__pbAutoBackup__",
            Job::ForgetRates => "__pbRateLimitersCleanup__",
        }
    }

    /// When it is due; never without a schedule.
    pub fn schedule(self, settings: &Settings) -> Option<Schedule> {
        let text = match self {
            Job::OptimizeDatabase => "0 0 * * *",
            Job::RemoveOldMfas | Job::RemoveOldOtps => "0 * * * *",
            Job::RemoveOldLogs => "0 */6 * * *",
            Job::Backup => &settings.backups.cron,
            Job::ForgetRates => "2 * * * *",
        };
        text.parse().ok()
    }

    /// Whether a job that fell due has not been done since it last did.
    pub(super) async fn is_still_due(self, app: &App, now: DateTime<Utc>) -> bool {
        match self {
            Job::Backup => {
                let Some(made) = backups::newest_automatic(app).await else { return true };
                let next = self.schedule(&app.settings()).and_then(|schedule| schedule.next_after(made));
                next.is_some_and(|due| due <= now)
            }
            _ => true,
        }
    }

    /// Does it. Failures are told to the log.
    pub async fn run(self, app: &App) {
        let done = match self {
            Job::OptimizeDatabase => optimize(app).await,
            Job::RemoveOldMfas => remove_expired(app, "_mfas", |auth| auth.mfa.duration).await,
            Job::RemoveOldOtps => remove_expired(app, "_otps", |auth| auth.otp.duration).await,
            Job::RemoveOldLogs => app.logs().remove_unwanted().await,
            Job::Backup => backups::create_automatic(app).await,
            Job::ForgetRates => {
                app.rate_windows().forget_ended(Utc::now().timestamp());
                Ok(())
            }
        };
        if let Err(error) = done {
            app.logs().failed(&format!("The job {} failed", self.id()), &error);
            if self == Job::Backup {
                alert_superusers(app, "Autobackup failure", &error.to_string()).await;
            }
        }
    }
}

/// Mails all superusers, as far as mail goes out.
async fn alert_superusers(app: &App, what: &str, text: &str) {
    let addresses = app.store().read(superusers::addresses).await.unwrap_or_default();
    for address in addresses {
        let mail = template::alert(&app.settings(), &address, what, text);
        if let Err(error) = app.send(&mail).await {
            tracing::debug!("a superuser was not told of a failure: {error}");
        }
    }
}

async fn optimize(app: &App) -> Result<()> {
    app.logs().database().await?.optimize().await?;
    app.store().optimize().await
}

/// Removes what is older than its collection lets it live.
async fn remove_expired(app: &App, table: &'static str, lifetime: fn(&AuthOptions) -> i64) -> Result<()> {
    let oldest = oldest_valid(&app.schema(), lifetime, Utc::now());
    let known = oldest.clone();
    let any = app.store().read(move |db| expired(db, table, &known)).await?;
    // Nothing is written unless there is something to remove.
    if any {
        app.store().write(move |tx| remove(tx, table, &oldest)).await?;
    }
    Ok(())
}

/// The moment before which a record of each auth collection is no longer good.
fn oldest_valid(schema: &Schema, lifetime: fn(&AuthOptions) -> i64, now: DateTime<Utc>) -> Vec<[String; 2]> {
    let auth = schema.iter().filter_map(|collection| Some((collection.id.clone(), collection.auth.as_ref()?)));
    auth.filter_map(|(id, options)| {
        let oldest = now.checked_sub_signed(TimeDelta::try_seconds(lifetime(options))?)?;
        Some([id, datetime::format(oldest)])
    })
    .collect()
}

fn expired(db: &Connection, table: &str, oldest: &[[String; 2]]) -> Result<bool> {
    let sql = format!("SELECT EXISTS (SELECT 1 FROM `{table}` WHERE `collectionRef` = ?1 AND `created` < ?2)");
    let mut statement = db.prepare_cached(&sql)?;
    for limit in oldest {
        if statement.query_row(limit.each_ref(), |row| row.get(0))? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn remove(db: &Connection, table: &str, oldest: &[[String; 2]]) -> Result<()> {
    let sql = format!("DELETE FROM `{table}` WHERE `collectionRef` = ?1 AND `created` < ?2");
    let mut statement = db.prepare_cached(&sql)?;
    for limit in oldest {
        statement.execute(limit.each_ref())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_too_old_goes() {
        let db = Connection::open_in_memory().expect("a database");
        db.execute_batch(
            "CREATE TABLE `_otps` (`collectionRef` TEXT, `created` TEXT);
             INSERT INTO `_otps` VALUES ('a', '2024-05-01 10:00:00.000Z'), ('a', '2024-05-01 10:00:01.000Z'), ('b', '');",
        )
        .expect("prepares");
        let oldest = [["a".to_owned(), "2024-05-01 10:00:01.000Z".to_owned()]];
        assert!(expired(&db, "_otps", &oldest).expect("asks"));
        remove(&db, "_otps", &oldest).expect("removes");
        assert!(!expired(&db, "_otps", &oldest).expect("asks"));
        let left: i64 = db.query_row("SELECT count(*) FROM `_otps`", [], |row| row.get(0)).expect("counts");
        assert_eq!(left, 2);
    }

    #[test]
    fn the_backup_is_due_when_the_settings_say_so() {
        let mut settings = Settings::default();
        assert!(Job::Backup.schedule(&settings).is_none());
        settings.backups.cron = "@daily".to_owned();
        assert_eq!(Job::Backup.schedule(&settings).expect("is due").as_str(), "0 0 * * *");
    }
}
