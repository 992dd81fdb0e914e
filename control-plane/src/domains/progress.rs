//! The state machine of a domain: from what is stored and what was found to what is stored next. Pure.

use std::time::Duration;

use super::checks::{self, Stage};
use super::store::{Outcome, Rival, Row};
use super::{Check, DomainState};
use crate::clock::{self, DAY, HOUR, MINUTE};

/// How long port 80 and CAA may stay wrong, and how long a certificate may take.
const PATIENCE: Duration = DAY;
/// How long a failed domain stays listed.
const FAILED_FOR: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// How often a domain that serves is looked at.
pub const LIVE_LOOK: Duration = Duration::from_secs(6 * 60 * 60);
/// The end of the year 9999: a domain without a certificate serves without end.
const NEVER: i64 = 253_402_300_799_000;

/// What a domain's progress depends on beside itself.
#[derive(Clone, Copy, Debug)]
pub struct Surroundings {
    /// The moment.
    pub now: i64,
    /// How long records may take to be set.
    pub dns_wait: Duration,
    /// Whether certificates come by themselves.
    pub certified: bool,
    /// Who else has the name.
    pub rival: Option<Rival>,
}

/// Where a domain stands after a look.
#[derive(Debug, PartialEq, Eq)]
struct Standing {
    state: DomainState,
    reason: Option<&'static str>,
    message: Option<String>,
}

/// What to store after a look that found this.
pub fn settle(row: &Row, checks: Vec<Check>, looked_ms: Option<i64>, around: &Surroundings) -> Outcome {
    let standing = stand(row, checks::stage(&checks), around);
    let moved = standing.state != row.state;
    let since_ms = if moved { around.now } else { row.since_ms };
    let deadline_ms = match (standing.state, &row.certificate) {
        (DomainState::Live, Some(certificate)) => certificate.expires_ms,
        _ if !moved => row.deadline_ms,
        (DomainState::Live, None) => NEVER,
        (DomainState::DnsWait, _) => around.now + clock::millis(around.dns_wait),
        (DomainState::Verifying | DomainState::Issuing, _) => around.now + clock::millis(PATIENCE),
        (DomainState::Failed, _) => failed_until(around.now),
    };
    Outcome {
        state: standing.state,
        reason: standing.reason.map(str::to_owned),
        message: standing.message,
        checks,
        live: matches!(standing.state, DomainState::Issuing | DomainState::Live),
        since_ms,
        deadline_ms,
        looked_ms,
        next_ms: match standing.state {
            DomainState::Failed => deadline_ms,
            state => around.now + clock::millis(pause(state, around.now - since_ms)),
        },
    }
}

/// Until when a domain that fails now stays listed.
pub fn failed_until(now: i64) -> i64 {
    now + clock::millis(FAILED_FOR)
}

/// What is said about a name that needs a proof.
pub fn rivalry(rival: Option<Rival>) -> (Option<&'static str>, Option<&'static str>) {
    match rival {
        None => (None, None),
        Some(Rival::Taken) => (
            Some("taken"),
            Some("Another project uses this name, or asked for it before. Prove by DNS that it is yours."),
        ),
        Some(Rival::Quarantined) => {
            (Some("quarantined"), Some("Another project used this name lately. Prove by DNS that it is yours."))
        }
    }
}

fn stand(row: &Row, stage: Stage, around: &Surroundings) -> Standing {
    let failed = |reason, message: &str| Standing {
        state: DomainState::Failed,
        reason: Some(reason),
        message: Some(message.to_owned()),
    };
    let late = around.now >= row.deadline_ms;
    match row.state {
        DomainState::Issuing | DomainState::Live => served(row, around),
        DomainState::DnsWait if late && stage == Stage::Records => {
            failed("dns_timeout", "The records were not set in time.")
        }
        DomainState::Verifying if late && stage == Stage::Reach => {
            failed("verify_timeout", "The records are right, but the other checks failed for too long.")
        }
        DomainState::DnsWait | DomainState::Verifying | DomainState::Failed => match stage {
            Stage::Records => {
                let (reason, message) = rivalry(around.rival);
                Standing { state: DomainState::DnsWait, reason, message: message.map(str::to_owned) }
            }
            Stage::Reach => plain(DomainState::Verifying),
            Stage::Good if around.certified && !holds(row, around.now) => plain(DomainState::Issuing),
            Stage::Good => plain(DomainState::Live),
        },
    }
}

