//! What every handler needs of a request: its query, its token, its client, and what rules see of it.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, Method, header};
use percent_encoding::percent_decode_str;
use rusqlite::Connection;
use serde_json::{Map, Value as Json};

use super::activity::CallerNote;
use super::real_ip;
use crate::app::App;
use crate::auth::{self, Caller};
use crate::error::{ApiError, Result};
use crate::rules::{AuthIdentity, Context, RequestInfo};
use crate::schema::Schema;

/// The head of a request, taken apart once.
#[derive(Clone, Debug)]
pub struct Head {
    /// The method.
    pub method: Method,
    /// Decoded parameters in order; of a repeated one the first counts.
    pub query: Vec<(String, String)>,
    /// The token without its scheme, empty if there is none.
    pub token: String,
    /// Where the request comes from.
    pub address: Option<IpAddr>,
    /// The headers.
    pub headers: HeaderMap,
    /// Where to note who asks, for the log.
    pub note: CallerNote,
}

impl Head {
    /// Takes a request's head apart.
    pub fn new(parts: &mut Parts) -> Head {
        let address = real_ip::of(&parts.extensions);
        let query = parts.uri.query().map(parse_query).unwrap_or_default();
        let note = parts.extensions.get::<CallerNote>().cloned().unwrap_or_default();
        let headers = std::mem::take(&mut parts.headers);
        let token = token(&headers).to_owned();
        Head { method: parts.method.clone(), query, token, address, headers, note }
    }

    /// The first value of a query parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The first value of a query parameter, unless it is empty.
    pub fn given(&self, name: &str) -> Option<&str> {
        self.parameter(name).filter(|value| !value.is_empty())
    }

    /// Who asks. A token that is not valid makes a guest, never an error.
    pub fn caller(&self, db: &Connection, schema: &Schema) -> Result<Caller> {
        if self.token.is_empty() {
            return Ok(Caller::guest());
        }
        let found = auth::authenticate(db, schema, &self.token)?;
        let caller = found.map_or_else(Caller::guest, |(record, _)| Caller::record(record));
        self.note.set(&caller);
        Ok(caller)
    }

    /// What rules see of the request.
    pub fn info(&self, caller: &Caller, context: Context, body: Map<String, Json>) -> RequestInfo {
        RequestInfo {
            context,
            method: self.method.as_str().to_owned(),
            headers: snake_case_headers(&self.headers),
            query: self.query.clone(),
            auth: caller.as_record().map(|record| AuthIdentity::of(record)),
            body,
        }
    }
}

impl<S: Sync> FromRequestParts<S> for Head {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Head, Self::Rejection> {
        Ok(Head::new(parts))
    }
}

/// The token without its scheme, empty if there is none.
pub fn token(headers: &HeaderMap) -> &str {
    headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).map(strip_scheme).unwrap_or_default()
}

/// Refuses everybody but superusers.
pub fn require_superuser(caller: &Caller) -> Result<()> {
    require_auth(caller)?;
    if caller.is_superuser() {
        return Ok(());
    }
    Err(ApiError::forbidden("The authorized record is not allowed to perform this action.").into())
}

/// Refuses everybody but superusers before anything else is looked at.
pub async fn authorise_superuser(app: &App, head: &Head) -> Result<()> {
    let (head, schema) = (head.clone(), app.schema());
    app.store().read(move |db| require_superuser(&head.caller(db, &schema)?)).await
}

/// Refuses guests.
pub fn require_auth(caller: &Caller) -> Result<()> {
    match caller.as_record() {
        Some(_) => Ok(()),
        None => Err(ApiError::unauthorized("The request requires valid record authorization token.").into()),
    }
}

/// Decodes `a=1&b=2`, with `+` for a space.
pub fn parse_query(query: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        })
        .collect()
}

/// The words Go reads as a boolean; `None` for all others.
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "TRUE" | "true" | "True" => Some(true),
        "0" | "f" | "F" | "FALSE" | "false" | "False" => Some(false),
        _ => None,
    }
}

fn strip_scheme(value: &str) -> &str {
    match value.split_at_checked(7) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer ") => token.trim_start(),
        _ => value,
    }
}

/// `X-API-Key` is `x_api_key` to rules.
fn snake_case_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .keys()
        .filter_map(|name| {
            let value = headers.get(name)?.to_str().ok()?;
            Some((name.as_str().replace('-', "_"), value.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scheme_of_a_token_is_optional_in_any_case() {
        assert_eq!(strip_scheme("Bearer abc"), "abc");
        assert_eq!(strip_scheme("bEARER abc"), "abc");
        assert_eq!(strip_scheme("abc"), "abc");
    }

    #[test]
    fn a_query_is_decoded() {
        let pairs = parse_query("filter=a+%3D+%27%C3%A9%27&&x&y=");
        let pairs: Vec<(&str, &str)> = pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(pairs, [("filter", "a = 'é'"), ("x", ""), ("y", "")]);
    }
}
