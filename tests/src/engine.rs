//! One backend as a process, over a directory that outlives it: our runtime, or the stock server it must agree with.

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use http::Method;
use serde_json::{Value as Json, json};

use crate::{Answer, Http, Port, Upload};

/// The variable every process finds an encryption key in, should a flag name it.
pub const KEY_VARIABLE: &str = "TEST_ENCRYPTION_KEY";

/// Whose server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Make {
    /// The stock server that `POCKETBASE_BIN` names.
    Stock,
    /// `roost-runtime`.
    Ours,
}

/// A running backend. Dropping it kills the process and leaves the directory.
pub struct Engine {
    child: Child,
    _port: Port,
    /// Its origin.
    pub url: String,
    /// The client everything goes through.
    pub http: Http,
}

impl Make {
    /// The stock server, if there is one here. Where everything must be tested, its absence is a failure.
    pub fn stock() -> Option<Make> {
        let found = std::env::var_os("POCKETBASE_BIN").is_some();
        assert!(found || std::env::var_os("CI").is_none(), "POCKETBASE_BIN names no stock server");
        if !found {
            eprintln!("skipped: POCKETBASE_BIN names no stock server");
        }
        found.then_some(Make::Stock)
    }

    /// Runs one command of the program over a directory to its end.
    pub fn run(self, dir: &Path, arguments: &[&str]) -> Output {
        self.command(dir, arguments).output().unwrap_or_else(|error| panic!("{}: {error}", self.binary().display()))
    }

    /// Starts one command whose questions are to be answered.
    pub fn start(self, dir: &Path, arguments: &[&str]) -> Child {
        let mut command = self.command(dir, arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.spawn().unwrap_or_else(|error| panic!("{}: {error}", self.binary().display()))
    }

    /// Creates a superuser, or changes the password of the one there is.
    pub fn upsert_superuser(self, dir: &Path, email: &str, password: &str) {
        let done = self.run(dir, &["superuser", "upsert", email, password]);
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    }

    /// Serves a directory and waits for the first answer.
    pub fn serve(self, dir: &Path) -> Engine {
        self.serve_with(dir, &[])
    }

    /// The same with more flags.
    pub fn serve_with(self, dir: &Path, flags: &[&str]) -> Engine {
        let reserved = Port::reserve();
        let port = reserved.number();
        let address = format!("127.0.0.1:{port}");
        let mut command = self.command(dir, &["serve", "--http", &address]);
        command.args(flags);
        let child = command.stdout(Stdio::null()).spawn().expect("the program starts");
        let mut engine = Engine { child, _port: reserved, url: format!("http://{address}"), http: Http::new() };
        let end = Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            let ended = engine.child.try_wait().expect("the process can be asked");
            assert!(ended.is_none(), "{self:?} ended at once: {ended:?}");
            assert!(Instant::now() < end, "{self:?} does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
        engine
    }

    fn command(self, dir: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.binary());
        command.args(arguments).arg("--dir").arg(dir).env("ROOST_LOG", "error");
        command.env(KEY_VARIABLE, "an encryption key of 32 letters.");
        command
    }

    fn binary(self) -> PathBuf {
        let (variable, default) = match self {
            Make::Stock => ("POCKETBASE_BIN", "tests/.venv/bin/pocketbase"),
            Make::Ours => ("ROOST_RUNTIME_BIN", "target/release/roost-runtime"),
        };
        let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(default);
        std::env::var_os(variable).map_or_else(default, PathBuf::from)
    }
}

impl Engine {
    /// Asks politely and waits for the end, as an operator would.
    pub fn stop(mut self) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill").args(["-TERM", &id]).status().expect("kill runs");
        assert!(sent.success());
        let ended = self.child.wait().expect("the process ends");
        assert!(ended.success(), "{ended:?}");
    }

    /// The id of the process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// A token for an account of that collection.
    pub async fn sign_in(&self, collection: &str, identity: &str, password: &str) -> String {
        let body = json!({ "identity": identity, "password": password });
        let path = format!("/api/collections/{collection}/auth-with-password");
        let answer = self.call(Method::POST, &path, "", Some(&body)).await;
        assert_eq!(answer.status, 200, "{identity}: {:?}", answer.json());
        answer.json()["token"].as_str().expect("a token").to_owned()
    }

    /// Calls the API with a token, or as a guest with none.
    pub async fn call(&self, method: Method, path: &str, token: &str, body: Option<&Json>) -> Answer {
        let headers = [("authorization", token)];
        let headers = if token.is_empty() { &headers[..0] } else { &headers };
        let answer = self.http.send(method, &format!("{}{path}", self.url), headers, body).await;
        answer.unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// GET.
    pub async fn get(&self, path: &str, token: &str) -> Answer {
        self.call(Method::GET, path, token, None).await
    }

    /// Calls the API and insists that it does what it is asked.
    pub async fn done(&self, method: Method, path: &str, token: &str, body: Json) -> Json {
        let body = Some(body).filter(|body| !body.is_null());
        let answer = self.call(method, path, token, body.as_ref()).await;
        assert!(answer.status.is_success(), "{path}: {} {:?}", answer.status, answer.json());
        answer.json()
    }

    /// Sends values and files as a form and insists that they are taken.
    pub async fn upload(&self, method: Method, path: &str, token: &str, values: &Json, files: &[Upload<'_>]) -> Json {
        let answer = self.http.upload(method, &format!("{}{path}", self.url), token, values, files).await;
        let answer = answer.unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(answer.status.is_success(), "{path}: {} {:?}", answer.status, answer.json());
        answer.json()
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
