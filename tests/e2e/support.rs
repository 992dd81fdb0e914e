//! Support: what is in a project is its people's, until they let operators in, and then it shows.

use http::Method;
use serde_json::json;
use tests::{Answer, Console, Roost};

const SUPPORT: &str = "/api/projects/orchard/support";

async fn ask(console: &Console, method: Method, path: &str) -> Answer {
    let body = json!({ "email": "root@example.com", "password": "correct horse", "hours": 2 });
    let body = (method != Method::GET).then_some(&body);
    console.call(method, path, body).await.expect("an answer")
}

/// What of a project's data there is to open.
const DOORS: [&str; 3] = ["/api/projects/orchard", "/api/projects/orchard/logs", "/api/projects/orchard/backups"];

#[tokio::test]
async fn an_operator_opens_a_projects_data_only_while_its_people_let_him() {
    let roost = Roost::start();
    let operator = roost.sign_up("operator@example.com").await;
    let ann = roost.sign_up("ann@example.com").await;
    ann.create_project("orchard").await;
    ann.finish("/api/projects/orchard/backups").await;
    let backup = ann.backups("orchard").await.remove(0);
    for path in DOORS {
        let answer = ask(&operator, Method::GET, path).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (403, "no_support_grant"), "{path}");
    }

    let given = ann.change(Method::POST, SUPPORT, &json!({ "hours": 2 })).await;
    assert_eq!(given["grant"]["givenBy"], "ann@example.com", "{given}");
    for path in DOORS {
        let answer = ask(&operator, Method::GET, path).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.status);
    }
    let audit = ann.get("/api/projects/orchard/audit?kind=support_used").await["items"].take();
    let audit = audit.as_array().unwrap();
    for path in DOORS {
        let told = audit.iter().any(|line| line["text"].as_str().unwrap().ends_with(path));
        assert!(told, "{path} is not among {audit:?}");
    }
    assert!(audit.iter().all(|line| line["email"] == "operator@example.com"), "{audit:?}");
    // A project of the operator's own would keep the data for good, and a zip the keys with which tokens are signed.
    let backup = format!("/api/projects/orchard/backups/{}", backup["id"].as_str().unwrap());
    let into = json!({ "into": { "name": "Copy", "slug": "copy" } });
    let copied = operator.call(Method::POST, &format!("{backup}/restore"), Some(&into)).await.unwrap();
    assert_eq!(copied.code(), "not_allowed");
    let zip = format!("{backup}/zip");
    assert_eq!(ask(&operator, Method::GET, &zip).await.code(), "not_allowed");
    assert_eq!(ask(&ann, Method::GET, &zip).await.status, 200, "its people fetch it as before");

    let mut watched = roost.follow(("cookie", operator.cookie()), "/api/events").await;
    assert_eq!(ask(&ann, Method::DELETE, SUPPORT).await.status, 204);
    for path in DOORS {
        assert_eq!(ask(&operator, Method::GET, path).await.code(), "no_support_grant", "{path}");
    }
    while !watched.next_line().await.unwrap().expect("the stream goes on").contains("projectGone") {}
    let kinds = ann.get("/api/projects/orchard/audit").await["items"].take();
    assert_eq!(kinds[0]["kind"], "support_revoked");
}

#[tokio::test]
async fn a_grant_lets_operators_in_and_nobody_else_and_not_to_everything() {
    let roost = Roost::start();
    let operator = roost.sign_up("operator@example.com").await;
    let ann = roost.sign_up_proven("ann@example.com").await;
    let team = ann.create_project("orchard").await.team;
    let dee = ann.invite(&roost, &team, "dee@example.com", "developer").await;
    let eve = roost.sign_up("eve@example.com").await;
    assert_eq!(ask(&dee, Method::POST, SUPPORT).await.code(), "not_allowed");
    assert_eq!(ask(&operator, Method::POST, SUPPORT).await.code(), "no_support_grant");
    for hours in [0, 169] {
        let answer = ann.call(Method::POST, SUPPORT, Some(&json!({ "hours": hours }))).await.unwrap();
        assert_eq!(answer.json()["data"]["hours"]["code"], "invalid_hours");
    }
    assert_eq!(ask(&ann, Method::POST, SUPPORT).await.status, 200);
    assert_eq!(ask(&eve, Method::GET, "/api/projects/orchard").await.status, 404);
    // Who has access, where it is found and whether it is at all stay its people's matter.
    for (method, path) in [
        (Method::POST, SUPPORT),
        (Method::PATCH, "/api/projects/orchard"),
        (Method::DELETE, "/api/projects/orchard"),
        (Method::POST, "/api/projects/orchard/transfer"),
        (Method::POST, "/api/projects/orchard/domains"),
        (Method::PUT, "/api/projects/orchard/superuser"),
        (Method::POST, "/api/projects/orchard/imports"),
    ] {
        assert_eq!(ask(&operator, method, path).await.code(), "not_allowed", "{path}");
    }
    assert_eq!(ask(&operator, Method::GET, &format!("/api/teams/{team}")).await.status, 404);
    let projects = operator.get("/api/projects").await["items"].take();
    assert_eq!(projects.as_array().unwrap().len(), 0, "it is not the operator's");
}
