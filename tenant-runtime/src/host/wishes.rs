//! Makes wishes true: creating, changing and removing tenants, each step of which may be the last one before a crash.
//!
//! Wishes for one tenant take turns. Each runs to its end even if whoever stated it goes away.

use std::sync::Arc;

use super::Host;
use super::answers::Refusal;
use super::closing::GRACE;
use super::directory::{DataName, TenantFile};
use super::spec::{Generation, Isolation, TenantId, TenantReport, TenantSpec, Wanted};
use super::tenant::Tenant;
use super::usage::{Remembered, Sizes, database_bytes};
use crate::meter::Meter;

impl Host {
    /// Creates or changes a tenant.
    pub(super) async fn put(self, spec: TenantSpec) -> Result<TenantReport, Refusal> {
        if spec.isolation == Isolation::Process {
            return Err(Refusal::IsolationUnavailable);
        }
        let _turn = self.turn(spec.id).await?;
        let tenant = match self.find(spec.id) {
            Ok(tenant) => {
                self.change(&tenant, spec).await?;
                tenant
            }
            Err(_) => self.create(spec).await?,
        };
        Ok(tenant.report())
    }

    async fn create(&self, mut spec: TenantSpec) -> Result<Arc<Tenant>, Refusal> {
        let surroundings = self.surroundings();
        let id = spec.id;
        let first_superuser = spec.first_superuser.take();
        let _room = surroundings.room().await?;
        let data = surroundings.on_disk(move |directory| directory.draft(id)).await??;
        let backend = (surroundings.launch)(data.clone(), &spec, &Meter::default()).await.map_err(|error| {
            tracing::error!(tenant = %id, "not created: {error}");
            Refusal::StorageFailed
        })?;
        let seeded = match first_superuser {
            Some(superuser) => backend.put_superuser(superuser).await,
            None => Ok(()),
        };
        backend.close().await;
        drop(backend);
        seeded?;
        let file = TenantFile { data: DataName::FIRST, other: None, restored: None, spec };
        let written = file.clone();
        let sizes = surroundings
            .on_disk(move |directory| {
                let sizes = Sizes { database_bytes: database_bytes(&data), ..Sizes::default() };
                directory.complete(&written).map(|()| sizes)
            })
            .await??;
        let tenant = Arc::new(Tenant::new(id, surroundings));
        tenant.usage.recall(Remembered { sizes, ..Remembered::default() });
        tenant.set_file(file);
        self.insert(&tenant);
        tenant.tell();
        Ok(tenant)
    }

    async fn change(&self, tenant: &Arc<Tenant>, mut spec: TenantSpec) -> Result<(), Refusal> {
        let held = tenant.file().await?;
        if spec.generation < held.spec.generation {
            return Err(Refusal::StaleGeneration);
        }
        spec.first_superuser = None;
        if spec == held.spec {
            return Ok(());
        }
        let file = TenantFile { spec, ..(*held).clone() };
        let written = file.clone();
        self.surroundings().on_disk(move |directory| directory.write(&written)).await??;
        let stops = file.spec.state != Wanted::Running;
        tenant.set_file(file);
        if stops {
            tenant.stop(GRACE).await;
        }
        tenant.tell();
        Ok(())
    }

    /// Removes a tenant and its data, unless it is wished to run. One that is not there is removed already.
    pub(super) async fn remove(self, id: TenantId, generation: Generation) -> Result<(), Refusal> {
        let _turn = self.turn(id).await?;
        let Ok(tenant) = self.find(id) else { return Ok(()) };
        let held = tenant.file().await?;
        if generation < held.spec.generation {
            return Err(Refusal::StaleGeneration);
        }
        if held.spec.state == Wanted::Running {
            return Err(Refusal::StillWanted);
        }
        tenant.set_removed(true);
        tenant.stop(GRACE).await;
        let removed = self.surroundings().on_disk(move |directory| directory.remove(id)).await;
        if let Err(error) = removed? {
            tenant.set_removed(false);
            return Err(error.into());
        }
        self.forget(id);
        Ok(())
    }
}
