//! What only auth collections have: ways to sign in, tokens and mail templates.

use std::collections::HashSet;

use super::limits::{about_field, length, required, required_within};
use super::{Check, Definition, Rule};
use crate::error::{FieldError, Problems};
use crate::records::pattern;
use crate::schema::auth_options::{EmailTemplate, MfaOptions, OAuth2Options, OAuth2Provider, OtpOptions, TokenOptions};
use crate::schema::{AuthOptions, Collection, oauth2_providers};

const LONGEST_CODE: i64 = 86_400;
const LONGEST_TOKEN: i64 = 94_670_856;
const SHORTEST: i64 = 10;

/// Notes what is wrong.
pub fn validate(definition: &Definition<'_>, problems: &mut Problems) {
    let new = definition.new;
    let Some(auth) = new.auth.as_deref().filter(|_| new.is_auth()) else { return };
    let mut found = Problems::new();
    let before = definition.original.and_then(|original| original.auth.as_deref());
    found
        .note("authRule", definition.rule(&Rule::new("authRule", &auth.auth_rule, before.map(|auth| &auth.auth_rule))));
    let manage = match auth.manage_rule.as_deref() {
        Some("") => Err(FieldError::new("validation_nil_or_not_empty_required", "Cannot be blank.")),
        _ => definition.rule(&Rule::new("manageRule", &auth.manage_rule, before.map(|auth| &auth.manage_rule))),
    };
    found.note("manageRule", manage);
    let mut alert = Problems::new();
    alert.nest("emailTemplate", template(&auth.auth_alert.email_template));
    found.nest("authAlert", alert);
    found.nest("oauth2", oauth2(&auth.oauth2));
    found.nest("passwordAuth", password_auth(new, auth));
    found.nest("otp", otp(&auth.otp));
    found.nest("mfa", mfa(&auth.mfa));
    for (key, token) in [
        ("authToken", &auth.auth_token),
        ("passwordResetToken", &auth.password_reset_token),
        ("emailChangeToken", &auth.email_change_token),
        ("verificationToken", &auth.verification_token),
        ("fileToken", &auth.file_token),
    ] {
        found.nest(key, self::token(token));
    }
    found.nest("verificationTemplate", template(&auth.verification_template));
    found.nest("resetPasswordTemplate", template(&auth.reset_password_template));
    found.nest("confirmEmailChangeTemplate", template(&auth.confirm_email_change_template));
    if found.is_empty() && auth.mfa.enabled {
        found.nest("mfa", mfa_as_a_whole(definition, auth));
    }
    problems.extend(found);
}

fn ways_to_sign_in(auth: &AuthOptions) -> usize {
    [auth.password_auth.enabled, auth.oauth2.enabled, auth.otp.enabled].into_iter().filter(|enabled| *enabled).count()
}

fn template(template: &EmailTemplate) -> Problems {
    let mut problems = Problems::new();
    problems.note("subject", required(&template.subject));
    problems.note("body", required(&template.body));
    problems
}

fn token(token: &TokenOptions) -> Problems {
    let mut problems = Problems::new();
    problems.note("secret", length(&token.secret, 30, 255));
    problems.note("duration", required_within(token.duration, SHORTEST, LONGEST_TOKEN));
    problems
}

fn password_auth(collection: &Collection, auth: &AuthOptions) -> Problems {
    let mut problems = Problems::new();
    if auth.password_auth.enabled {
        problems.note("identityFields", identity_fields(collection, &auth.password_auth.identity_fields));
    }
    problems
}

fn identity_fields(collection: &Collection, names: &[String]) -> Check {
    if names.is_empty() {
        return Err(FieldError::required());
    }
    for name in names {
        if collection.field(name).is_none() {
            let message = format!("Invalid or missing field {name}");
            return Err(about_field("validation_missing_field", &message, name));
        }
        if !collection.has_unique_index_on(name) {
            let message = format!("The field {name} doesn't have a UNIQUE constraint.");
            return Err(about_field("validation_missing_unique_constraint", &message, name));
        }
    }
    Ok(())
}

fn otp(otp: &OtpOptions) -> Problems {
    let mut problems = Problems::new();
    if otp.enabled {
        problems.note("duration", required_within(otp.duration, SHORTEST, LONGEST_CODE));
        problems.note("length", required_within(otp.length, 4, i64::MAX));
    }
    problems.nest("emailTemplate", template(&otp.email_template));
    problems
}

fn mfa(mfa: &MfaOptions) -> Problems {
    let mut problems = Problems::new();
    if mfa.enabled {
        problems.note("duration", required_within(mfa.duration, SHORTEST, LONGEST_CODE));
    }
    problems
}

/// What is looked at only when everything else is sound.
fn mfa_as_a_whole(definition: &Definition<'_>, auth: &AuthOptions) -> Problems {
    let mut problems = Problems::new();
    if ways_to_sign_in(auth) < 2 {
        let message = "MFA requires at least 2 auth methods to be enabled.";
        problems.add("enabled", FieldError::new("validation_mfa_not_enough_auths", message));
    } else {
        problems.note("rule", definition.rule(&Rule { key: "mfa.rule", text: Some(&auth.mfa.rule), changed: false }));
    }
    problems
}

fn oauth2(oauth2: &OAuth2Options) -> Problems {
    let mut problems = Problems::new();
    if !oauth2.enabled {
        return problems;
    }
    let providers = oauth2.providers.as_deref().unwrap_or_default();
    let mut inner = Problems::new();
    let mut names = HashSet::new();
    match providers.iter().position(|provider| !names.insert(provider.name.as_str())) {
        Some(at) => {
            let name = providers[at].name.as_str();
            let message = format!("The provider {name} is already registered.");
            let error = FieldError::new("validation_duplicated_provider", &message).with("name", name);
            inner.nest(&at.to_string(), Problems::of("name", error));
        }
        None => {
            for (at, entry) in providers.iter().enumerate() {
                inner.nest(&at.to_string(), provider(entry));
            }
        }
    }
    problems.nest("providers", inner);
    problems
}

fn provider(provider: &OAuth2Provider) -> Problems {
    let mut problems = Problems::new();
    let name = provider.name.as_str();
    if name.is_empty() {
        problems.add("name", FieldError::required());
    } else if oauth2_providers::find(name).is_none() {
        let message = format!("Invalid or missing provider with name {name}.");
        problems.add("name", FieldError::new("validation_missing_provider", &message).with("name", name));
    }
    problems.note("clientId", required(&provider.client_id));
    problems.note("clientSecret", required(&provider.client_secret));
    for (key, url) in
        [("authURL", &provider.auth_url), ("tokenURL", &provider.token_url), ("userInfoURL", &provider.user_info_url)]
    {
        if !url.is_empty() && pattern::url_host(url).is_none() {
            problems.add(key, FieldError::new("validation_is_url", "Must be a valid URL."));
        }
    }
    problems
}
