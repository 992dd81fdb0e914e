//! Signing in with somebody else's word: GitHub, or any provider of OpenID Connect. The conversation is the engine's, as
//! projects have it with theirs; what is here is which account it leads to.

pub mod api;
mod store;

use serde::Serialize;
use tenant_runtime::auth::oauth2::{self, Code, Memory, Profile};
use tenant_runtime::outbound::Outbound;
use tenant_runtime::schema::auth_options::OAuth2Provider;
use utoipa::ToSchema;

use crate::config;

/// The providers that are configured.
pub struct Providers {
    /// With what each is called.
    known: Vec<(oauth2::Provider, String)>,
    outbound: Outbound,
    memory: Memory,
}

/// A provider as the console offers it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct OfferedProvider {
    /// Stable: `github` or `oidc`.
    pub name: String,
    /// What people call it.
    pub label: String,
}

/// Where somebody is sent, and what has to come back or be kept until then.
pub struct Journey {
    /// The provider's page.
    pub url: String,
    /// Comes back.
    pub state: String,
    /// Proves that it is us who ask.
    pub verifier: String,
}

impl Providers {
    /// Those whose settings are complete.
    pub fn new(settings: &config::SignIn) -> Providers {
        let github = OAuth2Provider {
            name: "github".to_owned(),
            client_id: settings.github.client_id.clone(),
            client_secret: settings.github.client_secret.clone(),
            ..OAuth2Provider::default()
        };
        let oidc = OAuth2Provider {
            name: "oidc".to_owned(),
            client_id: settings.oidc.client_id.clone(),
            client_secret: settings.oidc.client_secret.clone(),
            auth_url: settings.oidc.auth_url.clone(),
            token_url: settings.oidc.token_url.clone(),
            user_info_url: settings.oidc.user_info_url.clone(),
            ..OAuth2Provider::default()
        };
        let named = [(github, "GitHub".to_owned()), (oidc, settings.oidc.name.clone())];
        let known = named.into_iter().filter_map(|(settings, label)| Some((oauth2::Provider::of(&settings)?, label)));
        // Whoever runs this installation chose the provider; it may well be in their own network.
        Providers { known: known.collect(), outbound: Outbound::anywhere(), memory: Memory::default() }
    }

    /// What the console offers.
    pub fn offered(&self) -> Vec<OfferedProvider> {
        let offer = |(provider, label): &(oauth2::Provider, String)| OfferedProvider {
            name: provider.name().to_owned(),
            label: label.clone(),
        };
        self.known.iter().map(offer).collect()
    }

    fn find(&self, name: &str) -> Option<&(oauth2::Provider, String)> {
        self.known.iter().find(|(provider, _)| provider.name() == name)
    }

    /// The way to a provider's page and back to `redirect_url`.
    pub fn journey(&self, name: &str, redirect_url: &str) -> Option<Journey> {
        let offer = self.find(name)?.0.offer();
        let text = |key: &str| offer[key].as_str().unwrap_or_default().to_owned();
        let redirect: String = form_urlencoded::byte_serialize(redirect_url.as_bytes()).collect();
        Some(Journey {
            url: format!("{}{redirect}", text("authURL")),
            state: text("state"),
            verifier: text("codeVerifier"),
        })
    }

    /// Who somebody is, with the code they came back with. Why not is for the log.
    pub async fn profile(&self, name: &str, code: &str, verifier: &str, redirect_url: &str) -> Option<(Profile, &str)> {
        let (provider, label) = self.find(name)?;
        let code = Code { code, verifier, redirect_url };
        match oauth2::sign_in(&self.outbound, &self.memory, provider, code).await {
            Ok((profile, _)) => Some((profile, label)),
            Err(failure) => {
                tracing::warn!("signing in with {name} failed: {failure}");
                None
            }
        }
    }
}
