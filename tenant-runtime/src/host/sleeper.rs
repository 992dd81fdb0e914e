//! Lets unused tenants rest, then sleep.
//!
//! Nothing here decides *whether* a tenant may be closed: a lease held by any unfinished answer forbids it (see
//! `tenant`). So this loop can be simple and late without being wrong. It looks at awake tenants only, and not at all
//! while there are none.

use std::cmp::Reverse;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures_util::{FutureExt, StreamExt, stream};

use super::closing::GRACE;
use super::surroundings::Surroundings;
use super::system;
use super::tenant::Tenant;

/// How long between two looks at the awake tenants.
const TICK: Duration = Duration::from_secs(1);
/// How long between two requests to the allocator: each makes it walk through everything it holds.
const BETWEEN_GIFTS: Duration = Duration::from_secs(5);
/// Tenants looked after at once: closing waits for the disk, and requests want it too.
const AT_ONCE: usize = 4;

/// Looks after awake tenants for ever.
pub(super) async fn run(surroundings: Arc<Surroundings>) {
    let mut quieted = 0;
    let mut given_back = Instant::now();
    loop {
        let next_look = surroundings.awake.next_look(TICK);
        if quieted == 0 {
            next_look.await;
        } else {
            // Perhaps nobody is awake any more, and there is still memory to be given back.
            let _ = tokio::time::timeout(TICK, next_look).await;
        }
        // Whatever goes wrong with one look, there is a next one: without it nobody would ever sleep again.
        match AssertUnwindSafe(look(&surroundings)).catch_unwind().await {
            Ok(count) => quieted += count,
            Err(_) => tracing::error!("panicked while putting tenants to sleep"),
        }
        if quieted > 0 && given_back.elapsed() >= BETWEEN_GIFTS {
            let _ = surroundings.pool.run(system::give_back_memory).await;
            (quieted, given_back) = (0, Instant::now());
        }
    }
}

/// How many tenants went to rest or to sleep.
async fn look(surroundings: &Surroundings) -> usize {
    let quieted = AtomicUsize::new(0);
    let awake = surroundings.awake.all();
    stream::iter(&awake)
        .for_each_concurrent(AT_ONCE, |tenant| async {
            quieted.fetch_add(usize::from(look_after(tenant).await), Ordering::Relaxed);
        })
        .await;
    quieted.into_inner() + make_room(surroundings).await
}

/// Whether the tenant went to rest or to sleep.
async fn look_after(tenant: &Arc<Tenant>) -> bool {
    if tenant.wants_reopening() {
        tenant.stop(GRACE).await;
        return true;
    }
    let (idle_after, sleep_after) = tenant.rests_after();
    let rested = tenant.rest(idle_after.min(sleep_after)).await;
    (tenant.unused_for() >= sleep_after && tenant.sleep_if_unused().await) || rested
}

/// Puts those to sleep that were not used for the longest time, until there is some room again.
async fn make_room(surroundings: &Surroundings) -> usize {
    if !surroundings.crowded() {
        return 0;
    }
    let mut awake = surroundings.awake.all();
    awake.sort_by_key(|tenant| Reverse(tenant.unused_for()));
    let mut closed = 0;
    for tenant in awake {
        if surroundings.roomy() {
            break;
        }
        tenant.rest(Duration::ZERO).await;
        closed += usize::from(tenant.sleep_if_unused().await);
    }
    closed
}
