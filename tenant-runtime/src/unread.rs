//! What is left of a request's body when its answer is ready: read to the end if it is little.
//!
//! HTTP/1.1 can reuse a connection only after the whole request was read. Whoever answers early, because a file cannot be
//! written or a collection does not exist, would otherwise cut off a client that already trusts the connection.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as _, Frame, SizeHint};
use http_body_util::BodyExt as _;
use tokio::sync::oneshot;
use tower::{Service, ServiceExt as _};

/// More than that is not worth reading for a connection.
const MOST: usize = 256 << 10;
const LONGEST: Duration = Duration::from_secs(5);

/// Calls `service`, and reads what it left of the request before its answer goes out.
pub async fn call<S>(service: S, request: Request<Body>) -> Result<Response<Body>, S::Error>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    if request.body().is_end_stream() {
        return service.oneshot(request).await;
    }
    let (giver, mut given_back) = oneshot::channel();
    let lend = |body| Body::new(Lent { body: Some(body), owner: Some(giver) });
    let response = service.oneshot(request.map(lend)).await?;
    if let Ok(rest) = given_back.try_recv() {
        let _ = tokio::time::timeout(LONGEST, discard(rest)).await;
    }
    Ok(response)
}

async fn discard(mut body: Body) {
    let mut read = 0;
    while read <= MOST
        && let Some(Ok(frame)) = body.frame().await
    {
        read += frame.data_ref().map_or(0, Bytes::len);
    }
}

/// A body that returns to its owner when it is dropped before its end.
struct Lent {
    body: Option<Body>,
    owner: Option<oneshot::Sender<Body>>,
}

impl http_body::Body for Lent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let Some(body) = self.body.as_mut() else { return Poll::Ready(None) };
        let polled = Pin::new(body).poll_frame(context);
        if let Poll::Ready(None | Some(Err(_))) = polled {
            self.owner = None;
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(http_body::Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body.as_ref().map(http_body::Body::size_hint).unwrap_or_default()
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        if let (Some(body), Some(owner)) = (self.body.take(), self.owner.take())
            && !body.is_end_stream()
        {
            let _ = owner.send(body);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_util::{StreamExt as _, stream};

    use super::*;

    /// How many of a body's chunks are read when the service reads that many.
    async fn chunks_read(of: usize, by_service: usize) -> usize {
        let read = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&read);
        let chunks = stream::iter(0..of).map(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>(Bytes::from(vec![0; 100_000]))
        });
        let service = tower::service_fn(move |request: Request<Body>| async move {
            let mut body = request.into_body();
            for _ in 0..by_service {
                body.frame().await;
            }
            Ok::<_, Infallible>(Response::new(Body::empty()))
        });
        let request = Request::new(Body::from_stream(chunks));
        call(service, request).await.expect("answers");
        read.load(Ordering::Relaxed)
    }

    #[tokio::test]
    async fn a_little_is_read_and_much_is_left() {
        assert_eq!(chunks_read(2, 0).await, 2);
        assert_eq!(chunks_read(2, 1).await, 2);
        assert_eq!(chunks_read(2, 3).await, 2);
        assert_eq!(chunks_read(100, 1).await, 4);
    }
}
