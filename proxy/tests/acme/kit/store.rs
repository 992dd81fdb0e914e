//! A store in memory that may be shared by several processes, each of which may be killed at any call.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use proxy::acme::store::{ChallengeAnswer, ChallengeKind, Held, Ordered, Store, Stored, Tries};

/// What is told of every answer before it counts as put down.
type Listener = Box<dyn Fn(ChallengeAnswer) -> BoxFuture<'static, ()> + Send + Sync>;

/// One process's view of the store.
#[derive(Default)]
pub struct Memory {
    shared: Arc<Mutex<Shared>>,
    /// How many calls are left to this process, if it is to die.
    left: Option<AtomicI64>,
    calls: AtomicU64,
    listener: Option<Listener>,
}

#[derive(Default)]
struct Shared {
    accounts: BTreeMap<String, String>,
    certificates: BTreeMap<String, Held>,
    tries: BTreeMap<String, Tries>,
    answers: Vec<ChallengeAnswer>,
    leases: BTreeMap<String, (String, i64)>,
    orders: Vec<Ordered>,
}

impl Memory {
    pub fn new() -> Arc<Memory> {
        Arc::new(Memory::default())
    }

    /// The same store for another process, which lives as long as it likes.
    pub fn again(&self) -> Arc<Memory> {
        Arc::new(Memory { shared: self.shared.clone(), ..Memory::default() })
    }

    /// The same store for a process that dies after that many calls.
    pub fn doomed(&self, calls: i64) -> Arc<Memory> {
        let left = Some(AtomicI64::new(calls));
        Arc::new(Memory { shared: self.shared.clone(), left, ..Memory::default() })
    }

    pub fn telling(
        listener: impl Fn(ChallengeAnswer) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Arc<Memory> {
        Arc::new(Memory { listener: Some(Box::new(listener)), ..Memory::default() })
    }

    pub fn is_dead(&self) -> bool {
        self.left.as_ref().is_some_and(|left| left.load(SeqCst) < 0)
    }

    pub fn calls(&self) -> u64 {
        self.calls.load(SeqCst)
    }

    pub fn held(&self, name: &str) -> Option<Held> {
        self.shared.lock().expect("unpoisoned").certificates.get(name).cloned()
    }

    pub fn put(&self, held: Held) {
        self.shared.lock().expect("unpoisoned").certificates.insert(held.name.clone(), held);
    }

    pub fn put_tries(&self, tries: Tries) {
        self.shared.lock().expect("unpoisoned").tries.insert(tries.name.clone(), tries);
    }

    pub fn tries_of(&self, name: &str) -> Tries {
        self.shared.lock().expect("unpoisoned").tries.get(name).cloned().unwrap_or_default()
    }

    pub fn answers_left(&self) -> usize {
        self.shared.lock().expect("unpoisoned").answers.len()
    }

    pub fn has_lease(&self, name: &str) -> bool {
        self.shared.lock().expect("unpoisoned").leases.contains_key(name)
    }

    fn call<T: Send + 'static>(&self, call: impl FnOnce(&mut Shared) -> T) -> Stored<'_, T> {
        self.calls.fetch_add(1, SeqCst);
        let is_alive = self.left.as_ref().is_none_or(|left| left.fetch_sub(1, SeqCst) > 0);
        let result = match is_alive {
            true => Ok(call(&mut self.shared.lock().expect("unpoisoned"))),
            false => Err("killed".into()),
        };
        Box::pin(std::future::ready(result))
    }
}

impl Store for Memory {
    fn account<'a>(&'a self, issuer: &'a str) -> Stored<'a, Option<String>> {
        self.call(|shared| shared.accounts.get(issuer).cloned())
    }

    fn keep_account<'a>(&'a self, issuer: &'a str, credentials: String) -> Stored<'a, String> {
        self.call(|shared| shared.accounts.entry(issuer.into()).or_insert(credentials).clone())
    }

    fn forget_account<'a>(&'a self, issuer: &'a str) -> Stored<'a, ()> {
        self.call(|shared| drop(shared.accounts.remove(issuer)))
    }

    fn certificates(&self) -> Stored<'_, Vec<Held>> {
        self.call(|shared| shared.certificates.values().cloned().collect())
    }

    fn certificate<'a>(&'a self, name: &'a str) -> Stored<'a, Option<Held>> {
        self.call(|shared| shared.certificates.get(name).cloned())
    }

    fn keep_certificate(&self, held: Held) -> Stored<'_, ()> {
        self.call(|shared| drop(shared.certificates.insert(held.name.clone(), held)))
    }

    fn plan_renewal<'a>(&'a self, name: &'a str, renew_ms: i64, ask_ms: i64) -> Stored<'a, ()> {
        self.call(|shared| {
            let held = shared.certificates.get_mut(name).expect("a certificate to plan for");
            (held.renew_ms, held.ask_ms) = (renew_ms, ask_ms);
        })
    }

    fn forget<'a>(&'a self, name: &'a str) -> Stored<'a, ()> {
        self.call(|shared| {
            shared.certificates.remove(name);
            shared.tries.remove(name);
        })
    }

    fn tries(&self) -> Stored<'_, Vec<Tries>> {
        self.call(|shared| shared.tries.values().cloned().collect())
    }

    fn keep_tries(&self, tries: Tries) -> Stored<'_, ()> {
        self.call(|shared| drop(shared.tries.insert(tries.name.clone(), tries)))
    }

    fn put_answer(&self, answer: ChallengeAnswer) -> Stored<'_, ()> {
        let told = self.listener.as_ref().map(|tell| tell(answer.clone()));
        let put = self.call(|shared| shared.answers.push(answer));
        Box::pin(async {
            if let Some(told) = told {
                told.await;
            }
            put.await
        })
    }

    fn answers<'a>(&'a self, kind: ChallengeKind, name: &'a str) -> Stored<'a, Vec<ChallengeAnswer>> {
        let is_asked = move |answer: &&ChallengeAnswer| answer.kind == kind && answer.name == name;
        self.call(|shared| shared.answers.iter().filter(is_asked).cloned().collect())
    }

    fn remove_answers<'a>(&'a self, name: &'a str) -> Stored<'a, ()> {
        self.call(|shared| shared.answers.retain(|answer| answer.name != name))
    }

    fn lease<'a>(&'a self, name: &'a str, owner: &'a str, now_ms: i64, until_ms: i64) -> Stored<'a, bool> {
        self.call(|shared| {
            let is_others = |(holder, until): &(String, i64)| holder != owner && *until > now_ms;
            if shared.leases.get(name).is_some_and(is_others) {
                return false;
            }
            shared.leases.insert(name.into(), (owner.into(), until_ms));
            true
        })
    }

    fn release<'a>(&'a self, name: &'a str, owner: &'a str) -> Stored<'a, ()> {
        self.call(|shared| shared.leases.retain(|held, (holder, _)| held != name || holder != owner))
    }

    fn note_order(&self, order: Ordered) -> Stored<'_, ()> {
        self.call(|shared| shared.orders.push(order))
    }

    fn orders_since(&self, since_ms: i64) -> Stored<'_, Vec<Ordered>> {
        self.call(|shared| shared.orders.iter().filter(|order| order.at_ms >= since_ms).cloned().collect())
    }
}
