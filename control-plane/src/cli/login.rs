//! `roost login` and `roost tokens`: for whom a program acts, and how far.

use std::io::{BufRead as _, IsTerminal as _, Write as _};

use anyhow::{Context as _, bail, ensure};
use clap::{Args, Subcommand, ValueEnum};
use reqwest::Method;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
use serde_json::{Value as Json, json};

use super::console::{Console, Login};
use super::show::{self, Column, moment, text};

/// How to sign in. A token, a password and a code are asked for: other users of a machine see the words of a command.
#[derive(Debug, Args)]
pub(super) struct SignIn {
    /// The console's address, such as https://example.com
    #[arg(long, env = "ROOST_URL")]
    url: String,
    /// Makes a token for this account, whose password is asked for; without it a token made in the console is
    #[arg(long)]
    email: Option<String>,
    #[command(flatten)]
    wanted: Wanted,
    /// For programs
    #[arg(long)]
    pub(super) json: bool,
}

/// What a token is to be.
#[derive(Debug, Args)]
struct Wanted {
    /// How far it goes
    #[arg(long, value_enum, default_value = "admin")]
    scope: Scope,
    /// The team it is for, by its id or name; without one the only one, or the only one you own
    #[arg(long)]
    team: Option<String>,
    /// The only project it is for
    #[arg(long)]
    project: Option<String>,
    /// Days until it expires
    #[arg(long, default_value_t = 90)]
    days: u32,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Scope {
    /// Looks
    Read,
    /// Wakes and backs up, too
    Write,
    /// Creates, restores and deletes projects, and manages domains
    Admin,
}

/// Tokens for programs. No token manages them: your password is asked for.
#[derive(Debug, Args)]
pub(super) struct Tokens {
    /// Your account
    #[arg(long, global = true, default_value = "")]
    email: String,
    /// The API's own answer, for programs
    #[arg(long, global = true)]
    pub(super) json: bool,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Lists your tokens
    List,
    /// Makes a token and prints it, this once
    Create {
        /// What it is for
        name: String,
        #[command(flatten)]
        wanted: Wanted,
    },
    /// Revokes a token: from the next request on it counts no more
    Revoke {
        /// Its id, from the list
        id: String,
    },
}

const COLUMNS: &[Column] = &[
    ("id", |token| text(&token["id"])),
    ("name", |token| text(&token["name"])),
    ("scope", |token| text(&token["scope"])),
    ("project", |token| text(&token["project"])),
    ("owner", |token| text(&token["owner"])),
    ("expires", |token| moment(&token["expiresMs"])),
    ("last used", |token| moment(&token["usedMs"])),
];

impl SignIn {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let token = match &self.email {
            None => read_secret("Token: ")?,
            Some(email) => {
                let console = sign_in(&self.url, email).await?;
                let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
                let made = self.wanted.make(&console, &format!("roost login {}", name.trim())).await;
                sign_out(&console).await?;
                text(&made?["secret"])
            }
        };
        let login = Login { url: self.url.trim_end_matches('/').to_owned(), token };
        let account = Console::with(&login)?.get("/api/account").await?;
        let path = login.keep().context("keep the token")?;
        let told = json!({ "email": account["email"], "file": path });
        let sentence = format!("Signed in as {}. The token is kept in {}.", text(&account["email"]), path.display());
        show::sentence(self.json, &told, &sentence);
        Ok(())
    }
}

impl Tokens {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        ensure!(!self.email.is_empty(), "say whose tokens: --email");
        let person = sign_in(Console::signed_in()?.url(), &self.email).await?;
        let done = self.action.perform(&person, self.json).await;
        sign_out(&person).await?;
        done
    }
}

impl Action {
    async fn perform(self, console: &Console, as_json: bool) -> anyhow::Result<()> {
        match self {
            Action::List => show::list(as_json, &console.get("/api/account/tokens").await?, COLUMNS),
            Action::Create { name, wanted } => {
                let made = wanted.make(console, &name).await?;
                show::sentence(as_json, &made, &text(&made["secret"]));
            }
            Action::Revoke { id } => {
                console.call(Method::DELETE, &format!("/api/account/tokens/{id}"), None).await?;
                show::sentence(as_json, &json!({ "id": id }), "The token works no more.");
            }
        }
        Ok(())
    }
}

impl Wanted {
    async fn make(&self, console: &Console, name: &str) -> anyhow::Result<Json> {
        let team = find_team(console, self.team.as_deref()).await?;
        let scope = self.scope.to_possible_value().map(|scope| scope.get_name().to_owned());
        let body =
            json!({ "name": name, "scope": scope, "team": team, "project": self.project, "expiresDays": self.days });
        console.post("/api/account/tokens", &body).await
    }
}

/// The id of a team, by its id or its name; without either the only one, or the only one that is owned.
async fn find_team(console: &Console, wanted: Option<&str>) -> anyhow::Result<String> {
    let teams = console.get("/api/teams").await?;
    let teams = teams["items"].as_array().cloned().unwrap_or_default();
    let mut fitting: Vec<&Json> = match wanted {
        Some(wanted) => teams.iter().filter(|team| team["id"] == wanted || team["name"] == wanted).collect(),
        None => teams.iter().collect(),
    };
    if wanted.is_none() && fitting.len() > 1 {
        fitting.retain(|team| team["role"] == "owner");
    }
    match fitting.as_slice() {
        [team] => Ok(text(&team["id"])),
        [] => bail!("you are in no such team"),
        _ => bail!("there are several such teams: choose one by its id with --team"),
    }
}

/// Signs in as a person, whose password is asked for.
pub(super) async fn sign_in(url: &str, email: &str) -> anyhow::Result<Console> {
    let password = read_secret("Password: ")?;
    match Console::sign_in(url, email, &password, None).await? {
        Some(console) => Ok(console),
        None => {
            let code = read_secret("Code from your device: ")?;
            let console = Console::sign_in(url, email, &password, Some(&code)).await?;
            console.context("the console asks for a code again")
        }
    }
}

/// Ends that session.
pub(super) async fn sign_out(console: &Console) -> anyhow::Result<()> {
    console.call(Method::DELETE, "/api/session", None).await.map(drop)
}

/// A line from the standard input; a terminal does not show it.
fn read_secret(prompt: &str) -> anyhow::Result<String> {
    let input = std::io::stdin();
    let hidden = if input.is_terminal() {
        let shown = tcgetattr(&input).context("look at the terminal")?;
        let mut hidden = shown.clone();
        hidden.local_modes.remove(LocalModes::ECHO);
        let mut error = std::io::stderr();
        write!(error, "{prompt}").and_then(|()| error.flush())?;
        tcsetattr(&input, OptionalActions::Flush, &hidden)?;
        Some(shown)
    } else {
        None
    };
    let mut line = String::new();
    let read = input.lock().read_line(&mut line);
    if let Some(shown) = hidden {
        tcsetattr(&input, OptionalActions::Flush, &shown)?;
        eprintln!();
    }
    read?;
    let secret = line.trim_end_matches(['\r', '\n']);
    if secret.is_empty() { bail!("nothing was entered") } else { Ok(secret.to_owned()) }
}
