//! PocketBase's API: every route and every layer around them on one screen.

mod auth;
mod batch;
pub mod body;
mod change;
mod collections;
mod file_answer;
mod files;
mod form;
mod health;
mod oauth2;
pub(crate) mod pick;
mod realtime;
mod records;
pub mod request;
mod respond;
mod settings;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, post};
use http::{HeaderValue, Method, StatusCode, header};
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
        .route("/api/settings", get(settings::view).patch(settings::update))
        .route("/api/settings/test/email", post(settings::test_email))
        .route("/api/settings/test/s3", post(settings::test_s3))
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
        .route("/api/collections/{collection}/request-otp", post(auth::request_otp))
        .route("/api/collections/{collection}/auth-with-otp", post(auth::with_otp))
        .route("/api/collections/{collection}/request-verification", post(auth::request_verification))
        .route("/api/collections/{collection}/confirm-verification", post(auth::confirm_verification))
        .route("/api/collections/{collection}/request-password-reset", post(auth::request_password_reset))
        .route("/api/collections/{collection}/confirm-password-reset", post(auth::confirm_password_reset))
        .route("/api/collections/{collection}/request-email-change", post(auth::request_email_change))
        .route("/api/collections/{collection}/confirm-email-change", post(auth::confirm_email_change))
        .route("/api/collections/{collection}/impersonate/{id}", post(auth::impersonate))
        .fallback(unknown)
        .method_not_allowed_fallback(unknown)
        .layer(middleware::from_fn(pick::project))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(standard_headers))
        .with_state(app.clone())
}

/// An unknown path, or a known one with another method.
async fn unknown() -> Response {
    ApiError::not_found("").into_response()
}

fn panicked(_: Box<dyn std::any::Any + Send>) -> Response {
    tracing::error!("a request panicked");
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "").into_response()
}

/// Cross-origin answers and the headers every response has.
async fn standard_headers(request: Request, next: Next) -> Response {
    let from_elsewhere = request.headers().contains_key(header::ORIGIN);
    if from_elsewhere
        && request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
    {
        return preflight(&request);
    }
    let mut response = next.run(request).await;
    let is_file = response.headers().contains_key(header::CONTENT_SECURITY_POLICY);
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::X_XSS_PROTECTION, HeaderValue::from_static("1; mode=block"));
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    if !is_file {
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    }
    if from_elsewhere {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    }
    response
}

fn preflight(request: &Request) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET,HEAD,PUT,PATCH,POST,DELETE"));
    headers.insert(
        header::VARY,
        HeaderValue::from_static("Origin, Access-Control-Request-Method, Access-Control-Request-Headers"),
    );
    if let Some(wanted) = request.headers().get(header::ACCESS_CONTROL_REQUEST_HEADERS) {
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    response
}
