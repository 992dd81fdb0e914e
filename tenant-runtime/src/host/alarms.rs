//! Wakes tenants that have something of their own to do at a certain time, such as a scheduled backup.
//!
//! A tenant says when it is closed, and its host remembers that with its usage. Being late does no harm: a tenant sees to
//! what fell due whenever it wakes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;

use super::spec::TenantId;
use super::surroundings::{Surroundings, now_ms};
use super::tenant::Tenant;

/// The clock is looked at so often at least: it may be set, and the machine may have slept.
const LONGEST_NAP: Duration = Duration::from_secs(60);

/// When which tenant wants to be woken.
#[derive(Default)]
pub(super) struct Alarms {
    set: Mutex<BTreeMap<(i64, TenantId), Weak<Tenant>>>,
    changed: Notify,
}

impl Alarms {
    /// Sets a tenant's alarm, in milliseconds since the epoch. Should it have several, waking it twice does no harm.
    pub(super) fn set(&self, at_ms: i64, tenant: &Arc<Tenant>) {
        self.lock().insert((at_ms, tenant.id), Arc::downgrade(tenant));
        self.changed.notify_one();
    }

    /// Waits for the next alarm.
    async fn next(&self) -> Option<Arc<Tenant>> {
        loop {
            let now = now_ms();
            let first_at = {
                let mut set = self.lock();
                match set.first_entry() {
                    Some(first) if first.key().0 <= now => return first.remove().upgrade(),
                    first => first.map(|first| first.key().0),
                }
            };
            let nap = first_at.and_then(|at| u64::try_from(at - now).ok()).map_or(LONGEST_NAP, Duration::from_millis);
            let _ = tokio::time::timeout(nap.min(LONGEST_NAP), self.changed.notified()).await;
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(i64, TenantId), Weak<Tenant>>> {
        self.set.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes tenants for ever, one at a time.
pub(super) async fn run(surroundings: Arc<Surroundings>) {
    loop {
        if let Some(tenant) = surroundings.alarms.next().await
            && let Err(refusal) = tenant.lease().await
        {
            tracing::debug!(tenant = %tenant.id, "not woken for what is due: {refusal:?}");
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn an_alarm_goes_off_once_and_not_before_its_time() {
        let alarms = Alarms::default();
        let id = "aaaaaaaaaaaaaaa".parse().expect("an id");
        alarms.lock().insert((now_ms() + 3_600_000, id), Weak::new());
        assert!(alarms.next().now_or_never().is_none());
        alarms.lock().insert((1, id), Weak::new());
        let gone = alarms.next().now_or_never().expect("goes off");
        assert!(gone.is_none(), "a tenant that is gone wakes nobody");
        assert!(alarms.next().now_or_never().is_none());
    }
}
