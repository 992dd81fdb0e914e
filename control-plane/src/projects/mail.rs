//! Mail of projects that have no mail server of their own: it leaves through the platform's, so much a day and no more.
//!
//! It is sent in the platform's name, with the project's beside it, and answers go to the project: a server only vouches
//! for addresses of its own.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tenant_runtime::host::TenantId;
use tenant_runtime::mail::{Mail as ProjectMail, MailError, Outbox};

use crate::accounts::unverified;
use crate::clock::{self, DAY_MS};
use crate::config::Config;
use crate::database::Database;
use crate::mail::{Mail, Sender};
use crate::plans::Plans;

/// Takes the mails of one project.
struct Quota {
    project: TenantId,
    config: Arc<Config>,
    plans: Plans,
    database: Database,
}

/// What hands out a place for mail to each project.
pub fn outboxes(
    config: &Config,
    plans: &Plans,
    database: &Database,
) -> impl Fn(TenantId) -> Arc<dyn Outbox> + Send + Sync + use<> {
    let (config, plans, database) = (Arc::new(config.clone()), plans.clone(), database.clone());
    move |project| {
        let (config, plans, database) = (Arc::clone(&config), plans.clone(), database.clone());
        Arc::new(Quota { project, config, plans, database })
    }
}

impl Outbox for Quota {
    fn take<'a>(&'a self, mail: &'a ProjectMail) -> BoxFuture<'a, Result<(), MailError>> {
        self.send(mail).boxed()
    }
}

impl Quota {
    async fn send(&self, mail: &ProjectMail) -> Result<(), MailError> {
        let failed = |error: sqlx::Error| MailError::Failed(error.to_string());
        let (id, db) = (self.project.to_string(), self.database.read());
        if !unverified::may_mail(&self.config, db, &id, &mail.to).await.map_err(failed)? {
            let reason = "until an owner of this project confirms a mail address, it sends mails to its owners only";
            return Err(MailError::Failed(reason.to_owned()));
        }
        let most = self.most().await.map_err(failed)?;
        if !self.count(most).await.map_err(failed)? {
            let reason =
                format!("this project has sent the {most} mails it may send today without a server of its own");
            return Err(MailError::Failed(reason));
        }
        let sender = Sender { name: mail.from_name.clone(), answers_to: mail.from_address.clone() };
        Mail::of_project(sender, &mail.to, &mail.subject, &mail.text, &mail.html)
            .deliver(&tenant_runtime::random_id(15), &self.config, &self.database)
            .await
            .map_err(|error| {
                tracing::warn!("failed to send a mail of project {}: {error:#}", self.project);
                MailError::Failed("the platform's mail server did not take it".to_owned())
            })
    }

    /// How many mails the project's plan grants it a day.
    async fn most(&self) -> sqlx::Result<i64> {
        let sql = "SELECT plan, plan_overrides FROM project WHERE id = $1";
        let row: Option<(Option<String>, Option<String>)> =
            sqlx::query_as(sql).bind(self.project.to_string()).fetch_optional(self.database.read()).await?;
        let (plan, overrides) = row.unwrap_or_default();
        let most = self.plans.now().grant(plan.as_deref(), overrides.as_deref()).figures.mails_per_day;
        Ok(if most == 0 { i64::MAX } else { i64::from(most) })
    }

    /// Counts a mail, unless there were enough today.
    async fn count(&self, most: i64) -> sqlx::Result<bool> {
        let (id, today) = (self.project.to_string(), clock::now_ms() / DAY_MS);
        sqlx::query("DELETE FROM project_mail WHERE project_id = $1 AND day < $2")
            .bind(&id)
            .bind(today)
            .execute(self.database.write())
            .await?;
        let sql = "INSERT INTO project_mail (project_id, day, count) VALUES ($1, $2, 1)
            ON CONFLICT (project_id, day) DO UPDATE SET count = project_mail.count + 1 WHERE project_mail.count < $3";
        let counted = sqlx::query(sql).bind(&id).bind(today).bind(most).execute(self.database.write()).await?;
        Ok(counted.rows_affected() > 0)
    }
}
