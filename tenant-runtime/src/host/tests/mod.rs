//! The host through its two front doors, with a small service in each tenant's place.

mod failing;
mod looking;
mod real;
mod requests;
mod waking;
mod wishes;

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

pub(super) use self::real::{ask, real};

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
