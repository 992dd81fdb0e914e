//! The keeper: compares the names that are wanted with the certificates that are held, and sees to the difference.
//!
//! One task owns all of this state, so a crowd of handshakes for one name cannot cause more than one order. It never
//! waits for an authority itself; whatever takes time runs beside it and reports back.

mod renewals;
mod stock;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use self::renewals::Answer;
use super::budget::Wait;
use super::desk::Desk;
use super::handle::{Front, Handle, Nudge};
use super::options::ms;
use super::order::Authority;
use super::plan::{self, Entry, Known, Queue, Task, host};
use super::store::{Held, Tries};
use super::work::{Finished, Job, work};
use super::{AcmeOptions, Event, Reason};
use crate::BoxError;
use crate::certificates::{Certificate, Certificates};
use crate::routes::{RouteTable, Tls};

/// How long changes of the route table are gathered before the whole of it is looked through.
const GATHER: Duration = Duration::from_millis(50);

/// How long a name rests after the store failed.
const REST: Duration = Duration::from_secs(60);

/// How often a name is tried again because somebody asks for it: authorities forgive one failure in that time.
const RETRY_EVERY: Duration = Duration::from_secs(12 * 60);

/// See the [module](self).
pub(crate) struct Keeper {
    desk: Arc<Desk>,
    front: Arc<Front>,
    nudges: mpsc::UnboundedReceiver<Nudge>,
    routes: watch::Receiver<Arc<RouteTable>>,
    /// The table `wanted` is from.
    seen: Option<Arc<RouteTable>>,
    /// Whose each wanted name is.
    wanted: BTreeMap<Arc<str>, String>,
    known: HashMap<Arc<str>, Known>,
    tries: HashMap<Arc<str>, Tries>,
    /// Not before then, for reasons that need not outlive the process.
    rests: HashMap<Arc<str>, i64>,
    /// When names were last tried again because somebody asked for it.
    retried: HashMap<Arc<str>, i64>,
    /// No new names before then: the budget is used up.
    full_until: i64,
    /// New names the first authority would still take.
    budget_left: usize,
    hurried: HashSet<Arc<str>>,
    /// The hosts that are worked for.
    busy: HashSet<String>,
    working: JoinSet<(Job, Finished)>,
    /// Names whose authority is being asked about renewal, or could not be: not again before then.
    asked: HashMap<Arc<str>, i64>,
    asking: JoinSet<(Arc<str>, Answer)>,
    reread_at: Instant,
    /// Whether the store was ever read.
    has_read: bool,
}

impl Keeper {
    /// A keeper that does nothing yet, and its front.
    pub(crate) fn new(
        options: AcmeOptions,
        certificates: Certificates,
        routes: watch::Receiver<Arc<RouteTable>>,
    ) -> Result<(Handle, Keeper), BoxError> {
        let issuers = options.issuers.iter();
        let authorities =
            issuers.map(|issuer| Authority::new(issuer.clone(), &options)).collect::<Result<_, BoxError>>()?;
        let options = Arc::new(options);
        let (handle, nudges) = Handle::new(options.clone(), certificates);
        let desk = Desk {
            options,
            authorities,
            me: format!("{}-{:016x}", std::process::id(), rand::random::<u64>()),
            counting: Default::default(),
            tally: Default::default(),
        };
        let keeper = Keeper {
            desk: Arc::new(desk),
            front: handle.front.clone(),
            nudges,
            routes,
            seen: None,
            wanted: BTreeMap::new(),
            known: HashMap::new(),
            tries: HashMap::new(),
            rests: HashMap::new(),
            retried: HashMap::new(),
            full_until: i64::MIN,
            budget_left: 0,
            hurried: HashSet::new(),
            busy: HashSet::new(),
            working: JoinSet::new(),
            asked: HashMap::new(),
            asking: JoinSet::new(),
            reread_at: Instant::now(),
            has_read: false,
        };
        Ok((handle, keeper))
    }

