//! What an auth collection has beside its fields: ways to sign in, tokens, mail templates.
//!
//! One JSON object in the database, secrets included; the API shows it without them.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// The options of an auth collection, keys as on the wire. Durations are seconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the wire's")]
pub struct AuthOptions {
    pub auth_rule: Option<String>,
    pub manage_rule: Option<String>,
    pub auth_alert: AuthAlert,
    pub oauth2: OAuth2Options,
    pub password_auth: PasswordAuth,
    pub mfa: MfaOptions,
    pub otp: OtpOptions,
    pub auth_token: TokenOptions,
    pub password_reset_token: TokenOptions,
    pub email_change_token: TokenOptions,
    pub verification_token: TokenOptions,
    pub file_token: TokenOptions,
    pub verification_template: EmailTemplate,
    pub reset_password_template: EmailTemplate,
    pub confirm_email_change_template: EmailTemplate,
}

/// Secret and lifetime of one type of token.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TokenOptions {
    /// Joined to the record's own key it signs the token; never shown.
    pub secret: String,
    /// Seconds.
    pub duration: i64,
}

/// A mail's subject and HTML body with `{PLACEHOLDERS}`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct EmailTemplate {
    pub subject: String,
    pub body: String,
}

/// The mail about a sign-in from a new place.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub struct AuthAlert {
    pub enabled: bool,
    pub email_template: EmailTemplate,
}

/// Sign-in with a password.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PasswordAuth {
    /// Whether it is offered.
    pub enabled: bool,
    /// The fields by which a record is found; each has a unique index.
    pub identity_fields: Vec<String>,
}

/// A second factor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct MfaOptions {
    pub enabled: bool,
    pub duration: i64,
    pub rule: String,
}

/// One-time passwords by mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub struct OtpOptions {
    pub enabled: bool,
    pub duration: i64,
    pub length: i64,
    pub email_template: EmailTemplate,
}

/// Sign-in through other services.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct OAuth2Options {
    /// In the order in which they are offered; stored as null when none was ever set.
    pub providers: Option<Vec<OAuth2Provider>>,
    /// Which field takes what the service knows.
    pub mapped_fields: MappedFields,
    /// Whether it is offered.
    pub enabled: bool,
}

/// One service and the credentials for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the wire's")]
pub struct OAuth2Provider {
    pub pkce: Option<bool>,
    pub name: String,
    pub client_id: String,
    pub client_secret: String,
    #[serde(rename = "authURL")]
    pub auth_url: String,
    #[serde(rename = "tokenURL")]
    pub token_url: String,
    #[serde(rename = "userInfoURL")]
    pub user_info_url: String,
    pub display_name: String,
    pub extra: Option<Map<String, Json>>,
}

/// Names of fields, or empty.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct MappedFields {
    pub id: String,
    pub name: String,
    pub username: String,
    #[serde(rename = "avatarURL")]
    pub avatar_url: String,
}

/// The five kinds of tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the wire's")]
pub enum TokenType {
    Auth,
    File,
    Verification,
    PasswordReset,
    EmailChange,
}

impl TokenType {
    /// The claim `type`.
    pub fn name(self) -> &'static str {
        match self {
            TokenType::Auth => "auth",
            TokenType::File => "file",
            TokenType::Verification => "verification",
            TokenType::PasswordReset => "passwordReset",
            TokenType::EmailChange => "emailChange",
        }
    }
}

impl AuthOptions {
    /// Secret and lifetime of that type of token.
    pub fn token(&self, kind: TokenType) -> &TokenOptions {
        match kind {
            TokenType::Auth => &self.auth_token,
            TokenType::File => &self.file_token,
            TokenType::Verification => &self.verification_token,
            TokenType::PasswordReset => &self.password_reset_token,
            TokenType::EmailChange => &self.email_change_token,
        }
    }

