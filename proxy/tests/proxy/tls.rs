//! Certificates, protocols by ALPN, and what a connection's certificate does not cover.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures_util::stream;
use http::{Request, Response, Version};
use http_body_util::BodyExt;
use hyper::client::conn::http2::SendRequest;
use hyper_util::rt::{TokioExecutor, TokioIo};
use proxy::certificates::{CertificateError, CertificateFiles, Certificates};
use proxy::routes::{Limits, Route, Tls};
use proxy::{HttpService, Options};
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::kit::{Edge, Wire, answering, echo, loopback, nobody, to};
use crate::streams::events;

/// A directory with certificate files, and what a client must trust to believe them.
struct Files {
    dir: TempDir,
    files: Vec<CertificateFiles>,
    roots: RootCertStore,
}

impl Files {
    fn with(certificates: &[&[&str]]) -> Files {
        let dir = tempfile::tempdir().expect("a directory");
        let mut files = Files { dir, files: Vec::new(), roots: RootCertStore::empty() };
        for names in certificates {
            files.add(names);
        }
        files
    }

    fn add(&mut self, names: &[&str]) {
        let number = self.files.len();
        let chain = self.dir.path().join(format!("{number}.pem"));
        let key = self.dir.path().join(format!("{number}.key"));
        self.files.push(CertificateFiles { chain, key });
        self.issue(number, names);
    }

    /// Writes a new certificate to a place that exists.
    fn issue(&mut self, number: usize, names: &[&str]) {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let pair = KeyPair::generate().expect("a key");
        let certificate =
            CertificateParams::new(names).and_then(|params| params.self_signed(&pair)).expect("a certificate");
        std::fs::write(&self.files[number].chain, certificate.pem()).expect("write");
        std::fs::write(&self.files[number].key, pair.serialize_pem()).expect("write");
        self.roots.add(CertificateDer::from(certificate)).expect("a root");
    }

    fn load(&self) -> Certificates {
        Certificates::from_files(self.files.clone()).expect("certificates")
    }

    async fn edge<'a>(&self, routes: impl IntoIterator<Item = (&'a str, Route)>) -> Edge {
        let options = Options { https: vec![loopback()], certificates: self.load(), ..Options::default() };
        Edge::start(options, routes).await
    }

    /// A client that believes these certificates and speaks this protocol.
    fn trusting(&self, protocol: &str) -> ClientConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(self.roots.clone())
            .with_no_client_auth();
        config.alpn_protocols = vec![protocol.as_bytes().to_vec()];
        config
    }

    async fn hello(&self, edge: &Edge, name: &str, protocol: &str) -> std::io::Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(edge.proxy.addresses().https[0]).await?;
        let name = ServerName::try_from(name.to_owned()).expect("a name");
        TlsConnector::from(Arc::new(self.trusting(protocol))).connect(name, tcp).await
    }

    async fn h1(&self, edge: &Edge, name: &str) -> Wire<TlsStream<TcpStream>> {
        Wire::new(self.hello(edge, name, "http/1.1").await.expect("a handshake"))
    }

    async fn h2(&self, edge: &Edge, name: &str) -> SendRequest<Body> {
        let stream = self.hello(edge, name, "h2").await.expect("a handshake");
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
        let io = TokioIo::new(stream);
        let (sender, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), io).await.expect("HTTP/2");
        tokio::spawn(connection);
        sender
    }
}

fn over_tls(upstream: HttpService) -> Route {
    Route { tls: Tls::Files, ..to(upstream) }
}

async fn text(response: Response<hyper::body::Incoming>) -> String {
    let body = response.into_body().collect().await.expect("a body").to_bytes();
    String::from_utf8(body.to_vec()).expect("text")
}

#[tokio::test]
async fn http1_over_tls() {
    let files = Files::with(&[&["a.example.com"]]);
    let edge = files.edge([("a.example.com", over_tls(echo()))]).await;
    let mut wire = files.h1(&edge, "a.example.com").await;
    wire.send("GET /x HTTP/1.1\r\nHost: a.example.com\r\n\r\n").await;
    let answer = wire.answer().await;
    assert_eq!(answer.seen("x-forwarded-proto"), Some("https"));
}

