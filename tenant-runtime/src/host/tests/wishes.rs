//! What is wished of tenants comes true or is refused, however often it is said.

use super::*;

#[tokio::test]
async fn a_suspended_tenant_ends_its_streams_and_never_wakes() {
    let kit = Kit::new();
    let mut tenant = kit.tenant().await;
    let stream = kit.send(&tenant, "/stream").await;
    tenant.state = Wanted::Suspended { reason: "The bill is open".into() };
    let (report, end) = tokio::join!(kit.node.put_tenant(&tenant), stream.into_body().collect());
    assert_eq!(report.expect("is granted").state, TenantState::Held);
    assert_eq!(end.expect("ends well").to_bytes(), "data: first\n\n");

    let answer = kit.get(&tenant, "/hello").await;
    assert_eq!((answer.status, answer.code()), (403, "suspended"));
    assert_eq!(answer.json["message"], "The project is suspended: The bill is open.");
    assert!(kit.node.wake(&tenant.id).await.expect_err("is held").is("suspended"));
    assert_eq!(kit.launches(), 1);

    tenant.state = Wanted::Running;
    assert_eq!(kit.node.put_tenant(&tenant).await.expect("is granted").state, TenantState::Asleep);
    assert_eq!(kit.get(&tenant, "/hello").await.status, 200);
}

#[tokio::test]
async fn only_the_generation_that_is_held_is_served() {
    let kit = Kit::new();
    let tenant = kit.tenant().await;
    let later = TenantSpec { generation: Generation(2), ..tenant.clone() };
    let answer = kit.get(&later, "/hello").await;
    assert_eq!((answer.status, answer.code()), (421, "moved"));

    kit.node.put_tenant(&later).await.expect("is granted");
    assert_eq!(kit.get(&tenant, "/hello").await.code(), "moved");
    assert_eq!(kit.get(&later, "/hello").await.status, 200);
    assert!(kit.node.put_tenant(&tenant).await.expect_err("is over").is("stale_generation"));
    assert!(kit.node.delete_tenant(&tenant.id, Generation(1)).await.expect_err("is over").is("stale_generation"));
}

#[tokio::test]
async fn a_removed_tenant_is_gone_with_its_data() {
    let kit = Kit::new();
    let mut tenant = kit.tenant().await;
    let remove = || kit.node.delete_tenant(&tenant.id, tenant.generation);
    assert!(remove().await.expect_err("is wanted").is("still_wanted"));
    let stream = kit.send(&tenant, "/stream").await;
    tenant.state = Wanted::Suspended { reason: "deleted".to_owned() };
    let (held, _) = tokio::join!(kit.node.put_tenant(&tenant), stream.into_body().collect());
    held.expect("is granted");
    remove().await.expect("is removed");
    kit.node.delete_tenant(&tenant.id, tenant.generation).await.expect("may be said twice");
    assert_eq!(kit.get(&tenant, "/hello").await.code(), "unknown_project");
    assert!(kit.node.tenant(&tenant.id).await.expect_err("is unknown").is("unknown_project"));
    assert_eq!(std::fs::read_dir(kit.dir.path().join("tenants")).expect("lists").count(), 0);
}

#[tokio::test]
async fn a_wish_may_be_repeated_and_an_interrupted_creation_is_made_whole() {
    let kit = Kit::new();
    let tenant = spec();
    kit.failing.store(true, Ordering::SeqCst);
    kit.node.put_tenant(&tenant).await.expect_err("fails");
    assert_eq!(kit.get(&tenant, "/hello").await.code(), "unknown_project");
    kit.failing.store(false, Ordering::SeqCst);
    let wishes = join_all((0..10).map(|_| kit.node.put_tenant(&tenant))).await;
    assert!(wishes.iter().all(Result::is_ok));
    assert_eq!(kit.get(&tenant, "/hello").await.status, 200);
    let names: Vec<_> = std::fs::read_dir(kit.dir.path().join("tenants"))
        .expect("lists")
        .map(|entry| entry.expect("is listed").file_name())
        .collect();
    assert_eq!(names, [tenant.id.as_str()]);
}

#[cfg(unix)]
#[tokio::test]
async fn no_other_user_enters_a_tenants_directory() {
    use std::os::unix::fs::PermissionsExt;
    let kit = Kit::new();
    let tenant = kit.tenant().await;
    for (name, mode) in [("", 0o700), ("data-1", 0o700), ("tenant.json", 0o600)] {
        let metadata = kit.folder(&tenant).join(name).metadata().expect("is there");
        assert_eq!(metadata.permissions().mode() & 0o777, mode, "{name}");
    }
}

#[tokio::test]
async fn a_wish_that_cannot_be_granted_is_refused_rather_than_bent() {
    let kit = Kit::new();
    let isolated = TenantSpec { isolation: Isolation::Process, ..spec() };
    assert!(kit.node.put_tenant(&isolated).await.expect_err("is refused").is("isolation_unavailable"));
    assert!(kit.node.tenants().await.expect("lists").is_empty());
}

#[tokio::test]
async fn a_suspended_tenant_can_be_visited_and_stays_suspended() {
    let kit = Kit::new();
    let spec = kit.tenant().await;
    let held = TenantSpec { state: Wanted::Suspended { reason: "unpaid".into() }, ..spec.clone() };
    kit.node.put_tenant(&held).await.expect("is taken");
    let tenant = kit.host.find(spec.id).expect("is there");
    let visit = tenant.visit().await.expect("opens");
    assert_eq!(tenant.report().state, TenantState::Held);
    assert_eq!(kit.get(&spec, "/hello").await.status, 403);
    tenant.leave(visit).await;
    assert_eq!(tenant.report().state, TenantState::Held);
}
