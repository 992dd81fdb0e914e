//! A tenant's own SQL and filters as weapons: each is refused or stopped, and meanwhile everybody else is served.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value as Json, json};
use tests::{Answer, Engine, Make};

use crate::garden::{ADMIN, PASSWORD};

/// A recursion without an end.
const ENDLESS: &str = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)";
/// What one backend may need in memory at the worst moment, in mebibytes.
const MOST_MEMORY: u64 = 400;

#[tokio::test]
async fn a_view_reaches_nothing_but_the_data_and_changes_nothing() {
    let target = Target::new(20).await;
    let elsewhere = target.dir.path().join("elsewhere");
    fs::write(&elsewhere, "a secret").expect("a file");
    let elsewhere = elsewhere.display();
    let other = target.dir.path().join("other.db");
    for query in [
        format!("ATTACH DATABASE '{elsewhere}.db' AS other"),
        format!("SELECT 1 as id; ATTACH DATABASE '{elsewhere}.db' AS other"),
        format!("SELECT 1 as id) ; ATTACH DATABASE '{elsewhere}.db' AS other; SELECT (1"),
        format!("VACUUM INTO '{elsewhere}.db'"),
        format!("SELECT load_extension('{elsewhere}') as id"),
        format!("SELECT LOAD_EXTENSION('{elsewhere}', 'entry') as id"),
        format!("SELECT readfile('{elsewhere}') as id"),
        format!("SELECT writefile('{elsewhere}.db', 'x') as id"),
        format!("SELECT edit('{elsewhere}') as id"),
        "SELECT fts3_tokenizer('simple', x'4141414141414141') as id".to_owned(),
        "SELECT id FROM sqlite_dbpage".to_owned(),
        "SELECT journal_mode as id FROM pragma_journal_mode('DELETE')".to_owned(),
        "SELECT 1 as id FROM pragma_writable_schema(1)".to_owned(),
        "SELECT 1 as id FROM pragma_wal_checkpoint('TRUNCATE')".to_owned(),
        "PRAGMA journal_mode = DELETE".to_owned(),
        "PRAGMA writable_schema = 1".to_owned(),
        "SELECT id FROM notes); DROP TABLE notes; --".to_owned(),
        "SELECT id FROM notes; DELETE FROM notes".to_owned(),
        "DELETE FROM notes RETURNING id".to_owned(),
        "WITH gone AS (SELECT 1) DELETE FROM notes RETURNING id".to_owned(),
        "UPDATE notes SET text = '' RETURNING id".to_owned(),
        "INSERT INTO notes (id) VALUES ('x') RETURNING id".to_owned(),
        "CREATE TABLE intruder (id TEXT)".to_owned(),
        "CREATE TRIGGER intruder AFTER INSERT ON notes BEGIN DELETE FROM notes; END".to_owned(),
        "BEGIN; SELECT 1 as id".to_owned(),
        "SELECT id FROM notes /* unclosed".to_owned(),
        format!("{} SELECT 1 as id", "WITH a AS (".repeat(20_000)),
        "SELECT id FROM notes\0; DROP TABLE notes".to_owned(),
    ] {
        let tried = target.dry_run(&query).await;
        assert_eq!(tried.status, 400, "{query:.100}: {:?}", tried.json());
        // A definition is only text until it is read.
        let saved = target.save_view("weapon", &query).await;
        if saved.status == 200 {
            assert_eq!(
                target.engine.get("/api/collections/weapon/records", &target.admin).await.status,
                400,
                "{query}"
            );
            target.engine.done(Method::DELETE, "/api/collections/weapon", &target.admin, Json::Null).await;
        } else {
            assert_eq!(saved.status, 400, "{query:.100}: {:?}", saved.json());
        }
    }
    let log = target.engine.get("/api/collections/notes/records?perPage=1", "").await.json();
    assert_eq!(log["totalItems"], 20);
    assert!(!other.exists() && !target.dir.path().join("elsewhere.db").exists());
    assert!(target.dir.path().join("pb_data/data.db-wal").exists(), "the log is still in use");
    target.is_well().await;
}

