//! What the keeper of certificates is told at its start, and whom it tells what it did.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;
use tokio::sync::mpsc;

use super::store::Store;

/// What time it is, in milliseconds since the epoch.
pub type Clock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// Where certificates come from and how hard they are tried for.
#[derive(Clone)]
pub struct AcmeOptions {
    /// The authorities in order of preference. A later one is asked only for what it can mend.
    pub issuers: Vec<Issuer>,
    /// A mail address the authorities may write to; empty: none.
    pub contact: String,
    /// What outlives the process.
    pub store: Arc<dyn Store>,
    /// Every date is by this clock; pauses within an order are by the system's.
    pub clock: Clock,
    /// Asked before every order.
    pub precheck: Arc<dyn Precheck>,
    /// Where to tell what happened.
    pub events: Option<mpsc::UnboundedSender<Event>>,
    /// How much may be asked of the authorities.
    pub budget: Budget,
    /// How long anything may take.
    pub times: Times,
}

/// A certificate authority.
#[derive(Clone)]
pub struct Issuer {
    /// Its name in certificates, numbers and logs.
    pub name: String,
    /// The address of its directory. Our account belongs to that address, not to the name.
    pub directory: String,
    /// In PEM, the roots to trust for the directory itself; `None`: those of the system.
    pub root_pem: Option<String>,
    /// Asked for if the directory lists it.
    pub profile: Option<String>,
    /// For authorities that take only accounts they know already.
    pub external_account: Option<ExternalAccount>,
}

/// What an authority knows a customer by.
#[derive(Clone)]
pub struct ExternalAccount {
    /// The name of the key.
    pub key_id: String,
    /// The key, in base64url as authorities hand it out.
    pub key: String,
}

/// Says whether an order for a name could succeed, so that what cannot never costs an authority's patience.
pub trait Precheck: Send + Sync + 'static {
    /// Looks at one name, a host or `*.` and a parent; the error is a sentence for whoever the name belongs to.
    fn check<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), String>>;
}

/// Lets every name pass.
struct Trusting;

impl Precheck for Trusting {
    fn check<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, Result<(), String>> {
        Box::pin(async { Ok(()) })
    }
}

/// What happened to a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An order was placed.
    Ordered {
        /// The host, or `*.` and a parent.
        name: String,
        /// The authority's name.
        issuer: String,
    },
    /// Its certificate is served from now on, be it the first or a renewed one.
    Issued {
        /// The host, or `*.` and a parent.
        name: String,
        /// The authority's name.
        issuer: String,
        /// When it ends.
        expires_ms: i64,
        /// When it will be renewed.
        renew_ms: i64,
        /// Whether the name had one before.
        renewed: bool,
    },
    /// An attempt failed.
    Failed {
        /// The host, or `*.` and a parent.
        name: String,
        /// Whose fault it is.
        reason: Reason,
        /// Why, in the authority's own words where it said any.
        message: String,
        /// When the next attempt is made.
        next_ms: i64,
    },
}

/// What an attempt failed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The [`Precheck`] said no; no authority was asked.
    Precheck,
    /// The authority said no.
    Refused,
    /// The authority could not be reached, was not well, or asked to be left alone.
    Unavailable,
    /// The authority has not finished yet.
    Unfinished,
}

impl Reason {
    /// A code that stays the same.
    pub fn as_str(self) -> &'static str {
        match self {
            Reason::Precheck => "precheck",
            Reason::Refused => "refused",
            Reason::Unavailable => "unavailable",
            Reason::Unfinished => "unfinished",
        }
    }
}

/// How much may be asked of the authorities. The defaults stay within Let's Encrypt's limits.
#[derive(Clone, Debug)]
pub struct Budget {
    /// Orders under way at once.
    pub orders_at_once: usize,
    /// The time in which the next two are counted.
    pub window: Duration,
    /// Orders for new names at one authority.
    pub new_names: usize,
    /// Kept beside them for renewals that its authority did not ask for.
    pub renewals: usize,
    /// New names of one owner in a day.
    pub names_per_owner: usize,
    /// Handshakes that may wait for a certificate at once.
    pub waiters: usize,
}

impl Default for Budget {
    fn default() -> Self {
        Budget {
            orders_at_once: 5,
            window: Duration::from_secs(3 * 60 * 60),
            new_names: 250,
            renewals: 50,
            names_per_owner: 10,
            waiters: 256,
        }
    }
}

/// How long anything may take.
#[derive(Clone, Debug)]
pub struct Times {
    /// One request to an authority.
    pub request: Duration,
    /// An order at the first authority, from its look at the name to its certificate.
    pub order: Duration,
    /// The same at the others, which may let one wait.
    pub later_order: Duration,
    /// A handshake that waits for its certificate.
    pub handshake: Duration,
    /// After the first failure, the second, and so on; the last one repeats.
    pub ladder: Vec<Duration>,
    /// Between two failures that are the authority's own and not the name's, at most.
    pub outage: Duration,
    /// Between two looks at what is due.
    pub look: Duration,
    /// Between two looks at what other processes may have stored.
    pub reread: Duration,
    /// Between two looks at a name another process is ordering for.
    pub elsewhere: Duration,
    /// After how long without a sign of life a process loses its lease.
    pub lease: Duration,
}

impl Default for Times {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        let minutes = |count: u64| seconds(60 * count);
        Times {
            request: seconds(30),
            order: seconds(120),
            later_order: seconds(300),
            handshake: seconds(20),
            ladder: vec![minutes(1), minutes(10), minutes(100), minutes(24 * 60)],
            outage: minutes(10),
            look: minutes(1),
            reread: minutes(10),
            elsewhere: seconds(1),
            lease: minutes(1),
        }
    }
}

impl AcmeOptions {
    /// These authorities and this store, with the system's clock and defaults for the rest.
    pub fn new(issuers: Vec<Issuer>, store: Arc<dyn Store>) -> Self {
        AcmeOptions {
            issuers,
            contact: String::new(),
            store,
            clock: Arc::new(now_ms),
            precheck: Arc::new(Trusting),
            events: None,
            budget: Budget::default(),
            times: Times::default(),
        }
    }

    pub(super) fn now(&self) -> i64 {
        (self.clock)()
    }

    /// Tells whoever listens.
    pub(super) fn tell(&self, event: Event) {
        if let Some(events) = &self.events {
            // Whoever no longer listens misses nothing: everything is in the store.
            let _ = events.send(event);
        }
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

/// A duration as the difference of two dates.
pub(super) fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

impl fmt::Debug for AcmeOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("AcmeOptions");
        shown.field("issuers", &self.issuers).field("budget", &self.budget).field("times", &self.times);
        shown.finish_non_exhaustive()
    }
}

impl fmt::Debug for Issuer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Issuer");
        shown.field("name", &self.name).field("directory", &self.directory).finish_non_exhaustive()
    }
}
