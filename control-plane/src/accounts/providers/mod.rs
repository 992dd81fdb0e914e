//! Signing in with somebody else's word: GitHub, or any provider of OpenID Connect. The conversation is the engine's, as
//! projects have it with theirs; what is here is which account it leads to.

pub mod api;
mod issuer;
mod store;

use std::sync::Arc;

use serde::Serialize;
use tenant_runtime::auth::oauth2::{self, Code, Memory, Profile, Transport};
use tenant_runtime::outbound::Outbound;
use tenant_runtime::schema::auth_options::OAuth2Provider;
use utoipa::ToSchema;

use crate::config;

use issuer::Issuer;
pub use issuer::examine;

/// The providers that are configured.
pub struct Providers {
    known: Vec<Known>,
    outbound: Outbound,
    memory: Memory,
}

/// One of them.
struct Known {
    /// Stable.
    name: &'static str,
    /// What people call it.
    label: String,
    source: Source,
}

/// Where it is known from how to ask a provider.
enum Source {
    /// The settings, or the engine's own table.
    Given(Arc<oauth2::Provider>),
    /// The provider's own word.
    Described(Box<Issuer>),
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

/// Why there is no way to a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoWay {
    /// There is no such provider.
    Unknown,
    /// It does not say where it is asked; the log knows more.
    Undescribed,
}

impl Providers {
    /// Those whose settings are complete.
    pub fn new(settings: &config::SignIn, transport: Transport) -> Providers {
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
        let given = |settings: &OAuth2Provider| oauth2::Provider::of(settings).map(|it| Source::Given(Arc::new(it)));
        let described = Issuer::of(&settings.oidc, &oidc, transport).map(|issuer| Source::Described(Box::new(issuer)));
        let sources = [
            ("github", "GitHub".to_owned(), given(&github)),
            ("oidc", settings.oidc.name.clone(), described.or_else(|| given(&oidc))),
        ];
        let known =
            sources.into_iter().filter_map(|(name, label, source)| Some(Known { name, label, source: source? }));
        // Whoever runs this installation chose the provider; it may well be in their own network.
        Providers { known: known.collect(), outbound: Outbound::anywhere(), memory: Memory::default() }
    }

    /// What the console offers.
    pub fn offered(&self) -> Vec<OfferedProvider> {
        let offer = |known: &Known| OfferedProvider { name: known.name.to_owned(), label: known.label.clone() };
        self.known.iter().map(offer).collect()
    }

    async fn find(&self, name: &str) -> Result<(&Known, Arc<oauth2::Provider>), NoWay> {
        let known = self.known.iter().find(|known| known.name == name).ok_or(NoWay::Unknown)?;
        let provider = match &known.source {
            Source::Given(provider) => Arc::clone(provider),
            Source::Described(issuer) => issuer.provider(&self.outbound).await.ok_or(NoWay::Undescribed)?,
        };
        Ok((known, provider))
    }

    /// The way to a provider's page and back to `redirect_url`.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn journey(&self, name: &str, redirect_url: &str) -> Result<Journey, NoWay> {
        let offer = self.find(name).await?.1.offer();
        let text = |key: &str| offer[key].as_str().unwrap_or_default().to_owned();
        let redirect: String = form_urlencoded::byte_serialize(redirect_url.as_bytes()).collect();
        Ok(Journey {
            url: format!("{}{redirect}", text("authURL")),
            state: text("state"),
            verifier: text("codeVerifier"),
        })
    }

    /// Who somebody is, with the code they came back with. Why not is for the log.
    pub async fn profile(&self, name: &str, code: &str, verifier: &str, redirect_url: &str) -> Option<(Profile, &str)> {
        let (known, provider) = self.find(name).await.ok()?;
        let code = Code { code, verifier, redirect_url };
        match self.ask(known, &provider, code).await {
            Ok(profile) => Some((profile, &known.label)),
            Err(failure) => {
                tracing::warn!("signing in with {name} failed: {failure}");
                None
            }
        }
    }

    async fn ask(
        &self,
        known: &Known,
        provider: &oauth2::Provider,
        code: Code<'_>,
    ) -> Result<Profile, oauth2::Failure> {
        let (profile, token) = oauth2::sign_in(&self.outbound, &self.memory, provider, code).await?;
        // Whoever describes itself says with which keys it signs, so its word is looked at, too.
        if matches!(known.source, Source::Described(_)) {
            let subject = oauth2::proven_subject(&self.outbound, &self.memory, provider, &token).await?;
            if subject != profile.id {
                return Err(oauth2::Failure::User("an identity token of somebody else".to_owned()));
            }
        }
        Ok(profile)
    }
}
