//! Making an archive, fetching it, and removing it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Body;
use tokio_util::io::ReaderStream;
use tokio_util::sync::CancellationToken;

use super::super::Host;
use super::super::answers::Refusal;
use super::super::directory::{sync_dir, unless_absent, write_synced};
use super::super::spec::TenantId;
use super::super::tenant::Tenant;
use super::super::visit::Visit;
use super::{ArchiveReport, CHUNK, CopyName, fingerprint};
use crate::backups::{self, Archived, Key};

/// Where an archive lies, what is told of it, and where it is written.
struct Places {
    archive: PathBuf,
    report: PathBuf,
    draft: PathBuf,
}

impl Places {
    fn of(folder: &Path, name: &CopyName) -> Places {
        let file = |extension: &str| folder.join(format!("{name}.{extension}"));
        Places { archive: file("zip"), report: file("json"), draft: file("part") }
    }

    /// The report is written last: what has one is complete.
    fn report(&self) -> Option<ArchiveReport> {
        serde_json::from_slice(&fs::read(&self.report).ok()?).ok()
    }

    fn complete(&self, written: Archived) -> io::Result<ArchiveReport> {
        let (bytes, sha256) = fingerprint(&self.draft)?;
        let report = ArchiveReport { bytes, sha256, census: written.census, exact: written.exact };
        fs::rename(&self.draft, &self.archive)?;
        self.archive.parent().map_or(Ok(()), sync_dir)?;
        write_synced(&self.report, &serde_json::to_vec(&report)?)?;
        Ok(report)
    }

    fn remove(&self) -> io::Result<()> {
        [&self.report, &self.archive, &self.draft]
            .into_iter()
            .try_for_each(|file| fs::remove_file(file).or_else(unless_absent))
    }
}

impl Host {
    /// Makes an archive of a tenant, awake or asleep, without waking it. One that was made under this name is it.
    /// It is given up when nobody waits for it any more, or nothing may grow.
    pub(super) async fn make_archive(
        &self,
        id: TenantId,
        name: CopyName,
        gone: CancellationToken,
    ) -> Result<ArchiveReport, Refusal> {
        let tenant = self.find(id)?;
        let _copying = tenant.copying.lock().await;
        let copy = name.clone();
        let (places, made) = self
            .surroundings()
            .on_disk(move |directory| {
                let places = Places::of(&directory.copies(id)?, &copy);
                let made = places.report();
                if made.is_none() {
                    places.remove()?;
                }
                io::Result::Ok((places, made))
            })
            .await??;
        if let Some(made) = made {
            return Ok(made);
        }
        self.surroundings().growth.check_allowed()?;
        let visit = tenant.visit().await?;
        let surroundings = Arc::clone(self.surroundings());
        let unwanted = move || gone.is_cancelled() || surroundings.growth.check_allowed().is_err();
        let written = write(&tenant, &visit, &name, &places, unwanted).await;
        tenant.leave(visit).await;
        let completed = match written {
            Ok(written) => {
                self.surroundings()
                    .on_disk(move |_| places.complete(written).inspect_err(|_| drop(places.remove())))
                    .await
            }
            Err(refusal) => {
                self.surroundings().on_disk(move |_| places.remove()).await??;
                self.surroundings().growth.check_allowed()?;
                return Err(refusal);
            }
        };
        Ok(completed??)
    }

    /// The bytes of an archive.
    pub(super) async fn open_archive(&self, id: TenantId, name: CopyName) -> Result<Body, Refusal> {
        self.find(id)?;
        let opening = self.surroundings().on_disk(move |directory| {
            let places = Places::of(&directory.copies(id)?, &name);
            fs::File::open(places.archive)
        });
        let file = opening.await?.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Refusal::NoCopy,
            _ => error.into(),
        })?;
        Ok(Body::from_stream(ReaderStream::with_capacity(tokio::fs::File::from_std(file), CHUNK)))
    }

    /// Removes an archive; whether it was there does not matter.
    pub(super) async fn remove_archive(&self, id: TenantId, name: CopyName) -> Result<(), Refusal> {
        let Ok(tenant) = self.find(id) else { return Ok(()) };
        let _copying = tenant.copying.lock().await;
        let removed =
            self.surroundings().on_disk(move |directory| Places::of(&directory.copies(id)?, &name).remove()).await?;
        Ok(removed?)
    }
}

async fn write(
    tenant: &Tenant,
    visit: &Visit,
    name: &CopyName,
    places: &Places,
    unwanted: impl Fn() -> bool + Send + 'static,
) -> Result<Archived, Refusal> {
    let running = visit.running();
    let app = running.backend.app.as_ref().ok_or(Refusal::NoCopy)?;
    let key = Key::parse(&format!("{name}.zip")).ok_or(Refusal::NoCopy)?;
    let (ending, closing) = (running.stream_end(), app.clone());
    let stop = move || ending.is_cancelled() || closing.is_closing() || unwanted();
    let archived = backups::archive(app, key, places.draft.clone(), tenant.id.as_str(), stop).await;
    archived.map_err(|error| match error {
        crate::Error::Io(error) => error.into(),
        error => error.into(),
    })
}
