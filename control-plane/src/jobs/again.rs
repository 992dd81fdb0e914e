//! Every step of every kind of job, broken off wherever it waits for something and then done twice, as crashes and lost
//! leases have it: the end is the same as if nothing had happened.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use http::{Method, Request, header};
use serde_json::{Value as Json, json};
use tenant_runtime::host::Host;
use tower::ServiceExt as _;

use super::kinds::Kind;
use super::lease::{self, Hold, Outcome};
use super::run::Run;
use super::store::enqueue;
use crate::config::Config;
use crate::state::Platform;
use crate::{clock, http as console, serve};

/// What somebody does of which a job comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    SignUp,
    BackUp,
    Check,
    Import,
    Restore,
    Undo,
    RestoreIntoNew,
    LockOut,
    Delete,
}

/// All of them, each after those whose work it needs.
const ORDER: [Deed; 9] = [
    Deed::SignUp,
    Deed::BackUp,
    Deed::Check,
    Deed::Import,
    Deed::Restore,
    Deed::Undo,
    Deed::RestoreIntoNew,
    Deed::LockOut,
    Deed::Delete,
];

impl Deed {
    fn job(self) -> Kind {
        match self {
            Deed::SignUp => Kind::SendMail,
            Deed::BackUp => Kind::Backup,
            Deed::Check | Deed::Import => Kind::CheckBackup,
            Deed::Restore | Deed::RestoreIntoNew => Kind::Restore,
            Deed::Undo => Kind::UndoRestore,
            Deed::LockOut => Kind::LockOut,
            Deed::Delete => Kind::PurgeProject,
        }
    }
}

/// A platform with an account and its project, where jobs are done by hand.
struct Stage {
    platform: Platform,
    host: Host,
    console: Router,
    cookie: String,
    dir: tempfile::TempDir,
}

impl Stage {
    async fn set() -> Stage {
        let dir = tempfile::tempdir().expect("a directory");
        let mut config = Config::load(None).expect("the defaults");
        config.dir = dir.path().to_owned();
        config.dev = true;
        config.grace_days = 0;
        let (platform, host) = serve::assemble(config, false).await.expect("it is put together");
        let console = console::router(platform.clone());
        let mut stage = Stage { platform, host, console, cookie: String::new(), dir };
        stage.sign_up().await;
        let superuser = json!({ "email": "admin@example.com", "password": "correct horse" });
        stage.post("/api/projects", &json!({ "name": "Orchard", "slug": "orchard", "superuser": superuser })).await;
        stage
    }

    async fn sign_up(&mut self) {
        let body = json!({ "email": "ann@example.com", "password": "a quiet place to sit" });
        let request = self.request(Method::POST, "/api/accounts", body.to_string());
        let answer = self.console.clone().oneshot(request).await.expect("an answer");
        let cookie = answer.headers().get(header::SET_COOKIE).and_then(|cookie| cookie.to_str().ok());
        self.cookie = cookie.and_then(|cookie| cookie.split(';').next()).expect("a cookie").to_owned();
    }

