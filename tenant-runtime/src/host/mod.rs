//! Many tenants on one machine: asleep until a request comes, awake while anything of an answer is unsent.
//!
//! A request passes `stamp` (which tenant, which generation, who calls), the tenant's wish (suspended?), `limits`
//! (too much?) and only then `tenant`, which wakes it if need be and hands out the `lease` that the answer carries
//! to its last byte. Everything before the lease is answered from memory. `sleeper` has what nobody uses closed (`closing`),
//! `alarms` wakes what has something of its own to do, and `wakes` knows how long waking took; `succession` is how one process
//! takes over from another; `wishes` creates, changes and removes tenants as the admin API in `api` asks. [`NodeClient`] is
//! the other end of that API, wherever the host is.

mod alarms;
mod answers;
mod api;
mod client;
mod closing;
mod copies;
mod directory;
mod events;
mod growth;
mod in_process;
mod lease;
mod limits;
mod logs;
mod measure;
mod offline;
mod seen;
mod sleeper;
mod spec;
mod stamp;
mod succession;
mod surroundings;
mod system;
mod tenant;
mod usage;
mod visit;
mod wakes;
mod wishes;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::IntoResponse;
use futures_util::future::BoxFuture;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Request, Response};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::AbortHandle;
use tower::{Service, ServiceExt as _};

use self::answers::Refusal;
use self::closing::GRACE;
use self::directory::{Directory, TenantFile};
use self::in_process::Launch;
use self::lease::Lease;
use self::limits::Place;
use self::stamp::Stamp;
use self::surroundings::{Surroundings, now_ms};
use self::tenant::Tenant;
use crate::app::AppOptions;
use crate::mail::Outbox;
use crate::service::{self, BoxError, HttpService};

pub use client::{NodeClient, NodeError};
pub use copies::{ArchiveReport, CopyName, DataReport, InvalidCopyName, RestoreReport};
pub use offline::{OfflineHost, TenantCopy, TenantRecord};
pub use spec::{
    FirstSuperuser, Generation, InvalidTenantId, Isolation, Limits, Rest, TenantId, TenantReport, TenantSpec,
    TenantState, Wanted,
};
pub use wakes::{LatelyWoken, WakeReport};

/// Files an awake tenant may hold open: two databases with their logs and indexes, readers, its directory.
const FILES_PER_TENANT: u64 = 12;
/// As many as fit the memory of a small machine.
const MOST_AWAKE: u64 = 4_000;
/// Wishes for tenants that share one of so many turns wait for each other.
const TURNS: usize = 64;
/// How long a request has to wait for its tenant for that to be worth a header to the edge.
const WORTH_TELLING: Duration = Duration::from_millis(1);
/// Tenants closed at once when the host closes.
const CLOSED_AT_ONCE: usize = 16;

/// All tenants of one machine. As a service it answers their requests.
#[derive(Clone)]
pub struct Host(Arc<Inner>);

/// How to open a host.
#[derive(Clone)]
pub struct HostOptions {
    /// Where the tenants live.
    pub dir: PathBuf,
    /// What the tenants share: threads, and the way out. Each brings its own identity.
    pub engine: AppOptions,
    /// Where mail of a tenant without a server of its own goes; nowhere when absent.
    pub outboxes: Option<Outboxes>,
    /// How many tenants may be awake at once; as many as half of the files this process may open when absent.
    pub max_awake: Option<usize>,
    /// Whether another process serves the directory and is about to hand it over.
    pub succeeds: bool,
}

/// Finds a tenant's [`Outbox`].
pub type Outboxes = Arc<dyn Fn(TenantId) -> Arc<dyn Outbox> + Send + Sync>;

