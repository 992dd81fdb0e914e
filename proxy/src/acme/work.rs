//! One name's way to a certificate: lease, look again, precheck, and the authorities in turn.
//!
//! Whatever happens on it is written down before it is believed, and a step that costs something looks first whether
//! another process has taken it already.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{sleep, timeout};

use super::budget::Wait;
use super::desk::{Desk, OUTAGE_ATTEMPTS};
use super::failure::Failure;
use super::options::ms;
use super::order::{Authority, Obtained, OpenOrder};
use super::plan::{self, Known, host};
use super::store::{ChallengeKind, Held, Tries};
use super::{Event, Reason};
use crate::BoxError;
use crate::certificates::Certificate;

/// An authority that limits us for longer is not waited for if there is another.
const WORTH_WAITING: Duration = Duration::from_secs(60 * 60);

/// From the third attempt on, an order does not say what it replaces: that may be what it fails for.
const ATTEMPTS_REPLACING: u32 = 2;

/// A name to get a certificate for.
pub(super) struct Job {
    pub(super) name: Arc<str>,
    pub(super) owner: String,
}

/// How work ended.
pub(super) enum Finished {
    /// There is a certificate: a new one, or one that another process had stored.
    Held { held: Held, new: bool },
    /// There is none; why, and until when that counts, is in the store. Without a reason, another process had found out.
    Failed(Tries, Option<Reason>),
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
    let Desk { options, .. } = desk;
    let held = options.store.certificate(&job.name).await?;
    if let Some(held) = held.as_ref().filter(|held| is_good(held, options.now())) {
        return Ok(Finished::Held { held: held.clone(), new: false });
    }
    let stored = options.store.tries().await?.into_iter().find(|tries| *tries.name == *job.name);
    let tries = stored.unwrap_or_else(|| Tries { name: job.name.to_string(), ..Tries::default() });
    if tries.next_ms > options.now() {
        return Ok(Finished::Failed(tries, None));
    }
    let checked = timeout(options.times.order, options.precheck.check(&job.name)).await;
    if let Err(words) = checked.unwrap_or_else(|_| Err("the name could not be looked at in time".into())) {
        return fail(desk, tries, None, Failure::Refused { words, mendable: false }).await;
    }

    ask_in_turn(desk, job, held.as_ref(), tries).await
}

/// Asks the authorities one after the other, as long as the next could do what this one did not. An open order is come
/// back to where it stands.
async fn ask_in_turn(desk: &Desk, job: &Job, held: Option<&Held>, mut tries: Tries) -> Result<Finished, BoxError> {
    let Desk { options, authorities, .. } = desk;
    let is_open_at = |authority: &Authority| tries.order.as_ref().is_some_and(|open| open.0 == authority.issuer.name);
    let first = authorities.iter().position(is_open_at).unwrap_or(0);
    let others = (0..authorities.len()).filter(|index| *index != first);

    let mut stop = Stop::Failed(Failure::Ours("no authority is configured".into()));
    let mut asked = None;
    for index in [first].into_iter().chain(others) {
        let Some(authority) = authorities.get(index) else { break };
        let patience = if index == 0 { options.times.order } else { options.times.later_order };
        let obtained = timeout(patience, ask(desk, job, authority, held, &mut tries, patience)).await;
        match obtained.unwrap_or_else(|_| Err(Stop::Failed(overdue(&tries)))) {
            Ok(obtained) => {
                desk.note_success(authority, held.is_some());
                return keep(desk, job, authority, obtained, tries).await;
            }
            Err(stopped) => stop = stopped,
        }
        if let Stop::Failed(failure) = &stop {
            desk.note_failure(authority, &job.name, failure).await;
        }
        asked = Some(authority);
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
pub(super) enum Stop {
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
    desk.leave_order(tries);
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
    mut tries: Tries,
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
    desk.leave_order(&mut tries);
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
    let reason = match failure {
        _ if authority.is_none() => Reason::Precheck,
        Failure::Refused { .. } => Reason::Refused,
        Failure::Unfinished => Reason::Unfinished,
        _ => Reason::Unavailable,
    };
    tries.error = Some(failure.to_string());
    match failure {
        Failure::Ours(cause) => return Err(cause),
        Failure::Refused { .. } => {
            tries.failures += 1;
            tries.next_ms = now + plan::pause(ladder, tries.failures);
            desk.leave_order(&mut tries);
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
    Ok(Finished::Failed(tries, Some(reason)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_take_turns_between_the_two_ways() {
        assert_eq!(ways("a.example.com", 0)[0], ChallengeKind::Http01);
        assert_eq!(ways("a.example.com", 1)[0], ChallengeKind::TlsAlpn01);
        assert_eq!(ways("*.example.com", 1), [ChallengeKind::Dns01]);
    }
}
