//! The data somebody leaves behind, for them to fetch: whoever has the secret of the mail gets the newest proven backup of
//! each project, as long as the project could be brought back.

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use sqlx::{Any, AnyPool, Row as _, Transaction};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::tickets::digest;
use crate::backups;
use crate::clock;
use crate::error::{Error, ErrorBody, Result};
use crate::http::Body;
use crate::mail::{self, Mail};
use crate::state::Platform;

pub(super) fn routes() -> OpenApiRouter<Platform> {
    OpenApiRouter::new().routes(routes!(show_export)).routes(routes!(download_export))
}

#[derive(Deserialize, ToSchema)]
struct ExportSecret {
    /// From the mail.
    secret: String,
}

#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Export {
    /// Until when, in milliseconds since the epoch.
    until_ms: i64,
    projects: Vec<ExportedProject>,
}

/// A project, and its newest proven backup once there is one
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ExportedProject {
    id: String,
    slug: String,
    name: String,
    bytes: Option<i64>,
    made_ms: Option<i64>,
}

/// Which zip
#[derive(Default, ToSchema)]
#[expect(dead_code, reason = "names the form's fields for the OpenAPI document")]
struct ExportForm {
    /// From the mail.
    secret: String,
    /// The project's id.
    project: String,
}

/// The projects whose data can be fetched with the secret from the mail
#[utoipa::path(post, path = "/api/exports", request_body = ExportSecret,
    responses((status = 200, body = Export), (status = 404, body = ErrorBody)))]
async fn show_export(State(platform): State<Platform>, Body(given): Body<ExportSecret>) -> Result<Json<Export>> {
    let db = platform.database.read();
    let sql = "SELECT p.id, p.slug, p.name, e.until_ms FROM export e JOIN project p ON p.id = e.project_id
         WHERE e.token_hash = $1 AND e.until_ms > $2 ORDER BY p.name, p.id";
    let rows = sqlx::query(sql).bind(digest(&given.secret)).bind(clock::now_ms()).fetch_all(db).await?;
    let until_ms = rows.first().ok_or_else(over)?.try_get(3)?;
    let mut projects = Vec::with_capacity(rows.len());
    for row in rows {
        let id: String = row.try_get(0)?;
        let kept = backups::newest_proven(db, &id).await?;
        projects.push(ExportedProject {
            bytes: kept.as_ref().map(|kept| kept.bytes),
            made_ms: kept.as_ref().map(|kept| kept.made_ms),
            id,
            slug: row.try_get(1)?,
            name: row.try_get(2)?,
        });
    }
    Ok(Json(Export { until_ms, projects }))
}

/// One project's data as a zip that a stock PocketBase restores; a form, so that a page's button saves it to a file
#[utoipa::path(post, path = "/api/exports/zip",
    request_body(content_type = "application/x-www-form-urlencoded", content = ExportForm),
    responses((status = 200, content_type = "application/zip", body = Vec<u8>), (status = 404, body = ErrorBody)))]
async fn download_export(State(platform): State<Platform>, form: Bytes) -> Result<Response> {
    let field = |wanted: &str| {
        let mut fields = form_urlencoded::parse(&form);
        fields.find(|(name, _)| name == wanted).map(|(_, value)| value.into_owned()).unwrap_or_default()
    };
    let (secret, project) = (field("secret"), field("project"));
    if secret.is_empty() || project.is_empty() {
        return Err(Error::field("secret", "required", "The form lacks the secret or the project."));
    }
    let db = platform.database.read();
    let slug = exported(db, &secret, &project).await?.ok_or_else(over)?;
    let kept = backups::newest_proven(db, &project).await?;
    let kept = kept.ok_or_else(|| Error::not_found("There is no proven backup of this project yet."))?;
    backups::send_zip(&platform, &project, &slug, &kept).await
}

/// The slug of a project that the secret is good for.
async fn exported(db: &AnyPool, secret: &str, project: &str) -> Result<Option<String>> {
    let sql = "SELECT p.slug FROM export e JOIN project p ON p.id = e.project_id
         WHERE e.token_hash = $1 AND e.project_id = $2 AND e.until_ms > $3";
    let query = sqlx::query_scalar(sql).bind(digest(secret)).bind(project).bind(clock::now_ms());
    Ok(query.fetch_optional(db).await?)
}

fn over() -> Error {
    Error::not_found("This link is too old, or nothing is left that could be fetched with it.")
}

/// Mails a link with which the data of all projects of these teams can be fetched.
pub(super) async fn offer(
    platform: &Platform,
    tx: &mut Transaction<'static, Any>,
    email: &str,
    teams: &[&str],
) -> Result<()> {
    let secret = tenant_runtime::random_key(40);
    let now = clock::now_ms();
    let mut projects = 0;
    sqlx::query("DELETE FROM export WHERE until_ms <= $1").bind(now).execute(&mut **tx).await?;
    for team in teams {
        let sql = "INSERT INTO export (token_hash, project_id, until_ms) SELECT $1, p.id, $2 FROM project p WHERE p.team_id = $3";
        let added = sqlx::query(sql)
            .bind(digest(&secret))
            .bind(now + clock::millis(platform.config.grace()))
            .bind(*team)
            .execute(&mut **tx)
            .await?;
        projects += added.rows_affected();
    }
    let erased = "Your account is erased, as you asked, and with it everything that tells who you were.";
    let mail = if projects == 0 {
        Mail::of_platform(email, "Your account is erased", erased, "Open the console", &platform.urls.console())
    } else {
        let sentence = format!(
            "{erased} For {} days you can still fetch the data of your projects with this link, which is for you alone.",
            platform.config.grace_days
        );
        let link = format!("{}/export#{secret}", platform.urls.console());
        Mail::of_platform(email, "Your account is erased", &sentence, "Fetch my data", &link)
    };
    mail::enqueue(tx, &mail).await
}
