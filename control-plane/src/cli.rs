//! The command line: `roost serve` and what operators need beside it; the console's API for scripts, with a token; and the
//! tenant engine's commands.

mod backups;
mod console;
mod domains;
mod jobs;
mod login;
mod logs;
mod plans;
mod projects;
mod show;
mod usage;

use std::io::IsTerminal as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use clap::{Args, Parser, Subcommand};
use serde_json::json;

use crate::accounts::tickets::{self, Purpose};
use crate::accounts::{Email, store, take_over};
use crate::config::Config;
use crate::database::Database;
use crate::fleet::urls::Urls;
use crate::rescue::{self, Address, Place};
use crate::{doctor, http, serve, upgrade};

/// Hosts many PocketBase-compatible backends on one machine.
#[derive(Debug, Parser)]
#[command(name = "roost", version, about, disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the platform: console, proxy and all projects
    Serve(ServeArguments),
    /// Looks at everything outside of Roost that has to be right, and says what to do
    Doctor {
        #[command(flatten)]
        settings: Settings,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Lets a new binary take over from the running platform, without losing a request
    Upgrade {
        /// The new binary; this one if not given
        #[arg(long)]
        binary: Option<PathBuf>,
        #[command(flatten)]
        settings: Settings,
    },
    /// Copies the whole platform, running or not, into a new directory or a bucket
    Backup {
        /// A directory, or s3://bucket/prefix
        #[arg(long)]
        to: Address,
        #[command(flatten)]
        settings: Settings,
    },
    /// Restores the whole platform from a copy, on a machine that has none
    Restore {
        /// A directory, or s3://bucket/prefix
        #[arg(long)]
        from: Address,
        /// The directory to restore into; it must be empty
        #[arg(long)]
        dir: PathBuf,
        /// Where the settings go; without it, into the folder restored-files of the directory
        #[arg(long)]
        config: Option<PathBuf>,
    },
    /// Manages operators
    #[command(subcommand)]
    Admin(Admin),
    /// Keeps a token for the commands below, which use the console's API
    Login(login::SignIn),
    /// Lists, shows, creates, deletes projects and brings them back
    Projects(Remote<projects::Projects>),
    /// Lists, makes, restores and downloads backups of a project
    Backups(Remote<backups::Backups>),
    /// Lists, adds and removes domains of a project's own
    Domains(Remote<domains::Domains>),
    /// Lists, shows and cancels jobs
    Jobs(Remote<jobs::Jobs>),
    /// Lists, makes and revokes your tokens
    Tokens(login::Tokens),
    /// Lists the plans projects may have; for operators: changes them
    Plans(plans::Plans),
    /// Shows what a project uses, and its limits
    Usage(usage::Usage),
    /// Shows a project's log
    Logs(logs::Logs),
    /// Prints the OpenAPI document of the console's API
    Openapi,
    /// Serves or manages one backend's data directory, as `roost-runtime` does
    #[command(subcommand)]
    Runtime(tenant_runtime::cli::Command),
}

/// A command that uses the console's API.
#[derive(Debug, Args)]
struct Remote<C: Subcommand> {
    #[command(subcommand)]
    action: C,
    /// The API's own answer, for programs
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Args)]
struct Settings {
    /// A file with the settings that differ from the defaults (ops/roost.toml has them all)
    #[arg(long)]
    config: Option<PathBuf>,
    /// Where everything is kept
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Projects live at <slug>.<domain>, the console at <domain>
    #[arg(long)]
    domain: Option<String>,
    /// Certificates come by themselves; the authority may write to this address
    #[arg(long)]
    email: Option<String>,
}

#[derive(Debug, Args)]
struct ServeArguments {
    #[command(flatten)]
    settings: Settings,
    /// The address to listen on for plain HTTP; may be given several times
    #[arg(long)]
    http: Vec<SocketAddr>,
    /// For development on this machine: mails go to an outbox in the console, the first account is an operator
    #[arg(long)]
    dev: bool,
}

#[derive(Debug, Subcommand)]
enum Admin {
    /// Makes an operator, or an existing account one, and prints a link to choose a password
    Create {
        /// Mail address
        #[arg(id = "operator", value_name = "EMAIL")]
        email: String,
        #[command(flatten)]
        settings: Settings,
        /// For programs
        #[arg(long)]
        json: bool,
    },
}

