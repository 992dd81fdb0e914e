//! A request's body on its way to the upstream: how long, how slow, and whose fault it is when it breaks.
//!
//! The upstream only sees a broken body and would be blamed for it, so an [`Upload`] remembers when it was the
//! client who failed.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Sleep, sleep, timeout};

use crate::alarm::Alarm;
use crate::answers::{self, Answer};
use crate::connection::Connection;
use crate::limits::Limiter;
use crate::metrics::Limit;
use crate::server::Edge;
use crate::{BoxError, Options};

/// What is known of an upload while somebody else reads it.
#[derive(Debug, Default)]
pub(crate) struct Received {
    pub(crate) bytes: AtomicU64,
    fault: OnceLock<Answer>,
}

impl Received {
    /// Why the body broke, if that was the client's doing.
    pub(crate) fn fault(&self) -> Option<Answer> {
        self.fault.get().cloned()
    }
}

/// A request's body, as long and as slow as it may be.
pub(crate) struct Upload {
    incoming: Incoming,
    limit: u64,
    connection: Arc<Connection>,
    received: Arc<Received>,
    /// The time spent waiting for the client; what the upstream takes its time for does not count.
    waited: Duration,
    waiting_since: Option<Instant>,
    alarm: Alarm,
    is_whole: bool,
    /// Kept until the body is whole.
    turn: Option<Turn>,
    /// Nothing is read before it is over: the bodies of this route came faster than they may.
    pause: Option<Pin<Box<Sleep>>>,
}

/// What a long body holds: its route's turn and everybody's, and where the route's bytes are counted.
struct Turn {
    limiter: Arc<Limiter>,
    _permits: (OwnedSemaphorePermit, OwnedSemaphorePermit),
}

/// Why an upload ended before its end.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("the request body is too large")]
    TooLarge,
    #[error("the request body takes too long")]
    Slow,
    #[error("the request body is malformed or cut off")]
    Malformed(#[source] hyper::Error),
}

impl Broken {
    fn answer(&self) -> Answer {
        match self {
            Broken::TooLarge => answers::BODY_TOO_LARGE,
            Broken::Slow => answers::SLOW_BODY,
            Broken::Malformed(_) => answers::BAD_BODY,
        }
    }
}

impl Upload {
    pub(crate) fn new(incoming: Incoming, limit: u64, connection: Arc<Connection>, received: Arc<Received>) -> Self {
        let is_whole = http_body::Body::is_end_stream(&incoming);
        Upload {
            incoming,
            limit,
            connection,
            received,
            waited: Duration::ZERO,
            waiting_since: None,
            alarm: Alarm::default(),
            is_whole,
            turn: None,
            pause: None,
        }
    }

    /// The body as an upstream should get it: whole if it is announced to be short, else as it comes. A slow
    /// sender of little then occupies nothing but its own connection, and those of much only so many places.
    pub(crate) async fn forwarded(mut self, limiter: &Arc<Limiter>) -> Result<Body, Answer> {
        let announced = http_body::Body::size_hint(&self.incoming).exact();
        if announced.is_some_and(|length| length > self.limit) {
            self.connection.edge.metrics.hit(Limit::Body);
            return Err(answers::BODY_TOO_LARGE);
        }
        match announced {
            Some(length) if length <= self.connection.edge.options.bounds.collected_body => {
                self.read_whole(length as usize).await.map(Body::from)
            }
            _ => {
                self.turn = Some(turn(&self.connection.edge, limiter).await?);
                Ok(Body::new(self))
            }
        }
    }

    async fn read_whole(&mut self, length: usize) -> Result<Bytes, Answer> {
        let mut whole = BytesMut::new();
        while let Some(frame) = self.frame().await {
            let frame = frame.map_err(|_| self.received.fault().unwrap_or(answers::BAD_BODY))?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            if data.len() == length {
                self.is_whole = true;
                return Ok(data);
            }
            whole.extend_from_slice(&data);
        }
        Ok(whole.freeze())
    }

    /// Waits for the client no longer than its pace so far allows.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.waiting_since.get_or_insert_with(Instant::now);
        let Options { timeouts, bounds, .. } = &self.connection.edge.options;
        let earned = self.received.bytes.load(Relaxed) / bounds.request_body_rate.max(1);
        let budget = timeouts.request_body_grace.max(Duration::from_secs(earned));
        let left = budget.saturating_sub(self.waited);
        self.alarm.poll(cx, left.min(timeouts.request_body_idle))
    }

    fn whole(&mut self) {
        self.is_whole = true;
        self.turn = None;
    }

    fn fail(&mut self, broken: Broken) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let _ = self.received.fault.set(broken.answer());
        Poll::Ready(Some(Err(broken.into())))
    }
}

/// Waits for a long body's turn, its route's first: who queues there takes nobody else's place.
async fn turn(edge: &Edge, limiter: &Arc<Limiter>) -> Result<Turn, Answer> {
    let turns = async {
        let of_route = limiter.uploads.clone().acquire_owned().await?;
        let _permits = (of_route, edge.uploads.clone().acquire_owned().await?);
        Ok(Turn { limiter: limiter.clone(), _permits })
    };
    let waited: Result<Result<Turn, BoxError>, _> = timeout(edge.options.timeouts.upload_turn, turns).await;
    waited.ok().and_then(Result::ok).ok_or_else(|| {
        edge.metrics.hit(Limit::Uploads);
        answers::BUSY
    })
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if let Some(pause) = &mut this.pause {
            ready!(pause.as_mut().poll(cx));
            this.pause = None;
        }
        let Poll::Ready(next) = Pin::new(&mut this.incoming).poll_frame(cx) else {
            ready!(this.poll_patience(cx));
            return this.fail(Broken::Slow);
        };
        if let Some(since) = this.waiting_since.take() {
            this.waited += since.elapsed();
            this.alarm.calm();
        }
        let frame = match next {
            Some(Ok(frame)) => frame,
            Some(Err(cause)) => return this.fail(Broken::Malformed(cause)),
            None => {
                this.whole();
                return Poll::Ready(None);
            }
        };
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        let so_far = this.received.bytes.fetch_add(length, Relaxed) + length;
        if so_far > this.limit {
            return this.fail(Broken::TooLarge);
        }
        if let Some(turn) = &this.turn {
            let rate = this.connection.edge.options.bounds.upload_rate_per_route;
            this.pause = turn.limiter.uploaded(length, rate).map(|wait| Box::pin(sleep(wait)));
        }
        if http_body::Body::is_end_stream(&this.incoming) {
            this.whole();
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        http_body::Body::is_end_stream(&self.incoming)
    }

    fn size_hint(&self) -> SizeHint {
        http_body::Body::size_hint(&self.incoming)
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.is_whole {
            self.connection.linger.set();
        }
    }
}
