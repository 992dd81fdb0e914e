//! What scripts read of the commands of operators: one object on one line, and why one failed.

use serde_json::{Value as Json, json};
use tests::{POSTGRES_VARIABLE, Roost, run, run_as};

/// The one line a command printed.
fn object(told: &str) -> Json {
    let lines: Vec<&str> = told.lines().collect();
    assert_eq!(lines.len(), 1, "{told}");
    serde_json::from_str(lines[0]).expect("JSON")
}

/// The word of a failure, which stands at the end of the standard error.
fn code(told: Result<String, String>) -> String {
    let told = told.expect_err("it fails");
    let error: Json = serde_json::from_str(told.lines().last().expect("a line")).expect("JSON");
    assert!(error["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{error}");
    error["error"]["code"].as_str().expect("a word").to_owned()
}

#[tokio::test]
async fn a_copy_of_the_platform_and_its_restore_are_an_object_each() {
    if std::env::var_os(POSTGRES_VARIABLE).is_some() {
        return;
    }
    let roost = Roost::start();
    roost.sign_up("ann@example.com").await.create_project("orchard").await;
    let elsewhere = tempfile::tempdir().expect("a directory");
    let path = |name: &str| elsewhere.path().join(name).to_str().expect("UTF-8").to_owned();
    let copied = object(&roost.command(&["backup", "--json", "--to", &path("copy")]).expect("is copied"));
    assert_eq!((&copied["tenants"], &copied["control"], &copied["missing"]), (&json!(1), &json!("sqlite"), &json!([])));
    assert!(copied["bytes"].as_u64().is_some_and(|bytes| bytes > 0), "{copied}");
    assert_eq!(code(roost.command(&["backup", "--json", "--to", &path("copy")])), "not_empty");

    let restore = |from: &str| {
        run(&["restore", "--json", "--from", &path(from), "--dir", &path("data"), "--config", &path("roost.toml")])
    };
    assert_eq!(code(restore("nowhere")), "no_copy");
    let restored = object(&restore("copy").expect("is restored"));
    assert_eq!((&restored["tenants"], &restored["lostBackups"]), (&json!(1), &json!(0)), "{restored}");
    let settings = json!({ "path": path("roost.toml"), "wasThere": false });
    assert_eq!((&restored["files"][0]["path"], &restored["dir"]), (&settings["path"], &json!(path("data"))));
    assert_eq!(restored["files"][0]["wasThere"], settings["wasThere"]);
    assert_eq!(code(restore("copy")), "not_empty");
    assert_eq!(code(run(&["backup", "--json", "--dir", &path("nowhere"), "--to", &path("more")])), "no_platform");
}

#[tokio::test]
async fn an_upgrade_a_look_and_a_new_operator_are_an_object_each() {
    let roost = Roost::start();
    let before = roost.processes();
    let upgraded = object(&roost.command(&["upgrade", "--json"]).expect("is upgraded"));
    assert_eq!(roost.processes(), [upgraded["process"].as_u64().expect("a process") as u32], "and not {before:?}");
    let refused = roost.command(&["upgrade", "--json", "--binary", "/nonexistent/roost"]);
    assert_eq!(code(refused), "refused");
    let nobody = tempfile::tempdir().expect("a directory");
    let nobody = nobody.path().to_str().expect("UTF-8");
    assert_eq!(code(run(&["upgrade", "--json", "--dir", nobody])), "not_running");

    let (report, is_content) = roost.doctor();
    assert_eq!((report["healthy"].as_bool(), is_content), (Some(false), false), "there is no mail server");
    assert_eq!(code(roost.command(&["doctor", "--json"])), "unhealthy");

    let made = object(&roost.command(&["admin", "create", "op@example.com", "--json"]).expect("is made"));
    assert_eq!(made["email"], "op@example.com");
    assert_eq!(code(roost.command(&["admin", "create", "nobody", "--json"])), "failed");
}

#[tokio::test]
async fn commands_of_the_console_tell_its_own_words() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let team = ann.create_project("orchard").await.team;
    let (url, token) = (roost.url(), ann.create_token(&team, "read").await);
    let ask = |words: &[&str]| run_as(words, &[("ROOST_URL", &url), ("ROOST_TOKEN", &token)], "");
    assert_eq!(object(&ask(&["projects", "list", "--json"]).expect("is listed"))["items"][0]["slug"], "orchard");
    assert_eq!(code(ask(&["projects", "show", "nowhere", "--json"])), "not_found");
    assert_eq!(code(ask(&["projects", "create", "more", "--json"])), "token_not_enough");
}
