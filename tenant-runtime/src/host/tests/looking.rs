//! What onlookers are told, and that being looked at wakes nobody.

use super::*;

#[tokio::test]
async fn looking_never_wakes_and_numbers_outlive_the_process() {
    let mut kit = Kit::new();
    let tenant = kit.tenant().await;
    for _ in 0..3 {
        kit.get(&tenant, "/hello").await;
    }
    let before = kit.node.sleep(&tenant.id).await.expect("answers");
    assert_eq!((before.requests, before.database_bytes), (3, 5));
    assert!(before.last_request_ms.is_some());
    kit = kit.reopened().await;
    let after = kit.node.tenants().await.expect("lists").remove(0);
    assert_eq!(after.state, TenantState::Asleep);
    assert_eq!((after.requests, after.database_bytes), (0, 5));
    assert_eq!((after.last_request_ms, after.generation), (before.last_request_ms, before.generation));
    assert_eq!(kit.launches(), 0);
}

#[tokio::test]
async fn onlookers_hear_of_everything_once_and_then_of_every_change() {
    let kit = Kit::new();
    let (first, second) = (kit.tenant().await, kit.tenant().await);
    let mut events = Box::pin(kit.node.events());
    let mut known = vec![next(&mut events).await.id, next(&mut events).await.id];
    known.sort();
    let mut wanted = vec![first.id, second.id];
    wanted.sort();
    assert_eq!(known, wanted);

    kit.get(&first, "/hello").await;
    kit.node.sleep(&first.id).await.expect("answers");
    for state in [TenantState::Waking, TenantState::Awake, TenantState::Idle, TenantState::Asleep] {
        let report = next(&mut events).await;
        assert_eq!((report.id, report.state), (first.id, state));
    }
    let third = kit.tenant().await;
    assert_eq!(next(&mut events).await.id, third.id);
    kit.host.close().await;
    assert_eq!(events.next().await, None);
}

async fn next(events: &mut (impl futures_util::Stream<Item = TenantReport> + Unpin)) -> TenantReport {
    let report = tokio::time::timeout(Duration::from_secs(30), events.next()).await;
    report.expect("something is told").expect("the stream goes on")
}

#[tokio::test]
async fn an_unused_tenant_falls_asleep_by_itself() {
    let kit = Kit::new();
    let mut tenant = spec();
    tenant.rest = Rest { idle_after_ms: 0, sleep_after_ms: 1 };
    kit.node.put_tenant(&tenant).await.expect("is created");
    let mut events = Box::pin(kit.node.events());
    kit.get(&tenant, "/hello").await;
    while next(&mut events).await.state != TenantState::Awake {}
    while next(&mut events).await.state != TenantState::Asleep {}
    assert_eq!(kit.get(&tenant, "/hello").await.status, 200);
}

#[tokio::test]
async fn a_visit_opens_a_tenant_that_nobody_sees_awake() {
    let kit = Kit::new();
    let spec = kit.tenant().await;
    let tenant = kit.host.find(spec.id).expect("is there");
    let visit = tenant.visit().await.expect("opens");
    assert_eq!(kit.launches.load(Ordering::SeqCst), 1);
    assert_eq!(tenant.report().state, TenantState::Asleep);
    tenant.leave(visit).await;
    let again = tenant.visit().await.expect("opens");
    assert_eq!(kit.launches.load(Ordering::SeqCst), 2, "it was closed when the visit ended");
    assert_eq!(kit.get(&spec, "/hello").await.status, 200);
    assert_eq!(kit.launches.load(Ordering::SeqCst), 2, "a request finds it open");
    assert_eq!(tenant.report().state, TenantState::Awake);
    tenant.leave(again).await;
    assert_eq!(tenant.report().state, TenantState::Awake, "it is somebody else's now");
}