/// A domain that has its route: what counts now is its certificate.
fn served(row: &Row, around: &Surroundings) -> Standing {
    if !around.certified {
        return plain(DomainState::Live);
    }
    let words = row.order_error.clone();
    match (row.state, holds(row, around.now)) {
        (_, true) => {
            let reason = words.as_ref().map(|_| "renewal_failed");
            Standing { state: DomainState::Live, reason, message: words }
        }
        (DomainState::Live, false) if row.certificate.is_some() => Standing {
            state: DomainState::Failed,
            reason: Some("expired"),
            message: words.or_else(|| Some("The certificate ended and could not be renewed.".to_owned())),
        },
        (DomainState::Issuing, false) if around.now >= row.deadline_ms => Standing {
            state: DomainState::Failed,
            reason: Some("order_failed"),
            message: words.or_else(|| Some("The certificate authority issued nothing in time.".to_owned())),
        },
        (_, false) => {
            let reason = words.as_ref().map(|_| "order_failed");
            Standing { state: DomainState::Issuing, reason, message: words }
        }
    }
}

fn holds(row: &Row, now: i64) -> bool {
    row.certificate.as_ref().is_some_and(|certificate| certificate.expires_ms > now)
}

fn plain(state: DomainState) -> Standing {
    Standing { state, reason: None, message: None }
}

