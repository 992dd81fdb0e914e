//! `roost serve`: everything put together, and taken apart again in the right order.

use std::io::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use futures_util::future::join3;
use proxy::certificates::{CertificateFiles, Certificates};
use proxy::{HttpService, Options, PerAddress, Proxy, Sockets};
use tenant_runtime::app::{AppOptions, Site};
use tenant_runtime::auth::Hasher;
use tenant_runtime::auth::oauth2::Transport;
use tenant_runtime::files;
use tenant_runtime::host::{Host, HostOptions, NodeClient, TenantId};
use tenant_runtime::mail::Outbox;
use tenant_runtime::meter::Meter;
use tenant_runtime::outbound::Outbound;
use tenant_runtime::store::Pool;
use tokio::sync::broadcast;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::accounts::hashing::Hashing;
use crate::accounts::providers::Providers;
use crate::accounts::tries::Tries;
use crate::config::Config;
use crate::database::Database;
use crate::domains::{self, Domains};
use crate::edge::certificates;
use crate::edge::store::EdgeStore;
use crate::fleet::routes::Publisher;
use crate::fleet::urls::Urls;
use crate::fleet::{Fleet, reconcile, routes};
use crate::jobs::Jobs;
use crate::operator::pace::Pace;
use crate::plans::Plans;
use crate::state::{Parts, Platform};
use crate::upgrade::{self, Control, Heir, Predecessor, Successor};
use crate::usage::{self, Usage};
use crate::{backups, clock, http, operator, projects, rescue};

/// Changes the console's event streams may lag behind.
const CHANGES: usize = 1024;

/// How often to look for wishes that a process before may still note.
const LOOK: Duration = Duration::from_millis(250);

/// Serves until told to stop, or until another process has taken over.
pub async fn serve(mut config: Config) -> anyhow::Result<()> {
    let shutdown = tenant_runtime::cli::shutdown_signal().context("listen for signals")?;
    rescue::refuse_unfinished(&config.dir)?;
    std::fs::create_dir_all(&config.dir).with_context(|| format!("create {}", config.dir.display()))?;
    let predecessor = Predecessor::find()?;
    let sockets = Sockets::inherited().context("take over the sockets")?;
    config.listen.http = settle_addresses(&sockets, &config.listen.http)?;
    config.listen.https = settle_addresses(&sockets, &config.listen.https)?;
    let (platform, host) = assemble(config, predecessor.is_some()).await?;
    let (heir, console) = (Heir::default(), tenant_runtime::service::boxed(http::router(platform.clone())));
    platform.routes.connect(heir.before(console.clone()));
    routes::publish(&platform).await;

    let (stop, tasks) = (CancellationToken::new(), TaskTracker::new());
    let mut options = proxy_options(&platform.config, &sockets)?;
    options.more_numbers = Some(operator::numbers::numbers(&platform));
    if let Some(events) = certificates::connect(&platform, &mut options)? {
        tasks.spawn(certificates::follow(platform.clone(), events, stop.clone()));
    }
    let proxy = Proxy::bind(options, platform.routes.watch()).await.context("listen")?;
    if let Some(acme) = proxy.acme() {
        platform.domains.connect(acme.clone());
    }
    for address in sockets.close_unwanted() {
        tracing::warn!("nobody listens on {address} any more: the settings do not name it");
    }
    warn_of_missing_mail(&platform.config);

    let dir = &platform.config.dir;
    let control = Control::bind(dir).context("make the socket for `roost upgrade`")?;
    let alone = CancellationToken::new();
    if let Some(predecessor) = predecessor {
        tasks.spawn(upgrade::relay(dir, host.service(), console, alone.clone())?);
        predecessor.ready(alone.clone()).await;
    } else {
        alone.cancel();
        upgrade::notify("READY=1");
    }
    control.open();
    say_ready(&platform);
    tasks.spawn(reconcile::run(platform.clone(), stop.clone()));
    tasks.spawn(reconcile::follow(platform.clone(), stop.clone()));
    tasks.spawn(usage::collect::run(platform.clone(), stop.clone()));
    tasks.spawn(domains::keeper::run(platform.clone(), stop.clone()));
    tasks.spawn(operator::disk::run(platform.clone(), stop.clone()));
    tasks.spawn(operator::pace::run(platform.clone(), stop.clone()));
    tasks.spawn(work_alone(platform.clone(), host.clone(), alone.clone(), stop.clone()));

    let running = Running { proxy, host, stop, tasks };
    tokio::select! {
        () = shutdown => running.end().await,
        (successor, asked) = control.upgrade(&alone, |binary| Successor::start(binary, &sockets)) => {
            running.hand_over(&successor, heir.appoint(dir)).await;
            // Both wait for the end of this process, which closes what they hear of it.
            std::mem::forget((successor, asked));
        }
    }
    usage::collect::finish(&platform).await; // what was counted meanwhile
    platform.database.close().await;
    Ok(())
}

