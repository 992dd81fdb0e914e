//! A tenant in use: from the moment its request is let in until the last byte of the answer is sent.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, Request, Response, header};
use http_body::{Frame, SizeHint};
use tokio::sync::OwnedRwLockReadGuard;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tower::ServiceExt;

use super::answers::Refusal;
use super::limits::Place;
use super::spec::Limits;
use super::tenant::{Running, Tenant};

/// Keeps a tenant awake.
pub(super) struct Lease {
    tenant: Arc<Tenant>,
    running: OwnedRwLockReadGuard<Option<Running>, Running>,
}

impl Lease {
    /// A lease, if the tenant is awake.
    pub(super) fn new(tenant: &Arc<Tenant>, slot: OwnedRwLockReadGuard<Option<Running>>) -> Option<Lease> {
        let running = OwnedRwLockReadGuard::try_map(slot, Option::as_ref).ok()?;
        tenant.enter(&running);
        Some(Lease { tenant: Arc::clone(tenant), running })
    }

    /// What answers.
    pub(super) fn running(&self) -> &Running {
        &self.running
    }

    /// Forwards a request. The answer's body carries the lease and, unless it is an event stream, the place.
    pub(super) async fn answer(
        self,
        request: Request<Body>,
        place: Place,
        limits: &Limits,
    ) -> Result<Response<Body>, Refusal> {
        let service = self.running.backend.service.clone();
        let answering = AssertUnwindSafe(async move { service.oneshot(request).await }).catch_unwind();
        let answered = tokio::select! {
            biased;
            answered = answering => answered,
            () = self.running.cut.cancelled() => return Err(Refusal::Waking),
        };
        let response = match answered {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => {
                tracing::error!(tenant = %self.tenant.id, "no answer: {error}");
                return Err(Refusal::Broken);
            }
            Err(_) => {
                tracing::error!(tenant = %self.tenant.id, "panicked while answering");
                return Err(Refusal::Broken);
            }
        };
        let (place, end) = if is_event_stream(response.headers()) {
            (self.tenant.gate.admit_stream(limits)?, End::Whole(self.running.stream_end()))
        } else {
            (place, End::Broken(self.running.cut.clone()))
        };
        Ok(response.map(|body| Body::new(LeasedBody { body, held: Some((self, place)), end, waiting: None })))
    }
}

impl Drop for Lease {
    /// The idle clock starts when the answer has gone, not when the request came.
    fn drop(&mut self) {
        self.tenant.used();
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/event-stream"))
}

/// How a body ends when its tenant has to close before it is through.
enum End {
    /// An event stream has no end of its own, so any is a good one.
    Whole(CancellationToken),
    /// Anything else must not look complete.
    Broken(CancellationToken),
}

/// Why a body broke off.
#[derive(Debug, thiserror::Error)]
#[error("the project was closed before the answer was complete")]
struct BrokenOff;

/// Dropped in this order, for the reason given at [`LeasedBody::let_go`].
struct LeasedBody {
    body: Body,
    held: Option<(Lease, Place)>,
    end: End,
    /// Made when the body first has to wait, which most never do.
    waiting: Option<Pin<Box<WaitForCancellationFutureOwned>>>,
}

impl LeasedBody {
    /// The body first: it may hold on to the App, which is to be nobody's when the lease ends.
    fn let_go(&mut self) {
        self.body = Body::empty();
        self.held = None;
    }
}

impl http_body::Body for LeasedBody {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = &mut *self;
        if this.held.is_none() {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            if !matches!(frame, Some(Ok(_))) {
                this.let_go();
            }
            return Poll::Ready(frame);
        }
        let (End::Whole(token) | End::Broken(token)) = &this.end;
        let waiting = this.waiting.get_or_insert_with(|| Box::pin(token.clone().cancelled_owned()));
        ready!(waiting.as_mut().poll(context));
        this.let_go();
        Poll::Ready(match this.end {
            End::Whole(_) => None,
            End::Broken(_) => Some(Err(axum::Error::new(BrokenOff))),
        })
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
