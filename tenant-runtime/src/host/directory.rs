//! The host's directory: one folder a tenant, written so that a crash leaves each tenant whole or absent.
//!
//! ```text
//! <dir>/<id>/tenant.json     what is wished, and which data directory is the current one
//! <dir>/<id>/usage.json      what was used; only a statistic, so never synced
//! <dir>/<id>/data-1/         a PocketBase `pb_data`; `data-2` and so on after a restore
//! <dir>/<id>/copies/         archives to be fetched, and data restored aside
//! <dir>/<id>.new             a tenant being created: renamed to `<id>` when complete
//! <dir>/<id>.gone            a tenant being removed
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::copies::CopyName;
use super::spec::{TenantId, TenantSpec};
use super::usage::Remembered;

/// Where all tenants of a host live.
///
/// Whoever holds its lock may create, change and remove tenants. Whether a tenant may be opened is a matter of that
/// tenant's own lock: for a while, two hosts may look at one directory.
pub(super) struct Directory {
    path: PathBuf,
    lock: File,
}

/// What `tenant.json` says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct TenantFile {
    /// The current data directory. Switching to another one is one atomic rewrite of this file.
    pub(super) data: DataName,
    /// The data before the last restore, or the data that was restored before that was undone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) other: Option<DataName>,
    /// The restore that brought the newest data.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) restored: Option<CopyName>,
    /// The wish as last accepted, without the first superuser.
    pub(super) spec: TenantSpec,
}

/// The name of a data directory: `data-1`, `data-2` and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub(super) struct DataName(u32);

impl DataName {
    /// A new tenant's.
    pub(super) const FIRST: DataName = DataName(1);

    /// The name after this one and another.
    pub(super) fn after(self, other: Option<DataName>) -> DataName {
        DataName(other.map_or(self.0, |other| other.0.max(self.0)).saturating_add(1))
    }
}

impl From<DataName> for String {
    fn from(name: DataName) -> String {
        format!("data-{}", name.0)
    }
}

impl TryFrom<String> for DataName {
    type Error = String;

    fn try_from(text: String) -> Result<DataName, String> {
        let number = text.strip_prefix("data-").and_then(|number| number.parse().ok());
        number.map(DataName).ok_or_else(|| format!("`{text}` is not the name of a data directory"))
    }
}

impl Directory {
    /// Opens the directory, making it if it is absent.
    pub(super) fn open(path: &Path) -> io::Result<Directory> {
        private_dir(path)?;
        Ok(Directory { path: path.to_owned(), lock: File::open(path)? })
    }

    /// Locks the directory, and removes what an interrupted creation or removal left.
    pub(super) fn own(&self) -> io::Result<()> {
        self.lock.try_lock()?;
        for name in self.folders()? {
            if let Some((id, "new" | "gone")) = name.split_once('.')
                && id.parse::<TenantId>().is_ok()
            {
                tracing::info!("removing the leftover {name}");
                fs::remove_dir_all(self.path.join(name))?;
            }
        }
        Ok(())
    }

    /// Lets another host own it.
    pub(super) fn give_up(&self) -> io::Result<()> {
        self.lock.unlock()
    }

    /// Lists the tenants without reading any of them.
    pub(super) fn tenants(&self) -> io::Result<Vec<TenantId>> {
        Ok(self.folders()?.iter().filter_map(|name| name.parse().ok()).collect())
    }

