//! Limits that are real: what is full takes nothing more, what is over its month waits, and everybody is told once.

use std::path::{Path, PathBuf};

use http::Method;
use serde_json::{Value as Json, json};
use tests::{Answer, Console, Project, Roost, eventually, in_the_end};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const MB: u64 = 1 << 20;

/// A limit as the console shows it.
async fn limit(ann: &Console, slug: &str, name: &str) -> Json {
    let usage = ann.get(&format!("/api/projects/{slug}/usage")).await;
    let limits = usage["limits"].as_array().expect("limits");
    limits.iter().find(|limit| limit["limit"] == name).cloned().expect("is among them")
}

/// What all hours have together.
async fn sum(ann: &Console, slug: &str, key: &str) -> u64 {
    let usage = ann.get(&format!("/api/projects/{slug}/usage")).await;
    let hours = usage["hours"].as_array().expect("hours");
    hours.iter().map(|hour| hour[key].as_u64().expect("a number")).sum()
}

async fn becomes(ann: &Console, slug: &str, name: &str, state: &str) {
    eventually(state, || async { limit(ann, slug, name).await["state"] == state }).await;
}

/// The subjects of mails about limits that somebody got, oldest first.
async fn mails(roost: &Roost, word: &str) -> Vec<String> {
    let mails = roost.mails().await;
    let subjects = mails.iter().rev().map(|mail| mail["subject"].as_str().expect("a text").to_owned());
    subjects.filter(|subject| subject.contains(word)).collect()
}

async fn create(project: &Project, size: usize) -> Answer {
    let body = json!({ "text": "x".repeat(size) });
    project.call(Method::POST, "/api/collections/posts/records", Some(&body)).await.expect("an answer")
}

async fn fill(project: &Project, size: usize) {
    loop {
        let answer = create(project, size).await;
        if answer.status != 200 {
            assert_eq!((answer.status.as_u16(), answer.code().as_str()), (507, "quota_database"));
            return;
        }
    }
}

fn data(roost: &Roost, project: &Project) -> PathBuf {
    let dirs = roost.tenant_dirs();
    dirs.iter().find(|dir| dir.ends_with(&project.id)).expect("its directory").join("data-1")
}

