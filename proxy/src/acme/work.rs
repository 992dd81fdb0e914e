//! One name's way to a certificate: lease, look again, precheck, and the authorities in turn.
//!
//! Whatever happens on it is written down before it is believed, and a step that costs something looks first whether
//! another process has taken it already.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::budget::{self, Wait};
use super::handle::Outcome;
use super::options::ms;
use super::order::{Authority, Failure, Obtained, OpenOrder};
use super::plan::{self, Known, host};
use super::store::{ChallengeKind, Held, Ordered, Tries};
use super::{AcmeOptions, Event, Reason};
use crate::BoxError;
use crate::certificates::Certificate;
use crate::routes::parent;

/// So many failed attempts in a row are an outage, which another authority can mend.
const OUTAGE_ATTEMPTS: u32 = 3;

/// An authority that limits us for longer is not waited for if there is another.
const WORTH_WAITING: Duration = Duration::from_secs(60 * 60);

/// From the third attempt on, an order does not say what it replaces: that may be what it fails for.
const ATTEMPTS_REPLACING: u32 = 2;

/// What all work needs.
pub(super) struct Desk {
    pub(super) options: Arc<AcmeOptions>,
    pub(super) authorities: Vec<Authority>,
    /// This process, as the holder of leases.
    pub(super) me: String,
    /// Taken while an order is counted, so that two do not count as one.
    pub(super) counting: tokio::sync::Mutex<()>,
    pub(super) tally: Mutex<BTreeMap<(String, Outcome), u64>>,
}

/// A name to get a certificate for.
pub(super) struct Job {
    pub(super) name: Arc<str>,
    pub(super) owner: String,
}

/// How work ended.
pub(super) enum Finished {
    /// There is a certificate: a new one, or one that another process had stored.
    Held { held: Held, new: bool },
    /// There is none; why, and until when that counts, is in the store.
    Failed(Tries),
    /// Another process is at it.
    Elsewhere,
    /// The budget is used up.
    Waits(Wait),
    /// The store failed.
    Broken(BoxError),
}

/// Gets a certificate for a name, or finds out why there is none.
pub(super) async fn work(desk: &Desk, job: &Job) -> Finished {
    match leased(desk, job).await {
        Ok(finished) => finished,
        Err(cause) => Finished::Broken(cause),
    }
}

/// Works while the lease of the name is ours. It is kept alive in short steps, so that the lease of a process that
/// dies is soon free. `example.com` and `*.example.com` share one: their answers have the same name.
async fn leased(desk: &Desk, job: &Job) -> Result<Finished, BoxError> {
    let Desk { options, me, .. } = desk;
    let name = host(&job.name);
    let extend = async || {
        let now = options.now();
        options.store.lease(name, me, now, now + ms(options.times.lease)).await
    };
    if !extend().await? {
        return Ok(Finished::Elsewhere);
    }
    let keep = async {
        loop {
            sleep(options.times.lease / 3).await;
            match extend().await {
                Ok(true) => {}
                Ok(false) => return Ok(Finished::Elsewhere),
                Err(cause) => return Err(cause),
            }
        }
    };
    let finished = tokio::select! {
        finished = attempt(desk, job) => finished,
        lost = keep => lost,
    };
    options.store.release(name, me).await?;
    finished
}

