//! Signing in through another service: its code becomes a token, the token a profile, and the profile a record.

pub mod apple;
mod discovery;
mod id_token;
mod link;
mod services;
mod talk;

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use crate::records::pattern::random_key;
use crate::schema::auth_options::{AuthOptions, OAuth2Provider};
use crate::schema::oauth2_providers;

pub use discovery::{Discovery, DiscoveryError, Transport, discover};
pub use link::{Link, SignIn};
pub use services::Service;
pub use talk::{Code, Failure, proven_subject, sign_in};

const STATE_LENGTH: usize = 30;
const VERIFIER_LENGTH: usize = 43;
/// How long a name that came with a redirect is kept for the call that follows it.
const NAME_LIFETIME: Duration = Duration::from_secs(60);
const MOST_NAMES: usize = 1000;
const LONGEST_NAME: usize = 150;

/// What a service says of somebody.
#[derive(Clone, Debug, Default)]
pub struct Profile {
    /// Never empty in a profile that counts.
    pub id: String,
    /// In full.
    pub name: String,
    /// The short one.
    pub username: String,
    /// Only ever a proven one.
    pub email: String,
    /// A picture.
    pub avatar_url: String,
    /// Everything it said.
    pub raw: Json,
}

/// A service's token, good for asking it who somebody is.
#[derive(Clone, Debug, Default)]
pub struct Token {
    /// For its API.
    pub access: String,
    /// Empty where none is given.
    pub refresh: String,
    /// As records write dates; empty where it is not told.
    pub expiry: String,
    /// Everything that came with it.
    pub raw: Json,
}

/// A service as one collection uses it.
#[derive(Clone)]
pub struct Provider {
    service: &'static Service,
    config: OAuth2Provider,
}

/// What a backend remembers of sign-ins under way, in memory.
#[derive(Default)]
pub struct Memory {
    /// Names by the code they came with.
    names: Mutex<HashMap<String, (Instant, String)>>,
    talk: talk::Habits,
}

impl Provider {
    /// The provider of that name, if the collection offers it.
    pub fn find(options: &AuthOptions, name: &str) -> Option<Provider> {
        let config = options.oauth2.providers.as_ref()?.iter().find(|provider| provider.name == name)?;
        Provider::of(config)
    }

    /// All that a collection offers, in its order. What cannot work is left out.
    pub fn all(options: &AuthOptions) -> Vec<Provider> {
        options.oauth2.providers.iter().flatten().filter_map(Provider::of).collect()
    }

    /// The provider with that configuration, if it can work.
    pub fn of(config: &OAuth2Provider) -> Option<Provider> {
        let service = services::find(&config.name)?;
        let provider = Provider { service, config: config.clone() };
        let works = !config.client_id.is_empty() && !provider.auth_url().is_empty() && !provider.token_url().is_empty();
        works.then_some(provider)
    }

    /// The name in the collection's options.
    pub fn name(&self) -> &str {
        self.service.name
    }

    /// What an application needs to send somebody there: all keys of the API's answer.
    pub fn offer(&self) -> Json {
        let state = random_key(STATE_LENGTH);
        let (verifier, challenge, method) = if self.pkce() {
            let verifier = random_key(VERIFIER_LENGTH);
            let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
            (verifier, challenge, "S256")
        } else {
            Default::default()
        };
        let url = self.authorise_url(&state, &challenge, method);
        let known = oauth2_providers::find(self.service.name);
        let display_name = match (self.config.display_name.as_str(), known) {
            ("", Some(known)) => known.display_name,
            ("", None) => self.service.name,
            (own, _) => own,
        };
        serde_json::json!({
            "name": self.service.name, "displayName": display_name,
            "logo": known.map(|known| known.logo()).unwrap_or_default(),
            "state": state, "authURL": url, "authUrl": url,
            "codeVerifier": verifier, "codeChallenge": challenge, "codeChallengeMethod": method,
        })
    }

    /// `redirect_uri` stays last and empty: clients append theirs.
    fn authorise_url(&self, state: &str, challenge: &str, method: &str) -> String {
        let scopes = self.scopes().join(" ");
        let mut query = vec![("client_id", self.config.client_id.as_str())];
        if !challenge.is_empty() {
            query.extend([("code_challenge", challenge), ("code_challenge_method", method)]);
        }
        if self.service.name == "apple" {
            query.push(("response_mode", "form_post"));
        }
        query.push(("response_type", "code"));
        if !scopes.is_empty() {
            query.push(("scope", &scopes));
        }
        query.push(("state", state));
        let query: Vec<String> = query.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect();
        let base = self.auth_url();
        let joint = if base.contains('?') { '&' } else { '?' };
        format!("{base}{joint}{}&redirect_uri=", query.join("&"))
    }

