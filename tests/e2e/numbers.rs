//! Numbers for Prometheus: what operators are woken by is there, and follows what happens.

use std::collections::HashMap;
use std::net::TcpListener;
use std::path::Path;

use tests::{Http, Roost, in_the_end};

/// A platform that serves its numbers, and where.
fn start(settings: &str) -> (Roost, String) {
    let port = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
    let roost = Roost::start_with(&format!("[listen]\nmetrics = \"127.0.0.1:{port}\"\n{settings}"));
    (roost, format!("http://localhost:{port}/metrics"))
}

/// Every number by its name and labels, once each line was understood.
async fn fetch(http: &Http, url: &str) -> HashMap<String, f64> {
    let answer = http.get(url).await;
    assert_eq!(answer.headers["content-type"], "text/plain; version=0.0.4");
    let text = String::from_utf8(answer.body.to_vec()).expect("text");
    let mut numbers = HashMap::new();
    let mut families = Vec::new();
    for line in text.lines() {
        if let Some(family) = line.strip_prefix("# TYPE ") {
            let (name, kind) = family.split_once(' ').expect("a name and a kind");
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            assert!(!families.contains(&name), "{name} is announced twice");
            families.push(name);
        } else if !line.starts_with("# HELP ") {
            let (sample, value) = line.rsplit_once(' ').expect("a sample and its value");
            let name = sample.split('{').next().unwrap_or_default();
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
            assert_eq!(families.last(), Some(&family), "{line} is not with its family");
            let before = numbers.insert(sample.to_owned(), value.parse().expect("a number"));
            assert!(before.is_none(), "{sample} is there twice");
        }
    }
    numbers
}

#[tokio::test]
async fn a_red_backup_shows_until_one_is_proven_again() {
    let dir = tempfile::tempdir().expect("a directory");
    let place = dir.path().join("place");
    std::fs::write(&place, "a file where the directory should be").expect("is written");
    let (roost, url) = start(&format!("[backups]\ndir = {:?}\n", place.display().to_string()));
    let ann = roost.sign_up("ann@example.com").await;
    ann.create_project("orchard").await;
    let number = async |name: &str| fetch(&roost.http, &url).await.get(name).copied();
    const RED: &str = "roost_projects_without_backup{reason=\"failed\"}";
    assert_eq!(number(RED).await, Some(0.0));
    let job = ann.begin("/api/projects/orchard/backups").await;
    in_the_end("the red backup to count", || async { number(RED).await == Some(1.0) }).await;
    std::fs::remove_file(&place).expect("is removed");
    assert_eq!(ann.end_of(&job).await, "done");
    assert_eq!(number(RED).await, Some(0.0));
}

#[tokio::test]
async fn projects_wakes_jobs_and_the_disk_are_counted_and_no_project_is_named() {
    let (roost, url) = start("[disk]\nstop_projects_below = \"1 GB\"\nstop_writes_below = \"1 MB\"\n");
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    in_the_end("the project to be seen", || async {
        fetch(&roost.http, &url).await["roost_projects{state=\"awake\"}"] == 1.0
    })
    .await;
    let numbers = fetch(&roost.http, &url).await;
    let expected = [
        ("roost_control_database_up", 1.0),
        ("roost_projects{state=\"damaged\"}", 0.0),
        ("roost_wakes_total{outcome=\"woken\"}", 1.0),
        ("roost_wakes_total{outcome=\"failed\"}", 0.0),
        ("roost_wake_seconds_count", 1.0),
        ("roost_wake_seconds_bucket{le=\"+Inf\"}", 1.0),
        ("roost_jobs{kind=\"backup\",state=\"stuck\"}", 0.0),
        ("roost_mails_unsent", 0.0),
        ("roost_disk_mark_bytes{stops=\"projects\"}", 1_073_741_824.0),
        ("roost_disk_stopped{what=\"growth\"}", 0.0),
    ];
    for (name, value) in expected {
        assert_eq!(numbers.get(name), Some(&value), "{name}");
    }
    assert!(
        numbers["roost_disk_free_bytes"] > 0.0 && numbers["roost_disk_free_bytes"] < numbers["roost_disk_size_bytes"]
    );
    // The edge counts by route; of all else no label tells one project from another.
    let named = numbers.keys().filter(|name| name.contains(&project.id) || name.contains("orchard"));
    assert!(named.into_iter().all(|name| name.contains("{route=")), "{numbers:?}");
    assert!(numbers.len() < 250, "{}", numbers.len());
}

#[tokio::test]
async fn every_alert_looks_at_numbers_there_are_and_names_a_runbook_there_is() {
    let (roost, url) = start("");
    let numbers = fetch(&roost.http, &url).await;
    let ops = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops");
    let rules = std::fs::read_to_string(ops.join("prometheus/platform.rules.yml")).expect("the rules");
    let names = rules.split(|letter: char| !(letter.is_ascii_lowercase() || letter == '_'));
    let mut looked_at: Vec<&str> = names.filter(|word| word.starts_with("roost_")).collect();
    looked_at.dedup();
    assert!(looked_at.len() >= 8, "{looked_at:?}");
    for name in looked_at {
        assert!(numbers.keys().any(|number| number.split('{').next() == Some(name)), "{name} is not among {numbers:?}");
    }
    let runbooks = rules.lines().filter_map(|line| line.trim().strip_prefix("runbook: "));
    assert_eq!(runbooks.clone().count(), rules.matches("- alert: ").count());
    for runbook in runbooks {
        assert!(ops.join("..").join(runbook).exists(), "{runbook}");
    }
}
