//! Everything that touches nodes: where projects live, what is wished of them there, and what is seen.

pub mod reconcile;
pub mod routes;
mod seen;
pub mod urls;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::Context as _;
use tenant_runtime::auth::TenantHasher;
use tenant_runtime::host::{NodeClient, TenantReport};
use tokio::sync::Notify;

use crate::state::Platform;

pub use seen::{Counters, Seen};

/// The one node of a single machine.
pub const LOCAL: &str = "local";

/// The nodes and the latest report of each project.
#[derive(Clone)]
pub struct Fleet(Arc<Inner>);

struct Inner {
    nodes: HashMap<String, NodeClient>,
    hasher: TenantHasher,
    seen: Mutex<HashMap<String, Seen>>,
    counters: Mutex<HashMap<String, Counters>>,
    /// How many of a project's requests since the node's start the database counts already.
    kept: Mutex<HashMap<String, i64>>,
    /// Rings when some wish changed.
    bell: Notify,
}

impl Fleet {
    /// A fleet of the node in this process.
    pub fn local(node: NodeClient, hasher: TenantHasher) -> Fleet {
        Fleet(Arc::new(Inner {
            nodes: HashMap::from([(LOCAL.to_owned(), node)]),
            hasher,
            seen: Mutex::default(),
            counters: Mutex::default(),
            kept: Mutex::default(),
            bell: Notify::new(),
        }))
    }

    /// Where a new project goes.
    pub fn place(&self) -> &'static str {
        LOCAL
    }

    /// The client of a node.
    pub fn node(&self, id: &str) -> anyhow::Result<&NodeClient> {
        self.0.nodes.get(id).with_context(|| format!("there is no node {id}"))
    }

    /// Where superusers' passwords are hashed.
    pub fn hasher(&self) -> &TenantHasher {
        &self.0.hasher
    }

    /// The latest report of a project, if there was one since the start.
    pub fn seen(&self, project: &str) -> Option<Seen> {
        let mut seen = self.lock().get(project).cloned()?;
        seen.requests_since -= self.kept_lock().get(project).copied().unwrap_or(0);
        Some(seen)
    }

    /// What a project's node counted last.
    pub fn counters(&self, project: &str) -> Option<Counters> {
        self.counters_lock().get(project).cloned()
    }

    /// Takes in a report and tells the console if it changes what is shown.
    pub fn see(&self, platform: &Platform, report: TenantReport) {
        let id = report.id.to_string();
        self.counters_lock().insert(id.clone(), Counters::of(&report));
        let changed = {
            let mut seen = self.lock();
            let next = Seen::of(&report);
            let changed = seen.get(&id) != Some(&next);
            seen.insert(id.clone(), next);
            changed
        };
        if changed {
            platform.changed(&id);
        }
    }

    /// Asks for a round of the reconciler.
    pub fn poke(&self) {
        self.0.bell.notify_one();
    }

    /// Notes that so many of a project's requests are counted in the database now.
    fn kept(&self, project: &str, requests: i64) {
        self.kept_lock().insert(project.to_owned(), requests);
    }

    fn all_seen(&self) -> Vec<(String, Seen)> {
        self.lock().iter().map(|(id, seen)| (id.clone(), seen.clone())).collect()
    }

    fn counters_lock(&self) -> MutexGuard<'_, HashMap<String, Counters>> {
        self.0.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kept_lock(&self) -> MutexGuard<'_, HashMap<String, i64>> {
        self.0.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Seen>> {
        self.0.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
