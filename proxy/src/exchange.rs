//! What an exchange holds while it lasts, and lets go of when it ends - however it ends.

use std::sync::Arc;

use http::{Request, StatusCode};

use crate::access_log::{EndedBy, Line};
use crate::answers::{self, Answer};
use crate::connection::{Connection, Pulse};
use crate::limits::{Limiter, Permit};
use crate::routes::Route;
use crate::server::Edge;

/// Places among those that are counted.
pub(crate) type Permits = [Option<Permit>; 2];

/// A request being answered, until the last byte of its response.
pub(crate) struct Exchange {
    pub(crate) pulse: Pulse,
    pub(crate) sent: u64,
    permits: Permits,
    line: Option<Box<Line>>,
    ended_by: EndedBy,
}

impl Exchange {
    pub(crate) fn begin<B>(connection: &Arc<Connection>, request: &Request<B>) -> Self {
        Exchange {
            pulse: Pulse::begin(connection.clone()),
            sent: 0,
            permits: [None, None],
            line: Line::begin(connection, request),
            ended_by: EndedBy::Client,
        }
    }

    /// Counts as a request in flight, here and on its route.
    pub(crate) fn enter_request(&mut self, edge: &Edge, limiter: &Limiter, route: &Route) -> Result<(), Answer> {
        let all = edge.requests.enter(edge.options.bounds.requests).ok_or(answers::BUSY)?;
        let one = limiter.requests.enter(route.limits.concurrent_requests as usize).ok_or(answers::BUSY)?;
        self.permits = [Some(all), Some(one)];
        Ok(())
    }

    /// Counts as a stream, and as a request no longer.
    pub(crate) fn enter_stream(&mut self, limiter: &Limiter, route: &Route) -> Result<(), Answer> {
        let stream = limiter.streams.enter(route.limits.streams as usize).ok_or(answers::TOO_MANY_CONNECTIONS)?;
        self.permits = [Some(stream), None];
        Ok(())
    }

    /// What it counts as, for whoever goes on after the response.
    pub(crate) fn take_permits(&mut self) -> Permits {
        std::mem::take(&mut self.permits)
    }

    /// Tells the log, if it is kept.
    pub(crate) fn note(&mut self, fact: impl FnOnce(&mut Line)) {
        if let Some(line) = &mut self.line {
            fact(line);
        }
    }

    /// The head of the response is on its way.
    pub(crate) fn head(&mut self, status: StatusCode) {
        self.note(|line| line.head(status));
    }

    /// Everything was said.
    pub(crate) fn complete(&mut self) {
        self.ended_by = EndedBy::Completion;
    }

    /// The upstream broke off.
    pub(crate) fn upstream_failed(&mut self) {
        self.ended_by = EndedBy::Upstream;
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        if let Some(line) = &self.line {
            line.write(self.sent, self.ended_by);
        }
    }
}
