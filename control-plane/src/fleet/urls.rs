//! Addresses as people and programs use them.

use std::net::SocketAddr;

use crate::config::Config;

/// How the console and projects are reached from outside.
#[derive(Clone, Debug)]
pub struct Urls {
    secure: bool,
    console_host: String,
    domain: String,
    /// With its colon; empty for the scheme's own.
    port: String,
}

impl Urls {
    /// Addresses of a platform that listens where these settings say.
    pub fn of(config: &Config) -> Urls {
        let secure = config.listen.https.first();
        let port = secure.or(config.listen.http.first()).map_or(80, SocketAddr::port);
        Urls::new(secure.is_some(), config.console_host(), &config.domain, port)
    }

    /// Addresses under a domain, on that port.
    fn new(secure: bool, console_host: &str, domain: &str, port: u16) -> Urls {
        let own_port = if secure { 443 } else { 80 };
        let port = if port == own_port { String::new() } else { format!(":{port}") };
        Urls { secure, console_host: console_host.to_owned(), domain: domain.to_owned(), port }
    }

    /// The console's origin.
    pub fn console(&self) -> String {
        format!("{}://{}{}", self.scheme(), self.console_host, self.port)
    }

    /// A project's origin; `{slug}` makes a pattern.
    pub fn project(&self, slug: &str) -> String {
        format!("{}://{slug}.{}{}", self.scheme(), self.domain, self.port)
    }

    /// The host name of a project.
    pub fn project_host(&self, slug: &str) -> String {
        format!("{slug}.{}", self.domain)
    }

    /// Whether everything goes over TLS.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// The session cookie's name. Browsers accept the prefix only over TLS.
    pub fn cookie_name(&self) -> &'static str {
        if self.secure { "__Host-roost" } else { "roost" }
    }

    fn scheme(&self) -> &'static str {
        if self.secure { "https" } else { "http" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schemes_own_port_is_left_out() {
        let urls = Urls::new(false, "localhost", "localhost", 8080);
        assert_eq!(urls.project("orchard"), "http://orchard.localhost:8080");
        assert_eq!(Urls::new(true, "roost.example", "apps.example", 443).console(), "https://roost.example");
    }
}
