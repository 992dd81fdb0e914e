//! Services that are not in this process: a child behind a Unix socket, or another machine.
//!
//! Connections are pooled. A request is tried a second time only where that cannot do anything twice: hyper does
//! so by itself when a pooled connection died before the request was written, and [`at`] does when a method
//! that promises to change nothing, without a body, saw no response.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use http::header::{CONTENT_LENGTH, TRANSFER_ENCODING};
use http::uri::{Authority, Parts, Scheme};
use http::{HeaderValue, Method, Request, Response, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::{Connected, Connection};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use crate::{BoxError, HttpService};

const CONNECT: Duration = Duration::from_secs(1);
const IDLE: Duration = Duration::from_secs(30);
const IDLE_CONNECTIONS: usize = 32;

/// Where a service listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// On a Unix socket.
    Unix(PathBuf),
    /// On a TCP port.
    Tcp(SocketAddr),
}

/// A service that speaks HTTP/1 at this address. A restarted process is a new service: connections to its
/// predecessor stay with the old one.
pub fn at(address: Address) -> HttpService {
    let client = Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        // The host header is the client's, and always there; hyper would invent one from the address.
        .set_host(false)
        .build(Connector(address));
    HttpService::new(tower::service_fn(move |request| send(client.clone(), request)))
}

async fn send(client: Client<Connector, Body>, mut request: Request<Body>) -> Result<Response<Body>, BoxError> {
    let path = std::mem::take(request.uri_mut()).into_parts().path_and_query;
    let mut target = Parts::default();
    target.scheme = Some(Scheme::HTTP);
    // Names the pool; this client connects to one address only.
    target.authority = Some(Authority::from_static("upstream"));
    target.path_and_query = path.or_else(|| Some(http::uri::PathAndQuery::from_static("/")));
    *request.uri_mut() = Uri::from_parts(target)?;

    if !http_body::Body::is_end_stream(request.body()) && !request.headers().contains_key(CONTENT_LENGTH) {
        // Without this hyper sends no body at all with a GET.
        request.headers_mut().insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked"));
    }
    let again = repeated(&request);
    let mut answer = client.request(request).await;
    if let (Err(_), Some(again)) = (&answer, again) {
        answer = client.request(again).await;
    }
    Ok(answer?.map(Body::new))
}

/// The same request once more, if sending it twice is sending it once.
fn repeated(request: &Request<Body>) -> Option<Request<Body>> {
    let is_safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    if !is_safe || !http_body::Body::is_end_stream(request.body()) {
        return None;
    }
    let mut again = Request::new(Body::empty());
    *again.method_mut() = request.method().clone();
    *again.uri_mut() = request.uri().clone();
    *again.headers_mut() = request.headers().clone();
    Some(again)
}

/// Opens connections to one address, whatever the request's URI says.
#[derive(Clone)]
struct Connector(Address);

impl tower::Service<Uri> for Connector {
    type Response = TokioIo<Stream>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<TokioIo<Stream>>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        let address = self.0.clone();
        Box::pin(async move { Ok(TokioIo::new(timeout(CONNECT, connect(address)).await??)) })
    }
}

async fn connect(address: Address) -> io::Result<Stream> {
    match address {
        Address::Unix(path) => Ok(Stream(Box::new(UnixStream::connect(path).await?))),
        Address::Tcp(address) => {
            let tcp = TcpStream::connect(address).await?;
            tcp.set_nodelay(true)?;
            Ok(Stream(Box::new(tcp)))
        }
    }
}

trait Bytes: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Bytes for T {}

/// A connection of either kind.
struct Stream(Box<dyn Bytes>);

impl Connection for Stream {
    fn connected(&self) -> Connected {
        Connected::new()
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut *self.0).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.0.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_shutdown(cx)
    }
}