fn size_below(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().filter_map(Result::ok);
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(about) if about.is_dir() => size_below(&entry.path()),
        Ok(about) => about.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

#[tokio::test]
async fn a_full_database_takes_nothing_more_and_all_else_goes_on() {
    let roost = Roost::start_with("[plans.standard]\ndatabase_mb = 2\n");
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    project.create_collection("posts").await;
    let first = project.create("posts", "short").await.expect("is created");
    fill(&project, 4_000).await;
    let size = data(&roost, &project).join("data.db").metadata().expect("is there").len();
    assert!(size <= 2 * MB, "{size}");

    // Every other way in is closed, too.
    let many: Vec<Json> = (0..200).map(|_| json!({ "text": "x".repeat(4_000) })).collect();
    let steps =
        many.iter().map(|body| json!({ "method": "POST", "url": "/api/collections/posts/records", "body": body }));
    let batch = json!({ "requests": steps.collect::<Vec<_>>() });
    let batches = json!({ "batch": { "enabled": true, "maxRequests": 1000, "timeout": 30 } });
    project.call(Method::PATCH, "/api/settings", Some(&batches)).await.expect("an answer");
    let collection = json!({ "name": "more", "type": "base", "fields": [{ "name": "text", "type": "text" }] });
    let import = json!({ "collections": [collection] });
    let flood = "INSERT INTO posts (id, text) WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) \
                 SELECT hex(randomblob(8)), hex(zeroblob(1000)) FROM c";
    for (method, path, body) in [
        (Method::POST, "/api/batch", &batch),
        (Method::POST, "/api/collections", &collection),
        (Method::PUT, "/api/collections/import", &import),
        (Method::POST, "/api/sql", &json!({ "query": flood })),
        (Method::POST, "/api/sql", &json!({ "query": "UPDATE posts SET text = text || text" })),
    ] {
        let answer = project.call(method, path, Some(body)).await.expect("an answer");
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (507, "quota_database"), "{path}");
    }
    assert!(size_below(&data(&roost, &project)) < 40 * MB, "what was undone does not stay");

    // What needs no room works.
    let update = json!({ "text": "other" });
    let path = format!("/api/collections/posts/records/{first}");
    assert_eq!(project.call(Method::PATCH, &path, Some(&update)).await.expect("an answer").status, 200);
    assert_eq!(project.call(Method::GET, &path, None).await.expect("an answer").status, 200);
    let refreshed = project.call(Method::POST, "/api/collections/_superusers/auth-refresh", None).await;
    assert_eq!(refreshed.expect("an answer").status, 200);
    let shown = ann.get("/api/projects/orchard").await;
    ann.open_project(&shown).await;
    ann.finish("/api/projects/orchard/backups").await;

    becomes(&ann, "orchard", "database", "over").await;
    // Where filling takes long, another told of 80 % before.
    let told = async || mails(&roost, "orchard has used all of the 2 MB its database may have").await.len();
    eventually("the mail", || async { told().await == 1 }).await;
    assert_eq!(ann.get("/api/projects/orchard").await["limits"][0]["state"], "over");

    // Room is room at once.
    for id in project.ids("posts").await.iter().take(300) {
        project.delete("posts", id).await;
    }
    assert_eq!(create(&project, 4_000).await.status, 200);
    becomes(&ann, "orchard", "database", "ok").await;
    for _ in 0..2 {
        // Once that is noted, too, the next warning is another one.
        let before = sum(&ann, "orchard", "requests").await;
        assert_eq!(create(&project, 10).await.status, 200);
        eventually("a look", || async { sum(&ann, "orchard", "requests").await > before }).await;
    }
    fill(&project, 4_000).await;
    eventually("a second mail", || async { told().await == 2 }).await;
}

#[tokio::test]
async fn every_answer_says_which_limits_are_near_or_over() {
    let roost = Roost::start_with("[plans.standard]\ndatabase_mb = 10\nupload_mb = 1\n");
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    project.create_collection("posts").await;
    let said =
        |answer: &Answer| answer.headers.get("x-roost-quota").map(|said| said.to_str().expect("text").to_owned());
    let health = format!("{}/api/health", project.url);
    let says = async |expected: Option<&str>| {
        let heard = || async { said(&roost.http.get(&health).await).as_deref() == expected };
        in_the_end(expected.unwrap_or("nothing to say"), heard).await;
    };
    assert_eq!(said(&roost.http.get(&health).await), None);
    // So many bytes that the log of these requests hardly counts beside them.
    fill(&project, 5_000).await;
    says(Some("database=over")).await;
    for (size, status) in [(5_000, 507), (2_000_000, 413)] {
        let refused = create(&project, size).await;
        assert_eq!((refused.status.as_u16(), said(&refused).as_deref()), (status, Some("database=over")));
    }
    let ids = project.ids("posts").await;
    let (few, most) = ids.split_at(ids.len() / 10);
    for id in few {
        project.delete("posts", id).await;
    }
    says(Some("database=near")).await;
    for id in &most[..ids.len() / 2] {
        project.delete("posts", id).await;
    }
    says(None).await;
}

#[tokio::test]
async fn a_larger_plan_lifts_a_limit() {
    let mut roost = Roost::start_with("[plans.standard]\ndatabase_mb = 2\n");
    let mut ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    project.create_collection("posts").await;
    fill(&project, 4_000).await;
    roost.kill();
    roost.restart_with(
        "default_plan = \"larger\"\n[plans.standard]\ndatabase_mb = 2\n[plans.larger]\ndatabase_mb = 4\n",
    );
    ann.sign_in_again(&roost.http).await;
    let project = project.reconnect(&roost.http);
    eventually("the larger plan", || async { create(&project, 4_000).await.status == 200 }).await;
    assert_eq!(limit(&ann, "orchard", "database").await["max"], 4 * MB);
    assert_eq!(ann.get("/api/projects/orchard/usage").await["plan"], json!({ "name": "larger", "title": "larger" }));
}

