//! A PostgreSQL server of Debian's package, as a process of its own in a directory that goes with it.

use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

/// Whom the server runs as where the tests are root, which it refuses to be.
const NOBODY: u32 = 65534;

/// A running server, reached by a socket in its directory.
pub struct Postgres {
    server: Child,
    dir: TempDir,
    programs: PathBuf,
}

impl Postgres {
    /// Starts a server, or says nothing if PostgreSQL is not installed.
    ///
    /// # Panics
    /// If it is installed and does not start.
    pub fn start() -> Option<Postgres> {
        let programs = programs()?;
        let dir = tempfile::tempdir().expect("a temporary directory");
        let is_root = std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0);
        if is_root {
            chown(dir.path(), Some(NOBODY), Some(NOBODY)).expect("the directory can be given away");
        }
        let command = |program: &str| {
            let mut command = Command::new(programs.join(program));
            command.current_dir(dir.path()).stdout(Stdio::null());
            if is_root {
                command.uid(NOBODY).gid(NOBODY);
            }
            command
        };
        let data = dir.path().join("data");
        let made =
            command("initdb").arg("-D").arg(&data).args(["-U", "roost", "-A", "trust", "-N", "-E", "UTF8"]).status();
        assert!(made.expect("initdb runs").success(), "initdb failed");
        let server = command("postgres")
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(dir.path())
            .args(["-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=300"])
            .stderr(Stdio::null())
            .spawn()
            .expect("postgres starts");
        let postgres = Postgres { server, dir, programs };
        assert!((0..600).any(|_| postgres.is_ready()), "PostgreSQL does not get ready");
        Some(postgres)
    }

    /// Where its socket is.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    fn is_ready(&self) -> bool {
        let asked =
            Command::new(self.programs.join("pg_isready")).arg("-h").arg(self.dir()).stdout(Stdio::null()).status();
        let is_ready = asked.is_ok_and(|status| status.success());
        if !is_ready {
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        is_ready
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A new database on the server whose socket is in a directory; its URL.
///
/// # Panics
/// If there is no such server.
pub fn new_database(dir: &Path, name: &str) -> String {
    let createdb = programs().expect("PostgreSQL is installed").join("createdb");
    let made = Command::new(createdb).arg("-h").arg(dir).args(["-U", "roost", name]).status();
    assert!(made.expect("createdb runs").success(), "createdb failed");
    format!("postgres://roost@localhost/{name}?host={}", dir.display())
}

/// Where Debian keeps the latest version's programs.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(Result::ok);
    let programs = versions.map(|version| version.path().join("bin")).filter(|bin| bin.join("initdb").exists());
    programs.max_by_key(|bin| bin.parent().and_then(|version| version.file_name()?.to_str()?.parse::<u32>().ok()))
}
