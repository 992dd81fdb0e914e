//! The same with Apps instead of the stand-in.

use super::*;

/// A host of real Apps, and one tenant with a superuser.
pub async fn real() -> (tempfile::TempDir, Host, NodeClient, TenantSpec) {
    let dir = tempfile::tempdir().expect("a directory");
    let host = Host::open(options(dir.path(), 10)).expect("the host opens");
    let node = NodeClient::new(host.admin());
    let mut tenant = spec();
    tenant.first_superuser = Some(FirstSuperuser {
        email: "ann@example.com".into(),
        password_hash: crate::auth::hash("correct horse", 4).expect("hashes"),
    });
    node.put_tenant(&tenant).await.expect("is created");
    (dir, host, node, tenant)
}

pub async fn ask(host: &Host, tenant: &TenantSpec, path: &str, body: Option<Json>) -> Answer {
    let request = Request::builder()
        .method(if body.is_some() { "POST" } else { "GET" })
        .uri(path)
        .header("content-type", "application/json")
        .header("x-roost-tenant", tenant.id.as_str())
        .header("x-roost-generation", tenant.generation.0)
        .body(body.map_or_else(Body::empty, |json| Body::from(json.to_string())))
        .expect("a request");
    Answer::of(host.service().oneshot(request).await.expect("a host always answers")).await
}

async fn sign_in(host: &Host, tenant: &TenantSpec, password: &str) -> u16 {
    let body = serde_json::json!({"identity": "ann@example.com", "password": password});
    ask(host, tenant, "/api/collections/_superusers/auth-with-password", Some(body)).await.status
}

#[tokio::test]
async fn a_real_tenant_is_created_with_its_superuser_sleeps_and_wakes() {
    let (dir, host, node, tenant) = real().await;
    let told = std::fs::read_to_string(dir.path().join("tenants").join(tenant.id.as_str()).join("tenant.json"));
    assert!(!told.expect("is there").contains("passwordHash"), "a hash belongs into the database only");
    for _ in 0..3 {
        assert_eq!(sign_in(&host, &tenant, "correct horse").await, 200);
        let report = node.sleep(&tenant.id).await.expect("answers");
        assert_eq!(report.state, TenantState::Asleep);
        assert!(report.database_bytes > 0);
    }
    let hash = crate::auth::hash("battery staple", 4).expect("hashes");
    node.put_superuser(&tenant.id, "ann@example.com", &hash).await.expect("is set");
    assert_eq!(sign_in(&host, &tenant, "correct horse").await, 400);
    assert_eq!(sign_in(&host, &tenant, "battery staple").await, 200);
    let refused = node.put_superuser(&tenant.id, "ann@example.com", "in plain words").await;
    assert!(refused.expect_err("is no hash").is("invalid_request"));
}

#[tokio::test]
async fn a_real_tenant_with_a_damaged_database_says_so() {
    let (dir, host, node, tenant) = real().await;
    let data = dir.path().join("tenants").join(tenant.id.as_str()).join("data-1/data.db");
    let mut bytes = std::fs::read(&data).expect("is there");
    bytes[..100].fill(7);
    std::fs::write(&data, bytes).expect("writes");
    let answer = ask(&host, &tenant, "/api/health", None).await;
    assert_eq!((answer.status, answer.code()), (503, "damaged"));
    assert_eq!(node.tenant(&tenant.id).await.expect("is known").state, TenantState::Damaged);
}

/// The token of the first superuser.
async fn token(host: &Host, tenant: &TenantSpec, password: &str) -> String {
    let body = serde_json::json!({"identity": "ann@example.com", "password": password});
    let answer = ask(host, tenant, "/api/collections/_superusers/auth-with-password", Some(body)).await;
    answer.json["token"].as_str().expect("a token").to_owned()
}

async fn post_as(host: &Host, tenant: &TenantSpec, token: &str, path: &str) -> StatusCode {
    let request = Request::post(path)
        .header("authorization", token)
        .header("x-roost-tenant", tenant.id.as_str())
        .header("x-roost-generation", tenant.generation.0)
        .body(Body::empty())
        .expect("a request");
    host.service().oneshot(request).await.expect("a host always answers").status()
}

#[tokio::test]
async fn a_real_tenant_that_restores_a_backup_is_reopened_with_it() {
    let (dir, host, node, tenant) = real().await;
    let before = token(&host, &tenant, "correct horse").await;
    assert_eq!(post_as(&host, &tenant, &before, "/api/backups").await, StatusCode::NO_CONTENT);
    let backups = dir.path().join("tenants").join(tenant.id.as_str()).join("data-1/backups");
    let mut backups = std::fs::read_dir(backups).expect("lists");
    let backup = backups.next().expect("one").expect("an entry").file_name();
    let hash = crate::auth::hash("battery staple", 4).expect("hashes");
    node.put_superuser(&tenant.id, "ann@example.com", &hash).await.expect("is set");
    assert_eq!(sign_in(&host, &tenant, "correct horse").await, 400);
    let now = token(&host, &tenant, "battery staple").await;
    let path = format!("/api/backups/{}/restore", backup.to_string_lossy());
    assert_eq!(post_as(&host, &tenant, &now, &path).await, StatusCode::NO_CONTENT);
    while sign_in(&host, &tenant, "correct horse").await != 200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(sign_in(&host, &tenant, "battery staple").await, 400);
}

#[tokio::test]
async fn a_data_directory_in_other_hands_is_left_alone() {
    let (dir, host, node, tenant) = real().await;
    let data = dir.path().join("tenants").join(tenant.id.as_str()).join("data-1");
    let other =
        crate::app::App::open(&data, AppOptions::alone(Pool::new(2), Hasher::for_this_machine())).expect("opens");
    assert_eq!(ask(&host, &tenant, "/api/health", None).await.code(), "not_starting");
    other.close().await.expect("closes");
    drop(other);
    assert_eq!(node.wake(&tenant.id).await.expect("wakes").state, TenantState::Awake);
    assert_eq!(ask(&host, &tenant, "/api/health", None).await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_closings_may_meet_in_any_order() {
    let (_dir, host, node, tenant) = real().await;
    let requests = join_all((0..4).map(|_| {
        let (host, tenant) = (host.clone(), tenant.clone());
        tokio::spawn(async move {
            for _ in 0..50 {
                // A directory opened twice, or a database closed under a request, would answer something else.
                assert_eq!(ask(&host, &tenant, "/api/collections/users/auth-methods", None).await.status, 200);
            }
        })
    }));
    let keeper = host.find(tenant.id).expect("is known");
    let closings = async {
        for round in 0_u32.. {
            keeper.sleep_if_unused().await;
            if round % 20 == 0 {
                // Refused where what is answered takes long.
                let _ = node.sleep(&tenant.id).await;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        ended = requests => assert!(ended.iter().all(Result::is_ok)),
        () = closings => {}
    }
}