#[tokio::test]
async fn full_storage_takes_no_file_and_gives_room_back() {
    let roost = Roost::start_with("[plans.standard]\nstorage_mb = 1\n");
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    let fields = json!([{ "name": "file", "type": "file", "maxSelect": 1, "maxSize": 2 * MB }]);
    let posts = json!({ "name": "posts", "type": "base", "fields": fields });
    assert_eq!(project.call(Method::POST, "/api/collections", Some(&posts)).await.expect("an answer").status, 200);
    for _ in 0..9 {
        project.upload("posts", &[7; 100_000]).await;
    }
    let url = format!("{}/api/collections/posts/records", project.url);
    let token = project.token();
    let refused = |bytes: usize| {
        let (http, url) = (roost.http.clone(), url.clone());
        async move {
            let content = vec![7; bytes];
            let files = [("file", "a.bin", content.as_slice())];
            http.upload(Method::POST, &url, token, &json!({}), &files).await.expect("an answer")
        }
    };
    // All at once: together they would fit, were each looked at by itself.
    let answers = futures_util::future::join_all((0..8).map(|_| refused(140_000))).await;
    for answer in answers {
        assert!(answer.status == 200 || answer.code() == "quota_storage", "{:?}", answer.json());
    }
    let answer = refused(400_000).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (507, "quota_storage"));
    let storage = data(&roost, &project).join("storage");
    assert!(size_below(&storage) <= MB, "{}", size_below(&storage));

    // A record without a file is another matter, and a backup of the project's own is a file like any other.
    let empty = project.call(Method::POST, "/api/collections/posts/records", Some(&json!({}))).await;
    assert_eq!(empty.expect("an answer").status, 200);
    becomes(&ann, "orchard", "storage", "over").await;
    let shown = limit(&ann, "orchard", "storage").await["used"].as_u64().expect("a number");
    let found = size_below(&storage);
    assert!(shown.abs_diff(found) * 50 <= found, "{shown} shown, {found} found");

    let ids = project.ids("posts").await;
    for id in ids.iter().take(6) {
        project.delete("posts", id).await;
    }
    eventually("room", || async { refused(400_000).await.status == 200 }).await;
}

#[tokio::test]
async fn what_is_measured_is_what_a_client_counts_and_outlives_a_kill() {
    let mut roost = Roost::start();
    let mut ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    project.create_collection("posts").await;
    for _ in 0..20 {
        project.create("posts", &"x".repeat(4_000)).await.expect("is created");
    }
    eventually("what came before", || async { sum(&ann, "orchard", "requests").await == 22 }).await;
    let before = sum(&ann, "orchard", "egress").await;
    let mut bytes = 0;
    for _ in 0..200 {
        let list = project.call(Method::GET, "/api/collections/posts/records", None).await.expect("an answer");
        bytes += list.body.len() as u64;
    }
    eventually("all requests", || async { sum(&ann, "orchard", "requests").await == 222 }).await;
    let counted = sum(&ann, "orchard", "egress").await - before;
    assert!(counted.abs_diff(bytes) * 50 <= bytes, "{counted} counted, {bytes} came");
    eventually("the size", || async {
        let usage = ann.get("/api/projects/orchard/usage").await;
        let shown = usage["hours"][0]["databaseBytes"].as_u64().expect("a number");
        let dir = data(&roost, &project);
        let names = ["data.db", "data.db-wal", "data.db-shm", "auxiliary.db", "auxiliary.db-wal", "auxiliary.db-shm"];
        let found: u64 = names.iter().filter_map(|name| Some(dir.join(name).metadata().ok()?.len())).sum();
        shown.abs_diff(found) * 50 <= found
    })
    .await;
    roost.kill();
    roost.restart();
    ann.sign_in_again(&roost.http).await;
    assert_eq!(sum(&ann, "orchard", "requests").await, 222);
    let requests = limit(&ann, "orchard", "requests").await;
    eventually("the month", || async { limit(&ann, "orchard", "requests").await["used"] == 222 }).await;
    assert_eq!((&requests["max"], &requests["forecast"]), (&json!(0), &Json::Null));
}

