//! `migrate`, as far as it goes without running scripts.

use std::io::{BufRead as _, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use chrono::Utc;
use clap::{Args, Subcommand};

use super::Common;
use crate::migrations;
use crate::superusers::DataDir;

/// `migrate`
#[derive(Debug, Args)]
pub struct Migrate {
    #[command(flatten)]
    pub(super) common: Common,
    /// The folder of migrations; by default pb_migrations beside the data directory
    #[arg(long = "migrationsDir", value_name = "DIR", global = true)]
    folder: Option<PathBuf>,
    #[command(subcommand)]
    command: Option<MigrateCommand>,
}

/// What can be done with migrations.
#[derive(Debug, Subcommand)]
pub enum MigrateCommand {
    /// Brings the database up to date; scripts of your own need a stock server
    Up,
    /// Takes the latest migrations back: needs a stock server, for they are scripts
    Down {
        /// How many
        #[arg(default_value_t = 1, allow_negative_numbers = true)]
        count: i64,
    },
    /// Creates a new blank migration
    Create {
        /// What it does, in a few words
        name: String,
    },
    /// Creates a migration with all collections as they are now
    Collections,
    /// Forgets applied migrations whose files are gone
    HistorySync,
}

/// Runs one of them.
pub(super) fn run(arguments: &Migrate) -> anyhow::Result<()> {
    let folder = arguments.folder.clone().unwrap_or_else(|| arguments.common.dir.join("../pb_migrations"));
    let key = arguments.common.encryption_key()?;
    let db = DataDir { path: &arguments.common.dir, key: key.as_ref() }.open()?;
    match arguments.command.as_ref().unwrap_or(&MigrateCommand::Up) {
        MigrateCommand::Up => match migrations::pending(&db, &folder)?.first() {
            Some(file) => bail!("failed to apply migration {file}: scripts are not run by this version"),
            None => println!("No new migrations to apply."),
        },
        MigrateCommand::Down { count } => {
            let count = usize::try_from(*count).unwrap_or(usize::MAX);
            match migrations::applied(&db)?.first() {
                Some(file) if count > 0 => bail!("failed to revert {file}: scripts are not run by this version"),
                _ => println!("No migrations to revert."),
            }
        }
        MigrateCommand::Create { name } => {
            let path = migrations::path_for(&folder, Utc::now().timestamp(), name);
            if is_wanted(&path.display().to_string())? {
                migrations::write_blank(&path)?;
                println!("Successfully created file {path:?}");
            }
        }
        MigrateCommand::Collections => {
            let path = migrations::path_for(&folder, Utc::now().timestamp(), "collections_snapshot");
            if is_wanted(&path.display().to_string())? {
                migrations::write_snapshot(&db, &path)?;
                println!("Successfully created file {path:?}");
            }
        }
        MigrateCommand::HistorySync => {
            migrations::forget_missing(&db, &folder)?;
            println!("The _migrations table was synced with the available migrations.");
        }
    }
    Ok(())
}

fn is_wanted(path: &str) -> anyhow::Result<bool> {
    eprint!("Do you really want to create migration {path:?}? (y/N) ");
    std::io::stderr().flush().context("ask")?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer).context("read the answer")?;
    let is_wanted = matches!(answer.trim(), "y" | "Y" | "yes");
    if !is_wanted {
        println!("The command has been cancelled");
    }
    Ok(is_wanted)
}
