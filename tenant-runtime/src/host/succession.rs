//! Two hosts over one directory, for as long as one process takes over from another.
//!
//! Three things change hands, each by itself. *Requests*: whatever the old host would refuse from now on, it passes on.
//! *Wishes*: they wait in the new host until the old one has finished what it began and unlocked the directory. *Tenants*: the
//! old host closes each as soon as its last answer has gone, and the tenant's own lock keeps the new one from opening it
//! before; whoever asks for it waits. Should either process be killed, the system unlocks what it held.

use std::cmp::Reverse;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join;
use futures_util::{StreamExt, stream};
use tokio::time::sleep;

use super::Host;
use super::surroundings::Surroundings;
use super::tenant::Tenant;
use crate::service::HttpService;

/// How often to look whether the other host has let go.
const LOOK: Duration = Duration::from_millis(10);

impl Host {
    /// Lets go of everything for a host that has opened the same directory: event streams end at once, answers in flight
    /// get this much time, and requests that still come are passed on to `successor`. Returns when all is closed.
    pub async fn hand_over(&self, successor: HttpService, grace: Duration) {
        let _ = self.0.successor.set(successor);
        self.stop_waking();
        let wishes = async {
            self.finish_wishes().await;
            let given_up = self.surroundings().on_disk(super::Directory::give_up).await;
            if !matches!(given_up, Ok(Ok(()))) {
                tracing::error!("the directory stays locked until this process ends: {given_up:?}");
            }
        };
        // Whom somebody asked for last, somebody will ask for next.
        let mut tenants = self.all();
        tenants.sort_by_cached_key(|tenant| Reverse(tenant.used_ms()));
        let tenants = stream::iter(tenants).for_each_concurrent(None, |tenant| async move { tenant.stop(grace).await });
        join(wishes, tenants).await;
    }

    /// Says that the host before has ended: a tenant that is in use is now in strange hands.
    pub async fn predecessor_ended(&self) {
        self.surroundings().alone.cancel();
        self.look_again().await;
    }

    /// Waits until the directory is ours, then lets wishes in.
    pub(super) async fn take_over(self) {
        loop {
            match self.surroundings().on_disk(super::Directory::own).await {
                Ok(Ok(())) => break,
                Ok(Err(error)) if error.kind() == ErrorKind::WouldBlock => {}
                failed => tracing::error!("the directory could not be taken over yet: {failed:?}"),
            }
            sleep(LOOK).await;
        }
        self.look_again().await;
        self.surroundings().owner.cancel();
    }

    /// Looks which tenants there are, and what was written of them meanwhile.
    async fn look_again(&self) {
        let ids = match self.surroundings().on_disk(super::Directory::tenants).await {
            Ok(Ok(ids)) => ids,
            failed => return tracing::error!("the directory could not be listed: {failed:?}"),
        };
        for tenant in self.all() {
            if ids.contains(&tenant.id) {
                tenant.read_again().await;
            } else {
                self.forget(tenant.id);
            }
        }
        for id in ids {
            if self.find(id).is_err() {
                self.insert(&Arc::new(Tenant::new(id, self.surroundings())));
            }
        }
    }
}

impl Surroundings {
    /// Waits a moment for the host before to close a tenant; `false` if there is none any more.
    pub(super) async fn waits_for_predecessor(&self) -> bool {
        if self.alone.is_cancelled() {
            return false;
        }
        tokio::select! {
            () = self.alone.cancelled() => {}
            () = sleep(LOOK) => {}
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::super::tests::{ask, options, real};
    use super::super::{Generation, HostOptions, NodeClient, TenantState};
    use super::*;

    const HEALTH: &str = "/api/health";

    #[tokio::test]
    async fn a_tenant_in_use_changes_hands_while_requests_wait() {
        let (dir, old, _, tenant) = real().await;
        assert_eq!(ask(&old, &tenant, HEALTH, None).await.status, 200);
        let new =
            Host::open(HostOptions { succeeds: true, ..options(dir.path(), 10) }).expect("opens beside the other");
        let mut asked = Box::pin(ask(&new, &tenant, HEALTH, None));
        for _ in 0..100 {
            assert!(asked.as_mut().now_or_never().is_none(), "the old host has it open");
            tokio::task::yield_now().await;
        }
        let (answer, ()) = join(asked, old.hand_over(new.service(), Duration::from_secs(30))).await;
        assert_eq!(answer.status, 200);
        // On a connection that still leads to the old one.
        assert_eq!(ask(&old, &tenant, HEALTH, None).await.status, 200);
        assert_eq!(NodeClient::new(new.admin()).tenant(&tenant.id).await.expect("is known").state, TenantState::Awake);
    }

    #[tokio::test]
    async fn wishes_wait_until_the_directory_changed_hands() {
        let (dir, old, before, mut tenant) = real().await;
        let new =
            Host::open(HostOptions { succeeds: true, ..options(dir.path(), 10) }).expect("opens beside the other");
        let after = NodeClient::new(new.admin());
        // Known to the new host before the old one changes it.
        after.tenant(&tenant.id).await.expect("is known");
        tenant.generation = Generation(2);
        before.put_tenant(&tenant).await.expect("is granted");
        let stale = tenant.clone();
        tenant.generation = Generation(3);
        let (granted, ()) =
            join(after.put_tenant(&tenant), old.hand_over(new.service(), Duration::from_secs(30))).await;
        assert_eq!(granted.expect("is granted").generation, Generation(3));
        assert!(after.put_tenant(&stale).await.expect_err("is over").is("stale_generation"));
        assert!(before.put_tenant(&tenant).await.expect_err("is over").is("waking"));
    }

    #[tokio::test]
    async fn a_tenant_in_strange_hands_is_waited_for_only_while_there_is_a_host_before() {
        let (dir, old, _, tenant) = real().await;
        assert_eq!(ask(&old, &tenant, HEALTH, None).await.status, 200);
        let new =
            Host::open(HostOptions { succeeds: true, ..options(dir.path(), 10) }).expect("opens beside the other");
        let (answer, ()) = join(ask(&new, &tenant, HEALTH, None), new.predecessor_ended()).await;
        assert_eq!(answer.code(), "not_starting");
    }
}
