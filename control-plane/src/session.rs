//! Who is at the console: a person with a session in an HttpOnly cookie, or a program with an API token; and proof that
//! a person's change comes from the console itself.
//!
//! Projects are *same-site* with the console, so `SameSite` is no defence: a page of a project could send requests with
//! the cookie. Every change therefore has to come from the console's own origin, which browsers state and pages cannot
//! forge. A token is never sent by a browser on its own, so it needs no such proof.

use axum::extract::FromRequestParts;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};

use crate::accounts::sessions;
use crate::accounts::tokens::{self, Grant};
use crate::accounts::{Account, store};
use crate::error::{Error, Result};
use crate::http::ClientAddress;
use crate::projects::store::Row;
use crate::state::Platform;
use crate::teams::{Action, Role};

/// Who asks. `access` puts it into the request before a handler sees it.
#[derive(Clone, Debug)]
pub struct Session {
    /// The account.
    pub account: Account,
    /// Of a person: the hash under which the session is kept.
    pub hash: Option<String>,
    /// Of a program: what its token grants.
    pub grant: Option<Grant>,
}

impl Session {
    /// Finds out who asks.
    ///
    /// # Errors
    /// `not_signed_in`; `invalid_token` when a token is given and does not count.
    pub async fn authenticate(platform: &Platform, headers: &HeaderMap, address: ClientAddress) -> Result<Session> {
        let (account, hash, grant) = match bearer(headers) {
            Some(token) => {
                let (account, grant) = tokens::redeem(&platform.database, token, address).await?;
                (account, None, Some(grant))
            }
            None => {
                let secret = cookie(headers, platform.urls.cookie_name()).ok_or_else(not_signed_in)?;
                let found = sessions::redeem(&platform.database, secret, address).await?;
                let (account, hash) = found.ok_or_else(not_signed_in)?;
                (account, Some(hash), None)
            }
        };
        let stored = store::by_id(platform.database.read(), &account).await?.ok_or_else(not_signed_in)?;
        Ok(Session { account: stored.account, hash, grant })
    }

    /// Whether the session or the token still counts, for what lasts longer than a request.
    pub async fn still_counts(&self, platform: &Platform) -> bool {
        let db = platform.database.read();
        let counts = match (&self.hash, &self.grant) {
            (Some(hash), _) => sessions::counts(db, hash).await,
            (None, Some(grant)) => tokens::counts(db, &grant.id).await,
            (None, None) => Ok(false),
        };
        counts.unwrap_or(false)
    }

    /// Refuses programs.
    ///
    /// # Errors
    /// `token_not_enough`.
    pub fn person(&self) -> Result<()> {
        if self.grant.is_some() {
            let message = "No token may do that. Sign in at the console.";
            return Err(Error::refused(StatusCode::FORBIDDEN, "token_not_enough", message));
        }
        Ok(())
    }

    /// Whether a token, if it is one, is for that project.
    pub fn sees(&self, project: &Row) -> bool {
        self.grant.as_ref().is_none_or(|grant| {
            grant.team_id == project.team_id && grant.project_id.as_ref().is_none_or(|id| *id == project.id)
        })
    }

    /// Whether a token, if it is one, is for that whole team.
    pub fn sees_team(&self, team: &str) -> bool {
        self.grant.as_ref().is_none_or(|grant| grant.team_id == team && grant.project_id.is_none())
    }

    /// Refuses what the account's role, or the token's scope, does not allow.
    ///
    /// # Errors
    /// `not_allowed`, `token_not_enough`.
    pub fn allow(&self, role: Role, action: Action) -> Result<()> {
        if !role.may(action) {
            let message = "Your role in this team does not allow that.";
            return Err(Error::refused(StatusCode::FORBIDDEN, "not_allowed", message));
        }
        if self.grant.as_ref().is_some_and(|grant| !grant.scope.may(action)) {
            let message = "The scope of this token does not allow that.";
            return Err(Error::refused(StatusCode::FORBIDDEN, "token_not_enough", message));
        }
        Ok(())
    }
}

impl FromRequestParts<Platform> for Session {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _platform: &Platform) -> Result<Session> {
        parts.extensions.get::<Session>().cloned().ok_or_else(not_signed_in)
    }
}

fn not_signed_in() -> Error {
    Error::refused(StatusCode::UNAUTHORIZED, "not_signed_in", "Please sign in.")
}

/// The cookie of a new session, for as long as it can last.
pub fn set_cookie(platform: &Platform, secret: &str) -> HeaderValue {
    write_cookie(platform, secret, sessions::LONGEST.as_secs())
}

/// The cookie that removes a session from the browser.
pub fn clear_cookie(platform: &Platform) -> HeaderValue {
    write_cookie(platform, "", 0)
}

/// Refuses changes made with a session that do not come from the console itself. Programs send its `Origin`, or a token.
pub async fn same_origin(
    axum::extract::State(platform): axum::extract::State<Platform>,
    request: axum::extract::Request,
    next: Next,
) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    if reads || bearer(request.headers()).is_some() || is_own(&platform, request.headers()) {
        return next.run(request).await;
    }
    Error::refused(StatusCode::FORBIDDEN, "cross_site", "This request did not come from the console.").into_response()
}

fn is_own(platform: &Platform, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) if site != "same-origin" => false,
        (_, Some(origin)) => origin == platform.urls.console(),
        (Some(_), None) => true,
        // A program without a session has nothing a page could abuse.
        (None, None) => cookie(headers, platform.urls.cookie_name()).is_none(),
    }
}

fn write_cookie(platform: &Platform, secret: &str, seconds: u64) -> HeaderValue {
    let secure = if platform.urls.is_secure() { "; Secure" } else { "" };
    let name = platform.urls.cookie_name();
    let cookie = format!("{name}={secret}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::try_from(cookie).expect("a cookie of letters and digits is a header")
}

/// The token of a program. With one, no cookie counts.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// The value of a cookie.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}
