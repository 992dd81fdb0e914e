//! Starts a proxy with one route table and speaks to it byte by byte.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Request, Response};
use proxy::routes::{Limits, Pattern, Route, RouteId, RouteTable, State, Tls};
use proxy::{HttpService, Options, PerAddress, Proxy};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

/// Far longer than anything here takes: a test that reaches it has failed.
const PATIENCE: Duration = Duration::from_secs(20);

/// A proxy and the sender of its route tables.
pub struct Edge {
    pub proxy: Proxy,
    pub table: watch::Sender<Arc<RouteTable>>,
}

impl Edge {
    /// A proxy on plain HTTP with these routes.
    pub async fn with(routes: impl IntoIterator<Item = (&str, Route)>) -> Edge {
        Edge::start(Options::default(), routes).await
    }

    /// The same with other options; it listens on a free port. All clients have one address here, so it may do what it
    /// likes.
    pub async fn start(options: Options, routes: impl IntoIterator<Item = (&str, Route)>) -> Edge {
        Edge::strict(Options { per_address: PerAddress::unlimited(), ..options }, routes).await
    }

    /// The same with the limits for one address as they are in the options.
    pub async fn strict(mut options: Options, routes: impl IntoIterator<Item = (&str, Route)>) -> Edge {
        options.http = vec![loopback()];
        let (table, receiver) = watch::channel(Arc::new(table(routes)));
        let proxy = Proxy::bind(options, receiver).await.expect("bind");
        Edge { proxy, table }
    }

    pub fn publish<'a>(&self, routes: impl IntoIterator<Item = (&'a str, Route)>) {
        self.table.send_replace(Arc::new(table(routes)));
    }

    pub async fn connect(&self) -> Wire<TcpStream> {
        let tcp = TcpStream::connect(self.proxy.addresses().http[0]).await.expect("connect");
        Wire::new(tcp)
    }

    /// Sends one request on a connection of its own.
    pub async fn ask(&self, request: &str) -> Answer {
        let mut wire = self.connect().await;
        wire.send(request).await;
        wire.answer().await
    }
}

pub fn loopback() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn table<'a>(routes: impl IntoIterator<Item = (&'a str, Route)>) -> RouteTable {
    let pattern = |text: &str| text.parse::<Pattern>().expect("a pattern");
    RouteTable::new(1, routes.into_iter().map(|(host, route)| (pattern(host), route)))
}

/// A route to this upstream with nothing special about it.
pub fn to(upstream: HttpService) -> Route {
    Route {
        id: RouteId("test".into()),
        upstream,
        stamp: HeaderMap::new(),
        limits: Limits::default(),
        state: State::Serving,
        tls: Tls::None,
        hsts: false,
        meter: Arc::default(),
    }
}

pub fn router(router: Router) -> HttpService {
    let service = tower::ServiceExt::<Request<Body>>::map_err(router, |never: Infallible| match never {});
    HttpService::new(service)
}

/// An upstream made of one function.
pub fn answering<F>(answer: impl Fn(Request<Body>) -> F + Clone + Send + Sync + 'static) -> HttpService
where
    F: Future<Output = Response<Body>> + Send + 'static,
{
    HttpService::new(tower::service_fn(move |request| {
        let answer = answer(request);
        async move { Ok(answer.await) }
    }))
}

/// An upstream that says what it was sent: request line, headers, body.
pub fn echo() -> HttpService {
    answering(|request| async move {
        let (head, body) = request.into_parts();
        let mut text = format!("{} {}\n", head.method, head.uri);
        for (name, value) in &head.headers {
            text += &format!("{name}: {}\n", value.to_str().expect("ascii"));
        }
        let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else {
            return status(400);
        };
        text += &format!("\n{}", String::from_utf8_lossy(&body));
        Response::new(Body::from(text))
    })
}

/// An upstream that must not be reached.
pub fn nobody() -> HttpService {
    answering(|request| async move { panic!("reached the upstream: {} {}", request.method(), request.uri()) })
}

pub fn status(code: u16) -> Response<Body> {
    Response::builder().status(code).body(Body::empty()).expect("a response")
}

/// One end of a connection, spoken to in text.
pub struct Wire<S> {
    stream: S,
    unread: Vec<u8>,
}

/// A response as it came.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// In lower case, one line each.
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn code(&self) -> String {
        let body: serde_json::Value = serde_json::from_str(&self.body).expect(&self.body);
        assert_eq!(body["status"], self.status);
        body["data"]["code"].as_str().expect("a code").to_owned()
    }

    /// The value of a header of the response.
    pub fn header(&self, name: &str) -> Option<&str> {
        value(&self.head, name)
    }

    /// The value of a header the echo upstream saw.
    pub fn seen(&self, name: &str) -> Option<&str> {
        value(&self.body, name)
    }
}