    /// Runs until `stopping`, then lets what is under way end, at most until `cut`.
    pub(crate) async fn run(mut self, stopping: CancellationToken, cut: CancellationToken) {
        tokio::select! {
            () = stopping.cancelled() => {}
            () = self.keep() => {}
        }
        tokio::select! {
            () = cut.cancelled() => {}
            () = async { while self.working.join_next().await.is_some() {} } => {}
        }
    }

    async fn keep(&mut self) {
        loop {
            if Instant::now() >= self.reread_at {
                self.reread().await;
            }
            self.look_at_routes();
            // What is held has to be known first, else everything seems to be missing.
            let next = if self.has_read { self.start_what_is_due() } else { Duration::MAX };
            let next = Instant::now() + next.min(self.desk.options.times.look);
            tokio::select! {
                changed = self.routes.changed() => match changed {
                    Ok(()) => sleep(GATHER).await,
                    Err(_) => return,
                },
                Some(nudge) = self.nudges.recv() => self.hear(nudge).await,
                Some(Ok((job, finished))) = self.working.join_next() => self.conclude(job, finished).await,
                Some(Ok((name, answer))) = self.asking.join_next() => self.replan(name, answer).await,
                () = sleep_until(next.min(self.reread_at)) => {}
            }
        }
    }

