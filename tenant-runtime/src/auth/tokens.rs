//! Tokens: signed with a key of the record and one of its collection, so that changing either ends them.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::records::{self, Record};
use crate::schema::{Schema, TokenType};

/// What a token says. Field order is the one stock servers write: alphabetical.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claims {
    collection_id: String,
    /// The address the record had when the token was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    exp: i64,
    id: String,
    /// The address the record is to have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refreshable: Option<bool>,
    #[serde(rename = "type")]
    kind: String,
}

/// A token of that type with its collection's lifetime; an auth token can be refreshed.
pub fn issue(record: &Record, kind: TokenType) -> Result<String> {
    let refreshable = (kind == TokenType::Auth).then_some(true);
    sign(record, kind, None, Claims { refreshable, ..Claims::default() })
}

/// An auth token that lasts that many seconds and cannot be refreshed.
pub fn issue_static(record: &Record, seconds: i64) -> Result<String> {
    sign(record, TokenType::Auth, Some(seconds), Claims { refreshable: Some(false), ..Claims::default() })
}

/// A token for a link in a mail to the record's address.
pub fn issue_for_mail(record: &Record, kind: TokenType) -> Result<String> {
    sign(record, kind, None, Claims { email: Some(record.text("email").to_owned()), ..Claims::default() })
}

/// A token for the link in a mail to the address the record is to have.
pub fn issue_email_change(record: &Record, new_email: &str) -> Result<String> {
    let email = Some(record.text("email").to_owned());
    sign(
        record,
        TokenType::EmailChange,
        None,
        Claims { email, new_email: Some(new_email.to_owned()), ..Claims::default() },
    )
}

fn sign(record: &Record, kind: TokenType, seconds: Option<i64>, claims: Claims) -> Result<String> {
    let key = signing_key(record, kind).ok_or_else(|| Error::Internal(anyhow::anyhow!("not an auth record")))?;
    let lifetime = record.collection().auth.as_ref().map_or(0, |auth| auth.token(kind).duration);
    let claims = Claims {
        collection_id: record.collection().id.clone(),
        exp: Utc::now().timestamp() + seconds.unwrap_or(lifetime),
        id: record.id().to_owned(),
        kind: kind.name().to_owned(),
        ..claims
    };
    jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &EncodingKey::from_secret(key.as_bytes()))
        .map_err(|error| Error::Internal(anyhow::Error::new(error).context("sign a token")))
}

/// The record an auth token belongs to and whether it may be refreshed; nothing for whatever is not valid.
pub fn authenticate(db: &Connection, schema: &Schema, token: &str) -> Result<Option<(Arc<Record>, bool)>> {
    let known = verify(db, schema, token, TokenType::Auth)?;
    Ok(known.map(|(record, claims)| (Arc::new(record), claims.refreshable.unwrap_or(false))))
}

/// The record a file token belongs to; nothing for whatever is not valid.
pub fn authenticate_file_token(db: &Connection, schema: &Schema, token: &str) -> Result<Option<Arc<Record>>> {
    Ok(verify(db, schema, token, TokenType::File)?.map(|(record, _)| Arc::new(record)))
}

/// The record a token of that type belongs to, and what it claims; nothing for whatever is not valid.
pub fn verify(db: &Connection, schema: &Schema, token: &str, kind: TokenType) -> Result<Option<(Record, Claims)>> {
    let Some(claims) = unverified_claims(token) else { return Ok(None) };
    if claims.kind != kind.name() || claims.id.is_empty() || claims.exp <= Utc::now().timestamp() {
        return Ok(None);
    }
    let Some(collection) = schema.find(&claims.collection_id).filter(|collection| collection.is_auth()) else {
        return Ok(None);
    };
    let Some(record) = records::find::by_id(db, collection, &claims.id)? else { return Ok(None) };
    let Some(key) = signing_key(&record, kind) else { return Ok(None) };
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = 0;
    validation.validate_aud = false;
    let decoded = jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(key.as_bytes()), &validation);
    Ok(decoded.ok().map(|token| (record, token.claims)))
}

/// What a token claims, before its signature is known to be good: only to find the key, or to say what is missing.
pub fn unverified_claims(token: &str) -> Option<Claims> {
    let payload = token.split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// The record's own key followed by its collection's for that type; none for records that cannot sign in.
fn signing_key(record: &Record, kind: TokenType) -> Option<String> {
    let own = record.text("tokenKey");
    let shared = &record.collection().auth.as_ref()?.token(kind).secret;
    (!own.is_empty() && !shared.is_empty()).then(|| format!("{own}{shared}"))
}
