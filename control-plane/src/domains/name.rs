//! The name of a domain: what a customer typed, as the rest of the internet writes it.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

/// A host name with at least two labels: lower case, ASCII, no dot at the end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DomainName(String);

/// Text that is no name a domain can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a domain")]
pub struct InvalidDomain;

impl DomainName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is this host or lies under it.
    pub fn is_within(&self, host: &str) -> bool {
        self.0.strip_suffix(host).is_some_and(|front| front.is_empty() || front.ends_with('.'))
    }

    /// Whether it is somebody's whole domain, which cannot have a CNAME: it has two labels. Under suffixes such as
    /// `co.uk` a whole domain has three, and is offered a CNAME its DNS provider refuses; A and AAAA always work.
    pub fn is_apex(&self) -> bool {
        self.0.bytes().filter(|byte| *byte == b'.').count() == 1
    }
}

impl FromStr for DomainName {
    type Err = InvalidDomain;

    fn from_str(text: &str) -> Result<Self, InvalidDomain> {
        let text = text.trim();
        if text.ends_with('.') {
            return Err(InvalidDomain);
        }
        // Strict: letters, digits and hyphens, labels of 1 to 63 bytes, 253 bytes in all.
        let ascii = idna::domain_to_ascii_strict(text).map_err(|_| InvalidDomain)?;
        let (_, last) = ascii.rsplit_once('.').ok_or(InvalidDomain)?;
        let is_address = ascii.parse::<Ipv4Addr>().is_ok() || last.bytes().all(|byte| byte.is_ascii_digit());
        if is_address || ascii.len() > 253 {
            return Err(InvalidDomain);
        }
        Ok(DomainName(ascii))
    }
}

impl fmt::Display for DomainName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_dns_writes_them() {
        let name = |text: &str| text.parse::<DomainName>().map(|name| name.to_string());
        assert_eq!(name("Api.Orchard.Shop"), Ok("api.orchard.shop".to_owned()));
        assert_eq!(name(" bücher.example "), Ok("xn--bcher-kva.example".to_owned()));
        assert_eq!(name(&format!("{}.example", "a".repeat(63))).map(|name| name.len()), Ok(71));
    }

    #[test]
    fn what_is_no_domain_is_refused() {
        let long = [["a"; 60].join("."), ["b"; 70].join(".")].join(".");
        for text in [
            "",
            "orchard",
            "orchard.shop.",
            ".shop",
            "a..b",
            "a_b.shop",
            "-a.shop",
            "a-.shop",
            "*.shop",
            "a b.shop",
            "127.0.0.1",
            "1.2",
            "[::1]",
            "::1",
            "https://orchard.shop",
            "orchard.shop/x",
            "orchard.shop:80",
            "a@b.shop",
            &long,
            &format!("{}.shop", "a".repeat(64)),
        ] {
            assert_eq!(text.parse::<DomainName>(), Err(InvalidDomain), "{text}");
        }
    }

    #[test]
    fn a_name_knows_its_family() {
        let name: DomainName = "api.orchard.shop".parse().expect("a name");
        assert!(name.is_within("orchard.shop") && name.is_within("api.orchard.shop"));
        assert!(!name.is_within("chard.shop") && !name.is_within("x.api.orchard.shop"));
        assert!(!name.is_apex() && "orchard.shop".parse::<DomainName>().expect("a name").is_apex());
    }
}
