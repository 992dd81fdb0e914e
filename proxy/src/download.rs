//! A response's body on its way to the client.
//!
//! It carries the exchange itself: permits are given back and the log line is written when the last byte is handed
//! to the connection, not when the head was.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::BoxError;
use crate::alarm::Alarm;
use crate::exchange::Exchange;

/// A response's body on its way to the client.
pub(crate) struct Download {
    body: Body,
    exchange: Exchange,
    patience: Patience,
    /// What waits because it is slowed.
    slowed: Option<Slowed>,
}

impl Download {
    /// The body of an ordinary response.
    pub(crate) fn new(body: Body, mut exchange: Exchange, limit: Duration) -> Self {
        if http_body::Body::is_end_stream(&body) {
            exchange.complete();
        }
        Download { body, exchange, patience: Patience::Idle(limit, Alarm::default()), slowed: None }
    }

    /// The body of an event stream.
    pub(crate) fn event_stream(body: Body, exchange: Exchange, end: CancellationToken) -> Self {
        Download { body, exchange, patience: Patience::Endless(Box::pin(end.cancelled_owned())), slowed: None }
    }
}

impl Download {
    /// A piece goes to the client.
    fn hand_over(&mut self, frame: Option<Frame<Bytes>>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.exchange.pulse.beat();
        if http_body::Body::is_end_stream(&self.body) {
            self.exchange.complete();
        }
        Poll::Ready(frame.map(Ok))
    }
}

/// A piece of a body that may go on only after a while.
struct Slowed {
    until: Pin<Box<Sleep>>,
    frame: Option<Frame<Bytes>>,
}

/// What ends a download before its upstream does.
enum Patience {
    /// An upstream that is silent for so long.
    Idle(Duration, Alarm),
    /// An event stream may be silent for ever; it ends when the proxy drains.
    Endless(Pin<Box<WaitForCancellationFutureOwned>>),
}

impl Patience {
    /// Something came.
    fn renew(&mut self) {
        if let Patience::Idle(_, alarm) = self {
            alarm.calm();
        }
    }

    /// Ready when there is no point in waiting any longer.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<BoxError> {
        match self {
            Patience::Idle(limit, alarm) => alarm.poll(cx, *limit).map(|()| "the upstream fell silent".into()),
            Patience::Endless(_) => Poll::Pending,
        }
    }

    /// Whether it is a stream that has to end. Asked first: its upstream ends it about now, too.
    fn is_ended(&mut self, cx: &mut Context<'_>) -> bool {
        if let Patience::Endless(end) = self { end.as_mut().poll(cx).is_ready() } else { false }
    }
}

impl http_body::Body for Download {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if this.patience.is_ended(cx) {
            this.exchange.complete();
            this.exchange.pulse.end_connection();
            return Poll::Ready(None);
        }
        if let Some(slowed) = &mut this.slowed {
            ready!(slowed.until.as_mut().poll(cx));
            let frame = slowed.frame.take();
            this.slowed = None;
            return this.hand_over(frame);
        }
        let Poll::Ready(next) = Pin::new(&mut this.body).poll_frame(cx) else {
            this.exchange.pulse.wait();
            let given_up = ready!(this.patience.poll(cx));
            this.exchange.upstream_failed();
            return Poll::Ready(Some(Err(given_up)));
        };
        this.exchange.pulse.beat();
        this.patience.renew();
        match next {
            Some(Ok(frame)) => {
                let size = frame.data_ref().map_or(0, Bytes::len) as u64;
                if let Some(time) = this.exchange.sends(size) {
                    let mut until = Box::pin(sleep(time));
                    if until.as_mut().poll(cx).is_pending() {
                        this.exchange.pulse.wait();
                        this.slowed = Some(Slowed { until, frame: Some(frame) });
                        return Poll::Pending;
                    }
                }
                this.hand_over(Some(frame))
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
        self.slowed.is_none() && http_body::Body::is_end_stream(&self.body)
    }

    fn size_hint(&self) -> SizeHint {
        let rest = http_body::Body::size_hint(&self.body);
        let waiting = self.slowed.as_ref().and_then(|slowed| slowed.frame.as_ref()?.data_ref()).map_or(0, Bytes::len);
        match (rest.exact(), waiting) {
            (Some(exact), waiting) => SizeHint::with_exact(exact + waiting as u64),
            (None, _) => rest,
        }
    }
}
