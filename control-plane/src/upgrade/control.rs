//! How `roost upgrade` finds the running process: a Unix socket in its data directory.

use std::fs;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::future::{BoxFuture, OptionFuture};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::Successor;
use super::link::Link;
use crate::failure::Failure;

const NAME: &str = "control.sock";

/// How long whoever connects may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(1);

/// The socket of the running process.
pub struct Control {
    listener: UnixListener,
    /// Where it is, and where it will be found.
    paths: [PathBuf; 2],
    /// Whose process this is.
    user: u32,
}

impl Control {
    /// Makes a socket that nobody finds yet.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn bind(dir: &Path) -> io::Result<Control> {
        let paths = [dir.join(format!("{NAME}.new")), dir.join(NAME)];
        // Of a process that was killed.
        let _ = fs::remove_file(&paths[0]);
        let listener = UnixListener::bind(&paths[0])?;
        fs::set_permissions(&paths[0], fs::Permissions::from_mode(0o600))?;
        let user = fs::metadata(&paths[0])?.uid();
        Ok(Control { listener, paths, user })
    }

    /// From now on whoever looks finds this process, and no longer the one before.
    pub fn open(&self) {
        let [bound, found] = &self.paths;
        if let Err(error) = fs::rename(bound, found) {
            tracing::error!("`roost upgrade` will not find this process: {error}");
        }
    }

    /// Waits until an upgrade succeeded, and says who is to take over and who asked for it. Until a process before has
    /// ended, and while another upgrade is under way, there is none.
    pub async fn upgrade<'a, F>(&self, alone: &CancellationToken, start: impl Fn(PathBuf) -> F) -> (Successor, Link)
    where
        F: Future<Output = anyhow::Result<Successor>> + Send + 'a,
    {
        let mut under_way: Option<(BoxFuture<'a, anyhow::Result<Successor>>, Link)> = None;
        loop {
            let outcome: OptionFuture<_> = under_way.as_mut().map(|(starting, _)| starting).into();
            tokio::select! {
                Some(outcome) = outcome => {
                    let Some((_, mut asked)) = under_way.take() else { continue };
                    match outcome {
                        Ok(successor) => {
                            // Whoever asked may have gone.
                            let _ = asked.say(&format!("serving {}", successor.id)).await;
                            return (successor, asked);
                        }
                        Err(error) => {
                            tracing::error!("no upgrade: {error:#}");
                            refuse(&mut asked, &format!("{error:#}")).await;
                        }
                    }
                }
                Some((binary, mut link)) = self.next() => {
                    if under_way.is_some() {
                        refuse(&mut link, "an upgrade is under way").await;
                    // Whoever saw the process before end may be faster than this one.
                    } else if timeout(PATIENCE, alone.cancelled()).await.is_err() {
                        refuse(&mut link, "the upgrade before is not through: its old process still answers").await;
                    } else {
                        tracing::info!("starting {} to take over", binary.display());
                        under_way = Some((Box::pin(start(binary)), link));
                    }
                }
            }
        }
    }

    /// The next who wants an upgrade, and to which binary.
    async fn next(&self) -> Option<(PathBuf, Link)> {
        let (stream, _) = self.listener.accept().await.ok()?;
        if !self.may_ask(&stream) {
            return None;
        }
        let mut link = Link::new(stream);
        let line = timeout(PATIENCE, link.hear()).await.ok()??;
        let binary = PathBuf::from(line.strip_prefix("upgrade ")?);
        Some((binary, link))
    }

    fn may_ask(&self, stream: &UnixStream) -> bool {
        stream.peer_cred().is_ok_and(|peer| peer.uid() == self.user || peer.uid() == 0)
    }
}

async fn refuse(link: &mut Link, why: &str) {
    let _ = link.say(&format!("refused {why}")).await;
}

/// A process that has taken over.
pub struct TakenOver {
    /// Its id.
    pub process: u32,
    /// The socket of the process before, which ends with it.
    before: BufReader<net::UnixStream>,
}

impl TakenOver {
    /// Waits until the process before has ended, killed or not.
    pub fn wait_until_alone(self) {
        self.before.lines().map_while(Result::ok).for_each(drop);
    }
}

/// Asks the process that serves a data directory to let a binary take over, and waits until that one serves.
///
/// # Errors
/// `not_running` when nobody serves the directory, `refused` when nobody took over.
pub fn ask(dir: &Path, binary: &Path) -> anyhow::Result<TakenOver> {
    let binary = std::path::absolute(binary).context("find the binary")?;
    let not_running = || Failure::new("not_running", format!("find a running platform in {}", dir.display()));
    let mut stream = net::UnixStream::connect(dir.join(NAME)).with_context(not_running)?;
    stream.write_all(&[b"upgrade ", binary.as_os_str().as_bytes(), b"\n"].concat())?;
    let (mut before, mut line) = (BufReader::new(stream), String::new());
    if before.read_line(&mut line)? == 0 {
        bail!("the platform ended meanwhile");
    }
    let line = line.trim_end();
    let Some(process) = line.strip_prefix("serving ") else {
        bail!(Failure::new("refused", line.strip_prefix("refused ").unwrap_or(line)));
    };
    Ok(TakenOver { process: process.parse().context("understand the platform")?, before })
}
