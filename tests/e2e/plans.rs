//! Plans that operators change at the console: told beforehand, kept to at once, and undone as easily.

use http::Method;
use serde_json::{Value as Json, json};
use tests::{Answer, Console, Project, Roost, eventually, in_the_end};

const MB: u64 = 1 << 20;
const SETTINGS: &str = "[plans.standard]\ndatabase_mb = 8\n[plans.small]\ntitle = \"Small\"\n";

/// A plan as the console has it.
async fn plan(operator: &Console, name: &str) -> Option<Json> {
    let plans = operator.get("/api/plans").await;
    let plans = plans["items"].as_array().expect("plans").clone();
    plans.into_iter().find(|plan| plan["name"] == name)
}

/// The standard plan with some figures changed, as it is sent.
async fn like_standard(operator: &Console, change: Json) -> Json {
    let mut draft = plan(operator, "standard").await.expect("the standard plan");
    let fields = draft.as_object_mut().expect("an object");
    fields.retain(|key, _| !["name", "origin", "settings"].contains(&key.as_str()));
    for (key, value) in change.as_object().expect("an object") {
        fields.insert(key.clone(), value.clone());
    }
    draft
}

async fn save(operator: &Console, name: &str, change: Json) -> Json {
    let draft = like_standard(operator, change).await;
    operator.change(Method::PUT, &format!("/api/operator/plans/{name}"), &draft).await
}

async fn preview(operator: &Console, name: &str, change: Json) -> Json {
    let draft = like_standard(operator, change).await;
    operator.change(Method::POST, &format!("/api/operator/plans/{name}/preview"), &draft).await
}

async fn take_back(operator: &Console, name: &str) -> Answer {
    operator.call(Method::DELETE, &format!("/api/operator/plans/{name}"), None).await.expect("an answer")
}

async fn give(operator: &Console, project: &Project, plan: &str) {
    let path = format!("/api/operator/tenants/{}/limits", project.id);
    operator.change(Method::PATCH, &path, &json!({ "plan": plan })).await;
}

async fn limit(ann: &Console, slug: &str, name: &str) -> Json {
    let usage = ann.get(&format!("/api/projects/{slug}/usage")).await;
    let limits = usage["limits"].as_array().expect("limits");
    limits.iter().find(|limit| limit["limit"] == name).cloned().expect("is among them")
}

/// What a write that needs room is answered: 200 or 507.
async fn grow(project: &Project) -> u16 {
    let body = json!({ "text": "x".repeat(4_000) });
    let answer = project.call(Method::POST, "/api/collections/posts/records", Some(&body)).await.expect("an answer");
    assert!(answer.status == 200 || answer.code() == "quota_database", "{:?}", answer.json());
    answer.status.as_u16()
}

/// A project with 3 to 4 MB in its database.
async fn large_project(ann: &Console, slug: &str) -> Project {
    let project = ann.create_project(slug).await;
    project.create_collection("posts").await;
    for _ in 0..700 {
        assert_eq!(grow(&project).await, 200);
    }
    let is_seen = async || limit(ann, slug, "database").await["used"].as_u64().expect("a number") > 3 * MB;
    eventually("what it has to be seen", is_seen).await;
    project
}

