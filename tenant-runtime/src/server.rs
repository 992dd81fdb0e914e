//! A plain HTTP/1.1 server for one backend standing alone. Under the platform the proxy does this, and more.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::client_address::ClientAddress;
use crate::unread;

/// A request's head must arrive within this; it is also how long an idle connection stays.
const HEAD_TIMEOUT: Duration = Duration::from_secs(60);
/// How long unfinished answers are waited for at the end.
const DRAIN: Duration = Duration::from_secs(10);

/// A bound listener.
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
}

/// What is still open when a server stops.
pub struct Connections {
    draining: CancellationToken,
    connections: TaskTracker,
}

impl Server {
    /// Listens; port 0 takes any free one.
    pub async fn bind(address: SocketAddr) -> std::io::Result<Server> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Server { listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`. What was begun by then is left to be finished; until the server runs again or is dropped,
    /// whoever connects waits.
    pub async fn run(&self, router: Router, shutdown: impl Future<Output = ()>) -> Connections {
        let (draining, connections) = (CancellationToken::new(), TaskTracker::new());
        tokio::pin!(shutdown);
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, peer)) => {
                        connections.spawn(serve(stream, peer, router.clone(), draining.clone()));
                    }
                    Err(error) => {
                        tracing::warn!("failed to accept a connection: {error}");
                        tokio::time::sleep(Duration::from_millis(50)).await;
                    }
                },
                () = &mut shutdown => break,
            }
        }
        Connections { draining, connections }
    }
}

impl Connections {
    /// Waits until all answers in progress are finished, within reason.
    pub async fn finish(self) {
        self.draining.cancel();
        self.connections.close();
        if tokio::time::timeout(DRAIN, self.connections.wait()).await.is_err() {
            tracing::warn!("some answers were not finished within {DRAIN:?}");
        }
    }
}

async fn serve(stream: TcpStream, peer: SocketAddr, router: Router, draining: CancellationToken) {
    let _ = stream.set_nodelay(true);
    let service = hyper::service::service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ClientAddress(peer.ip().to_canonical()));
        unread::call(router.clone(), request)
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_headers(100);
    let connection = http.serve_connection(TokioIo::new(stream), service).with_upgrades();
    tokio::pin!(connection);
    tokio::select! {
        result = connection.as_mut() => return log(result),
        () = draining.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    log(connection.await);
}

fn log(result: hyper::Result<()>) {
    if let Err(error) = result {
        tracing::debug!("a connection ended: {error}");
    }
}
