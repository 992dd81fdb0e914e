//! What whoever runs the installation sees and does, and what stops by itself before the machine does.

use http::Method;
use serde_json::{Value as Json, json};
use tests::{Console, Roost, eventually, in_the_end};

async fn tenants(operator: &Console, query: &str) -> Vec<Json> {
    let page = operator.get(&format!("/api/operator/tenants?{query}")).await;
    page["items"].as_array().unwrap_or_else(|| panic!("{page}")).clone()
}

async fn attention(operator: &Console, kind: &str) -> Vec<Json> {
    let list = operator.get("/api/operator/attention").await["items"].take();
    list.as_array().expect("a list").iter().filter(|item| item["kind"] == kind).cloned().collect()
}

#[tokio::test]
async fn an_operator_sees_the_machine_and_everybodys_projects_from_outside() {
    let roost = Roost::start();
    let operator = roost.sign_up("operator@example.com").await;
    let ann = roost.sign_up("ann@example.com").await;
    let bob = roost.sign_up("bob@example.com").await;
    ann.create_project("orchard").await;
    ann.create_project("meadow").await;
    bob.create_project("quarry").await;

    let node = operator.get("/api/operator/node").await;
    let positive = |pointer: &str| node.pointer(pointer).and_then(Json::as_f64).is_some_and(|number| number > 0.0);
    for pointer in ["/memory/residentBytes", "/files/limit", "/disk/totalBytes", "/load/cores", "/startedMs"] {
        assert!(positive(pointer), "{pointer}: {node}");
    }
    assert_eq!(node["projects"]["registered"], 3, "{node}");
    assert_eq!(node["disk"]["room"], "ample", "{node}");
    eventually("a sample of the disk", || async {
        !operator.get("/api/operator/node").await["disk"]["samples"].as_array().unwrap().is_empty()
    })
    .await;

    let names =
        |tenants: Vec<Json>| tenants.iter().map(|it| it["slug"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(tenants(&operator, "").await), ["meadow", "orchard", "quarry"]);
    assert_eq!(names(tenants(&operator, "query=ANN@example").await), ["meadow", "orchard"]);
    assert_eq!(names(tenants(&operator, "query=quar&state=awake").await), ["quarry"]);
    assert!(tenants(&operator, "state=suspended").await.is_empty());
    let quarry = &tenants(&operator, "query=quarry").await[0];
    assert_eq!(quarry["owners"], json!(["bob@example.com"]));
    assert!(quarry["databaseBytes"].as_i64().unwrap() > 0, "{quarry}");
    let path = format!("/api/operator/tenants/{}", quarry["id"].as_str().unwrap());
    let details = operator.get(&path).await;
    assert_eq!((&details["members"][0]["role"], &details["support"]), (&json!("owner"), &Json::Null), "{details}");
    assert_eq!(ann.call(Method::GET, &path, None).await.unwrap().code(), "not_operator");
}

#[tokio::test]
async fn a_suspended_project_says_why_and_its_people_keep_what_is_theirs() {
    let roost = Roost::start();
    let operator = roost.sign_up("operator@example.com").await;
    let ann = roost.sign_up("ann@example.com").await;
    let project = ann.create_project("orchard").await;
    ann.finish("/api/projects/orchard/backups").await;
    let path = |what: &str| format!("/api/operator/tenants/{}/{what}", project.id);
    let refused = operator.call(Method::POST, &path("suspend"), Some(&json!({ "reason": " " }))).await.unwrap();
    assert_eq!(refused.json()["data"]["reason"]["code"], "required");
    let wanted = json!({ "reason": "It sends spam.", "notice": true });
    let suspended = operator.change(Method::POST, &path("suspend"), &wanted).await;
    assert_eq!((&suspended["state"], &suspended["reason"]), (&json!("suspended"), &json!("It sends spam.")));
    let health = format!("{}/api/health", project.url);
    let answer = roost.http.get(&health).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "suspended"));
    assert!(answer.json()["message"].as_str().unwrap().contains("It sends spam."), "{:?}", answer.json());
    let is_told = || async { roost.mails().await.iter().any(|mail| mail["subject"] == "orchard was suspended") };
    eventually("the owner to be told", is_told).await;
    let backup = ann.backups("orchard").await[0]["id"].as_str().unwrap().to_owned();
    let tenant = operator.get(&format!("/api/operator/tenants/{}", project.id)).await;
    assert!(tenant["lastBackupMs"].as_i64().is_some_and(|at| at > 0), "{tenant}");
    let zip = format!("/api/projects/orchard/backups/{backup}/zip");
    assert_eq!(ann.call(Method::GET, &zip, None).await.unwrap().status, 200);

    // Neither a copy nor deleting it and bringing it back is a way out.
    let copy = json!({ "into": { "name": "Copy", "slug": "copy" } });
    let restore = format!("/api/projects/orchard/backups/{backup}/restore");
    let refused = ann.call(Method::POST, &restore, Some(&copy)).await.unwrap();
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (409, "suspended"));
    ann.change(Method::DELETE, "/api/projects/orchard", &json!({ "slug": "orchard" })).await;
    ann.change(Method::POST, "/api/projects/orchard/undelete", &json!({})).await;
    assert_eq!(ann.state("orchard").await, "suspended");

    operator.change(Method::POST, &path("resume"), &json!({})).await;
    assert_eq!(roost.http.get(&health).await.status, 200);
    let audit = ann.get("/api/projects/orchard/audit").await["items"].to_string();
    assert!(audit.contains("\"suspended\"") && audit.contains("\"resumed\""), "{audit}");
}