#[tokio::test]
async fn who_would_be_over_is_told_before_a_plan_shrinks_and_its_projects_keep_to_it_after() {
    let mut roost = Roost::start_with(SETTINGS);
    let mut operator = roost.sign_up("operator@example.com").await;
    let mut ann = roost.sign_up("ann@example.com").await;
    let orchard = large_project(&ann, "orchard").await;
    let meadow = ann.create_project("meadow").await;
    give(&operator, &meadow, "small").await;

    // Looking changes nothing.
    let seen = preview(&operator, "standard", json!({ "databaseMb": 2 })).await;
    assert_eq!((&seen["projects"], &seen["concerned"], &seen["over"]), (&json!(1), &json!(1), &json!(1)), "{seen}");
    let concerned = &seen["items"][0];
    assert_eq!((&concerned["slug"], &concerned["id"]), (&json!("orchard"), &json!(orchard.id)));
    let database = &concerned["limits"][0];
    assert_eq!((&database["limit"], &database["state"]), (&json!("database"), &json!("over")), "{database}");
    assert_eq!((&database["now"], &database["max"]), (&json!("ok"), &json!(2 * MB)), "{database}");
    let fits = preview(&operator, "standard", json!({ "databaseMb": 0 })).await;
    assert_eq!((&fits["projects"], &fits["items"]), (&json!(1), &json!([])));
    assert_eq!(preview(&operator, "new", json!({})).await["projects"], 0);
    assert_eq!(grow(&orchard).await, 200);

    let saved = save(&operator, "standard", json!({ "databaseMb": 2 })).await;
    assert_eq!((&saved["origin"], &saved["settings"]["databaseMb"]), (&json!("changed"), &json!(8)), "{saved}");
    eventually("the smaller plan", || async { grow(&orchard).await == 507 }).await;
    assert_eq!(limit(&ann, "orchard", "database").await["max"], 2 * MB);
    assert_eq!(limit(&ann, "meadow", "database").await["max"], 8 * MB, "its plan is another one");
    let subject = "orchard has used all of the 2 MB its database may have";
    eventually("the mail", || async { roost.mails().await.iter().any(|mail| mail["subject"] == subject) }).await;
    let audit = operator.get("/api/operator/audit?kind=plan_changed").await["items"][0].take();
    assert_eq!(audit["text"], "The plan Standard was changed: database 8 MB -> 2 MB", "{audit}");
    // What is over already is nothing new.
    assert_eq!(preview(&operator, "standard", json!({ "databaseMb": 1 })).await["concerned"], 0);

    roost.kill();
    roost.restart();
    operator.sign_in_again(&roost.http).await;
    ann.sign_in_again(&roost.http).await;
    let orchard = orchard.reconnect(&roost.http);
    assert_eq!(grow(&orchard).await, 507);
    assert_eq!(limit(&ann, "orchard", "database").await["max"], 2 * MB);

    save(&operator, "standard", json!({ "databaseMb": 6 })).await;
    eventually("the larger plan", || async { grow(&orchard).await == 200 }).await;
    assert_eq!(take_back(&operator, "standard").await.status, 204);
    let standard = plan(&operator, "standard").await.expect("is there");
    assert_eq!((&standard["origin"], &standard["databaseMb"]), (&json!("settings"), &json!(8)), "{standard}");
    eventually("the settings", || async { limit(&ann, "orchard", "database").await["max"] == 8 * MB }).await;
    assert_eq!(take_back(&operator, "standard").await.status, 204, "there is nothing left to undo");
}

#[tokio::test]
async fn the_edge_keeps_to_a_changed_plan() {
    let roost = Roost::start();
    let operator = roost.sign_up("operator@example.com").await;
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    let health = format!("{}/api/health", project.url);
    for _ in 0..10 {
        assert_eq!(roost.http.get(&health).await.status, 200);
    }
    eventually("the count", || async { limit(&ann, "orchard", "requests").await["used"].as_u64() >= Some(10) }).await;
    let seen = preview(&operator, "standard", json!({ "requests": 10 })).await;
    assert_eq!(seen["items"][0]["limits"][0]["limit"], "requests", "{seen}");
    save(&operator, "standard", json!({ "requests": 10 })).await;
    eventually("the month's end", || async { roost.http.get(&health).await.code() == "quota_requests" }).await;
    save(&operator, "standard", json!({ "requests": 0, "uploadMb": 1 })).await;
    eventually("no end", || async { roost.http.get(&health).await.status == 200 }).await;
    let body = json!({ "text": "x".repeat(2 << 20) });
    let refused = project.call(Method::POST, "/api/collections/posts/records", Some(&body)).await.expect("an answer");
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (413, "body_too_large"));
}

