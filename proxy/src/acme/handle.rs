//! What the rest of the proxy, and whoever runs it, may ask of the keeper.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use rustls::ServerConfig;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::timeout;

use super::{AcmeOptions, challenges};
use crate::certificates::{Certificate, Certificates};

/// The keeper's front. Clones are the same.
#[derive(Clone)]
pub struct Handle {
    pub(super) front: Arc<Front>,
}

/// What the keeper and everybody else share.
pub(super) struct Front {
    pub(super) options: Arc<AcmeOptions>,
    pub(super) certificates: Certificates,
    pub(super) nudges: mpsc::UnboundedSender<Nudge>,
    /// Names that lately failed and until when that is the answer, so that no handshake waits for them.
    pub(super) refused: Mutex<HashMap<Arc<str>, i64>>,
    /// Changes whenever something was found out about any name.
    pub(super) news: watch::Sender<()>,
    pub(super) overview: ArcSwap<Overview>,
    waiters: Semaphore,
}

/// What the keeper may be asked to do about a name; it does nothing about names no route wants.
#[derive(Debug)]
pub(super) enum Nudge {
    /// Somebody waits for it.
    Hurry(String),
    /// What made it fail may be mended.
    Retry(String),
}

/// How it stands with everything, as of the keeper's last look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overview {
    /// Names with a certificate that serves.
    pub valid: usize,
    /// Of these, those that are due for renewal.
    pub due: usize,
    /// Names whose certificate has ended.
    pub expired: usize,
    /// Names without a certificate.
    pub missing: usize,
    /// Names whose last attempt failed, with a certificate or without.
    pub failing: usize,
    /// When the first certificate of a wanted name ends.
    pub first_expiry_ms: Option<i64>,
    /// Orders since the start of this process, by the authority's name and how they went.
    pub orders: BTreeMap<(String, Outcome), u64>,
    /// Requests sent to each authority since the start of this process.
    pub requests: BTreeMap<String, u64>,
    /// New names that may still be ordered at the first authority.
    pub budget_left: usize,
    /// The names that wait for their order, the next one first.
    pub queue: Vec<Arc<str>>,
}

/// How an order went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// The name's first certificate.
    Issued,
    /// A new certificate in place of an old one.
    Renewed,
    /// The authority refused.
    Refused,
    /// The authority could not be reached, was not well, or asked to be left alone.
    Unavailable,
}

impl Outcome {
    /// As a label of a metric.
    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Issued => "issued",
            Outcome::Renewed => "renewed",
            Outcome::Refused => "refused",
            Outcome::Unavailable => "unavailable",
        }
    }
}

impl Handle {
    pub(super) fn new(
        options: Arc<AcmeOptions>,
        certificates: Certificates,
    ) -> (Handle, mpsc::UnboundedReceiver<Nudge>) {
        let (nudges, received) = mpsc::unbounded_channel();
        let front = Front {
            waiters: Semaphore::new(options.budget.waiters),
            options,
            certificates,
            nudges,
            refused: Mutex::default(),
            news: watch::Sender::new(()),
            overview: ArcSwap::default(),
        };
        (Handle { front: Arc::new(front) }, received)
    }

    /// The answer to `GET /.well-known/acme-challenge/{token}` on the plain port of this host.
    pub async fn http_answer(&self, host: &str, token: &str) -> Option<String> {
        challenges::http_answer(&self.front.options, host, token).await
    }

    /// How it stands with everything.
    pub fn overview(&self) -> Arc<Overview> {
        self.front.overview.load_full()
    }

    /// Tries a wanted name (a host, or `*.` and a parent) again that has failed, because something was mended: now, or
    /// in some minutes if this was asked for lately.
    pub fn retry(&self, name: &str) {
        self.nudge(Nudge::Retry(name.to_owned()));
    }

    /// How to shake hands with an authority that asks for this name.
    pub(crate) async fn tls_answer(&self, name: &str) -> Option<Arc<ServerConfig>> {
        challenges::tls_answer(&self.front.options, name).await
    }

    /// The certificate of a host that is wanted under this name but not held: waits while somebody is getting it.
    pub(crate) async fn awaited(&self, name: &str, host: &str) -> Option<Arc<Certificate>> {
        if self.front.refuses(name) {
            return None;
        }
        let _place = self.front.waiters.try_acquire().ok()?;
        let mut news = self.front.news.subscribe();
        self.nudge(Nudge::Hurry(name.to_owned()));
        let found = async {
            loop {
                if let Some(certificate) = self.front.certificates.find(host) {
                    return Some(certificate);
                }
                if self.front.refuses(name) {
                    return None;
                }
                news.changed().await.ok()?;
            }
        };
        timeout(self.front.options.times.handshake, found).await.ok().flatten()
    }

    fn nudge(&self, nudge: Nudge) {
        // A keeper that has stopped hears nothing; then whoever waits runs into the time limit.
        let _ = self.front.nudges.send(nudge);
    }
}

impl Front {
    fn refuses(&self, name: &str) -> bool {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        refused.get(name).is_some_and(|until_ms| *until_ms > self.options.now())
    }

    /// Remembers until when a name's failure is the answer; `None`: no longer. Wakes whoever waits for it.
    pub(super) fn refuse(&self, name: &Arc<str>, until_ms: Option<i64>) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        match until_ms {
            Some(until_ms) => drop(refused.insert(name.clone(), until_ms)),
            None => drop(refused.remove(name)),
        }
        drop(refused);
        self.news.send_replace(());
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("overview", &self.overview()).finish_non_exhaustive()
    }
}