#[tokio::test]
async fn http2_over_tls() {
    let files = Files::with(&[&["*.example.com"]]);
    let route = over_tls(echo());
    let quota = Some(http::HeaderValue::from_static("egress=near"));
    route.meter.allow(proxy::meter::Allowance { quota, ..Default::default() });
    let edge = files.edge([("a.example.com", route)]).await;
    let mut sender = files.h2(&edge, "a.example.com").await;
    let request = Request::post("https://a.example.com/x?y=1")
        .header("cookie", "one=1")
        .header("cookie", "two=2")
        .header("te", "trailers")
        .body(Body::from("hello"))
        .expect("a request");
    let response = sender.send_request(request).await.expect("a response");
    assert_eq!(response.version(), Version::HTTP_2);
    assert_eq!(response.headers()["x-roost-quota"], "egress=near");
    let seen = text(response).await;
    assert!(seen.starts_with("POST /x?y=1\n"), "{seen}");
    assert!(seen.contains("\nhost: a.example.com\n"), "{seen}");
    assert!(seen.contains("\nx-forwarded-host: a.example.com\n"), "{seen}");
    assert!(seen.contains("\ncookie: one=1; two=2\n"), "{seen}");
    assert!(!seen.contains("\nte: "), "{seen}");
    assert!(seen.ends_with("\n\nhello"), "{seen}");
}

#[tokio::test]
async fn a_host_outside_the_connections_certificate_is_misdirected() {
    let files = Files::with(&[&["*.example.com"], &["custom.org"]]);
    let routes = || {
        let served = |name| (name, over_tls(echo()));
        [served("a.example.com"), served("b.example.com"), ("custom.org", over_tls(nobody()))]
    };
    let edge = files.edge(routes()).await;
    let mut sender = files.h2(&edge, "a.example.com").await;
    for (host, expected) in [
        ("a.example.com", 200),
        ("b.example.com", 200),
        ("c.example.com", 404),
        ("custom.org", 421),
        ("x.a.example.com", 421),
    ] {
        let request = Request::get(format!("https://{host}/")).body(Body::empty()).expect("a request");
        let response = sender.send_request(request).await.expect("a response");
        assert_eq!(response.status(), expected, "{host}");
    }
}

#[tokio::test]
async fn a_host_that_differs_from_the_authority_is_refused_on_http2() {
    let files = Files::with(&[&["*.example.com"]]);
    let edge = files.edge([("a.example.com", over_tls(nobody()))]).await;
    let mut sender = files.h2(&edge, "a.example.com").await;
    let request = Request::get("https://a.example.com/").header("host", "b.example.com");
    let response = sender.send_request(request.body(Body::empty()).expect("a request")).await;
    assert_eq!(response.expect("a response").status(), 400);
}

#[tokio::test]
async fn a_name_without_a_certificate_gets_an_alert() {
    let files = Files::with(&[&["a.example.com"]]);
    let edge = files.edge([]).await;
    let refused = files.hello(&edge, "b.example.com", "h2").await.expect_err("no certificate");
    assert!(refused.to_string().contains("alert"), "{refused}");
}

#[tokio::test]
async fn reloading_brings_new_certificates_and_a_broken_file_changes_nothing() {
    let mut files = Files::with(&[&["a.example.com"]]);
    let certificates = files.load();
    let options = Options { https: vec![loopback()], certificates: certificates.clone(), ..Options::default() };
    let edge = Edge::start(options, [("*.example.com", over_tls(echo()))]).await;
    assert!(files.hello(&edge, "b.example.com", "h2").await.is_err());

    files.issue(0, &["b.example.com"]);
    certificates.reload().expect("good files");
    assert!(files.hello(&edge, "b.example.com", "h2").await.is_ok());

    std::fs::write(&files.files[0].chain, "nonsense").expect("write");
    assert!(matches!(certificates.reload(), Err(CertificateError::Nameless { .. })));
    assert!(files.hello(&edge, "b.example.com", "h2").await.is_ok());
}

#[tokio::test]
async fn a_key_of_another_certificate_is_refused() {
    let files = Files::with(&[&["a.example.com"], &["b.example.com"]]);
    let crossed = CertificateFiles { chain: files.files[0].chain.clone(), key: files.files[1].key.clone() };
    let refused = Certificates::from_files(vec![crossed]).expect_err("they do not fit");
    assert!(matches!(refused, CertificateError::Mismatch { .. }), "{refused}");
}

