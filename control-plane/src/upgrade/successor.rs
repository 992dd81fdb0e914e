//! The process that is to take over from this one, as seen by the old one.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::Duration;

use anyhow::{Context as _, bail};
use proxy::Sockets;
use tokio::time::{sleep, timeout};

use super::link::Link;

/// Tells a process that it is to take over, and from which one.
pub(super) const VARIABLE: &str = "ROOST_PREDECESSOR";

/// How long a new process may take to open everything; migrations of the control database are part of that.
const PATIENCE: Duration = Duration::from_secs(60);

/// The process that has taken over.
pub struct Successor {
    /// Its process id.
    pub id: u32,
    /// Tells it, by its end, when this process ends.
    _link: Link,
}

impl Successor {
    /// Starts a binary with this process's arguments, settings and sockets, waits until everything is open in it, and lets it
    /// take over. If anything goes wrong before, it is gone as if it had never been.
    ///
    /// # Errors
    /// Why nobody took over.
    pub async fn start(binary: PathBuf, sockets: &Sockets) -> anyhow::Result<Successor> {
        let (ours, theirs) = UnixStream::pair().context("make a link")?;
        let mut link = Link::from_std(ours).context("use the link")?;
        let mut command = Command::new(&binary);
        command.args(std::env::args_os().skip(1)).stdin(OwnedFd::from(theirs));
        command.env(VARIABLE, std::process::id().to_string());
        let inheritable = sockets.hand_over(&mut command).context("share the sockets")?;
        let child = command.spawn().with_context(|| format!("start {}", binary.display()))?;
        // Also lets go of their end of the link: it ends with the new process.
        drop((inheritable, command));
        let id = child.id();
        let mut newborn = Newborn { child, lives: false };
        match timeout(PATIENCE, link.hear()).await {
            Ok(Some(line)) if line == "ready" => {}
            Ok(Some(line)) => bail!("the new process {line}"),
            Ok(None) => bail!("the new process ended before it was ready ({})", newborn.end().await),
            Err(_) => bail!("the new process was not ready within {} s", PATIENCE.as_secs()),
        }
        link.say("go").await.context("the new process ended as it was to take over")?;
        newborn.lives = true;
        Ok(Successor { id, _link: link })
    }
}

/// A child that is killed unless it may live.
struct Newborn {
    child: Child,
    lives: bool,
}

impl Newborn {
    /// How it ended; its descriptors are closed a moment before that can be asked.
    async fn end(&mut self) -> String {
        for _ in 0..100 {
            match self.child.try_wait() {
                Ok(Some(status)) => return status.to_string(),
                _ => sleep(Duration::from_millis(10)).await,
            }
        }
        "it closed its standard input".to_owned()
    }
}

impl Drop for Newborn {
    fn drop(&mut self) {
        if !self.lives {
            // It may have ended by itself.
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}