    fn folders(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                names.extend(entry.file_name().into_string());
            }
        }
        Ok(names)
    }

    /// Where a tenant's data is.
    pub(super) fn data(&self, id: TenantId, name: DataName) -> PathBuf {
        self.tenant(id).join(String::from(name))
    }

    /// Whether a tenant's database is where it should be; opening it would otherwise begin an empty one.
    pub(super) fn holds_data(&self, id: TenantId, name: DataName) -> bool {
        self.data(id, name).join("data.db").is_file()
    }

    /// Reads what is wished of a tenant and what it used.
    pub(super) fn read(&self, id: TenantId) -> io::Result<(TenantFile, Remembered)> {
        let tenant = self.tenant(id);
        let file = serde_json::from_slice(&fs::read(tenant.join("tenant.json"))?)?;
        let usage = fs::read(tenant.join("usage.json")).ok();
        let usage = usage.and_then(|text| serde_json::from_slice(&text).ok());
        Ok((file, usage.unwrap_or_default()))
    }

    /// Replaces what is wished of a tenant: after a crash the file is the old one or the new one.
    pub(super) fn write(&self, file: &TenantFile) -> io::Result<()> {
        write_synced(&self.tenant(file.spec.id).join("tenant.json"), &serde_json::to_vec_pretty(file)?)
    }

    /// Removes data from before a tenant's that it does not name any more: a crash came between the note and the removal.
    pub(super) fn forget_leftovers(&self, file: &TenantFile) -> io::Result<()> {
        for entry in fs::read_dir(self.tenant(file.spec.id))? {
            let name = entry?.file_name().into_string().ok().and_then(|name| DataName::try_from(name).ok());
            if let Some(name) = name.filter(|name| *name < file.data && Some(*name) != file.other) {
                fs::remove_dir_all(self.data(file.spec.id, name)).or_else(unless_absent)?;
            }
        }
        Ok(())
    }

    /// Remembers what a tenant used.
    pub(super) fn write_usage(&self, id: TenantId, usage: &Remembered) -> io::Result<()> {
        let tenant = self.tenant(id);
        fs::write(tenant.join("usage.tmp"), serde_json::to_vec(usage)?)?;
        fs::rename(tenant.join("usage.tmp"), tenant.join("usage.json"))
    }

    /// Begins a tenant: an empty data directory where no one looks for tenants yet.
    pub(super) fn draft(&self, id: TenantId) -> io::Result<PathBuf> {
        let draft = self.path.join(format!("{id}.new"));
        fs::remove_dir_all(&draft).or_else(unless_absent)?;
        private_dir(&draft)?;
        let data = draft.join(String::from(DataName::FIRST));
        private_dir(&data)?;
        Ok(data)
    }

    /// Completes a tenant whose data is ready: the rename is the moment from which on it exists.
    pub(super) fn complete(&self, file: &TenantFile) -> io::Result<()> {
        let id = file.spec.id;
        let draft = self.path.join(format!("{id}.new"));
        sync_dir(&draft.join(String::from(DataName::FIRST)))?;
        write_synced(&draft.join("tenant.json"), &serde_json::to_vec_pretty(file)?)?;
        fs::rename(&draft, self.tenant(id))?;
        sync_dir(&self.path)
    }

    /// Removes a tenant: from the rename on it is gone, however long its files take.
    pub(super) fn remove(&self, id: TenantId) -> io::Result<()> {
        let gone = self.path.join(format!("{id}.gone"));
        fs::remove_dir_all(&gone).or_else(unless_absent)?;
        fs::rename(self.tenant(id), &gone).or_else(unless_absent)?;
        sync_dir(&self.path)?;
        if let Err(error) = fs::remove_dir_all(&gone).or_else(unless_absent) {
            tracing::warn!("what is left of {id} goes at the next start: {error}");
        }
        Ok(())
    }

    /// A tenant's own directory.
    pub(super) fn tenant(&self, id: TenantId) -> PathBuf {
        self.path.join(id.as_str())
    }
}

/// Writes a file beside its place, then renames it there; on return both file and name are on the disk.
pub(super) fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("tmp");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    path.parent().map_or(Ok(()), sync_dir)
}

pub(super) fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Makes a directory that only the host's user may enter.
pub(super) fn private_dir(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

pub(super) fn unless_absent(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leftovers_of_ours_go_and_everything_else_stays() {
        let dir = tempfile::tempdir().expect("a directory");
        for name in ["aaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbb.new", "ccccccccccccccc.gone", "notes.new", "lost+found"] {
            fs::create_dir(dir.path().join(name)).expect("makes a folder");
        }
        fs::write(dir.path().join("ddddddddddddddd"), "a file").expect("writes");
        let directory = Directory::open(dir.path()).expect("opens");
        directory.own().expect("is nobody's");
        assert_eq!(directory.tenants().expect("lists"), ["aaaaaaaaaaaaaaa".parse().expect("an id")]);
        let mut left: Vec<_> = fs::read_dir(dir.path())
            .expect("lists")
            .map(|entry| entry.expect("is listed").file_name().into_string().expect("is text"))
            .collect();
        left.sort();
        assert_eq!(left, ["aaaaaaaaaaaaaaa", "ddddddddddddddd", "lost+found", "notes.new"]);
    }

    #[test]
    fn two_hosts_never_own_a_directory() {
        let dir = tempfile::tempdir().expect("a directory");
        let [first, second] = [(); 2].map(|()| Directory::open(dir.path()).expect("opens"));
        first.own().expect("is nobody's");
        assert_eq!(second.own().expect_err("is refused").kind(), io::ErrorKind::WouldBlock);
        first.give_up().expect("is given up");
        second.own().expect("is nobody's");
    }

    #[test]
    fn a_data_directory_has_no_other_name() {
        assert!(serde_json::from_str::<DataName>("\"data-12\"").is_ok());
        for bad in ["\"data-\"", "\"../data-1\"", "\"data-1/..\"", "\"data--1\"", "1"] {
            assert!(serde_json::from_str::<DataName>(bad).is_err(), "{bad}");
        }
    }
}