#[tokio::test]
async fn a_months_requests_end_with_the_last_one_and_a_restart_forgives_nobody() {
    let mut roost = Roost::start_with("[plans.standard]\nrequests = 50\n");
    let mut ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    let health = format!("{}/api/health", project.url);
    eventually("the first look", || async { limit(&ann, "orchard", "requests").await["used"] == 1 }).await;
    let mut answered = 0;
    let refused = loop {
        let answer = roost.http.get(&health).await;
        if answer.status != 200 {
            break answer;
        }
        answered += 1;
    };
    assert_eq!((answered, refused.status.as_u16(), refused.code().as_str()), (49, 429, "quota_requests"));
    assert!(refused.headers.get("retry-after").is_some());
    becomes(&ann, "orchard", "requests", "over").await;
    eventually("the mail", || async { mails(&roost, "requests").await.len() == 1 }).await;
    roost.kill();
    roost.restart();
    ann.sign_in_again(&roost.http).await;
    eventually("the limit", || async { roost.http.get(&health).await.code() == "quota_requests" }).await;
    becomes(&ann, "orchard", "requests", "over").await;
    assert_eq!(mails(&roost, "requests").await.len(), 1, "once a month");
}

#[tokio::test]
async fn a_plan_says_how_many_backups_are_kept() {
    let roost = Roost::start_with("[plans.standard]\nbackups_kept = 1\n");
    let ann = roost.sign_up("ann@example.com").await;
    ann.create_project("orchard").await;
    ann.finish("/api/projects/orchard/backups").await;
    let refused = ann.call(Method::POST, "/api/projects/orchard/backups", Some(&json!({}))).await.expect("an answer");
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (403, "backup_limit"));
}

#[tokio::test]
async fn one_connection_too_many_is_refused_and_the_others_stay() {
    let roost = Roost::start_with("[plans.standard]\nrealtime_connections = 2\n");
    let ann = roost.sign_up("ann@example.com").await;
    ann.create_project("orchard").await;
    let connect = || async {
        let mut tcp = TcpStream::connect(("127.0.0.1", roost.port())).await.expect("connects");
        tcp.write_all(b"GET /api/realtime HTTP/1.1\r\nHost: orchard.localhost\r\n\r\n").await.expect("is sent");
        let mut head = vec![0; 16 << 10];
        let length = tcp.read(&mut head).await.expect("is answered");
        (tcp, String::from_utf8_lossy(&head[..length]).into_owned())
    };
    let (first, head) = connect().await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let (second, head) = connect().await;
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    let (_, refused) = connect().await;
    assert!(refused.starts_with("HTTP/1.1 429") && refused.contains("too_many_connections"), "{refused}");
    becomes(&ann, "orchard", "realtime", "over").await;
    drop((first, second));
    eventually("a place", || async { connect().await.1.starts_with("HTTP/1.1 200") }).await;
}