async fn attempt(desk: &Desk, job: &Job) -> Result<Finished, BoxError> {
    let Desk { options, authorities, .. } = desk;
    let held = options.store.certificate(&job.name).await?;
    if let Some(held) = held.as_ref().filter(|held| is_good(held, options.now())) {
        return Ok(Finished::Held { held: held.clone(), new: false });
    }
    let stored = options.store.tries().await?.into_iter().find(|tries| *tries.name == *job.name);
    let mut tries = stored.unwrap_or_else(|| Tries { name: job.name.to_string(), ..Tries::default() });
    if tries.next_ms > options.now() {
        return Ok(Finished::Failed(tries));
    }
    let checked = timeout(options.times.order, options.precheck.check(&job.name)).await;
    if let Err(words) = checked.unwrap_or_else(|_| Err("the name could not be looked at in time".into())) {
        return fail(desk, tries, None, Failure::Refused { words, mendable: false }).await;
    }

    // An open order is come back to where it stands.
    let is_open_at = |authority: &Authority| tries.order.as_ref().is_some_and(|open| open.0 == authority.issuer.name);
    let first = authorities.iter().position(is_open_at).unwrap_or(0);
    let mut stop = Stop::Failed(Failure::Ours("no authority is configured".into()));
    let mut asked = None;
    for (index, authority) in authorities.iter().enumerate().skip(first) {
        let patience = if index == 0 { options.times.order } else { options.times.later_order };
        let obtained = timeout(patience, ask(desk, job, authority, held.as_ref(), &mut tries, patience)).await;
        match obtained.unwrap_or_else(|_| Err(Stop::Failed(overdue(&tries)))) {
            Ok(obtained) => {
                authority.is_well();
                desk.count(authority, if held.is_some() { Outcome::Renewed } else { Outcome::Issued });
                return keep(desk, job, authority, obtained, tries).await;
            }
            Err(stopped) => {
                desk.note(authority, &job.name, &stopped).await;
                stop = stopped;
                asked = Some(authority);
            }
        }
        if !stop.is_mended_elsewhere(authority, options.now()) {
            break;
        }
    }
    match stop {
        Stop::Waits(wait) => Ok(Finished::Waits(wait)),
        Stop::Failed(failure) => fail(desk, tries, asked, failure).await,
    }
}

/// Whether a stored certificate is all that is wanted.
fn is_good(held: &Held, now: i64) -> bool {
    let usable = Certificate::from_pem(&held.name, &held.chain_pem, &held.key_pem);
    Known::from(held).due_ms() > now && usable.is_ok()
}

/// Why there is no certificate although there is no more time for it.
fn overdue(tries: &Tries) -> Failure {
    match tries.order {
        Some(_) => Failure::Unfinished,
        None => Failure::Outage("the authority has not taken an order in time".into()),
    }
}

/// Why an authority gave no certificate.
enum Stop {
    Waits(Wait),
    Failed(Failure),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Stop::Failed(failure)
    }
}

impl From<BoxError> for Stop {
    fn from(cause: BoxError) -> Self {
        Stop::Failed(Failure::Ours(cause))
    }
}

impl Stop {
    /// Whether another authority could do what this one did not.
    fn is_mended_elsewhere(&self, authority: &Authority, now: i64) -> bool {
        let is_down = authority.outages() >= OUTAGE_ATTEMPTS;
        match self {
            Stop::Waits(Wait::Everybody { .. }) => true,
            Stop::Waits(Wait::Owner { .. }) => false,
            Stop::Failed(Failure::Refused { mendable, .. }) => *mendable,
            Stop::Failed(Failure::Limited { until_ms, .. }) => is_down || until_ms - now > ms(WORTH_WAITING),
            Stop::Failed(Failure::Outage(_)) => is_down,
            Stop::Failed(Failure::Unfinished | Failure::Ours(_)) => false,
        }
    }
}

/// Asks one authority, going on with an order that is open there.
async fn ask(
    desk: &Desk,
    job: &Job,
    authority: &Authority,
    held: Option<&Held>,
    tries: &mut Tries,
    patience: Duration,
) -> Result<Obtained, Stop> {
    let options = &desk.options;
    let mut resumed = None;
    if let Some((_, url)) = tries.order.as_ref().filter(|(issuer, _)| *issuer == authority.issuer.name) {
        resumed = authority.resume(options, url).await?;
    }
    let order = match resumed {
        Some(order) => order,
        None => place(desk, job, authority, held, tries).await?,
    };
    Ok(order.fulfil(options, &job.name, ways(&job.name, tries.failures), patience).await?)
}

