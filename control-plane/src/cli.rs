//! The command line: `roost serve` and what operators need beside it; the console's API for scripts, with a token; and the
//! tenant engine's commands.

mod backups;
mod console;
mod domains;
mod jobs;
mod login;
mod logs;
mod plans;
mod platform;
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

use crate::config::Config;
use crate::error::causes;
use crate::failure::Failure;
use crate::{http, serve, upgrade};

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
    Doctor(platform::Doctor),
    /// Lets a new binary take over from the running platform, without losing a request
    Upgrade(platform::Upgrade),
    /// Copies the whole platform, running or not, into a new directory or a bucket
    Backup(platform::Backup),
    /// Restores the whole platform from a copy, on a machine that has none
    Restore(platform::Restore),
    /// Manages operators
    #[command(subcommand)]
    Admin(platform::Admin),
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

/// The program.
pub fn main() -> ExitCode {
    let command = Arguments::parse().command;
    let tell = if command.wants_json() { Tell::Program } else { Tell::Person };
    match command {
        Command::Runtime(command) => tenant_runtime::cli::run(command),
        Command::Openapi => {
            show::print(&http::openapi());
            ExitCode::SUCCESS
        }
        Command::Serve(arguments) => {
            // Under development the requests of one's own browser would drown everything else.
            let log = if arguments.dev { "info,sqlx=warn,proxy::access=warn" } else { "info,sqlx=warn" };
            run(log, tell, async move {
                let served = async { serve::serve(arguments.load()?).await }.await;
                served.inspect_err(upgrade::tell_failure)
            })
        }
        Command::Doctor(doctor) => run("warn", tell, doctor.run()),
        Command::Upgrade(upgrade) => run("warn", tell, upgrade.run()),
        Command::Backup(backup) => run("warn", tell, backup.run()),
        Command::Restore(restore) => run("warn", tell, restore.run()),
        Command::Admin(platform::Admin::Create(operator)) => run("warn", tell, operator.create()),
        Command::Login(login) => run("warn", tell, login.run()),
        Command::Projects(Remote { action, json }) => run("warn", tell, action.run(json)),
        Command::Backups(Remote { action, json }) => run("warn", tell, action.run(json)),
        Command::Domains(Remote { action, json }) => run("warn", tell, action.run(json)),
        Command::Jobs(Remote { action, json }) => run("warn", tell, action.run(json)),
        Command::Tokens(tokens) => run("warn", tell, tokens.run()),
        Command::Plans(plans) => run("warn", tell, plans.run()),
        Command::Usage(usage) => run("warn", tell, usage.run()),
        Command::Logs(logs) => run("warn", tell, logs.run()),
    }
}

/// Who hears why a command failed.
#[derive(Clone, Copy)]
enum Tell {
    Person,
    Program,
}

impl Command {
    fn wants_json(&self) -> bool {
        match self {
            Command::Doctor(doctor) => doctor.json,
            Command::Upgrade(upgrade) => upgrade.json,
            Command::Backup(backup) => backup.json,
            Command::Restore(restore) => restore.json,
            Command::Admin(platform::Admin::Create(operator)) => operator.json,
            Command::Login(login) => login.json,
            Command::Projects(projects) => projects.json,
            Command::Backups(backups) => backups.json,
            Command::Domains(domains) => domains.json,
            Command::Jobs(jobs) => jobs.json,
            Command::Tokens(tokens) => tokens.json,
            Command::Plans(plans) => plans.json,
            Command::Usage(usage) => usage.json,
            Command::Logs(logs) => logs.json,
            Command::Serve(_) | Command::Openapi | Command::Runtime(_) => false,
        }
    }
}

fn run(log: &str, tell: Tell, work: impl Future<Output = anyhow::Result<()>>) -> ExitCode {
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
            tell.of(&error);
            ExitCode::FAILURE
        }
    }
}

impl Tell {
    /// On the standard error: what a program reads of the standard output is a result.
    fn of(self, error: &anyhow::Error) {
        match self {
            Tell::Person => eprintln!("Error: {}", causes(error)),
            Tell::Program => {
                let told = json!({ "code": code_of(error), "message": causes(error) });
                eprintln!("{}", json!({ "error": told }));
            }
        }
    }
}

/// The stable word of a failure: the console's own, a command's, or one for all others.
fn code_of(error: &anyhow::Error) -> &str {
    let of_console = error.downcast_ref::<console::Refused>().and_then(console::Refused::code);
    of_console.or_else(|| error.downcast_ref::<Failure>().map(|failure| failure.code)).unwrap_or("failed")
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn no_command_has_two_arguments_of_one_name() {
        Arguments::command().debug_assert();
    }
}
