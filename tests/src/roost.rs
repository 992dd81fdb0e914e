//! The platform as a process: started on a free port in a fresh directory, killed or stopped, upgraded, started again.

use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::Method;
use serde_json::Value as Json;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::net::TcpStream;

use crate::postgres::new_database;
use crate::{Answer, Authority, Console, Http, Port, eventually};

/// Names the directory of a PostgreSQL server, if platforms should keep their control database there.
pub const POSTGRES_VARIABLE: &str = "ROOST_TEST_POSTGRES";

/// Settings with which projects fall asleep while a test waits.
pub const SLEEPY: &str = "[rest]\nidle_after = 0.1\nsleep_after = 0.3\n";

/// A running platform. Dropping it kills the process and removes the directory.
pub struct Roost {
    child: Child,
    /// The line of its log at which the process is to die.
    fatal: Fatal,
    dir: TempDir,
    /// The line of the settings that says where the control database is; empty for SQLite.
    database: String,
    settings: String,
    /// The port for plain HTTP.
    http_port: u16,
    /// That it is this platform's also while it does not run. An authority for tests keeps its own.
    _port: Option<Port>,
    origin: String,
    /// A client for all of its hosts.
    pub http: Http,
}

type Fatal = Arc<Mutex<Option<String>>>;

impl Roost {
    /// Starts with the defaults.
    pub fn start() -> Roost {
        Roost::start_with("")
    }

    /// Starts with these lines of settings.
    pub fn start_with(settings: &str) -> Roost {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (fatal, database) = (Fatal::default(), database_line());
        let settings = format!("{database}{settings}");
        let port = Port::reserve();
        let http_port = port.number();
        let (child, origin) = launch(dir.path(), &settings, http_port, &fatal);
        Roost { child, fatal, dir, database, settings, http_port, _port: Some(port), origin, http: Http::new() }
    }

    /// Starts with certificates from an authority, at this domain.
    pub async fn start_certified(authority: &Authority, domain: &str) -> Roost {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let (fatal, database) = (Fatal::default(), database_line());
        let (settings, http_port) = (format!("{database}{}", authority.settings(domain)), authority.answers_port());
        let (child, origin) = launch(dir.path(), &settings, http_port, &fatal);
        let http = Http::trusting(&authority.issued_under().await);
        Roost { child, fatal, dir, database, settings, http_port, _port: None, origin, http }
    }

    /// Restores a copy of a platform on a machine that has nothing, and starts it.
    pub fn restored(from: &Path) -> Roost {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let config = dir.path().join("roost.toml");
        run(&["restore", "--from", text(from), "--dir", text(&dir.path().join("data")), "--config", text(&config)])
            .expect("is restored");
        let settings = std::fs::read_to_string(&config).expect("the settings are restored");
        let fatal = Fatal::default();
        let (port, database) = (Port::reserve(), String::new());
        let http_port = port.number();
        let (child, origin) = launch(dir.path(), &settings, http_port, &fatal);
        Roost { child, fatal, dir, database, settings, http_port, _port: Some(port), origin, http: Http::new() }
    }

