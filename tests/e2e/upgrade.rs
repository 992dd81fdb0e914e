//! Upgrades nobody notices, stopping, and what is left when either is cut short. `tests/edge/upgrades` has the figures.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures_util::future::join_all;
use http::Method;
use serde_json::json;
use tests::{Http, Project, Roost, Underway, binary_under_test, eventually, signal};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::sleep;

const SLEEPY: &str = "[rest]\nidle_after = 0.1\nsleep_after = 0.5\n";
const SWAPS: usize = 10;
const STREAMS: usize = 2;

/// Event streams that were opened, and records that were sent.
static LISTENED: AtomicUsize = AtomicUsize::new(0);
static NUMBER: AtomicUsize = AtomicUsize::new(0);

/// How long a record that is sent slowly takes.
const SLOWLY: Duration = Duration::from_millis(1200);

#[tokio::test(flavor = "multi_thread")]
async fn nobody_notices_ten_upgrades_in_a_row() {
    let roost = Roost::start_with(SLEEPY);
    let ann = roost.sign_up("ann@example.com").await;
    let mut projects = Vec::new();
    for slug in ["orchard", "meadow", "pond"] {
        let project = ann.create_project(slug).await;
        project.create_collection("posts").await;
        projects.push(Arc::new(project));
    }
    let [orchard, meadow, pond] = [0, 1, 2].map(|number| Arc::clone(&projects[number]));
    let running = Arc::new(AtomicBool::new(true));
    let while_running = || Load(Arc::clone(&running));
    let mut writers = vec![while_running().write_slowly(&roost, "orchard")];
    for project in [&orchard, &meadow] {
        writers.push(while_running().write(project));
        writers.push(while_running().connect_anew(project, Duration::from_millis(10)));
    }
    // Asleep in between.
    writers.push(while_running().connect_anew(&pond, Duration::from_millis(1500)));
    let listeners: Vec<_> = (0..STREAMS).map(|_| while_running().listen(&roost, "meadow")).collect();

    for _ in 0..SWAPS {
        finish(roost.upgrade()).await.expect("is upgraded");
        assert_eq!(roost.processes().len(), 1);
    }
    running.store(false, Ordering::Relaxed);
    let acknowledged: usize = join_all(writers).await.into_iter().map(|written| written.expect("nothing failed")).sum();
    let mut stored = [texts(&orchard).await, texts(&meadow).await].concat();
    assert_eq!(stored.len(), acknowledged);
    stored.sort();
    stored.dedup();
    assert_eq!(stored.len(), acknowledged, "something was done twice");
    assert!(listeners.iter().all(|listener| !listener.is_finished()), "an event stream failed");
    assert!(LISTENED.load(Ordering::Relaxed) <= STREAMS * (SWAPS + 1), "reconnected more than once per upgrade");
    listeners.iter().for_each(JoinHandle::abort);
}

/// The texts of all records.
async fn texts(project: &Project) -> Vec<String> {
    let mut texts = Vec::new();
    for page in 1.. {
        let list = format!("/api/collections/posts/records?perPage=1000&page={page}&fields=text");
        let answer = project.call(Method::GET, &list, None).await.expect("an answer").json();
        let items = answer["items"].as_array().expect("a list");
        texts.extend(items.iter().map(|item| item["text"].to_string()));
        if items.len() < 1000 {
            break;
        }
    }
    texts
}

/// A client that goes on until told to stop. Whatever fails is a panic.
struct Load(Arc<AtomicBool>);