/// Places an order: counted before it is placed, written down before anything is done for it.
async fn place(
    desk: &Desk,
    job: &Job,
    authority: &Authority,
    held: Option<&Held>,
    tries: &mut Tries,
) -> Result<OpenOrder, Stop> {
    let Desk { options, .. } = desk;
    let issuer = &authority.issuer.name;
    authority.is_ready(options).await?;
    desk.take_from_budget(job, issuer, held).await?;

    let own = held.filter(|held| held.issuer == *issuer && tries.failures < ATTEMPTS_REPLACING);
    let order = authority.place(options, &job.name, own.map(|held| held.chain_pem.as_str())).await?;
    tries.order = Some((issuer.clone(), order.url().to_owned()));
    options.store.keep_tries(tries.clone()).await?;
    options.tell(Event::Ordered { name: job.name.to_string(), issuer: issuer.clone() });
    Ok(order)
}

/// How to show that a name is ours, best first. Attempts take turns: what stands in the way of one may let the other
/// pass. Over HTTP it works behind other people's proxies, too.
fn ways(name: &str, failures: u32) -> &'static [ChallengeKind] {
    use ChallengeKind::{Dns01, Http01, TlsAlpn01};
    if name.starts_with("*.") {
        return &[Dns01];
    }
    if failures.is_multiple_of(2) { &[Http01, TlsAlpn01] } else { &[TlsAlpn01, Http01] }
}

/// Stores a certificate, then forgets what led to it.
async fn keep(
    desk: &Desk,
    job: &Job,
    authority: &Authority,
    obtained: Obtained,
    tries: Tries,
) -> Result<Finished, BoxError> {
    let store = &desk.options.store;
    let Obtained { chain_pem, key_pem } = obtained;
    let usable = Certificate::from_pem(&job.name, &chain_pem, &key_pem);
    let (Ok(_), Some(expires_ms)) = (usable, plan::end_of(&chain_pem)) else {
        let words = "the authority sent something that is no certificate for this name".to_owned();
        return fail(desk, tries, Some(authority), Failure::Refused { words, mendable: true }).await;
    };
    let obtained_ms = desk.options.now();
    let held = Held {
        name: job.name.to_string(),
        issuer: authority.issuer.name.clone(),
        chain_pem,
        key_pem,
        obtained_ms,
        expires_ms,
        renew_ms: plan::renewal_of(obtained_ms, expires_ms),
        ask_ms: obtained_ms,
    };
    store.keep_certificate(held.clone()).await?;
    store.keep_tries(Tries { name: held.name.clone(), ..Tries::default() }).await?;
    store.remove_answers(host(&held.name)).await?;
    if let Some((_, url)) = &tries.order {
        authority.forget(url);
    }
    Ok(Finished::Held { held, new: true })
}

/// Writes down why there is no certificate, and when to try again.
async fn fail(
    desk: &Desk,
    mut tries: Tries,
    authority: Option<&Authority>,
    failure: Failure,
) -> Result<Finished, BoxError> {
    let Desk { options, .. } = desk;
    let now = options.now();
    let ladder = &options.times.ladder;
    let message = failure.to_string();
    let reason = match failure {
        _ if authority.is_none() => Reason::Precheck,
        Failure::Refused { .. } => Reason::Refused,
        Failure::Unfinished => Reason::Unfinished,
        _ => Reason::Unavailable,
    };
    tries.error = Some(message.clone());
    match failure {
        Failure::Ours(cause) => return Err(cause),
        Failure::Refused { .. } => {
            tries.failures += 1;
            tries.next_ms = now + plan::pause(ladder, tries.failures);
            if let (Some((_, url)), Some(authority)) = (tries.order.take(), authority) {
                authority.forget(&url);
            }
            options.store.remove_answers(host(&tries.name)).await?;
        }
        Failure::Unfinished => {
            tries.failures += 1;
            tries.next_ms = now + plan::pause(ladder, tries.failures);
        }
        // Not the name's fault: it does not count against it.
        Failure::Limited { until_ms, .. } => tries.next_ms = until_ms,
        Failure::Outage(_) => {
            let closed = authority.and_then(|authority| authority.line.closed_until());
            tries.next_ms = closed.unwrap_or(now + plan::pause(ladder, 1).min(ms(options.times.outage)));
        }
    }
    options.store.keep_tries(tries.clone()).await?;
    options.tell(Event::Failed { name: tries.name.clone(), reason, message, next_ms: tries.next_ms });
    Ok(Finished::Failed(tries))
}

