//! The control database: whatever people do at the console works on PostgreSQL as it does on SQLite.

use std::process::Command;

use tests::{POSTGRES_VARIABLE, Postgres};

/// What asks the control database for something.
const SUITE: &[&str] = &[
    "access::",
    "accounts::",
    "backups::",
    "domains::",
    "edge::",
    "erasing::",
    "killed::",
    "mail::",
    "numbers::",
    "operator::",
    "people::",
    "plans::",
    "projects::",
    "providers::",
    "quotas::",
    "recovery::",
    "second_factor::",
    "support::",
    "take_over::",
    "teams::",
    "unverified::",
];

/// What mostly makes a hundred backends, which says nothing about this database.
const LEFT_OUT: &str = "two_hundred_projects";

/// Runs those tests again, every platform with a database on a PostgreSQL server.
#[test]
fn everything_works_on_postgresql_too() {
    let Some(postgres) = Postgres::start() else {
        assert!(std::env::var_os("CI").is_none(), "PostgreSQL is not installed");
        eprintln!("SKIPPED: PostgreSQL is not installed (Debian's package `postgresql`)");
        return;
    };
    let this = std::env::current_exe().expect("the name of this program");
    let run = Command::new(this)
        .args(SUITE)
        .args(["--test-threads", "4", "--skip", LEFT_OUT])
        .env(POSTGRES_VARIABLE, postgres.dir())
        .output();
    let run = run.expect("the tests run");
    let said = String::from_utf8_lossy(&run.stdout);
    assert!(run.status.success(), "on PostgreSQL:\n{said}");
}
