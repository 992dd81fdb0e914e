//! 5,000 routes of which a thousand change every second, while clients ask: is every answer right, and how soon is a
//! change to be seen? For `tests/checks/edge`, which reads the one line of JSON this prints.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::SeqCst};
use std::time::{Duration, Instant};

use axum::body::Body;
use http::{HeaderMap, Response};
use proxy::routes::{Limits, Pattern, Route, RouteId, RouteTable, State, Tls};
use proxy::{HttpService, Options, Proxy};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

const ROUTES: usize = 5_000;
const CLIENTS: usize = 16;
/// Tables are replaced as a whole, so changes are gathered for a while.
const GATHERED: u64 = 50;
const EVERY: Duration = Duration::from_millis(GATHERED);
const LASTS: Duration = Duration::from_secs(5);

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Which version each route is at: before its table is published, and after.
struct Versions {
    announced: Vec<AtomicU64>,
    published: Vec<AtomicU64>,
}

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let mut routes: HashMap<usize, Route> = (0..ROUTES).map(|number| (number, route(number, 0))).collect();
    let versions = || (0..ROUTES).map(|_| AtomicU64::new(0)).collect();
    let versions = Arc::new(Versions { announced: versions(), published: versions() });
    let (publish, table) = watch::channel(table(0, &routes));
    let options = Options { http: vec!["127.0.0.1:0".parse()?], ..Options::default() };
    let proxy = Proxy::bind(options, table).await?;
    let port = proxy.addresses().http[0].port();

    let (end, seen) = (Instant::now() + LASTS, Arc::new(Seen::default()));
    let clients: Vec<_> =
        (0..CLIENTS).map(|first| tokio::spawn(ask(port, first, end, versions.clone(), seen.clone()))).collect();

    let mut ticks = interval(EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut version = 0;
    while Instant::now() < end {
        ticks.tick().await;
        let changes: Vec<_> =
            (version + 1..=version + GATHERED).map(|version| (version as usize * 7919 % ROUTES, version)).collect();
        version += GATHERED;
        for &(number, version) in &changes {
            routes.insert(number, route(number, version));
            versions.announced[number].store(version, SeqCst);
        }
        publish.send_replace(self::table(version, &routes));
        for (number, version) in changes {
            versions.published[number].store(version, SeqCst);
        }
    }
    for client in clients {
        client.await??;
    }
    let (requests, wrong) = (seen.requests.load(SeqCst), seen.wrong.load(SeqCst));
    let visible = visible_after(port, &publish, &mut routes, version).await?.as_secs_f64() * 1e3;
    let rate = version as f64 / LASTS.as_secs_f64();
    println!(r#"{{"changes_per_second": {rate}, "requests": {requests}, "wrong": {wrong}, "visible_ms": {visible}}}"#);
    Ok(())
}

/// What the clients found.
#[derive(Default)]
struct Seen {
    requests: AtomicUsize,
    wrong: AtomicUsize,
}

fn table(version: u64, routes: &HashMap<usize, Route>) -> Arc<RouteTable> {
    let routes = routes.iter().map(|(number, route)| (pattern(*number), route.clone()));
    Arc::new(RouteTable::new(version, routes))
}

fn pattern(number: usize) -> Pattern {
    host(number).parse().expect("a host")
}

fn host(number: usize) -> String {
    format!("n{number}.example.test")
}

/// A route that answers which one it is and of which version.
fn route(number: usize, version: u64) -> Route {
    let service =
        tower::service_fn(move |_| async move { Ok(Response::new(Body::from(format!("{number} {version}")))) });
    Route {
        id: RouteId(number.to_string()),
        upstream: HttpService::new(service),
        stamp: HeaderMap::new(),
        limits: Limits::default(),
        state: State::Serving,
        tls: Tls::None,
        hsts: false,
        meter: Arc::default(),
    }
}

/// Asks one route after another. An answer is right if it comes from the route asked, from no version older than what
/// was published before the request and none newer than what was announced after it.
async fn ask(port: u16, first: usize, end: Instant, versions: Arc<Versions>, seen: Arc<Seen>) -> Result<(), Failed> {
    let mut client = Client::connect(port).await?;
    let mut number = first;
    while Instant::now() < end {
        number = (number + CLIENTS) % ROUTES;
        let oldest = versions.published[number].load(SeqCst);
        let answer = client.ask(number).await?;
        let newest = versions.announced[number].load(SeqCst);
        let (name, version) = answer.split_once(' ').unwrap_or_default();
        let right =
            name.parse() == Ok(number) && version.parse().is_ok_and(|version| (oldest..=newest).contains(&version));
        seen.requests.fetch_add(1, SeqCst);
        seen.wrong.fetch_add(usize::from(!right), SeqCst);
    }
    Ok(())
}

/// How long after a change was put into the table an answer shows it: the longest of a hundred.
async fn visible_after(
    port: u16,
    publish: &watch::Sender<Arc<RouteTable>>,
    routes: &mut HashMap<usize, Route>,
    mut version: u64,
) -> Result<Duration, Failed> {
    let mut client = Client::connect(port).await?;
    let mut longest = Duration::ZERO;
    for number in 0..100 {
        version += 1;
        routes.insert(number, route(number, version));
        let began = Instant::now();
        publish.send_replace(table(version, routes));
        while client.ask(number).await? != format!("{number} {version}") {}
        longest = longest.max(began.elapsed());
    }
    Ok(longest)
}

/// One connection over plain HTTP/1.
struct Client(TcpStream);

impl Client {
    async fn connect(port: u16) -> Result<Client, Failed> {
        Ok(Client(TcpStream::connect(("127.0.0.1", port)).await?))
    }

    /// The body of a route's answer.
    async fn ask(&mut self, number: usize) -> Result<String, Failed> {
        let request = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", host(number));
        self.0.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        loop {
            if self.0.read_buf(&mut answer).await? == 0 {
                return Err("the connection was closed".into());
            }
            let text = String::from_utf8_lossy(&answer);
            let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if length.is_some_and(|length| length.parse() == Ok(body.len())) {
                return Ok(body.to_owned());
            }
        }
    }
}
