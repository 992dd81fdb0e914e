//! What flags and settings make of a backend: encrypted settings, who may come from where, pages of its own.

use std::fs;
use std::path::Path;
use std::process::Command;

use http::{Method, StatusCode, header};
use serde_json::{Value as Json, json};
use tests::{Engine, KEY_VARIABLE, Make};

use crate::garden::{ADMIN, PASSWORD};

const ENCRYPTED: [&str; 2] = ["--encryptionEnv", KEY_VARIABLE];

#[tokio::test]
async fn encrypted_settings_go_from_a_stock_server_to_us_and_back() {
    let Some(stock) = Make::stock() else { return };
    for (first, second) in [(stock, Make::Ours), (Make::Ours, stock)] {
        let dir = tempfile::tempdir().expect("a directory");
        let dir = &dir.path().join("pb_data");
        upsert_superuser_encrypted(first, dir);
        let mut name = "Acme".to_owned();
        for make in [first, second, first] {
            // Not a word to look for: four letters in a row are found by chance in what is encrypted, too.
            assert!(!stored_settings(dir).contains('{'), "nobody reads it in the file: {}", stored_settings(dir));
            let engine = make.serve_with(dir, &ENCRYPTED);
            let admin = engine.sign_in("_superusers", ADMIN, PASSWORD).await;
            assert_eq!(settings(&engine, &admin).await["meta"]["appName"], name);
            name.push_str(" and more");
            change(&engine, &admin, json!({ "meta": { "appName": name }, "smtp": { "password": "hush" } })).await;
            engine.stop();
        }
    }
}

#[tokio::test]
async fn settings_become_encrypted_when_they_are_next_saved() {
    let dir = tempfile::tempdir().expect("a directory");
    Make::Ours.upsert_superuser(dir.path(), ADMIN, PASSWORD);
    assert!(stored_settings(dir.path()).starts_with('{'));
    let engine = Make::Ours.serve_with(dir.path(), &ENCRYPTED);
    let admin = engine.sign_in("_superusers", ADMIN, PASSWORD).await;
    change(&engine, &admin, json!({})).await;
    engine.stop();
    assert!(!stored_settings(dir.path()).contains('{'));
}

