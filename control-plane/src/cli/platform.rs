//! `roost backup`, `restore`, `upgrade`, `doctor` and `admin`: about the whole platform, on its own machine. They ask no
//! console.
//!
//! What a command found or did goes to the standard output, with `--json` as one object on one line; how it gets on meanwhile
//! goes to the standard error.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use serde_json::json;

use super::{Settings, show};
use crate::accounts::tickets::{self, Purpose};
use crate::accounts::{Email, store, take_over};
use crate::config::Config;
use crate::database::Database;
use crate::failure::Failure;
use crate::fleet::urls::Urls;
use crate::rescue::{self, Address, Place};
use crate::{doctor, upgrade};

/// Looks at everything outside of Roost.
#[derive(Debug, Args)]
pub(super) struct Doctor {
    #[command(flatten)]
    settings: Settings,
    /// For programs
    #[arg(long)]
    pub(super) json: bool,
}

/// Lets a new binary take over.
#[derive(Debug, Args)]
pub(super) struct Upgrade {
    /// The new binary; this one if not given
    #[arg(long)]
    binary: Option<PathBuf>,
    #[command(flatten)]
    settings: Settings,
    /// For programs
    #[arg(long)]
    pub(super) json: bool,
}

/// Copies the whole platform.
#[derive(Debug, Args)]
pub(super) struct Backup {
    /// A directory, or s3://bucket/prefix
    #[arg(long)]
    to: Address,
    #[command(flatten)]
    settings: Settings,
    /// For programs
    #[arg(long)]
    pub(super) json: bool,
}

/// Restores the whole platform.
#[derive(Debug, Args)]
pub(super) struct Restore {
    /// A directory, or s3://bucket/prefix
    #[arg(long)]
    from: Address,
    /// The directory to restore into; it must be empty
    #[arg(long)]
    dir: PathBuf,
    /// Where the settings go; without it, into the folder restored-files of the directory
    #[arg(long)]
    config: Option<PathBuf>,
    /// For programs
    #[arg(long)]
    pub(super) json: bool,
}

/// Operators.
#[derive(Debug, Subcommand)]
pub(super) enum Admin {
    /// Makes an operator, or an existing account one, and prints a link to choose a password
    Create(NewOperator),
}

/// Somebody who is to run the platform.
#[derive(Debug, Args)]
pub(super) struct NewOperator {
    /// Mail address
    #[arg(id = "operator", value_name = "EMAIL")]
    email: String,
    #[command(flatten)]
    settings: Settings,
    /// For programs
    #[arg(long)]
    pub(super) json: bool,
}

impl Doctor {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let mut config = self.settings.load()?;
        config.settle_listeners();
        let report = doctor::examine(config).await?;
        if self.json {
            show::json(&serde_json::to_value(&report)?);
        } else {
            report.print();
        }
        if report.healthy { Ok(()) } else { bail!(Failure::new("unhealthy", "something is wrong; see above")) }
    }
}

impl Upgrade {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let binary = self.binary.map_or_else(|| std::env::current_exe().context("find this binary"), Ok)?;
        let successor = upgrade::ask(&self.settings.load()?.dir, &binary)?;
        let process = successor.process;
        if !self.json {
            show::print(&format!("Process {process} has taken over."));
        }
        successor.wait_until_alone();
        show::sentence(self.json, &json!({ "process": process }), "The process before has ended.");
        Ok(())
    }
}

impl Backup {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let file = self.settings.config.clone();
        let config = self.settings.load()?;
        let place = Place::open(&self.to, &config.backups)?;
        let copied = rescue::backup(&config, file.as_deref(), &place).await?;
        show::sentence(self.json, &serde_json::to_value(&copied)?, copied.to_string().trim_end());
        copied.refuse_incomplete()
    }
}

impl Restore {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let dir = std::path::absolute(&self.dir).context("find the directory")?;
        let settings = Config::load(self.config.as_deref().filter(|path| path.exists()))?;
        let place = Place::open(&self.from, &settings.backups)?;
        let restored = rescue::restore(&place, &dir, self.config.as_deref()).await?;
        show::sentence(self.json, &serde_json::to_value(&restored)?, restored.to_string().trim_end());
        Ok(())
    }
}

impl NewOperator {
    pub(super) async fn create(self) -> anyhow::Result<()> {
        let mut config = self.settings.load()?;
        config.settle_listeners();
        let email: Email = self.email.parse()?;
        std::fs::create_dir_all(&config.dir).with_context(|| format!("create {}", config.dir.display()))?;
        let database = Database::open(&config.database_url()).await?;
        let existing = store::by_email(database.write(), &email).await?;
        let urls = Urls::of(&config);
        let mut tx = database.begin().await?;
        let id = match existing {
            // Whoever opened it without proving the address may be anybody.
            Some(stored) => {
                take_over(&mut tx, &urls, &stored.account.id).await?;
                stored.account.id
            }
            // No password fits this hash; the link below sets one.
            None => store::create(&mut tx, &email, "", store::NO_PASSWORD, false).await?.id,
        };
        store::make_operator(&mut tx, &id).await?;
        let secret = tickets::issue(&mut tx, &id, Purpose::Reset).await?;
        tx.commit().await?;
        database.close().await;
        let link = format!("{}/reset#{secret}", urls.console());
        let made = json!({ "email": email.to_string(), "link": link });
        let told = format!("{email} is an operator. Within an hour, choose a password at {link}");
        show::sentence(self.json, &made, &told);
        Ok(())
    }
}
