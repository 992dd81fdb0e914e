//! What handlers and background work share.

use std::sync::Arc;

use tokio::sync::broadcast;

use crate::accounts::hashing::Hashing;
use crate::accounts::tries::Tries;
use crate::backups::Target;
use crate::config::Config;
use crate::database::Database;
use crate::fleet::Fleet;
use crate::fleet::routes::Publisher;
use crate::fleet::urls::Urls;
use crate::jobs::Jobs;

/// The platform's parts; clones share them.
#[derive(Clone)]
pub struct Platform(Arc<Parts>);

/// See the field's types.
pub struct Parts {
    pub config: Config,
    pub urls: Urls,
    pub database: Database,
    pub hashing: Hashing,
    pub tries: Tries,
    pub jobs: Jobs,
    pub fleet: Fleet,
    pub routes: Publisher,
    /// Where backups are kept.
    pub backups: Target,
    /// Ids of projects that look different now, for the console's event streams.
    pub changes: broadcast::Sender<String>,
}

impl Platform {
    pub fn new(parts: Parts) -> Platform {
        Platform(Arc::new(parts))
    }

    /// Tells whoever watches that a project changed.
    pub fn changed(&self, project: &str) {
        let _ = self.changes.send(project.to_owned());
    }
}

impl std::ops::Deref for Platform {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}
