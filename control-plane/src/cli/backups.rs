//! `roost backups`: those of one project.

use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Subcommand;
use serde_json::{Value as Json, json};

use super::console::Console;
use super::jobs;
use super::show::{self, Column, bytes, moment, text};

/// Backups of a project.
#[derive(Debug, Subcommand)]
pub(super) enum Backups {
    /// Lists a project's backups; only proven ones were restored from where they are kept
    List {
        /// The first label of its address
        project: String,
    },
    /// Makes a backup and waits until it is proven
    Create {
        /// The first label of its address
        project: String,
    },
    /// Puts a backup in the place of the present data, which is backed up before, or into a new project
    Restore {
        /// The first label of its address
        project: String,
        /// The backup's id, or `latest` for the newest proven one
        backup: String,
        /// The name of a project to be made for it
        #[arg(long)]
        into: Option<String>,
        /// The first label of the new project's address
        #[arg(long, requires = "into")]
        slug: Option<String>,
        /// Without --into: says that what is there now is to be replaced
        #[arg(long, conflicts_with = "into")]
        replace: bool,
    },
    /// Downloads a backup as a zip that PocketBase restores, too
    Download {
        /// The first label of its address
        project: String,
        /// The backup's id, or `latest` for the newest proven one
        backup: String,
        /// The file to write, which must not be there yet; <project>-<backup>.zip if not given
        #[arg(long)]
        to: Option<PathBuf>,
    },
}

const COLUMNS: &[Column] = &[
    ("id", |backup| text(&backup["id"])),
    ("made", |backup| moment(&backup["createdMs"])),
    ("why", |backup| text(&backup["origin"])),
    ("state", |backup| text(&backup["state"])),
    ("checked", |backup| moment(&backup["checkedMs"])),
    ("size", |backup| bytes(&backup["bytes"])),
    ("records", |backup| text(&backup["records"])),
    ("files", |backup| text(&backup["files"])),
    ("reason", |backup| text(&backup["reason"])),
];

impl Backups {
    pub(super) async fn run(self, as_json: bool) -> anyhow::Result<()> {
        let console = Console::signed_in()?;
        match self {
            Backups::List { project } => {
                show::list(as_json, &console.get(&format!("/api/projects/{project}/backups")).await?, COLUMNS);
                Ok(())
            }
            Backups::Create { project } => {
                let begun = console.post(&format!("/api/projects/{project}/backups"), &json!({})).await?;
                jobs::see_through(&console, as_json, &begun).await
            }
            Backups::Restore { project, backup, into, slug, replace } => {
                if into.is_none() && !replace {
                    bail!("say where to: --replace for the place of the present data, --into NAME for a new project");
                }
                let id = find(&console, &project, &backup).await?;
                let body = into.map_or(json!({}), |name| json!({ "into": { "name": name, "slug": slug } }));
                let path = format!("/api/projects/{project}/backups/{id}/restore");
                jobs::see_through(&console, as_json, &console.post(&path, &body).await?).await
            }
            Backups::Download { project, backup, to } => {
                let id = find(&console, &project, &backup).await?;
                let path = to.unwrap_or_else(|| format!("{project}-{id}.zip").into());
                let written = download(&console, &project, &id, &path).await?;
                let told = json!({ "file": path, "bytes": written });
                show::sentence(as_json, &told, &format!("{} has {}.", path.display(), bytes(&told["bytes"])));
                Ok(())
            }
        }
    }
}

/// The id of the backup that was meant.
async fn find(console: &Console, project: &str, wanted: &str) -> anyhow::Result<String> {
    if wanted != "latest" {
        return Ok(wanted.to_owned());
    }
    let backups = console.get(&format!("/api/projects/{project}/backups")).await?;
    let mut newest_first = backups["items"].as_array().into_iter().flatten();
    let proven: Option<&Json> = newest_first.find(|backup| backup["state"] == "proven");
    proven.map(|backup| text(&backup["id"])).with_context(|| format!("{project} has no proven backup"))
}

/// What has the name is the whole zip.
async fn download(console: &Console, project: &str, id: &str, path: &PathBuf) -> anyhow::Result<u64> {
    if path.exists() {
        bail!("{} is there already", path.display());
    }
    let mut draft = path.clone().into_os_string();
    draft.push(".part");
    let made = async {
        let mut file = tokio::fs::File::create(&draft).await?;
        let written = console.download(&format!("/api/projects/{project}/backups/{id}/zip"), &mut file).await?;
        file.sync_all().await?;
        std::fs::rename(&draft, path)?;
        anyhow::Ok(written)
    };
    let made = made.await;
    if made.is_err() {
        let _ = std::fs::remove_file(&draft);
    }
    made.with_context(|| format!("write {}", path.display()))
}