#[tokio::test]
async fn only_routes_that_say_so_promise_tls_for_ever() {
    let files = Files::with(&[&["*.example.com"]]);
    let ours = Route { hsts: true, ..over_tls(echo()) };
    let edge = files.edge([("a.example.com", ours), ("b.example.com", over_tls(echo()))]).await;
    for (host, promise) in [("a.example.com", Some("max-age=31536000")), ("b.example.com", None)] {
        let mut wire = files.h1(&edge, host).await;
        wire.send(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).await;
        assert_eq!(wire.answer().await.header("strict-transport-security"), promise, "{host}");
    }
    let plain = edge.ask("GET / HTTP/1.1\r\nHost: a.example.com\r\n\r\n").await;
    assert_eq!((plain.status, plain.header("strict-transport-security")), (308, None));
}

#[tokio::test]
async fn events_pass_one_by_one_over_http2() {
    let files = Files::with(&[&["a.example.com"]]);
    let (sender, upstream) = events();
    let edge = files.edge([("a.example.com", over_tls(upstream))]).await;
    let mut client = files.h2(&edge, "a.example.com").await;
    let request = Request::get("https://a.example.com/api/realtime").body(Body::empty()).expect("a request");
    let mut body = client.send_request(request).await.expect("a response").into_body();
    for n in 1..=3 {
        sender.send_replace(n);
        let frame = body.frame().await.expect("an event").expect("whole");
        assert_eq!(frame.into_data().expect("data"), format!("data: {n}\n\n"));
    }
}

#[tokio::test]
async fn a_handshake_that_stops_half_way_holds_nobody_up() {
    let files = Files::with(&[&["a.example.com"]]);
    let mut options = Options { https: vec![loopback()], certificates: files.load(), ..Options::default() };
    options.bounds.handshakes = 1;
    // Whoever had to wait for this would fail the test.
    options.timeouts.handshake = Duration::from_secs(60);
    let edge = Edge::start(options, [("a.example.com", over_tls(echo()))]).await;
    let mut stopped = Vec::new();
    for _ in 0..3 {
        let name = ServerName::try_from("a.example.com").expect("a name");
        let mut hello = rustls::ClientConnection::new(Arc::new(files.trusting("http/1.1")), name).expect("a client");
        let mut bytes = Vec::new();
        hello.write_tls(&mut bytes).expect("a hello");
        let mut tcp = TcpStream::connect(edge.proxy.addresses().https[0]).await.expect("connect");
        tcp.write_all(&bytes).await.expect("send");
        stopped.push(tcp);
    }
    let mut wire = files.h1(&edge, "a.example.com").await;
    wire.send("GET / HTTP/1.1\r\nHost: a.example.com\r\n\r\n").await;
    assert_eq!(wire.answer().await.status, 200);
}

#[tokio::test]
async fn plain_http_leads_to_tls() {
    let files = Files::with(&[&["a.example.com"]]);
    let edge = files.edge([("a.example.com", over_tls(nobody()))]).await;
    let port = edge.proxy.addresses().https[0].port();
    let answer = edge.ask("GET /x?y=1 HTTP/1.1\r\nHost: a.example.com\r\n\r\n").await;
    assert_eq!(answer.status, 308);
    assert_eq!(answer.header("location"), Some(&*format!("https://a.example.com:{port}/x?y=1")));

    let post = edge.ask("POST / HTTP/1.1\r\nHost: a.example.com\r\nContent-Length: 0\r\n\r\n").await;
    assert_eq!((post.status, post.code().as_str()), (400, "https_required"));
}

#[tokio::test]
async fn silence_on_tls_is_closed_at_every_step() {
    let files = Files::with(&[&["a.example.com"]]);
    let mut options = Options { https: vec![loopback()], certificates: files.load(), ..Options::default() };
    let short = Duration::from_millis(200);
    options.timeouts.hello = short;
    options.timeouts.idle_connection = short;
    options.timeouts.linger = short;
    let edge = Edge::start(options, []).await;

    let mut tcp = TcpStream::connect(edge.proxy.addresses().https[0]).await.expect("connect");
    assert_eq!(tcp.read(&mut [0; 64]).await.unwrap_or(0), 0);

    for start in ["", "PRI * HTTP/2.0\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"] {
        let mut stream = files.hello(&edge, "a.example.com", "h2").await.expect("a handshake");
        stream.write_all(start.as_bytes()).await.expect("send");
        Wire::new(stream).rest().await;
    }
}

