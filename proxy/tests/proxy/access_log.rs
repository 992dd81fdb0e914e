//! The line each request leaves.

use std::io;
use std::sync::{Arc, Mutex};

use tracing::subscriber::set_global_default;

use crate::kit::{Edge, echo, to};

/// What was logged, all tests of this program together.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("lines").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn find(&self, text: &str) -> Option<serde_json::Value> {
        let bytes = self.0.lock().expect("lines").clone();
        let lines = String::from_utf8(bytes).expect("text");
        let line = lines.lines().find(|line| line.contains(text))?;
        Some(serde_json::from_str(line).expect("json"))
    }
}

#[tokio::test]
async fn a_request_leaves_one_line_without_its_query() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt().json().with_writer(move || writer.clone()).finish();
    set_global_default(subscriber).expect("the only one");

    let edge = Edge::with([("a", to(echo()))]).await;
    let request = "POST /logged?token=secret HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi";
    let sent = edge.ask(request).await.body.len();
    let line = loop {
        match lines.find("/logged") {
            Some(line) => break line,
            None => tokio::task::yield_now().await,
        }
    };
    let fields = &line["fields"];
    assert_eq!(line["target"], "proxy::access");
    assert_eq!(fields["route"], "test");
    assert_eq!(fields["host"], "a");
    assert_eq!(fields["client"], "127.0.0.1");
    assert_eq!(fields["method"], "POST");
    assert_eq!(fields["path"], "/logged");
    assert_eq!(fields["status"], 200);
    assert_eq!(fields["received"], 2);
    assert_eq!(fields["sent"], sent);
    assert!(fields["upstream_ms"].is_number() && fields["total_ms"].is_number(), "{fields}");
    assert_eq!(fields["waited_ms"], serde_json::Value::Null);
    assert_eq!(fields["ended_by"], "Completion");
    assert_eq!(fields["id"].as_str().map(str::len), Some(36));
    assert!(!line.to_string().contains("secret"));
}
