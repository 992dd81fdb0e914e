//! Projects' own domains: from the first record at a DNS provider to HTTPS, and what happens when two want one name.

use http::Method;
use serde_json::{Value as Json, json};
use tests::{Authority, Console, Roost, eventually};

const NAME: &str = "api.orchard.test";

/// A platform with an authority, and Ann's project `orchard` on it.
async fn start() -> Option<(Authority, Roost, Console)> {
    let authority = Authority::start().await?;
    authority.point("roost.test", "127.0.0.1").await;
    let roost = Roost::start_certified(&authority, "roost.test").await;
    let ann = roost.sign_up("ann@example.com").await;
    assert_eq!(ann.ask_for_project("orchard").await.expect("an answer").status, 201);
    Some((authority, roost, ann))
}

async fn add(console: &Console, project: &str, name: &str) -> (u16, Json) {
    let path = format!("/api/projects/{project}/domains");
    let answer = console.call(Method::POST, &path, Some(&json!({ "name": name }))).await.expect("an answer");
    (answer.status.as_u16(), answer.json())
}

async fn look(console: &Console, project: &str) -> Json {
    let path = format!("/api/projects/{project}/domains/{NAME}/look");
    let answer = console.call(Method::POST, &path, None).await.expect("an answer");
    assert_eq!(answer.status, 200, "{:?}", answer.json());
    answer.json()
}

async fn show(console: &Console, project: &str) -> Json {
    console.get(&format!("/api/projects/{project}/domains/{NAME}")).await
}

async fn reaches(console: &Console, project: &str, state: &str) {
    let is_there = || async { look(console, project).await["state"] == state };
    eventually(&format!("{project} to be {state}"), is_there).await;
}

fn check<'a>(domain: &'a Json, kind: &str) -> &'a Json {
    let checks = domain["checks"].as_array().expect("checks");
    checks.iter().find(|check| check["kind"] == kind).unwrap_or(&Json::Null)
}

fn record<'a>(domain: &'a Json, kind: &str) -> &'a Json {
    let records = domain["records"].as_array().expect("records");
    records.iter().find(|record| record["kind"] == kind).unwrap_or(&Json::Null)
}

#[tokio::test]
async fn a_domain_is_told_what_is_wrong_and_serves_once_it_is_right() {
    let Some((authority, roost, ann)) = start().await else { return };
    let (status, domain) = add(&ann, "orchard", "API.Orchard.test").await;
    assert_eq!((status, &domain["name"], &domain["state"]), (201, &json!(NAME), &json!("dnsWait")));
    assert_eq!(record(&domain, "A"), &json!({ "kind": "A", "name": NAME, "wanted": "127.0.0.1" }));
    assert_eq!(record(&domain, "CNAME")["wanted"], "orchard.roost.test");
    assert_eq!(record(&domain, "TXT"), &Json::Null, "nobody else has the name");

    eventually("the first look", || async { check(&show(&ann, "orchard").await, "a")["state"] == "missing" }).await;
    authority.say("add-aaaa", json!({ "host": format!("{NAME}."), "addresses": ["2001:db8::9"] })).await;
    authority.point(NAME, "127.0.0.1").await;
    eventually("the stale address", || async { check(&look(&ann, "orchard").await, "aaaa")["state"] == "wrong" }).await;
    let domain = show(&ann, "orchard").await;
    assert_eq!((&domain["state"], &check(&domain, "a")["state"]), (&json!("dnsWait"), &json!("ok")));
    assert_eq!(check(&domain, "aaaa")["found"], json!(["2001:db8::9"]));

    authority.say("clear-aaaa", json!({ "host": format!("{NAME}.") })).await;
    reaches(&ann, "orchard", "live").await;
    let domain = show(&ann, "orchard").await;
    assert!(domain["certificate"]["expiresMs"].as_i64() > domain["createdMs"].as_i64(), "{domain}");
    let answer = roost.http.get(&format!("https://{NAME}:{}/api/health", roost.port())).await;
    assert_eq!(answer.status, 200);
    let plain = roost.http.get(&format!("http://{NAME}:{}/api/health?x=1", authority.answers_port())).await;
    assert_eq!(plain.status, 308);
    let target = format!("https://{NAME}:{}/api/health?x=1", roost.port());
    assert_eq!(plain.headers["location"], target);
    let told = ann.get("/api/projects/orchard/activity").await.to_string();
    assert!(told.contains("domain_added") && told.contains("domain_live"), "{told}");
}

