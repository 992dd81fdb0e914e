//! Whether settings are sound, in the words of stock servers.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::LazyLock;

use regex::Regex;

use super::{Backups, Batch, Meta, RateLimitRule, RateLimits, S3, Settings, Smtp};
use crate::cron::Schedule;
use crate::error::{FieldError, Problems};
use crate::outbound::Network;
use crate::records::pattern;
use crate::schema::validate::Check;
use crate::schema::validate::limits::{at_least, length, required};

const LONGEST_TEXT: usize = 255;
const COLOR_LENGTH: usize = 7;

impl Settings {
    /// The first of the superusers' addresses that is none, and where it stands.
    pub fn unfit_superuser_ip(&self) -> Option<(usize, &str)> {
        let mut addresses = self.superuser_ips.iter().map(String::as_str).enumerate();
        addresses.find(|(_, text)| network(text).is_err())
    }

    /// All that is wrong, by key.
    pub fn problems(&self) -> Problems {
        let mut problems = Problems::new();
        problems.nest("superuserIPs", each(&self.superuser_ips, network));
        problems.nest("smtp", smtp(&self.smtp));
        problems.nest("backups", backups(&self.backups));
        problems.nest("s3", s3(&self.s3));
        problems.nest("meta", meta(&self.meta));
        problems.nest("rateLimits", rate_limits(&self.rate_limits));
        problems.nest("batch", batch(&self.batch));
        let mut logs = Problems::new();
        logs.note("maxDays", at_least(self.logs.max_days, 0));
        problems.nest("logs", logs);
        problems
    }
}

fn smtp(smtp: &Smtp) -> Problems {
    let mut problems = Problems::new();
    if smtp.enabled {
        problems.note("host", required(&smtp.host));
        problems.note("port", given(smtp.port));
    }
    problems.note("host", host(&smtp.host));
    problems.note("localName", host(&smtp.local_name));
    problems.note("port", at_least(smtp.port, 0));
    if !matches!(smtp.auth_method.as_str(), "" | "PLAIN" | "LOGIN") {
        problems.add("authMethod", unknown());
    }
    problems
}

fn s3(s3: &S3) -> Problems {
    let mut problems = Problems::new();
    if s3.enabled {
        for (key, value) in [
            ("endpoint", &s3.endpoint),
            ("bucket", &s3.bucket),
            ("region", &s3.region),
            ("accessKey", &s3.access_key),
            ("secret", &s3.secret),
        ] {
            problems.note(key, required(value));
        }
    }
    if !s3.endpoint.is_empty() {
        problems.note("endpoint", url(&s3.endpoint));
    }
    problems
}

fn backups(backups: &Backups) -> Problems {
    let mut problems = Problems::new();
    if !backups.cron.is_empty() {
        if let Err(reason) = backups.cron.parse::<Schedule>() {
            problems.add("cron", FieldError::new("validation_invalid_cron", &reason));
        }
        problems.note("cronMaxKeep", given(backups.cron_max_keep));
    }
    if backups.cron_max_keep != 0 {
        problems.note("cronMaxKeep", at_least(backups.cron_max_keep, 1));
    }
    problems.nest("s3", s3(&backups.s3));
    problems
}

fn meta(meta: &Meta) -> Problems {
    let mut problems = Problems::new();
    problems.note("appName", length(&meta.app_name, 1, LONGEST_TEXT));
    problems.note("appURL", required(&meta.app_url).and_then(|()| url(&meta.app_url)));
    problems.note("senderName", length(&meta.sender_name, 1, LONGEST_TEXT));
    problems.note("senderAddress", required(&meta.sender_address).and_then(|()| email(&meta.sender_address)));
    problems.note("accentColor", color(&meta.accent_color));
    problems
}

fn batch(batch: &Batch) -> Problems {
    let mut problems = Problems::new();
    for (key, value) in [("maxRequests", batch.max_requests), ("timeout", batch.timeout)] {
        if batch.enabled {
            problems.note(key, given(value));
        }
        problems.note(key, at_least(value, 0));
    }
    problems.note("maxBodySize", at_least(batch.max_body_size, 0));
    problems
}

