//! First requests wake a tenant once, and nothing closes it under an answer.

use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_first_requests_wake_a_tenant_once() {
    let kit = Kit::new();
    let tenant = kit.tenant().await;
    assert_eq!(kit.state(&tenant).await, TenantState::Asleep);
    let answers = join_all((0..100).map(|_| kit.get(&tenant, "/hello"))).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert_eq!(kit.launches(), 1);
    assert_eq!(kit.state(&tenant).await, TenantState::Awake);
}

#[tokio::test]
async fn a_first_request_that_streams_does_not_hold_up_the_next() {
    let kit = Kit::new();
    let tenant = kit.tenant().await;
    let streams = join_all((0..10).map(|_| kit.send(&tenant, "/stream"))).await;
    assert!(streams.iter().all(|answer| answer.status() == StatusCode::OK));
    assert_eq!(kit.get(&tenant, "/hello").await.status, 200);
    assert_eq!(kit.launches(), 1);
}

#[tokio::test]
async fn only_so_many_wait_for_a_tenant() {
    let kit = Kit::new();
    let mut tenant = spec();
    tenant.limits.concurrent_requests = 1_000;
    kit.node.put_tenant(&tenant).await.expect("is created");
    kit.launches.store(0, Ordering::SeqCst);
    let held = kit.starting.lock().await;
    let crowd = join_all((0..300).map(|_| kit.get(&tenant, "/hello")));
    let (answers, ()) = tokio::join!(crowd, async {
        while kit.launches() == 0 {
            tokio::task::yield_now().await;
        }
        drop(held);
    });
    let (served, refused): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    assert_eq!((served.len(), refused.len()), (256, 44));
    assert!(refused.iter().all(|answer| answer.code() == "waking" && answer.headers.contains_key("retry-after")));
}

#[tokio::test]
async fn a_client_that_stops_reading_does_not_keep_a_tenant_from_closing() {
    let kit = Kit::new();
    let tenant = kit.tenant().await;
    let (read, unread) = (kit.send(&tenant, "/download").await, kit.send(&tenant, "/download").await);
    let keeper = kit.host.find(tenant.id).expect("is known");
    let ((), end) = tokio::join!(keeper.stop(Duration::ZERO), read.into_body().collect());
    assert!(end.is_err(), "half an answer must not look whole");
    assert_eq!(kit.state(&tenant).await, TenantState::Asleep);
    assert_eq!(kit.get(&tenant, "/hello").await.status, 200);
    assert!(unread.into_body().collect().await.is_err());
    assert_eq!(kit.state(&tenant).await, TenantState::Awake);
}

#[tokio::test]
async fn a_client_that_goes_away_does_not_leave_a_tenant_half_open() {
    let kit = Kit::new();
    let tenant = kit.tenant().await;
    let impatient = Box::pin(kit.send(&tenant, "/hello"));
    drop(futures_util::future::select(impatient, Box::pin(tokio::task::yield_now())).await);
    assert_eq!(kit.get(&tenant, "/hello").await.status, 200);
    assert!(kit.launches() <= 1);
}

#[tokio::test]
async fn a_tenant_is_never_closed_while_an_answer_is_being_sent() {
    let kit = Kit::new();
    let tenant = kit.tenant().await;
    let keeper = kit.host.find(tenant.id).expect("is known");
    for path in ["/stream", "/download"] {
        let mut answer = kit.send(&tenant, path).await.into_body();
        assert!(answer.frame().await.is_some());
        assert!(!keeper.sleep_if_unused().await, "{path}");
        drop(answer);
        assert!(keeper.sleep_if_unused().await, "{path}");
    }
}

