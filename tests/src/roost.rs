//! The platform as a process: started on a free port in a fresh directory, killed or stopped, started again.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tempfile::TempDir;

use crate::{Console, Http};

/// A running platform. Dropping it kills the process and removes the directory.
pub struct Roost {
    child: Process,
    dir: TempDir,
    settings: String,
    port: u16,
    /// A client for all of its hosts.
    pub http: Http,
}

/// The process, and the line of its log at which it is to die.
#[derive(Clone)]
struct Process(Arc<Mutex<(Child, Option<String>)>>);

impl Roost {
    /// Starts with the defaults.
    pub fn start() -> Roost {
        Roost::start_with("")
    }

    /// Starts with these lines of settings.
    pub fn start_with(settings: &str) -> Roost {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (child, port) = launch(dir.path(), settings, 0);
        Roost { child, dir, settings: settings.to_owned(), port, http: Http::new() }
    }

    /// Ends the process at once, as a power cut would.
    pub fn kill(&mut self) {
        self.child.kill();
    }

    /// Ends the process, as a power cut would, as soon as its log says that.
    pub fn kill_when_it_says(&mut self, line: &str) {
        self.child.lock().1 = Some(line.to_owned());
    }

    /// Whether the process runs.
    pub fn is_running(&self) -> bool {
        matches!(self.child.lock().0.try_wait(), Ok(None))
    }

    /// Starts again on the same directory and port.
    pub fn restart(&mut self) {
        (self.child, self.port) = launch(self.dir.path(), &self.settings, self.port);
        self.http = Http::new();
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

    /// The objects in the directory of backups, the newest last.
    pub fn backup_files(&self) -> Vec<PathBuf> {
        let mut files = Vec::new();
        let projects = std::fs::read_dir(self.dir.path().join("data/backups")).into_iter().flatten();
        for project in projects.map(|entry| entry.expect("an entry").path()) {
            files.extend(std::fs::read_dir(project).expect("a folder").map(|entry| entry.expect("an entry").path()));
        }
        files.sort_by_key(|file| file.metadata().and_then(|about| about.modified()).ok());
        files
    }

    /// The directories of all tenants.
    pub fn tenant_dirs(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.dir.path().join("data/tenants")).expect("the tenants' directory");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths.filter(|path| path.is_dir()).collect()
    }

    /// Somebody new, signed in.
    pub async fn sign_up(&self, email: &str) -> Console {
        Console::sign_up(&self.http, &self.url(), email).await
    }
}

impl Drop for Roost {
    fn drop(&mut self) {
        self.child.kill();
    }
}

impl Process {
    fn kill(&self) {
        let mut process = self.lock();
        let _ = process.0.kill();
        let _ = process.0.wait();
    }

    /// Passes the log on, and dies where it is to.
    fn follow(self, log: ChildStderr) {
        for line in BufReader::new(log).lines().map_while(Result::ok) {
            if self.lock().1.as_ref().is_some_and(|fatal| line.contains(fatal)) {
                self.kill();
            }
            if !line.contains(" INFO ") {
                eprintln!("{line}");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, (Child, Option<String>)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn launch(dir: &Path, settings: &str, port: u16) -> (Process, u16) {
    let config = dir.join("roost.toml");
    std::fs::write(&config, settings).expect("the settings can be written");
    let binary = std::env::var_os("ROOST_BIN").map_or_else(default_binary, PathBuf::from);
    let mut child = Command::new(&binary)
        .args(["serve", "--dev", "--http", &format!("127.0.0.1:{port}"), "--config"])
        .arg(&config)
        .arg("--dir")
        .arg(dir.join("data"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env("ROOST_LOG", "error,control_plane::jobs=info")
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}; build it with `cargo build --release`", binary.display()));
    let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let log = child.stderr.take().expect("a pipe");
    let child = Process(Arc::new(Mutex::new((child, None))));
    let follower = child.clone();
    std::thread::spawn(move || follower.follow(log));
    for line in lines {
        let line = line.expect("readable output");
        if let Some((_, port)) = line.strip_prefix("Console ready at ").and_then(|url| url.rsplit_once(':')) {
            return (child, port.parse().expect("a port"));
        }
    }
    panic!("roost ended before it was ready");
}

fn default_binary() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/roost")
}
