//! A project's name in its address, and the names nobody may take.

use std::fmt;
use std::str::FromStr;

use tenant_runtime::host::TenantId;

use crate::error::Error;

const SHORTEST: usize = 3;
const LONGEST: usize = 40;

/// Names people would trust because of who seems to be behind them, and those the platform needs.
const RESERVED: &[&str] = &[
    "about",
    "abuse",
    "account",
    "accounts",
    "admin",
    "administrator",
    "api",
    "app",
    "apps",
    "assets",
    "auth",
    "autoconfig",
    "autodiscover",
    "backup",
    "backups",
    "billing",
    "blog",
    "cdn",
    "cname",
    "community",
    "config",
    "console",
    "contact",
    "dashboard",
    "demo",
    "dev",
    "dns",
    "docs",
    "domain",
    "domains",
    "download",
    "email",
    "example",
    "ftp",
    "git",
    "graphql",
    "health",
    "help",
    "host",
    "hostmaster",
    "http",
    "https",
    "imap",
    "info",
    "internal",
    "invite",
    "legal",
    "localhost",
    "login",
    "logout",
    "mail",
    "marketing",
    "metrics",
    "monitor",
    "news",
    "noreply",
    "ns1",
    "ns2",
    "oauth",
    "official",
    "operator",
    "ops",
    "owner",
    "panel",
    "pay",
    "payment",
    "payments",
    "pop",
    "pop3",
    "portal",
    "postmaster",
    "preview",
    "pricing",
    "privacy",
    "private",
    "prod",
    "production",
    "project",
    "projects",
    "proxy",
    "public",
    "realtime",
    "register",
    "root",
    "sales",
    "secure",
    "security",
    "server",
    "service",
    "services",
    "settings",
    "shop",
    "sign-in",
    "sign-up",
    "signin",
    "signup",
    "site",
    "smtp",
    "ssh",
    "ssl",
    "staging",
    "static",
    "status",
    "store",
    "studio",
    "superuser",
    "support",
    "sysadmin",
    "system",
    "team",
    "teams",
    "terms",
    "test",
    "tls",
    "tunnel",
    "upload",
    "uploads",
    "usage",
    "user",
    "users",
    "vpn",
    "web",
    "webhook",
    "webhooks",
    "webmail",
    "webmaster",
    "wildcard",
    "wpad",
    "www",
];

/// Names of others that would deceive, whatever is put around them with a dash.
const BRANDS: &[&str] = &[
    "amazon",
    "apple",
    "cloudflare",
    "dropbox",
    "facebook",
    "github",
    "gitlab",
    "google",
    "instagram",
    "linkedin",
    "microsoft",
    "netflix",
    "paypal",
    "pocketbase",
    "pockethost",
    "roost",
    "stripe",
    "supabase",
    "whatsapp",
];

/// A project's name in its address: `blog` in `blog.example.com`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Slug(String);

impl Slug {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A valid name made from what people call the project, if there is one in it.
    pub fn from_name(name: &str) -> Option<Slug> {
        let mut slug = String::new();
        for c in name.trim().chars() {
            if c.is_ascii_alphanumeric() {
                slug.push(c.to_ascii_lowercase());
            } else if !slug.ends_with('-') && !slug.is_empty() {
                slug.push('-');
            }
        }
        slug.truncate(LONGEST);
        slug.trim_matches('-').parse().ok()
    }
}

impl FromStr for Slug {
    type Err = Error;

    fn from_str(text: &str) -> Result<Slug, Error> {
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let edges = text.starts_with('-') || text.ends_with('-');
        // The third and fourth character mark names in another script (`xn--…`), which can look like any other.
        let encoded = text.get(2..4) == Some("--");
        if !(SHORTEST..=LONGEST).contains(&text.len()) || !text.chars().all(allowed) || edges || encoded {
            let message = format!("Please use {SHORTEST} to {LONGEST} letters a-z, digits and dashes between them.");
            return Err(Error::field("slug", "invalid_slug", message));
        }
        if RESERVED.contains(&text) || text.split('-').any(|part| BRANDS.contains(&part)) {
            return Err(Error::field("slug", "reserved_slug", "This address is reserved. Please choose another."));
        }
        if text.parse::<TenantId>().is_ok() {
            // Whoever names a project by its id must never get another one.
            let message = "15 letters and digits in a row look like a project's id. Please put a dash between them.";
            return Err(Error::field("slug", "reserved_slug", message));
        }
        Ok(Slug(text.to_owned()))
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_pass() {
        for good in ["orchard", "a1b", "my-app-2", "status-board"] {
            assert!(good.parse::<Slug>().is_ok(), "{good}");
        }
        for bad in
            ["", "a", "ab", "-abc", "abc-", "Abc", "_dmarc", "a.b", "xn--80ak6aa92e", "ä-b-c", "a b", &"x".repeat(41)]
        {
            assert!(matches!(bad.parse::<Slug>(), Err(Error::Field { code: "invalid_slug", .. })), "{bad}");
        }
        let like_an_id = "k3v9x0q2m7d1r5z";
        for bad in ["www", "api", "admin", "status", "login", "paypal", "my-paypal-login", like_an_id] {
            assert!(matches!(bad.parse::<Slug>(), Err(Error::Field { code: "reserved_slug", .. })), "{bad}");
        }
    }

    #[test]
    fn the_list_of_reserved_names_has_an_order() {
        assert!(RESERVED.is_sorted() && BRANDS.is_sorted());
    }

    #[test]
    fn a_name_suggests_an_address() {
        assert_eq!(Slug::from_name(" My  Orchard! ").map(|slug| slug.0), Some("my-orchard".to_owned()));
        assert_eq!(Slug::from_name("日本"), None);
    }
}
