//! How often somebody may ask: the rules are in the settings, what is counted lives in memory.
//!
//! Which rule applies is one question, what is counted together another. The most telling label finds the rule. Actions
//! of a collection are then counted each by itself, even under a rule for everything; all other paths under one rule
//! are counted together.

mod rules;
mod windows;

use std::net::{IpAddr, Ipv4Addr};

use chrono::Utc;
use http::StatusCode;

use crate::app::App;
use crate::auth::Caller;
use crate::client_address;
use crate::error::{ApiError, Result};
use crate::schema::Collection;

pub use windows::Windows;

/// A request, as far as rules tell it from others.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The method, in capitals.
    pub method: &'a str,
    /// The decoded path.
    pub path: &'a str,
    /// What it does with which collection, if that is what it does.
    pub action: Option<Action<'a>>,
}

/// Something done with a collection.
#[derive(Clone, Copy, Debug)]
pub struct Action<'a> {
    /// The collection.
    pub collection: &'a Collection,
    /// What rules call it, the most telling name first: `authWithPassword`, then `auth`.
    pub tags: &'a [&'a str],
    /// The endpoint it came through; each is counted by itself.
    pub route: &'a str,
}

/// Counts a request.
///
/// # Errors
/// 429 once the rule that applies is used up. Superusers and excluded addresses are never counted.
pub fn check(app: &App, asked: &Asked<'_>, caller: &Caller, address: Option<IpAddr>) -> Result<()> {
    let settings = app.settings();
    let limits = &settings.rate_limits;
    let address = address.unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    if !limits.enabled || caller.is_superuser() || client_address::is_among(&limits.excluded_ips, address) {
        return Ok(());
    }
    let audience = if caller.as_record().is_some() { "@auth" } else { "@guest" };
    let Some(rule) = rules::find(&limits.rules, &asked.labels(), audience) else { return Ok(()) };
    let counted = match &asked.action {
        Some(action) => Counted::Action(&action.collection.id, asked.method, action.route, &rule.audience),
        None => Counted::Paths(&rule.label, &rule.audience),
    };
    if app.rate_windows().admit(&counted, address, rule, Utc::now().timestamp()) {
        return Ok(());
    }
    Err(ApiError::new(StatusCode::TOO_MANY_REQUESTS, "").into())
}

/// What is counted together.
#[derive(Hash)]
enum Counted<'a> {
    Paths(&'a str, &'a str),
    Action(&'a str, &'a str, &'a str, &'a str),
}

impl Asked<'_> {
    /// What rules may call it, the most telling first.
    fn labels(&self) -> Vec<String> {
        let mut labels = Vec::new();
        if let Some(action) = &self.action {
            for of in [action.collection.name.as_str(), "*"] {
                labels.extend(action.tags.iter().map(|tag| format!("{of}:{tag}")));
            }
        }
        labels.push(format!("{} {}", self.method, self.path));
        labels.push(self.path.to_owned());
        labels
    }
}