fn value<'a>(lines: &'a str, name: &str) -> Option<&'a str> {
    let mut found = lines.lines().filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let value = found.next();
    assert!(found.next().is_none(), "{name} stands there twice");
    value
}

impl<S: AsyncRead + AsyncWrite + Unpin> Wire<S> {
    pub fn new(stream: S) -> Self {
        Wire { stream, unread: Vec::new() }
    }

    pub async fn send(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.expect("send");
    }

    /// Sends without caring whether anybody takes it.
    pub async fn offer(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        timeout(PATIENCE, self.stream.write_all(bytes)).await.expect("sent in time")
    }

    /// Reads until this text has come, and gives everything up to its end.
    pub async fn until(&mut self, end: &str) -> String {
        loop {
            let place = self.unread.windows(end.len()).position(|window| window == end.as_bytes());
            if let Some(place) = place {
                let taken = self.unread.drain(..place + end.len()).collect();
                return String::from_utf8(taken).expect("text");
            }
            assert!(self.more().await, "closed after {:?}", String::from_utf8_lossy(&self.unread));
        }
    }

    pub async fn exactly(&mut self, length: usize) -> String {
        while self.unread.len() < length {
            assert!(self.more().await, "closed early");
        }
        String::from_utf8(self.unread.drain(..length).collect()).expect("text")
    }

    /// Reads to the end of the connection; a reset is an end, too.
    pub async fn rest(&mut self) -> String {
        while self.more().await {}
        String::from_utf8_lossy(&std::mem::take(&mut self.unread)).into_owned()
    }

    /// An answer, unless the connection ends first.
    pub async fn rest_or_answer(&mut self) -> Option<Answer> {
        if self.more().await { Some(self.answer().await) } else { None }
    }

    pub async fn head(&mut self) -> (u16, String) {
        let head = self.until("\r\n\r\n").await.to_lowercase().replace('\r', "");
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).expect(&head);
        (status, head)
    }

    pub async fn answer(&mut self) -> Answer {
        let (status, head) = self.head().await;
        let body = match value(&head, "content-length") {
            Some(length) => self.exactly(length.parse().expect("a length")).await,
            None if value(&head, "transfer-encoding").is_some() => self.chunks().await,
            None => String::new(),
        };
        Answer { status, head, body }
    }

    /// The next chunk of a chunked body.
    pub async fn chunk(&mut self) -> String {
        let size = self.until("\r\n").await;
        let size = usize::from_str_radix(size.trim(), 16).expect("a chunk size");
        let chunk = self.exactly(size).await;
        self.until("\r\n").await;
        chunk
    }

    async fn chunks(&mut self) -> String {
        let mut body = String::new();
        loop {
            let chunk = self.chunk().await;
            if chunk.is_empty() {
                return body;
            }
            body += &chunk;
        }
    }

    async fn more(&mut self) -> bool {
        let mut buffer = [0; 16 * 1024];
        let read = timeout(PATIENCE, self.stream.read(&mut buffer)).await.expect("nothing came");
        let length = read.unwrap_or(0);
        self.unread.extend_from_slice(&buffer[..length]);
        length > 0
    }
}
