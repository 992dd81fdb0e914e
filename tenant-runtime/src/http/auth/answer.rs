//! What everybody gets who proved who they are: their record and a token, or the question for a second factor.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value as Json, json};

use crate::app::App;
use crate::auth::alerts::{self, Place};
use crate::auth::{self, Caller, Method, mfa};
use crate::error::{ApiError, Result};
use crate::http::gate;
use crate::http::request::Head;
use crate::http::respond;
use crate::json;
use crate::records::access::Scope;
use crate::records::value::cast_text;
use crate::records::{Record, expand, export};
use crate::rules::Context;
use crate::schema::TokenType;

/// Somebody who proved who they are.
pub(crate) struct Proven {
    pub(crate) record: Record,
    /// How; nothing where no factor was asked for, hence no second one and no alert.
    pub(crate) method: Option<Method>,
    /// The token to answer; a new one if there is none.
    pub(crate) token: Option<String>,
    /// What the answer says besides.
    pub(crate) meta: Option<Json>,
}

impl Proven {
    /// By one of the methods.
    pub(crate) fn by(method: Method, record: Record) -> Proven {
        Proven { method: Some(method), ..Proven::without_method(record) }
    }

    /// By a token, their own or a superuser's.
    pub(crate) fn without_method(record: Record) -> Proven {
        Proven { record, method: None, token: None, meta: None }
    }

    /// Checks what the collection requires beyond the proof, and answers.
    pub(in crate::http) async fn answer(self, app: &App, head: Head, values: Map<String, Json>) -> Result<Response> {
        gate::check_superuser_address(app, self.record.collection(), head.address).await?;
        let mfa_id = head.given("mfaId").map(str::to_owned);
        let mfa_id = mfa_id.or_else(|| values.get("mfaId").map(cast_text)).filter(|id| !id.is_empty());
        let Proven { record, method, token, meta } = self;
        let (asked, of) = (Question { head: head.clone(), values, method }, record.clone());
        let schema = app.schema();
        let needs_second_factor = app
            .store()
            .read(move |db| {
                let caller = asked.head.caller(db, &schema)?;
                let info = asked.head.info(&caller, asked.context(), asked.values.clone());
                let scope = Scope { db, schema: &schema, caller: &caller, request: &info };
                check_auth_rule(&scope, &of)?;
                needs_second_factor(&scope, &of, asked.method)
            })
            .await?;
        if let Some(method) = method.filter(|_| needs_second_factor) {
            match mfa_id {
                None => return Ok(second_factor_wanted(&mfa::begin(app, record, method).await?)),
                Some(id) => mfa::finish(app, record.clone(), method, id).await?,
            }
        }
        let place = Place { address: head.address, user_agent: user_agent(&head) };
        let (schema, of) = (app.schema(), record.clone());
        let json = app.store().read(move |db| render(db, &schema, &head, &of, token.as_deref(), meta.as_ref())).await?;
        let wants_alert = record.collection().auth.as_ref().is_some_and(|auth| auth.auth_alert.enabled);
        if method.is_some()
            && wants_alert
            && let Err(error) = alerts::watch(app, &record, &place).await
        {
            app.logs().failed("A sign-in from a new place was not told of", &error);
        }
        Ok(respond::json(json))
    }
}

/// What rules see while they are asked.
struct Question {
    head: Head,
    values: Map<String, Json>,
    method: Option<Method>,
}

impl Question {
    fn context(&self) -> Context {
        match self.method {
            None => Context::Default,
            Some(Method::Password) => Context::Password,
            Some(Method::OAuth2) => Context::OAuth2,
            Some(Method::Otp) => Context::Otp,
        }
    }
}

/// Superusers act for others whatever the rule says.
fn check_auth_rule(scope: &Scope<'_>, record: &Record) -> Result<()> {
    if scope.caller.is_superuser() {
        return Ok(());
    }
    let rule = record.collection().auth.as_ref().and_then(|auth| auth.auth_rule.as_deref());
    let satisfied = match rule {
        None => false,
        Some("") => true,
        Some(rule) => scope.find(record.collection(), record.id(), Some(rule))?.is_some(),
    };
    if satisfied {
        return Ok(());
    }
    let message = "The request doesn't satisfy the collection requirements to authenticate.";
    Err(ApiError::forbidden(message).into())
}

fn needs_second_factor(scope: &Scope<'_>, record: &Record, method: Option<Method>) -> Result<bool> {
    let options = record.collection().auth.as_ref().map(|auth| &auth.mfa).filter(|mfa| mfa.enabled);
    let (Some(options), Some(_)) = (options, method) else { return Ok(false) };
    if options.rule.is_empty() {
        return Ok(true);
    }
    let found = scope.find(record.collection(), record.id(), Some(&options.rule));
    Ok(found.map_err(|error| error.or_bad_request("Failed to authenticate."))?.is_some())
}

/// 401, though without the envelope of errors: nothing went wrong.
fn second_factor_wanted(id: &str) -> Response {
    let mut response = Response::new(Body::from(format!("{}\n", json!({ "mfaId": id }))));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

/// The record as its owner sees it, with a token.
fn render(
    db: &rusqlite::Connection,
    schema: &crate::schema::Schema,
    head: &Head,
    record: &Record,
    token: Option<&str>,
    meta: Option<&Json>,
) -> Result<Vec<u8>> {
    let mut record = record.clone();
    if let Some(paths) = head.given("expand") {
        let own = Caller::record(Arc::new(record.clone()));
        let info = head.info(&own, Context::Default, Map::new());
        let scope = Scope { db, schema, caller: &own, request: &info };
        expand::expand(&scope, std::slice::from_mut(&mut record), paths)?;
    }
    let token = match token {
        Some(token) => token.to_owned(),
        None => auth::issue(&record, TokenType::Auth)?,
    };
    let mut out = b"{".to_vec();
    if let Some(meta) = meta {
        out.extend_from_slice(b"\"meta\":");
        json::write_value(&mut out, meta);
        out.push(b',');
    }
    out.extend_from_slice(b"\"record\":");
    out.extend(export::own_record_json(&record));
    out.extend_from_slice(b",\"token\":");
    json::write_string(&mut out, &token);
    out.push(b'}');
    Ok(out)
}

fn user_agent(head: &Head) -> String {
    let value = head.headers.get(header::USER_AGENT);
    value.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).unwrap_or_default()
}
