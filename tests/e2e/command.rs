//! The command line over the console's API, as a script uses it.

use serde_json::{Value as Json, json};
use tests::{PASSWORD, Roost, eventually, run, run_as};

struct Script {
    url: String,
    token: String,
}

impl Script {
    /// Runs a command, with words apart by spaces, that has to succeed.
    fn run(&self, command: &str) -> String {
        self.try_to(command).unwrap_or_else(|error| panic!("{command}: {error}"))
    }

    fn json(&self, command: &str) -> Json {
        serde_json::from_str(&self.run(&format!("{command} --json"))).expect("JSON")
    }

    fn try_to(&self, command: &str) -> Result<String, String> {
        let words: Vec<&str> = command.split(' ').collect();
        run_as(&words, &[("ROOST_URL", &self.url), ("ROOST_TOKEN", &self.token)], "")
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_script_sees_a_project_through_its_life() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let team = ann.get("/api/teams").await["items"][0]["id"].as_str().expect("an id").to_owned();
    let script = Script { url: roost.url(), token: ann.create_token(&team, "admin").await };
    assert_eq!(script.run("projects list"), "None.\n");

    let created = script.run("projects create orchard");
    assert!(created.contains("orchard.localhost") && created.contains("password"), "{created}");
    let listed = script.run("projects list");
    assert!(listed.starts_with("PROJECT  STATE") && listed.contains("\norchard"), "{listed}");
    assert_eq!(script.json("projects show orchard")["slug"], "orchard");

    let made = script.json("backups create orchard");
    assert_eq!((&made["state"], &made["kind"]), (&json!("done"), &json!("backup")), "{made}");
    let dir = tempfile::tempdir().expect("a directory");
    let zip = dir.path().join("orchard.zip");
    script.run(&format!("backups download orchard latest --to {}", zip.display()));
    assert!(std::fs::read(&zip).expect("is written").starts_with(b"PK"));
    let again = script.try_to(&format!("backups download orchard latest --to {}", zip.display()));
    assert!(again.expect_err("is refused").contains("is there already"));
    let unsaid = script.try_to("backups restore orchard latest").expect_err("is refused");
    assert!(unsaid.contains("--replace") && unsaid.contains("--into"), "{unsaid}");
    script.run("backups restore orchard latest --into copy --slug orchard-copy");
    script.run("backups restore orchard latest --replace");
    assert_eq!(script.json("projects list")["items"].as_array().map(Vec::len), Some(2));
    let jobs = script.json("jobs list orchard");
    let job = jobs["items"][0]["id"].as_str().expect("an id");
    assert!(script.run(&format!("jobs show {job}")).contains("restore"));

    let records = script.run("domains add orchard www.example.com");
    assert!(records.contains("CNAME") || records.contains("www.example.com"), "{records}");
    assert_eq!(script.json("domains list orchard")["items"][0]["name"], "www.example.com");
    script.run("domains remove orchard www.example.com");

    let plans = script.run("plans");
    assert!(plans.starts_with("PLAN") && plans.contains("standard") && plans.contains("10.0 GB"), "{plans}");
    assert!(plans.ends_with("New projects get the plan standard.\n"), "{plans}");
    let plans = script.json("plans");
    assert_eq!((&plans["items"][0]["databaseMb"], &plans["default"]), (&json!(10240), &json!("standard")));

    let unsure = script.try_to("projects delete orchard --confirm orchid").expect_err("is refused");
    assert!(unsure.contains("nothing was deleted"), "{unsure}");
    script.run("projects delete orchard --confirm orchard");
    assert_eq!(script.json("projects show orchard")["state"], "deleted");
    script.run("projects restore orchard");
    assert_ne!(script.json("projects show orchard")["state"], "deleted");
}

#[test]
fn an_operator_is_made_with_the_whole_link_to_the_console() {
    let dir = tempfile::tempdir().expect("a directory");
    let config = dir.path().join("roost.toml");
    let settings = "domain = \"apps.example.com\"\n[acme]\nemail = \"you@example.com\"\n";
    std::fs::write(&config, settings).expect("the settings can be written");
    let (config, data) = (config.to_str().expect("UTF-8"), dir.path().to_str().expect("UTF-8"));
    let command = ["admin", "create", "op@example.com", "--config", config, "--dir", data];
    let told = run(&command).expect("is made");
    assert!(told.contains(" https://apps.example.com/reset#"), "{told}");

    std::fs::write(config, format!("console = \"roost.example.com\"\n{settings}")).expect("can be written");
    let told = run(&[command.as_slice(), &["--json"]].concat()).expect("is made again");
    let made: Json = serde_json::from_str(&told).expect("JSON");
    assert_eq!(made["email"], "op@example.com");
    assert!(made["link"].as_str().is_some_and(|link| link.starts_with("https://roost.example.com/reset#")), "{made}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_done_is_told_in_a_sentence() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let team = ann.get("/api/teams").await["items"][0]["id"].as_str().expect("an id").to_owned();
    let reader = Script { url: roost.url(), token: ann.create_token(&team, "read").await };
    assert_eq!(reader.try_to("projects show nowhere"), Err("Error: There is no such project.\n".to_owned()));
    let refused = reader.try_to("projects create orchard").expect_err("a reader creates nothing");
    assert!(refused.starts_with("Error: ") && refused.ends_with(".\n"), "{refused}");
    let stranger = Script { token: "roost_unknown".to_owned(), ..reader };
    let unknown = stranger.try_to("projects list").expect_err("nobody knows it");
    assert!(unknown.contains("unknown, revoked or expired"), "{unknown}");
    let nowhere = Script { url: "http://127.0.0.1:9".to_owned(), ..stranger };
    let unreachable = nowhere.try_to("projects list").expect_err("nobody is there");
    assert!(unreachable.contains("reach the console at http://127.0.0.1:9"), "{unreachable}");
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_keeps_a_token_where_only_its_owner_reads_it() {
    let roost = Roost::start();
    let _ann = roost.sign_up("ann@example.com").await;
    let home = tempfile::tempdir().expect("a directory");
    let variables = [("XDG_CONFIG_HOME", home.path().to_str().expect("UTF-8")), ("ROOST_URL", ""), ("ROOST_TOKEN", "")];
    let command = |words: &[&str], input: &str| run_as(words, &variables, input);
    let nobody = command(&["projects", "list"], "").expect_err("nobody is signed in");
    assert!(nobody.contains("roost login"), "{nobody}");
    let url = roost.url();
    let wrong = command(&["login", "--url", &url, "--email", "ann@example.com"], "not the password\n");
    assert!(wrong.expect_err("is refused").contains("the password is wrong"));
    command(&["login", "--url", &url, "--email", "ann@example.com"], &format!("{PASSWORD}\n")).expect("signs in");
    let kept = home.path().join("roost/login.json");
    let mode = std::os::unix::fs::PermissionsExt::mode(&kept.metadata().expect("is kept").permissions());
    assert_eq!(mode & 0o777, 0o600);
    command(&["projects", "create", "orchard"], "").expect("works");

    let tokens = |words: &[&str]| {
        let words = [&["tokens", "--email", "ann@example.com", "--json"], words].concat();
        let told = command(&words, &format!("{PASSWORD}\n")).expect("works");
        serde_json::from_str::<Json>(&told).expect("JSON")
    };
    let made = tokens(&["create", "deploy", "--scope", "read"]);
    assert_eq!(made["token"]["scope"], "read");
    let listed = tokens(&["list"]);
    assert_eq!(listed["items"].as_array().map(Vec::len), Some(2), "{listed}");
    tokens(&["revoke", made["token"]["id"].as_str().expect("an id")]);
    let script = Script { url, token: made["secret"].as_str().expect("a secret").to_owned() };
    assert!(script.try_to("projects list").is_err(), "it was revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_come_from_the_input_and_never_from_the_words_of_a_command() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let team = ann.create_project("orchard").await.team;
    let home = tempfile::tempdir().expect("a directory");
    let variables = [("XDG_CONFIG_HOME", home.path().to_str().expect("UTF-8")), ("ROOST_URL", ""), ("ROOST_TOKEN", "")];
    let command = |words: &[&str], input: &str| run_as(words, &variables, input);
    let (url, token) = (roost.url(), ann.create_token(&team, "read").await);
    command(&["login", "--url", &url, "--token", &token], "").expect_err("there is no such flag");
    command(&["login", "--url", &url], &format!("{token}\n")).expect("signs in");
    command(&["projects", "show", "orchard"], "").expect("works");

    let (_, codes) = crate::second_factor::switch_on(&ann).await;
    let login = ["login", "--url", url.as_str(), "--email", "ann@example.com"];
    command(&login, &format!("{PASSWORD}\n")).expect_err("a code is asked for");
    command(&login, &format!("{PASSWORD}\n{}\n", codes[0])).expect("signs in");
    command(&["projects", "show", "orchard"], "").expect("works");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_changes_plans_with_a_password_and_nobody_does_with_a_token() {
    let roost = Roost::start();
    let operator = roost.sign_up("operator@example.com").await;
    operator.create_project("orchard").await;
    let ann = roost.sign_up("ann@example.com").await;
    let team = ann.get("/api/teams").await["items"][0]["id"].as_str().expect("an id").to_owned();
    let token = ann.create_token(&team, "read").await;
    let variables = [("ROOST_URL", roost.url()), ("ROOST_TOKEN", token)];
    let variables = variables.each_ref().map(|(name, value)| (*name, value.as_str()));
    let plans = |email: &str, words: &str| {
        let words = format!("plans --email {email} {words}");
        run_as(&words.split(' ').collect::<Vec<_>>(), &variables, &format!("{PASSWORD}\n"))
    };
    let by_operator = |words: &str| plans("operator@example.com", words).expect(words);

    let requests = || async { operator.get("/api/projects/orchard/usage").await["limits"][3]["used"].as_i64() };
    eventually("a request to be counted", || async { requests().await >= Some(1) }).await;
    let seen = by_operator("preview standard --requests 1");
    assert!(seen.contains("\norchard") && seen.contains("over it: 1."), "{seen}");
    let made = by_operator("set pro --database-mb 500 --json");
    let made: Json = serde_json::from_str(&made).expect("JSON");
    assert_eq!((&made["databaseMb"], &made["title"], &made["uploadMb"]), (&json!(500), &json!("pro"), &json!(2048)));
    let changed = by_operator("set pro --title Pro --requests 7");
    assert!(changed.contains(" Pro\n") && changed.contains("500"), "{changed}");
    by_operator("reset pro");
    assert_eq!(ann.get("/api/plans").await["items"].as_array().map(Vec::len), Some(1));

    let refused = plans("operator@example.com", "set pro --awake-hours 1000").expect_err("no month is that long");
    assert!(refused.contains("awakeHours: At most 744 hours"), "{refused}");
    let refused = plans("ann@example.com", "set pro").expect_err("she is no operator");
    assert!(refused.contains("Only operators"), "{refused}");
    let refused = run_as(&["plans", "reset", "standard"], &variables, "").expect_err("a token is not enough");
    assert!(refused.contains("--email"), "{refused}");
}
