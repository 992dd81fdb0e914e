//! Tenants as files, without a host: copied while one may serve them, and put into a directory nobody serves. Copies of
//! the whole platform are made of this.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};
use serde::{Deserialize, Serialize};

use super::directory::{DataName, Directory, TenantFile, unless_absent};
use super::spec::{TenantId, TenantSpec};
use crate::backups::{self, Bounds, Census, offline};

/// A directory of tenants. Everything about it blocks.
pub struct OfflineHost(Directory);

/// What belongs to a tenant beside its data.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TenantRecord {
    /// What is wished of it.
    pub spec: TenantSpec,
    /// What its host remembers of it, such as when it wants to be woken.
    pub usage: serde_json::Value,
}

/// A tenant's archive, and what a restored copy of it holds: it was restored to find that out.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantCopy {
    /// What belongs to the tenant.
    pub record: TenantRecord,
    /// What is in the archive.
    pub census: Census,
}

impl OfflineHost {
    /// The directory at a path, made if it is absent.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn at(path: &Path) -> std::io::Result<OfflineHost> {
        Directory::open(path).map(OfflineHost)
    }

    /// The tenants that are complete.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn tenants(&self) -> std::io::Result<Vec<TenantId>> {
        let mut tenants = self.0.tenants()?;
        tenants.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        Ok(tenants)
    }

    /// Whether a tenant is there.
    pub fn has(&self, id: TenantId) -> bool {
        self.0.tenant(id).is_dir()
    }

    /// Writes a tenant's data into a new archive, whether or not somebody writes to it, and restores that in a folder that
    /// is made for it and removed.
    ///
    /// # Errors
    /// When the data cannot be read, or the archive could not be restored.
    pub fn copy(&self, id: TenantId, archive: &Path, scratch: &Path) -> anyhow::Result<TenantCopy> {
        let (file, usage) = self.0.read(id).context("read what is wished of it")?;
        ensure!(self.0.holds_data(id, file.data), "its database is not where it should be");
        offline::write(&self.0.data(id, file.data), archive, id.as_str()).context("write its archive")?;
        let proof = backups::prove(archive, scratch, None, &Bounds::none()).context("restore its archive aside");
        fs::remove_dir_all(scratch).or_else(unless_absent)?;
        let proof = proof?;
        ensure!(proof.owner == id.as_str(), "its archive is another tenant's");
        let record = TenantRecord { spec: file.spec, usage: serde_json::to_value(usage)? };
        Ok(TenantCopy { record, census: proof.census })
    }

    /// Makes a tenant of an archive. It is there whole, or not at all.
    ///
    /// # Errors
    /// When the archive is another tenant's, is damaged, or holds something else than was counted.
    pub fn take_in(&self, copy: TenantCopy, archive: &Path) -> anyhow::Result<()> {
        let spec = copy.record.spec;
        let id = spec.id;
        let data = self.0.draft(id)?;
        fs::remove_dir(&data)?;
        let proof = backups::prove(archive, &data, None, &Bounds::none())?;
        ensure!(proof.owner == id.as_str(), "the archive is another tenant's");
        ensure!(proof.census == copy.census, "the archive holds other records or files than were backed up");
        let usage = serde_json::from_value(copy.record.usage).unwrap_or_default();
        self.0.complete(&TenantFile { data: DataName::FIRST, other: None, restored: None, spec })?;
        Ok(self.0.write_usage(id, &usage)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::layout;

    fn tenant(id: &str) -> TenantSpec {
        let wish = format!(
            r#"{{"id":"{id}","generation":1,"state":"running","publicUrl":"https://orchard.example.com","appName":"orchard"}}"#
        );
        serde_json::from_str(&wish).expect("a wish")
    }

    #[test]
    fn a_tenant_moves_whole_and_under_its_own_name_only() {
        let dir = tempfile::tempdir().expect("a directory");
        let (here, there) = (OfflineHost::at(&dir.path().join("a")), OfflineHost::at(&dir.path().join("b")));
        let (here, there) = (here.expect("opens"), there.expect("opens"));
        let spec = tenant("abcdefghij12345");
        let id = spec.id;
        let data = here.0.draft(id).expect("makes a draft");
        drop(layout::open(&data, None, None).expect("makes the tables"));
        let file = TenantFile { data: DataName::FIRST, other: None, restored: None, spec };
        here.0.complete(&file).expect("completes");

        let archive = dir.path().join("copy.zip");
        let copy = here.copy(id, &archive, &dir.path().join("scratch")).expect("copies");
        assert!(!dir.path().join("scratch").exists());
        let mut foreign = copy.clone();
        foreign.record.spec = tenant("bbbbbbbbbb12345");
        assert!(there.take_in(foreign, &archive).is_err());
        there.take_in(copy, &archive).expect("takes it in");
        assert_eq!((there.tenants().expect("lists"), there.has(id)), (vec![id], true));
        assert_eq!(there.0.read(id).expect("reads").0, file);
    }
}
