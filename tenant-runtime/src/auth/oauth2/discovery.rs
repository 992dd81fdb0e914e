//! What a provider of OpenID Connect says of itself (OpenID Connect Discovery 1.0): where it is asked, and with which keys it
//! signs. Whoever knows its name needs to know nothing else of it.

use std::time::Duration;

use reqwest::{Method, Url};
use serde::Deserialize;
use url::Host;

use super::talk::{body_of, request};
use crate::outbound::Outbound;

const DOCUMENT: &str = "/.well-known/openid-configuration";
/// It is a page of text; who needs longer is not there for people who wait, either.
const PATIENCE: Duration = Duration::from_secs(10);
const MOST_BYTES: usize = 256 << 10;

/// Where a provider is asked, and where its keys are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discovery {
    /// Where people are sent.
    pub auth_url: String,
    /// Where a code becomes a token.
    pub token_url: String,
    /// Where the token's owner is described; empty where only the identity token says it.
    pub user_info_url: String,
    /// The keys that sign identity tokens.
    pub jwks_url: String,
}

/// How a provider may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// By TLS.
    Https,
    /// By TLS, and on this machine without it, under development.
    HttpsOrLoopback,
}

/// Why nothing is known of a provider.
#[derive(Debug, thiserror::Error)]
pub enum DiscoveryError {
    /// An address of it is not one to be trusted.
    #[error("{0:?} is no https address")]
    Insecure(String),
    /// It gave no answer, or none that can be read.
    #[error("{0} gives no answer to go by: {1}")]
    Unreadable(String, String),
    /// The document is another provider's.
    #[error("it calls itself {found:?} and not {wanted:?}: both have to be the same to the letter")]
    OtherIssuer {
        /// What is configured.
        wanted: String,
        /// What the document says.
        found: String,
    },
}

#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    #[serde(default)]
    userinfo_endpoint: String,
    jwks_uri: String,
}

/// Asks an issuer for its document.
///
/// # Errors
/// Why there is none that counts.
pub async fn discover(outbound: &Outbound, issuer: &str, transport: Transport) -> Result<Discovery, DiscoveryError> {
    let url = format!("{}{DOCUMENT}", issuer.trim_end_matches('/'));
    transport.check(&url)?;
    let fetched = tokio::time::timeout(PATIENCE, fetch(outbound, &url)).await;
    let fetched = fetched.unwrap_or_else(|_| Err("it took too long".to_owned()));
    let body = fetched.map_err(|why| DiscoveryError::Unreadable(url.clone(), why))?;
    let document: Document = serde_json::from_slice(&body)
        .map_err(|error| DiscoveryError::Unreadable(url, format!("it does not describe itself ({error})")))?;
    if document.issuer != issuer {
        return Err(DiscoveryError::OtherIssuer { wanted: issuer.to_owned(), found: document.issuer });
    }
    let Document { authorization_endpoint, token_endpoint, userinfo_endpoint, jwks_uri, .. } = document;
    let named = [&authorization_endpoint, &token_endpoint, &userinfo_endpoint, &jwks_uri];
    named.into_iter().filter(|url| !url.is_empty()).try_for_each(|url| transport.check(url))?;
    Ok(Discovery {
        auth_url: authorization_endpoint,
        token_url: token_endpoint,
        user_info_url: userinfo_endpoint,
        jwks_url: jwks_uri,
    })
}

/// The document is where the issuer's name says, and nowhere a redirect leads to.
async fn fetch(outbound: &Outbound, url: &str) -> Result<Vec<u8>, String> {
    let asked = request(Method::GET, url)?;
    let wanted = asked.url().clone();
    let answer = outbound.send(asked).await.map_err(|error| error.to_string())?;
    if *answer.url() != wanted {
        return Err("it leads elsewhere".to_owned());
    }
    body_of(answer, MOST_BYTES).await
}

impl Transport {
    fn check(self, url: &str) -> Result<(), DiscoveryError> {
        let insecure = || DiscoveryError::Insecure(url.to_owned());
        let parsed = Url::parse(url).map_err(|_| insecure())?;
        let here = match parsed.host() {
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name == "localhost",
            None => return Err(insecure()),
        };
        match (parsed.scheme(), self) {
            ("https", _) => Ok(()),
            ("http", Transport::HttpsOrLoopback) if here => Ok(()),
            _ => Err(insecure()),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderMap;
    use axum::response::Redirect;
    use axum::routing::get;
    use axum::{Json, Router};
    use serde_json::json;

    use super::*;

    /// A provider on this machine that calls itself its own address followed by `suffix`.
    async fn provider(suffix: &'static str) -> String {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let (issuer, base) = (format!("{url}{suffix}"), url.clone());
        let document = json!({
            "issuer": issuer, "authorization_endpoint": format!("{base}/authorize"),
            "token_endpoint": format!("{base}/token"), "jwks_uri": format!("{base}/keys"),
        });
        let foreign = json!({
            "issuer": format!("{base}/foreign"), "authorization_endpoint": "http://example.com/authorize",
            "token_endpoint": "https://example.com/token", "jwks_uri": "https://example.com/keys",
        });
        let long = json!({ "issuer": "x".repeat(MOST_BYTES) });
        let router = Router::new()
            .route(DOCUMENT, get(|| async { Json(document) }))
            .route(&format!("/foreign{DOCUMENT}"), get(|| async { Json(foreign) }))
            .route(&format!("/long{DOCUMENT}"), get(|| async { Json(long) }))
            .route(&format!("/away{DOCUMENT}"), get(|_: HeaderMap| async { Redirect::temporary(DOCUMENT) }));
        tokio::spawn(async move { axum::serve(listener, router).await });
        url
    }

    async fn ask(issuer: &str, transport: Transport) -> Result<Discovery, DiscoveryError> {
        discover(&Outbound::anywhere(), issuer, transport).await
    }

    #[tokio::test]
    async fn a_provider_says_where_it_is_asked() {
        let url = provider("").await;
        let found = ask(&url, Transport::HttpsOrLoopback).await.expect("is described");
        assert_eq!((found.token_url, found.user_info_url.as_str()), (format!("{url}/token"), ""));
        let slashed = provider("/").await;
        ask(&format!("{slashed}/"), Transport::HttpsOrLoopback).await.expect("is described");
        let error = ask(&slashed, Transport::HttpsOrLoopback).await.expect_err("the slash counts");
        assert!(matches!(error, DiscoveryError::OtherIssuer { .. }), "{error}");
    }

    #[tokio::test]
    async fn what_is_not_the_issuers_own_word_does_not_count() {
        let url = provider("").await;
        let plain = ask(&url, Transport::Https).await.expect_err("is refused");
        assert!(matches!(plain, DiscoveryError::Insecure(_)), "{plain}");
        let elsewhere = ask("http://example.com", Transport::HttpsOrLoopback).await.expect_err("is refused");
        assert!(matches!(elsewhere, DiscoveryError::Insecure(_)), "{elsewhere}");
        let inside = ask(&format!("{url}/foreign"), Transport::HttpsOrLoopback).await.expect_err("is refused");
        assert!(inside.to_string().contains("http://example.com/authorize"), "{inside}");
        for (path, why) in [("away", "elsewhere"), ("long", "too long"), ("nowhere", "404")] {
            let error = ask(&format!("{url}/{path}"), Transport::HttpsOrLoopback).await.expect_err("is refused");
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}