#[tokio::test]
async fn a_name_somebody_has_takes_a_proof_and_a_removed_one_rests() {
    let Some((authority, roost, ann)) = start().await else { return };
    authority.point(NAME, "127.0.0.1").await;
    add(&ann, "orchard", NAME).await;
    reaches(&ann, "orchard", "live").await;

    let bob = roost.sign_up_proven("bob@example.com").await;
    assert_eq!(bob.ask_for_project("cherry").await.expect("an answer").status, 201);
    let (status, domain) = add(&bob, "cherry", NAME).await;
    assert_eq!((status, &domain["state"], &domain["reason"]), (201, &json!("dnsWait"), &json!("taken")));
    assert!(!domain.to_string().contains("orchard\""), "not a word about whose it is: {domain}");
    let proof = record(&domain, "TXT").clone();
    assert_eq!(proof["name"], format!("_roost.{NAME}"));
    eventually("a look", || async { check(&show(&bob, "cherry").await, "txt")["state"] == "missing" }).await;
    assert_eq!(show(&bob, "cherry").await["state"], "dnsWait");
    assert_eq!(show(&ann, "orchard").await["state"], "live");

    authority.say("set-txt", json!({ "host": format!("_roost.{NAME}."), "value": proof["wanted"] })).await;
    eventually("the transfer", || async { look(&bob, "cherry").await["state"] == "live" }).await;
    let lost = show(&ann, "orchard").await;
    assert_eq!((&lost["state"], &lost["reason"]), (&json!("failed"), &json!("transferred")));

    let path = format!("/api/projects/cherry/domains/{NAME}");
    assert_eq!(bob.call(Method::DELETE, &path, None).await.expect("an answer").status, 204);
    let url = format!("https://{NAME}:{}/api/health", roost.port());
    eventually("nobody to answer", || async {
        let answer = roost.http.send(Method::GET, &url, &[], None).await;
        answer.map_or(true, |answer| [404, 421].contains(&answer.status.as_u16()))
    })
    .await;
    let again = look(&ann, "orchard").await;
    assert_eq!((&again["state"], &again["reason"]), (&json!("dnsWait"), &json!("quarantined")), "{again}");
    assert_eq!(add(&bob, "cherry", NAME).await.1["reason"], Json::Null, "whose it was needs no proof");
}

#[tokio::test]
async fn what_cannot_be_a_projects_domain_is_refused() {
    let Some((_authority, roost, ann)) = start().await else { return };
    let code = |body: Json| body["data"]["name"]["code"].as_str().unwrap_or_default().to_owned();
    for (name, expected) in [
        ("orchard", "invalid_domain"),
        ("192.0.2.1", "invalid_domain"),
        ("https://orchard.test/", "invalid_domain"),
        ("roost.test", "platform_domain"),
        ("cherry.roost.test", "platform_domain"),
    ] {
        let (status, body) = add(&ann, "orchard", name).await;
        assert_eq!((status, code(body).as_str()), (400, expected), "{name}");
    }
    assert_eq!(add(&ann, "orchard", NAME).await.0, 201);
    assert_eq!(code(add(&ann, "orchard", NAME).await.1), "domain_taken_here");
    for n in 1..20 {
        assert_eq!(add(&ann, "orchard", &format!("n{n}.orchard.test")).await.0, 201);
    }
    assert_eq!(code(add(&ann, "orchard", "one-more.orchard.test").await.1), "domain_limit");
    let eve = roost.sign_up("eve@example.com").await;
    assert_eq!(add(&eve, "orchard", "eve.test").await.0, 404);
}

#[tokio::test]
async fn the_doctor_says_what_is_right_and_what_is_not() {
    let Some((authority, roost, _ann)) = start().await else { return };
    let of = |findings: &Json, check: &str| -> Vec<Json> {
        let findings = findings["findings"].as_array().expect("a list").iter();
        findings.filter(|finding| finding["check"] == check).map(|finding| finding["ok"].clone()).collect()
    };
    let (findings, is_content) = roost.doctor();
    assert!(!is_content && of(&findings, "mail") == [false] && of(&findings, "projects").contains(&json!(false)));
    authority.say("set-default-ipv4", json!({ "ip": "127.0.0.1" })).await;
    let (findings, _) = roost.doctor();
    for check in ["directory", "authority", "clock", "console", "projects", "port"] {
        let found = of(&findings, check);
        assert!(!found.is_empty() && found.iter().all(|ok| *ok != json!(false)), "{check}: {findings:#}");
    }
    // The platform that runs answered the doctor's question.
    assert!(of(&findings, "console").iter().all(|ok| *ok == json!(true)), "{findings:#}");
}
