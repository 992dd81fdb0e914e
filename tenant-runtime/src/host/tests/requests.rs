//! Who is let in to a tenant, and what reaches it.

use super::*;

#[tokio::test]
async fn an_unknown_or_unnamed_tenant_is_an_unknown_project() {
    let kit = Kit::new();
    let answer = kit.get(&spec(), "/hello").await;
    assert_eq!((answer.status, answer.code()), (404, "unknown_project"));
    for name in ["", "..", "../../etc"] {
        let request = Request::get("/").header("x-roost-tenant", name).body(Body::empty()).expect("a request");
        let answer = kit.host.service().oneshot(request).await.expect("answers");
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_tenant_sees_who_calls_but_no_header_of_ours() {
    let kit = Kit::new();
    let tenant = kit.tenant().await;
    let seen = kit.get(&tenant, "/seen").await.json;
    assert_eq!(seen, serde_json::json!({"headers": [], "client": "203.0.113.9"}));
}

#[tokio::test]
async fn limits_are_kept_before_waking() {
    let kit = Kit::new();
    let mut tenant = spec();
    tenant.limits = Limits { requests_per_second: Some(1), concurrent_requests: 1, ..Limits::default() };
    kit.node.put_tenant(&tenant).await.expect("is created");
    let download = kit.send(&tenant, "/download").await;
    let answer = kit.get(&tenant, "/hello").await;
    assert_eq!((answer.status, answer.code()), (429, "too_many_connections"));
    drop(download);
    assert_eq!(kit.get(&tenant, "/hello").await.status, 200);
    let answer = kit.get(&tenant, "/hello").await;
    assert_eq!((answer.status, answer.code()), (429, "rate_limited"));
}

#[tokio::test]
async fn event_streams_are_counted_apart() {
    let kit = Kit::new();
    let mut tenant = spec();
    tenant.limits = Limits { concurrent_requests: 1, realtime_connections: 2, ..Limits::default() };
    kit.node.put_tenant(&tenant).await.expect("is created");
    let streams = [kit.send(&tenant, "/stream").await, kit.send(&tenant, "/stream").await];
    assert_eq!(kit.get(&tenant, "/hello").await.status, 200);
    let answer = kit.get(&tenant, "/stream").await;
    assert_eq!((answer.status, answer.code()), (429, "too_many_connections"));
    drop(streams);
    assert_eq!(kit.send(&tenant, "/stream").await.status(), StatusCode::OK);
}