    /// Takes over what the table wants now. Nothing else is ever wanted.
    fn look_at_routes(&mut self) {
        let table = self.routes.borrow_and_update().clone();
        if self.seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, &table)) {
            return;
        }
        self.wanted.clear();
        for route in table.routes() {
            let Tls::Auto { certificate, owner } = &route.tls else { continue };
            let name: Arc<str> = certificate.to_string().into();
            if plan::can_be_certified(&name) {
                self.wanted.insert(name, owner.clone());
            }
        }
        self.seen = Some(table);
    }

    /// Starts as much of what is due as may run at once; says how long nothing more will be due.
    fn start_what_is_due(&mut self) -> Duration {
        let now = self.now();
        self.hurried.retain(|name| self.wanted.contains_key(name));
        let Queue { ready, mut next_ms } = plan::queue(self.entries(), now);
        let mut waiting = Vec::new();
        for (name, task) in ready {
            let is_full = task != Task::Renew && self.full_until > now;
            let has_room = self.working.len() < self.desk.options.budget.orders_at_once;
            if is_full || !has_room || !self.busy.insert(host(&name).to_owned()) {
                waiting.push(name);
                continue;
            }
            let owner = self.wanted.get(&name).cloned().unwrap_or_default();
            let (desk, job) = (self.desk.clone(), Job { name, owner });
            self.working.spawn(async move {
                let finished = AssertUnwindSafe(work(&desk, &job)).catch_unwind().await;
                (job, finished.unwrap_or_else(|_| Finished::Broken("it panicked".into())))
            });
        }
        if self.full_until > now && !waiting.is_empty() {
            next_ms = Some(next_ms.map_or(self.full_until, |next_ms| next_ms.min(self.full_until)));
        }
        self.ask_about_renewals(now);
        self.front.overview.store(Arc::new(self.overview(now, waiting)));
        let left = next_ms.map_or(i64::MAX, |next_ms| next_ms - now);
        Duration::from_millis(u64::try_from(left).unwrap_or(0))
    }

    /// Every wanted name nobody works for.
    fn entries(&self) -> impl Iterator<Item = Entry> {
        self.wanted.keys().filter(|name| !self.busy.contains(host(name))).filter_map(|name| {
            let (task, due_ms) = match self.known.get(name) {
                Some(known) => (Task::Renew, known.due_ms()),
                None if self.front.certificates.has_file_for(name) => return None,
                None if self.hurried.contains(name) => (Task::Hurry, i64::MIN),
                None => (Task::First, i64::MIN),
            };
            let tried = self.tries.get(name).map_or(0, |tries| tries.next_ms);
            let rests = self.rests.get(name).copied().unwrap_or(0);
            Some(Entry { name: name.clone(), task, due_ms, not_before_ms: tried.max(rests) })
        })
    }

    async fn hear(&mut self, nudge: Nudge) {
        let mut next = Some(nudge);
        while let Some(nudge) = next {
            match nudge {
                Nudge::Hurry(name) => drop(self.hurried.insert(name.into())),
                Nudge::Retry(name) => self.retry(name.into()).await,
            }
            next = self.nudges.try_recv().ok();
        }
    }

    /// Tries a name again that has failed: now, or as soon as it may be.
    async fn retry(&mut self, name: Arc<str>) {
        let now = self.now();
        self.rests.remove(&name);
        let Some(tries) = self.tries.get_mut(&name) else { return };
        let last_ms = self.retried.get(&name);
        let from_ms = last_ms.map_or(now, |last_ms| now.max(last_ms + ms(RETRY_EVERY)));
        if from_ms >= tries.next_ms {
            return;
        }
        tries.next_ms = from_ms;
        if let Err(cause) = self.desk.options.store.keep_tries(tries.clone()).await {
            tracing::error!("could not store that {name} is tried again: {cause}");
        }
        self.front.refuse(&name, Some(from_ms));
        self.retried.insert(name, from_ms);
    }

    async fn conclude(&mut self, job: Job, finished: Finished) {
        let Job { name, .. } = job;
        let now = self.now();
        self.busy.remove(host(&name));
        self.rests.remove(&name);
        match finished {
            Finished::Held { held, new } => self.take_over(name, held, new),
            Finished::Failed(tries, reason) => self.take_failure(name, tries, reason),
            Finished::Elsewhere => {
                self.rests.insert(name, now + ms(self.desk.options.times.elsewhere));
            }
            Finished::Waits(Wait::Everybody { until_ms }) if !self.known.contains_key(&name) => {
                self.full_until = until_ms;
            }
            Finished::Waits(Wait::Everybody { until_ms } | Wait::Owner { until_ms }) => {
                self.rests.insert(name, until_ms);
            }
            Finished::Broken(cause) => {
                tracing::error!("could not work for the certificate of {name}: {cause}");
                self.rest(name, now);
            }
        }
        self.count_budget().await;
    }

    /// Lets a name be after a fault of ours; until then nobody waits for it.
    fn rest(&mut self, name: Arc<str>, now: i64) {
        let until_ms = now + ms(REST);
        self.front.refuse(&name, Some(until_ms));
        self.rests.insert(name, until_ms);
    }

    /// Remembers a failure, so that nobody waits for the name until it is tried again.
    fn take_failure(&mut self, name: Arc<str>, tries: Tries, reason: Option<Reason>) {
        let message = tries.error.clone().unwrap_or_default();
        if self.known.get(&name).is_some_and(|known| known.is_late(self.now())) {
            tracing::error!("the certificate of {name} ends soon and cannot be renewed: {message}");
        }
        let next_ms = tries.next_ms;
        self.hurried.remove(&name);
        self.front.refuse(&name, Some(next_ms));
        self.tries.insert(name.clone(), tries);
        if let Some(reason) = reason {
            self.desk.options.tell(Event::Failed { name: name.to_string(), reason, message, next_ms });
        }
    }

    /// Serves a certificate from now on.
    fn take_over(&mut self, name: Arc<str>, held: Held, new: bool) {
        let certificate = match Certificate::from_pem(&name, &held.chain_pem, &held.key_pem) {
            Ok(certificate) => certificate,
            Err(cause) => {
                tracing::error!("the stored certificate of {name} cannot be used: {cause}");
                return self.rest(name, self.now());
            }
        };
        self.front.certificates.issue(vec![(name.to_string(), certificate)]);
        let renewed = self.known.insert(name.clone(), Known::from(&held)).is_some();
        self.tries.remove(&name);
        self.retried.remove(&name);
        self.hurried.remove(&name);
        self.front.refuse(&name, None);
        if new {
            tracing::info!("{name} has a certificate from {}", held.issuer);
        }
        let Held { name, issuer, expires_ms, renew_ms, .. } = held;
        self.desk.options.tell(Event::Issued { name, issuer, expires_ms, renew_ms, renewed });
    }

    fn now(&self) -> i64 {
        self.desk.options.now()
    }
}
