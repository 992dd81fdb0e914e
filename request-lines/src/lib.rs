//! Understands addresses that were sent without being encoded, such as `?filter=n>5` typed into curl.
//!
//! Stock servers take them. The HTTP parser here refuses quotes and angle brackets in an address, and gives nobody a
//! say. So they are encoded on the way from the socket to the parser, in request lines only: [`framing`] knows where
//! in an HTTP/1.1 stream those are.

mod framing;

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use framing::Framing;

/// A connection whose request lines are sound addresses.
#[derive(Debug)]
pub struct RequestLines<S> {
    connection: S,
    framing: Framing,
    /// What encoding made too long for the reader's buffer.
    rest: Vec<u8>,
}

impl<S> RequestLines<S> {
    /// Reads requests from `connection`, from its first byte on.
    pub fn new(connection: S) -> RequestLines<S> {
        RequestLines { connection, framing: Framing::default(), rest: Vec::new() }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for RequestLines<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if this.rest.is_empty() {
            let before = buffer.filled().len();
            ready!(Pin::new(&mut this.connection).poll_read(context, buffer))?;
            let read = &buffer.filled()[before..];
            let unsound = this.framing.follow(read);
            if unsound.is_empty() {
                return Poll::Ready(Ok(()));
            }
            this.rest = encoded(read, &unsound);
            buffer.set_filled(before);
        }
        let fits = this.rest.len().min(buffer.remaining());
        buffer.put_slice(&this.rest[..fits]);
        this.rest.drain(..fits);
        Poll::Ready(Ok(()))
    }
}

fn encoded(bytes: &[u8], unsound: &[usize]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + 2 * unsound.len());
    let mut from = 0;
    for &at in unsound {
        out.extend_from_slice(&bytes[from..at]);
        out.extend_from_slice(format!("%{:02X}", bytes[at]).as_bytes());
        from = at + 1;
    }
    out.extend_from_slice(&bytes[from..]);
    out
}

impl<S: AsyncWrite + Unpin> AsyncWrite for RequestLines<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.connection).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;

    use super::*;

    #[tokio::test]
    async fn a_line_that_grows_arrives_whole_in_any_buffer() {
        let sent = "GET /a?filter=n>5&t=\"x\" HTTP/1.1\r\nX: \"<\"\r\n\r\nGET /b<c HTTP/1.1\r\n\r\n";
        let expected = "GET /a?filter=n%3E5&t=%22x%22 HTTP/1.1\r\nX: \"<\"\r\n\r\nGET /b%3Cc HTTP/1.1\r\n\r\n";
        for size in [1, 2, 7, 4096] {
            let mut lines = RequestLines::new(sent.as_bytes());
            let (mut received, mut buffer) = (Vec::new(), vec![0; size]);
            loop {
                match lines.read(&mut buffer).await.expect("bytes in memory") {
                    0 => break,
                    read => received.extend_from_slice(&buffer[..read]),
                }
            }
            assert_eq!(String::from_utf8_lossy(&received), expected, "buffers of {size}");
        }
    }
}
