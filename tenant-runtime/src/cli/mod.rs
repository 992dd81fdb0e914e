//! The command line of one backend: `serve`, `superuser`, `migrate` and `backup`, with stock servers' flags and manners.
//!
//! The platform mounts the same commands as `roost runtime …`.

mod migrate;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use clap::{Args, Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::app::{App, AppOptions, Site};
use crate::auth::Hasher;
use crate::backups::offline as backups;
use crate::http::cors::Origins;
use crate::mail::Printer;
use crate::server::Server;
use crate::settings::EncryptionKey;
use crate::store::Pool;
use crate::superusers::{self, DataDir};

/// Serves one PocketBase-compatible backend from a data directory.
#[derive(Debug, Parser)]
#[command(name = "roost-runtime", version, about, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

/// What can be done with a data directory.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Starts the web server
    Serve(Serve),
    /// Manages superusers
    Superuser(Superuser),
    /// Keeps migrations: a blank one, a snapshot of the collections, the history
    Migrate(migrate::Migrate),
    /// Makes, lists and restores backups
    Backup(Backup),
}

/// Flags of every command.
#[derive(Debug, Args)]
pub struct Common {
    /// The data directory; created if it is absent
    #[arg(long, default_value = "pb_data", global = true)]
    dir: PathBuf,
    /// The name of the environment variable with the key, 32 letters, that the settings are encrypted with
    #[arg(long = "encryptionEnv", value_name = "NAME", global = true)]
    encryption_env: Option<String>,
    /// Prints debug messages
    #[arg(long, global = true)]
    dev: bool,
}

impl Common {
    fn encryption_key(&self) -> anyhow::Result<Option<EncryptionKey>> {
        let Some(name) = &self.encryption_env else { return Ok(None) };
        let key = std::env::var(name).with_context(|| format!("read the encryption key from {name}"))?;
        Ok(Some(EncryptionKey::new(key.as_bytes())?))
    }
}

/// `serve`
#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    common: Common,
    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1:8090")]
    http: String,
    /// Whose pages may read answers: origins such as https://*.example.com
    #[arg(long, value_delimiter = ',', default_value = "*")]
    origins: Vec<String>,
    /// The folder of pages of the site itself
    #[arg(long = "publicDir", value_name = "DIR", default_value = "pb_public")]
    public_dir: PathBuf,
    /// Whether the site's first page answers for pages that are not there
    #[arg(
        long = "indexFallback",
        value_name = "BOOL",
        default_value_t = true,
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "true",
        action = clap::ArgAction::Set
    )]
    index_fallback: bool,
    /// Refused: TLS is the platform's part
    #[arg(long, hide = true)]
    https: Option<String>,
    /// Refused: domains are the platform's part
    #[arg(hide = true)]
    domains: Vec<String>,
}

/// `superuser`
#[derive(Debug, Args)]
pub struct Superuser {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: SuperuserCommand,
}

/// What can be done with superusers.
#[derive(Debug, Subcommand)]
pub enum SuperuserCommand {
    /// Creates a new superuser
    Create {
        /// Mail address
        email: String,
        /// At least 8 characters
        password: String,
    },
    /// Changes the password of a superuser
    Update {
        /// Mail address
        email: String,
        /// At least 8 characters
        password: String,
    },
    /// Creates a superuser, or changes the password of the one with that address
    Upsert {
        /// Mail address
        email: String,
        /// At least 8 characters
        password: String,
    },
    /// Makes a one-time password for a superuser
    Otp {
        /// Mail address
        email: String,
    },
    /// Deletes a superuser
    Delete {
        /// Mail address
        email: String,
    },
    /// Names the only addresses superusers may come from; none lifts the limit
    Ips {
        /// Addresses such as 192.0.2.7 and networks such as 192.0.2.0/24
        addresses: Vec<String>,
    },
}

/// `backup`
#[derive(Debug, Args)]
pub struct Backup {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: BackupCommand,
}

/// What can be done with backups.
#[derive(Debug, Subcommand)]
pub enum BackupCommand {
    /// Makes a backup, also while a server runs
    Create {
        /// Its name, such as monday.zip
        name: Option<String>,
    },
    /// Lists the backups
    List,
    /// Puts a backup in the place of the present data; no server may run
    Restore {
        /// The name of a backup, or the path of a file
        name: String,
    },
}

/// The program.
pub fn main() -> ExitCode {
    run(Arguments::parse().command)
}

