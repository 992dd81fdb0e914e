//! `roost serve`: everything put together, and taken apart again in the right order.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use anyhow::Context as _;
use proxy::certificates::{CertificateFiles, Certificates};
use proxy::{Options, Proxy};
use tenant_runtime::app::{AppOptions, Site};
use tenant_runtime::auth::Hasher;
use tenant_runtime::files;
use tenant_runtime::host::{Host, HostOptions, NodeClient};
use tenant_runtime::outbound::Outbound;
use tenant_runtime::store::Pool;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accounts::hashing::Hashing;
use crate::accounts::tries::Tries;
use crate::config::Config;
use crate::database::Database;
use crate::fleet::routes::Publisher;
use crate::fleet::urls::Urls;
use crate::fleet::{Fleet, reconcile, routes};
use crate::jobs::Jobs;
use crate::state::{Parts, Platform};
use crate::{backups, http, projects};

/// Changes the console's event streams may lag behind.
const CHANGES: usize = 1024;

/// Serves until told to stop.
pub async fn serve(mut config: Config) -> anyhow::Result<()> {
    let shutdown = tenant_runtime::cli::shutdown_signal().context("listen for signals")?;
    std::fs::create_dir_all(&config.dir).with_context(|| format!("create {}", config.dir.display()))?;
    config.listen.http = settle_addresses(&config.listen.http)?;
    let database = Database::open(&config.database_url()).await.context("open the control database")?;
    add_local_node(&database).await.context("note this machine as a node")?;
    let hasher = Hasher::for_this_machine();
    let host = open_host(&config, &hasher, &database)?;
    let platform = Platform::new(Parts {
        urls: urls(&config),
        database,
        hashing: Hashing::start()?,
        tries: Tries::new(!config.dev),
        jobs: Jobs::default(),
        fleet: Fleet::local(NodeClient::new(host.admin()), hasher.for_tenant()),
        backups: backups::Target::of(&config).context("open the place for backups")?,
        routes: Publisher::new(host.service()),
        changes: broadcast::channel(CHANGES).0,
        config,
    });
    platform.routes.connect(tenant_runtime::service::boxed(http::router(platform.clone())));
    routes::publish(&platform).await;

    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    tasks.spawn(reconcile::run(platform.clone(), stop.clone()));
    tasks.spawn(reconcile::follow(platform.clone(), stop.clone()));
    tasks.spawn(platform.jobs.clone().run(platform.clone(), stop.clone()));
    tasks.spawn(backups::schedule::run(platform.clone(), stop.clone()));
    let proxy = Proxy::bind(proxy_options(&platform.config)?, platform.routes.watch()).await.context("listen")?;
    warn_of_missing_mail(&platform.config);
    println!("Console ready at {}", platform.urls.console());

    shutdown.await;
    tracing::info!("stopping");
    proxy.drain().await; // what clients wait for
    stop.cancel();
    tasks.close();
    tasks.wait().await; // what nobody waits for
    host.close().await; // then the databases
    platform.database.close().await;
    Ok(())
}

fn open_host(config: &Config, hasher: &Hasher, database: &Database) -> anyhow::Result<Host> {
    let engine = AppOptions {
        pool: Pool::for_this_machine(),
        hasher: hasher.clone(),
        file_threads: files::Threads::for_this_machine(),
        outbound: Outbound::public_and(config.projects.may_reach.clone()),
        site: Site::default(),
        encryption_key: None,
        outbox: None,
        identity: None,
    };
    let options = HostOptions {
        dir: config.dir.join("tenants"),
        engine,
        outboxes: Some(Arc::new(projects::mail::outboxes(config, database))),
        max_awake: Some(config.rest.most_awake).filter(|most| *most > 0),
    };
    Host::open(options).context("open the tenants")
}

fn proxy_options(config: &Config) -> anyhow::Result<Options> {
    let certificates = if config.listen.https.is_empty() {
        Certificates::default()
    } else {
        let files = CertificateFiles { chain: config.tls.certificate.clone(), key: config.tls.key.clone() };
        Certificates::from_files(vec![files]).context("read the certificate")?
    };
    Ok(Options {
        http: config.listen.http.clone(),
        https: config.listen.https.clone(),
        certificates,
        ..Options::default()
    })
}

fn urls(config: &Config) -> Urls {
    let secure = config.listen.https.first();
    let port = secure.or(config.listen.http.first()).map_or(80, SocketAddr::port);
    Urls::new(secure.is_some(), config.console_host(), &config.domain, port)
}

async fn add_local_node(database: &Database) -> sqlx::Result<()> {
    sqlx::query("INSERT INTO node (id, state, created_ms) VALUES ($1, 'active', $2) ON CONFLICT DO NOTHING")
        .bind(crate::fleet::LOCAL)
        .bind(crate::clock::now_ms())
        .execute(database.write())
        .await?;
    Ok(())
}

/// Gives all addresses with port 0 the same free port, and leaves out those this machine does not have, such as `::1`
/// where IPv6 is off.
fn settle_addresses(wanted: &[SocketAddr]) -> anyhow::Result<Vec<SocketAddr>> {
    let mut port = None;
    let mut settled = Vec::new();
    for &address in wanted {
        let address = match port {
            Some(port) if address.port() == 0 => SocketAddr::new(address.ip(), port),
            _ => address,
        };
        match TcpListener::bind(address) {
            Ok(listener) => {
                let bound = listener.local_addr().context("ask for the chosen port")?;
                if address.port() == 0 {
                    port = Some(bound.port());
                }
                settled.push(bound);
            }
            Err(error) if error.kind() == std::io::ErrorKind::AddrNotAvailable => {
                tracing::info!("not listening on {address}: this machine does not have it");
            }
            Err(error) => return Err(anyhow::Error::new(error).context(format!("listen on {address}"))),
        }
    }
    Ok(settled)
}

fn warn_of_missing_mail(config: &Config) {
    if config.mail.host.is_empty() && !config.dev {
        tracing::warn!("no mail server is configured ([mail] host): mails wait for a day and are then given up");
    }
}
