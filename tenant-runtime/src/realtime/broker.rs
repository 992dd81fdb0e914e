//! All connected clients of one backend, and the queue of changes they are still to hear of.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use tokio_util::sync::CancellationToken;

use super::client::{Client, Messages};
use crate::records::pattern::random_key;
use crate::schema::Collection;
use crate::store::Pool;

const ID_LENGTH: usize = 40;

/// The clients.
pub struct Broker {
    clients: RwLock<HashMap<String, Arc<Client>>>,
    /// Work that follows commits, in their order.
    later: Mutex<Later>,
    closing: CancellationToken,
}

type Work = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Later {
    work: VecDeque<Work>,
    running: bool,
}

impl Broker {
    /// Connects a client.
    pub fn connect(&self, address: Option<IpAddr>) -> (Arc<Client>, Messages) {
        let (client, messages) = Client::new(random_key(ID_LENGTH), address, self.closing.child_token());
        let client = Arc::new(client);
        let mut clients = self.clients.write().unwrap_or_else(PoisonError::into_inner);
        clients.insert(client.id.clone(), Arc::clone(&client));
        (client, messages)
    }

    /// Forgets a client whose stream ended.
    pub fn disconnect(&self, id: &str) {
        self.clients.write().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// The client with that id.
    pub fn find(&self, id: &str) -> Option<Arc<Client>> {
        self.clients.read().unwrap_or_else(PoisonError::into_inner).get(id).cloned()
    }

    /// All clients.
    pub fn all(&self) -> Vec<Arc<Client>> {
        self.clients.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Whether somebody might listen to a record of this collection. Nearly always the answer is no, and it is cheap.
    pub fn has_listeners(&self, collection: &Collection, record: &str) -> bool {
        let clients = self.clients.read().unwrap_or_else(PoisonError::into_inner);
        clients.values().any(|client| {
            client.state().topics.iter().any(|topic| {
                (topic.collection == collection.id || topic.collection == collection.name)
                    && topic.record.as_deref().is_none_or(|wanted| wanted == record)
            })
        })
    }

    /// Ends all streams; clients come back by themselves.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Runs `work` on the pool after all that was given before.
    pub(super) fn later(self: &Arc<Self>, pool: &Pool, work: impl FnOnce() + Send + 'static) {
        let mut later = self.lock();
        later.work.push_back(Box::new(work));
        if !std::mem::replace(&mut later.running, true) {
            drop(later);
            let broker = Arc::clone(self);
            pool.spawn_detached(move || broker.work());
        }
    }

    fn work(&self) {
        loop {
            let Some(work) = self.lock().next() else { return };
            if std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err() {
                tracing::error!("telling realtime clients panicked");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Later> {
        self.later.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Later {
    fn next(&mut self) -> Option<Work> {
        let next = self.work.pop_front();
        self.running = next.is_some();
        next
    }
}

impl Default for Broker {
    fn default() -> Broker {
        Broker { clients: RwLock::default(), later: Mutex::default(), closing: CancellationToken::new() }
    }
}