#[tokio::test]
async fn what_needs_somebody_is_on_one_list_and_leaves_it_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("place");
    std::fs::write(&place, "a file where the directory should be").unwrap();
    let roost = Roost::start_with(&format!("[backups]\ndir = {:?}\n", place.display().to_string()));
    let operator = roost.sign_up("operator@example.com").await;
    let ann = roost.sign_up("ann@example.com").await;
    ann.create_project("orchard").await;
    assert!(operator.get("/api/operator/attention").await["items"].as_array().unwrap().is_empty());
    let job = ann.begin("/api/projects/orchard/backups").await;
    in_the_end("the failed backup to be told of", || async {
        attention(&operator, "backupFailed").await.iter().any(|item| item["project"]["slug"] == "orchard")
    })
    .await;
    let queued = operator.get("/api/operator/jobs?kind=backup").await["items"].take();
    assert_eq!((&queued[0]["id"], &queued[0]["project"]["slug"]), (&json!(job), &json!("orchard")), "{queued}");
    std::fs::remove_file(&place).unwrap();
    assert_eq!(ann.end_of(&job).await, "done");
    assert!(attention(&operator, "backupFailed").await.is_empty());
}

#[tokio::test]
async fn an_operator_ends_a_job_and_only_failed_ones_are_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("place");
    std::fs::write(&place, "a file where the directory should be").unwrap();
    let roost = Roost::start_with(&format!("[backups]\ndir = {:?}\n", place.display().to_string()));
    let operator = roost.sign_up("operator@example.com").await;
    let ann = roost.sign_up("ann@example.com").await;
    ann.create_project("orchard").await;
    let job = ann.begin("/api/projects/orchard/backups").await;
    let path = |what: &str| format!("/api/operator/jobs/{job}/{what}");
    let retry = operator.call(Method::POST, &path("retry"), None).await.unwrap();
    assert_eq!(retry.code(), "not_failed");
    operator.change(Method::POST, &path("cancel"), &json!({})).await;
    assert_eq!(ann.end_of(&job).await, "cancelled");
    let shown = operator.get(&format!("/api/operator/jobs/{job}")).await;
    assert!(shown["lines"].as_array().is_some_and(|lines| !lines.is_empty()), "{shown}");
    assert_eq!(operator.call(Method::POST, &path("cancel"), None).await.unwrap().code(), "too_late");
}