    /// Copies the whole platform into a new directory, whether or not it runs.
    pub fn back_up(&self, to: &Path) -> Underway {
        let mut command = Command::new(binary_under_test());
        command.arg("backup").arg("--to").arg(to).arg("--config").arg(self.dir.path().join("roost.toml"));
        command.arg("--dir").arg(self.dir.path().join("data"));
        Underway(command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the command starts"))
    }

    /// Ends the process at once, as a power cut would.
    pub fn kill(&mut self) {
        for process in self.processes() {
            signal("KILL", process);
        }
        self.wait();
    }

    /// Ends the process, as a power cut would, as soon as its log says that.
    pub fn kill_when_it_says(&mut self, line: &str) {
        *self.fatal.lock().unwrap_or_else(PoisonError::into_inner) = Some(line.to_owned());
    }

    /// Whether the process runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Asks the process to stop.
    pub fn terminate(&self) {
        for process in self.processes() {
            signal("TERM", process);
        }
    }

    /// Waits until nothing of it runs any more.
    pub fn wait(&mut self) {
        while !self.processes().is_empty() {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.child.wait().expect("the process ends");
    }

    /// The ids of the processes that serve the directory, in the order they were started in: one, or two during an upgrade.
    pub fn processes(&self) -> Vec<u32> {
        let dir = self.dir.path().join("data");
        let serves = |process: &u32| {
            // Of a process that ended nothing can be read.
            let command = std::fs::read(format!("/proc/{process}/cmdline")).unwrap_or_default();
            let mut words = command.split(|byte| *byte == 0);
            words.clone().any(|word| word == b"serve") && words.any(|word| word == dir.as_os_str().as_encoded_bytes())
        };
        let entries = std::fs::read_dir("/proc").expect("the list of processes");
        let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
        let mut processes: Vec<u32> = numbers.filter(serves).collect();
        processes.sort_unstable();
        processes
    }

    /// Asks for an upgrade to a binary.
    pub fn upgrade_to(&self, binary: &Path) -> Underway {
        let mut command = Command::new(binary_under_test());
        command.args(["upgrade", "--binary"]).arg(binary).arg("--dir").arg(self.dir.path().join("data"));
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the command starts");
        Underway(child)
    }

    /// Asks for an upgrade to the same program.
    pub fn upgrade(&self) -> Underway {
        self.upgrade_to(&binary_under_test())
    }

    /// Starts again on the same directory and port.
    pub fn restart(&mut self) {
        (self.child, self.origin) = launch(self.dir.path(), &self.settings, self.http_port, &self.fatal);
        if self.origin.starts_with("http:") {
            self.http = Http::new();
        }
    }

    /// Runs a command of operators on this platform's settings and directory; what it prints.
    ///
    /// # Errors
    /// What it says when it fails.
    pub fn command(&self, words: &[&str]) -> Result<String, String> {
        let (config, data) = (self.dir.path().join("roost.toml"), self.dir.path().join("data"));
        run(&[words, &["--config", text(&config), "--dir", text(&data)]].concat())
    }

    /// What `roost doctor` says beside the running platform, and whether it is content.
    pub fn doctor(&self) -> (Json, bool) {
        let output = Command::new(binary_under_test())
            .args(["doctor", "--json", "--config"])
            .arg(self.dir.path().join("roost.toml"))
            .arg("--dir")
            .arg(self.dir.path().join("data"))
            .output()
            .expect("it runs");
        (serde_json::from_slice(&output.stdout).expect("JSON"), output.status.success())
    }

    /// Makes somebody an operator by the command line; the secret with which they choose a password.
    pub fn create_operator(&self, email: &str) -> String {
        let told = self.command(&["admin", "create", email]).expect("is made");
        told.split_once("/reset#").map(|(_, secret)| secret.trim().to_owned()).expect("a link")
    }

    /// Loses the control database of a process that has ended: the next one finds an empty one.
    pub fn lose_control_database(&mut self) {
        if self.database.is_empty() {
            for end in ["", "-wal", "-shm"] {
                let _ = std::fs::remove_file(self.dir.path().join(format!("data/control.db{end}")));
            }
        } else {
            let others = self.settings[self.database.len()..].to_owned();
            self.database = database_line();
            self.settings = format!("{}{others}", self.database);
        }
    }

    /// Starts again with other settings.
    pub fn restart_with(&mut self, settings: &str) {
        self.settings = format!("{}{settings}", self.database);
        self.restart();
    }

    /// The console's origin.
    pub fn url(&self) -> String {
        self.origin.clone()
    }

    /// The port everything is on.
    pub fn port(&self) -> u16 {
        port_of(&self.origin)
    }

    /// A project's origin.
    pub fn project_url(&self, slug: &str) -> String {
        self.origin.replace("://", &format!("://{slug}."))
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

    /// The newest of them whose name ends so.
    pub fn backup_file(&self, ending: &str) -> PathBuf {
        let named = |file: &PathBuf| file.to_string_lossy().ends_with(ending);
        self.backup_files().into_iter().rfind(named).expect("such an object")
    }

    /// The directories of all tenants.
    pub fn tenant_dirs(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.dir.path().join("data/tenants")).expect("the tenants' directory");
        let paths = entries.map(|entry| entry.expect("an entry").path());
        paths.filter(|path| path.is_dir()).collect()
    }

    /// All mails that were sent, the newest first.
    pub async fn mails(&self) -> Vec<Json> {
        let outbox = self.http.get(&format!("{}/api/outbox", self.url())).await.json();
        outbox["items"].as_array().cloned().expect("a list")
    }

    /// Calls the console's API as a program with a token would.
    pub async fn with_token(&self, token: &str, method: Method, path: &str, body: Option<&Json>) -> Answer {
        let bearer = format!("Bearer {token}");
        let headers = [("authorization", bearer.as_str())];
        self.http.send(method, &format!("{}{path}", self.url()), &headers, body).await.expect("an answer")
    }

    /// The lines of an event stream of the console, for whoever shows this header.
    pub async fn follow(&self, header: (&str, &str), path: &str) -> Lines<BufReader<TcpStream>> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port())).await.expect("connects");
        let (name, value) = header;
        let head = format!("GET {path} HTTP/1.1\r\nhost: localhost:{}\r\n{name}: {value}\r\n\r\n", self.port());
        stream.write_all(head.as_bytes()).await.expect("is sent");
        let mut lines = BufReader::new(stream).lines();
        let status = lines.next_line().await.expect("is answered").unwrap_or_default();
        assert!(status.contains("200"), "{path}: {status}");
        lines
    }

    /// The secret after `mark` in the link of the latest mail to somebody, once it is there.
    pub async fn secret_from_mail(&self, email: &str, mark: &str) -> String {
        let find = || async {
            let mails = self.mails().await;
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

    /// Somebody new, signed in, whose address is proven.
    pub async fn sign_up_proven(&self, email: &str) -> Console {
        let console = self.sign_up(email).await;
        console.prove(self).await;
        console
    }
}

impl Drop for Roost {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A command that takes its time.
pub struct Underway(Child);

impl Underway {
    /// Whether it is through.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }

    /// Waits until it is through.
    ///
    /// # Errors
    /// What the command says.
    pub fn finish(self) -> Result<(), String> {
        let output = self.0.wait_with_output().expect("the command ends");
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    }
}

/// Runs a command of the program; what it prints.
///
/// # Errors
/// What it says when it fails.
pub fn run(arguments: &[&str]) -> Result<String, String> {
    run_as(arguments, &[], "")
}

/// Runs a command with these variables and this input.
///
/// # Errors
/// What it says when it fails.
pub fn run_as(arguments: &[&str], variables: &[(&str, &str)], input: &str) -> Result<String, String> {
    let mut command = Command::new(binary_under_test());
    command.args(arguments).env("ROOST_LOG", "error").envs(variables.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("it starts");
    // Whoever reads no input may have ended already.
    let _ = child.stdin.take().expect("a pipe").write_all(input.as_bytes());
    let output = child.wait_with_output().expect("it ends");
    let told = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if output.status.success() { Ok(told(&output.stdout)) } else { Err(told(&output.stderr)) }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// Sends a signal. A process that has ended gets none.
pub fn signal(name: &str, process: u32) {
    let mut command = Command::new("kill");
    command.args(["-s", name, &process.to_string()]).stderr(Stdio::null());
    command.status().expect("`kill` is installed");
}

#[expect(clippy::zombie_processes, reason = "the platform that owns the process waits for it when it goes")]
fn launch(dir: &Path, settings: &str, port: u16, fatal: &Fatal) -> (Child, String) {
    let config = dir.join("roost.toml");
    std::fs::write(&config, settings).expect("the settings can be written");
    let binary = binary_under_test();
    let mut child = Command::new(&binary)
        .args(["serve", "--dev", "--http", &format!("127.0.0.1:{port}"), "--config"])
        .arg(&config)
        .arg("--dir")
        .arg(dir.join("data"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .env("ROOST_LOG", std::env::var_os("ROOST_LOG").unwrap_or_else(|| "error,control_plane::jobs=info".into()))
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}; build it with `cargo build --release`", binary.display()));
    fatal.lock().unwrap_or_else(PoisonError::into_inner).take();
    let (log, process, fatal) = (child.stderr.take().expect("a pipe"), child.id(), Arc::clone(fatal));
    std::thread::spawn(move || follow(log, process, &fatal));
    let lines = std::io::BufReader::new(child.stdout.take().expect("a pipe")).lines();
    for line in lines {
        let line = line.expect("readable output");
        if let Some(origin) = line.strip_prefix("Console ready at ") {
            return (child, origin.to_owned());
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

fn port_of(origin: &str) -> u16 {
    origin.rsplit_once(':').and_then(|(_, port)| port.parse().ok()).expect("a port")
}

/// Passes the log on, and kills the process where it is to die.
fn follow(log: ChildStderr, process: u32, fatal: &Fatal) {
    for line in std::io::BufReader::new(log).lines().map_while(Result::ok) {
        let dies = fatal.lock().unwrap_or_else(PoisonError::into_inner).take_if(|fatal| line.contains(fatal.as_str()));
        if dies.is_some() {
            signal("KILL", process);
        }
        if !line.contains(" INFO ") {
            eprintln!("{line}");
        }
    }
}

/// The program as it was built.
pub fn binary_under_test() -> PathBuf {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/release/roost");
    std::env::var_os("ROOST_BIN").map_or_else(default, PathBuf::from)
}
