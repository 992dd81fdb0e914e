//! Zips that leave and zips that come: a download is the stored archive as it is, an import is stored like a backup and
//! has to be proven like one, which is also its report: nothing of the project changes before it is restored.

use std::sync::{Arc, OnceLock};

use axum::Json;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, TryStreamExt as _};
use http::{HeaderValue, StatusCode, header};
use tenant_runtime::BoxError;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::api::{Begun, begun, find, under_way};
use super::{Manifest, Origin, archive_key, check, manifest_key, remove_objects, retention, store};
use crate::audit;
use crate::clock;
use crate::database::number;
use crate::error::{Error, ErrorBody, Result};
use crate::jobs;
use crate::operator::disk;
use crate::projects::api::{find_project, refuse_deleted};
use crate::projects::store::Row;
use crate::session::Session;
use crate::state::Platform;
use crate::teams::Action;

/// After so many bytes of an import the disk is looked at again.
const LOOK: u64 = 16 << 20;

pub(super) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(download_backup)).routes(routes!(import_backup))
}

/// A backup as a zip that a stock PocketBase restores
#[utoipa::path(get, path = "/api/projects/{slug}/backups/{id}/zip", params(("slug" = String, Path), ("id" = String, Path)),
    responses((status = 200, content_type = "application/zip", body = Vec<u8>), (status = 404, body = ErrorBody)))]
async fn download_backup(
    State(platform): State<Platform>,
    session: Session,
    Path((slug, id)): Path<(String, String)>,
) -> Result<Response> {
    let project = find_project(&platform, &session, &slug, Action::Download).await?;
    let backup = find(&platform, &project.id, &id).await?;
    if backup.manifest.is_none() {
        return Err(Error::not_found("This backup was never stored."));
    }
    let bytes = backup.manifest.map_or(0, |manifest| number(manifest.bytes));
    let kept = store::Kept { id, bytes, made_ms: backup.created_ms };
    send_zip(&platform, &project.id, &project.slug, &kept).await
}

/// A stored backup as a download.
pub async fn send_zip(platform: &Platform, project: &str, slug: &str, kept: &store::Kept) -> Result<Response> {
    let object = platform.backups.open(&archive_key(project, &kept.id)).await.map_err(|error| {
        tracing::warn!("a backup cannot be read: {error:#}");
        Error::refused(StatusCode::BAD_GATEWAY, "unreadable", "The backup cannot be read from where it is kept.")
    })?;
    let made = chrono::DateTime::from_timestamp_millis(kept.made_ms).unwrap_or_default();
    let name = format!("attachment; filename=\"{slug}-{}.zip\"", made.format("%Y%m%d%H%M%S"));
    let mut response = Response::new(Body::from_stream(object.content));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/zip"));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(object.bytes));
    headers.insert(header::CONTENT_DISPOSITION, HeaderValue::try_from(name).map_err(anyhow::Error::new)?);
    Ok(response)
}

/// Takes in a zip of a PocketBase or of a Roost project; it is checked, and nothing changes before it is restored
#[utoipa::path(post, path = "/api/projects/{slug}/imports", params(("slug" = String, Path)),
    request_body(content_type = "application/zip", content = Vec<u8>),
    responses((status = 202, body = Begun), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody),
        (status = 413, body = ErrorBody)))]
async fn import_backup(
    State(platform): State<Platform>,
    session: Session,
    Path(slug): Path<String>,
    request: Request,
) -> Result<(StatusCode, Json<Begun>)> {
    let project = find_project(&platform, &session, &slug, Action::Import).await?;
    refuse_deleted(&project)?;
    disk::refuse_copies_if_full(&platform)?;
    if jobs::is_under_way(platform.database.write(), &project.id, check::IMPORT).await? {
        return Err(under_way());
    }
    // Noted first: what a crash leaves behind is then known, and goes with old failures.
    let backup = tenant_runtime::random_id(15);
    let mut tx = platform.database.begin().await?;
    store::create(&mut tx, &backup, &project.id, Origin::Import).await?;
    tx.commit().await?;
    // On its own: it cleans up after itself even if whoever brings the zip goes away.
    let (here, slug) = (platform.clone(), project.slug.clone());
    let importing = tokio::spawn(async move {
        let job = take_in(&here, &project, &backup, &session.account.id, request.into_body()).await;
        if job.is_err() {
            remove_objects(&here, &project.id, &backup).await?;
            store::remove(here.database.write(), &backup).await?;
        }
        job
    });
    let job = importing.await.map_err(|error| Error::Internal(anyhow::Error::new(error).context("import a zip")))?;
    begun(&platform, job?, slug)
}

async fn take_in(platform: &Platform, row: &Row, backup: &str, account: &str, body: Body) -> Result<String> {
    // Of imports that come at once each counts the others.
    retention::refuse_many(platform, row, 1).await?;
    let project = row.id.as_str();
    let refused = Arc::new(OnceLock::new());
    let content = bounded(platform.clone(), body, Arc::clone(&refused));
    let stored = platform.backups.put(&archive_key(project, backup), content.boxed()).await;
    let stored = stored.map_err(|error| {
        let refusal = Arc::into_inner(refused).and_then(OnceLock::into_inner);
        refusal.unwrap_or_else(|| Error::Internal(error.context("store an import")))
    })?;
    let manifest = Manifest {
        version: Manifest::VERSION,
        project: project.to_owned(),
        backup: backup.to_owned(),
        origin: Origin::Import,
        made_ms: clock::now_ms(),
        bytes: stored.bytes,
        sha256: stored.sha256,
        census: None,
        exact: true,
    };
    let text = serde_json::to_vec_pretty(&manifest).map_err(anyhow::Error::new)?;
    platform.backups.put(&manifest_key(project, backup), futures_util::stream::iter([Ok(text.into())])).await?;
    let mut tx = platform.database.begin().await?;
    store::stored(&mut *tx, backup, &manifest).await?;
    let job = check::begin(&mut tx, check::IMPORT, project, backup).await?.ok_or_else(under_way)?;
    audit::note(&mut tx, Some(account), Some(project), "imported", "A zip was taken in").await?;
    tx.commit().await?;
    Ok(job)
}

/// A body that ends with an error when it grows too large or the disk too full; why goes to `refused`.
fn bounded(
    platform: Platform,
    body: Body,
    refused: Arc<OnceLock<Error>>,
) -> impl Stream<Item = std::result::Result<Bytes, BoxError>> + Send {
    let most = platform.config.backups.largest_import.saturating_mul(1 << 20);
    let (mut taken, mut looked_at) = (0, 0);
    body.into_data_stream().map_err(BoxError::from).map(move |chunk| {
        let chunk = chunk?;
        taken += chunk.len() as u64;
        let mut fits = if taken > most { Err(too_large()) } else { Ok(()) };
        if fits.is_ok() && taken - looked_at >= LOOK {
            looked_at = taken;
            fits = disk::refuse_copies_if_full(&platform);
        }
        fits.map(|()| chunk).map_err(|refusal| {
            let _ = refused.set(refusal);
            BoxError::from("the import does not fit")
        })
    })
}

fn too_large() -> Error {
    Error::refused(StatusCode::PAYLOAD_TOO_LARGE, "too_large", "The zip is larger than an import may be.")
}
