//! Filters, rules and sorts made by chance, against the language and the tables of a stock server's directory.
//!
//! Whatever the text: nothing panics, and what compiles is a statement that SQLite takes, with as many values as it has
//! places for them.

#![no_main]

use std::path::Path;
use std::process::Command;
use std::sync::{Arc, OnceLock};

use chrono::DateTime;
use libfuzzer_sys::fuzz_target;
use tenant_runtime::app::{App, AppOptions};
use tenant_runtime::auth::Hasher;
use tenant_runtime::error::{Error, Result};
use tenant_runtime::records::find;
use tenant_runtime::rules::{Access, AuthIdentity, Query, RequestInfo};
use tenant_runtime::schema::Collection;
use tenant_runtime::store::Pool;

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../data/stock-0.39.11.tar.gz");
/// What SQLite may say of a statement that is sound but too large for it.
const TOO_LARGE: [&str; 5] = ["at most 64 tables", "too large", "too complex", "interrupted", "too many"];
/// A view has no rows of its own; sorting by them is refused as on a stock server, when the query runs.
const NO_ROWS: &str = "no such column: overview._rowid_";

fuzz_target!(|data: &[u8]| {
    let [kind, base, text @ ..] = data else { return };
    let Ok(text) = std::str::from_utf8(text) else { return };
    let app = app();
    let schema = app.schema();
    let collections: Vec<_> = ["everything", "users", "trees", "overview"].map(|name| schema.by_name(name)).into();
    let Some(base) = collections[usize::from(*base) % collections.len()] else { return };
    let request = request(base);
    let mut query = Query::new(&schema, base, &request, DateTime::UNIX_EPOCH);
    let compiled = match kind % 6 {
        0 => query.client_filter(text, Access::Everyone).is_ok(),
        1 => query.client_filter(text, Access::Superuser).is_ok(),
        2 => query.client_sort(text, Access::Everyone).is_ok(),
        3 => query.client_sort(text, Access::Superuser).is_ok(),
        4 => query.rule(text).is_ok(),
        _ => query.rule(text).is_ok() && query.client_filter(text, Access::Everyone).is_ok(),
    };
    if !compiled {
        return;
    }
    let select = query.finish();
    let ran = app.store().read_here(|db| {
        find::count(db, &select)?;
        find::select(db, base, &select, 3, 1)?;
        find::any(db, &select)
    });
    if let Err(error) = ran {
        assert!(is_tolerable(&error), "{error}\n{text}\n{}", select.to_sql("*"));
    }
});

fn is_tolerable(error: &Error) -> bool {
    let text = error.to_string();
    TOO_LARGE.iter().chain([&NO_ROWS]).any(|reason| text.contains(reason))
}

/// Somebody signed in who sends a body.
fn request(base: &Arc<Collection>) -> RequestInfo {
    let auth = AuthIdentity {
        id: "ann000000000003".to_owned(),
        collection_id: "_pb_users_auth_".to_owned(),
        collection_name: "users".to_owned(),
        email: "ann@example.com".to_owned(),
        ..AuthIdentity::default()
    };
    let mut request = RequestInfo::guest().with_auth(auth);
    request.query = vec![("q".to_owned(), "it's".to_owned())];
    request.headers = vec![("x_key".to_owned(), "1".to_owned())];
    for field in &base.fields {
        request.body.insert(field.name.clone(), "a".into());
    }
    request
}

fn app() -> &'static App {
    static APP: OnceLock<App> = OnceLock::new();
    APP.get_or_init(|| open().expect("the recorded directory opens"))
}

fn open() -> Result<App> {
    let dir = std::env::temp_dir().join(format!("roost-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    Command::new("tar").current_dir(&dir).args(["-xzf", DIRECTORY]).status()?;
    let options = AppOptions::alone(Pool::new(2), Hasher::for_this_machine());
    let app = App::open(Path::new(&dir.join("pb_data")), options);
    app.map_err(|error| Error::Internal(error.into()))
}