impl Load {
    fn goes_on(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// One kept connection. How many records were acknowledged.
    fn write(self, project: &Arc<Project>) -> JoinHandle<usize> {
        let project = Arc::clone(project);
        tokio::spawn(async move {
            let mut written = 0;
            while self.goes_on() {
                project.create("posts", &next_text()).await.expect("is acknowledged");
                written += 1;
                sleep(Duration::from_millis(10)).await;
            }
            written
        })
    }

    /// A connection for every request.
    fn connect_anew(self, project: &Arc<Project>, pause: Duration) -> JoinHandle<usize> {
        let url = format!("{}/api/health", project.url);
        tokio::spawn(async move {
            while self.goes_on() {
                assert_eq!(Http::new().get(&url).await.status, 200);
                sleep(pause).await;
            }
            0
        })
    }

    /// A request that is in flight for a while.
    fn write_slowly(self, roost: &Roost, slug: &str) -> JoinHandle<usize> {
        let (port, head) = (roost.port(), slow_head(slug));
        tokio::spawn(async move {
            let mut written = 0;
            while self.goes_on() {
                let (stream, end) = begin_slowly(port, &head).await;
                sleep(SLOWLY).await;
                assert!(end_slowly(stream, &end).await.starts_with("HTTP/1.1 200"));
                written += 1;
            }
            written
        })
    }

    /// An event stream that is opened again whenever it ends.
    fn listen(self, roost: &Roost, slug: &str) -> JoinHandle<()> {
        let port = roost.port();
        let request = format!("GET /api/realtime HTTP/1.1\r\nHost: {slug}.localhost\r\n\r\n");
        tokio::spawn(async move {
            while self.goes_on() {
                LISTENED.fetch_add(1, Ordering::Relaxed);
                let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connects");
                stream.write_all(request.as_bytes()).await.expect("is sent");
                let mut text = String::new();
                stream.read_to_string(&mut text).await.expect("ends");
                assert!(text.contains("PB_CONNECT"), "{text}");
                assert!(text.ends_with("\r\n0\r\n\r\n"), "ends cleanly: {text}");
            }
        })
    }
}

fn next_text() -> String {
    format!("number {}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

fn slow_head(slug: &str) -> String {
    format!(
        "POST /api/collections/posts/records HTTP/1.1\r\nHost: {slug}.localhost\r\nConnection: close\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
}

/// Sends half a record; what is missing is returned, too.
async fn begin_slowly(port: u16, head: &str) -> (TcpStream, String) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connects");
    let body = json!({ "text": next_text() }).to_string();
    let (begin, end) = body.split_at(5);
    let begin = format!("{head}{:x}\r\n{begin}\r\n", begin.len());
    stream.write_all(begin.as_bytes()).await.expect("is sent");
    (stream, format!("{:x}\r\n{end}\r\n0\r\n\r\n", end.len()))
}

async fn end_slowly(mut stream: TcpStream, end: &str) -> String {
    stream.write_all(end.as_bytes()).await.expect("is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answers");
    answer
}

async fn finish(upgrade: Underway) -> Result<(), String> {
    tokio::task::spawn_blocking(|| upgrade.finish()).await.expect("the command ends")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_does_not_start_changes_nothing() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    project.create_collection("posts").await;
    let before = roost.processes();
    for (binary, why) in [("/bin/false", "ended before it was ready"), ("/no/such/program", "No such file")] {
        let refused = finish(roost.upgrade_to(binary.as_ref())).await.expect_err("is refused");
        assert!(refused.contains(why), "{refused}");
        assert_eq!(roost.processes(), before);
        project.create("posts", "kept").await.expect("acknowledged");
    }

    let dir = tempfile::tempdir().expect("a directory");
    let late = dir.path().join("late");
    let script = format!("#!/bin/sh\nsleep 1\nexec {} \"$@\"\n", binary_under_test().display());
    std::fs::write(&late, script).expect("writes");
    std::fs::set_permissions(&late, std::fs::Permissions::from_mode(0o755)).expect("is executable");
    let first = roost.upgrade_to(&late);
    eventually("the new process", || async { roost.processes().len() == 2 }).await;
    let second = finish(roost.upgrade()).await.expect_err("is refused");
    assert!(second.contains("under way"), "{second}");
    finish(first).await.expect("is upgraded");
    assert_ne!(roost.processes(), before);
    assert_eq!(project.ids("posts").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_killed_during_an_upgrade_the_platform_starts() {
    let mut roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let mut project = ann.create_project("orchard").await;
    project.create_collection("posts").await;
    let mut acknowledged = Vec::new();
    for round in 0_u64..12 {
        project = project.reconnect(&Http::new());
        acknowledged.push(project.create("posts", "before").await.expect("acknowledged"));
        let upgrade = roost.upgrade();
        sleep(Duration::from_millis(round * 43 % 260)).await;
        let victim =
            if round % 2 == 0 { roost.processes().first().copied() } else { roost.processes().last().copied() };
        signal("KILL", victim.expect("a process"));
        // Whether it succeeded depends on who was killed when.
        let _ = finish(upgrade).await;
        eventually("one process at most", || async { roost.processes().len() < 2 }).await;
        // The one that is left may be the old one, on its way out; nobody restarts what ended by itself here.
        while project.create("posts", "after").await.is_none() {
            project = project.reconnect(&Http::new());
            if roost.processes().is_empty() {
                roost.kill();
                roost.restart();
            }
        }
        let ids = project.ids("posts").await;
        assert!(acknowledged.iter().all(|id| ids.contains(id)), "round {round}");
        finish(roost.upgrade()).await.expect("can be upgraded");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_polite_kill_lets_everybody_finish_and_nobody_in() {
    let mut roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    project.create_collection("posts").await;
    let in_flight = join_all((0..5).map(|_| async { begin_slowly(roost.port(), &slow_head("orchard")).await })).await;
    // Reaches the project after them.
    project.create("posts", "before").await.expect("acknowledged");
    roost.terminate();
    let refused = || async { TcpStream::connect(("127.0.0.1", roost.port())).await.is_err() };
    eventually("new connections to be refused", refused).await;
    sleep(SLOWLY).await;
    for (stream, end) in in_flight {
        assert!(end_slowly(stream, &end).await.starts_with("HTTP/1.1 200"));
    }
    roost.wait();
    roost.restart();
    let project = project.reconnect(&roost.http);
    assert_eq!(project.ids("posts").await.len(), 6);
}
