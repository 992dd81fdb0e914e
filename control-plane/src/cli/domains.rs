//! `roost domains`: a project's own.

use clap::Subcommand;
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::console::Console;
use super::show::{self, Column, moment, text};

/// Domains of a project's own.
#[derive(Debug, Subcommand)]
pub(super) enum Domains {
    /// Lists a project's domains
    List {
        /// The first label of its address
        project: String,
    },
    /// Adds a domain and says which records to set
    Add {
        /// The first label of its address
        project: String,
        /// Such as www.example.com
        domain: String,
    },
    /// Removes a domain: from then on it is not served
    Remove {
        /// The first label of its address
        project: String,
        /// As it is listed
        domain: String,
    },
}

const DOMAINS: &[Column] = &[
    ("domain", |domain| text(&domain["name"])),
    ("state", |domain| text(&domain["state"])),
    ("since", |domain| moment(&domain["sinceMs"])),
    ("certificate until", |domain| moment(&domain["certificate"]["expiresMs"])),
    ("message", |domain| text(&domain["message"])),
];

const RECORDS: &[Column] = &[
    ("type", |record| text(&record["kind"])),
    ("name", |record| text(&record["name"])),
    ("value", |record| text(&record["wanted"])),
];

impl Domains {
    pub(super) async fn run(self, as_json: bool) -> anyhow::Result<()> {
        let console = Console::signed_in()?;
        let all = |project: &str| format!("/api/projects/{project}/domains");
        match self {
            Domains::List { project } => show::list(as_json, &console.get(&all(&project)).await?, DOMAINS),
            Domains::Add { project, domain } => {
                let added: Json = console.post(&all(&project), &json!({ "name": domain })).await?;
                if as_json {
                    show::json(&added);
                } else {
                    show::print("Set these records at your DNS provider, of a CNAME and addresses either:");
                    show::list(false, &json!({ "items": added["records"] }), RECORDS);
                }
            }
            Domains::Remove { project, domain } => {
                console.call(Method::DELETE, &format!("{}/{domain}", all(&project)), None).await?;
                show::sentence(as_json, &json!({ "name": domain }), &format!("{domain} is not served any more."));
            }
        }
        Ok(())
    }
}