/// Why a host could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// Another host serves the directory.
    #[error("another host serves the directory {}", dir.display())]
    InUse {
        /// Which.
        dir: PathBuf,
    },
    /// The directory cannot be read or written.
    #[error("the host's directory {} cannot be used: {source}", dir.display())]
    Directory {
        /// Which.
        dir: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

struct Inner {
    surroundings: Arc<Surroundings>,
    tenants: RwLock<HashMap<TenantId, Arc<Tenant>>>,
    turns: [Mutex<()>; TURNS],
    sleeper: AbortHandle,
    alarms: AbortHandle,
    /// Answers instead of this host, once there is one.
    successor: OnceLock<HttpService>,
}

impl Host {
    /// Opens a host within a tokio runtime. Only lists the tenants: each is read when someone asks for it.
    pub fn open(options: HostOptions) -> Result<Host, HostError> {
        let launch = in_process::launcher(options.engine.clone(), options.outboxes.clone());
        Host::open_with(options, launch)
    }

    fn open_with(options: HostOptions, launch: Launch) -> Result<Host, HostError> {
        let HostOptions { dir, engine, max_awake, succeeds, .. } = options;
        let opened = Directory::open(&dir).and_then(|directory| {
            if !succeeds {
                directory.own()?;
            }
            let ids = directory.tenants()?;
            Ok((directory, ids))
        });
        let (directory, ids) = opened.map_err(|error| match error.kind() {
            std::io::ErrorKind::WouldBlock => HostError::InUse { dir },
            _ => HostError::Directory { dir, source: error },
        })?;
        let max_awake = max_awake.unwrap_or_else(awake_by_files).max(1);
        let surroundings = Arc::new(Surroundings::new(directory, engine, launch, max_awake));
        let tenants = ids.into_iter().map(|id| (id, Arc::new(Tenant::new(id, &surroundings)))).collect();
        let host = Host(Arc::new(Inner {
            sleeper: tokio::spawn(sleeper::run(Arc::clone(&surroundings))).abort_handle(),
            alarms: tokio::spawn(alarms::run(Arc::clone(&surroundings))).abort_handle(),
            surroundings,
            tenants: RwLock::new(tenants),
            turns: [const { Mutex::const_new(()) }; TURNS],
            successor: OnceLock::new(),
        }));
        if succeeds {
            tokio::spawn(host.clone().take_over());
        } else {
            host.surroundings().owner.cancel();
            host.surroundings().alone.cancel();
        }
        Ok(host)
    }

    /// Answers requests that carry `x-roost-tenant` and `x-roost-generation`.
    pub fn service(&self) -> HttpService {
        HttpService::new(self.clone())
    }

    /// Answers the admin API.
    pub fn admin(&self) -> HttpService {
        service::boxed(api::router(self.clone()))
    }

    /// Closes all tenants: event streams end, answers in flight come to their end or are broken off after a while.
    /// Nobody wakes any more, and no wish is taken.
    pub async fn close(&self) {
        self.stop_waking();
        self.finish_wishes().await;
        stream::iter(self.all())
            .for_each_concurrent(CLOSED_AT_ONCE, |tenant| async move { tenant.stop(GRACE).await })
            .await;
    }

    fn stop_waking(&self) {
        self.surroundings().closing.cancel();
        self.0.sleeper.abort();
        self.0.alarms.abort();
    }

    /// Those that come later are refused.
    async fn finish_wishes(&self) {
        for turn in &self.0.turns {
            drop(turn.lock().await);
        }
    }

    async fn answer(&self, mut request: Request<Body>) -> Result<Response<Body>, BoxError> {
        let refusal = match self.admit(&mut request).await {
            Ok(admitted) => match admitted.answer(request).await {
                Ok(response) => return Ok(response),
                Err(refusal) => refusal,
            },
            Err(refusal) => match self.0.successor.get() {
                Some(successor) => return successor.clone().oneshot(request).await,
                None => refusal,
            },
        };
        Ok(refusal.into_response())
    }

    /// Lets a request in and wakes its tenant. The request is as it came until nothing more can be refused.
    async fn admit(&self, request: &mut Request<Body>) -> Result<Admitted, Refusal> {
        let stamp = Stamp::read(request.headers())?;
        let tenant = self.find(stamp.tenant)?;
        let file = tenant.file().await?;
        if stamp.generation != Some(file.spec.generation) {
            return Err(Refusal::Moved);
        }
        tenant.check_held(&file)?;
        self.surroundings().growth.check(request.method(), request.uri().path())?;
        let place = tenant.gate.admit(&file.spec.limits, request)?;
        let asked = Instant::now();
        let lease = tenant.lease().await?;
        let waited = asked.elapsed();
        tenant.usage.count(now_ms());
        Stamp::remove(request.headers_mut());
        if let Some(client) = stamp.client {
            request.extensions_mut().insert(client);
        }
        Ok(Admitted { lease, place, file, waited })
    }

    /// What is seen of all tenants. Wakes none of them.
    async fn reports(&self) -> Vec<TenantReport> {
        let mut reports = Vec::new();
        for tenant in self.all() {
            // Read for what it tells of the wish; a tenant whose file is damaged reports just that.
            let _ = tenant.file().await;
            reports.push(tenant.report());
        }
        reports.sort_by_key(|report| report.id);
        reports
    }

    fn find(&self, id: TenantId) -> Result<Arc<Tenant>, Refusal> {
        let tenants = self.0.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants.get(&id).cloned().ok_or(Refusal::UnknownProject)
    }

    fn all(&self) -> Vec<Arc<Tenant>> {
        let tenants = self.0.tenants.read().unwrap_or_else(PoisonError::into_inner);
        tenants.values().cloned().collect()
    }

    fn insert(&self, tenant: &Arc<Tenant>) {
        let mut tenants = self.0.tenants.write().unwrap_or_else(PoisonError::into_inner);
        tenants.insert(tenant.id, Arc::clone(tenant));
    }

    fn forget(&self, id: TenantId) {
        self.0.tenants.write().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }

    /// Waits until the directory is ours and no other wish for that tenant is being made true.
    async fn turn(&self, id: TenantId) -> Result<MutexGuard<'_, ()>, Refusal> {
        self.surroundings().owner.cancelled().await;
        let turn = self.0.turns[id.spread() % TURNS].lock().await;
        if self.surroundings().closing.is_cancelled() { Err(Refusal::Waking) } else { Ok(turn) }
    }

    fn surroundings(&self) -> &Arc<Surroundings> {
        &self.0.surroundings
    }
}

/// What a request holds whose tenant is awake.
struct Admitted {
    lease: Lease,
    place: Place,
    file: Arc<TenantFile>,
    waited: Duration,
}

impl Admitted {
    async fn answer(self, request: Request<Body>) -> Result<Response<Body>, Refusal> {
        let mut response = self.lease.answer(request, self.place, &self.file.spec.limits).await?;
        if self.waited >= WORTH_TELLING {
            response.headers_mut().insert("x-roost-waited-ms", HeaderValue::from(self.waited.as_millis() as u64));
        }
        Ok(response)
    }
}

impl Service<Request<Body>> for Host {
    type Response = Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Response<Body>, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let host = self.clone();
        Box::pin(async move { host.answer(request).await })
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.sleeper.abort();
        self.alarms.abort();
        // Awake tenants and what surrounds them hold each other.
        self.surroundings.awake.clear();
    }
}

fn awake_by_files() -> usize {
    let fits = system::open_files().map_or(MOST_AWAKE, |files| files / 2 / FILES_PER_TENANT);
    usize::try_from(fits.min(MOST_AWAKE)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