    fn request(&self, method: Method, path: &str, body: impl Into<Body>) -> Request<Body> {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::ORIGIN, self.platform.urls.console()).header(header::COOKIE, &self.cookie);
        request.body(body.into()).expect("a request")
    }

    async fn exchange(&self, method: Method, path: &str, body: impl Into<Body>) -> Bytes {
        let answer = self.console.clone().oneshot(self.request(method, path, body)).await.expect("an answer");
        let status = answer.status();
        let bytes = to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
        assert!(status.is_success(), "{path}: {status} {}", String::from_utf8_lossy(&bytes));
        bytes
    }

    async fn call(&self, method: Method, path: &str, body: &Json) -> Json {
        serde_json::from_slice(&self.exchange(method, path, body.to_string()).await).unwrap_or_default()
    }

    async fn post(&self, path: &str, body: &Json) -> Json {
        self.call(Method::POST, path, body).await
    }

    async fn get(&self, path: &str) -> Json {
        self.call(Method::GET, path, &Json::Null).await
    }

    async fn backups(&self) -> Json {
        self.get("/api/projects/orchard/backups").await
    }

    /// How many lines of the project's activity are of a kind.
    async fn noted(&self, kind: &str) -> usize {
        let lines = self.get("/api/projects/orchard/activity").await["items"].take();
        lines.as_array().expect("a list").iter().filter(|line| line["kind"] == kind).count()
    }

    /// What lies in the folder of its kind, of the only project there is.
    fn files(&self, folder: &str) -> Vec<String> {
        let names = |path| std::fs::read_dir(path).into_iter().flatten().map(|entry| entry.expect("an entry"));
        let projects = names(self.dir.path().join(folder));
        let files = projects.flat_map(|project| names(project.path()));
        files.map(|file| file.file_name().to_string_lossy().into_owned()).collect()
    }

    fn data(&self) -> usize {
        self.files("tenants").iter().filter(|name| name.starts_with("data-")).count()
    }

    fn copies(&self) -> usize {
        let tenants = std::fs::read_dir(self.dir.path().join("tenants")).expect("the tenants");
        let copies = tenants.flat_map(|tenant| std::fs::read_dir(tenant.expect("an entry").path().join("copies")));
        copies.flatten().count()
    }

    /// Asks for a job as people do.
    async fn ask_for(&self, deed: Deed) {
        let backups = self.backups().await;
        let mut made = backups["items"].as_array().into_iter().flatten();
        let asked = made.find(|row| row["origin"] == "hand").cloned().unwrap_or_default();
        let into = json!({ "into": { "name": "Copy", "slug": "copy" } });
        match deed {
            // Whoever signs up is asked to prove the address.
            Deed::SignUp => Json::Null,
            Deed::BackUp => self.post("/api/projects/orchard/backups", &json!({})).await,
            Deed::Check => self.post(&path("backups", &asked, "check"), &json!({})).await,
            Deed::Import => self.import(&asked).await,
            Deed::Restore => self.post(&path("backups", &asked, "restore"), &json!({})).await,
            Deed::RestoreIntoNew => self.post(&path("backups", &asked, "restore"), &into).await,
            Deed::Undo => self.post(&path("restores", &backups["restores"][0], "undo"), &json!({})).await,
            Deed::LockOut => self.lock_out().await,
            Deed::Delete => self.delete().await,
        };
    }

    /// Brings a backup's zip.
    async fn import(&self, backup: &Json) -> Json {
        let zip = self.exchange(Method::GET, &path("backups", backup, "zip"), Body::empty()).await;
        let begun = self.exchange(Method::POST, "/api/projects/orchard/imports", zip).await;
        serde_json::from_slice(&begun).expect("JSON")
    }

    /// What a proof of the account's address by its owner brings about: here for one of the projects.
    async fn lock_out(&self) -> Json {
        let orchard = self.get("/api/projects/orchard").await["id"].take();
        let mut tx = self.platform.database.begin().await.expect("begins");
        let id = orchard.as_str().expect("an id");
        let asked = enqueue(&mut tx, Kind::LockOut, id, None, "{}", clock::now_ms(), clock::HOUR).await;
        assert!(asked.expect("is queued").is_some());
        tx.commit().await.expect("commits");
        orchard
    }

    /// Deletes the project; the backup before it is another kind's affair.
    async fn delete(&self) -> Json {
        let answer = self.call(Method::DELETE, "/api/projects/orchard", &json!({ "slug": "orchard" })).await;
        self.work_on(Kind::Backup, 0).await;
        answer
    }

    /// Does a job that waits, every step of it thrice, at first only so far; whether some step would have gone farther.
    async fn work_on(&self, kind: Kind, far: usize) -> bool {
        let db = self.platform.database.write();
        let claim = lease::claim(db, &format!("'{}'", kind.name()), "by hand").await.expect("asks").expect("a job");
        let run = Run::new(&self.platform, kind, claim);
        let mut broken = false;
        for step in kind.steps() {
            let held = lease::begin_step(db, &run.claim, *step).await.expect("notes");
            assert_eq!(held, Hold::Held, "{kind:?}");
            broken |= break_off(kind.perform(&run, step.name), far).await;
            for time in ["first", "second"] {
                let done = kind.perform(&run, step.name).await;
                done.unwrap_or_else(|error| panic!("{kind:?}, {}, {time} time, after {far}: {error:#}", step.name));
            }
        }
        let done = Outcome { state: "done", step: "", due_ms: clock::now_ms(), error: None };
        lease::finish(db, &run.claim, done).await.expect("notes");
        broken
    }

    /// What people find after that, in [`ORDER`].
    async fn check(&self, deed: Deed) {
        assert_eq!(self.copies(), 0, "after {deed:?} something is left at the node");
        if deed == Deed::Delete {
            let projects = self.get("/api/projects").await["items"].take();
            let slugs: Vec<&Json> = projects.as_array().expect("a list").iter().map(|row| &row["slug"]).collect();
            assert_eq!(slugs, ["copy"]);
            assert_eq!((self.data(), self.files("backups")), (1, Vec::new()));
            return;
        }
        let backups = self.backups().await;
        let states: Vec<&Json> = backups["items"].as_array().expect("a list").iter().map(|row| &row["state"]).collect();
        assert!(states.iter().all(|state| *state == "proven"), "after {deed:?}: {backups}");
        let restores = &backups["restores"];
        let expected = match deed {
            Deed::SignUp => (0, 1, 0, 0),
            Deed::BackUp | Deed::Check => (1, 1, 0, 0),
            Deed::Import => (2, 1, 0, 0),
            Deed::Restore => (3, 2, 1, 0),
            Deed::Undo => (3, 2, 1, 1),
            Deed::RestoreIntoNew | Deed::LockOut | Deed::Delete => (3, 3, 1, 1),
        };
        let found = (states.len(), self.data(), self.noted("restored").await, self.noted("restore_undone").await);
        assert_eq!(found, expected, "after {deed:?}: backups, data, restores and undone ones");
        assert_eq!(restores[0]["undoneMs"].is_i64(), expected.3 == 1, "{restores}");
        assert_eq!(self.files("backups").len(), 2 * states.len(), "an archive and a manifest each");
        assert_eq!(self.get("/api/outbox").await["items"].as_array().expect("a list").len(), 1, "after {deed:?}");
        self.post("/api/projects/orchard/wake", &json!({})).await;
        if deed == Deed::RestoreIntoNew {
            self.post("/api/projects/copy/wake", &json!({})).await;
        }
    }
}

/// What to do with a backup or a restore.
fn path(list: &str, row: &Json, what: &str) -> String {
    format!("/api/projects/orchard/{list}/{}/{what}", row["id"].as_str().unwrap_or_default())
}

/// Polls work so often, and lets go of it; whether it was under way.
async fn break_off(work: impl Future, polls: usize) -> bool {
    let (mut work, mut left) = (pin!(work), polls);
    poll_fn(|context| {
        if left == 0 {
            return Poll::Ready(true);
        }
        left -= 1;
        work.as_mut().poll(context).map(|_| false)
    })
    .await
}

#[tokio::test]
async fn every_step_of_every_job_may_be_broken_off_and_done_again() {
    let is_tried = |kind: &Kind| ORDER.iter().any(|deed| deed.job() == *kind);
    assert!(Kind::ALL.iter().all(is_tried), "a kind of job is not tried");
    let (mut far, mut broken) = (0, true);
    while broken {
        broken = false;
        let stage = Stage::set().await;
        for deed in ORDER {
            stage.ask_for(deed).await;
            broken |= stage.work_on(deed.job(), far).await;
            stage.check(deed).await;
        }
        stage.host.close().await;
        far += 1;
    }
    assert!(far > 10, "steps wait for something");
}
