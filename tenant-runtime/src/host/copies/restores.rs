//! Restoring an archive aside, putting it in the place of the data, and going back.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use futures_util::StreamExt as _;
use http::{Request, StatusCode};
use tokio::io::AsyncWriteExt as _;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

use super::super::Host;
use super::super::answers::Refusal;
use super::super::closing::GRACE;
use super::super::directory::{DataName, TenantFile, sync_dir, unless_absent, write_synced};
use super::super::spec::TenantId;
use super::super::surroundings::Surroundings;
use super::super::tenant::Tenant;
use super::{CopyName, DataReport, RestoreReport, fingerprint};
use crate::backups::{self, Bounds, Unfit};
use crate::meter::Meter;

/// The archive as it came, where it is unpacked, and where it is once it is proven. What is told of it lies beside.
struct Places {
    archive: PathBuf,
    draft: PathBuf,
    ready: PathBuf,
    report: PathBuf,
}

impl Places {
    fn of(folder: &Path, name: &CopyName) -> Places {
        let at = |ending: &str| folder.join(format!("{name}-restore{ending}"));
        Places { archive: at(".zip"), draft: at(".part"), ready: at(""), report: at(".json") }
    }

    /// The folder gets its name last: what has it is complete.
    fn report(&self) -> Option<RestoreReport> {
        let report = self.ready.is_dir().then(|| fs::read(&self.report).ok()).flatten()?;
        serde_json::from_slice(&report).ok()
    }

    fn complete(&self, report: &RestoreReport) -> io::Result<()> {
        write_synced(&self.report, &serde_json::to_vec(report)?)?;
        fs::rename(&self.draft, &self.ready)?;
        self.ready.parent().map_or(Ok(()), sync_dir)?;
        fs::remove_file(&self.archive).or_else(unless_absent)
    }

    fn remove(&self) -> io::Result<()> {
        fs::remove_dir_all(&self.ready).or_else(unless_absent)?;
        fs::remove_dir_all(&self.draft).or_else(unless_absent)?;
        fs::remove_file(&self.report).or_else(unless_absent)?;
        fs::remove_file(&self.archive).or_else(unless_absent)
    }
}

impl Host {
    /// Takes an archive in and restores it aside: unpacked, checked, counted, opened. What the tenant has stays as it is. It
    /// is given up when nobody waits for it any more, or nothing may grow.
    pub(super) async fn prepare_restore(
        &self,
        id: TenantId,
        name: CopyName,
        archive: Body,
        gone: CancellationToken,
    ) -> Result<RestoreReport, Refusal> {
        let tenant = self.find(id)?;
        let _copying = tenant.copying.lock().await;
        let places = self.restore_places(id, name).await?;
        if let Some(report) = places.report() {
            return Ok(report);
        }
        self.surroundings()
            .on_disk({
                let places = Arc::clone(&places);
                move |_| places.remove()
            })
            .await??;
        let wanted = Wanted { surroundings: Arc::clone(self.surroundings()), gone };
        let proven = self.prove(&tenant, &places, archive, wanted).await;
        if proven.is_err() {
            self.surroundings().on_disk(move |_| places.remove()).await??;
        }
        proven
    }

    async fn prove(
        &self,
        tenant: &Arc<Tenant>,
        places: &Arc<Places>,
        archive: Body,
        wanted: Wanted,
    ) -> Result<RestoreReport, Refusal> {
        spool(archive, &places.archive, &wanted).await?;
        let file = tenant.file().await?;
        let (here, data, owner) = (Arc::clone(places), file.data, Arc::clone(tenant));
        let (surroundings, asked) = (Arc::clone(self.surroundings()), wanted.clone());
        let proving = self.surroundings().on_disk(move |directory| -> Result<RestoreReport, Unfit> {
            let (bytes, sha256) = fingerprint(&here.archive)?;
            let bounds = Bounds::of(&owner.usage.meter, &directory.data(owner.id, data), move || asked.check());
            let proof = backups::prove(&here.archive, &here.draft, surroundings.encryption_key.as_ref(), &bounds)?;
            Ok(RestoreReport { bytes, sha256, owner: proof.owner, census: proof.census })
        });
        let report = proving.await?.map_err(refusal)?;
        wanted.check().map_err(Unfit::from).map_err(refusal)?;
        let opened = (self.surroundings().launch)(places.draft.clone(), &file.spec, &Meter::default()).await;
        let backend = opened.map_err(|error| refusal(error.into()))?;
        let health = Request::get("/api/health").header("host", "localhost").body(Body::empty());
        let health = backend.service.clone().oneshot(health.map_err(|_| Refusal::Broken)?).await;
        backend.close().await;
        drop(backend);
        if !health.is_ok_and(|answer| answer.status() == StatusCode::OK) {
            return Err(Refusal::Unfit("the restored backend does not answer".to_owned()));
        }
        let (here, told) = (Arc::clone(places), report.clone());
        self.surroundings().on_disk(move |_| here.complete(&told)).await??;
        Ok(report)
    }

    /// Removes what was restored aside; whether it was there does not matter.
    pub(super) async fn discard_restore(&self, id: TenantId, name: CopyName) -> Result<(), Refusal> {
        let Ok(tenant) = self.find(id) else { return Ok(()) };
        let _copying = tenant.copying.lock().await;
        let places = self.restore_places(id, name).await?;
        Ok(self.surroundings().on_disk(move |_| places.remove()).await??)
    }

