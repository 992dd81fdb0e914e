//! Where the proxy listens, and every time and size it goes by, with the defaults a public server wants.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use ipnet::IpNet;

use crate::Sockets;
use crate::acme::AcmeOptions;
use crate::acme::dns::Dns;
use crate::certificates::Certificates;

/// What a proxy is told at its start; everything else comes from the route table.
#[derive(Clone, Default)]
pub struct Options {
    /// Where to speak plain HTTP/1.
    pub http: Vec<SocketAddr>,
    /// Where to speak TLS, with HTTP/2 or HTTP/1 inside as the client chooses.
    pub https: Vec<SocketAddr>,
    /// Where the sockets for all addresses come from, and are kept for a successor.
    pub sockets: Sockets,
    /// The certificates for `https`; keep a clone to reload them.
    pub certificates: Certificates,
    /// Where certificates come from that nobody has to bring; none: from `certificates` alone.
    pub acme: Option<AcmeOptions>,
    /// Answers the authorities' questions by DNS, too.
    pub dns: Option<Dns>,
    /// Where to serve `/metrics` in plain HTTP. No client of a project should get there.
    pub metrics: Option<SocketAddr>,
    /// Numbers of whoever runs the proxy, to be served beside its own.
    pub more_numbers: Option<MoreNumbers>,
    /// Networks of load balancers whose connections begin with a PROXY header, always.
    pub proxy_protocol_from: Vec<IpNet>,
    /// Networks whose `x-forwarded-for` and `x-forwarded-proto` are believed.
    pub trust_forwarded_from: Vec<IpNet>,
    /// How long anything may take.
    pub timeouts: Timeouts,
    /// How much of anything there may be.
    pub bounds: Bounds,
    /// How much of that one client may have.
    pub per_address: PerAddress,
    /// How long a shutdown waits, and for what.
    pub drain: Drain,
}

/// Asked whenever somebody fetches numbers; answers in the text format of Prometheus, see [`exposition`](crate::exposition).
pub type MoreNumbers = Arc<dyn Fn() -> BoxFuture<'static, String> + Send + Sync>;

/// How long each step of a connection or request may take.
#[derive(Clone, Debug)]
pub struct Timeouts {
    /// From the accepted connection to the end of its PROXY header, where there has to be one.
    pub preamble: Duration,
    /// From the accepted connection to a whole TLS ClientHello.
    pub hello: Duration,
    /// From the ClientHello to the end of the handshake.
    pub handshake: Duration,
    /// From the first wait for a request to the end of its head; on HTTP/1 also the keep-alive time.
    pub request_head: Duration,
    /// A connection on which nothing happens and nothing is awaited but the client, whatever it speaks.
    pub idle_connection: Duration,
    /// Between two HTTP/2 pings.
    pub ping_every: Duration,
    /// For the answer to an HTTP/2 ping.
    pub ping_answer: Duration,
    /// For its turn, when as many long bodies are on their way as may be.
    pub upload_turn: Duration,
    /// Between two pieces of a request body.
    pub request_body_idle: Duration,
    /// How long a request body may be slower than [`Bounds::request_body_rate`].
    pub request_body_grace: Duration,
    /// From the forwarded request to the head of its response. Backups and console queries answer late by design.
    pub response_head: Duration,
    /// Between two pieces of a response body; event streams and tunnels are exempt.
    pub response_body_idle: Duration,
    /// A client that takes nothing of what it is sent.
    pub write: Duration,
    /// How long what a refused client still sends is read and thrown away, so that it gets to see the refusal.
    pub linger: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Timeouts {
            preamble: seconds(1),
            hello: seconds(5),
            handshake: seconds(10),
            request_head: seconds(20),
            idle_connection: seconds(60),
            ping_every: seconds(20),
            ping_answer: seconds(10),
            upload_turn: seconds(10),
            request_body_idle: seconds(30),
            request_body_grace: seconds(10),
            response_head: seconds(310),
            response_body_idle: seconds(60),
            write: seconds(30),
            linger: seconds(2),
        }
    }
}

/// How much the proxy takes before it refuses.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Open connections; beyond, new ones wait in the listener's queue.
    pub connections: usize,
    /// Requests in flight on all routes together; beyond, 503.
    pub requests: usize,
    /// Event streams and tunnels on all routes together; beyond, 429.
    pub long_lived: usize,
    /// Bodies longer than [`collected_body`](Self::collected_body) on their way at once; beyond, they wait their turn.
    pub uploads: usize,
    /// The same for one route, so that its slow senders are nobody else's trouble.
    pub uploads_per_route: usize,
    /// Bytes a second that the long bodies of one route bring together; beyond, they are read more slowly. Else those
    /// of one project over a fast line leave the others neither processor nor disk.
    pub upload_rate_per_route: u64,
    /// TLS handshakes at once; beyond, they wait.
    pub handshakes: usize,
    /// Bytes of a request's head.
    pub head_bytes: usize,
    /// Bytes per second a request body must bring once its grace is over.
    pub request_body_rate: u64,
    /// A body announced to be at most this long is read whole before the upstream is asked, so that a slow
    /// sender occupies nothing behind the proxy.
    pub collected_body: u64,
    /// Streams at once on one HTTP/2 connection.
    pub streams: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds {
            connections: 10_000,
            requests: 4_096,
            long_lived: 10_000,
            uploads: 256,
            uploads_per_route: 64,
            upload_rate_per_route: 64 * 1024 * 1024,
            handshakes: 64,
            head_bytes: 32 * 1024,
            request_body_rate: 1024,
            collected_body: 64 * 1024,
            streams: 100,
        }
    }
}

/// How much one client may have, told apart by address; IPv6 by /64. 0 is no limit.
#[derive(Clone, Debug)]
pub struct PerAddress {
    /// Open connections; beyond, new ones are closed.
    pub connections: usize,
    /// New connections per second, sustained; four times as many may come in a burst. Beyond, they are closed.
    pub new_connections: u32,
    /// TLS handshakes at once; beyond, the connection is closed.
    pub handshakes: usize,
    /// Requests per second to one route, sustained; twice as many may come in a burst. Beyond, 429.
    pub requests: u32,
}

impl Default for PerAddress {
    fn default() -> Self {
        PerAddress { connections: 200, new_connections: 50, handshakes: 32, requests: 200 }
    }
}

impl PerAddress {
    /// For where everybody has the same address.
    pub fn unlimited() -> Self {
        PerAddress { connections: 0, new_connections: 0, handshakes: 0, requests: 0 }
    }
}

/// The phases of a shutdown, each counted from its beginning.
#[derive(Clone, Debug)]
pub struct Drain {
    /// How long connections are only *asked* to close, by `connection: close`. Closing at once would lose
    /// requests that are already on their way. At its end idle connections close. Event streams end at its beginning,
    /// and their connections with them: whoever reconnects is to meet the successor.
    pub polite: Duration,
    /// When tunnels are cut.
    pub tunnels: Duration,
    /// When everything is cut.
    pub total: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Drain { polite: Duration::from_secs(1), tunnels: Duration::from_secs(10), total: Duration::from_secs(30) }
    }
}
