//! The platform as a process: started on a free port in a fresh directory, killed or stopped, started again.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use crate::postgres::new_database;
use crate::{Console, Http, eventually};

/// Names the directory of a PostgreSQL server, if platforms should keep their control database there.
pub const POSTGRES_VARIABLE: &str = "ROOST_TEST_POSTGRES";

/// A running platform. Dropping it kills the process and removes the directory.
pub struct Roost {
    child: Child,
    dir: TempDir,
    /// The line of the settings that says where the control database is; empty for SQLite.
    database: String,
    settings: String,
    port: u16,
    /// A client for all of its hosts.
    pub http: Http,
}

impl Roost {
    /// Starts with the defaults.
    pub fn start() -> Roost {
        Roost::start_with("")
    }

    /// Starts with these lines of settings.
    pub fn start_with(settings: &str) -> Roost {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let database = database_line();
        let settings = format!("{database}{settings}");
        let (child, port) = launch(dir.path(), &settings, 0);
        Roost { child, dir, database, settings, port, http: Http::new() }
    }

    /// Ends the process at once, as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill().expect("the process can be killed");
        self.child.wait().expect("the process ends");
    }

    /// Starts again on the same directory and port.
    pub fn restart(&mut self) {
        (self.child, self.port) = launch(self.dir.path(), &self.settings, self.port);
        self.http = Http::new();
    }

    /// Starts again with other settings.
    pub fn restart_with(&mut self, settings: &str) {
        self.settings = format!("{}{settings}", self.database);
        self.restart();
    }

    /// The console's origin.
    pub fn url(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// The port everything is on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A project's origin.
    pub fn project_url(&self, slug: &str) -> String {
        format!("http://{slug}.localhost:{}", self.port)
    }

    /// The directories of all tenants.
    pub fn tenant_dirs(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.dir.path().join("data/tenants")).expect("the tenants' directory");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths.filter(|path| path.is_dir()).collect()
    }

    /// The secret after `mark` in the link of the latest mail to somebody, once it is there.
    pub async fn secret_from_mail(&self, email: &str, mark: &str) -> String {
        let outbox = format!("{}/api/outbox", self.url());
        let find = || async {
            let mails = self.http.get(&outbox).await.json()["items"].take();
            let mails = mails.as_array().cloned().unwrap_or_default();
            let links = mails.iter().filter(|mail| mail["to"] == email).filter_map(|mail| mail["link"].as_str());
            links.filter_map(|link| link.split_once(mark)).map(|(_, secret)| secret.to_owned()).next()
        };
        eventually("the mail", || async { find().await.is_some() }).await;
        find().await.expect("the mail")
    }

    /// Somebody known, signed in once more.
    pub async fn sign_in(&self, email: &str) -> Console {
        Console::sign_in(&self.http, &self.url(), email).await
    }

    /// Somebody new, signed in.
    pub async fn sign_up(&self, email: &str) -> Console {
        Console::sign_up(&self.http, &self.url(), email).await
    }
}

impl Drop for Roost {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[expect(clippy::zombie_processes, reason = "the platform that owns the process waits for it when it goes")]
fn launch(dir: &Path, settings: &str, port: u16) -> (Child, u16) {
    let config = dir.join("roost.toml");
    std::fs::write(&config, settings).expect("the settings can be written");
    let binary = std::env::var_os("ROOST_BIN").map_or_else(default_binary, PathBuf::from);
    let mut child = Command::new(&binary)
        .args(["serve", "--dev", "--http", &format!("127.0.0.1:{port}"), "--config"])
        .arg(&config)
        .arg("--dir")
        .arg(dir.join("data"))
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .env("ROOST_LOG", "error")
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}; build it with `cargo build --release`", binary.display()));
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    for line in lines {
        let line = line.expect("readable output");
        if let Some((_, port)) = line.strip_prefix("Console ready at ").and_then(|url| url.rsplit_once(':')) {
            return (child, port.parse().expect("a port"));
        }
    }
    panic!("roost ended before it was ready");
}

/// A database of its own for every platform.
fn database_line() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let Some(server) = std::env::var_os(POSTGRES_VARIABLE) else { return String::new() };
    let name = format!("roost_{}_{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
    format!("database = \"{}\"\n", new_database(Path::new(&server), &name))
}

fn default_binary() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/roost")
}
