//! `roost plans`: what projects may have.

use clap::Args;
use serde_json::Value as Json;

use super::console::Console;
use super::show::{self, Column, bytes, text};

/// The plans there are, and what each grants.
#[derive(Debug, Args)]
pub(super) struct Plans {
    /// The API's own answer, for programs
    #[arg(long)]
    pub(super) json: bool,
}

const COLUMNS: &[Column] = &[
    ("plan", |plan| text(&plan["name"])),
    ("title", |plan| text(&plan["title"])),
    ("database", |plan| size(&plan["databaseMb"], 1 << 20)),
    ("files", |plan| size(&plan["storageMb"], 1 << 20)),
    ("sent a month", |plan| size(&plan["egressGb"], 1 << 30)),
    ("requests a month", |plan| count(&plan["requests"])),
    ("a second", |plan| count(&plan["requestsPerSecond"])),
    ("realtime", |plan| count(&plan["realtimeConnections"])),
    ("upload", |plan| size(&plan["uploadMb"], 1 << 20)),
    ("backups", |plan| count(&plan["backupsKept"])),
    ("mails a day", |plan| count(&plan["mailsPerDay"])),
    ("hours awake", |plan| count(&plan["awakeHours"])),
];

impl Plans {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let plans = Console::signed_in()?.get("/api/plans").await?;
        show::list(self.json, &plans, COLUMNS);
        if !self.json {
            show::print(&format!("New projects get the plan {}.", text(&plans["default"])));
        }
        Ok(())
    }
}

/// A figure of a plan, where 0 is no limit.
fn count(figure: &Json) -> String {
    if *figure == 0 { "no limit".to_owned() } else { text(figure) }
}

/// A size in some unit.
fn size(figure: &Json, unit: u64) -> String {
    match figure.as_u64() {
        Some(units) if units > 0 => bytes(&units.saturating_mul(unit).into()),
        _ => count(figure),
    }
}
