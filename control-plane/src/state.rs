//! What handlers and background work share.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::accounts::hashing::Hashing;
use crate::accounts::providers::Providers;
use crate::accounts::tries::Tries;
use crate::backups::Target;
use crate::config::Config;
use crate::database::Database;
use crate::domains::{DomainName, Domains};
use crate::fleet::Fleet;
use crate::fleet::routes::Publisher;
use crate::fleet::urls::Urls;
use crate::jobs::Jobs;
use crate::operator::pace::Pace;
use crate::plans::Plans;
use crate::usage::Usage;

/// The platform's parts; clones share them.
#[derive(Clone)]
pub struct Platform(Arc<Parts>);

/// See the field's types.
pub struct Parts {
    pub config: Config,
    /// When this process began to serve, in milliseconds since the epoch.
    pub started_ms: i64,
    pub urls: Urls,
    pub database: Database,
    pub plans: Plans,
    pub hashing: Hashing,
    pub tries: Tries,
    pub providers: Providers,
    pub jobs: Jobs,
    pub fleet: Fleet,
    pub routes: Publisher,
    pub domains: Domains,
    pub usage: Usage,
    pub pace: Pace,
    /// Where backups are kept.
    pub backups: Target,
    /// What looks different now, for the console's event streams.
    pub changes: broadcast::Sender<Change>,
}

/// What the console shows and looks different now.
#[derive(Clone, Debug)]
pub enum Change {
    /// The project of that id.
    Project(String),
    /// A domain of the project of that id.
    Domain { project: String, name: DomainName },
    /// The job of that id.
    Job(String),
}

impl Platform {
    pub fn new(parts: Parts) -> Platform {
        Platform(Arc::new(parts))
    }

    /// Tells whoever watches that a project changed.
    pub fn changed(&self, project: &str) {
        let _ = self.changes.send(Change::Project(project.to_owned()));
    }

    /// Tells whoever watches that a project's domain changed, came or went.
    pub fn domain_changed(&self, project: &str, name: &DomainName) {
        let _ = self.changes.send(Change::Domain { project: project.to_owned(), name: name.clone() });
    }

    /// Tells whoever watches that a job changed.
    pub fn job_changed(&self, id: &str) {
        let _ = self.changes.send(Change::Job(id.to_owned()));
    }
}

impl std::ops::Deref for Platform {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
