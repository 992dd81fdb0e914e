//! What an exchange holds while it lasts, and lets go of when it ends - however it ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::{HeaderValue, Request, StatusCode};

use crate::access_log::{EndedBy, Line};
use crate::answers::{self, Answer};
use crate::client::Client;
use crate::connection::{Connection, Pulse};
use crate::limits::{Limiter, Permit};
use crate::meter::Meter;
use crate::metrics::Limit;
use crate::routes::Route;

/// Places among those that are counted.
pub(crate) type Permits = [Option<Permit>; 2];

/// A request being answered, until the last byte of its response.
pub(crate) struct Exchange {
    pub(crate) pulse: Pulse,
    sent: u64,
    begun: Instant,
    limiter: Option<Arc<Limiter>>,
    meter: Option<Arc<Meter>>,
    quota: Option<HeaderValue>,
    is_stream: bool,
    permits: Permits,
    status: Option<StatusCode>,
    line: Option<Box<Line>>,
    ended_by: EndedBy,
}

impl Exchange {
    pub(crate) fn begin<B>(connection: &Arc<Connection>, client: &Client, request: &Request<B>) -> Self {
        let begun = Instant::now();
        Exchange {
            pulse: Pulse::begin(connection.clone()),
            sent: 0,
            begun,
            limiter: None,
            meter: None,
            quota: None,
            is_stream: false,
            permits: [None, None],
            status: None,
            line: Line::begin(connection, client, request, begun),
            ended_by: EndedBy::Client,
        }
    }

    /// Leads to a route, with these counters.
    pub(crate) fn routed(&mut self, route: &Route, limiter: &Arc<Limiter>) {
        self.limiter = Some(limiter.clone());
        self.quota = route.meter.quota();
    }

    /// What the answer says of the route's limits, whoever gives it.
    pub(crate) fn quota(&mut self) -> Option<HeaderValue> {
        self.quota.take()
    }

    /// Counts on this meter, and so will what is sent.
    pub(crate) fn metered(&mut self, meter: &Arc<Meter>, path: &str) -> Result<(), Answer> {
        meter.admit(path).map_err(|answer| self.refuse(Limit::Allowance, answer))?;
        self.meter = Some(meter.clone());
        Ok(())
    }

    /// Whether an answer of that size can be sent in reasonable time.
    pub(crate) fn queues(&self, size: u64) -> Result<(), Answer> {
        let queued = self.meter.as_ref().map_or(Ok(()), |meter| meter.queue(size));
        queued.map_err(|answer| self.refuse(Limit::Allowance, answer))
    }

    /// Counts bytes of the body that go to the client. Says how long they have to wait.
    pub(crate) fn sends(&mut self, bytes: u64) -> Option<Duration> {
        let pause = self.meter.as_ref().and_then(|meter| meter.sent(bytes, self.sent));
        self.sent += bytes;
        pause
    }

    /// Counts as a request in flight, here and on its route.
    pub(crate) fn enter_request(&mut self, limiter: &Limiter, route: &Route) -> Result<(), Answer> {
        let edge = self.pulse.edge();
        let all = edge.requests.enter(edge.options.bounds.requests);
        let all = all.ok_or_else(|| self.refuse(Limit::Requests, answers::BUSY))?;
        let one = limiter.requests.enter(route.limits.concurrent_requests as usize);
        let one = one.ok_or_else(|| self.refuse(Limit::RequestsOfRoute, answers::BUSY))?;
        self.permits = [Some(all), Some(one)];
        Ok(())
    }

    /// Counts as a stream, and as a request no longer.
    pub(crate) fn enter_stream(&mut self, limiter: &Limiter, route: &Route) -> Result<(), Answer> {
        let edge = self.pulse.edge();
        let all = edge.streams.enter(edge.options.bounds.long_lived);
        let all = all.ok_or_else(|| self.refuse(Limit::Streams, answers::TOO_MANY_CONNECTIONS))?;
        let one = limiter.streams.enter(route.limits.streams as usize);
        let one = one.ok_or_else(|| self.refuse(Limit::StreamsOfRoute, answers::TOO_MANY_CONNECTIONS))?;
        self.is_stream = true;
        self.permits = [Some(all), Some(one)];
        Ok(())
    }

    /// Counts a limit that was reached, and says so.
    pub(crate) fn refuse(&self, limit: Limit, answer: Answer) -> Answer {
        self.pulse.edge().metrics.hit(limit);
        answer
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
        self.status = Some(status);
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
        let metrics = &self.pulse.edge().metrics;
        // A stream lasts as long as its client likes; that says nothing of us.
        if !self.is_stream {
            metrics.took(self.begun.elapsed());
        }
        let traffic = self.limiter.as_ref().map_or(&metrics.astray, |limiter| &limiter.traffic);
        traffic.add(self.status, self.sent);
        if let Some(line) = &self.line {
            line.write(self.sent, self.ended_by);
        }
    }
}