#[test]
fn without_its_key_a_directory_is_not_opened() {
    let dir = tempfile::tempdir().expect("a directory");
    upsert_superuser_encrypted(Make::Ours, dir.path());
    for (flags, reason) in [
        (&[][..], "missing encryption key"),
        (&["--encryptionEnv", "NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE"),
        (&["--encryptionEnv", "PATH"], "the encryption key has"),
    ] {
        let arguments = [&["serve", "--http", "127.0.0.1:0"][..], flags].concat();
        let done = Make::Ours.run(dir.path(), &arguments);
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(!done.status.success() && said.contains(reason), "{said}");
    }
}

#[tokio::test]
async fn who_locked_themselves_out_gets_in_by_the_command_line() {
    let dir = tempfile::tempdir().expect("a directory");
    Make::Ours.upsert_superuser(dir.path(), ADMIN, PASSWORD);
    let engine = Make::Ours.serve(dir.path());
    let admin = engine.sign_in("_superusers", ADMIN, PASSWORD).await;
    change(&engine, &admin, json!({ "superuserIPs": ["192.0.2.1"] })).await;
    assert_eq!(engine.get("/api/settings", &admin).await.status, StatusCode::FORBIDDEN);
    let ips = |addresses: &[&str]| {
        let done = Make::Ours.run(dir.path(), &[&["superuser", "ips"][..], addresses].concat());
        (done.status.success(), String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned())
    };
    let (done, said) = ips(&["192.0.2.1", "somewhere"]);
    assert!(!done && said.contains("superuserIPs: (1: invalid IP or CIDR subnet"), "{said}");
    let (_, said) = ips(&["192.0.2.1", "127.0.0.0/8"]);
    assert_eq!(said, "Successfully updated SuperuserIPs setting:\n├─ 192.0.2.1\n└─ 127.0.0.0/8\n");
    assert_eq!(settings(&engine, &admin).await["superuserIPs"], json!(["192.0.2.1", "127.0.0.0/8"]));
    let (_, said) = ips(&[]);
    assert_eq!(said, "Successfully cleared SuperuserIPs setting!\n");
}

#[tokio::test]
async fn pages_of_the_site_answer_where_no_endpoint_does() {
    let dir = tempfile::tempdir().expect("a directory");
    let pages = dir.path().join("pages");
    fs::create_dir_all(pages.join("sub")).expect("a folder");
    for (file, text) in [("index.html", "first"), ("sub/index.html", "second"), ("a.css", "a{}"), ("noext", "plain")] {
        fs::write(pages.join(file), text).expect("a page");
    }
    fs::write(dir.path().join("secret"), "hush").expect("a file");
    let data = &dir.path().join("pb_data");
    Make::Ours.upsert_superuser(data, ADMIN, PASSWORD);
    let public = pages.display().to_string();
    for make in [Make::stock(), Some(Make::Ours)].into_iter().flatten() {
        let engine = make.serve_with(data, &["--publicDir", &public]);
        for (path, text, content_type) in [
            ("/", "first", "text/html; charset=utf-8"),
            ("/sub/", "second", "text/html; charset=utf-8"),
            ("/a.css?v=1", "a{}", "text/css; charset=utf-8"),
            ("/noext", "plain", "text/plain; charset=utf-8"),
            ("/api/missing", "first", "text/html; charset=utf-8"),
            ("/%2e%2e/secret", "first", "text/html; charset=utf-8"),
            ("/..%2fsecret", "first", "text/html; charset=utf-8"),
        ] {
            let page = engine.get(path, "").await;
            assert_eq!((page.status, page.body.as_ref()), (StatusCode::OK, text.as_bytes()), "{make:?} {path}");
            assert_eq!(page.headers[header::CONTENT_TYPE], content_type, "{make:?} {path}");
            assert_eq!(page.headers[header::X_FRAME_OPTIONS], "SAMEORIGIN");
        }
        for (path, elsewhere) in
            [("/index.html", "/"), ("/sub", "/sub/"), ("/sub/index.html", "/sub/"), ("/a.css/", "/a.css")]
        {
            let moved = engine.get(path, "").await;
            assert_eq!(moved.status, StatusCode::MOVED_PERMANENTLY, "{make:?} {path}");
            assert_eq!(moved.headers[header::LOCATION], elsewhere, "{make:?} {path}");
        }
        assert_eq!(engine.call(Method::POST, "/a.css", "", None).await.status, StatusCode::NOT_FOUND);
        engine.stop();
        let engine = make.serve_with(data, &["--publicDir", &public, "--indexFallback=false"]);
        assert_eq!(engine.get("/missing", "").await.json()["message"], "File not found.");
        engine.stop();
    }
}

#[tokio::test]
async fn pages_of_listed_origins_only_may_read_answers() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = &dir.path().join("pb_data");
    Make::Ours.upsert_superuser(data, ADMIN, PASSWORD);
    for make in [Make::stock(), Some(Make::Ours)].into_iter().flatten() {
        let engine = make.serve_with(data, &["--origins", "https://a.example,https://*.b.example"]);
        for (origin, allowed) in [
            ("https://a.example", true),
            ("https://x.b.example", true),
            ("https://b.example", false),
            ("https://c.example", false),
        ] {
            for method in [Method::GET, Method::OPTIONS] {
                let headers = [("origin", origin), ("access-control-request-method", "GET")];
                let answer =
                    engine.http.send(method.clone(), &format!("{}/api/health", engine.url), &headers, None).await;
                let answer = answer.expect("answers");
                assert!(answer.status.is_success());
                let told = answer.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN).map(|value| value.as_bytes());
                assert_eq!(told, allowed.then_some(origin.as_bytes()), "{make:?} {method} {origin}");
            }
        }
        engine.stop();
    }
}

fn upsert_superuser_encrypted(make: Make, dir: &Path) {
    let arguments = [&["superuser", "upsert", ADMIN, PASSWORD][..], &ENCRYPTED].concat();
    let done = make.run(dir, &arguments);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

async fn settings(engine: &Engine, token: &str) -> Json {
    engine.done(Method::GET, "/api/settings", token, Json::Null).await
}

async fn change(engine: &Engine, token: &str, change: Json) {
    engine.done(Method::PATCH, "/api/settings", token, change).await;
}

fn stored_settings(dir: &Path) -> String {
    let sql = "SELECT CAST(`value` AS TEXT) FROM `_params` WHERE `id` = 'settings'";
    let done = Command::new("sqlite3").arg(dir.join("data.db")).arg(sql).output().expect("sqlite3 is installed");
    assert!(done.status.success());
    String::from_utf8_lossy(&done.stdout).into_owned()
}
