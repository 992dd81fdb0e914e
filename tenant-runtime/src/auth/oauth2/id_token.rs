//! Identity tokens: signed claims instead of a second question (OpenID Connect Core, section 3.1.3.7).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::Utc;
use jsonwebtoken::jwk::{AlgorithmParameters, Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use reqwest::Method;
use serde_json::Value as Json;

use super::talk::{request, send};
use super::{Profile, Provider, Token};
use crate::outbound::Outbound;
use crate::records::value::cast_text;

/// Seconds by which clocks may differ.
const LEEWAY: i64 = 300;
pub(super) const APPLE_ISSUER: &str = "https://appleid.apple.com";
const APPLE_KEYS: &str = "https://appleid.apple.com/auth/keys";
/// A set of keys is asked for again after so long.
const KEPT: Duration = Duration::from_secs(3600);
const MOST_SETS: usize = 20;

/// Keys that were fetched, by address.
#[derive(Default)]
pub(super) struct KeySets(Mutex<HashMap<String, (Instant, Arc<JwkSet>)>>);

/// The claims of the token's identity token, verified as far as the provider is configured for it.
pub(super) async fn claims(
    outbound: &Outbound,
    keys: &KeySets,
    provider: &Provider,
    token: &Token,
) -> Result<Json, String> {
    let id_token = text(&token.raw, "id_token");
    if id_token.is_empty() {
        return Err("an answer without an identity token".to_owned());
    }
    let claims = unverified(&id_token)?;
    check_times(&claims)?;
    if !names(&claims, "aud").contains(&provider.config.client_id) {
        return Err("an identity token for somebody else".to_owned());
    }
    let (issuers, jwks_url) = match provider.name() {
        "apple" => (vec![APPLE_ISSUER], APPLE_KEYS),
        _ => (provider.extra_list("issuers"), provider.extra_text("jwksURL")),
    };
    if !issuers.is_empty() && !issuers.contains(&text(&claims, "iss").as_str()) {
        return Err("an identity token of another issuer".to_owned());
    }
    if !jwks_url.is_empty() {
        let header = jsonwebtoken::decode_header(&id_token).map_err(|error| error.to_string())?;
        let id = header.kid.ok_or("an identity token that names no key")?;
        let key = keys.find(outbound, jwks_url, &id).await?;
        verify(&id_token, header.alg, &key)?;
    }
    Ok(claims)
}

/// Microsoft's profile says little about an address; which claim of the identity token is to be believed is configured.
pub(super) fn microsoft_email(provider: &Provider, token: &Token, profile: &mut Profile) -> Result<(), String> {
    let wanted = provider.extra_text("idTokenEmailClaim");
    if wanted.is_empty() {
        return Ok(());
    }
    let claims = unverified(&text(&token.raw, "id_token"))?;
    check_times(&claims)?;
    profile.email = match wanted {
        "any_verified" => {
            let lists = ["verified_primary_email", "verified_secondary_email"];
            lists.iter().flat_map(|claim| names(&claims, claim)).next().unwrap_or_default()
        }
        "verified_primary_email" => names(&claims, wanted).into_iter().next().unwrap_or_default(),
        "email_and_xms_edov" => match text(&claims, "xms_edov").as_str() {
            "1" | "true" => text(&claims, "email"),
            _ => String::new(),
        },
        "email" => text(&claims, "email"),
        _ => String::new(),
    };
    Ok(())
}

fn unverified(token: &str) -> Result<Json, String> {
    let payload = token.split('.').nth(1).ok_or("an identity token that is none")?;
    let bytes = URL_SAFE_NO_PAD.decode(payload.trim_end_matches('=')).map_err(|error| error.to_string())?;
    serde_json::from_slice(&bytes).map_err(|error| error.to_string())
}

fn check_times(claims: &Json) -> Result<(), String> {
    let now = Utc::now().timestamp();
    let seconds = |claim: &str| claims.get(claim).and_then(Json::as_f64).map(|seconds| seconds as i64);
    if seconds("exp").is_some_and(|end| end + LEEWAY < now) {
        return Err("an identity token that is over".to_owned());
    }
    if seconds("iat").is_some_and(|start| start - LEEWAY > now) {
        return Err("an identity token of the future".to_owned());
    }
    Ok(())
}

fn verify(token: &str, algorithm: Algorithm, key: &Jwk) -> Result<(), String> {
    // A secret that is published signs for anybody.
    let is_supported = !matches!(key.algorithm, AlgorithmParameters::OctetKey(_));
    // Not every key says for which way it is meant. Whether the way fits its kind is looked at below in any case.
    let meant_for = key.common.key_algorithm.map(|algorithm| algorithm.to_string());
    if !is_supported || meant_for.is_some_and(|meant| meant != format!("{algorithm:?}")) {
        return Err("an identity token signed in another way than its key is for".to_owned());
    }
    let mut validation = Validation::new(algorithm);
    // The claims were looked at before; here it is about the signature alone.
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation.required_spec_claims.clear();
    let key = DecodingKey::from_jwk(key).map_err(|error| error.to_string())?;
    jsonwebtoken::decode::<Json>(token, &key, &validation).map_err(|error| error.to_string())?;
    Ok(())
}

impl KeySets {
    /// The key of that name. A set that lacks it may have been replaced since it was fetched.
    async fn find(&self, outbound: &Outbound, url: &str, id: &str) -> Result<Jwk, String> {
        if let Some(key) = self.known(url).and_then(|set| set.find(id).cloned()) {
            return Ok(key);
        }
        let (_, body) = send(outbound, request(Method::GET, url)?).await?;
        let set: JwkSet = serde_json::from_slice(&body).map_err(|error| format!("keys that are none: {error}"))?;
        let set = Arc::new(set);
        self.keep(url, Arc::clone(&set));
        set.find(id).cloned().ok_or_else(|| "an identity token signed with an unknown key".to_owned())
    }

    fn known(&self, url: &str) -> Option<Arc<JwkSet>> {
        let sets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sets.get(url).filter(|(fetched, _)| fetched.elapsed() < KEPT).map(|(_, set)| Arc::clone(set))
    }

    fn keep(&self, url: &str, set: Arc<JwkSet>) {
        let mut sets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sets.len() >= MOST_SETS {
            sets.clear();
        }
        sets.insert(url.to_owned(), (Instant::now(), set));
    }
}

fn text(value: &Json, key: &str) -> String {
    value.get(key).map(cast_text).unwrap_or_default()
}

/// A claim that is one text or a list of them.
fn names(claims: &Json, key: &str) -> Vec<String> {
    match claims.get(key) {
        Some(Json::Array(names)) => names.iter().map(cast_text).collect(),
        Some(Json::String(name)) => vec![name.clone()],
        _ => Vec::new(),
    }
}