#[tokio::test]
async fn whoever_puts_a_tenant_to_sleep_ends_its_streams_and_breaks_off_nothing_else() {
    let kit = Kit::new();
    let tenant = kit.tenant().await;
    let keeper = kit.host.find(tenant.id).expect("is known");
    assert!(keeper.drain(Duration::ZERO).await, "asleep already");
    let (stream, mut download) = (kit.send(&tenant, "/stream").await, kit.send(&tenant, "/download").await.into_body());
    assert!(!keeper.drain(Duration::ZERO).await);
    assert!(stream.into_body().collect().await.is_ok(), "a stream ends as it may");
    assert!(download.frame().await.expect("goes on").is_ok());
    let mut later = kit.send(&tenant, "/stream").await.into_body();
    assert!(later.frame().await.is_some(), "it is awake and takes streams as before");
    drop(download);
    let (report, end) = tokio::join!(kit.node.sleep(&tenant.id), later.collect());
    assert!(end.is_ok());
    assert_eq!(report.expect("answers").state, TenantState::Asleep);
    assert_eq!(kit.get(&tenant, "/hello").await.status, 200);
}

#[tokio::test]
async fn a_tenant_at_work_on_a_copy_is_not_put_to_sleep() {
    let kit = Kit::new();
    let tenant = kit.tenant().await;
    assert_eq!(kit.get(&tenant, "/hello").await.status, 200);
    let keeper = kit.host.find(tenant.id).expect("is known");
    let copying = keeper.copying.lock().await;
    assert!(kit.node.sleep(&tenant.id).await.expect_err("it is busy").is("at_work"));
    drop(copying);
    assert_eq!(kit.node.sleep(&tenant.id).await.expect("answers").state, TenantState::Asleep);
}

#[tokio::test]
async fn wakes_are_counted_with_how_long_they_took() {
    let kit = Kit::new();
    let tenant = kit.tenant().await;
    assert_eq!(kit.node.wakes().await.expect("answers").lately, LatelyWoken::default());
    for _ in 0..3 {
        join_all((0..10).map(|_| kit.get(&tenant, "/hello"))).await;
        kit.node.sleep(&tenant.id).await.expect("answers");
    }
    kit.failing.store(true, Ordering::SeqCst);
    assert_eq!(kit.get(&tenant, "/hello").await.code(), "not_starting");
    let wakes = kit.node.wakes().await.expect("answers");
    assert_eq!((wakes.lately.count, wakes.took.iter().sum(), wakes.failed), (3, 3, 1), "a crowd wakes once");
    assert!(wakes.lately.p50_us <= wakes.lately.p95_us && wakes.lately.p50_us.is_some(), "{wakes:?}");
}

#[tokio::test]
async fn a_tenant_that_asked_to_be_woken_is_also_by_the_next_process() {
    let kit = Kit::new();
    let spec = kit.tenant().await;
    let remembered = kit.folder(&spec).join("usage.json");
    std::fs::write(remembered, r#"{"wakesAtMs":1}"#).expect("writes");
    let kit = kit.reopened().await;
    assert_eq!(kit.launches(), 0);
    while kit.state(&spec).await != TenantState::Awake {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_full_host_puts_the_longest_unused_to_sleep() {
    let kit = Kit::with(2, tempfile::tempdir().expect("a directory"));
    let (old, busy, new) = (kit.tenant().await, kit.tenant().await, kit.tenant().await);
    kit.get(&old, "/hello").await;
    let stream = kit.send(&busy, "/stream").await;
    assert_eq!(kit.get(&new, "/hello").await.status, 200);
    assert_eq!(kit.state(&old).await, TenantState::Asleep);
    assert_ne!(kit.state(&busy).await, TenantState::Asleep);
    drop(stream);
}

#[tokio::test]
async fn a_closed_host_wakes_nobody() {
    let kit = Kit::new();
    let tenant = kit.tenant().await;
    let stream = kit.send(&tenant, "/stream").await;
    let ((), end) = tokio::join!(kit.host.close(), stream.into_body().collect());
    assert!(end.is_ok());
    assert_eq!(kit.get(&tenant, "/hello").await.code(), "waking");
    assert!(kit.node.put_tenant(&spec()).await.expect_err("is too late").is("waking"));
}

#[test]
fn a_sleeping_tenant_is_small() {
    assert!(size_of::<Tenant>() < 640, "{}", size_of::<Tenant>());
}