/// The program.
pub fn main() -> ExitCode {
    match Arguments::parse().command {
        Command::Runtime(command) => tenant_runtime::cli::run(command),
        Command::Openapi => {
            show::print(&http::openapi());
            ExitCode::SUCCESS
        }
        Command::Serve(arguments) => {
            // Under development the requests of one's own browser would drown everything else.
            let log = if arguments.dev { "info,sqlx=warn,proxy::access=warn" } else { "info,sqlx=warn" };
            run(log, async move {
                let served = async { serve::serve(arguments.load()?).await }.await;
                served.inspect_err(upgrade::tell_failure)
            })
        }
        Command::Doctor { settings, json } => run("warn", async move {
            let mut config = settings.load()?;
            config.settle_listeners();
            match doctor::run(config, json).await? {
                true => Ok(()),
                false => bail!("something is wrong; see above"),
            }
        }),
        Command::Upgrade { binary, settings } => run("warn", async { ask_for_upgrade(binary, settings) }),
        Command::Backup { to, settings } => run("warn", back_up(to, settings)),
        Command::Restore { from, dir, config } => run("warn", restore(from, dir, config)),
        Command::Admin(Admin::Create { email, settings, json }) => run("warn", create_operator(email, settings, json)),
        Command::Login(login) => run("warn", login.run()),
        Command::Projects(Remote { action, json }) => run("warn", action.run(json)),
        Command::Backups(Remote { action, json }) => run("warn", action.run(json)),
        Command::Domains(Remote { action, json }) => run("warn", action.run(json)),
        Command::Jobs(Remote { action, json }) => run("warn", action.run(json)),
        Command::Tokens(tokens) => run("warn", tokens.run()),
        Command::Plans(plans) => run("warn", plans.run()),
        Command::Usage(usage) => run("warn", usage.run()),
        Command::Logs(logs) => run("warn", logs.run()),
    }
}

fn run(log: &str, work: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
    let filter = tracing_subscriber::EnvFilter::try_from_env("ROOST_LOG").unwrap_or_else(|_| log.into());
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_ansi(colours).with_writer(std::io::stderr).init();
    if rustls::crypto::aws_lc_rs::default_provider().install_default().is_err() {
        tracing::debug!("a crypto provider is installed already");
    }
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("start the runtime")
        .and_then(|runtime| runtime.block_on(work));
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("Error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

impl Settings {
    fn load(self) -> anyhow::Result<Config> {
        let mut config = Config::load(self.config.as_deref())?;
        if let Some(dir) = self.dir {
            config.dir = dir;
        }
        if let Some(domain) = self.domain {
            config.domain = domain;
        }
        if let Some(email) = self.email {
            config.acme.email = email;
        }
        Ok(config)
    }
}

impl ServeArguments {
    fn load(self) -> anyhow::Result<Config> {
        let mut config = self.settings.load()?;
        match self.http.as_slice() {
            [] => {}
            // One loopback address stands for both: browsers may try either for `localhost`.
            [only] if only.ip() == std::net::Ipv4Addr::LOCALHOST => {
                config.listen.http = vec![*only, SocketAddr::new(std::net::Ipv6Addr::LOCALHOST.into(), only.port())];
            }
            given => config.listen.http = given.to_vec(),
        }
        config.settle_listeners();
        if self.dev {
            let loopback =
                config.listen.http.iter().chain(&config.listen.https).all(|address| address.ip().is_loopback());
            if !loopback {
                bail!("--dev is for this machine alone: listen on a loopback address");
            }
            config.dev = true;
        }
        let plain = config.listen.https.is_empty();
        let local = config.listen.http.iter().all(|address| address.ip().is_loopback());
        if plain && !local {
            tracing::warn!(
                "serving over plain HTTP beyond this machine: passwords and sessions can be read on the way"
            );
        }
        Ok(config)
    }
}

fn ask_for_upgrade(binary: Option<PathBuf>, settings: Settings) -> anyhow::Result<()> {
    let binary = binary.map_or_else(|| std::env::current_exe().context("find this binary"), Ok)?;
    upgrade::ask(&settings.load()?.dir, &binary)
}

async fn back_up(to: Address, settings: Settings) -> anyhow::Result<()> {
    let file = settings.config.clone();
    let config = settings.load()?;
    let place = Place::open(&to, &config.backups)?;
    rescue::backup(&config, file.as_deref(), &place).await
}

async fn restore(from: Address, dir: PathBuf, config: Option<PathBuf>) -> anyhow::Result<()> {
    let dir = std::path::absolute(&dir).context("find the directory")?;
    let settings = Config::load(config.as_deref().filter(|path| path.exists()))?;
    let place = Place::open(&from, &settings.backups)?;
    rescue::restore(&place, &dir, config.as_deref()).await
}

async fn create_operator(email: String, settings: Settings, as_json: bool) -> anyhow::Result<()> {
    let mut config = settings.load()?;
    config.settle_listeners();
    let email: Email = email.parse()?;
    std::fs::create_dir_all(&config.dir).with_context(|| format!("create {}", config.dir.display()))?;
    let database = Database::open(&config.database_url()).await?;
    let existing = store::by_email(database.write(), &email).await?;
    let mut tx = database.begin().await?;
    let id = match existing {
        // Whoever opened it without proving the address may be anybody.
        Some(stored) => {
            take_over(&mut tx, &stored.account.id).await?;
            stored.account.id
        }
        // No password fits this hash; the link below sets one.
        None => store::create(&mut tx, &email, "", store::NO_PASSWORD, false).await?.id,
    };
    store::make_operator(&mut tx, &id).await?;
    let secret = tickets::issue(&mut tx, &id, Purpose::Reset).await?;
    tx.commit().await?;
    database.close().await;
    let link = format!("{}/reset#{secret}", Urls::of(&config).console());
    let made = json!({ "email": email.to_string(), "link": link });
    show::sentence(as_json, &made, &format!("{email} is an operator. Within an hour, choose a password at {link}"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn no_command_has_two_arguments_of_one_name() {
        Arguments::command().debug_assert();
    }
}
