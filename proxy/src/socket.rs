//! A client's socket, with two habits plain sockets lack: it gives up on a client that takes nothing, and it hears
//! out a client that was refused.
//!
//! The second matters because closing a socket with unread bytes resets it, and the reset overtakes the answer
//! that explains why.

use std::io::{self, Error, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep};

use crate::Timeouts;

/// The socket of one connection.
pub(crate) struct Socket {
    tcp: TcpStream,
    write_limit: Duration,
    /// Runs while a write makes no progress.
    stuck: Option<Pin<Box<Sleep>>>,
    is_stuck: bool,
    linger: Linger,
    linger_limit: Duration,
    lingering: Option<Pin<Box<Sleep>>>,
}

/// Set by whoever leaves part of a request unread.
#[derive(Clone, Debug, Default)]
pub(crate) struct Linger(Arc<AtomicBool>);

impl Linger {
    /// The connection will be closed with something unread.
    pub(crate) fn set(&self) {
        self.0.store(true, Relaxed);
    }
}

impl Socket {
    pub(crate) fn new(tcp: TcpStream, timeouts: &Timeouts) -> Self {
        Socket {
            tcp,
            write_limit: timeouts.write,
            stuck: None,
            is_stuck: false,
            linger: Linger::default(),
            linger_limit: timeouts.linger,
            lingering: None,
        }
    }

    pub(crate) fn linger(&self) -> Linger {
        self.linger.clone()
    }

    /// Turns a write that has waited too long into an error.
    fn unless_stuck<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.is_stuck = false;
            return written;
        }
        let stuck = self
            .stuck
            .get_or_insert_with(|| Box::pin(sleep(self.write_limit)));
        if !self.is_stuck {
            stuck.as_mut().reset(Instant::now() + self.write_limit);
            self.is_stuck = true;
        }
        ready!(stuck.as_mut().poll(cx));
        // Without this the system would keep offering the unsent bytes for minutes.
        let _ = self.tcp.set_zero_linger();
        Poll::Ready(Err(Error::new(
            ErrorKind::TimedOut,
            "the client takes nothing",
        )))
    }

    /// Throws away what still comes, until the client closes, too, or time is up.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let end = self
            .lingering
            .get_or_insert_with(|| Box::pin(sleep(self.linger_limit)));
        let mut scratch = [0; 8192];
        while end.as_mut().poll(cx).is_pending() {
            let mut buffer = ReadBuf::new(&mut scratch);
            let read = ready!(Pin::new(&mut self.tcp).poll_read(cx, &mut buffer));
            if read.is_err() || buffer.filled().is_empty() {
                break;
            }
        }
        Poll::Ready(())
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write(cx, bytes);
        self.unless_stuck(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.tcp).poll_write_vectored(cx, slices);
        self.unless_stuck(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.tcp).poll_shutdown(cx))?;
        if self.linger.0.load(Relaxed) {
            ready!(self.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}