/// Until the next look: somebody who has just changed something watches; later nobody does.
fn pause(state: DomainState, age_ms: i64) -> Duration {
    let younger = |age: Duration| age_ms < clock::millis(age);
    match state {
        // Their certificate's fate is noticed without a look.
        DomainState::Live | DomainState::Issuing => LIVE_LOOK,
        _ if younger(MINUTE * 5) => Duration::from_secs(5),
        _ if younger(HOUR) => Duration::from_secs(20),
        _ if younger(DAY) => MINUTE * 2,
        _ => MINUTE * 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domains::{CertificateFacts, CheckKind, CheckState};

    const NOW: i64 = 1_800_000_000_000;

    fn row(state: DomainState) -> Row {
        Row {
            id: "d".to_owned(),
            project_id: "p".to_owned(),
            name: "api.orchard.shop".parse().expect("a name"),
            state,
            reason: None,
            message: None,
            checks: Vec::new(),
            txt_token: "token".to_owned(),
            live: matches!(state, DomainState::Issuing | DomainState::Live),
            since_ms: NOW - 1000,
            deadline_ms: NOW + 1000,
            looked_ms: None,
            turn: 1,
            created_ms: NOW - 1000,
            certificate: None,
            order_error: None,
        }
    }

    fn around() -> Surroundings {
        Surroundings { now: NOW, dns_wait: DAY * 7, certified: true, rival: None }
    }

    fn check(kind: CheckKind, state: CheckState) -> Vec<Check> {
        vec![Check { kind, state, found: Vec::new(), wanted: None, message: String::new() }]
    }

    fn after(row: &Row, checks: Vec<Check>, around: &Surroundings) -> (DomainState, Option<String>) {
        let outcome = settle(row, checks, Some(around.now), around);
        (outcome.state, outcome.reason)
    }

    fn certificate(expires_ms: i64) -> Option<CertificateFacts> {
        Some(CertificateFacts { issuer: "first".to_owned(), expires_ms, renew_ms: expires_ms - 1000 })
    }

    #[test]
    fn a_domain_goes_as_far_as_its_checks_let_it() {
        use DomainState::{DnsWait, Failed, Issuing, Verifying};
        for from in [DnsWait, Verifying, Failed] {
            let row = row(from);
            assert_eq!(after(&row, check(CheckKind::A, CheckState::Missing), &around()).0, DnsWait);
            assert_eq!(after(&row, check(CheckKind::Http, CheckState::Wrong), &around()).0, Verifying);
            assert_eq!(after(&row, check(CheckKind::Http, CheckState::Ok), &around()).0, Issuing);
        }
    }

    #[test]
    fn nothing_waits_for_ever() {
        let late = Surroundings { now: NOW + 2000, ..around() };
        let failed = |reason: &str| (DomainState::Failed, Some(reason.to_owned()));
        let missing = || check(CheckKind::A, CheckState::Missing);
        let closed = || check(CheckKind::Http, CheckState::Wrong);
        assert_eq!(after(&row(DomainState::DnsWait), missing(), &late), failed("dns_timeout"));
        assert_eq!(after(&row(DomainState::Verifying), closed(), &late), failed("verify_timeout"));
        assert_eq!(after(&row(DomainState::Issuing), Vec::new(), &late), failed("order_failed"));
        let ended = Row { certificate: certificate(NOW + 1000), ..row(DomainState::Live) };
        assert_eq!(after(&ended, Vec::new(), &late), failed("expired"));
        // What became right at the last moment is right.
        assert_eq!(after(&row(DomainState::DnsWait), closed(), &late).0, DomainState::Verifying);
    }

    #[test]
    fn a_certificate_makes_a_domain_live_until_it_ends() {
        let issued = Row { certificate: certificate(NOW + 5000), ..row(DomainState::Issuing) };
        let outcome = settle(&issued, Vec::new(), None, &around());
        assert_eq!((outcome.state, outcome.deadline_ms, outcome.live), (DomainState::Live, NOW + 5000, true));
    }

    #[test]
    fn the_authoritys_words_are_shown_and_go_again() {
        let words = || Some("DNS problem: NXDOMAIN".to_owned());
        let refused = Row { order_error: words(), ..row(DomainState::Issuing) };
        let outcome = settle(&refused, Vec::new(), None, &around());
        assert_eq!((outcome.state, outcome.message), (DomainState::Issuing, words()));
        let stale = Row { order_error: words(), certificate: certificate(NOW + 1000), ..row(DomainState::Live) };
        let outcome = settle(&stale, Vec::new(), None, &around());
        assert_eq!((outcome.state, outcome.reason.as_deref()), (DomainState::Live, Some("renewal_failed")));
        let renewed = Row { reason: outcome.reason, message: words(), order_error: None, ..stale };
        assert_eq!(settle(&renewed, Vec::new(), None, &around()).message, None);
    }

    #[test]
    fn a_rival_is_told_of_without_a_name() {
        let around = Surroundings { rival: Some(Rival::Taken), ..around() };
        let (state, reason) = after(&row(DomainState::DnsWait), check(CheckKind::Txt, CheckState::Missing), &around);
        assert_eq!((state, reason.as_deref()), (DomainState::DnsWait, Some("taken")));
    }

    #[test]
    fn without_an_authority_a_right_name_is_live_at_once() {
        let around = Surroundings { certified: false, ..around() };
        let outcome = settle(&row(DomainState::DnsWait), check(CheckKind::A, CheckState::Ok), None, &around);
        assert_eq!((outcome.state, outcome.deadline_ms), (DomainState::Live, NEVER));
    }

    #[test]
    fn looks_grow_rarer() {
        let wait = |age: Duration| pause(DomainState::DnsWait, clock::millis(age));
        assert!(wait(Duration::ZERO) < wait(MINUTE * 6) && wait(MINUTE * 6) < wait(HOUR * 2));
        assert!(wait(HOUR * 2) < wait(DAY * 2));
    }
}
