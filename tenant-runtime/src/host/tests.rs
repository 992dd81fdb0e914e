//! The host through its two front doors, with a small service in each tenant's place.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use futures_util::future::join_all;
use http::{HeaderMap, StatusCode};
use http_body_util::BodyExt;
use serde_json::Value as Json;
use tower::ServiceExt;

use super::in_process::Backend;
use super::*;
use crate::app::OpenError;
use crate::auth::Hasher;
use crate::client_address::ClientAddress;
use crate::store::Pool;

struct Kit {
    dir: tempfile::TempDir,
    host: Host,
    node: NodeClient,
    launches: Arc<AtomicUsize>,
    /// While set, nothing starts, for a reason that is nobody's damage.
    failing: Arc<AtomicBool>,
    /// While held, nothing gets to start.
    starting: Arc<tokio::sync::Mutex<()>>,
}

impl Kit {
    fn new() -> Kit {
        Kit::with(100, tempfile::tempdir().expect("a directory"))
    }

    fn with(max_awake: usize, dir: tempfile::TempDir) -> Kit {
        let (launches, failing, starting) = Default::default();
        let (counted, fails): (Arc<AtomicUsize>, Arc<AtomicBool>) = (Arc::clone(&launches), Arc::clone(&failing));
        let starts: Arc<tokio::sync::Mutex<()>> = Arc::clone(&starting);
        let launch: Launch = Box::new(move |dir, _, _| {
            counted.fetch_add(1, Ordering::SeqCst);
            let fails = fails.load(Ordering::SeqCst);
            let starts = Arc::clone(&starts);
            Box::pin(async move {
                drop(starts.lock().await);
                if fails { Err(anyhow::anyhow!("on purpose").into()) } else { open(&dir).await }
            })
        });
        let options = options(dir.path(), max_awake);
        let host = Host::open_with(options, launch).expect("the host opens");
        let node = NodeClient::new(host.admin());
        Kit { dir, host, node, launches, failing, starting }
    }

    /// The next process over the same directory. The one before lets go of it when its last task ends.
    async fn reopened(self) -> Kit {
        let Kit { dir, host, node, .. } = self;
        host.close().await;
        drop((host, node));
        let tenants = dir.path().join("tenants");
        while std::fs::File::open(&tenants).expect("is there").try_lock().is_err() {
            tokio::task::yield_now().await;
        }
        Kit::with(100, dir)
    }

    async fn tenant(&self) -> TenantSpec {
        let spec = spec();
        self.node.put_tenant(&spec).await.expect("is created");
        self.launches.store(0, Ordering::SeqCst);
        spec
    }

    async fn get(&self, spec: &TenantSpec, path: &str) -> Answer {
        Answer::of(self.send(spec, path).await).await
    }

    async fn send(&self, spec: &TenantSpec, path: &str) -> Response<Body> {
        let request = Request::get(path)
            .header("x-roost-tenant", spec.id.as_str())
            .header("x-roost-generation", spec.generation.0)
            .header("x-roost-client-ip", "203.0.113.9")
            .body(Body::empty())
            .expect("a request");
        self.host.service().oneshot(request).await.expect("a host always answers")
    }

    async fn state(&self, spec: &TenantSpec) -> TenantState {
        self.node.tenant(&spec.id).await.expect("is known").state
    }

    fn launches(&self) -> usize {
        self.launches.load(Ordering::SeqCst)
    }

    fn folder(&self, spec: &TenantSpec) -> PathBuf {
        self.dir.path().join("tenants").join(spec.id.as_str())
    }
}

pub(super) fn options(dir: &Path, max_awake: usize) -> HostOptions {
    HostOptions {
        dir: dir.join("tenants"),
        engine: AppOptions::alone(Pool::new(2), Hasher::for_this_machine()),
        outboxes: None,
        max_awake: Some(max_awake),
        succeeds: false,
    }
}

