//! Mail of projects without a mail server of their own: through the platform's, within a quota.

use http::Method;
use serde_json::json;
use tests::Roost;

#[tokio::test]
async fn a_project_sends_its_mails_through_the_platform_and_only_so_many() {
    let roost = Roost::start_with("[plans.standard]\nmails_per_day = 2\n");
    let ann = roost.sign_up("ann@example.com").await;
    let (orchard, garden) = (ann.create_project("orchard").await, ann.create_project("garden").await);
    let trial = json!({ "email": "bob@example.com", "template": "password-reset" });
    let mut answers = Vec::new();
    for project in [&orchard, &orchard, &orchard, &garden] {
        let answer = project.call(Method::POST, "/api/settings/test/email", Some(&trial)).await.expect("answers");
        answers.push(answer.status.as_u16());
    }
    assert_eq!(answers, [204, 204, 400, 204]);
    let mails = roost.mails().await;
    let to_bob: Vec<_> = mails.iter().filter(|mail| mail["to"] == "bob@example.com").collect();
    assert_eq!(to_bob.len(), 3);
    assert!(to_bob[0]["html"].as_str().expect("a text").contains("http://garden.localhost"), "{}", to_bob[0]);
}
