//! Bodies on their way through, and what must be known about them until their last byte.
//!
//! An [`Upload`] bounds what a client sends and remembers that it was the client who failed: the upstream only
//! sees a broken body and would be blamed for it. A [`Download`] carries the exchange itself, so permits are given
//! back and the log line is written when the last byte is handed to the connection, not when the head was.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::{Bytes, BytesMut};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::sync::WaitForCancellationFutureOwned;

use crate::answers::{self, Answer};
use crate::connection::Connection;
use crate::forward::Exchange;
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
    alarm: Option<Pin<Box<Sleep>>>,
    is_whole: bool,
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
    pub(crate) fn new(
        incoming: Incoming,
        limit: u64,
        connection: Arc<Connection>,
        received: Arc<Received>,
    ) -> Self {
        let is_whole = http_body::Body::is_end_stream(&incoming);
        Upload {
            incoming,
            limit,
            connection,
            received,
            waited: Duration::ZERO,
            waiting_since: None,
            alarm: None,
            is_whole,
        }
    }

    /// The body as an upstream should get it: whole if it is announced to be short, else as it comes. A slow
    /// sender of little then occupies nothing but its own connection.
    pub(crate) async fn forwarded(mut self) -> Result<Body, Answer> {
        let announced = http_body::Body::size_hint(&self.incoming).exact();
        if announced.is_some_and(|length| length > self.limit) {
            return Err(answers::BODY_TOO_LARGE);
        }
        match announced {
            Some(length) if length <= self.options().bounds.collected_body => {
                self.read_whole(length as usize).await.map(Body::from)
            }
            _ => Ok(Body::new(self)),
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
            whole.reserve(length - whole.len().min(length));
            whole.extend_from_slice(&data);
        }
        Ok(whole.freeze())
    }

    fn options(&self) -> &Options {
        &self.connection.edge.options
    }

    /// Waits for the client no longer than its pace so far allows.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let now = Instant::now();
        if self.waiting_since.is_none() {
            self.waiting_since = Some(now);
            let Options {
                timeouts, bounds, ..
            } = self.options();
            let earned = self.received.bytes.load(Relaxed) / bounds.request_body_rate.max(1);
            let budget = timeouts.request_body_grace.max(Duration::from_secs(earned));
            let deadline = now
                + timeouts
                    .request_body_idle
                    .min(budget.saturating_sub(self.waited));
            match &mut self.alarm {
                Some(alarm) => alarm.as_mut().reset(deadline),
                None => self.alarm = Some(Box::pin(sleep_until(deadline))),
            }
        }
        match &mut self.alarm {
            Some(alarm) => alarm.as_mut().poll(cx),
            None => Poll::Pending,
        }
    }

    fn fail(&mut self, broken: Broken) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let _ = self.received.fault.set(broken.answer());
        Poll::Ready(Some(Err(broken.into())))
    }
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let Poll::Ready(next) = Pin::new(&mut this.incoming).poll_frame(cx) else {
            ready!(this.poll_patience(cx));
            return this.fail(Broken::Slow);
        };
        if let Some(since) = this.waiting_since.take() {
            this.waited += since.elapsed();
        }
        let frame = match next {
            Some(Ok(frame)) => frame,
            Some(Err(cause)) => return this.fail(Broken::Malformed(cause)),
            None => {
                this.is_whole = true;
                return Poll::Ready(None);
            }
        };
        let length = frame.data_ref().map_or(0, Bytes::len) as u64;
        let so_far = this.received.bytes.fetch_add(length, Relaxed) + length;
        if so_far > this.limit {
            return this.fail(Broken::TooLarge);
        }
        this.is_whole = http_body::Body::is_end_stream(&this.incoming);
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

/// A response's body on its way to the client.
pub(crate) struct Download {
    body: Body,
    exchange: Exchange,
    patience: Patience,
}

/// What ends a download before its upstream does.
enum Patience {
    /// An upstream that is silent for so long.
    Idle(Duration, Option<Pin<Box<Sleep>>>, bool),
    /// An event stream may be silent for ever; it ends when the proxy drains.
    Draining(Pin<Box<WaitForCancellationFutureOwned>>),
}

impl Download {
    pub(crate) fn new(body: Body, mut exchange: Exchange) -> Self {
        let limit = exchange.connection.edge.options.timeouts.response_body_idle;
        if http_body::Body::is_end_stream(&body) {
            exchange.complete();
        }
        Download {
            body,
            exchange,
            patience: Patience::Idle(limit, None, false),
        }
    }

    pub(crate) fn event_stream(body: Body, exchange: Exchange) -> Self {
        let closing = exchange.connection.edge.closing.clone().cancelled_owned();
        Download {
            body,
            exchange,
            patience: Patience::Draining(Box::pin(closing)),
        }
    }
}

impl Patience {
    fn progress(&mut self) {
        if let Patience::Idle(_, _, is_running) = self {
            *is_running = false;
        }
    }

    /// Ready when there is no point in waiting any longer: cleanly for a drained stream, else with an error.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<BoxError>> {
        match self {
            Patience::Idle(limit, alarm, is_running) => {
                let alarm = alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep(*limit)));
                if !*is_running {
                    *is_running = true;
                    alarm.as_mut().reset(Instant::now() + *limit);
                }
                alarm
                    .as_mut()
                    .poll(cx)
                    .map(|()| Some("the upstream fell silent".into()))
            }
            Patience::Draining(closing) => closing.as_mut().poll(cx).map(|()| None),
        }
    }
}

impl http_body::Body for Download {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let Poll::Ready(next) = Pin::new(&mut this.body).poll_frame(cx) else {
            let given_up = ready!(this.patience.poll(cx));
            match &given_up {
                Some(_) => this.exchange.upstream_failed(),
                None => this.exchange.complete(),
            }
            return Poll::Ready(given_up.map(Err));
        };
        this.patience.progress();
        match next {
            Some(Ok(frame)) => {
                this.exchange.sent += frame.data_ref().map_or(0, Bytes::len) as u64;
                if http_body::Body::is_end_stream(&this.body) {
                    this.exchange.complete();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(cause)) => {
                this.exchange.upstream_failed();
                Poll::Ready(Some(Err(cause.into())))
            }
            None => {
                this.exchange.complete();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        http_body::Body::is_end_stream(&self.body)
    }

    fn size_hint(&self) -> SizeHint {
        http_body::Body::size_hint(&self.body)
    }
}
