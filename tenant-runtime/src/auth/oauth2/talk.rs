//! The conversation with a service: a code for a token, a token for a profile.
//!
//! Written by hand rather than with a client library: half of the services answer in a shape of their own.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{TimeDelta, Utc};
use http::header;
use reqwest::{Method, Request, Url};
use serde_json::{Value as Json, json};

use super::id_token::{self, KeySets};
use super::{Memory, Profile, Provider, Token, encode};
use crate::http::request::parse_query;
use crate::outbound::{Outbound, OutboundError};
use crate::records::datetime;
use crate::records::value::cast_text;

const PATIENCE: Duration = Duration::from_secs(30);
const MOST_BYTES: usize = 4 << 20;
/// Token endpoints whose habits are remembered at once.
const MOST_HABITS: usize = 100;

/// At which of the two questions it ended. The cause is for the log.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The code brought no token.
    #[error("no token: {0}")]
    Token(String),
    /// The token brought no profile, or one that does not count.
    #[error("no user: {0}")]
    User(String),
}

/// How each token endpoint wants to be told who asks, and the keys that sign identity tokens.
#[derive(Default)]
pub(super) struct Habits {
    credentials: Mutex<HashMap<String, Credentials>>,
    pub(super) keys: KeySets,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Credentials {
    Header,
    Body,
}

/// What came back from a redirect.
pub struct Code<'a> {
    /// Good for one token.
    pub code: &'a str,
    /// What proves that the one who started it asks; empty if nothing was kept.
    pub verifier: &'a str,
    /// Where the code was sent; empty if it was nowhere in particular.
    pub redirect_url: &'a str,
}

/// Exchanges a code for the profile of whom it stands for.
pub async fn sign_in(
    outbound: &Outbound,
    memory: &Memory,
    provider: &Provider,
    code: Code<'_>,
) -> Result<(Profile, Token), Failure> {
    let talk = async {
        let token = fetch_token(outbound, &memory.talk, provider, &code).await.map_err(Failure::Token)?;
        let profile = fetch_profile(outbound, &memory.talk, provider, &token).await.map_err(Failure::User)?;
        Ok((profile, token))
    };
    let timed_out = |_| Failure::User("it took too long".to_owned());
    let (mut profile, token) = tokio::time::timeout(PATIENCE, talk).await.map_err(timed_out)??;
    if let (true, Some(name)) = (profile.name.is_empty(), memory.take_name(code.code)) {
        profile.name = name;
    }
    Ok((profile, token))
}

/// Whom the identity token names that came with a token. It counts only if it is signed with a key of the issuer that the
/// provider is configured with, and meant for us.
///
/// # Errors
/// Why it does not count.
pub async fn proven_subject(
    outbound: &Outbound,
    memory: &Memory,
    provider: &Provider,
    token: &Token,
) -> Result<String, Failure> {
    let proving = id_token::claims(outbound, &memory.talk.keys, provider, token);
    let timed_out = |_| Failure::User("it took too long".to_owned());
    let claims = tokio::time::timeout(PATIENCE, proving).await.map_err(timed_out)?.map_err(Failure::User)?;
    Ok(claims.get("sub").map(cast_text).unwrap_or_default())
}

async fn fetch_token(
    outbound: &Outbound,
    habits: &Habits,
    provider: &Provider,
    code: &Code<'_>,
) -> Result<Token, String> {
    let mut form = vec![("grant_type", "authorization_code"), ("code", code.code)];
    if provider.pkce() && !code.verifier.is_empty() {
        form.push(("code_verifier", code.verifier));
    }
    if !code.redirect_url.is_empty() {
        form.push(("redirect_uri", code.redirect_url));
    }
    let url = provider.token_url();
    if let Some(known) = habits.of(url) {
        return ask_for_token(outbound, provider, &form, known).await;
    }
    let mut answer = Err(String::new());
    for style in [Credentials::Header, Credentials::Body] {
        answer = ask_for_token(outbound, provider, &form, style).await;
        if answer.is_ok() {
            habits.remember(url, style);
            break;
        }
    }
    answer
}

async fn ask_for_token(
    outbound: &Outbound,
    provider: &Provider,
    form: &[(&str, &str)],
    style: Credentials,
) -> Result<Token, String> {
    let (id, secret) = (provider.config.client_id.as_str(), provider.config.client_secret.as_str());
    let mut form = form.to_vec();
    if style == Credentials::Body {
        form.extend([("client_id", id), ("client_secret", secret)]);
    }
    let pairs: Vec<String> = form.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect();
    let mut request = request(Method::POST, provider.token_url())?;
    let headers = request.headers_mut();
    headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/x-www-form-urlencoded"));
    headers.insert(header::ACCEPT, header::HeaderValue::from_static("application/json"));
    if style == Credentials::Header {
        let pair = STANDARD.encode(format!("{}:{}", encode(id), encode(secret)));
        headers.insert(header::AUTHORIZATION, header_value(&format!("Basic {pair}"))?);
    }
    *request.body_mut() = Some(pairs.join("&").into());
    let (kind, body) = send(outbound, request).await?;
    let raw = if kind.starts_with("application/x-www-form-urlencoded") || kind.starts_with("text/plain") {
        let text = String::from_utf8_lossy(&body);
        serde_json::from_str(&text)
            .unwrap_or_else(|_| parse_query(&text).into_iter().map(|(key, value)| (key, Json::from(value))).collect())
    } else {
        serde_json::from_slice(&body).map_err(|_| "an answer that is no JSON".to_owned())?
    };
    read_token(raw)
}

