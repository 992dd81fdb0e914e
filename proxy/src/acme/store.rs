//! What must outlive a process to keep names certified, as a trait: the tables are somebody else's.
//!
//! Everything two processes could disagree about is here. While a new binary takes over from an old one, either may be
//! asked by a certificate authority for an answer the other has put down; so answers, leases and accounts are rows, not
//! memory. Times are milliseconds since the epoch.

use futures_util::future::BoxFuture;

use crate::BoxError;

/// What a [`Store`] answers with, later.
pub type Stored<'a, T> = BoxFuture<'a, Result<T, BoxError>>;

/// Accounts, certificates, answers to challenges and leases. Every method may be called by several processes at once.
pub trait Store: Send + Sync + 'static {
    /// The credentials of our account at an issuer, as JSON. They hold a private key.
    fn account<'a>(&'a self, issuer: &'a str) -> Stored<'a, Option<String>>;

    /// Keeps an account's credentials. The first ones stay: the answer says which count.
    fn keep_account<'a>(&'a self, issuer: &'a str, credentials: String) -> Stored<'a, String>;

    /// Forgets an account the issuer does not know any more.
    fn forget_account<'a>(&'a self, issuer: &'a str) -> Stored<'a, ()>;

    /// All certificates: read once at the start, and again when another process may have added some.
    fn certificates(&self) -> Stored<'_, Vec<Held>>;

    /// The certificate of one name.
    fn certificate<'a>(&'a self, name: &'a str) -> Stored<'a, Option<Held>>;

    /// Keeps a certificate in place of the one its name had, key and chain in one step.
    fn keep_certificate(&self, held: Held) -> Stored<'_, ()>;

    /// Changes when a certificate is to be renewed and when its issuer is to be asked about that again.
    fn plan_renewal<'a>(&'a self, name: &'a str, renew_ms: i64, ask_ms: i64) -> Stored<'a, ()>;

    /// Forgets a name nobody wants any more: its certificate, its tries.
    fn forget<'a>(&'a self, name: &'a str) -> Stored<'a, ()>;

    /// How it went with a name so far; names that never failed have none.
    fn tries(&self) -> Stored<'_, Vec<Tries>>;

    /// Keeps how it went. One without failures and without an open order need not be kept: there was a success.
    fn keep_tries(&self, tries: Tries) -> Stored<'_, ()>;

    /// Puts an answer down where every process finds it.
    fn put_answer(&self, answer: ChallengeAnswer) -> Stored<'_, ()>;

    /// The answers of one kind for a name. `http-01` is asked by name, then by token; several `dns-01` values may
    /// stand side by side.
    fn answers<'a>(&'a self, kind: ChallengeKind, name: &'a str) -> Stored<'a, Vec<ChallengeAnswer>>;

    /// Takes the answers for a name away.
    fn remove_answers<'a>(&'a self, name: &'a str) -> Stored<'a, ()>;

    /// Takes the lease of a name until then, unless another owner's still runs: whoever has it may order.
    fn lease<'a>(&'a self, name: &'a str, owner: &'a str, now_ms: i64, until_ms: i64) -> Stored<'a, bool>;

    /// Gives a lease back.
    fn release<'a>(&'a self, name: &'a str, owner: &'a str) -> Stored<'a, ()>;

    /// Notes that an order was placed: what the budget counts.
    fn note_order(&self, order: Ordered) -> Stored<'_, ()>;

    /// The orders placed since then. Earlier ones will not be asked for any more.
    fn orders_since(&self, since_ms: i64) -> Stored<'_, Vec<Ordered>>;
}

/// A certificate with its key, and what is planned for it.
#[derive(Clone, PartialEq, Eq)]
pub struct Held {
    /// The host, or `*.` and a parent.
    pub name: String,
    /// The name of the issuer in the settings.
    pub issuer: String,
    /// The chain in PEM, leaf first.
    pub chain_pem: String,
    /// The private key in PEM.
    pub key_pem: String,
    /// When it was obtained.
    pub obtained_ms: i64,
    /// When it ends.
    pub expires_ms: i64,
    /// When it is to be renewed: chosen once, then kept.
    pub renew_ms: i64,
    /// When to ask the issuer whether that time still suits; 0 if it has nothing to say.
    pub ask_ms: i64,
}

/// How it went with a name that has failed, or whose order is still open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tries {
    /// The name.
    pub name: String,
    /// Failures since the last success.
    pub failures: u32,
    /// Not before then.
    pub next_ms: i64,
    /// What the authority said, in its own words.
    pub error: Option<String>,
    /// The issuer and address of an order that was placed and is not finished: come back to it instead of placing another.
    pub order: Option<(String, String)>,
}

/// How control over a name is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the names are RFC 8555's and RFC 8737's")]
pub enum ChallengeKind {
    Http01,
    TlsAlpn01,
    Dns01,
}

impl ChallengeKind {
    /// The name in the protocol.
    pub fn as_str(self) -> &'static str {
        match self {
            ChallengeKind::Http01 => "http-01",
            ChallengeKind::TlsAlpn01 => "tls-alpn-01",
            ChallengeKind::Dns01 => "dns-01",
        }
    }
}

/// What to answer when an authority asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChallengeAnswer {
    /// How it asks.
    pub kind: ChallengeKind,
    /// The host it asks for; without `*.`.
    pub name: String,
    /// The token in the path of `http-01`; empty for the others.
    pub token: String,
    /// The key authorization (`http-01`), the TXT value (`dns-01`), or the key authorization's SHA-256 in base64url
    /// without padding (`tls-alpn-01`), which is the same text as for `dns-01`.
    pub value: String,
    /// Nobody asks after then.
    pub until_ms: i64,
}

/// An order that was placed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ordered {
    /// At which issuer.
    pub issuer: String,
    /// For which name.
    pub name: String,
    /// Whose name it is: orders of one owner are limited, too.
    pub owner: String,
    /// Whether it renews a certificate.
    pub renews: bool,
    /// When.
    pub at_ms: i64,
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Held").field("name", &self.name).field("expires_ms", &self.expires_ms).finish_non_exhaustive()
    }
}
