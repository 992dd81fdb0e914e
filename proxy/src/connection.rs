//! One connection, from its first byte to its last: hello, certificate, protocol, and a watch for silence.
//!
//! ALPN says which protocol is spoken, so hyper's builders for HTTP/1 and HTTP/2 are called directly: the builder
//! that finds out by reading has no timer while it reads, and a silent client would stay for ever.

use std::convert::Infallible;
use std::io;
use std::net::IpAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};
use std::time::Duration;

use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use hyper::rt::{Read, Write};
use hyper::server::conn::{http1, http2};
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::server::Acceptor;
use rustls::{HandshakeKind, ProtocolVersion, ServerConnection};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, StartHandshake};

use crate::acme::challenges;
use crate::certificates::Certificate;
use crate::client::{Client, contains};
use crate::download::Download;
use crate::metrics::{Handshake, Limit};
use crate::routes::{Host, Tls};
use crate::server::Edge;
use crate::socket::{Linger, Socket};
use crate::visitors::{Origin, Place};
use crate::{forward, preamble};

/// How long a handshake keeps others waiting: a round trip around the world.
const TURN: Duration = Duration::from_millis(300);

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
    _place: Option<Place>,
    /// Goes up whenever something happens.
    progress: AtomicU64,
    /// Exchanges in which it is not the client's turn.
    waiting: AtomicUsize,
}

/// What a handshake agreed on.
pub(crate) struct Secured {
    /// The certificate the client was shown.
    certificate: Arc<Certificate>,
    pub(crate) version: Option<ProtocolVersion>,
    /// Whether the client came back with a ticket.
    pub(crate) is_resumed: bool,
}

/// Somebody who was let in.
struct Visitor {
    address: IpAddr,
    is_trusted: bool,
    place: Option<Place>,
}

/// An exchange's part in its connection's [`silence`].
pub(crate) struct Pulse {
    connection: Arc<Connection>,
    waits: bool,
}

