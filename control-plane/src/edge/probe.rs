//! Asking port 80 of an address for a token, as a certificate authority would.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

const PATIENCE: Duration = Duration::from_secs(5);
/// More than any answer of ours.
const MOST_BYTES: usize = 1024;

/// Whether what listens at that address answers a challenge for that host with that value; the error says what it did
/// instead.
pub async fn probe(address: IpAddr, port: u16, host: &str, token: &str, value: &str) -> Result<(), String> {
    match tokio::time::timeout(PATIENCE, fetch(SocketAddr::new(address, port), host, token)).await {
        Ok(Ok(body)) if body == value.as_bytes() => Ok(()),
        Ok(Ok(_)) => Err("another server answered".to_owned()),
        Ok(Err(error)) => Err(error),
        Err(_) => Err("no answer in time".to_owned()),
    }
}

async fn fetch(address: SocketAddr, host: &str, token: &str) -> Result<Bytes, String> {
    let stream = TcpStream::connect(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "connection refused".to_owned(),
        _ => format!("no connection ({})", error.kind()),
    })?;
    let broken = |_| "no proper HTTP answer".to_owned();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let request = Request::get(format!("/.well-known/acme-challenge/{token}"))
        .header(header::HOST, host)
        .header(header::USER_AGENT, concat!("roost/", env!("CARGO_PKG_VERSION")))
        .body(Empty::<Bytes>::new())
        .map_err(|_| "no request can be made for this name".to_owned())?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        if response.status() != http::StatusCode::OK {
            return Err(format!("answered {}", response.status().as_u16()));
        }
        let body = Limited::new(response.into_body(), MOST_BYTES).collect().await;
        body.map(http_body_util::Collected::to_bytes).map_err(|_| "another server answered".to_owned())
    };
    tokio::pin!(exchange);
    tokio::select! {
        outcome = &mut exchange => outcome,
        // The connection may end as soon as the answer is complete.
        _ = connection => exchange.await,
    }
}