    fn pkce(&self) -> bool {
        self.config.pkce.unwrap_or(self.service.pkce)
    }

    fn scopes(&self) -> Vec<&'static str> {
        let mut scopes = self.service.scopes.to_vec();
        if self.service.name == "microsoft" && !self.extra_text("idTokenEmailClaim").is_empty() {
            scopes.push("openid");
        }
        scopes
    }

    fn auth_url(&self) -> &str {
        either(&self.config.auth_url, self.service.auth_url)
    }

    fn token_url(&self) -> &str {
        either(&self.config.token_url, self.service.token_url)
    }

    fn user_info_url(&self) -> &str {
        either(&self.config.user_info_url, self.service.user_info_url)
    }

    fn extra_text(&self, key: &str) -> &str {
        self.config.extra.as_ref().and_then(|extra| extra.get(key)).and_then(Json::as_str).unwrap_or_default()
    }

    fn extra_list(&self, key: &str) -> Vec<&str> {
        let list = self.config.extra.as_ref().and_then(|extra| extra.get(key)).and_then(Json::as_array);
        list.into_iter().flatten().filter_map(Json::as_str).collect()
    }
}

impl Memory {
    /// Keeps the name a redirect brought for the call that will bring the same code.
    pub fn keep_name(&self, code: &str, name: &str) {
        let mut names = self.lock();
        let now = Instant::now();
        names.retain(|_, (kept, _)| now.duration_since(*kept) < NAME_LIFETIME);
        if names.len() < MOST_NAMES {
            names.insert(code.to_owned(), (now, name.chars().take(LONGEST_NAME).collect()));
        }
    }

    fn take_name(&self, code: &str) -> Option<String> {
        let (kept, name) = self.lock().remove(code)?;
        (kept.elapsed() < NAME_LIFETIME).then_some(name)
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Instant, String)>> {
        self.names.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn either<'a>(own: &'a str, usual: &'static str) -> &'a str {
    if own.is_empty() { usual } else { own }
}

/// As forms and queries write it, with `+` for a space.
fn encode(text: &str) -> String {
    const PLAIN: &percent_encoding::AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(text, PLAIN).to_string().replace("%20", "+")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(name: &str) -> Provider {
        let config = OAuth2Provider { name: name.into(), client_id: "my id".into(), ..OAuth2Provider::default() };
        Provider::of(&config).expect("works")
    }

    #[test]
    fn people_are_sent_where_the_service_wants_them() {
        let offer = provider("google").offer();
        let url = offer["authURL"].as_str().expect("a text");
        let (start, end) = url.split_once("&state=").expect("a state");
        let challenge = offer["codeChallenge"].as_str().expect("a text");
        assert_eq!(
            start,
            format!(
                "https://accounts.google.com/o/oauth2/v2/auth?client_id=my+id&code_challenge={challenge}\
                 &code_challenge_method=S256&response_type=code&scope=https%3A%2F%2Fwww.googleapis.com%2Fauth%2F\
                 userinfo.profile+https%3A%2F%2Fwww.googleapis.com%2Fauth%2Fuserinfo.email"
            )
        );
        assert_eq!(end, format!("{}&redirect_uri=", offer["state"].as_str().expect("a text")));
        assert_eq!(offer["codeVerifier"].as_str().map(str::len), Some(43));
        let apple = provider("apple").offer();
        assert!(
            apple["authUrl"].as_str().is_some_and(|url| url.contains("&response_mode=form_post&response_type=code"))
        );
        assert_eq!(provider("vk").offer()["codeVerifier"], "");
    }

    #[test]
    fn what_cannot_work_is_not_offered() {
        let config = |name: &str| OAuth2Provider { name: name.into(), client_id: "id".into(), ..Default::default() };
        let mut options = AuthOptions::default();
        options.oauth2.providers = Some(vec![config("oidc"), config("unknown"), config("github")]);
        let names: Vec<String> = Provider::all(&options).iter().map(|provider| provider.name().to_owned()).collect();
        assert_eq!(names, ["github"]);
    }

    #[test]
    fn a_name_is_kept_for_one_call() {
        let memory = Memory::default();
        memory.keep_name("code", "Ann Smith");
        assert_eq!(memory.take_name("code").as_deref(), Some("Ann Smith"));
        assert_eq!(memory.take_name("code"), None);
    }
}