    /// Puts what was restored aside in the place of the data, unless the tenant may not have that much. Whoever asks twice
    /// finds it done, and nothing left of what a crash came between.
    pub(super) async fn switch(&self, id: TenantId, name: CopyName) -> Result<DataReport, Refusal> {
        let _turn = self.turn(id).await?;
        let tenant = self.find(id)?;
        let held = tenant.file().await?;
        if held.restored.as_ref() == Some(&name) {
            let report = report(&held);
            self.surroundings().on_disk(move |directory| directory.forget_leftovers(&held)).await??;
            return Ok(report);
        }
        let places = self.restore_places(id, name.clone()).await?;
        let moving = self.surroundings().on_disk({
            let (held, places) = (Arc::clone(&held), Arc::clone(&places));
            let tenant = Arc::clone(&tenant);
            move |directory| {
                let data = held.data.after(held.other);
                let home = directory.data(id, data);
                if places.ready.is_dir() {
                    backups::check_room(&tenant.usage.meter, &places.ready)?;
                    fs::remove_dir_all(&home).or_else(unless_absent)?;
                    fs::rename(&places.ready, &home)?;
                    sync_dir(&directory.tenant(id))?;
                } else if !(home.is_dir() && places.report.is_file()) {
                    // Otherwise this switch was interrupted right before it was written down.
                    return Err(io::Error::from(ErrorKind::NotFound).into());
                }
                Result::<_, Unfit>::Ok(data)
            }
        });
        let data = moving.await?.map_err(|unfit| match unfit {
            Unfit::Io(error) if error.kind() == ErrorKind::NotFound => Refusal::NoCopy,
            unfit => refusal(unfit),
        })?;
        let file = TenantFile { data, other: Some(held.data), restored: Some(name), ..(*held).clone() };
        let report = self.turn_to(&tenant, file, held.other).await?;
        self.surroundings().on_disk(move |_| places.remove()).await??;
        Ok(report)
    }

    /// Opens other data of a tenant from now on: the way back from a restore, and forth again.
    pub(super) async fn choose_data(&self, id: TenantId, data: DataName) -> Result<DataReport, Refusal> {
        let _turn = self.turn(id).await?;
        let tenant = self.find(id)?;
        let held = tenant.file().await?;
        if held.data == data {
            return Ok(report(&held));
        }
        if held.other != Some(data) {
            return Err(Refusal::NoCopy);
        }
        let file = TenantFile { data, other: Some(held.data), ..(*held).clone() };
        self.turn_to(&tenant, file, None).await
    }

    /// Removes data a tenant had before; whether it was there does not matter.
    pub(super) async fn forget_data(&self, id: TenantId, data: DataName) -> Result<DataReport, Refusal> {
        let _turn = self.turn(id).await?;
        let tenant = self.find(id)?;
        let held = tenant.file().await?;
        if held.other != Some(data) {
            return Ok(report(&held));
        }
        let file = TenantFile { other: None, ..(*held).clone() };
        self.write_down(&tenant, file.clone(), Some(data)).await?;
        Ok(report(&file))
    }

    /// The moment of a restore is when `tenant.json` is written; who wakes the tenant afterwards opens the new data.
    async fn turn_to(
        &self,
        tenant: &Arc<Tenant>,
        file: TenantFile,
        gone: Option<DataName>,
    ) -> Result<DataReport, Refusal> {
        let report = report(&file);
        self.write_down(tenant, file, gone).await?;
        tenant.stop(GRACE).await;
        tenant.forgive();
        tenant.measure_anew().await;
        tenant.tell();
        Ok(report)
    }

    async fn write_down(&self, tenant: &Tenant, file: TenantFile, gone: Option<DataName>) -> Result<(), Refusal> {
        let (id, written) = (tenant.id, file.clone());
        self.surroundings()
            .on_disk(move |directory| {
                directory.write(&written)?;
                gone.map_or(Ok(()), |gone| fs::remove_dir_all(directory.data(id, gone)).or_else(unless_absent))
            })
            .await??;
        tenant.set_file(file);
        Ok(())
    }

    async fn restore_places(&self, id: TenantId, name: CopyName) -> Result<Arc<Places>, Refusal> {
        let folder = self.surroundings().on_disk(move |directory| directory.copies(id)).await??;
        Ok(Arc::new(Places::of(&folder, &name)))
    }
}

fn report(file: &TenantFile) -> DataReport {
    DataReport { data: file.data.into(), other: file.other.map(String::from) }
}

/// Whether a restore is to go on.
#[derive(Clone)]
struct Wanted {
    surroundings: Arc<Surroundings>,
    /// Cancelled when nobody waits for it any more.
    gone: CancellationToken,
}

impl Wanted {
    fn check(&self) -> io::Result<()> {
        if self.surroundings.growth.check_allowed().is_err() {
            return Err(ErrorKind::StorageFull.into());
        }
        if self.gone.is_cancelled() { Err(ErrorKind::Interrupted.into()) } else { Ok(()) }
    }
}

fn refusal(unfit: Unfit) -> Refusal {
    match unfit {
        Unfit::Io(error) => error.into(),
        // Nothing is known of the archive for want of room.
        Unfit::Database(error) if error.is_disk_full() => Refusal::DiskFull,
        unfit => Refusal::Unfit(unfit.to_string()),
    }
}

async fn spool(body: Body, target: &Path, wanted: &Wanted) -> Result<(), Refusal> {
    let mut file = tokio::fs::File::create(target).await?;
    let mut chunks = body.into_data_stream();
    loop {
        wanted.check().map_err(Unfit::from).map_err(refusal)?;
        let chunk = tokio::select! {
            chunk = chunks.next() => chunk,
            () = wanted.gone.cancelled() => continue,
        };
        let Some(chunk) = chunk else { break };
        let chunk = chunk.map_err(|error| Refusal::Invalid(format!("The archive broke off: {error}")))?;
        file.write_all(&chunk).await?;
    }
    Ok(file.flush().await?)
}
