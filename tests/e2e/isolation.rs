//! A project reaches nothing of another: not by path, filter, header, token or view.

use http::Method;
use serde_json::json;
use tests::Roost;

#[tokio::test]
async fn accounts_see_only_their_own_projects() {
    let roost = Roost::start();
    let (ann, bob) = (roost.sign_up("ann@example.com").await, roost.sign_up("bob@example.com").await);
    ann.create_project("orchard").await;
    for (method, path) in [
        (Method::GET, "/api/projects/orchard"),
        (Method::GET, "/api/projects/orchard/activity"),
        (Method::POST, "/api/projects/orchard/wake"),
        (Method::POST, "/api/projects/orchard/undelete"),
    ] {
        assert_eq!(bob.call(method, path, None).await.unwrap().status, 404, "{path}");
    }
    let change = json!({ "name": "mine", "slug": "orchard", "email": "b@example.com", "password": "12345678" });
    for (method, path) in [
        (Method::PATCH, "/api/projects/orchard"),
        (Method::DELETE, "/api/projects/orchard"),
        (Method::PUT, "/api/projects/orchard/superuser"),
    ] {
        assert_eq!(bob.call(method, path, Some(&change)).await.unwrap().status, 404, "{path}");
    }
    assert_eq!(bob.get("/api/projects").await["items"], json!([]));
}

#[tokio::test]
async fn a_stamp_sent_by_a_client_is_not_believed() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let (mine, other) = (ann.create_project("mine").await, ann.create_project("other").await);
    mine.create_collection("posts").await;
    let spoofed =
        [("x-roost-tenant", mine.id.as_str()), ("x-roost-generation", "1"), ("x-forwarded-host", "mine.localhost")];
    let url = format!("{}/api/collections/posts/records", other.url);
    let answer = roost.http.send(Method::GET, &url, &spoofed, None).await.unwrap();
    assert_eq!(answer.json()["message"], "Missing collection context.");
}

#[tokio::test]
async fn a_token_is_worth_nothing_elsewhere() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let (mine, other) = (ann.create_project("mine").await, ann.create_project("other").await);
    let login = json!({ "identity": "admin@example.com", "password": "correct horse" });
    let path = "/api/collections/_superusers/auth-with-password";
    let token =
        roost.http.post(&format!("{}{path}", mine.url), &login).await.json()["token"].as_str().unwrap().to_owned();
    let headers = [("authorization", token.as_str())];
    let list = |url: &str| format!("{url}/api/collections");
    assert_eq!(roost.http.send(Method::GET, &list(&mine.url), &headers, None).await.unwrap().status, 200);
    assert_eq!(roost.http.send(Method::GET, &list(&other.url), &headers, None).await.unwrap().status, 401);
}

#[tokio::test]
async fn no_path_and_no_sql_leads_out_of_a_project() {
    let roost = Roost::start();
    let ann = roost.sign_up("ann@example.com").await;
    let (mine, other) = (ann.create_project("mine").await, ann.create_project("other").await);
    mine.create_collection("posts").await;
    let id = mine.create("posts", "x").await.expect("acknowledged");
    for path in [
        format!("/api/files/posts/{id}/..%2f..%2f..%2f..%2f{}%2ftenant.json", other.id),
        format!("/api/files/..%2f..%2f{}/data-1/data.db", other.id),
        format!("/api/files/posts/{id}/%2e%2e%2f%2e%2e%2fdata.db"),
        "/../../control.db".to_owned(),
    ] {
        let answer = mine.call(Method::GET, &path, None).await.unwrap();
        assert_eq!(answer.status, 404, "{path}");
    }
    for query in [
        format!("SELECT id FROM pragma_database_list; ATTACH '../../{}/data-1/data.db' AS other", other.id),
        "SELECT load_extension('x') AS id".to_owned(),
        "SELECT readfile('/etc/passwd') AS id".to_owned(),
        "SELECT 'x' AS id, writefile('/tmp/x', 'x') AS w".to_owned(),
    ] {
        let view = json!({ "name": "peek", "type": "view", "viewQuery": query });
        let created = mine.call(Method::POST, "/api/collections", Some(&view)).await.unwrap();
        let listed = mine.call(Method::GET, "/api/collections/peek/records", None).await.unwrap();
        assert!(created.status == 400 || listed.status == 400, "{query}: {} {}", created.status, listed.status);
        mine.call(Method::DELETE, "/api/collections/peek", None).await.unwrap();
    }
}
