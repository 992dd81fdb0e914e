//! A provider that is known by its issuer: where it is asked it says itself, and is asked for that again from time to time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::json;
use tenant_runtime::auth::oauth2::{self, Discovery, DiscoveryError, Transport, discover};
use tenant_runtime::outbound::Outbound;
use tenant_runtime::schema::auth_options::OAuth2Provider;
use tokio::sync::Mutex;

use crate::config;

/// How long its word holds.
const KEPT: Duration = Duration::from_secs(3600);
/// How long it is left alone after it gave none: strangers can have it asked.
const PAUSE: Duration = Duration::from_secs(10);

/// One provider.
pub struct Issuer {
    settings: OAuth2Provider,
    url: String,
    transport: Transport,
    known: Mutex<Known>,
}

/// What it said last.
#[derive(Default)]
struct Known {
    /// Kept until it says something else: one that is away for a moment did not move.
    provider: Option<Arc<oauth2::Provider>>,
    ask_at: Option<Instant>,
}

impl Issuer {
    /// The provider of these settings, if they leave anything to its own word.
    pub fn of(settings: &config::Oidc, given: &OAuth2Provider, transport: Transport) -> Option<Issuer> {
        let open = [&given.auth_url, &given.token_url, &given.user_info_url].into_iter().any(String::is_empty);
        let is_one = open && !settings.issuer.is_empty() && !settings.client_id.is_empty();
        is_one.then(|| Issuer {
            settings: given.clone(),
            url: settings.issuer.clone(),
            transport,
            known: Mutex::default(),
        })
    }

    /// The provider as it describes itself. A crowd asks once.
    pub async fn provider(&self, outbound: &Outbound) -> Option<Arc<oauth2::Provider>> {
        let mut known = self.known.lock().await;
        if known.ask_at.is_none_or(|ask_at| ask_at <= Instant::now()) {
            let pause = match discover(outbound, &self.url, self.transport).await {
                Ok(found) => {
                    known.provider = oauth2::Provider::of(&self.completed(found)).map(Arc::new);
                    KEPT
                }
                Err(error) => {
                    tracing::warn!("{}", trouble(&self.url, &error));
                    PAUSE
                }
            };
            known.ask_at = Some(Instant::now() + pause);
        }
        known.provider.clone()
    }

    /// The settings, with what they leave out.
    fn completed(&self, found: Discovery) -> OAuth2Provider {
        let or = |given: &str, found: String| if given.is_empty() { found } else { given.to_owned() };
        let settings = self.settings.clone();
        let extra = [("issuers", json!([self.url])), ("jwksURL", json!(found.jwks_url))];
        OAuth2Provider {
            auth_url: or(&settings.auth_url, found.auth_url),
            token_url: or(&settings.token_url, found.token_url),
            user_info_url: or(&settings.user_info_url, found.user_info_url),
            extra: Some(extra.map(|(key, value)| (key.to_owned(), value)).into_iter().collect()),
            ..settings
        }
    }
}

/// Whether a provider describes itself, for who looks after the settings.
///
/// # Errors
/// Why it does not.
pub async fn examine(issuer: &str) -> Result<(), String> {
    let found = discover(&Outbound::anywhere(), issuer, Transport::Https).await;
    found.map(drop).map_err(|error| trouble(issuer, &error))
}

fn trouble(issuer: &str, error: &DiscoveryError) -> String {
    format!("nobody signs in with {issuer}: {error}")
}
