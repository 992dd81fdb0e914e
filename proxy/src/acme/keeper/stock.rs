//! What is held: read from the store, counted, and forgotten when nobody wants it any more.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError};

use tokio::task::yield_now;
use tokio::time::Instant;

use super::Keeper;
use crate::BoxError;
use crate::acme::budget;
use crate::acme::handle::Overview;
use crate::acme::order::Authority;
use crate::acme::plan::{Known, host};
use crate::certificates::Certificate;

/// How many certificates are read before others may use the thread.
const READ_AT_ONCE: usize = 50;

impl Keeper {
    /// Looks at everything in the store: at the start, and now and then for what other processes put there.
    pub(super) async fn reread(&mut self) {
        let times = &self.desk.options.times;
        let (reread, elsewhere) = (times.reread, times.elsewhere);
        match self.try_reread().await {
            Ok(()) => {
                self.has_read = true;
                self.reread_at = Instant::now() + reread;
            }
            Err(cause) => {
                tracing::error!("could not read the certificates: {cause}");
                self.reread_at = Instant::now() + elsewhere;
            }
        }
        self.front.news.send_replace(());
    }

    async fn try_reread(&mut self) -> Result<(), BoxError> {
        let store = self.desk.options.store.clone();
        let tries = store.tries().await?;
        let held = store.certificates().await?;

        let mut stored = HashMap::with_capacity(held.len());
        let mut fresh = Vec::new();
        for held in held {
            let name: Arc<str> = held.name.as_str().into();
            let known = Known::from(&held);
            let is_same =
                |before: &Known| (before.obtained_ms, before.expires_ms) == (held.obtained_ms, held.expires_ms);
            if !self.known.get(&name).is_some_and(is_same) {
                match Certificate::from_pem(&name, &held.chain_pem, &held.key_pem) {
                    Ok(certificate) => fresh.push((held.name, certificate)),
                    Err(cause) => {
                        tracing::error!("the stored certificate of {name} cannot be used: {cause}");
                        continue;
                    }
                }
                if fresh.len() % READ_AT_ONCE == 0 {
                    yield_now().await;
                }
            }
            stored.insert(name, known);
        }
        if !fresh.is_empty() {
            self.front.certificates.issue(fresh);
        }
        for gone in self.known.keys().filter(|name| !stored.contains_key(*name)) {
            self.front.certificates.withdraw(gone);
        }
        self.known = stored;
        self.tries = tries.into_iter().map(|tries| (tries.name.as_str().into(), tries)).collect();
        let now = self.now();
        for (name, tries) in self.tries.iter().filter(|(_, tries)| tries.next_ms > now) {
            self.front.refuse(name, Some(tries.next_ms));
        }
        if self.has_read {
            self.forget_unwanted().await?;
        }
        self.count_budget().await;
        Ok(())
    }

    /// Forgets what no route wants any more: certificates once they have ended, failures at once.
    async fn forget_unwanted(&mut self) -> Result<(), BoxError> {
        let now = self.now();
        let ended = self.known.iter().filter(|(_, known)| known.expires_ms < now).map(|(name, _)| name);
        let failed = self.tries.keys().filter(|name| !self.known.contains_key(*name));
        let unwanted = |name: &&Arc<str>| !self.wanted.contains_key(*name) && !self.busy.contains(host(name));
        let names: Vec<Arc<str>> = ended.chain(failed).filter(unwanted).cloned().collect();
        for name in names {
            self.desk.options.store.forget(&name).await?;
            self.front.certificates.withdraw(&name);
            self.front.refuse(&name, None);
            self.known.remove(&name);
            self.tries.remove(&name);
            self.retried.remove(&name);
        }
        Ok(())
    }

    /// Counts what the first authority would still take.
    pub(super) async fn count_budget(&mut self) {
        let options = &self.desk.options;
        let now = options.now();
        let Some(first) = options.issuers.first() else { return };
        match options.store.orders_since(budget::counted_since(&options.budget, now)).await {
            Ok(placed) => self.budget_left = options.budget.left(&placed, &first.name, now),
            Err(cause) => tracing::error!("could not count the orders: {cause}"),
        }
    }

    /// How it stands with everything that is wanted.
    pub(super) fn overview(&self, now: i64, queue: Vec<Arc<str>>) -> Overview {
        let tally = self.desk.tally.lock().unwrap_or_else(PoisonError::into_inner);
        let sent = |authority: &Authority| (authority.issuer.name.clone(), authority.line.requests());
        let mut overview = Overview {
            orders: tally.clone(),
            requests: self.desk.authorities.iter().map(sent).collect(),
            budget_left: self.budget_left,
            queue,
            ..Overview::default()
        };
        for name in self.wanted.keys() {
            overview.failing += usize::from(self.tries.get(name).is_some_and(|tries| tries.error.is_some()));
            let Some(known) = self.known.get(name) else {
                overview.missing += usize::from(!self.front.certificates.has_file_for(name));
                continue;
            };
            match known.expires_ms > now {
                true => overview.valid += 1,
                false => overview.expired += 1,
            }
            overview.due += usize::from(known.expires_ms > now && known.due_ms() <= now);
            let first = overview.first_expiry_ms.get_or_insert(known.expires_ms);
            *first = known.expires_ms.min(*first);
        }
        overview
    }
}
