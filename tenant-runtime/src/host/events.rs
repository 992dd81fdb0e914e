//! Tells onlookers of every change: first how all tenants are, then whatever changes.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::Host;
use super::spec::TenantReport;

/// Changes an onlooker may be behind before it is told everything anew.
const BACKLOG: usize = 1_024;
/// How often a silent stream shows that it lives.
const PING: Duration = Duration::from_secs(20);

/// Where changes are told.
pub(super) struct Events(broadcast::Sender<TenantReport>);

impl Default for Events {
    fn default() -> Events {
        Events(broadcast::Sender::new(BACKLOG))
    }
}

impl Events {
    /// Tells whoever listens.
    pub(super) fn tell(&self, report: impl FnOnce() -> TenantReport) {
        if self.0.receiver_count() > 0 {
            // Nobody may listen any more by now, which is no failure.
            let _ = self.0.send(report());
        }
    }
}

/// The answer of `GET /v1/events`.
pub(super) fn follow(host: Host) -> Response {
    let onlooker = Onlooker::new(host);
    let events = stream::unfold(onlooker, |mut onlooker| async move {
        let report = onlooker.next().await?;
        let event = Event::default().event("tenant").json_data(report).unwrap_or_default();
        Some((Ok::<_, Infallible>(event), onlooker))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(PING).text("ping")).into_response()
}

struct Onlooker {
    host: Host,
    changes: broadcast::Receiver<TenantReport>,
    /// What is still to be told of the whole list; `None` before it was made.
    list: Option<VecDeque<TenantReport>>,
}

impl Onlooker {
    /// Listens before the list is made, so that no change falls between.
    fn new(host: Host) -> Onlooker {
        let changes = host.surroundings().events.0.subscribe();
        Onlooker { host, changes, list: None }
    }

    async fn next(&mut self) -> Option<TenantReport> {
        loop {
            if self.list.is_none() {
                self.list = Some(self.host.reports().await.into());
            }
            if let Some(report) = self.list.as_mut().and_then(VecDeque::pop_front) {
                return Some(report);
            }
            tokio::select! {
                change = self.changes.recv() => match change {
                    Ok(report) => return Some(report),
                    Err(RecvError::Lagged(_)) => self.list = None,
                    Err(RecvError::Closed) => return None,
                },
                () = self.host.surroundings().closing.cancelled() => return None,
            }
        }
    }
}