fn rate_limits(limits: &RateLimits) -> Problems {
    let mut problems = Problems::new();
    if limits.enabled && limits.rules.is_empty() {
        problems.add("rules", FieldError::required());
    }
    let mut rules = Problems::new();
    for (at, rule) in limits.rules.iter().enumerate() {
        rules.nest(&at.to_string(), rate_limit_rule(rule));
    }
    if rules.is_empty() {
        rules = conflicts(&limits.rules);
    }
    problems.nest("rules", rules);
    problems.nest("excludedIPs", each(&limits.excluded_ips, network));
    problems
}

fn rate_limit_rule(rule: &RateLimitRule) -> Problems {
    static LABEL: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"^(?-u:\w+ /[\w/-]*|/[\w/-]*|(?:\w+|\*):\w+|\w+)$").ok());
    let mut problems = Problems::new();
    problems.note("label", required(&rule.label));
    if !LABEL.as_ref().is_some_and(|label| label.is_match(&rule.label)) {
        problems.add("label", FieldError::new("validation_match_invalid", "Must be in a valid format."));
    }
    for (key, value) in [("maxRequests", rule.max_requests), ("duration", rule.duration)] {
        problems.note(key, given(value).and_then(|()| at_least(value, 1)));
    }
    if !matches!(rule.audience.as_str(), "" | "@guest" | "@auth") {
        problems.add("audience", unknown());
    }
    problems
}

/// Of two rules for the same label and people only one could ever count.
fn conflicts(rules: &[RateLimitRule]) -> Problems {
    let mut seen: BTreeSet<(&str, &str)> = BTreeSet::new();
    let mut problems = Problems::new();
    for (at, rule) in rules.iter().enumerate() {
        let (label, audience) = (rule.label.as_str(), rule.audience.as_str());
        let overlaps = |other: &str| other == audience || other.is_empty() || audience.is_empty();
        if seen.iter().any(|(known, other)| *known == label && overlaps(other)) {
            let message = format!(
                "Rate limit rule configuration with label {label} already exists or conflicts with another rule."
            );
            let error = FieldError::new("validation_conflicting_rate_limit_rule", &message).with("label", label);
            problems.nest(&at.to_string(), Problems::of("label", error));
            break;
        }
        seen.insert((label, audience));
    }
    problems
}

fn each(texts: &[String], check: impl Fn(&str) -> Check) -> Problems {
    let mut problems = Problems::new();
    for (at, text) in texts.iter().enumerate() {
        problems.note(&at.to_string(), required(text).and_then(|()| check(text)));
    }
    problems
}

/// Not zero.
fn given(number: i64) -> Check {
    if number == 0 { Err(FieldError::required()) } else { Ok(()) }
}

fn network(text: &str) -> Check {
    match text.parse::<Network>() {
        Ok(_) => Ok(()),
        // The misspelling is on the wire.
        Err(_) => Err(FieldError::new("validation_invlaid_ip_or_subnet", "Invalid IP or CIDR subnet.")),
    }
}

fn url(text: &str) -> Check {
    match pattern::url_host(text) {
        Some(_) => Ok(()),
        None => Err(FieldError::new("validation_is_url", "Must be a valid URL.")),
    }
}

fn email(text: &str) -> Check {
    if pattern::is_email(text) {
        return Ok(());
    }
    Err(FieldError::new("validation_is_email", "Must be a valid email address."))
}

fn host(text: &str) -> Check {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
    };
    let name = text.strip_suffix('.').unwrap_or(text);
    if text.is_empty()
        || text.parse::<IpAddr>().is_ok()
        || (text.len() <= LONGEST_TEXT && name.split('.').all(is_label))
    {
        return Ok(());
    }
    Err(FieldError::new("validation_is_host", "Must be a valid IP address or DNS name."))
}

fn color(text: &str) -> Check {
    if text.is_empty() {
        return Ok(());
    }
    if text.len() != COLOR_LENGTH {
        let error = FieldError::new("validation_length_invalid", "The length must be exactly 7.");
        return Err(error.with("max", COLOR_LENGTH).with("min", COLOR_LENGTH));
    }
    if text.starts_with('#') && text[1..].bytes().all(|b| b.is_ascii_hexdigit()) {
        return Ok(());
    }
    Err(FieldError::new("validation_is_hex_color", "Must be a valid hexadecimal color code."))
}

fn unknown() -> FieldError {
    FieldError::new("validation_in_invalid", "Must be a valid value.")
}
