//! The process this one is to take over from, as seen by the new one.

use std::io::Write as _;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixStream;

use anyhow::Context as _;
use tokio_util::sync::CancellationToken;

use super::link::Link;
use super::successor::VARIABLE;

/// Who runs the platform until [`Predecessor::ready`] returns.
pub struct Predecessor(Link);

impl Predecessor {
    /// The one that started this process, if one did: the link to it is in the place of the standard input.
    pub fn find() -> anyhow::Result<Option<Predecessor>> {
        if std::env::var_os(VARIABLE).is_none() {
            return Ok(None);
        }
        let stream = std::io::stdin().as_fd().try_clone_to_owned().context("take the link to the process before")?;
        let link = Link::from_std(UnixStream::from(stream)).context("use the link to the process before")?;
        Ok(Some(Predecessor(link)))
    }

    /// Says that everything is open, and waits until the platform is ours. Cancels `alone` when the process before has
    /// ended; should that be now, the platform is ours all the more.
    pub async fn ready(mut self, alone: CancellationToken) {
        if self.0.say("ready").await.is_ok() {
            self.0.hear().await;
        }
        tokio::spawn(async move {
            self.0.end().await;
            tracing::info!("the process before has ended");
            alone.cancel();
        });
    }
}

/// Tells the process before, if there is one, why this one cannot take over.
pub fn tell_failure(error: &anyhow::Error) {
    if std::env::var_os(VARIABLE).is_some()
        && let Ok(stream) = std::io::stdin().as_fd().try_clone_to_owned()
    {
        // Whether anybody hears it does not matter: the exit code says as much.
        let _ = writeln!(UnixStream::from(stream), "could not start: {}", format!("{error:#}").replace('\n', " "));
    }
}
