//! What is counted.

use std::path::Path;
use std::process::Command;

use proxy::Options;
use proxy::acme::AcmeOptions;
use tokio::net::TcpStream;

use crate::kit::{Edge, Wire, echo, loopback, to};
use crate::store::Memory;

async fn fetch(edge: &Edge, request: &str) -> crate::kit::Answer {
    let address = edge.proxy.addresses().metrics.expect("it listens");
    let mut wire = Wire::new(TcpStream::connect(address).await.expect("connect"));
    wire.send(&format!("{request} HTTP/1.1\r\nHost: x\r\n\r\n")).await;
    wire.answer().await
}

#[tokio::test]
async fn requests_are_counted_by_route_and_never_by_host() {
    let options = Options { metrics: Some(loopback()), ..Options::default() };
    let edge = Edge::start(options, [("a", to(echo()))]).await;
    let mut wire = edge.connect().await;
    for _ in 0..3 {
        wire.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        assert_eq!(wire.answer().await.status, 200);
    }
    wire.send("GET / HTTP/1.1\r\nHost: strange.example\r\n\r\n").await;
    assert_eq!(wire.answer().await.status, 404);

    let numbers = loop {
        let numbers = fetch(&edge, "GET /metrics").await;
        if numbers.body.contains("roost_requests_total{route=\"\",code=\"4xx\"} 1\n") {
            break numbers.body;
        }
    };
    for line in [
        "roost_requests_total{route=\"test\",code=\"2xx\"} 3",
        "roost_request_seconds_count 4",
        "roost_requests_in_flight 0",
        "roost_connections_open 1",
        "roost_limit_hits_total{limit=\"requests_per_address\"} 0",
        "roost_handshakes_total{outcome=\"full\"} 0",
    ] {
        assert!(numbers.lines().any(|found| found == line), "{line} is not in {numbers}");
    }
    assert!(!numbers.contains("strange"), "{numbers}");
    // Every sample belongs to a family that was announced.
    for line in numbers.lines().filter(|line| !line.starts_with('#')) {
        let name = line.split(['{', ' ']).next().expect("a name");
        let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        assert!(numbers.contains(&format!("# TYPE {family} ")), "{line}");
        assert!(line.rsplit(' ').next().is_some_and(|value| value.parse::<f64>().is_ok()), "{line}");
    }
}

/// What Prometheus and Grafana are told to look at, in `ops`.
fn dashboards() -> [(&'static str, String); 2] {
    ["prometheus/roost.rules.yml", "grafana/roost.json"].map(|name| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops").join(name);
        (name, std::fs::read_to_string(path).expect(name))
    })
}

#[tokio::test]
async fn the_board_and_the_alerts_look_at_numbers_there_are() {
    let acme = Some(AcmeOptions::new(Vec::new(), Memory::new()));
    let edge = Edge::start(Options { metrics: Some(loopback()), acme, ..Options::default() }, []).await;
    let numbers = fetch(&edge, "GET /metrics").await.body;
    for (file, text) in dashboards() {
        let is_in_a_name = |letter: char| letter.is_ascii_lowercase() || letter == '_';
        let names = text.split(|letter| !is_in_a_name(letter)).filter(|word| word.starts_with("roost_"));
        let mut count = 0;
        for name in names {
            let family = name.strip_suffix("_bucket").unwrap_or(name);
            assert!(numbers.contains(&format!("# TYPE {family} ")), "{file}: {name}");
            count += 1;
        }
        assert!(count > 10, "{file}: {count}");
    }
}

#[tokio::test]
async fn numbers_of_whoever_runs_the_proxy_are_served_beside_its_own() {
    let more = || -> futures_util::future::BoxFuture<'static, String> {
        Box::pin(async {
            let mut page = proxy::exposition::Page::default();
            page.counter("others_total", "What others count.", 7);
            page.into_text()
        })
    };
    let more_numbers: Option<proxy::MoreNumbers> = Some(std::sync::Arc::new(more));
    let edge = Edge::start(Options { metrics: Some(loopback()), more_numbers, ..Options::default() }, []).await;
    let numbers = fetch(&edge, "GET /metrics").await.body;
    assert!(numbers.contains("roost_connections_open "), "{numbers}");
    assert!(numbers.ends_with("# TYPE others_total counter\nothers_total 7\n"), "{numbers}");
}

#[test]
fn the_board_is_json_and_the_alerts_are_rules() {
    let [(rules, _), (_, board)] = dashboards();
    let board: serde_json::Value = serde_json::from_str(&board).expect("json");
    let panels = board["panels"].as_array().expect("panels");
    assert!(panels.iter().all(|panel| panel["title"].is_string() && panel["targets"][0]["expr"].is_string()));

    let rules = [rules, "prometheus/platform.rules.yml"];
    let rules = rules.map(|rules| Path::new(env!("CARGO_MANIFEST_DIR")).join("../ops").join(rules));
    match Command::new("promtool").args(["check", "rules"]).args(rules).output() {
        Ok(checked) => assert!(checked.status.success(), "{}", String::from_utf8_lossy(&checked.stderr)),
        Err(_) => eprintln!("SKIPPED: promtool is not installed, so the rules were not parsed"),
    }
}

#[tokio::test]
async fn nothing_else_is_served_there_and_numbers_nowhere_else() {
    let options = Options { metrics: Some(loopback()), ..Options::default() };
    let edge = Edge::start(options, [("a", to(echo()))]).await;
    assert_eq!(fetch(&edge, "GET /").await.status, 404);
    assert_eq!(fetch(&edge, "DELETE /metrics").await.status, 405);
    assert!(edge.ask("GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n").await.body.starts_with("GET /metrics\n"));
    assert_eq!(Edge::with([]).await.proxy.addresses().metrics, None);
}
