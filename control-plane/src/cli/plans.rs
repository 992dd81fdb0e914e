//! `roost plans`: what projects may have; and for operators, changing it.

use anyhow::{Context as _, ensure};
use clap::{Args, Subcommand};
use reqwest::Method;
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::console::Console;
use super::login::{sign_in, sign_out};
use super::show::{self, Column, bytes, text};

/// The plans there are, and what each grants. Only operators change them, and no token does: your password is asked for.
#[derive(Debug, Args)]
pub(super) struct Plans {
    /// The operator's account
    #[arg(long, global = true, default_value = "")]
    email: String,
    /// The API's own answer, for programs
    #[arg(long, global = true)]
    pub(super) json: bool,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Says who would be over if a plan were changed like this
    Preview(Change),
    /// Changes a plan for all projects that have it, or makes one
    Set(Change),
    /// Has a plan be what the settings say again; one they do not know goes, unless a project has it
    Reset {
        /// The plan
        name: String,
    },
}

/// What is not given stays as it is; a new plan has it from that of new projects. 0 is no limit.
#[derive(Debug, Args)]
struct Change {
    /// The plan
    name: String,
    #[command(flatten)]
    figures: Figures,
}

#[derive(Debug, Args, Serialize)]
#[serde(rename_all = "camelCase")]
struct Figures {
    /// What people read
    #[arg(long)]
    title: Option<String>,
    /// Megabytes of databases
    #[arg(long)]
    database_mb: Option<u64>,
    /// Megabytes of files
    #[arg(long)]
    storage_mb: Option<u64>,
    /// Gigabytes of answers in a month
    #[arg(long)]
    egress_gb: Option<u64>,
    /// Requests in a month
    #[arg(long)]
    requests: Option<u64>,
    /// Requests in a second
    #[arg(long)]
    requests_per_second: Option<u64>,
    /// Realtime connections open at once
    #[arg(long)]
    realtime_connections: Option<u64>,
    /// Megabytes of one request's body
    #[arg(long)]
    upload_mb: Option<u64>,
    /// Backups kept
    #[arg(long)]
    backups_kept: Option<u64>,
    /// Mails a day for projects without a mail server of their own
    #[arg(long)]
    mails_per_day: Option<u64>,
    /// Hours awake in a month
    #[arg(long)]
    awake_hours: Option<u64>,
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
    ("from", |plan| text(&plan["origin"])),
];

const CONCERNED: &[Column] = &[
    ("project", |project| text(&project["slug"])),
    ("name", |project| text(&project["name"])),
    ("would be over", |project| limits(project, "over")),
    ("would be near", |project| limits(project, "near")),
];

impl Plans {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let console = Console::signed_in()?;
        let Some(action) = self.action else {
            let plans = console.get("/api/plans").await?;
            show::list(self.json, &plans, COLUMNS);
            if !self.json {
                show::print(&format!("New projects get the plan {}.", text(&plans["default"])));
            }
            return Ok(());
        };
        ensure!(!self.email.is_empty(), "say which operator you are: --email");
        let operator = sign_in(console.url(), &self.email).await?;
        let done = action.perform(&operator, self.json).await;
        sign_out(&operator).await?;
        done
    }
}

impl Action {
    async fn perform(self, console: &Console, as_json: bool) -> anyhow::Result<()> {
        match self {
            Action::Preview(change) => {
                let path = format!("/api/operator/plans/{}/preview", change.name);
                let preview = console.post(&path, &change.draft(console).await?).await?;
                if as_json || preview["concerned"] != 0 {
                    show::list(as_json, &preview, CONCERNED);
                }
                if !as_json {
                    let [projects, concerned, over] = ["projects", "concerned", "over"].map(|key| &preview[key]);
                    show::print(&format!(
                        "Projects with this plan: {projects}. Newly near a limit or over it: {concerned}, over it: {over}."
                    ));
                }
            }
            Action::Set(change) => {
                let path = format!("/api/operator/plans/{}", change.name);
                let saved = console.call(Method::PUT, &path, Some(&change.draft(console).await?)).await?;
                show::one(as_json, &saved, COLUMNS);
            }
            Action::Reset { name } => {
                console.call(Method::DELETE, &format!("/api/operator/plans/{name}"), None).await?;
                let sentence = format!("What was changed of the plan {name} is forgotten.");
                show::sentence(as_json, &json!({ "name": name }), &sentence);
            }
        }
        Ok(())
    }
}

impl Change {
    /// The whole plan as it is to be.
    async fn draft(&self, console: &Console) -> anyhow::Result<Json> {
        let plans = console.get("/api/plans").await?;
        let named = |name: &str| plans["items"].as_array().into_iter().flatten().find(|plan| plan["name"] == name);
        let (base, title) = match named(&self.name) {
            Some(plan) => (plan, text(&plan["title"])),
            None => (named(&text(&plans["default"])).context("there is no plan")?, self.name.clone()),
        };
        let mut draft = json!({ "title": title });
        for (key, given) in serde_json::to_value(&self.figures)?.as_object().into_iter().flatten() {
            let kept = if key == "title" { &draft["title"] } else { &base[key] };
            draft[key] = if given.is_null() { kept.clone() } else { given.clone() };
        }
        Ok(draft)
    }
}

/// The limits of a project that would be in that state.
fn limits(project: &Json, state: &str) -> String {
    let limits = project["limits"].as_array().into_iter().flatten().filter(|limit| limit["state"] == state);
    limits.map(|limit| text(&limit["limit"])).collect::<Vec<String>>().join(", ")
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