/// The platform's parts, put together on its directory; nothing works yet. `succeeds` another process, which has it still.
pub(crate) async fn assemble(config: Config, succeeds: bool) -> anyhow::Result<(Platform, Host)> {
    let database = Database::open(&config.database_url()).await.context("open the control database")?;
    add_local_node(&database).await.context("note this machine as a node")?;
    let domains = Domains::new(&config, Arc::new(EdgeStore::new(database.clone())))?;
    let hasher = Hasher::for_this_machine();
    let plans = Plans::open(&config, &database).await?;
    let host = open_host(&config, &hasher, projects::mail::outboxes(&config, &plans, &database), succeeds)?;
    let platform = Platform::new(Parts {
        started_ms: clock::now_ms(),
        urls: Urls::of(&config),
        database,
        plans,
        hashing: Hashing::start()?,
        tries: Tries::new(!config.dev),
        providers: Providers::new(&config.sign_in, transport(&config)),
        jobs: Jobs::default(),
        fleet: Fleet::local(NodeClient::new(host.admin()), hasher.for_tenant()),
        backups: backups::Target::of(&config).context("open the place for backups")?,
        routes: Publisher::new(host.service()),
        domains,
        usage: Usage::default(),
        pace: Pace::begin(),
        changes: broadcast::channel(CHANGES).0,
        config,
    });
    Ok((platform, host))
}

/// Under development a provider may be on this machine, where nothing can be read on the way.
fn transport(config: &Config) -> Transport {
    if config.dev { Transport::HttpsOrLoopback } else { Transport::Https }
}

/// What has to end in a certain order.
struct Running {
    proxy: Proxy,
    host: Host,
    stop: CancellationToken,
    tasks: TaskTracker,
}

impl Running {
    async fn end(self) {
        tracing::info!("stopping");
        upgrade::notify("STOPPING=1");
        self.proxy.drain().await; // what clients wait for
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await; // what nobody waits for
        self.host.close().await; // then the databases
    }

    /// Everything at once: clients, jobs and tenants go to the successor one by one.
    async fn hand_over(self, successor: &Successor, heir: HttpService) {
        tracing::info!("process {} takes over", successor.id);
        upgrade::notify(&format!("MAINPID={}", successor.id));
        self.stop.cancel();
        self.tasks.close();
        // The drain begins before tenants close: event streams are to end together with their connections.
        let tenants = self.host.hand_over(heir, upgrade::GRACE);
        let _ = join3(self.proxy.drain(), tenants, timeout(upgrade::GRACE, self.tasks.wait())).await;
    }
}

/// Says where the console is, unless nobody listens any more: a successor has the standard output of the first process.
fn say_ready(platform: &Platform) {
    let _ = writeln!(std::io::stdout(), "Console ready at {}", platform.urls.console());
}

/// Works on jobs, and on what is due, once no process before does.
async fn work_alone(platform: Platform, host: Host, alone: CancellationToken, stop: CancellationToken) {
    while timeout(LOOK, alone.cancelled()).await.is_err() {
        if stop.is_cancelled() {
            return;
        }
        platform.fleet.poke();
    }
    host.predecessor_ended().await;
    platform.fleet.poke();
    tokio::join!(
        platform.jobs.clone().run(platform.clone(), stop.clone()),
        backups::schedule::run(platform.clone(), stop.clone()),
        projects::purge::run(platform, stop),
    );
}

fn open_host(
    config: &Config,
    hasher: &Hasher,
    outboxes: impl Fn(TenantId) -> Arc<dyn Outbox> + Send + Sync + 'static,
    succeeds: bool,
) -> anyhow::Result<Host> {
    let engine = AppOptions {
        pool: Pool::for_this_machine(),
        hasher: hasher.clone(),
        file_threads: files::Threads::for_this_machine(),
        outbound: Outbound::public_and(config.projects.may_reach.clone()),
        site: Site::default(),
        encryption_key: None,
        outbox: None,
        identity: None,
        meter: Meter::default(),
    };
    let options = HostOptions {
        dir: config.dir.join("tenants"),
        engine,
        outboxes: Some(Arc::new(outboxes)),
        max_awake: Some(config.rest.most_awake).filter(|most| *most > 0),
        succeeds,
    };
    Host::open(options).context("open the tenants")
}

fn proxy_options(config: &Config, sockets: &Sockets) -> anyhow::Result<Options> {
    let from_files = !config.tls.certificate.as_os_str().is_empty();
    let certificates = if config.listen.https.is_empty() || (config.acme.is_on() && !from_files) {
        Certificates::default()
    } else {
        let files = CertificateFiles { chain: config.tls.certificate.clone(), key: config.tls.key.clone() };
        Certificates::from_files(vec![files]).context("read the certificate")?
    };
    Ok(Options {
        http: config.listen.http.clone(),
        https: config.listen.https.clone(),
        certificates,
        sockets: sockets.clone(),
        metrics: config.listen.metrics,
        proxy_protocol_from: config.listen.proxy_protocol_from.clone(),
        trust_forwarded_from: config.listen.trust_forwarded_from.clone(),
        bounds: config.edge.bounds(),
        // Under development everybody is at this machine.
        per_address: if config.dev { PerAddress::unlimited() } else { config.edge.per_address() },
        ..Options::default()
    })
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
fn settle_addresses(sockets: &Sockets, wanted: &[SocketAddr]) -> anyhow::Result<Vec<SocketAddr>> {
    let mut port = None;
    let mut settled = Vec::new();
    for &address in wanted {
        let address = match port {
            Some(port) if address.port() == 0 => SocketAddr::new(address.ip(), port),
            _ => address,
        };
        match sockets.tcp(address) {
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
