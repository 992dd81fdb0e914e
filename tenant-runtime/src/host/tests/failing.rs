//! What is damaged or does not start says so, and disturbs nobody else.

use super::*;

#[tokio::test]
async fn a_damaged_tenant_answers_so_and_disturbs_nobody() {
    let kit = Kit::new();
    let (broken, whole) = (kit.tenant().await, kit.tenant().await);
    std::fs::write(kit.folder(&broken).join("data-1/data.db"), "garbage").expect("writes");
    for _ in 0..20 {
        let answer = kit.get(&broken, "/hello").await;
        assert_eq!((answer.status, answer.code()), (503, "damaged"));
        assert!(answer.headers.contains_key("retry-after"));
        assert_eq!(kit.get(&whole, "/hello").await.status, 200);
    }
    assert_eq!(kit.launches(), 2, "the broken one was tried once, the whole one woken once");
    assert_eq!(kit.state(&broken).await, TenantState::Damaged);

    std::fs::write(kit.folder(&broken).join("data-1/data.db"), "whole").expect("writes");
    let report = kit.node.wake(&broken.id).await.expect("an operator need not wait for the pause to end");
    assert_eq!((report.state, report.reason), (TenantState::Awake, None));
}

#[tokio::test]
async fn a_tenant_whose_data_is_missing_is_damaged_rather_than_begun_anew() {
    let kit = Kit::new();
    let tenant = kit.tenant().await;
    std::fs::remove_dir_all(kit.folder(&tenant).join("data-1")).expect("removes");
    assert_eq!(kit.get(&tenant, "/hello").await.code(), "damaged");
    assert_eq!(kit.launches(), 0);
}

#[tokio::test]
async fn a_tenant_with_an_unreadable_wish_is_damaged() {
    let mut kit = Kit::new();
    let (tenant, whole) = (kit.tenant().await, kit.tenant().await);
    std::fs::write(kit.folder(&tenant).join("tenant.json"), "{").expect("writes");
    kit = kit.reopened().await;
    assert_eq!(kit.get(&tenant, "/hello").await.code(), "damaged");
    assert_eq!(kit.get(&whole, "/hello").await.status, 200);
    assert_eq!(kit.node.tenants().await.expect("lists").len(), 2);
}

#[tokio::test]
async fn a_tenant_that_does_not_start_says_so() {
    let kit = Kit::new();
    let tenant = kit.tenant().await;
    kit.failing.store(true, Ordering::SeqCst);
    let answers = join_all((0..50).map(|_| kit.get(&tenant, "/hello"))).await;
    assert!(answers.iter().all(|answer| answer.status == 503 && answer.code() == "not_starting"));
    assert_eq!(kit.launches(), 1);
    assert_eq!(kit.state(&tenant).await, TenantState::NotStarting);
}

#[tokio::test]
async fn a_panic_is_an_answer_and_nothing_else() {
    let kit = Kit::new();
    let tenant = kit.tenant().await;
    let answer = kit.get(&tenant, "/panic").await;
    assert_eq!((answer.status, &answer.json["status"]), (500, &Json::from(500)));
    assert_eq!(kit.get(&tenant, "/hello").await.status, 200);
    assert_eq!(kit.node.sleep(&tenant.id).await.expect("answers").state, TenantState::Asleep);
}