/// Runs one command to its end. Failures are told on standard error.
pub fn run(command: Command) -> ExitCode {
    match dispatch(command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(command: Command) -> anyhow::Result<()> {
    let common = match &command {
        Command::Serve(serve) => &serve.common,
        Command::Superuser(superuser) => &superuser.common,
        Command::Migrate(migrate) => &migrate.common,
        Command::Backup(backup) => &backup.common,
    };
    start_log(common.dev);
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().context("start the runtime")?;
    match command {
        Command::Serve(arguments) => runtime.block_on(serve(arguments)),
        Command::Superuser(arguments) => superuser(&arguments),
        Command::Migrate(arguments) => migrate::run(&arguments),
        Command::Backup(arguments) => backup(&arguments),
    }
}

fn start_log(dev: bool) {
    let default = if dev { "debug" } else { "info" };
    let filter = tracing_subscriber::EnvFilter::try_from_env("ROOST_LOG").unwrap_or_else(|_| default.into());
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).try_init();
}

async fn serve(arguments: Serve) -> anyhow::Result<()> {
    let shutdown = shutdown_signal().context("listen for signals")?;
    if arguments.https.is_some() || !arguments.domains.is_empty() {
        bail!(
            "certificates and domains are served by the platform: use `roost serve`, which puts TLS before this server"
        );
    }
    let address = parse_address(&arguments.http)?;
    let site = Site {
        origins: Origins::parse(&arguments.origins).context("read the origins")?,
        public_dir: Some(arguments.public_dir),
        index_fallback: arguments.index_fallback,
    };
    let mut options = AppOptions {
        site,
        encryption_key: arguments.common.encryption_key()?,
        ..AppOptions::alone(Pool::for_this_machine(), Hasher::for_this_machine())
    };
    if arguments.common.dev {
        options.outbox = Some(Arc::new(Printer));
    }
    let app = App::open(&arguments.common.dir, options.clone())?;
    // Before anybody can see that it listens and wish that it stop.
    let server = Server::bind(address).await.with_context(|| format!("listen on {address}"))?;
    println!("Server started at http://{}", server.address());
    println!("├─ REST API:  http://{}/api/", server.address());
    println!("└─ Directory: {}", arguments.common.dir.display());
    if let Some(token) = superusers::installer_token(&app).await? {
        println!("\nThere is no superuser yet. Create the first one within half an hour at");
        println!("http://{}/_/#/pbinstall/{token}", server.address());
        println!("or at any time with:\n  superuser upsert EMAIL PASSWORD --dir {}", arguments.common.dir.display());
    }
    serve_and_reopen(server, app, &arguments.common.dir, options, shutdown).await
}

/// Serves until `shutdown`. A backend that asks for it is closed and opened again in between, and
/// clients wait.
async fn serve_and_reopen(
    server: Server,
    mut app: App,
    dir: &Path,
    options: AppOptions,
    shutdown: impl Future<Output = ()>,
) -> anyhow::Result<()> {
    tokio::pin!(shutdown);
    loop {
        app.keep_time();
        let reopening = app.reopening().clone();
        let ended = async {
            tokio::select! {
                () = &mut shutdown => {}
                () = reopening.cancelled() => {}
            }
        };
        let connections = server.run(app.router(), ended).await;
        // Event streams have no end of their own.
        app.realtime().close();
        if !reopening.is_cancelled() {
            drop(server);
            connections.finish().await;
            return Ok(app.close().await?);
        }
        connections.finish().await;
        app.close().await?;
        drop(app);
        app = App::open(dir, options.clone())?;
    }
}

/// From now on ctrl-C and a polite kill end the process no more; what is returned waits for one of them.
///
/// # Errors
/// When the system does not let signals be listened for.
pub fn shutdown_signal() -> std::io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

fn parse_address(text: &str) -> anyhow::Result<SocketAddr> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let (host, port) =
        text.rsplit_once(':').with_context(|| format!("`{text}` is no address such as 127.0.0.1:8090"))?;
    let port = port.parse().with_context(|| format!("`{port}` is no port"))?;
    let address: IpAddr = match host {
        "" | "0.0.0.0" => [0, 0, 0, 0].into(),
        "localhost" => [127, 0, 0, 1].into(),
        host => host.trim_matches(['[', ']']).parse().with_context(|| format!("`{host}` is no IP address"))?,
    };
    Ok(SocketAddr::new(address, port))
}

fn superuser(arguments: &Superuser) -> anyhow::Result<()> {
    let key = arguments.common.encryption_key()?;
    let dir = DataDir { path: &arguments.common.dir, key: key.as_ref() };
    match &arguments.command {
        SuperuserCommand::Create { email, password } => {
            superusers::create(dir, email, password)?;
            println!("Successfully created new superuser {email:?}!");
        }
        SuperuserCommand::Update { email, password } => {
            superusers::update(dir, email, password)?;
            println!("Successfully changed superuser {email:?} password!");
        }
        SuperuserCommand::Upsert { email, password } => {
            superusers::upsert(dir, email, password)?;
            println!("Successfully saved superuser {email:?}!");
        }
        SuperuserCommand::Otp { email } => {
            let made = superusers::otp(dir, email)?;
            println!("Successfully created OTP for superuser {email:?}:");
            println!("├─ Id:    {}\n├─ Pass:  {}\n└─ Valid: {}s", made.id, made.password, made.seconds);
        }
        SuperuserCommand::Delete { email } => match superusers::delete(dir, email)? {
            true => println!("Successfully deleted superuser {email:?}!"),
            false => println!("superuser {email:?} is missing or already deleted"),
        },
        SuperuserCommand::Ips { addresses } => {
            superusers::set_addresses(dir, addresses)?;
            print_addresses(addresses);
        }
    }
    Ok(())
}

fn print_addresses(addresses: &[String]) {
    let Some((last, others)) = addresses.split_last() else {
        println!("Successfully cleared SuperuserIPs setting!");
        return;
    };
    println!("Successfully updated SuperuserIPs setting:");
    for address in others {
        println!("├─ {address}");
    }
    println!("└─ {last}");
}

fn backup(arguments: &Backup) -> anyhow::Result<()> {
    let key = arguments.common.encryption_key()?;
    let dir = DataDir { path: &arguments.common.dir, key: key.as_ref() };
    match &arguments.command {
        BackupCommand::Create { name } => {
            let name = backups::create(dir, name.as_deref())?;
            println!("Successfully created backup {name:?}!");
        }
        BackupCommand::List => {
            for backup in backups::list(dir.path)? {
                println!("{}  {:>12}  {}", backup.modified.format("%F %T"), backup.size, backup.key);
            }
        }
        BackupCommand::Restore { name } => {
            backups::restore(dir, name)?;
            println!("Successfully restored backup {name:?}!");
        }
    }
    Ok(())
}
