//! Who has not proven a mail address: everything works, and what strangers could abuse waits.

use http::Method;
use serde_json::{Value as Json, json};
use tests::{Answer, Console, Project, Roost};

async fn post(ann: &Console, path: &str, body: Json) -> Answer {
    ann.call(Method::POST, path, Some(&body)).await.expect("an answer")
}

/// Has a project send a mail; the status of the answer.
async fn mail(project: &Project, to: &str) -> u16 {
    let trial = json!({ "email": to, "template": "password-reset" });
    project.call(Method::POST, "/api/settings/test/email", Some(&trial)).await.expect("an answer").status.as_u16()
}

/// How many bytes of answers a project may send in a month.
async fn egress(ann: &Console) -> u64 {
    let limits = ann.get("/api/projects/orchard").await["limits"].take();
    let egress = limits.as_array().expect("limits").iter().find(|limit| limit["limit"] == "egress");
    egress.and_then(|limit| limit["max"].as_u64()).expect("a number")
}

#[tokio::test]
async fn what_strangers_could_abuse_waits_for_a_proven_address_and_all_else_works() {
    let roost = Roost::start_with("[plans.standard]\negress_gb = 50\n");
    roost.sign_up("operator@example.com").await;
    let ann = roost.sign_up("ann@example.com").await;
    let shown = roost.http.get(&format!("{}/api/config", roost.url())).await.json()["unverified"].take();
    assert_eq!((&shown["projects"], &shown["domains"]), (&json!(2), &json!(false)), "{shown}");
    let project = ann.create_project("orchard").await;
    project.create_collection("posts").await;
    let post_id = project.create("posts", "kept").await.expect("acknowledged");
    ann.create_project("meadow").await;
    assert_eq!((ann.get("/api/projects").await["limit"].take(), egress(&ann).await), (json!(2), 1 << 30));

    let team = format!("/api/teams/{}/invitations", project.team);
    let waiting = [
        ("/api/projects", json!({ "name": "Quarry", "slug": "quarry" }), 201),
        ("/api/projects/orchard/domains", json!({ "name": "ann.example.org" }), 201),
        (team.as_str(), json!({ "email": "bob@example.com", "role": "viewer" }), 204),
        ("/api/teams", json!({ "name": "Fruit" }), 201),
    ];
    for (path, body, _) in &waiting {
        let refused = post(&ann, path, body.clone()).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (403, "unverified"), "{path}");
    }
    assert_eq!(ann.get("/api/projects").await["items"].as_array().map(Vec::len), Some(2), "nothing is left of it");
    assert_eq!([mail(&project, "bob@example.com").await, mail(&project, "Ann@example.com").await], [400, 204]);

    ann.prove(&roost).await;
    assert_eq!((ann.get("/api/projects").await["limit"].take(), egress(&ann).await), (json!(5), 50 << 30));
    assert_eq!(mail(&project, "bob@example.com").await, 204);
    for (path, body, status) in &waiting {
        assert_eq!(post(&ann, path, body.clone()).await.status.as_u16(), *status, "{path}");
    }
    assert_eq!(project.ids("posts").await, [post_id]);
}

#[tokio::test]
async fn whoever_deletes_a_project_brings_it_back_only_where_there_is_room() {
    let roost = Roost::start_with("[unverified]\nprojects = 1\n");
    roost.sign_up("operator@example.com").await;
    let ann = roost.sign_up("ann@example.com").await;
    ann.create_project("orchard").await;
    ann.change(Method::DELETE, "/api/projects/orchard", &json!({ "slug": "orchard" })).await;
    ann.create_project("meadow").await;
    assert_eq!(post(&ann, "/api/projects/orchard/undelete", json!({})).await.code(), "unverified");
    assert_eq!(ann.get("/api/projects/orchard").await["state"], "deleted");
    ann.prove(&roost).await;
    assert_eq!(post(&ann, "/api/projects/orchard/undelete", json!({})).await.status, 200);
}

#[tokio::test]
async fn where_no_limit_is_wanted_or_nobody_needs_to_prove_anything_none_holds() {
    let roost =
        Roost::start_with("[unverified]\nprojects = 0\negress_gb = 0\nmails = true\ndomains = true\nteams = true\n");
    let operator = roost.sign_up("operator@example.com").await;
    let ann = roost.sign_up("ann@example.com").await;
    for slug in ["orchard", "meadow", "quarry"] {
        ann.create_project(slug).await;
    }
    assert_eq!(egress(&ann).await, 0);
    let domain = json!({ "name": "ann.example.org" });
    assert_eq!(post(&ann, "/api/projects/orchard/domains", domain).await.status, 201);
    assert_eq!(operator.get("/api/account").await["verified"], false);
    assert_eq!(post(&operator, "/api/teams", json!({ "name": "Fruit" })).await.status, 201);
}
