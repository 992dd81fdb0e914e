//! One connected client: its topics, who it is, and the queue of what it has not read yet.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::Topic;
use crate::auth::Caller;

/// Messages a client may be behind before it is dropped.
const QUEUE: usize = 512;

/// An event for one client. The data is shared among all who get the same.
#[derive(Clone, Debug)]
pub struct Message {
    /// The event's name: the topic as the client wrote it.
    pub topic: Arc<str>,
    /// JSON.
    pub data: Bytes,
}

/// What a client has to read, in order.
pub type Messages = mpsc::Receiver<Message>;

/// A connected client.
pub struct Client {
    /// Forty letters and digits; who knows it may set its topics.
    pub id: String,
    /// Where it connected from.
    pub address: Option<IpAddr>,
    /// Ends its stream.
    pub gone: CancellationToken,
    queue: mpsc::Sender<Message>,
    state: Mutex<State>,
}

/// What a client listens to, and as whom.
#[derive(Clone, Default)]
pub struct State {
    /// Its topics.
    pub topics: Arc<[Topic]>,
    /// Who set them.
    pub caller: Caller,
}

impl Client {
    /// A client without topics, and what it will read.
    pub fn new(id: String, address: Option<IpAddr>, gone: CancellationToken) -> (Client, Messages) {
        let (queue, messages) = mpsc::channel(QUEUE);
        (Client { id, address, gone, queue, state: Mutex::default() }, messages)
    }

    /// What it listens to now.
    pub fn state(&self) -> State {
        self.lock().clone()
    }

    /// Replaces its topics and who it is.
    pub(super) fn set(&self, state: State) {
        *self.lock() = state;
    }

    /// Changes who it is, its topics staying.
    pub fn set_caller(&self, caller: Caller) {
        self.lock().caller = caller;
    }

    /// Queues a message. A client that does not read is dropped rather than waited for.
    pub fn send(&self, message: Message) {
        if self.queue.try_send(message).is_err() {
            tracing::debug!("a realtime client does not read and is dropped");
            self.cut();
        }
    }

    /// Ends its stream; it comes back by itself.
    pub(super) fn cut(&self) {
        self.gone.cancel();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