fn read_token(raw: Json) -> Result<Token, String> {
    let text = |key: &str| raw.get(key).map(cast_text).unwrap_or_default();
    let access = text("access_token");
    if access.is_empty() {
        return Err(format!("an answer without a token: {}", text("error")));
    }
    let seconds =
        text("expires_in").parse::<i64>().ok().filter(|seconds| *seconds > 0).and_then(TimeDelta::try_seconds);
    let expiry = seconds.map(|seconds| datetime::format(Utc::now() + seconds)).unwrap_or_default();
    Ok(Token { access, refresh: text("refresh_token"), expiry, raw })
}

async fn fetch_profile(
    outbound: &Outbound,
    habits: &Habits,
    provider: &Provider,
    token: &Token,
) -> Result<Profile, String> {
    let service = provider.service;
    let user = match provider.user_info_url() {
        "" => id_token::claims(outbound, &habits.keys, provider, token).await?,
        url => ask_api(outbound, provider, token, url, service.query).await?,
    };
    if !service.is_active(&user) {
        return Err("the account is not active".to_owned());
    }
    let mut profile = service.profile(&user, token);
    if let (true, Some(emails)) = (profile.email.is_empty(), service.emails) {
        let url = match emails.url.starts_with('/') {
            true => format!("{}{}", provider.user_info_url(), emails.url),
            false => emails.url.to_owned(),
        };
        // Not every token may see them; then there is none.
        profile.email = ask_api(outbound, provider, token, &url, None).await.map_or_else(
            |reason| {
                tracing::debug!("no addresses from {}: {reason}", provider.name());
                String::new()
            },
            |answer| emails.pick(&answer),
        );
    }
    if provider.name() == "microsoft" {
        id_token::microsoft_email(provider, token, &mut profile)?;
    }
    if profile.id.is_empty() {
        return Err("an answer without an id".to_owned());
    }
    Ok(profile)
}

async fn ask_api(
    outbound: &Outbound,
    provider: &Provider,
    token: &Token,
    url: &str,
    query: Option<&str>,
) -> Result<Json, String> {
    let mut request = request(if query.is_some() { Method::POST } else { Method::GET }, url)?;
    let headers = request.headers_mut();
    headers.insert(header::AUTHORIZATION, header_value(&format!("Bearer {}", token.access))?);
    headers.insert(header::ACCEPT, header::HeaderValue::from_static("application/json"));
    for (name, value) in provider.service.headers {
        let value = header_value(&value.replace("{client}", &provider.config.client_id))?;
        headers.insert(header::HeaderName::from_static(name), value);
    }
    if let Some(query) = query {
        headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        *request.body_mut() = Some(json!({ "query": query }).to_string().into());
    }
    let (_, body) = send(outbound, request).await?;
    serde_json::from_slice(&body).map_err(|_| "an answer that is no JSON".to_owned())
}

/// Content type and body of a good answer.
pub(super) async fn send(outbound: &Outbound, request: Request) -> Result<(String, Vec<u8>), String> {
    let answer = outbound.send(request).await.map_err(|error| match error {
        OutboundError::Refused(_) => error.to_string(),
        OutboundError::Failed(cause) => format!("the request failed: {cause:?}"),
    })?;
    let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.to_owned();
    Ok((kind, body_of(answer, MOST_BYTES).await?))
}

/// The body of a good answer that is no longer than that.
pub(super) async fn body_of(mut answer: reqwest::Response, most: usize) -> Result<Vec<u8>, String> {
    if !answer.status().is_success() {
        return Err(format!("status {}", answer.status().as_u16()));
    }
    let mut body = Vec::new();
    while let Some(chunk) = answer.chunk().await.map_err(|error| error.without_url().to_string())? {
        body.extend_from_slice(&chunk);
        if body.len() > most {
            return Err("an answer that is too long".to_owned());
        }
    }
    Ok(body)
}

pub(super) fn request(method: Method, url: &str) -> Result<Request, String> {
    let url = Url::parse(url).map_err(|error| format!("the configured URL is none: {error}"))?;
    Ok(Request::new(method, url))
}

fn header_value(text: &str) -> Result<header::HeaderValue, String> {
    header::HeaderValue::from_str(text).map_err(|_| "a value that fits no header".to_owned())
}

impl Habits {
    fn of(&self, url: &str) -> Option<Credentials> {
        self.credentials.lock().unwrap_or_else(PoisonError::into_inner).get(url).copied()
    }

    fn remember(&self, url: &str, style: Credentials) {
        let mut known = self.credentials.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() < MOST_HABITS {
            known.insert(url.to_owned(), style);
        }
    }
}
