//! WebSocket: once both sides have switched, bytes pass unread in both directions.

use std::sync::Arc;

use axum::body::Body;
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderValue, Request, Response, Version};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;

use crate::answers::{self, Answer};
use crate::exchange::Exchange;
use crate::headers;
use crate::server::Edge;

/// A WebSocket about to be: the client's half of the connection.
pub(crate) struct Tunnel(OnUpgrade);

impl Tunnel {
    /// The tunnel a request asks for, if it does.
    pub(crate) fn wanted_by<B>(request: &Request<B>) -> Option<Tunnel> {
        let upgrade = request.extensions().get::<OnUpgrade>().filter(|_| wants_websocket(request))?;
        Some(Tunnel(upgrade.clone()))
    }

    /// Joins the client with the upstream once both have switched, and keeps the exchange's permits until either
    /// hangs up. A drain cuts tunnels, because nothing else ends them.
    pub(crate) fn open(
        self,
        edge: &Arc<Edge>,
        response: &mut Response<Body>,
        exchange: &mut Exchange,
    ) -> Result<(), Answer> {
        let upstream = response.extensions_mut().remove::<OnUpgrade>().ok_or(answers::NO_ANSWER)?;
        headers::set_websocket(response.headers_mut());
        let permits = exchange.take_permits();
        let tunnels_end = edge.tunnels_end.clone();
        edge.tasks.spawn(async move {
            let Ok((client, upstream)) = tokio::try_join!(self.0, upstream) else {
                return;
            };
            let (mut client, mut upstream) = (TokioIo::new(client), TokioIo::new(upstream));
            tokio::select! {
                _ = tokio::io::copy_bidirectional(&mut client, &mut upstream) => {}
                () = tunnels_end.cancelled() => {}
            }
            drop(permits);
        });
        Ok(())
    }
}

/// Whether the client wants to speak WebSocket from here on. No other protocol is let through: behind an `h2c`
/// upgrade, requests would pass that nothing here has seen.
fn wants_websocket<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    let says = |value: &HeaderValue, word: &str| {
        let words = value.to_str().unwrap_or_default().split(',');
        words.map(str::trim).any(|found| found.eq_ignore_ascii_case(word))
    };
    request.version() == Version::HTTP_11
        && headers.get(UPGRADE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"websocket"))
        && headers.get_all(CONNECTION).iter().any(|value| says(value, "upgrade"))
}