#[tokio::test]
async fn no_filter_or_sort_becomes_sql() {
    let target = Target::new(20).await;
    let everything = target.count("").await;
    for attack in [
        "text='x' OR 1=1--",
        "text='x') OR (1=1",
        "text=\"x\" || \"1\"=\"1\" --",
        "id='' UNION SELECT password FROM _superusers",
        "(SELECT password FROM _superusers LIMIT 1)!=''",
        "text=';DROP TABLE notes;",
        "`text`='x'",
        "text LIKE '%'",
        "text=load_extension('x')",
        "@collection._superusers.password!=''",
        "@collection._superusers.tokenKey~'a'",
        "text=strftime('%Y', (SELECT 1))",
        "text='\\' || id!='",
    ] {
        for (who, token) in [("guest", ""), ("admin", target.admin.as_str())] {
            let path = format!("/api/collections/notes/records?filter={}", encoded(attack));
            let answer = target.engine.get(&path, token).await;
            let found = answer.json()["totalItems"].as_u64();
            let harmless = [400, 403].contains(&answer.status.as_u16()) || (answer.status == 200 && found == Some(0));
            // Superusers may ask for whatever there is.
            let permitted = who == "admin" && attack.starts_with("@collection");
            assert!(harmless || permitted, "{attack} as {who}: {} {:?}", answer.status, answer.json());
        }
    }
    for attack in
        ["id;DROP TABLE notes", "id DESC", "(SELECT 1)", "`id`", "id,(CASE WHEN 1 THEN id END)", "load_extension('x')"]
    {
        let path = format!("/api/collections/notes/records?sort={}", encoded(attack));
        let answer = target.engine.get(&path, &target.admin).await;
        assert!([200, 400].contains(&answer.status.as_u16()), "{attack}: {}", answer.status);
    }
    let nested = |depth: usize| format!("{}text='x'{}", "(".repeat(depth), ")".repeat(depth));
    let path = format!("/api/collections/notes/records?filter={}", encoded(&nested(1500)));
    assert_eq!(target.engine.get(&path, "").await.json()["totalItems"], 0);
    for rule in [nested(200_000), "(".repeat(1_000_000), "text='x'&&".repeat(100_000) + "text='x'"] {
        let change = json!({ "listRule": rule });
        let path = "/api/collections/ruled";
        let answer = target.engine.call(Method::PATCH, path, &target.admin, Some(&change)).await;
        println!("a rule of {} bytes: {}", rule.len(), answer.status);
        target.engine.get("/api/collections/ruled/records", "").await;
    }
    let wide = vec!["text='x'"; 300].join("||");
    let long = format!("text='{}'", "x".repeat(4000));
    for filter in [wide, long] {
        let path = format!("/api/collections/notes/records?filter={}", encoded(&filter));
        let answer = target.engine.get(&path, "").await;
        assert_eq!(answer.status, 400, "{filter}");
    }
    assert_eq!(target.count("").await, everything);
    target.is_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_run_for_ever_is_stopped_while_others_are_served() {
    let target = Target::new(2000).await;
    let sorted = format!("{ENDLESS} SELECT i as id FROM n ORDER BY i DESC");
    let product = "SELECT (a.id || b.id || c.id) as id FROM notes a, notes b, notes c ORDER BY random()";
    let saved = target.save_view("endless", &sorted).await;
    assert_eq!(saved.status, 200, "{:?}", saved.json());
    let over = AtomicBool::new(false);
    let began = Instant::now();
    let record = json!({ "text": "x" });
    let attack = async {
        let list = target.engine.get("/api/collections/endless/records", &target.admin);
        let dry_run = target.dry_run(product);
        // The writer, too, must look: in a rule of the collection.
        let create = target.engine.call(Method::POST, "/api/collections/ruled/records", "", Some(&record));
        let answers = tokio::join!(list, dry_run, create);
        over.store(true, Ordering::Relaxed);
        answers
    };
    let others = async {
        let mut slowest = Duration::ZERO;
        let mut served = 0;
        while !over.load(Ordering::Relaxed) {
            let asked = Instant::now();
            let answer = target.engine.get("/api/collections/notes/records?perPage=5&skipTotal=1", "").await;
            assert_eq!(answer.status, 200);
            slowest = slowest.max(asked.elapsed());
            served += 1;
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        (served, slowest)
    };
    let ((list, dry_run, create), (served, slowest)) = tokio::join!(attack, others);
    println!("stopped after {:.1?}; meanwhile {served} others, the slowest {slowest:.0?}", began.elapsed());
    for answer in [list, dry_run, create] {
        assert_eq!(answer.status, 400, "{:?}", answer.json());
    }
    assert!(served > 20, "{served}");
    target.is_well().await;
}

#[tokio::test]
async fn no_query_takes_all_the_memory() {
    let target = Target::new(2000).await;
    let mut asked = Vec::new();
    for (n, query) in [
        "SELECT 'a' as id, hex(zeroblob(400000000)) as big",
        "SELECT 'a' as id, printf('%.*c', 900000000, 'x') as big",
        "SELECT 'a' as id, replace(hex(zeroblob(20000)), '0', hex(zeroblob(20000))) as big",
        "SELECT (a.id || b.id) as id, hex(zeroblob(4000000)) as big FROM notes a, notes b",
        "SELECT 'a' as id, group_concat(a.text || b.text) as big FROM notes a, notes b",
        "SELECT (a.id || b.id) as id, hex(randomblob(2000)) as big FROM notes a, (SELECT id FROM notes LIMIT 60) b ORDER BY big",
        "SELECT DISTINCT hex(randomblob(2000)) as id FROM notes a, (SELECT id FROM notes LIMIT 60) b",
    ]
    .iter()
    .enumerate()
    {
        let saved = target.save_view(&format!("heavy{n}"), query).await;
        assert!([200, 400].contains(&saved.status.as_u16()), "{query}: {:?}", saved.json());
        asked.push(format!("/api/collections/heavy{n}/records?perPage=1000"));
    }
    for path in asked {
        let answer = target.engine.get(&path, &target.admin).await;
        println!("{path}: {} with {} bytes, {} MiB so far", answer.status, answer.body.len(), target.memory());
        assert!([200, 400, 404, 503].contains(&answer.status.as_u16()), "{path}: {}", answer.status);
    }
    assert!(target.memory() < MOST_MEMORY, "{} MiB", target.memory());
    target.is_well().await;
}

/// A backend with a public collection, and its superuser, who is the attacker.
struct Target {
    dir: tempfile::TempDir,
    engine: Engine,
    admin: String,
}

impl Target {
    async fn new(records: usize) -> Target {
        let dir = tempfile::tempdir().expect("a directory");
        let data = dir.path().join("pb_data");
        Make::Ours.upsert_superuser(&data, ADMIN, PASSWORD);
        let engine = Make::Ours.serve(&data);
        let admin = engine.sign_in("_superusers", ADMIN, PASSWORD).await;
        let slow = "@collection.notes:a.text > @collection.notes:b.text && @collection.notes:c.text = 'none' \
                    && @collection.notes:d.text = 'none'";
        for (name, rule) in [("notes", ""), ("ruled", slow)] {
            let fields = json!([{ "name": "text", "type": "text" }]);
            let body = json!({ "name": name, "type": "base", "fields": fields, "listRule": "", "createRule": rule });
            engine.done(Method::POST, "/api/collections", &admin, body).await;
        }
        let target = Target { dir, engine, admin };
        // Fewer at once than the writer lets wait.
        let all: Vec<usize> = (0..records).collect();
        for some in all.chunks(500) {
            join_all(some.iter().map(|n| target.write(*n))).await;
        }
        target
    }

    async fn write(&self, n: usize) {
        let body = json!({ "text": format!("note {n}") });
        self.engine.done(Method::POST, "/api/collections/notes/records", "", body).await;
    }

    async fn dry_run(&self, query: &str) -> Answer {
        let body = json!({ "query": query });
        self.engine.call(Method::POST, "/api/collections/meta/dry-run-view", &self.admin, Some(&body)).await
    }

    async fn save_view(&self, name: &str, query: &str) -> Answer {
        let body = json!({ "name": name, "type": "view", "viewQuery": query, "listRule": "" });
        self.engine.call(Method::POST, "/api/collections", &self.admin, Some(&body)).await
    }

    async fn count(&self, filter: &str) -> Json {
        let path = format!("/api/collections/notes/records?perPage=1&filter={}", encoded(filter));
        self.engine.get(&path, "").await.json()["totalItems"].take()
    }

    /// Reads and writes as if nothing had been.
    async fn is_well(&self) {
        self.write(0).await;
        assert_eq!(self.engine.get("/api/health", "").await.status, 200);
        assert_eq!(self.engine.get("/api/collections/notes/records", "").await.status, 200);
    }

    /// The most memory the process ever had, in mebibytes.
    fn memory(&self) -> u64 {
        let status = Path::new("/proc").join(self.engine.process().to_string()).join("status");
        let status = fs::read_to_string(status).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap_or(0) / 1024
    }
}

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}