#[tokio::test]
async fn a_failed_job_is_tried_again_when_its_cause_is_mended() {
    let roost = Roost::start();
    let operator = roost.sign_up("operator@example.com").await;
    let ann = roost.sign_up("ann@example.com").await;
    ann.create_project("orchard").await;
    ann.finish("/api/projects/orchard/backups").await;
    let archive =
        roost.backup_files().into_iter().find(|file| file.extension().is_some_and(|end| end == "zip")).unwrap();
    let whole = std::fs::read(&archive).unwrap();
    std::fs::write(&archive, &whole[..whole.len() / 2]).unwrap();
    let backup = ann.backups("orchard").await[0]["id"].as_str().unwrap().to_owned();
    let job = ann.begin(&format!("/api/projects/orchard/backups/{backup}/restore")).await;
    assert_eq!(ann.end_of(&job).await, "failed");
    let told = attention(&operator, "jobFailed").await;
    assert_eq!((&told[0]["jobId"], &told[0]["project"]["slug"]), (&json!(job), &json!("orchard")), "{told:?}");
    std::fs::write(&archive, &whole).unwrap();
    operator.change(Method::POST, &format!("/api/operator/jobs/{job}/retry"), &json!({})).await;
    assert_eq!(ann.end_of(&job).await, "done", "{}", ann.get(&format!("/api/jobs/{job}")).await);
    assert!(attention(&operator, "jobFailed").await.is_empty());
    let audit = ann.get("/api/projects/orchard/audit?kind=job_retried").await["items"].take();
    assert_eq!(audit[0]["email"], "operator@example.com", "{audit}");
}

#[tokio::test]
async fn an_operator_gives_a_project_limits_of_its_own() {
    let roost = Roost::start_with("[plans.small]\ndatabase_mb = 100\n");
    let operator = roost.sign_up("operator@example.com").await;
    let project = roost.sign_up("ann@example.com").await.create_project("orchard").await;
    let path = format!("/api/operator/tenants/{}/limits", project.id);
    let unknown = operator.call(Method::PATCH, &path, Some(&json!({ "plan": "golden" }))).await.unwrap();
    assert_eq!(unknown.json()["data"]["plan"]["code"], "unknown_plan");
    let wanted = json!({ "plan": "small", "overrides": { "storageMb": 7 } });
    let given = operator.change(Method::PATCH, &path, &wanted).await;
    assert_eq!((&given["tenant"]["plan"], &given["limits"]["databaseMb"]), (&json!("small"), &json!(100)), "{given}");
    assert_eq!(
        (&given["limits"]["storageMb"], &given["overrides"]),
        (&json!(7), &json!({ "storageMb": 7 })),
        "{given}"
    );
}

#[tokio::test]
async fn a_nearly_full_disk_stops_new_projects_then_growth_and_never_the_rest() {
    let mut roost = Roost::start_with("[disk]\nstop_projects_below = \"100%\"\nstop_writes_below = \"0\"\n");
    let operator = roost.sign_up("operator@example.com").await;
    let refused = operator.ask_for_project("orchard").await.unwrap();
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (503, "node_full"));
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(attention(&operator, "diskFilling").await.len(), 1);

    roost.terminate();
    roost.wait();
    roost.restart_with("");
    let mut operator = roost.sign_in("operator@example.com").await;
    let project = operator.create_project("orchard").await;
    project.create_collection("posts").await;
    let post = project.create("posts", "before").await.expect("acknowledged");

    roost.terminate();
    roost.wait();
    roost.restart_with("[disk]\nstop_projects_below = \"100%\"\nstop_writes_below = \"100%\"\n");
    operator.sign_in_again(&roost.http).await;
    let project = project.reconnect(&roost.http);
    let records = "/api/collections/posts/records";
    let create = async || project.call(Method::POST, records, Some(&json!({ "text": "more" }))).await.unwrap();
    eventually("growth to stop", || async { create().await.code() == "disk_full" }).await;
    assert_eq!(create().await.status, 507);
    let node = operator.get("/api/operator/node").await;
    assert_eq!(node["disk"]["room"], "noGrowth", "{node}");
    let zip = operator.send_zip("/api/projects/orchard/imports", b"PK".to_vec()).await.expect("an answer");
    assert_eq!((zip.status.as_u16(), zip.code().as_str()), (503, "node_full"));
    let backup = operator.call(Method::POST, "/api/projects/orchard/backups", Some(&json!({}))).await.unwrap();
    assert_eq!((backup.status.as_u16(), backup.code().as_str()), (503, "node_full"));
    // Reading, deleting and signing in go on, and so does the platform.
    assert_eq!(project.ids("posts").await.len(), 1);
    operator.open_project(&operator.get("/api/projects/orchard").await).await;
    project.delete("posts", &post).await;
    roost.sign_up("ann@example.com").await;

    roost.terminate();
    roost.wait();
    roost.restart_with("");
    let project = project.reconnect(&roost.http);
    eventually("growth to go on", || async { project.create("posts", "after").await.is_some() }).await;
}

