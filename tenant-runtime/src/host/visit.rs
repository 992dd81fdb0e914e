//! A tenant opened for work of the host's own, such as a backup: whoever looks sees it asleep as before, nothing that is
//! due is begun, and it may even be suspended. The first request that comes meanwhile finds it open and makes it awake.

use std::sync::Arc;

use tokio::sync::OwnedRwLockReadGuard;

use super::answers::Refusal;
use super::tenant::{Running, Tenant};

/// Keeps a tenant open, whether or not it is awake.
pub(super) struct Visit {
    running: OwnedRwLockReadGuard<Option<Running>, Running>,
}

impl Visit {
    /// What is open.
    pub(super) fn running(&self) -> &Running {
        &self.running
    }
}

impl Tenant {
    /// Opens the tenant if it is closed, without waking it.
    pub(super) async fn visit(self: &Arc<Self>) -> Result<Visit, Refusal> {
        loop {
            // Waits for whoever is opening or closing.
            let slot = self.slot().read_owned().await;
            if let Ok(running) = OwnedRwLockReadGuard::try_map(slot, Option::as_ref) {
                return Ok(Visit { running });
            }
            if let Ok(mut slot) = self.slot().try_write_owned() {
                let tenant = Arc::clone(self);
                let opening = tokio::spawn(async move {
                    tenant.open_quietly(&mut slot).await?;
                    Ok::<_, Refusal>(slot.downgrade())
                });
                let slot = opening.await.map_err(|_| Refusal::Broken)??;
                if let Ok(running) = OwnedRwLockReadGuard::try_map(slot, Option::as_ref) {
                    return Ok(Visit { running });
                }
            }
        }
    }

    /// Ends a visit; a tenant that nobody else used meanwhile is closed again.
    pub(super) async fn leave(self: &Arc<Self>, visit: Visit) {
        drop(visit);
        if self.is_quiet() {
            self.sleep_if_unused().await;
        }
    }
}
