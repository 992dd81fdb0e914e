//! The proxy's route table: the console at its host, every project that is not deleted at its own.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use http::{HeaderMap, HeaderValue};
use proxy::HttpService;
use proxy::routes::{Host, Limits, Route, RouteId, RouteTable, State, Tls};
use tokio::sync::watch;

use super::LOCAL;
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
    /// Held while a table is put together, so that a later one never lies behind an earlier one.
    turn: tokio::sync::Mutex<()>,
}

impl Publisher {
    /// A publisher whose table is empty at first.
    pub fn new(tenants: HttpService) -> Publisher {
        Publisher {
            table: watch::Sender::default(),
            version: AtomicU64::new(0),
            console: OnceLock::new(),
            tenants,
            turn: tokio::sync::Mutex::default(),
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
        let _turn = self.turn.lock().await;
        let rows = store::of_node(platform.database.write(), LOCAL).await?;
        let mut routes = Vec::with_capacity(rows.len() + 1);
        if let Some(console) = self.console.get() {
            let route = route("console", console.clone(), HeaderMap::new(), platform);
            routes.push((platform.config.console_host().parse::<Host>()?, route));
        }
        for row in rows.iter().filter(|row| row.wish != Wish::Deleted) {
            routes.push((platform.urls.project_host(&row.slug).parse()?, self.project_route(platform, row)?));
        }
        let version = self.version.fetch_add(1, Ordering::Relaxed) + 1;
        let routes = routes.into_iter().map(|(host, route)| (host.into(), route));
        self.table.send_replace(Arc::new(RouteTable::new(version, routes)));
        Ok(())
    }

    fn project_route(&self, platform: &Platform, row: &Row) -> anyhow::Result<Route> {
        let mut stamp = HeaderMap::new();
        stamp.insert("x-roost-tenant", HeaderValue::from_str(&row.id)?);
        stamp.insert("x-roost-generation", HeaderValue::from(row.generation));
        Ok(route(&row.id, self.tenants.clone(), stamp, platform))
    }
}

fn route(id: &str, upstream: HttpService, stamp: HeaderMap, platform: &Platform) -> Route {
    Route {
        id: RouteId(id.to_owned()),
        upstream,
        stamp,
        limits: Limits::default(),
        state: State::Serving,
        tls: if platform.urls.is_secure() { Tls::Files } else { Tls::None },
        // Every host here is below the platform's own domain.
        hsts: platform.urls.is_secure(),
    }
}

/// Publishes a table of what is wished now. On failure the old one stays.
pub async fn publish(platform: &Platform) {
    if let Err(error) = platform.routes.publish(platform).await {
        tracing::error!("failed to publish routes: {error:#}");
    }
}
