//! PocketBase's API: every route and every layer around them on one screen.

mod activity;
mod auth;
mod backups;
mod batch;
pub mod body;
mod change;
mod collections;
pub mod cors;
mod crons;
mod file_answer;
mod files;
mod form;
mod gate;
mod health;
mod logs;
mod oauth2;
mod pages;
mod path;
pub(crate) mod pick;
mod public;
mod real_ip;
mod realtime;
mod records;
pub mod request;
mod respond;
mod settings;
mod sql;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use http::{HeaderValue, StatusCode, header};
use tower_http::catch_panic::CatchPanicLayer;

use crate::app::App;
use crate::error::ApiError;

/// The whole API of one backend.
pub fn router(app: &App) -> Router {
    Router::new()
        .route("/api/health", get(health::check))
        .route("/api/files/token", post(files::token))
        .route("/api/files/{collection}/{record}/{name}", get(files::download))
        .route("/api/realtime", get(realtime::connect).post(realtime::subscribe))
        .route("/api/batch", post(batch::run))
        .route("/api/sql", post(sql::run))
        .route("/api/settings", get(settings::view).patch(settings::update))
        .route("/api/settings/test/email", post(settings::test_email))
        .route("/api/settings/test/s3", post(settings::test_s3))
        .route("/api/settings/apple/generate-client-secret", post(settings::apple_client_secret))
        .route("/api/collections", get(collections::list).post(collections::create))
        .route(
            "/api/collections/{collection}",
            get(collections::view).patch(collections::update).delete(collections::delete).put(collections::import),
        )
        .route("/api/collections/{collection}/truncate", delete(collections::truncate))
        .route("/api/collections/meta/scaffolds", get(collections::scaffolds))
        .route("/api/collections/meta/oauth2-providers", get(collections::oauth2_providers))
        .route("/api/collections/meta/dry-run-view", post(collections::dry_run_view))
        .route("/api/collections/{collection}/records", get(records::list).post(records::create))
        .route(
            "/api/collections/{collection}/records/{id}",
            get(records::view).patch(records::update).delete(records::delete),
        )
        .route("/api/collections/{collection}/auth-methods", get(auth::methods))
        .route("/api/collections/{collection}/auth-with-password", post(auth::with_password))
        .route("/api/collections/{collection}/auth-with-oauth2", post(oauth2::sign_in))
        .route("/api/oauth2-redirect", get(oauth2::redirect).post(oauth2::redirect))
        .route("/api/collections/{collection}/auth-refresh", post(auth::refresh))
        .route("/api/backups", get(backups::list).post(backups::create))
        .route("/api/backups/upload", post(backups::upload))
        .route("/api/backups/{key}", get(backups::download).delete(backups::delete))
        .route("/api/backups/{key}/restore", post(backups::restore))
        .route("/api/crons", get(crons::list))
        .route("/api/crons/{id}", post(crons::run))
        .route("/api/logs", get(logs::list).delete(logs::clear))
        .route("/api/logs/stats", get(logs::stats))
        .route("/api/logs/{id}", get(logs::view))
        .route("/api/collections/{collection}/request-otp", post(auth::request_otp))
        .route("/api/collections/{collection}/auth-with-otp", post(auth::with_otp))
        .route("/api/collections/{collection}/request-verification", post(auth::request_verification))
        .route("/api/collections/{collection}/confirm-verification", post(auth::confirm_verification))
        .route("/api/collections/{collection}/request-password-reset", post(auth::request_password_reset))
        .route("/api/collections/{collection}/confirm-password-reset", post(auth::confirm_password_reset))
        .route("/api/collections/{collection}/request-email-change", post(auth::request_email_change))
        .route("/api/collections/{collection}/confirm-email-change", post(auth::confirm_email_change))
        .route("/api/collections/{collection}/impersonate/{id}", post(auth::impersonate))
        .route("/_", get(pages::to_index))
        .route("/_/", get(pages::index))
        .route("/_/{*path}", get(pages::elsewhere))
        .fallback(public::serve)
        .method_not_allowed_fallback(public::serve)
        .layer(middleware::from_fn(pick::project))
        .layer(middleware::from_fn(body::refuse_large))
        .layer(middleware::from_fn_with_state(app.clone(), gate::keep))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(app.clone(), activity::note))
        .layer(middleware::from_fn(standard_headers))
        .layer(middleware::from_fn_with_state(app.clone(), real_ip::find))
        .layer(middleware::from_fn_with_state(app.clone(), cors::allow))
        .with_state(app.clone())
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a request panicked");
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "").into_response()
}

/// The headers every response has.
async fn standard_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let is_file = response.headers().contains_key(header::CONTENT_SECURITY_POLICY);
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_XSS_PROTECTION, HeaderValue::from_static("1; mode=block"));
    if !is_file {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    }
    response
}
