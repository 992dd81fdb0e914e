//! The proxy's route table: the console at its host, every project that is not deleted at its own and at its domains.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use http::{HeaderMap, HeaderValue};
use proxy::HttpService;
use proxy::routes::{Host, Limits, Pattern, Route, RouteId, RouteTable, State, Tls};
use tokio::sync::watch;

use super::LOCAL;
use crate::domains;
use crate::projects::Wish;
use crate::projects::store::{self, Row};
use crate::state::Platform;

/// Publishes route tables.
pub struct Publisher {
    table: watch::Sender<Arc<RouteTable>>,
    version: AtomicU64,
    /// Set once: the console needs the platform, whose part this is.
    console: OnceLock<HttpService>,
    tenants: HttpService,
    /// How many tables were asked for.
    asked: AtomicU64,
    /// How many of those were asked for before the present one was put together. Held while the next one is, so that a
    /// later one never lies behind an earlier one; a crowd that waits meanwhile gets one table for all.
    answered: tokio::sync::Mutex<u64>,
}

impl Publisher {
    /// A publisher whose table is empty at first.
    pub fn new(tenants: HttpService) -> Publisher {
        Publisher {
            table: watch::Sender::default(),
            version: AtomicU64::new(0),
            console: OnceLock::new(),
            tenants,
            asked: AtomicU64::new(0),
            answered: tokio::sync::Mutex::default(),
        }
    }

    /// Where the tables appear.
    pub fn watch(&self) -> watch::Receiver<Arc<RouteTable>> {
        self.table.subscribe()
    }

    /// From now on the console is among the routes.
    pub fn connect(&self, console: HttpService) {
        let _ = self.console.set(console);
    }

    async fn publish(&self, platform: &Platform) -> anyhow::Result<()> {
        let mine = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let mut answered = self.answered.lock().await;
        if *answered >= mine {
            return Ok(());
        }
        let asked = self.asked.load(Ordering::Relaxed);
        let rows = store::of_node(platform.database.write(), LOCAL).await?;
        let mut routes = Vec::with_capacity(rows.len() + 1);
        if let Some(console) = self.console.get() {
            let host: Host = platform.config.console_host().parse()?;
            let tls = platform_tls(platform, &host, "");
            routes.push((host, platform_route("console", console.clone(), HeaderMap::new(), tls)));
        }
        let mut domains: HashMap<String, Vec<String>> = HashMap::new();
        for (name, project) in domains::store::live(platform.database.write()).await? {
            domains.entry(project).or_default().push(name);
        }
        for row in rows.iter().filter(|row| row.wish != Wish::Deleted) {
            let host: Host = platform.urls.project_host(&row.slug).parse()?;
            let tls = platform_tls(platform, &host, &row.id);
            let stamp = stamp(row)?;
            routes.push((host, platform_route(&row.id, self.tenants.clone(), stamp.clone(), tls)));
            for name in domains.get(&row.id).into_iter().flatten() {
                let host: Host = name.parse()?;
                let tls = own_tls(platform, &host, &row.id);
                routes.push((host, route(&row.id, self.tenants.clone(), stamp.clone(), tls)));
            }
        }
        let version = self.version.fetch_add(1, Ordering::Relaxed) + 1;
        let routes = routes.into_iter().map(|(host, route)| (host.into(), route));
        self.table.send_replace(Arc::new(RouteTable::new(version, routes)));
        *answered = asked;
        Ok(())
    }
}

/// What the host of tenants reads of whom a request is for.
fn stamp(row: &Row) -> anyhow::Result<HeaderMap> {
    let mut stamp = HeaderMap::new();
    stamp.insert("x-roost-tenant", HeaderValue::from_str(&row.id)?);
    stamp.insert("x-roost-generation", HeaderValue::from(row.generation));
    Ok(stamp)
}

/// A route below the platform's own domain: browsers are told to come by TLS only.
fn platform_route(id: &str, upstream: HttpService, stamp: HeaderMap, tls: Tls) -> Route {
    Route { hsts: tls != Tls::None, ..route(id, upstream, stamp, tls) }
}

fn route(id: &str, upstream: HttpService, stamp: HeaderMap, tls: Tls) -> Route {
    Route {
        id: RouteId(id.to_owned()),
        upstream,
        stamp,
        limits: Limits::default(),
        state: State::Serving,
        tls,
        hsts: false,
    }
}

/// A host of the platform: under the one certificate for all projects, if there is one.
fn platform_tls(platform: &Platform, host: &Host, owner: &str) -> Tls {
    let domain = platform.config.domain.as_str();
    let is_covered = host.as_str().split_once('.').is_some_and(|(_, parent)| parent == domain);
    if is_covered
        && platform.config.wildcard()
        && let Ok(domain) = domain.parse()
    {
        return Tls::Auto { certificate: Pattern::Wildcard(domain), owner: String::new() };
    }
    own_tls(platform, host, owner)
}

/// A host with a certificate of its own.
fn own_tls(platform: &Platform, host: &Host, owner: &str) -> Tls {
    if platform.config.acme.is_on() {
        Tls::Auto { certificate: Pattern::Exact(host.clone()), owner: owner.to_owned() }
    } else if platform.urls.is_secure() {
        Tls::Files
    } else {
        Tls::None
    }
}

/// Publishes a table of what is wished now. On failure the old one stays.
pub async fn publish(platform: &Platform) {
    if let Err(error) = platform.routes.publish(platform).await {
        tracing::error!("failed to publish routes: {error:#}");
    }
}
