//! Crowds that write to one backend: nobody is refused, nobody starves, nothing is lost; a queue that is full says so.

use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value as Json, json};
use tests::{Engine, Make};

use crate::garden::{ADMIN, PASSWORD};

const RECORDS: &str = "/api/collections/notes/records";
/// Writes that may wait for one backend.
const QUEUE: usize = 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_writers_share_fairly() {
    crowd(64).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_and_fifty_six_writers_share_fairly() {
    crowd(256).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_writers_share_fairly() {
    crowd(1000).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_the_queue_writers_are_told_to_come_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = notes(dir.path()).await;
    let held = Held::by_another_process(&dir.path().join("data.db"));
    let (refusals, mut refused) = tokio::sync::mpsc::unbounded_channel();
    let writes = (0..QUEUE + 500).map(|n| {
        let (engine, refusals) = (&engine, refusals.clone());
        async move {
            let answer = engine.call(Method::POST, RECORDS, "", Some(&json!({ "text": n.to_string() }))).await;
            if answer.status != 200 {
                let _ = refusals.send(());
            }
            answer
        }
    });
    let release = async {
        // One batch is at the door of the database and the queue is full behind it: the rest is told so at once.
        for _ in 0..100 {
            refused.recv().await;
        }
        let meanwhile = engine.get(RECORDS, "").await;
        assert_eq!(meanwhile.status, 200, "readers are not held up");
        held.let_go();
    };
    let (answers, ()) = tokio::join!(join_all(writes), release);

    let (done, turned_away): (Vec<_>, Vec<_>) = answers.into_iter().partition(|answer| answer.status == 200);
    println!("{} written, {} turned away", done.len(), turned_away.len());
    assert!(done.len() >= QUEUE, "{}", done.len());
    for answer in &turned_away {
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (503, "busy"));
        assert!(answer.headers.contains_key("retry-after"));
    }
    let stored: usize = total(&engine).await;
    assert_eq!(stored, done.len(), "what was refused was not kept, what was taken was");
}

/// That many clients write one record after another for a while.
async fn crowd(size: usize) {
    let dir = tempfile::tempdir().expect("a directory");
    let engine = notes(dir.path()).await;
    let end = Instant::now() + Duration::from_secs(3);
    let writers = (0..size).map(|writer| {
        let engine = &engine;
        async move {
            let mut written = Vec::new();
            // Everybody's first write counts, however long it takes to connect.
            while written.is_empty() || Instant::now() < end {
                let body = json!({ "text": format!("{writer}-{}", written.len()) });
                let answer = engine.call(Method::POST, RECORDS, "", Some(&body)).await;
                assert_eq!(answer.status, 200, "{:?}", answer.json());
                written.push(answer.json()["id"].as_str().expect("an id").to_owned());
            }
            written
        }
    });
    let written = join_all(writers).await;

    let counts: Vec<usize> = written.iter().map(Vec::len).collect();
    let (all, least, most) = (counts.iter().sum::<usize>(), counts.iter().min(), counts.iter().max());
    let (least, most) = (*least.expect("a writer"), *most.expect("a writer"));
    let fair = all as f64 / size as f64;
    println!("{size} writers: {all} records, {fair:.1} each; the slowest {least}, the fastest {most}");
    assert!(least as f64 >= (fair / 4.0).floor(), "the slowest of {size} wrote {least}, a fair share is {fair:.1}");
    let ids: HashSet<&String> = written.iter().flatten().collect();
    assert_eq!(ids.len(), all);
    assert_eq!(total(&engine).await, all);
    engine.stop();
}

async fn notes(dir: &Path) -> Engine {
    Make::Ours.upsert_superuser(dir, ADMIN, PASSWORD);
    let engine = Make::Ours.serve(dir);
    let admin = engine.sign_in("_superusers", ADMIN, PASSWORD).await;
    let fields = json!([{ "name": "text", "type": "text" }]);
    let notes = json!({ "name": "notes", "type": "base", "fields": fields, "listRule": "", "createRule": "" });
    engine.done(Method::POST, "/api/collections", &admin, notes).await;
    engine
}

async fn total(engine: &Engine) -> usize {
    let answer = engine.done(Method::GET, &format!("{RECORDS}?perPage=1"), "", Json::Null).await;
    answer["totalItems"].as_u64().and_then(|total| usize::try_from(total).ok()).expect("a number")
}

/// A database that another process is writing to.
struct Held(Child);

impl Held {
    fn by_another_process(database: &Path) -> Held {
        let process = Command::new("sqlite3").arg(database).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut held = Held(process.expect("sqlite3 is installed"));
        held.say("BEGIN IMMEDIATE; SELECT 'held';\n");
        let mut line = String::new();
        let output = held.0.stdout.as_mut().expect("a pipe");
        BufReader::new(output).read_line(&mut line).expect("an answer");
        assert_eq!(line, "held\n");
        held
    }

    fn let_go(mut self) {
        self.say("ROLLBACK;\n.quit\n");
        self.0.wait().expect("ends");
    }

    fn say(&mut self, text: &str) {
        self.0.stdin.as_mut().expect("a pipe").write_all(text.as_bytes()).expect("listens");
    }
}