#[tokio::test]
async fn a_client_that_leaves_no_room_on_its_stream_is_cut() {
    let files = Files::with(&[&["a.example.com"]]);
    let (alive, mut dropped) = mpsc::channel::<()>(1);
    let upstream = answering(move |_| {
        let alive = alive.clone();
        async move {
            let endless = stream::repeat_with(move || {
                let _ = &alive;
                Ok::<_, std::io::Error>(Bytes::from_static(&[b'x'; 64 * 1024]))
            });
            Response::new(Body::from_stream(endless))
        }
    });
    let mut options = Options { https: vec![loopback()], certificates: files.load(), ..Options::default() };
    let short = Duration::from_millis(200);
    options.timeouts.idle_connection = short;
    options.timeouts.linger = short;
    let edge = Edge::start(options, [("a.example.com", over_tls(upstream))]).await;
    let mut sender = files.h2(&edge, "a.example.com").await;
    let request = Request::get("https://a.example.com/").body(Body::empty()).expect("a request");
    let unread = sender.send_request(request).await.expect("a response");
    edge.publish([]);
    assert!(dropped.recv().await.is_none());
    drop(unread);
}

#[tokio::test]
async fn a_slow_upstream_keeps_its_connection() {
    let files = Files::with(&[&["a.example.com"]]);
    let short = Duration::from_millis(100);
    let upstream = answering(move |_| async move {
        tokio::time::sleep(5 * short).await;
        Response::new(Body::from("late"))
    });
    let mut options = Options { https: vec![loopback()], certificates: files.load(), ..Options::default() };
    options.timeouts.idle_connection = short;
    let edge = Edge::start(options, [("a.example.com", over_tls(upstream))]).await;
    let mut sender = files.h2(&edge, "a.example.com").await;
    let request = Request::get("https://a.example.com/").body(Body::empty()).expect("a request");
    let response = sender.send_request(request).await.expect("a response");
    assert_eq!(text(response).await, "late");
}

#[tokio::test]
async fn a_refused_body_over_tls_still_gets_its_refusal() {
    let files = Files::with(&[&["a.example.com"]]);
    let limits = Limits { body_bytes: 1_000, ..Limits::default() };
    let edge = files.edge([("a.example.com", Route { limits, ..over_tls(nobody()) })]).await;
    let mut wire = files.h1(&edge, "a.example.com").await;
    let length = 5_000_000;
    let head = format!("POST / HTTP/1.1\r\nHost: a.example.com\r\nContent-Length: {length}\r\n\r\n");
    wire.send(&head).await;
    let _ = wire.offer(&vec![b'x'; length]).await;
    assert_eq!(wire.answer().await.code(), "body_too_large");
}

#[tokio::test]
async fn a_drain_waits_for_responses_on_http2_as_well() {
    let files = Files::with(&[&["a.example.com"]]);
    let (go, gate) = watch::channel(false);
    let (reached, mut asked) = watch::channel(());
    let upstream = answering(move |_| {
        let (mut gate, reached) = (gate.clone(), reached.clone());
        async move {
            reached.send_replace(());
            let _ = gate.wait_for(|open| *open).await;
            Response::new(Body::from("finished"))
        }
    });
    let mut options = Options { https: vec![loopback()], certificates: files.load(), ..Options::default() };
    options.drain.polite = Duration::from_millis(100);
    let edge = Edge::start(options, [("a.example.com", over_tls(upstream))]).await;
    let mut sender = files.h2(&edge, "a.example.com").await;
    let ask = || Request::get("https://a.example.com/").body(Body::empty()).expect("a request");
    let waiting = tokio::spawn(sender.send_request(ask()));
    asked.changed().await.expect("asked");

    let drained = tokio::spawn(edge.proxy.drain());
    // Long enough for the polite phase to be over and the connection to be closing.
    tokio::time::sleep(Duration::from_millis(300)).await;
    go.send_replace(true);
    let response = waiting.await.expect("joined").expect("a response");
    assert_eq!(text(response).await, "finished");
    drained.await.expect("drained");
}
