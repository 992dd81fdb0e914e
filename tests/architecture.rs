//! Rules about the code itself: which crate may know which, and which layer of the engine may use which.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::MetadataCommand;

/// Whom each crate of ours may depend on.
const CRATES: &[(&str, &[&str])] = &[
    ("control-plane", &["dashboard", "proxy", "tenant-runtime"]),
    ("dashboard", &[]),
    ("proxy", &[]),
    ("tenant-runtime", &[]),
    ("tests", &[]),
];

/// Modules of the engine that may not be used by those below them: `host` knows `http`, never the other way round.
const LAYERS: &[&[&str]] = &[
    &["json", "meter", "error", "client_address", "service"],
    &["store"],
    &["schema"],
    &["rules"],
    &[
        "records",
        "auth",
        "files",
        "hooks",
        "mail",
        "settings",
        "app",
        "realtime",
        "collections",
        "superusers",
        "logs",
        "cron",
        "backups",
    ],
    &["http"],
    &["host", "server"],
    &["cli"],
];

/// Upward uses that are known, each with its reason. New ones fail.
const KNOWN_UPWARD: &[(&str, &str)] = &[
    // Definitions are checked and stored with the same dates, patterns and column texts records have.
    ("schema", "records"),
    // A definition's rules are compiled before it is stored.
    ("schema", "rules"),
    ("schema", "app"),
    ("schema", "settings"),
    // The app is what puts the layers together, and hands out the router.
    ("app", "http"),
    // Query parameters and projections are read in one way, wherever they come from.
    ("auth", "http"),
    ("records", "http"),
    ("realtime", "http"),
    // A new directory gets the file of the logs, too.
    ("schema", "logs"),
];

#[test]
fn crates_depend_on_each_other_in_one_direction() {
    let metadata = MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().expect("metadata");
    let ours: BTreeSet<String> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    let allowed: HashMap<&str, &[&str]> = CRATES.iter().copied().collect();
    for package in &metadata.packages {
        let name = package.name.to_string();
        let allowed = allowed.get(name.as_str()).unwrap_or_else(|| panic!("{name} has no entry in CRATES"));
        for dependency in package.dependencies.iter().filter(|dependency| ours.contains(&dependency.name)) {
            assert!(allowed.contains(&dependency.name.as_str()), "{name} must not know {}", dependency.name);
        }
    }
}

#[test]
fn layers_of_the_engine_look_down_only() {
    let level: BTreeMap<&str, usize> =
        LAYERS.iter().enumerate().flat_map(|(level, names)| names.iter().map(move |name| (*name, level))).collect();
    let source = root().join("tenant-runtime/src");
    let mut upward = BTreeSet::new();
    for file in rust_files(&source) {
        let module = module_of(&source, &file);
        let Some(&own) = level.get(module.as_str()) else { continue };
        for used in uses(&fs::read_to_string(&file).expect("readable")) {
            let Some(&other) = level.get(used.as_str()) else { continue };
            let known = KNOWN_UPWARD.contains(&(module.as_str(), used.as_str()));
            if other > own && !known {
                upward.insert(format!("{module} uses {used} ({})", file.display()));
            }
        }
    }
    assert!(upward.is_empty(), "{upward:#?}");
}

#[test]
fn the_filter_language_does_no_io() {
    for file in rust_files(&root().join("tenant-runtime/src/rules")) {
        if file.components().any(|part| part.as_os_str() == "tests") {
            continue;
        }
        let text = fs::read_to_string(&file).expect("readable");
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        for word in ["rusqlite", "axum", "tokio", "std::fs", "std::net"] {
            assert!(!product.contains(word), "{} mentions {word}", file.display());
        }
    }
}

#[test]
fn one_crypto_provider_is_linked() {
    let output = std::process::Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--edges", "normal,build", "--prefix", "none", "--format", "{p}"])
        .current_dir(root())
        .output()
        .expect("cargo tree runs");
    let tree = String::from_utf8_lossy(&output.stdout);
    assert!(tree.lines().any(|line| line.starts_with("aws-lc-rs ")), "the tree is readable");
    assert!(!tree.lines().any(|line| line.starts_with("ring ")), "ring is linked");
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The top-level module a file belongs to.
fn module_of(source: &Path, file: &Path) -> String {
    let inside = file.strip_prefix(source).expect("inside the crate");
    let first = inside.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The top-level modules a file uses by `use crate::…`, tests left out.
fn uses(text: &str) -> BTreeSet<String> {
    let product = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = product
        .lines()
        .map(str::trim)
        .filter_map(|line| line.strip_prefix("pub ").unwrap_or(line).strip_prefix("use crate::"));
    lines.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()).collect()
}
