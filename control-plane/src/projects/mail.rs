//! Mail of projects that have no mail server of their own: it leaves through the platform's, so much a day and no more.
//!
//! It is sent in the platform's name, with the project's beside it, and answers go to the project: a server only vouches
//! for addresses of its own.

use std::sync::Arc;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use tenant_runtime::host::TenantId;
use tenant_runtime::mail::{Mail as ProjectMail, MailError, Outbox};

use crate::clock;
use crate::config::Config;
use crate::database::Database;
use crate::mail::{Mail, Sender};

const DAY_MS: i64 = 86_400_000;

/// Takes the mails of one project.
struct Quota {
    project: TenantId,
    config: Arc<Config>,
    database: Database,
}

/// What hands out a place for mail to each project.
pub fn outboxes(config: &Config, database: &Database) -> impl Fn(TenantId) -> Arc<dyn Outbox> + Send + Sync + use<> {
    let (config, database) = (Arc::new(config.clone()), database.clone());
    move |project| Arc::new(Quota { project, config: Arc::clone(&config), database: database.clone() })
}

impl Outbox for Quota {
    fn take<'a>(&'a self, mail: &'a ProjectMail) -> BoxFuture<'a, Result<(), MailError>> {
        self.send(mail).boxed()
    }
}

impl Quota {
    async fn send(&self, mail: &ProjectMail) -> Result<(), MailError> {
        let most = self.config.projects.mails_per_day;
        if !self.count(most).await.map_err(|error| MailError::Failed(error.to_string()))? {
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

    /// Counts a mail, unless there were enough today.
    async fn count(&self, most: i64) -> sqlx::Result<bool> {
        let (id, today) = (self.project.to_string(), clock::now_ms() / DAY_MS);
        if most <= 0 {
            return Ok(false);
        }
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
