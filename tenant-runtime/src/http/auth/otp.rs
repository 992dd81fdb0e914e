//! Signing in with a one-time password.

use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::json;

use super::answer::Proven;
use super::auth_collection;
use crate::app::App;
use crate::auth::{Method, otp};
use crate::error::{ApiError, Result};
use crate::http::form::{Form, MOST_BYTES};
use crate::http::path::Path;
use crate::http::respond;
use crate::schema::auth_options::AuthOptions;

const MOST_PASSWORD_BYTES: usize = 71;

/// `POST /api/collections/{collection}/request-otp`
pub async fn request(State(app): State<App>, Path(name): Path<String>, request: Request) -> Result<Response> {
    let (collection, options) = auth_collection(&app, &name)?;
    require_enabled(&options)?;
    let (_, values) = super::read(&app, request).await?;
    let mut form = Form::new(&values);
    let email = form.email("email");
    form.finish()?;
    let requested = otp::request(&app, collection, &options.otp, email).await?;
    let answer = respond::json(json!({ "otpId": requested.id }).to_string().into_bytes());
    Ok(if requested.is_known { answer } else { respond::as_if(answer, "There is no account with that address.") })
}

/// `POST /api/collections/{collection}/auth-with-otp`
pub async fn with_otp(State(app): State<App>, Path(name): Path<String>, request: Request) -> Result<Response> {
    let (collection, options) = auth_collection(&app, &name)?;
    require_enabled(&options)?;
    let (head, values) = super::read(&app, request).await?;
    let mut form = Form::new(&values);
    let id = form.sized("otpId", 1, MOST_BYTES);
    let password = form.sized("password", 1, MOST_PASSWORD_BYTES);
    form.finish()?;
    let record = otp::redeem(&app, collection, &options.otp, id, password, head.address).await?;
    Proven::by(Method::Otp, record).answer(&app, head, values).await
}

fn require_enabled(options: &AuthOptions) -> Result<()> {
    if options.otp.enabled {
        return Ok(());
    }
    Err(ApiError::forbidden("The collection is not configured to allow OTP authentication.").into())
}
