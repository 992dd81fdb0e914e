//! What the operating system says about this machine and this process.

use std::fs;
use std::path::Path;

use serde::Serialize;
use utoipa::ToSchema;

use crate::database::number;

/// Memory of the machine, and what of it this process has
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Memory {
    total_bytes: i64,
    /// What programs can still get.
    available_bytes: i64,
    /// What this process has.
    resident_bytes: i64,
}

/// How busy the processors are
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Load {
    /// Programs that ran or wanted to, on average over the last minute.
    one: f64,
    /// The same over the last five minutes.
    five: f64,
    /// The same over the last fifteen minutes.
    fifteen: f64,
    cores: i64,
}

/// Files and connections this process has open
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct OpenFiles {
    open: i64,
    /// How many it may have.
    limit: i64,
}

/// The disk a directory is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Disk {
    pub(super) total_bytes: u64,
    /// What this process may still fill.
    pub(super) free_bytes: u64,
    /// How many files it may hold; 0 where nothing but its bytes is a bound.
    pub(super) total_files: u64,
    pub(super) free_files: u64,
}

pub(super) fn memory() -> Memory {
    let machine = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let process = fs::read_to_string("/proc/self/status").unwrap_or_default();
    Memory {
        total_bytes: kibibytes(&machine, "MemTotal:"),
        available_bytes: kibibytes(&machine, "MemAvailable:"),
        resident_bytes: kibibytes(&process, "VmRSS:"),
    }
}

pub(super) fn load() -> Load {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mut numbers = text.split_whitespace().map(|word| word.parse().unwrap_or_default());
    let mut next = || numbers.next().unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(1, |cores| i64::try_from(cores.get()).unwrap_or(1));
    Load { one: next(), five: next(), fifteen: next(), cores }
}

pub(super) fn open_files() -> OpenFiles {
    let open = fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let limit = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    OpenFiles { open: number(open), limit: limit.unwrap_or_default() }
}

pub(super) fn disk(dir: &Path) -> std::io::Result<Disk> {
    let disk = rustix::fs::statvfs(dir)?;
    Ok(Disk {
        total_bytes: disk.f_blocks.saturating_mul(disk.f_frsize),
        free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
        total_files: disk.f_files,
        free_files: disk.f_favail,
    })
}

/// The number on a line such as `VmRSS:  1024 kB`, in bytes.
fn kibibytes(text: &str, name: &str) -> i64 {
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.split_whitespace().next()?.parse::<i64>().ok()).unwrap_or_default() * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_described() {
        let memory = memory();
        assert!(memory.resident_bytes > 0 && memory.resident_bytes < memory.total_bytes, "{memory:?}");
        assert!(load().cores > 0);
        let files = open_files();
        assert!(files.open > 2 && files.open < files.limit, "{files:?}");
        let disk = disk(Path::new("/")).expect("there is a disk");
        assert!(disk.free_bytes <= disk.total_bytes && disk.free_files <= disk.total_files, "{disk:?}");
    }
}
