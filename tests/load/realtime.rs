//! Fan-out beside a stock server: a thousand subscribers of one rule class hear of records as they are created.
//!
//! `cargo run --release -p tests --example realtime`. Ours is `ROOST_RUNTIME_BIN` or target/release/roost-runtime, the
//! stock server `POCKETBASE_BIN`, left out when it is not set. Prints deliveries per second with CPU per delivery, and
//! how long after its request a lone record reached the last subscriber. Median of the rounds.

use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use serde_json::json;
use tests::Http;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::Notify;

const SUBSCRIBERS: u64 = 1000;
const ROUNDS: usize = 40;
/// Records created at once in a round.
const BURST: u64 = 64;
const LONE: usize = 50;
const PATIENCE: Duration = Duration::from_secs(30);
const RECORDS: &str = "/api/collections/posts/records";

#[tokio::main]
async fn main() {
    let ours = std::env::var("ROOST_RUNTIME_BIN").unwrap_or_else(|_| "target/release/roost-runtime".to_owned());
    if let Ok(stock) = std::env::var("POCKETBASE_BIN") {
        measure("stock", &stock, 18431).await;
    }
    measure("roost", &ours, 18432).await;
    println!("goals: 100,000 deliveries/s, last of 1,000 within 20 ms");
}

/// Counts what all subscribers have heard, and tells when it is enough.
#[derive(Default)]
struct Heard {
    braces: AtomicU64,
    more: Notify,
}

impl Heard {
    async fn until(&self, events: u64) {
        loop {
            let more = tokio::time::timeout(PATIENCE, self.more.notified());
            if self.braces.load(Ordering::Acquire) >= 2 * events {
                return;
            }
            more.await.expect("subscribers hear of everything");
        }
    }
}

async fn measure(name: &str, binary: &str, port: u16) {
    let dir = tempfile::tempdir().expect("a directory");
    let server = Server::start(binary, dir.path(), port);
    let http = Http::new();
    let url = server.url.clone();
    tests::eventually("the server answers", async || TcpStream::connect(("127.0.0.1", port)).await.is_ok()).await;
    let signed_in = json!({ "identity": "a@example.com", "password": "correct horse" });
    let token = http.post(&format!("{url}/api/collections/_superusers/auth-with-password"), &signed_in).await.json();
    let headers = [("authorization", token["token"].as_str().expect("a token"))];
    let posts = json!({
        "name": "posts", "type": "base", "listRule": "title != 'hidden'", "viewRule": "", "createRule": "",
        "fields": [{ "name": "title", "type": "text" }, { "name": "body", "type": "text" }],
    });
    let made = http.send(http::Method::POST, &format!("{url}/api/collections"), &headers, Some(&posts)).await;
    assert!(made.expect("answers").status.is_success());

    let heard = Arc::new(Heard::default());
    for _ in 0..SUBSCRIBERS {
        subscribe(&http, &url, port, Arc::clone(&heard)).await;
    }
    let create = async || {
        let record = json!({ "title": "A title of some length", "body": "Lorem ipsum dolor sit amet, consectetur." });
        assert!(http.post(&format!("{url}{RECORDS}"), &record).await.status.is_success());
    };
    let mut expected = 0;
    let (mut rates, mut delays) = (Vec::new(), Vec::new());
    let (cpu, before) = (server.cpu(), expected);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        join_all((0..BURST).map(|_| create())).await;
        expected += BURST * SUBSCRIBERS;
        heard.until(expected).await;
        rates.push((BURST * SUBSCRIBERS) as f64 / began.elapsed().as_secs_f64());
    }
    let cpu = (server.cpu() - cpu) / (expected - before) as f64 * 1e6;
    for _ in 0..LONE {
        let began = Instant::now();
        create().await;
        expected += SUBSCRIBERS;
        heard.until(expected).await;
        delays.push(began.elapsed().as_secs_f64() * 1e3);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    rates.sort_by(f64::total_cmp);
    delays.sort_by(f64::total_cmp);
    println!(
        "{name}: {:.0} deliveries/s, {cpu:.1} µs CPU each; last of {SUBSCRIBERS} after {:.1} ms (worst {:.1} ms)",
        rates[rates.len() / 2],
        delays[delays.len() / 2],
        delays[delays.len() - 1],
    );
}

/// Opens a stream, subscribes it to the collection and counts its events from then on.
async fn subscribe(http: &Http, url: &str, port: u16, heard: Arc<Heard>) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("connects");
    stream.write_all(b"GET /api/realtime HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").await.expect("is sent");
    let mut text = String::new();
    let mut buffer = vec![0; 64 << 10];
    let id = loop {
        let count = stream.read(&mut buffer).await.expect("is read");
        text.push_str(&String::from_utf8_lossy(&buffer[..count]));
        if let Some((_, rest)) = text.split_once("\"clientId\":\"")
            && let Some((id, _)) = rest.split_once('"')
        {
            break id.to_owned();
        }
    };
    let answer =
        http.post(&format!("{url}/api/realtime"), &json!({ "clientId": id, "subscriptions": ["posts/*"] })).await;
    assert!(answer.status.is_success(), "{answer:?}");
    tokio::spawn(async move {
        while let Ok(count @ 1..) = stream.read(&mut buffer).await {
            // Pieces may cut anything but a single byte: each event closes its record and itself.
            let braces = buffer[..count].iter().filter(|byte| **byte == b'}').count() as u64;
            heard.braces.fetch_add(braces, Ordering::AcqRel);
            heard.more.notify_waiters();
        }
    });
}

struct Server {
    process: Child,
    url: String,
}

impl Server {
    fn start(binary: &str, dir: &std::path::Path, port: u16) -> Server {
        let data = dir.join("data");
        let upsert = Command::new(binary)
            .args(["superuser", "upsert", "a@example.com", "correct horse", "--dir"])
            .arg(&data)
            .stdout(Stdio::null())
            .status();
        assert!(upsert.expect("the binary runs").success());
        let process = Command::new(binary)
            .args(["serve", "--http", &format!("127.0.0.1:{port}"), "--dir"])
            .arg(&data)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        Server { process: process.expect("the binary runs"), url: format!("http://127.0.0.1:{port}") }
    }

    /// Seconds of CPU so far.
    fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id())).expect("it runs");
        let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
        let ticks: u64 = fields[11].parse::<u64>().expect("a number") + fields[12].parse::<u64>().expect("a number");
        ticks as f64 / 100.0
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
