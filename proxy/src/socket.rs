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

use crate::Timeouts;
use crate::alarm::Alarm;

/// The socket of one connection.
pub(crate) struct Socket {
    tcp: TcpStream,
    write_limit: Duration,
    /// Runs while a write makes no progress.
    stuck: Alarm,
    linger: Linger,
    linger_limit: Duration,
    lingering: Alarm,
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
            stuck: Alarm::default(),
            linger: Linger::default(),
            linger_limit: timeouts.linger,
            lingering: Alarm::default(),
        }
    }

    pub(crate) fn linger(&self) -> Linger {
        self.linger.clone()
    }

    /// Turns a write that has waited too long into an error.
    fn unless_stuck<T>(&mut self, cx: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stuck.calm();
            return written;
        }
        ready!(self.stuck.poll(cx, self.write_limit));
        // Without this the system would keep offering the unsent bytes for minutes.
        let _ = self.tcp.set_zero_linger();
        Poll::Ready(Err(Error::new(ErrorKind::TimedOut, "the client takes nothing")))
    }

    /// Throws away what still comes, until the client closes, too, or time is up.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut scratch = [0; 8192];
        while self.lingering.poll(cx, self.linger_limit).is_pending() {
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
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.tcp).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
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