#[tokio::test]
async fn many_deleted_projects_at_once_wait_for_an_operators_word() {
    let roost = Roost::start_with("grace_days = 0\n[projects]\npurge_most = 2\n");
    let operator = roost.sign_up("operator@example.com").await;
    let ann = roost.sign_up_proven("ann@example.com").await;
    let slugs = ["one-a", "two-b", "three-c", "four-d"];
    for slug in slugs {
        ann.create_project(slug).await;
    }
    for slug in &slugs {
        ann.change(Method::DELETE, &format!("/api/projects/{slug}"), &json!({ "slug": slug })).await;
    }
    in_the_end("the purges to be held", || async {
        operator.get("/api/operator/jobs?kind=purge_project").await.to_string().contains("an operator has to say so")
    })
    .await;
    assert_eq!(attention(&operator, "purgesHeld").await.len(), 1);
    let held = operator.get("/api/operator/purges").await["held"].take();
    assert_eq!(held.as_array().unwrap().len(), 4, "{held}");
    assert_eq!(roost.tenant_dirs().len(), 4, "nothing is removed");

    let confirm = async |projects: usize| {
        let body = json!({ "projects": projects });
        operator.call(Method::POST, "/api/operator/purges", Some(&body)).await.unwrap()
    };
    assert_eq!(confirm(3).await.json()["data"]["projects"]["code"], "mismatch");
    assert_eq!(confirm(4).await.status, 200);
    in_the_end("the projects to be gone", || async { roost.tenant_dirs().is_empty() }).await;
    assert!(attention(&operator, "purgesHeld").await.is_empty());
}

#[tokio::test]
async fn a_control_database_that_lists_nothing_deletes_nothing() {
    let mut roost = Roost::start_with("grace_days = 0\n");
    let ann = roost.sign_up("ann@example.com").await;
    ann.create_project("orchard").await;
    ann.finish("/api/projects/orchard/backups").await;
    roost.terminate();
    roost.wait();
    roost.lose_control_database();
    roost.restart();
    let operator = roost.sign_up("operator@example.com").await;
    assert!(tenants(&operator, "").await.is_empty());
    // Whatever compares, sweeps and tidies is at work: a project that comes and goes is removed.
    operator.create_project("meadow").await;
    assert_eq!(roost.tenant_dirs().len(), 2);
    operator.change(Method::DELETE, "/api/projects/meadow", &json!({ "slug": "meadow" })).await;
    in_the_end("the new project to be gone", || async { tenants(&operator, "").await.is_empty() }).await;
    assert_eq!((roost.tenant_dirs().len(), roost.backup_files().len()), (1, 2));
}

#[tokio::test]
async fn a_query_that_cannot_be_read_is_refused_in_the_envelope() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    ann.create_project("orchard").await;
    for path in [
        "/api/projects/orchard/usage?from=yesterday",
        "/api/projects/orchard/logs?limit=all",
        "/api/operator/tenants?page=first",
    ] {
        let answer = ann.call(Method::GET, path, None).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "invalid_query"), "{path}");
    }
}
