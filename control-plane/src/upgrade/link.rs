//! What two processes say to each other: lines over a Unix socket, and the end of it when one of them ends.

use std::io;
use std::os::unix::net;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

/// No line is longer: a path, or a sentence.
const LONGEST: u64 = 16 * 1024;

/// One end.
pub struct Link(BufReader<UnixStream>);

impl Link {
    /// An end that was accepted.
    pub fn new(stream: UnixStream) -> Link {
        Link(BufReader::new(stream))
    }

    /// An end that came from elsewhere.
    pub fn from_std(stream: net::UnixStream) -> io::Result<Link> {
        stream.set_nonblocking(true)?;
        UnixStream::from_std(stream).map(Link::new)
    }

    /// Says something.
    pub async fn say(&mut self, line: &str) -> io::Result<()> {
        self.0.get_mut().write_all(format!("{}\n", line.replace('\n', " ")).as_bytes()).await
    }

    /// What the other end says; `None` when it ended.
    pub async fn hear(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = (&mut self.0).take(LONGEST).read_line(&mut line).await;
        (read.is_ok() && line.ends_with('\n')).then(|| line.trim_end().to_owned())
    }

    /// Waits until the other end ends.
    pub async fn end(mut self) {
        while self.hear().await.is_some() {}
    }
}
