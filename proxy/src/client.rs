//! Who is asking: the peer of a connection, or whom a trusted peer says it speaks for.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderValue};
use ipnet::IpNet;

use crate::headers::{X_FORWARDED_FOR, X_FORWARDED_PROTO};

/// Whom a request is answered for.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    pub(crate) address: IpAddr,
    /// The address as it stands in headers.
    pub(crate) text: HeaderValue,
    /// Whether nobody between here and there could read along.
    pub(crate) is_secure: bool,
}

impl Client {
    pub(crate) fn new(address: IpAddr, is_secure: bool) -> Client {
        let address = address.to_canonical();
        let text = HeaderValue::try_from(address.to_string()).expect("an address is valid in a header");
        Client { address, text, is_secure }
    }

    pub(crate) fn scheme(&self) -> &'static str {
        if self.is_secure { "https" } else { "http" }
    }

    /// Whom this client, itself trusted, forwards a request for. Everybody on the way added the address it was asked
    /// from, so they are read from the end, and the first that nobody vouches for is the client's.
    pub(crate) fn forwards(&self, headers: &HeaderMap, trusted: &[IpNet]) -> Client {
        let mut address = self.address;
        for hop in words(headers, &X_FORWARDED_FOR).map_while(parse) {
            address = hop;
            if !contains(trusted, hop) {
                break;
            }
        }
        let is_secure = match words(headers, &X_FORWARDED_PROTO).next() {
            Some(scheme) => scheme.eq_ignore_ascii_case("https"),
            None => self.is_secure,
        };
        Client::new(address, is_secure)
    }
}

/// Whether one of these networks has this address.
pub(crate) fn contains(networks: &[IpNet], address: IpAddr) -> bool {
    networks.iter().any(|network| network.contains(&address.to_canonical()))
}

/// The words of a list in a header, all lines together, the last one first.
fn words<'a>(headers: &'a HeaderMap, name: &http::HeaderName) -> impl Iterator<Item = &'a str> {
    let lines = headers.get_all(name).iter().rev();
    lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(',')).map(str::trim)
}

/// An address, with a port or without.
fn parse(text: &str) -> Option<IpAddr> {
    let address = text.parse().or_else(|_| text.parse::<SocketAddr>().map(|address| address.ip()));
    address.ok().map(|address: IpAddr| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn forwarded(lines: &[(&'static str, &'static str)]) -> (String, bool) {
        let trusted: Vec<IpNet> = ["10.0.0.0/8", "2001:db8::/32"].map(|text| text.parse().expect("a network")).into();
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let peer = Client::new("10.0.0.1".parse().expect("an address"), false);
        let client = peer.forwards(&headers, &trusted);
        (client.text.to_str().expect("ascii").to_owned(), client.is_secure)
    }

    #[test]
    fn the_last_address_nobody_vouches_for_is_the_clients() {
        let of = |list| forwarded(&[("x-forwarded-for", list)]).0;
        assert_eq!(of("192.0.2.1"), "192.0.2.1");
        assert_eq!(of("6.6.6.6, 192.0.2.1"), "192.0.2.1");
        assert_eq!(of("6.6.6.6, 192.0.2.1, 10.0.0.2, 2001:db8::1"), "192.0.2.1");
        assert_eq!(of("10.0.0.3, 10.0.0.2"), "10.0.0.3");
        assert_eq!(of("192.0.2.1:4000"), "192.0.2.1");
        assert_eq!(of("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(of("6.6.6.6, nonsense"), "10.0.0.1");
        assert_eq!(of(""), "10.0.0.1");
        assert_eq!(forwarded(&[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.1")]).0, "192.0.2.1");
    }

    #[test]
    fn the_nearest_scheme_counts() {
        let of = |list| forwarded(&[("x-forwarded-proto", list)]).1;
        assert!(of("https"));
        assert!(of("http, HTTPS"));
        assert!(!of("https, http"));
        assert!(!forwarded(&[]).1);
    }
}