#[tokio::test]
async fn a_plan_is_made_given_and_removed_once_nobody_has_it() {
    let mut roost = Roost::start_with(SETTINGS);
    let mut operator = roost.sign_up("operator@example.com").await;
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    let made = save(&operator, "pro", json!({ "title": " Pro ", "databaseMb": 16 })).await;
    assert_eq!((&made["title"], &made["origin"], &made["settings"]), (&json!("Pro"), &json!("console"), &Json::Null));
    give(&operator, &project, "pro").await;
    assert_eq!(limit(&ann, "orchard", "database").await["max"], 16 * MB);
    assert_eq!(ann.get("/api/projects/orchard/usage").await["plan"], json!({ "name": "pro", "title": "Pro" }));
    assert_eq!(preview(&operator, "pro", json!({})).await["projects"], 1);

    let refused = take_back(&operator, "pro").await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (409, "plan_in_use"));
    roost.kill();
    roost.restart();
    operator.sign_in_again(&roost.http).await;
    assert_eq!(plan(&operator, "pro").await.expect("outlives a restart")["databaseMb"], 16);
    give(&operator, &project, "small").await;
    assert_eq!(take_back(&operator, "pro").await.status, 204);
    assert_eq!(plan(&operator, "pro").await, None);
    let gone = take_back(&operator, "pro").await;
    assert_eq!((gone.status.as_u16(), gone.code().as_str()), (404, "not_found"));
    let path = format!("/api/operator/tenants/{}/limits", project.id);
    let refused = operator.call(Method::PATCH, &path, Some(&json!({ "plan": "pro" }))).await.expect("an answer");
    assert_eq!(refused.json()["data"]["plan"]["code"], "unknown_plan");
}

#[tokio::test]
async fn a_plan_that_makes_no_sense_is_refused_by_field_and_only_operators_change_any() {
    let roost = Roost::start();
    let operator = roost.sign_up("operator@example.com").await;
    let ann = roost.sign_up("ann@example.com").await;
    for (name, change, field, code) in [
        ("Pro%20plan", json!({}), "name", "invalid_name"),
        ("pro", json!({ "title": "" }), "title", "required"),
        ("pro", json!({ "title": "x".repeat(61) }), "title", "too_long"),
        ("pro", json!({ "databaseMb": 1_u64 << 40 }), "databaseMb", "too_large"),
        ("pro", json!({ "mailsPerDay": null }), "mailsPerDay", "required"),
        ("pro", json!({ "requests": -1 }), "requests", "invalid"),
    ] {
        let draft = like_standard(&operator, change).await;
        let path = format!("/api/operator/plans/{name}");
        for (method, path) in [(Method::PUT, path.clone()), (Method::POST, format!("{path}/preview"))] {
            let refused = operator.call(method, &path, Some(&draft)).await.expect("an answer");
            assert_eq!((refused.status.as_u16(), &refused.json()["data"][field]["code"]), (400, &json!(code)));
        }
    }
    let draft = like_standard(&ann, json!({})).await;
    for (method, path) in [(Method::PUT, ""), (Method::POST, "/preview"), (Method::DELETE, "")] {
        let path = format!("/api/operator/plans/standard{path}");
        let refused = ann.call(method, &path, Some(&draft)).await.expect("an answer");
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (403, "not_operator"));
    }
    assert_eq!(operator.get("/api/plans").await["items"].as_array().expect("plans").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_takes_over_the_platform_has_the_changed_plans() {
    let roost = Roost::start_with(SETTINGS);
    let operator = roost.sign_up("operator@example.com").await;
    let ann = roost.sign_up("ann@example.com").await;
    ann.create_project("orchard").await;
    save(&operator, "standard", json!({ "databaseMb": 5 })).await;
    let upgrade = roost.upgrade();
    // Either process may be asked meanwhile.
    save(&operator, "small", json!({ "title": "Small", "databaseMb": 3 })).await;
    tokio::task::spawn_blocking(|| upgrade.finish()).await.expect("a thread").expect("is upgraded");
    let of = async |name: &str| plan(&operator, name).await.expect("is there")["databaseMb"].take();
    assert_eq!(of("standard").await, 5);
    assert_eq!(limit(&ann, "orchard", "database").await["max"], 5 * MB);
    in_the_end("what the one before took in", || async { of("small").await == 3 }).await;
    save(&operator, "standard", json!({ "databaseMb": 6 })).await;
    eventually("the change", || async { limit(&ann, "orchard", "database").await["max"] == 6 * MB }).await;
}