impl Connection {
    fn new(edge: Arc<Edge>, visitor: Visitor, linger: Linger, tls: Option<Secured>) -> Arc<Self> {
        let Visitor { address, is_trusted, place } = visitor;
        let peer = Client::new(address, tls.is_some());
        let (progress, waiting) = (AtomicU64::new(0), AtomicUsize::new(0));
        Arc::new(Connection { edge, peer, is_trusted, tls, linger, _place: place, progress, waiting })
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

impl Visitor {
    /// Finds out who is there, and whether there is room for them.
    async fn admit(edge: &Edge, tcp: &mut TcpStream, peer: IpAddr) -> Option<Visitor> {
        let options = &edge.options;
        let peer = peer.to_canonical();
        let mut address = peer;
        let is_balancer = contains(&options.proxy_protocol_from, address);
        if is_balancer {
            let named = timeout(options.timeouts.preamble, preamble::read(tcp)).await.map_err(io::Error::from);
            match named.flatten() {
                Ok(named) => address = named.unwrap_or(address),
                Err(cause) => {
                    tracing::warn!(%peer, "a connection that has to begin with a PROXY header does not: {cause}");
                    return None;
                }
            }
        }
        let is_trusted = contains(&options.trust_forwarded_from, address);
        // Whoever brings other people's requests is not one client.
        let brings_others = is_trusted || is_balancer && address == peer;
        let place = if brings_others { None } else { Some(edge.visitors.admit(address.into(), edge)?) };
        Some(Visitor { address, is_trusted, place })
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

/// Serves one connection on the plain port.
pub(crate) async fn plain(edge: Arc<Edge>, mut tcp: TcpStream, peer: IpAddr) {
    let Some(visitor) = Visitor::admit(&edge, &mut tcp, peer).await else {
        return;
    };
    let socket = Socket::new(tcp, &edge.options.timeouts);
    let connection = Connection::new(edge, visitor, socket.linger(), None);
    http1(TokioIo::new(socket), connection).await;
}

/// Serves one connection on the TLS port.
pub(crate) async fn tls(edge: Arc<Edge>, mut tcp: TcpStream, peer: IpAddr) {
    let Some(visitor) = Visitor::admit(&edge, &mut tcp, peer).await else {
        return;
    };
    let socket = Socket::new(tcp, &edge.options.timeouts);
    let linger = socket.linger();

    let hello = LazyConfigAcceptor::new(Acceptor::default(), socket);
    let Ok(Ok(hello)) = timeout(edge.options.timeouts.hello, hello).await else {
        return edge.metrics.shook(Handshake::NoHello);
    };
    let asked = hello.client_hello();
    let name = asked.server_name().map(str::to_ascii_lowercase);
    if challenges::is_question(&asked) {
        return answer_question(&edge, name, hello).await;
    }
    // A name without a certificate goes on, too: the client then gets an alert instead of a bare end.
    let certificate = match &name {
        Some(name) => certificate(&edge, name).await,
        None => None,
    };

    let shaken = handshake(&edge, visitor.address.into(), hello).await;
    let (stream, certificate) = match (shaken, certificate) {
        (Some(stream), Some(certificate)) => (stream, certificate),
        (_, None) => return edge.metrics.shook(Handshake::NoCertificate),
        (None, _) => return edge.metrics.shook(Handshake::Failed),
    };
    let session: &ServerConnection = stream.get_ref().1;
    let is_resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
    edge.metrics.shook(if is_resumed { Handshake::Resumed } else { Handshake::Full });
    let speaks_h2 = session.alpn_protocol() == Some(b"h2");
    let secured = Secured { certificate, version: session.protocol_version(), is_resumed };
    let connection = Connection::new(edge, visitor, linger, Some(secured));
    if speaks_h2 {
        http2(TokioIo::new(stream), connection).await;
    } else {
        http1(TokioIo::new(stream), connection).await;
    }
}

/// The certificate for a name. Where a route wants one that is not there yet, this waits for it; names nobody has a
/// route for cause nothing.
async fn certificate(edge: &Edge, name: &str) -> Option<Arc<Certificate>> {
    if let Some(found) = edge.options.certificates.find(name) {
        return Some(found);
    }
    let acme = edge.acme.as_ref()?;
    let wanted = wanted_certificate(edge, name)?;
    tokio::select! {
        awaited = acme.awaited(&wanted, name) => awaited,
        () = edge.closing.cancelled() => None,
    }
}

/// The name of the certificate that routes want for a host.
fn wanted_certificate(edge: &Edge, name: &str) -> Option<String> {
    let host: Host = name.parse().ok()?;
    match &edge.routes.borrow().find(&host)?.tls {
        Tls::Auto { certificate, .. } => Some(certificate.to_string()),
        Tls::None | Tls::Files => None,
    }
}

/// Answers an authority that asks, in the handshake, whether a name is ours. Nothing else is ever said on such a
/// connection; without an answer it ends in an alert.
async fn answer_question(edge: &Edge, name: Option<String>, hello: StartHandshake<Socket>) {
    let mut answer = None;
    if let (Some(acme), Some(name)) = (&edge.acme, name)
        && wanted_certificate(edge, &name).is_some()
    {
        answer = acme.tls_answer(&name).await;
    }
    let handshake = hello.into_stream(answer.unwrap_or_else(|| edge.tls.clone()));
    if let Ok(Ok(mut stream)) = timeout(edge.options.timeouts.handshake, handshake).await {
        let _ = timeout(edge.options.timeouts.linger, stream.shutdown()).await;
    }
}

/// Shakes hands when it is this connection's turn. So many do at once and no more; but a client that takes its time gives
/// its turn away, because most of the work is done by then and others would only wait for nothing.
async fn handshake(edge: &Edge, origin: Origin, hello: StartHandshake<Socket>) -> Option<TlsStream<Socket>> {
    let limit = edge.options.per_address.handshakes;
    let Some(_place) = edge.visitors.handshakes.enter(origin, limit) else {
        edge.metrics.hit(Limit::Handshakes);
        return None;
    };
    let shaken = async {
        let mut shaking = pin!(hello.into_stream(edge.tls.clone()));
        let turn = edge.handshakes.acquire().await.ok()?;
        let swift = timeout(TURN, shaking.as_mut()).await;
        drop(turn);
        match swift {
            Ok(shaken) => shaken.ok(),
            Err(_slow) => shaking.await.ok(),
        }
    };
    timeout(edge.options.timeouts.handshake, shaken).await.ok().flatten()
}

async fn http1<I: Read + Write + Send + Unpin + 'static>(io: I, connection: Arc<Connection>) {
    let options = &connection.edge.options;
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(options.timeouts.request_head)
        .max_header_size(options.bounds.head_bytes)
        .serve_connection(io, service(connection.clone()))
        .with_upgrades();
    drive(served, |served| served.graceful_shutdown(), &connection).await;
}

async fn http2<I: Read + Write + Send + Unpin + 'static>(io: I, connection: Arc<Connection>) {
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
        let answer = forward::answer(connection.clone(), request);
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
