//! Requests that still come to the old process after the new one took over: on connections that clients keep open. They are
//! passed on over a Unix socket, so nobody waits for a connection to end, and no tenant goes back and forth.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use anyhow::Context as _;
use axum::body::Body;
use axum::response::IntoResponse as _;
use http::{Request, StatusCode};
use proxy::HttpService;
use proxy::upstream::{self, Address};
use tokio::net::UnixListener;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt as _;

/// Where requests go once there is a successor; clones share it.
#[derive(Clone, Default)]
pub struct Heir(Arc<OnceLock<HttpService>>);

impl Heir {
    /// The successor over this data directory answers from now on.
    pub fn appoint(&self, dir: &Path) -> HttpService {
        self.0.get_or_init(|| upstream::at(Address::Unix(socket(dir)))).clone()
    }

    /// A service that passes on what it is asked once there is a successor.
    pub fn before(&self, service: HttpService) -> HttpService {
        let heir = self.clone();
        HttpService::new(tower::service_fn(move |request| {
            let answers = heir.0.get().unwrap_or(&service).clone();
            answers.oneshot(request)
        }))
    }
}

/// Answers what a predecessor passes on until it has ended: with the stamp of a tenant to the host, else to the console.
///
/// # Errors
/// When the socket cannot be made.
pub fn relay(
    dir: &Path,
    tenants: HttpService,
    console: HttpService,
    ended: CancellationToken,
) -> anyhow::Result<impl Future<Output = ()> + use<>> {
    let path = socket(dir);
    // Of a process that was killed.
    let _ = fs::remove_file(&path);
    let listener = UnixListener::bind(&path).with_context(|| format!("listen on {}", path.display()))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).context("keep others from the socket")?;
    let answer = move |request: Request<Body>| {
        let is_stamped = request.headers().contains_key("x-roost-tenant");
        let service = if is_stamped { tenants.clone() } else { console.clone() };
        async move { service.oneshot(request).await.unwrap_or_else(|_| StatusCode::BAD_GATEWAY.into_response()) }
    };
    let router = axum::Router::new().fallback(answer);
    Ok(async move {
        tokio::select! {
            served = axum::serve(listener, router) => served.unwrap_or_else(|error| tracing::error!("{error}")),
            () = ended.cancelled() => {}
        }
        let _ = fs::remove_file(path);
    })
}

fn socket(dir: &Path) -> PathBuf {
    dir.join("successor.sock")
}