#[tokio::test]
async fn what_comes_faster_than_the_plan_grants_is_told_when_to_come_again() {
    let roost = Roost::start_with("[plans.standard]\nrequests_per_second = 1\n");
    let ann = roost.sign_up("ann@example.com").await;
    for slug in ["orchard", "meadow"] {
        assert_eq!(ann.ask_for_project(slug).await.expect("an answer").status, 201);
    }
    let [health, other] = ["orchard", "meadow"].map(|slug| format!("{}/api/health", roost.project_url(slug)));
    let answers = futures_util::future::join_all((0..50).map(|_| roost.http.get(&health))).await;
    let (served, refused): (Vec<&Answer>, Vec<&Answer>) = answers.iter().partition(|answer| answer.status == 200);
    assert!(served.len() >= 2, "two come at once");
    assert!(!refused.is_empty(), "one a second");
    for answer in refused {
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (429, "rate_limited"));
        assert_eq!(answer.headers["retry-after"], "1");
    }
    assert_eq!(roost.http.get(&other).await.status, 200, "another project has a rate of its own");
    eventually("the next second", || async { roost.http.get(&health).await.status == 200 }).await;
}

#[tokio::test]
async fn a_body_larger_than_the_plan_grants_is_refused_whether_or_not_it_says_so() {
    let roost = Roost::start_with("[plans.standard]\nupload_mb = 1\n");
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    let fields = json!([{ "name": "file", "type": "file", "maxSelect": 1, "maxSize": 4 * MB }]);
    let posts = json!({ "name": "posts", "type": "base", "fields": fields, "listRule": "" });
    assert_eq!(project.call(Method::POST, "/api/collections", Some(&posts)).await.expect("an answer").status, 200);
    project.upload("posts", &vec![7; 900_000]).await;

    let url = format!("{}/api/collections/posts/records", project.url);
    let content = vec![7; 1_100_000];
    let files = [("file", "a.bin", content.as_slice())];
    let refused = roost.http.upload(Method::POST, &url, project.token(), &json!({}), &files).await.expect("an answer");
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (413, "body_too_large"));

    let mut tcp = TcpStream::connect(("127.0.0.1", roost.port())).await.expect("connects");
    let head = "POST /api/collections/posts/records HTTP/1.1\r\nHost: orchard.localhost\r\n\
                Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    tcp.write_all(head.as_bytes()).await.expect("is sent");
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..17 {
        // Whoever has heard enough may have closed the connection.
        let _ = tcp.write_all(chunk.as_bytes()).await;
    }
    let mut answer = vec![0; 4096];
    let length = tcp.read(&mut answer).await.expect("is answered");
    let answer = String::from_utf8_lossy(&answer[..length]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("body_too_large"), "{answer}");
    assert_eq!(project.ids("posts").await.len(), 1, "nothing of it was kept");
}

#[tokio::test]
async fn too_much_sent_costs_files_and_spares_the_rest() {
    let mut roost = Roost::start();
    let mut ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    let plans = ann.get("/api/plans").await;
    assert_eq!((&plans["default"], &plans["items"][0]["name"]), (&json!("standard"), &json!("standard")));
    let fields = json!([{ "name": "file", "type": "file", "maxSelect": 1, "maxSize": 20 * MB }]);
    let posts = json!({ "name": "posts", "type": "base", "fields": fields, "viewRule": "" });
    assert_eq!(project.call(Method::POST, "/api/collections", Some(&posts)).await.expect("an answer").status, 200);
    let file = project.upload("posts", &vec![7; 16 << 20]).await;
    let file = format!("{}{file}", project.url);
    for _ in 0..71 {
        assert_eq!(roost.http.get(&file).await.body.len(), 16 << 20);
    }
    eventually("it is counted", || async { sum(&ann, "orchard", "egress").await > 1_130 * MB }).await;
    roost.kill();
    roost.restart_with("[plans.standard]\negress_gb = 1\n");
    ann.sign_in_again(&roost.http).await;
    eventually("files end", || async {
        let head = roost.http.send(Method::HEAD, &file, &[], None).await.expect("an answer");
        head.status == 429
    })
    .await;
    let refused = roost.http.get(&file).await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "quota_egress"));
    assert_eq!(roost.http.get(&format!("{}/api/health", project.url)).await.status, 200);
    let shown = ann.get("/api/projects/orchard").await;
    ann.open_project(&shown).await;
}
