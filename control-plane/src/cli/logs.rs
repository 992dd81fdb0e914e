//! `roost logs`: what a project says.

use clap::{Args, ValueEnum};
use serde_json::{Value as Json, json};

use super::console::Console;
use super::show::{self, Column, moment, text};

/// A project's log. Looking wakes nobody.
#[derive(Debug, Args)]
pub(super) struct Logs {
    /// The first label of its address
    project: String,
    /// Only entries that hold these words
    #[arg(long, default_value = "")]
    query: String,
    /// Only entries of this level or a higher one
    #[arg(long, value_enum)]
    level: Option<Level>,
    /// How many of the newest
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Goes on with what comes
    #[arg(long)]
    follow: bool,
    /// The API's own entries, for programs; with --follow one on each line
    #[arg(long)]
    pub(super) json: bool,
}

/// As the engine numbers them.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Level {
    Debug = -4,
    Info = 0,
    Warning = 4,
    Error = 8,
}

const COLUMNS: &[Column] = &[
    ("at", |entry| moment(&entry["atMs"])),
    ("level", |entry| level(&entry["level"])),
    ("message", |entry| text(&entry["message"])),
    ("error", |entry| text(&entry["data"]["error"])),
];

impl Logs {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let console = Console::signed_in()?;
        let page = console.get(&self.path("logs", &[("limit", self.limit.to_string())])).await?;
        // What is newest comes last, as in any log.
        let items: Vec<&Json> = page["items"].as_array().into_iter().flatten().rev().collect();
        if !self.follow {
            show::list(self.json, &json!({ "items": items }), COLUMNS);
            return Ok(());
        }
        items.iter().for_each(|entry| self.print(entry));
        let after = items.last().map(|newest| ("after", text(&newest["position"])));
        console.follow(&self.path("logs/tail", after.as_slice()), |entry| self.print(&entry)).await
    }

    fn path(&self, of: &str, more: &[(&str, String)]) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("query", &self.query).extend_pairs(more);
        if let Some(level) = self.level {
            query.append_pair("level", &(level as i32).to_string());
        }
        format!("/api/projects/{}/{of}?{}", self.project, query.finish())
    }

    fn print(&self, entry: &Json) {
        let line = || COLUMNS.iter().map(|(_, cell)| cell(entry)).collect::<Vec<_>>().join("  ").trim_end().to_owned();
        show::print(&if self.json { entry.to_string() } else { line() });
    }
}

/// The name of the highest level that an entry reaches.
fn level(number: &Json) -> String {
    let number = number.as_i64().unwrap_or_default();
    let reached = Level::value_variants().iter().rev().find(|level| number >= i64::from(**level as i32));
    reached.and_then(|level| Some(level.to_possible_value()?.get_name().to_owned())).unwrap_or_default()
}
