//! One connection, from its first byte to its last: protocol, and a watch for silence. What TLS says first is in `tls`.
//!
//! ALPN says which protocol is spoken, so hyper's builders for HTTP/1 and HTTP/2 are called directly: the builder
//! that finds out by reading has no timer while it reads, and a silent client would stay for ever.

use std::convert::Infallible;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::client::Client;
use crate::download::Download;
use crate::forward;
use crate::server::Edge;
use crate::socket::{Linger, Socket};
use crate::tls::Secured;
use crate::visitors::{Place, Visitor};

/// What all requests of one connection share.
pub(crate) struct Connection {
    pub(crate) edge: Arc<Edge>,
    /// Who is at the other end.
    peer: Client,
    /// Whether the peer may say that it speaks for somebody else.
    is_trusted: bool,
    /// None on plain HTTP.
    pub(crate) tls: Option<Secured>,
    pub(crate) linger: Linger,
    /// It ends with what is in flight on it.
    ending: CancellationToken,
    _place: Option<Place>,
    /// Goes up whenever something happens.
    progress: AtomicU64,
    /// Exchanges in which it is not the client's turn.
    waiting: AtomicUsize,
}

/// An exchange's part in its connection's [`silence`].
pub(crate) struct Pulse {
    connection: Arc<Connection>,
    waits: bool,
}

impl Connection {
    pub(crate) fn new(edge: Arc<Edge>, visitor: Visitor, linger: Linger, tls: Option<Secured>) -> Arc<Self> {
        let Visitor { address, is_trusted, place } = visitor;
        let peer = Client::new(address, tls.is_some());
        let (progress, waiting) = (AtomicU64::new(0), AtomicUsize::new(0));
        let ending = CancellationToken::new();
        Arc::new(Connection { edge, peer, is_trusted, tls, linger, ending, _place: place, progress, waiting })
    }

    /// Whom a request with these headers is answered for.
    pub(crate) fn client(&self, headers: &HeaderMap) -> Client {
        if self.is_trusted {
            self.peer.forwards(headers, &self.edge.options.trust_forwarded_from)
        } else {
            self.peer.clone()
        }
    }

    /// Whether the client may believe that this connection speaks for that host.
    pub(crate) fn vouches_for(&self, host: &str) -> bool {
        self.tls.as_ref().is_none_or(|tls| tls.certificate.covers(host))
    }
}

impl Pulse {
    pub(crate) fn edge(&self) -> &Edge {
        &self.connection.edge
    }

    /// An exchange began. At first it waits: for its upstream, or under an upload's own limits.
    pub(crate) fn begin(connection: Arc<Connection>) -> Self {
        connection.progress.fetch_add(1, Relaxed);
        connection.waiting.fetch_add(1, Relaxed);
        Pulse { connection, waits: true }
    }

    /// It has something for the client; whatever comes next is up to the client.
    pub(crate) fn beat(&mut self) {
        self.connection.progress.fetch_add(1, Relaxed);
        if std::mem::take(&mut self.waits) {
            self.connection.waiting.fetch_sub(1, Relaxed);
        }
    }

    /// Its connection is to end with it, so that whoever comes back takes a new one.
    pub(crate) fn end_connection(&self) {
        self.connection.ending.cancel();
    }

    /// It waits for its upstream.
    pub(crate) fn wait(&mut self) {
        if !std::mem::replace(&mut self.waits, true) {
            self.connection.waiting.fetch_add(1, Relaxed);
        }
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        self.beat();
    }
}

/// How many bytes of an answer HTTP/1 may hold for a client that reads slower than its upstream writes.
const HELD: usize = 128 * 1024;

/// Serves one connection on the plain port.
pub(crate) async fn plain(edge: Arc<Edge>, mut tcp: TcpStream, peer: IpAddr) {
    let Some(visitor) = Visitor::admit(&edge, &mut tcp, peer).await else {
        return;
    };
    let socket = Socket::new(tcp, &edge.options.timeouts);
    let connection = Connection::new(edge, visitor, socket.linger(), None);
    http1(TokioIo::new(socket), connection).await;
}

/// Speaks HTTP/1 to the end of the connection.
pub(crate) async fn http1<I: Read + Write + Send + Unpin + 'static>(io: I, connection: Arc<Connection>) {
    let options = &connection.edge.options;
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(options.timeouts.request_head)
        .max_header_size(options.bounds.head_bytes)
        .max_buf_size(HELD)
        .serve_connection(io, service(connection.clone()))
        .with_upgrades();
    drive(served, |served| served.graceful_shutdown(), &connection).await;
}

/// Speaks HTTP/2 to the end of the connection.
pub(crate) async fn http2<I: Read + Write + Send + Unpin + 'static>(io: I, connection: Arc<Connection>) {
    let options = &connection.edge.options;
    let served = http2::Builder::new(TokioExecutor::new())
        .timer(TokioTimer::new())
        .max_concurrent_streams(options.bounds.streams)
        .initial_stream_window_size(256 * 1024)
        .initial_connection_window_size(1024 * 1024)
        .max_header_list_size(options.bounds.head_bytes as u32)
        .max_pending_accept_reset_streams(20)
        .max_local_error_reset_streams(100)
        .keep_alive_interval(options.timeouts.ping_every)
        .keep_alive_timeout(options.timeouts.ping_answer)
        .serve_connection(io, service(connection.clone()));
    drive(served, |served| served.graceful_shutdown(), &connection).await;
}

/// What hyper calls with every request of a connection.
fn service(
    connection: Arc<Connection>,
) -> impl Service<Request<Incoming>, Response = Response<Download>, Error = Infallible, Future: Send> {
    service_fn(move |request| {
        // In a box, as HTTP/1 keeps room for one of these on every idle connection.
        let answer = Box::pin(forward::answer(connection.clone(), request));
        async { Ok(answer.await) }
    })
}

/// Runs a connection to its end: its own, that of a drain, or that of a client of which nothing is heard.
async fn drive<C>(served: C, close: fn(Pin<&mut C>), connection: &Connection)
where
    C: Future<Output = hyper::Result<()>>,
{
    let edge = &connection.edge;
    let timeouts = &edge.options.timeouts;
    let mut served = pin!(served);
    let is_silent = tokio::select! {
        ended = served.as_mut() => return note(ended),
        () = edge.closing.cancelled() => false,
        () = connection.ending.cancelled() => false,
        () = silence(connection) => true,
    };
    close(served.as_mut());
    tokio::select! {
        ended = served => note(ended),
        () = edge.cut.cancelled() => {}
        // Half an HTTP/2 preface cannot be asked to close.
        () = sleep(timeouts.linger), if is_silent => {}
    }
}

/// Ends when nothing happened for a whole period and nobody but the client could have changed that. It may be idle,
/// or keep HTTP/2 streams open without room for a single byte.
async fn silence(connection: &Connection) {
    let period = connection.edge.options.timeouts.idle_connection;
    let mut seen = 0;
    let mut wake = pin!(sleep(period));
    loop {
        wake.as_mut().await;
        let progress = connection.progress.load(Relaxed);
        if progress == seen && connection.waiting.load(Relaxed) == 0 {
            return;
        }
        seen = progress;
        wake.as_mut().reset(Instant::now() + period);
    }
}

fn note(ended: hyper::Result<()>) {
    if let Err(cause) = ended {
        tracing::debug!("connection ended: {cause}");
    }
}
