//! `roost usage` and `roost logs`: what a project uses, and what it says.

use clap::Args;
use serde_json::Value as Json;

use super::console::Console;
use super::show::{self, Column, bytes, moment, text};

/// What a project uses, beside what its plan allows.
#[derive(Debug, Args)]
pub(super) struct Usage {
    /// The first label of its address
    project: String,
    /// The API's own answer, for programs
    #[arg(long)]
    json: bool,
}

/// A project's log.
#[derive(Debug, Args)]
pub(super) struct Logs {
    /// The first label of its address
    project: String,
    /// Only entries with these words
    #[arg(long, default_value = "")]
    query: String,
    /// Only entries of this level or a graver one: debug, info, warn, error
    #[arg(long, default_value = "")]
    level: String,
    /// How many at most
    #[arg(long, default_value_t = 100)]
    limit: u32,
    /// The API's own answer, for programs
    #[arg(long)]
    json: bool,
}

const LIMITS: &[Column] = &[
    ("what", |limit| text(&limit["limit"])),
    ("used", |limit| amount(&limit["used"], limit)),
    ("of", |limit| if limit["limitValue"] == 0 { "no limit".to_owned() } else { amount(&limit["allowed"], limit) }),
    ("in", |limit| text(&limit["period"])),
    ("state", |limit| text(&limit["state"])),
    ("forecast", |limit| amount(&limit["forecast"], limit)),
];

const ENTRIES: &[Column] = &[
    ("at", |entry| text(&entry["created"])),
    ("level", |entry| text(&entry["level"])),
    ("message", |entry| text(&entry["message"])),
];

impl Usage {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let usage = Console::signed_in()?.get(&format!("/api/projects/{}/usage", self.project)).await?;
        if self.json {
            show::json(&usage);
        } else {
            show::print(&format!("Plan {}, counted anew {}", text(&usage["plan"]["title"]), moment(&usage["resets"])));
            show::list(false, &serde_json::json!({ "items": usage["limits"] }), LIMITS);
        }
        Ok(())
    }
}

impl Logs {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("query", &self.query)
            .append_pair("level", &self.level)
            .append_pair("limit", &self.limit.to_string())
            .finish();
        let logs = Console::signed_in()?.get(&format!("/api/projects/{}/logs?{query}", self.project)).await?;
        show::list(self.json, &logs, ENTRIES);
        Ok(())
    }
}

/// A figure in its limit's unit.
fn amount(figure: &Json, limit: &Json) -> String {
    match limit["unit"].as_str() {
        Some("bytes") => bytes(figure),
        Some("ms") => figure.as_f64().map(|ms| format!("{:.1} h", ms / 3_600_000.0)).unwrap_or_default(),
        _ => text(figure),
    }
}
