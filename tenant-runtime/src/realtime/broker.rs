//! All connected clients of one backend, and the queue of changes they are still to hear of.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use tokio_util::sync::CancellationToken;

use super::client::{Client, Messages, State};
use crate::records::pattern::random_key;
use crate::schema::Collection;
use crate::store::Pool;

const ID_LENGTH: usize = 40;

/// Changes that clients are still to hear of. With more, writers outrun the rules that say who may hear.
const MOST_WAITING: usize = 8192;

/// The clients.
pub struct Broker {
    clients: RwLock<Clients>,
    /// Work that follows commits, in their order.
    later: Mutex<Later>,
    closing: CancellationToken,
}

type ById = HashMap<String, Arc<Client>>;

#[derive(Default)]
struct Clients {
    by_id: ById,
    /// Those with a topic of a collection, by the id or name the topic has.
    by_collection: HashMap<String, ById>,
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
        self.write().by_id.insert(client.id.clone(), Arc::clone(&client));
        (client, messages)
    }

    /// Forgets a client whose stream ended.
    pub fn disconnect(&self, id: &str) {
        let mut clients = self.write();
        if let Some(client) = clients.by_id.remove(id) {
            clients.unlist(&client);
        }
    }

    /// Replaces what a client listens to, and as whom.
    pub fn subscribe(&self, client: &Arc<Client>, state: State) {
        let mut clients = self.write();
        clients.unlist(client);
        // A client that left meanwhile stays forgotten.
        if clients.by_id.contains_key(&client.id) {
            for topic in state.topics.iter() {
                let listed = clients.by_collection.entry(topic.collection.clone()).or_default();
                listed.insert(client.id.clone(), Arc::clone(client));
            }
        }
        client.set(state);
    }

    /// The client with that id.
    pub fn find(&self, id: &str) -> Option<Arc<Client>> {
        self.read().by_id.get(id).cloned()
    }

    /// All clients.
    pub fn all(&self) -> Vec<Arc<Client>> {
        self.read().by_id.values().cloned().collect()
    }

    /// The clients with a topic of this collection.
    pub fn listeners(&self, collection: &Collection) -> Vec<Arc<Client>> {
        let clients = self.read();
        let by_id = clients.by_collection.get(&collection.id);
        let by_name = clients.by_collection.get(&collection.name);
        let others = by_name.into_iter().flat_map(ById::values);
        let others = others.filter(|client| by_id.is_none_or(|listed| !listed.contains_key(&client.id)));
        by_id.into_iter().flat_map(ById::values).chain(others).cloned().collect()
    }

    /// Whether anybody listens to this collection. Nearly always the answer is no, and it is cheap.
    pub fn has_listeners(&self, collection: &Collection) -> bool {
        let clients = self.read();
        clients.by_collection.contains_key(&collection.id) || clients.by_collection.contains_key(&collection.name)
    }

    /// Ends all streams; clients come back by themselves.
    pub fn close(&self) {
        self.closing.cancel();
    }

    /// Runs `work` on the pool after all that was given before. When too much waits, nobody hears of it: all streams end,
    /// and clients that come back know that they have missed something.
    pub(super) fn later(self: &Arc<Self>, pool: &Pool, work: impl FnOnce() + Send + 'static) {
        let mut later = self.lock();
        if later.work.len() >= MOST_WAITING {
            later.work.clear();
            drop(later);
            tracing::warn!("more changes than realtime clients can be told: their streams end");
            return self.all().iter().for_each(|client| client.cut());
        }
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

    fn read(&self) -> RwLockReadGuard<'_, Clients> {
        self.clients.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Clients> {
        self.clients.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Later> {
        self.later.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clients {
    fn unlist(&mut self, client: &Client) {
        for topic in client.state().topics.iter() {
            if let Some(listed) = self.by_collection.get_mut(&topic.collection) {
                listed.remove(&client.id);
                if listed.is_empty() {
                    self.by_collection.remove(&topic.collection);
                }
            }
        }
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
