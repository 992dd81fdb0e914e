//! `roost jobs`, and waiting for one.

use std::time::Duration;

use anyhow::bail;
use clap::Subcommand;
use serde_json::{Value as Json, json};

use super::console::Console;
use super::show::{self, Column, moment, text};

const LOOK: Duration = Duration::from_millis(500);

/// What takes long.
#[derive(Debug, Subcommand)]
pub(super) enum Jobs {
    /// Lists a project's latest jobs
    List {
        /// The first label of its address
        project: String,
    },
    /// Shows a job and its log
    Show {
        /// Its id, from the list
        job: String,
    },
    /// Cancels a job; everything is as it was before it began
    Cancel {
        /// Its id, from the list
        job: String,
    },
}

const COLUMNS: &[Column] = &[
    ("id", |job| text(&job["id"])),
    ("kind", |job| text(&job["kind"])),
    ("state", |job| text(&job["state"])),
    ("step", |job| text(&job["step"])),
    ("done", |job| format!("{} %", text(&job["progress"]))),
    ("began", |job| moment(&job["createdMs"])),
    ("changed", |job| moment(&job["updatedMs"])),
    ("error", |job| text(&job["error"])),
];

impl Jobs {
    pub(super) async fn run(self, as_json: bool) -> anyhow::Result<()> {
        let console = Console::signed_in()?;
        match self {
            Jobs::List { project } => {
                show::list(as_json, &console.get(&format!("/api/projects/{project}/jobs")).await?, COLUMNS);
            }
            Jobs::Show { job } => {
                let job = console.get(&format!("/api/jobs/{job}")).await?;
                show::one(as_json, &job, COLUMNS);
                if !as_json {
                    lines(&job).iter().for_each(|line| show::print(line));
                }
            }
            Jobs::Cancel { job } => {
                let cancelled = console.post(&format!("/api/jobs/{job}/cancel"), &json!({})).await?;
                show::sentence(as_json, &cancelled, "The job ends; everything is as it was before.");
            }
        }
        Ok(())
    }
}

/// Waits for a job that was begun, and tells meanwhile how it goes.
///
/// # Errors
/// When it does not end well.
pub(super) async fn see_through(console: &Console, as_json: bool, begun: &Json) -> anyhow::Result<()> {
    let path = format!("/api/jobs/{}", text(&begun["jobId"]));
    let mut told = 0;
    loop {
        let job = console.get(&path).await?;
        let lines = lines(&job);
        lines.iter().skip(told).for_each(|line| eprintln!("{line}"));
        told = lines.len();
        match job["state"].as_str().unwrap_or_default() {
            "queued" | "running" => tokio::time::sleep(LOOK).await,
            state => {
                if as_json {
                    show::json(&job);
                }
                match state {
                    "done" => return Ok(()),
                    "cancelled" => bail!("the job was cancelled"),
                    _ => bail!("the job failed: {}", text(&job["error"])),
                }
            }
        }
    }
}

fn lines(job: &Json) -> Vec<String> {
    let lines = job["lines"].as_array().into_iter().flatten();
    lines.map(|line| format!("{}  {}", moment(&line["atMs"]), text(&line["text"]))).collect()
}
