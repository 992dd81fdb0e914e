//! `roost usage`: what a project uses.

use clap::Args;
use serde_json::{Value as Json, json};

use super::console::Console;
use super::show::{self, Column, bytes, moment, text};

/// What a project uses, beside what its plan allows.
#[derive(Debug, Args)]
pub(super) struct Usage {
    /// The first label of its address
    project: String,
    /// The API's own answer, for programs
    #[arg(long)]
    pub(super) json: bool,
}

const LIMITS: &[Column] = &[
    ("what", |limit| text(&limit["limit"])),
    ("used", |limit| amount(&limit["used"], limit)),
    ("of", |limit| if limit["max"] == 0 { "no limit".to_owned() } else { amount(&limit["max"], limit) }),
    ("in", |limit| text(&limit["period"])),
    ("state", |limit| text(&limit["state"])),
    ("forecast", |limit| amount(&limit["forecast"], limit)),
];

impl Usage {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let usage = Console::signed_in()?.get(&format!("/api/projects/{}/usage", self.project)).await?;
        if self.json {
            show::json(&usage);
        } else {
            show::print(&format!("Plan {}, counted anew {}", text(&usage["plan"]["title"]), moment(&usage["resets"])));
            show::list(false, &json!({ "items": usage["limits"] }), LIMITS);
        }
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