impl Desk {
    pub(super) fn authority(&self, name: &str) -> Option<&Authority> {
        self.authorities.iter().find(|authority| authority.issuer.name == name)
    }

    /// Counts an order, unless too many were placed. Renewals an authority asked for are free.
    async fn take_from_budget(&self, job: &Job, issuer: &str, held: Option<&Held>) -> Result<(), Stop> {
        let Desk { options, .. } = self;
        let _alone = self.counting.lock().await;
        let now = options.now();
        let renews = held.is_some();
        let is_free = held.is_some_and(|held| held.issuer == issuer && held.ask_ms != 0);
        if !is_free {
            let placed = options.store.orders_since(budget::counted_since(&options.budget, now)).await?;
            let wish = budget::Wish { issuer, name: &job.name, owner: &job.owner, renews };
            options.budget.admits(&placed, &wish, now).map_err(Stop::Waits)?;
        }
        let (issuer, name, owner) = (issuer.to_owned(), job.name.to_string(), job.owner.clone());
        Ok(options.store.note_order(Ordered { issuer, name, owner, renews, at_ms: now }).await?)
    }

    /// Draws the consequences of a failure for everybody else's orders at this authority.
    async fn note(&self, authority: &Authority, name: &str, stop: &Stop) {
        let Stop::Failed(failure) = stop else { return };
        match failure {
            Failure::Ours(_) => return,
            Failure::Refused { .. } => authority.is_well(),
            Failure::Limited { words, until_ms } if !is_about(name, words) => authority.line.close(*until_ms),
            Failure::Limited { .. } | Failure::Unfinished => {}
            Failure::Outage(_) => {
                if authority.is_unwell().await >= OUTAGE_ATTEMPTS {
                    authority.line.close(self.options.now() + ms(self.options.times.outage));
                }
            }
        }
        let is_refusal = matches!(failure, Failure::Refused { .. });
        self.count(authority, if is_refusal { Outcome::Refused } else { Outcome::Unavailable });
        tracing::warn!("{name}: no certificate from {}: {failure}", authority.issuer.name);
    }

    fn count(&self, authority: &Authority, outcome: Outcome) {
        let mut tally = self.tally.lock().unwrap_or_else(PoisonError::into_inner);
        *tally.entry((authority.issuer.name.clone(), outcome)).or_default() += 1;
    }
}

/// Whether a limit is one of this name's: then the words name it, or a domain above it, or "this exact set".
/// Otherwise it is one for all our orders.
fn is_about(name: &str, words: &str) -> bool {
    let mut domain = Some(host(name));
    while let Some(part) = domain.filter(|part| part.contains('.')) {
        if words.contains(&format!("\"{part}\"")) {
            return true;
        }
        domain = parent(part);
    }
    words.contains("exact set of")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_one_name_are_told_from_limits_for_all() {
        let about = |words| is_about("a.shop.example.com", words);
        assert!(about(r#"too many certificates (50) already issued for "example.com" in the last 168h0m0s"#));
        assert!(about(r#"too many failed authorizations (5) for "a.shop.example.com" in the last 1h0m0s"#));
        assert!(about("too many certificates (5) already issued for this exact set of identifiers"));
        assert!(!about("too many new orders (300) from this account in the last 3h0m0s"));
        assert!(!about(r#"too many certificates already issued for "com""#));
    }

    #[test]
    fn attempts_take_turns_between_the_two_ways() {
        assert_eq!(ways("a.example.com", 0)[0], ChallengeKind::Http01);
        assert_eq!(ways("a.example.com", 1)[0], ChallengeKind::TlsAlpn01);
        assert_eq!(ways("*.example.com", 1), [ChallengeKind::Dns01]);
    }
}
