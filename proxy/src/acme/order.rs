//! One order at one authority, from our account there to the certificate. It, `client` and `failure` are
//! all that knows the crate for RFC 8555.
//!
//! An order may be left at any point and come back to by its address; only its key is not written down before there is
//! a certificate for it, so an order whose key went with a process is placed anew.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, CertificateIdentifier, ChallengeStatus, ChallengeType, Error,
    ExternalAccountKey, Identifier, NewAccount, NewOrder, Order, OrderStatus, Problem, RetryPolicy,
};
use rcgen::{CertificateParams, DistinguishedName, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::client::{Line, Trouble};
use super::failure::Failure;
use super::options::ms;
use super::plan::Window;
use super::store::{ChallengeAnswer, ChallengeKind};
use super::{AcmeOptions, Issuer};
use crate::BoxError;

/// How long an answer stays put down: far longer than any order takes.
const ANSWER_STANDS: Duration = Duration::from_secs(60 * 60);

/// An authority, and our account there once it was needed.
pub(super) struct Authority {
    pub(super) issuer: Issuer,
    pub(super) line: Line,
    account: tokio::sync::Mutex<Option<Account>>,
    /// Attempts in a row that failed because it was not well.
    outages: AtomicU32,
    /// The keys of orders that are under way, by the order's address.
    keys: Mutex<HashMap<String, String>>,
}

/// An order that was placed.
pub(super) struct OpenOrder {
    order: Order,
    key: KeyPair,
}

/// A certificate and its key, both in PEM, the chain leaf first.
pub(super) struct Obtained {
    pub(super) chain_pem: String,
    pub(super) key_pem: String,
}

impl Authority {
    pub(super) fn new(issuer: Issuer, options: &AcmeOptions) -> Result<Self, BoxError> {
        let line = Line::to(&issuer, options.clock.clone(), options.times.request)?;
        Ok(Authority {
            issuer,
            line,
            account: Default::default(),
            outages: AtomicU32::new(0),
            keys: Default::default(),
        })
    }

    pub(super) fn outages(&self) -> u32 {
        self.outages.load(Relaxed)
    }

    /// It answered as an authority does.
    pub(super) fn is_well(&self) {
        self.outages.store(0, Relaxed);
    }

    /// It did not; says how often in a row. What its directory said before is asked again.
    pub(super) async fn is_unwell(&self) -> u32 {
        *self.account.lock().await = None;
        self.outages.fetch_add(1, Relaxed) + 1
    }

    /// Makes sure that an order could be placed as far as we are concerned.
    pub(super) async fn is_ready(&self, options: &AcmeOptions) -> Result<(), Failure> {
        if let Some(until_ms) = self.line.closed_until() {
            return Err(Failure::closed(until_ms));
        }
        self.account(options).await.map(drop)
    }

    /// Places an order. `replaces` is the chain of the certificate it renews, if that is from here.
    pub(super) async fn place(
        &self,
        options: &AcmeOptions,
        name: &str,
        replaces: Option<&str>,
    ) -> Result<OpenOrder, Failure> {
        let account = self.account(options).await?;
        let order = match self.place_as(&account, name, replaces).await {
            Err(Error::Api(problem)) if is_about_account(&problem) => {
                tracing::warn!("{} does not know our account any more; it gets another", self.issuer.name);
                options.store.forget_account(&self.issuer.directory).await.map_err(Failure::Ours)?;
                *self.account.lock().await = None;
                let account = self.account(options).await?;
                self.place_as(&account, name, replaces).await?
            }
            placed => placed?,
        };
        let key = KeyPair::generate().map_err(|error| Failure::Ours(error.into()))?;
        self.keys().insert(order.url().to_owned(), key.serialize_pem());
        Ok(OpenOrder { order, key })
    }

    async fn place_as(&self, account: &Account, name: &str, replaces: Option<&str>) -> Result<Order, Error> {
        let identifiers = [Identifier::Dns(name.to_owned())];
        let listed = |wanted: &&String| account.profiles().any(|profile| profile.name == **wanted);
        let profile = self.issuer.profile.as_ref().filter(listed);
        let wish = || {
            let wish = NewOrder::new(&identifiers);
            if let Some(profile) = profile { wish.profile(profile) } else { wish }
        };
        let Some(replaced) = replaces.and_then(identifier) else {
            return account.new_order(&wish()).await;
        };
        match account.new_order(&wish().replaces(replaced)).await {
            Err(error) if is_about_replacing(&error) => {
                tracing::info!("{name}: ordering without naming the certificate that is replaced: {error}");
                account.new_order(&wish()).await
            }
            placed => placed,
        }
    }

    /// Comes back to an order; `None` if it can lead nowhere any more.
    pub(super) async fn resume(&self, options: &AcmeOptions, url: &str) -> Result<Option<OpenOrder>, Failure> {
        let account = self.account(options).await?;
        let mut order = match account.order(url.to_owned()).await {
            Ok(order) => order,
            Err(Error::Api(_)) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let kept = self.keys().get(url).cloned();
        let key = match (kept, order.state().status) {
            (_, OrderStatus::Invalid) => return Err(why(&mut order, None).await),
            (Some(pem), _) => KeyPair::from_pem(&pem),
            (None, OrderStatus::Pending | OrderStatus::Ready) => KeyPair::generate(),
            (None, OrderStatus::Processing | OrderStatus::Valid) => return Ok(None),
        };
        let key = key.map_err(|error| Failure::Ours(error.into()))?;
        self.keys().insert(url.to_owned(), key.serialize_pem());
        Ok(Some(OpenOrder { order, key }))
    }

    /// Forgets the key of an order that is done with.
    pub(super) fn forget(&self, url: &str) {
        self.keys().remove(url);
    }

    /// When the authority would like a certificate of its own to be renewed, and after which time to ask again;
    /// `None` if it never says.
    pub(super) async fn renewal(
        &self,
        options: &AcmeOptions,
        chain_pem: &str,
    ) -> Result<Option<(Window, Duration)>, Failure> {
        let Some(id) = identifier(chain_pem) else {
            return Ok(None);
        };
        match self.account(options).await?.renewal_info(&id).await {
            Ok((info, again)) => {
                let window = info.suggested_window;
                let [start_ms, end_ms] = [window.start, window.end].map(|date| date.unix_timestamp() * 1000);
                Ok(Some((Window { start_ms, end_ms }, again)))
            }
            Err(Error::Unsupported(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Our account here: from memory, from the store, or made now.
    async fn account(&self, options: &AcmeOptions) -> Result<Account, Failure> {
        let mut known = self.account.lock().await;
        if let Some(account) = &*known {
            return Ok(account.clone());
        }
        let account = match options.store.account(&self.issuer.directory).await.map_err(Failure::Ours)? {
            Some(credentials) => self.restore(&credentials).await?,
            None => self.register(options).await?,
        };
        *known = Some(account.clone());
        Ok(account)
    }

    async fn restore(&self, credentials: &str) -> Result<Account, Failure> {
        let credentials: AccountCredentials =
            serde_json::from_str(credentials).map_err(|error| Failure::Ours(error.into()))?;
        Ok(Account::builder_with_http(Box::new(self.line.clone())).from_credentials(credentials).await?)
    }

    async fn register(&self, options: &AcmeOptions) -> Result<Account, Failure> {
        let contact = format!("mailto:{}", options.contact);
        let contact: &[&str] = if options.contact.is_empty() { &[] } else { &[&contact] };
        let wish = NewAccount { contact, terms_of_service_agreed: true, only_return_existing: false };
        let external = self.external_account()?;
        let builder = Account::builder_with_http(Box::new(self.line.clone()));
        let made = builder.create(&wish, self.issuer.directory.clone(), external.as_ref()).await;
        let (account, credentials) = made.map_err(|error| Failure::from(error).about_us())?;

        let ours = serde_json::to_string(&credentials).map_err(|error| Failure::Ours(error.into()))?;
        let kept = options.store.keep_account(&self.issuer.directory, ours.clone()).await.map_err(Failure::Ours)?;
        // Another process may have been faster: then its account is ours, too.
        if kept == ours { Ok(account) } else { self.restore(&kept).await }
    }

    fn external_account(&self) -> Result<Option<ExternalAccountKey>, Failure> {
        let Some(external) = &self.issuer.external_account else {
            return Ok(None);
        };
        let key = BASE64_URL_SAFE_NO_PAD.decode(external.key.trim_end_matches('=')).map_err(|_| bad_external_key())?;
        Ok(Some(ExternalAccountKey::new(external.key_id.clone(), &key)))
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenOrder {
    /// Where to come back to it.
    pub(super) fn url(&self) -> &str {
        self.order.url()
    }

    /// Shows that the name is ours in the first of these ways the authority offers, and fetches the certificate.
    pub(super) async fn fulfil(
        mut self,
        options: &AcmeOptions,
        name: &str,
        kinds: &[ChallengeKind],
        patience: Duration,
    ) -> Result<Obtained, Failure> {
        let polling = RetryPolicy::new().backoff(1.5).timeout(patience);
        if self.order.state().status == OrderStatus::Pending {
            self.answer(options, kinds).await?;
            match self.order.poll_ready(&polling).await {
                Ok(OrderStatus::Invalid) => return Err(why(&mut self.order, None).await),
                Ok(_) => {}
                Err(error) => return Err(self.explained(error).await),
            }
        }
        if self.order.state().status == OrderStatus::Ready {
            let request = self.signing_request(name).map_err(|error| Failure::Ours(error.into()))?;
            if let Err(error) = self.order.finalize_csr(&request).await {
                return Err(self.explained(error).await);
            }
        }
        match self.order.poll_certificate(&polling).await {
            Ok(chain_pem) => Ok(Obtained { chain_pem, key_pem: self.key.serialize_pem() }),
            Err(error) => Err(self.explained(error).await),
        }
    }

    /// Puts the answers down where every process finds them, and only then says that they are there.
    async fn answer(&mut self, options: &AcmeOptions, kinds: &[ChallengeKind]) -> Result<(), Failure> {
        let mut authorizations = self.order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            if authorization.status != AuthorizationStatus::Pending {
                continue;
            }
            let Identifier::Dns(name) = authorization.identifier().identifier.clone() else {
                continue;
            };
            let offered = |kind: &&ChallengeKind| {
                authorization.challenges.iter().any(|challenge| challenge.r#type == protocol_name(**kind))
            };
            let kind = *kinds.iter().find(offered).ok_or_else(not_offered)?;
            let mut challenge = authorization.challenge(protocol_name(kind)).ok_or_else(not_offered)?;
            let key = challenge.key_authorization();
            let (token, value) = match kind {
                ChallengeKind::Http01 => (challenge.token.clone(), key.as_str().to_owned()),
                ChallengeKind::TlsAlpn01 | ChallengeKind::Dns01 => (String::new(), key.dns_value()),
            };
            let until_ms = options.now() + ms(ANSWER_STANDS);
            let answer = ChallengeAnswer { kind, name, token, value, until_ms };
            options.store.put_answer(answer).await.map_err(Failure::Ours)?;
            if challenge.status == ChallengeStatus::Pending {
                challenge.set_ready().await?;
            }
        }
        Ok(())
    }

    fn signing_request(&self, name: &str) -> Result<Vec<u8>, rcgen::Error> {
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.distinguished_name = DistinguishedName::new();
        Ok(params.serialize_request(&self.key)?.der().to_vec())
    }

    /// An order that failed says why in its authorizations; other errors speak for themselves.
    async fn explained(&mut self, error: Error) -> Failure {
        let state = self.order.state();
        if state.status == OrderStatus::Invalid || state.error.is_some() {
            let problem = if let Error::Api(problem) = error { Some(problem) } else { None };
            return why(&mut self.order, problem).await;
        }
        error.into()
    }
}

/// What the authority found wrong: the words of the failed challenge, else those of the order itself.
async fn why(order: &mut Order, problem: Option<Problem>) -> Failure {
    let mut problem = problem.or_else(|| order.state().error.clone());
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let Ok(state) = authorization.refresh().await else { continue };
        if let Some(found) = state.challenges.iter().find_map(|challenge| challenge.error.clone()) {
            problem = Some(found);
            break;
        }
    }
    match problem {
        Some(problem) => Failure::from(&problem),
        None => Failure::Refused { words: "the authority gave the order up without a word".into(), mendable: false },
    }
}

/// Whether the authority does not know who is asking: it was set up anew, say.
fn is_about_account(problem: &Problem) -> bool {
    problem.r#type.as_deref().is_some_and(|kind| kind.ends_with(":accountDoesNotExist"))
}

/// Whether an order failed because it names the certificate it replaces: the authority takes no such hint, does not like
/// this one, or took it without saying so.
fn is_about_replacing(error: &Error) -> bool {
    let about = ["alreadyReplaced", "malformed", "conflict"];
    match error {
        Error::Unsupported(_) => true,
        Error::Other(cause) => !cause.is::<Trouble>(),
        Error::Api(problem) => {
            let kind = problem.r#type.as_deref().unwrap_or_default();
            about.iter().any(|about| kind.ends_with(about))
        }
        _ => false,
    }
}

fn identifier(chain_pem: &str) -> Option<CertificateIdentifier<'static>> {
    let leaf = CertificateDer::from_pem_slice(chain_pem.as_bytes()).ok()?;
    CertificateIdentifier::try_from(&leaf).ok().map(CertificateIdentifier::into_owned)
}

fn bad_external_key() -> Failure {
    Failure::Refused { words: "the external account's key is no base64url".into(), mendable: true }
}

fn not_offered() -> Failure {
    Failure::Refused { words: "the authority offers no challenge that can be answered".into(), mendable: true }
}

fn protocol_name(kind: ChallengeKind) -> ChallengeType {
    match kind {
        ChallengeKind::Http01 => ChallengeType::Http01,
        ChallengeKind::TlsAlpn01 => ChallengeType::TlsAlpn01,
        ChallengeKind::Dns01 => ChallengeType::Dns01,
    }
}
