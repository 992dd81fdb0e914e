//! What happens on the TLS port before HTTP is spoken: hello, certificate, handshake.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rustls::server::Acceptor;
use rustls::{AlertDescription, ContentType, HandshakeKind, ProtocolVersion, ServerConfig, ServerConnection};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{LazyConfigAcceptor, StartHandshake};

use crate::acme::challenges;
use crate::certificates::Certificate;
use crate::connection::{Connection, http1, http2};
use crate::metrics::{Handshake, Limit};
use crate::routes::{Host, Tls};
use crate::server::Edge;
use crate::socket::Socket;
use crate::visitors::{Origin, Visitor};

/// How long a handshake keeps others waiting: a round trip around the world.
const TURN: Duration = Duration::from_millis(300);

/// What a handshake agreed on.
pub(crate) struct Secured {
    /// The certificate the client was shown.
    pub(crate) certificate: Arc<Certificate>,
    pub(crate) version: Option<ProtocolVersion>,
    /// Whether the client came back with a ticket.
    pub(crate) is_resumed: bool,
}

/// Serves one connection on the TLS port. What each part of its life takes is given back before the next begins: most
/// connections are idle most of the time, and there may be thousands.
pub(crate) async fn serve(edge: Arc<Edge>, tcp: TcpStream, peer: IpAddr) {
    let Some((stream, connection)) = Box::pin(shake_hands(edge, tcp, peer)).await else {
        return;
    };
    if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
        Box::pin(http2(TokioIo::new(stream), connection)).await;
    } else {
        Box::pin(http1(TokioIo::new(stream), connection)).await;
    }
}

/// A connection on which HTTP may be spoken; none if there is to be none, or if it was only a question.
async fn shake_hands(
    edge: Arc<Edge>,
    mut tcp: TcpStream,
    peer: IpAddr,
) -> Option<(TlsStream<Socket>, Arc<Connection>)> {
    let visitor = Visitor::admit(&edge, &mut tcp, peer).await?;
    let socket = Socket::new(tcp, &edge.options.timeouts);
    let linger = socket.linger();

    let hello = LazyConfigAcceptor::new(Acceptor::default(), socket);
    let Ok(Ok(hello)) = timeout(edge.options.timeouts.hello, hello).await else {
        edge.metrics.shook(Handshake::NoHello);
        return None;
    };
    let asked = hello.client_hello();
    let name = asked.server_name().map(str::to_ascii_lowercase);
    if challenges::is_question(&asked) {
        answer_question(&edge, visitor.origin(), name, hello).await;
        return None;
    }
    let found = match &name {
        Some(name) => certificate(&edge, name).await.ok_or(AlertDescription::UnrecognisedName),
        None => Err(AlertDescription::HandshakeFailure),
    };
    let certificate = match found {
        Ok(certificate) => certificate,
        Err(alert) => {
            edge.metrics.shook(Handshake::NoCertificate);
            refuse(&edge, hello.io, alert).await;
            return None;
        }
    };
    let Some(stream) = handshake(&edge, visitor.origin(), hello, edge.tls.clone()).await else {
        edge.metrics.shook(Handshake::Failed);
        return None;
    };
    let session: &ServerConnection = stream.get_ref().1;
    let is_resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
    edge.metrics.shook(if is_resumed { Handshake::Resumed } else { Handshake::Full });
    let secured = Secured { certificate, version: session.protocol_version(), is_resumed };
    let connection = Connection::new(edge, visitor, linger, Some(secured));
    Some((stream, connection))
}

/// Ends a connection with a fatal alert (RFC 8446, section 6.2) instead of a handshake.
async fn refuse(edge: &Edge, mut socket: Socket, alert: AlertDescription) {
    const FATAL: u8 = 2;
    let record = [u8::from(ContentType::Alert), 3, 3, 0, 2, FATAL, u8::from(alert)];
    let said = async {
        socket.write_all(&record).await?;
        socket.shutdown().await
    };
    let _ = timeout(edge.options.timeouts.linger, said).await;
}

/// Shakes hands when it is this connection's turn. So many do at once and no more; but a client that takes its time gives
/// its turn away, because most of the work is done by then and others would only wait for nothing.
async fn handshake(
    edge: &Edge,
    origin: Origin,
    hello: StartHandshake<Socket>,
    config: Arc<ServerConfig>,
) -> Option<TlsStream<Socket>> {
    let limit = edge.options.per_address.handshakes;
    let Some(_place) = edge.visitors.handshakes.enter(origin, limit) else {
        edge.metrics.hit(Limit::Handshakes);
        return None;
    };
    let shaken = async {
        let mut shaking = pin!(hello.into_stream(config));
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
async fn answer_question(edge: &Edge, origin: Origin, name: Option<String>, hello: StartHandshake<Socket>) {
    let mut answer = None;
    if let (Some(acme), Some(name)) = (&edge.acme, name)
        && wanted_certificate(edge, &name).is_some()
    {
        answer = acme.tls_answer(&name).await;
    }
    let config = answer.unwrap_or_else(|| edge.tls.clone());
    if let Some(mut stream) = handshake(edge, origin, hello, config).await {
        let _ = timeout(edge.options.timeouts.linger, stream.shutdown()).await;
    }
}