pub(super) struct Answer {
    pub(super) status: u16,
    headers: HeaderMap,
    json: Json,
}

impl Answer {
    async fn of(response: Response<Body>) -> Answer {
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a whole body").to_bytes();
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            json: serde_json::from_slice(&body).unwrap_or_default(),
        }
    }

    pub(super) fn code(&self) -> &str {
        self.json["data"]["code"].as_str().unwrap_or_default()
    }
}

fn spec() -> TenantSpec {
    TenantSpec {
        id: TenantId::generate(),
        generation: Generation(1),
        state: Wanted::Running,
        isolation: Isolation::Shared,
        limits: Limits::default(),
        rest: Rest::default(),
        public_url: "http://blog.localhost".into(),
        app_name: "Blog".into(),
        first_superuser: None,
    }
}

/// A tenant whose whole data is one line.
async fn open(dir: &Path) -> Result<Backend, OpenError> {
    let data = dir.join("data.db");
    if !data.exists() {
        std::fs::write(&data, "whole").map_err(anyhow::Error::new)?;
    }
    if std::fs::read_to_string(&data).map_err(anyhow::Error::new)? != "whole" {
        return Err(OpenError::Damaged("not a database".into()));
    }
    // Lets a crowd gather.
    tokio::task::yield_now().await;
    let router = Router::new()
        .route("/hello", get(async || "{}"))
        .route(
            "/panic",
            get(async || {
                if true {
                    panic!("on purpose")
                }
            }),
        )
        .route("/stream", get(stream_for_ever))
        .route("/download", get(async || Body::from_stream(endless())))
        .route("/seen", get(what_is_seen));
    Ok(Backend { service: service::boxed(router), app: None })
}

async fn what_is_seen(headers: HeaderMap, client: Option<axum::Extension<ClientAddress>>) -> axum::Json<Json> {
    let names: Vec<_> = headers.keys().map(http::HeaderName::as_str).collect();
    let client = client.map(|client| client.0.0.to_string());
    axum::Json(serde_json::json!({"headers": names, "client": client}))
}

fn endless() -> impl futures_util::Stream<Item = Result<&'static str, std::convert::Infallible>> {
    stream::iter([Ok("data: first\n\n")]).chain(stream::pending())
}

async fn stream_for_ever() -> Response<Body> {
    let response = Response::builder().header("content-type", "text/event-stream");
    response.body(Body::from_stream(endless())).expect("a response")
}

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
    for path in ["/stream", "/download"] {
        let mut answer = kit.send(&tenant, path).await.into_body();
        assert!(answer.frame().await.is_some());
        let report = kit.node.sleep(&tenant.id).await.expect("answers");
        assert_eq!(report.state, TenantState::Idle, "{path}");
        drop(answer);
        let report = kit.node.sleep(&tenant.id).await.expect("answers");
        assert_eq!(report.state, TenantState::Asleep, "{path}");
    }
}

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
async fn a_panic_is_an_answer_and_nothing_else() {
    let kit = Kit::new();
    let tenant = kit.tenant().await;
    let answer = kit.get(&tenant, "/panic").await;
    assert_eq!((answer.status, &answer.json["status"]), (500, &Json::from(500)));
    assert_eq!(kit.get(&tenant, "/hello").await.status, 200);
    assert_eq!(kit.node.sleep(&tenant.id).await.expect("answers").state, TenantState::Asleep);
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

/// A host of real Apps, and one tenant with a superuser.
pub(super) async fn real() -> (tempfile::TempDir, Host, NodeClient, TenantSpec) {
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

pub(super) async fn ask(host: &Host, tenant: &TenantSpec, path: &str, body: Option<Json>) -> Answer {
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
    let closings = async {
        loop {
            node.sleep(&tenant.id).await.expect("answers");
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        ended = requests => assert!(ended.iter().all(Result::is_ok)),
        () = closings => {}
    }
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
