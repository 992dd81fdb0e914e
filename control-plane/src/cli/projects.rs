//! `roost projects`.

use anyhow::ensure;
use clap::Subcommand;
use reqwest::Method;
use serde_json::json;

use super::console::Console;
use super::show::{self, Column, bytes, moment, text};

/// Projects.
#[derive(Debug, Subcommand)]
pub(super) enum Projects {
    /// Lists all projects, deleted ones that can be brought back included
    List,
    /// Shows a project
    Show {
        /// The first label of its address
        project: String,
    },
    /// Creates a project and prints its first superuser's password, this once
    Create {
        /// What people call it
        name: String,
        /// The first label of its address; made of the name if not given
        #[arg(long)]
        slug: Option<String>,
        /// The id of the team it will belong to
        #[arg(long)]
        team: Option<String>,
    },
    /// Deletes a project; it can be brought back for some weeks
    Delete {
        /// The first label of its address
        project: String,
        /// The same again: nobody deletes a project by mistake
        #[arg(long)]
        confirm: String,
    },
    /// Brings a deleted project back
    Restore {
        /// The first label of its address
        project: String,
    },
}

const LIST: &[Column] = &[
    ("project", |project| text(&project["slug"])),
    ("state", |project| text(&project["state"])),
    ("database", |project| bytes(&project["databaseBytes"])),
    ("files", |project| bytes(&project["storageBytes"])),
    ("last request", |project| moment(&project["lastRequestMs"])),
    ("address", |project| text(&project["endpoint"])),
];

const DETAILS: &[Column] = &[
    ("project", |project| text(&project["slug"])),
    ("name", |project| text(&project["name"])),
    ("id", |project| text(&project["id"])),
    ("team", |project| text(&project["teamId"])),
    ("address", |project| text(&project["endpoint"])),
    ("state", |project| text(&project["state"])),
    ("since", |project| moment(&project["stateSinceMs"])),
    ("reason", |project| text(&project["reason"])),
    ("database", |project| bytes(&project["databaseBytes"])),
    ("files", |project| bytes(&project["storageBytes"])),
    ("requests", |project| text(&project["requests"])),
    ("last request", |project| moment(&project["lastRequestMs"])),
    ("created", |project| moment(&project["createdMs"])),
    ("kept until", |project| moment(&project["deletedUntilMs"])),
];

const CREATED: &[Column] = &[
    ("address", |created| text(&created["project"]["endpoint"])),
    ("superuser", |created| text(&created["superuser"]["email"])),
    ("password", |created| text(&created["superuser"]["password"])),
];

impl Projects {
    pub(super) async fn run(self, as_json: bool) -> anyhow::Result<()> {
        let console = Console::signed_in()?;
        match self {
            Projects::List => show::list(as_json, &console.get("/api/projects").await?, LIST),
            Projects::Show { project } => {
                show::one(as_json, &console.get(&format!("/api/projects/{project}")).await?, DETAILS);
            }
            Projects::Create { name, slug, team } => {
                let body = json!({ "name": name, "slug": slug, "team": team });
                show::one(as_json, &console.post("/api/projects", &body).await?, CREATED);
            }
            Projects::Delete { project, confirm } => {
                ensure!(project == confirm, "--confirm has to say {project}, too; nothing was deleted");
                let body = json!({ "slug": confirm });
                let path = format!("/api/projects/{project}");
                let deleted = console.call(Method::DELETE, &path, Some(&body)).await?;
                let until = moment(&deleted["deletedUntilMs"]);
                show::sentence(
                    as_json,
                    &deleted,
                    &format!("{project} is deleted. It can be brought back until {until}."),
                );
            }
            Projects::Restore { project } => {
                let restored = console.post(&format!("/api/projects/{project}/undelete"), &json!({})).await?;
                show::sentence(as_json, &restored, &format!("{project} is back at {}.", text(&restored["endpoint"])));
            }
        }
        Ok(())
    }
}
