//! What onlookers are told of a tenant, and what was learnt from its failures. Decides nothing but when to try again.

use std::time::{Duration, Instant};

use super::answers::Refusal;
use super::directory::TenantFile;
use super::spec::{TenantState, Wanted};
use super::surroundings::now_ms;
use crate::app::OpenError;

/// The pause after a first failure; it doubles up to the longest.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// A tenant as it looks from outside.
pub(super) struct Seen {
    pub(super) state: TenantState,
    pub(super) since_ms: i64,
    pub(super) reason: Option<String>,
    failure: Option<Failure>,
}

struct Failure {
    damaged: bool,
    pause: Duration,
    until: Instant,
}

impl Seen {
    /// How every tenant looks when a host opens.
    pub(super) fn asleep() -> Seen {
        Seen { state: TenantState::Asleep, since_ms: now_ms(), reason: None, failure: None }
    }

    /// Notes a state; whether anything changed.
    pub(super) fn set(&mut self, state: TenantState, reason: Option<String>) -> bool {
        if self.state == state && self.reason == reason {
            return false;
        }
        if self.state != state {
            self.since_ms = now_ms();
        }
        self.state = state;
        self.reason = reason;
        if state == TenantState::Awake {
            self.failure = None;
        }
        true
    }

    /// Whether a state that a wish alone decides may be shown: not while something runs, or would if it could.
    pub(super) fn may_show(&self, file: &TenantFile) -> bool {
        match self.state {
            TenantState::Waking | TenantState::Awake | TenantState::Idle => false,
            TenantState::NotStarting | TenantState::Damaged => file.spec.state != Wanted::Running,
            TenantState::Asleep | TenantState::Held => true,
        }
    }

    /// Refuses while the pause after a failure lasts, so that a broken tenant does not keep the machine busy.
    pub(super) fn check_pause(&self, now: Instant) -> Result<(), Refusal> {
        match &self.failure {
            Some(failure) if now < failure.until => Err(failure.refusal(now)),
            _ => Ok(()),
        }
    }

    /// Ends the pause.
    pub(super) fn forgive(&mut self, now: Instant) {
        if let Some(failure) = &mut self.failure {
            failure.until = now;
        }
    }

    /// Notes a failure and how long to pause for it. Those of a crowd that all failed at once count as one.
    pub(super) fn fail(&mut self, error: &OpenError, now: Instant) -> Option<Duration> {
        if self.check_pause(now).is_err() {
            return None;
        }
        let pause = self.failure.as_ref().map_or(SHORTEST_PAUSE, |last| (last.pause * 2).min(LONGEST_PAUSE));
        let damaged = matches!(error, OpenError::Damaged(_));
        self.failure = Some(Failure { damaged, pause, until: now + pause });
        Some(pause)
    }
}

impl Failure {
    fn refusal(&self, now: Instant) -> Refusal {
        let left = self.until.saturating_duration_since(now).as_millis().div_ceil(1_000);
        let retry_after = u32::try_from(left).unwrap_or(u32::MAX);
        if self.damaged { Refusal::Damaged { retry_after } } else { Refusal::NotStarting { retry_after } }
    }
}

/// How a tenant looks that is not open and did not fail to be.
pub(super) fn at_rest(file: &TenantFile) -> (TenantState, Option<String>) {
    match &file.spec.state {
        Wanted::Running => (TenantState::Asleep, None),
        Wanted::Suspended { reason } => (TenantState::Held, Some(reason.clone())),
    }
}

/// How a failure looks. What it says of the machine is for the log only.
pub(super) fn after(error: &OpenError) -> (TenantState, String) {
    match error {
        OpenError::Damaged(what) => (TenantState::Damaged, format!("The data is damaged: {what}.")),
        OpenError::InUse | OpenError::Endless | OpenError::Foreign(_) => (TenantState::NotStarting, error.to_string()),
        OpenError::Other(_) => (TenantState::NotStarting, "The host's log has the cause.".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute_and_a_success_forgets_them() {
        let mut seen = Seen::asleep();
        let mut now = Instant::now();
        let error = OpenError::InUse;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            let pause = seen.fail(&error, now).expect("the pause before is over");
            assert_eq!(seen.fail(&error, now), None, "the rest of the crowd");
            pauses.push(pause.as_secs());
            now += pause;
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(seen.check_pause(now), Ok(()));
        assert!(seen.set(TenantState::Awake, None));
        assert_eq!(seen.fail(&error, now), Some(SHORTEST_PAUSE));
        let half = now + Duration::from_millis(100);
        assert_eq!(seen.check_pause(half), Err(Refusal::NotStarting { retry_after: 1 }));
        seen.forgive(half);
        assert_eq!(seen.check_pause(half), Ok(()));
    }
}
