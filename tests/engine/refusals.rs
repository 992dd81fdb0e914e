//! Directories that are not ours to open: refused with a reason, and left as they are to the last byte.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use tests::Make;

use crate::garden::{ADMIN, PASSWORD};

#[test]
fn a_database_of_something_else_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    sqlite(&dir.path().join("data.db"), "CREATE TABLE t (x); INSERT INTO t VALUES (1);");
    is_refused(dir.path(), "it is no PocketBase data directory");
}

#[test]
fn a_directory_older_than_the_present_layout_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    let old = "CREATE TABLE `_migrations` (file, applied); CREATE TABLE `_admins` (id);";
    sqlite(&dir.path().join("data.db"), old);
    is_refused(dir.path(), "of version 0.23 or later");
}

#[test]
fn what_is_no_database_is_refused() {
    let dir = tempfile::tempdir().expect("a directory");
    fs::write(dir.path().join("data.db"), "not a database, ".repeat(1000)).expect("is written");
    is_refused(dir.path(), "the database is damaged");
}

#[test]
fn a_directory_of_a_newer_version_is_refused_whatever_shows_it() {
    for (newer, reason) in [
        ("INSERT INTO `_migrations` VALUES ('1999999999_next.go', 1)", "a newer version of PocketBase made it"),
        ("UPDATE `_collections` SET `type` = 'graph' WHERE `name` = 'users'", "the type of the collection users"),
        (
            "UPDATE `_collections` SET `fields` = json_insert(`fields`, '$[#]', json('{\"type\":\"vector\",\"name\":\"v\",\
             \"id\":\"v1\"}')) WHERE `name` = 'users'",
            "a field of the collection users",
        ),
        ("UPDATE `_params` SET `value` = 'b64AAAA==' WHERE `id` = 'settings'", "missing encryption key"),
    ] {
        let dir = tempfile::tempdir().expect("a directory");
        Make::Ours.upsert_superuser(dir.path(), ADMIN, PASSWORD);
        // In the log only, as a crash would leave it.
        sqlite(&dir.path().join("data.db"), &format!(".dbconfig no_ckpt_on_close on\n{newer};"));
        assert!(dir.path().join("data.db-wal").metadata().expect("a log").len() > 0);
        is_refused(dir.path(), reason);
    }
}

#[test]
fn a_script_of_the_user_does_not_make_a_directory_newer() {
    let dir = tempfile::tempdir().expect("a directory");
    Make::Ours.upsert_superuser(dir.path(), ADMIN, PASSWORD);
    sqlite(&dir.path().join("data.db"), "INSERT INTO `_migrations` VALUES ('1999999999_created_posts.js', 1);");
    Make::Ours.serve(dir.path()).stop();
}

/// Every command refuses the directory, says why, and changes nothing.
fn is_refused(dir: &Path, reason: &str) {
    fs::create_dir_all(dir.join(".pb_temp_to_delete")).expect("a folder");
    fs::write(dir.join(".pb_temp_to_delete/mine"), "kept").expect("a file");
    let before = contents(dir);
    for command in [&["serve", "--http", "127.0.0.1:0"][..], &["superuser", "upsert", ADMIN, PASSWORD]] {
        let done = Make::Ours.run(dir, command);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(!done.status.success() && said.contains(reason), "{reason}: {said}");
        let after = contents(dir);
        assert_eq!(before.keys().collect::<Vec<_>>(), after.keys().collect::<Vec<_>>(), "{reason}");
        assert!(before == after, "{reason}: something was written");
    }
}

/// Every file with its bytes. The index of the log is no data: each process makes it anew.
fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).expect("lists") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else if !path.to_string_lossy().ends_with("-shm") {
            found.insert(path.to_string_lossy().into_owned(), fs::read(&path).expect("reads"));
        }
    }
    found
}

fn sqlite(database: &Path, script: &str) {
    let mut process = Command::new("sqlite3").arg(database).stdin(Stdio::piped()).stdout(Stdio::null()).spawn();
    let process = process.as_mut().expect("sqlite3 is installed");
    process.stdin.take().expect("a pipe").write_all(script.as_bytes()).expect("takes the script");
    assert!(process.wait().expect("ends").success());
}