    /// All tokens, to give each its secret or to check it.
    pub fn tokens_mut(&mut self) -> [(&'static str, &mut TokenOptions); 5] {
        [
            ("authToken", &mut self.auth_token),
            ("passwordResetToken", &mut self.password_reset_token),
            ("emailChangeToken", &mut self.email_change_token),
            ("verificationToken", &mut self.verification_token),
            ("fileToken", &mut self.file_token),
        ]
    }

    /// Everything, secrets included.
    pub fn to_json(&self) -> Map<String, Json> {
        match serde_json::to_value(self) {
            Ok(Json::Object(keys)) => keys,
            _ => Map::new(),
        }
    }

    /// What the API shows.
    pub fn to_public_json(&self) -> Map<String, Json> {
        let mut shown = self.clone();
        for (_, token) in shown.tokens_mut() {
            token.secret.clear();
        }
        let mut keys = shown.to_json();
        for token in ["authToken", "passwordResetToken", "emailChangeToken", "verificationToken", "fileToken"] {
            if let Some(Json::Object(token)) = keys.get_mut(token) {
                token.remove("secret");
            }
        }
        if let Some(Json::Object(oauth2)) = keys.get_mut("oauth2") {
            let providers = oauth2.entry("providers").or_insert_with(|| Json::Array(Vec::new()));
            if providers.is_null() {
                *providers = Json::Array(Vec::new());
            }
            for provider in providers.as_array_mut().into_iter().flatten().filter_map(Json::as_object_mut) {
                provider.remove("clientSecret");
            }
        }
        keys
    }
}

impl Default for AuthOptions {
    /// A new collection's options; the tokens still need their secrets.
    fn default() -> AuthOptions {
        let lasting = |duration| TokenOptions { secret: String::new(), duration };
        AuthOptions {
            auth_rule: Some(String::new()),
            manage_rule: None,
            auth_alert: AuthAlert::default(),
            oauth2: OAuth2Options::default(),
            password_auth: PasswordAuth::default(),
            mfa: MfaOptions::default(),
            otp: OtpOptions::default(),
            auth_token: lasting(432_000),
            password_reset_token: lasting(1800),
            email_change_token: lasting(1800),
            verification_token: lasting(86_400),
            file_token: lasting(180),
            verification_template: link_template(
                "Verify your {APP_NAME} email",
                "One more step before your {APP_NAME} account is complete: confirm that this address is yours.",
                "Verify",
                "confirm-verification",
            ),
            reset_password_template: link_template(
                "Reset your {APP_NAME} password",
                "Someone, hopefully you, asked for a new password for your {APP_NAME} account. Choose it here.",
                "Reset password",
                "confirm-password-reset",
            ),
            confirm_email_change_template: link_template(
                "Confirm your {APP_NAME} new email address",
                "From now on you want to use this address with {APP_NAME}. Confirm the change here.",
                "Confirm new email",
                "confirm-email-change",
            ),
        }
    }
}

impl Default for AuthAlert {
    fn default() -> AuthAlert {
        let body = "<p>Hello,</p>\n<p>There was a sign-in to your {APP_NAME} account from a place we have not seen before:</p>\n\
            <p><em>{ALERT_INFO}</em></p>\n<p>If this was not you, change your {APP_NAME} password now. \
            That also ends every other session.</p>\n<p>If it was you, nothing needs to be done.</p>\n\
            <p>Thanks,<br/>{APP_NAME} team</p>";
        AuthAlert {
            enabled: true,
            email_template: EmailTemplate { subject: "Login from a new location".into(), body: body.into() },
        }
    }
}

impl Default for PasswordAuth {
    fn default() -> PasswordAuth {
        PasswordAuth { enabled: true, identity_fields: vec!["email".into()] }
    }
}

impl Default for MfaOptions {
    fn default() -> MfaOptions {
        MfaOptions { enabled: false, duration: 600, rule: String::new() }
    }
}

impl Default for OtpOptions {
    fn default() -> OtpOptions {
        let body = "<p>Hello,</p>\n<p>Your one-time password is <strong>{OTP}</strong></p>\n\
            <p>If you did not ask for it, ignore this mail.</p>\n<p>Thanks,<br/>{APP_NAME} team</p>";
        OtpOptions {
            enabled: false,
            duration: 180,
            length: 8,
            email_template: EmailTemplate { subject: "OTP for {APP_NAME}".into(), body: body.into() },
        }
    }
}

fn link_template(subject: &str, sentence: &str, button: &str, page: &str) -> EmailTemplate {
    let body = format!(
        "<p>Hello,</p>\n<p>{sentence}</p>\n<p>\n  <a class=\"btn\" href=\"{{APP_URL}}/_/#/auth/{page}/{{TOKEN}}\" \
         target=\"_blank\" rel=\"noopener\">{button}</a>\n</p>\n<p><i>If you did not ask for this, ignore this mail.</i></p>\n\
         <p>Thanks,<br/>{{APP_NAME}} team</p>"
    );
    EmailTemplate { subject: subject.to_owned(), body }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_never_reach_the_public_shape() {
        let mut options = AuthOptions::default();
        options.auth_token.secret = "s3cret".into();
        options.oauth2.providers =
            Some(vec![OAuth2Provider { name: "github".into(), client_secret: "s3cret".into(), ..Default::default() }]);
        let shown = Json::Object(options.to_public_json()).to_string();
        assert!(!shown.contains("s3cret") && !shown.contains("ecret\""), "{shown}");
        assert!(Json::Object(options.to_json()).to_string().contains("s3cret"));
    }

    #[test]
    fn providers_are_shown_as_a_list_even_when_stored_as_null() {
        let shown = AuthOptions::default().to_public_json();
        assert_eq!(shown["oauth2"]["providers"], Json::Array(Vec::new()));
    }
}
