//! The client's address as a proxy of the tenant's own tells it, in headers the settings trust.

use std::net::IpAddr;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::{Extensions, HeaderMap};

use crate::app::App;
use crate::client_address::ClientAddress;
use crate::settings::TrustedProxy;

/// What a trusted header said, beside the [`ClientAddress`] of the connection.
#[derive(Clone, Copy, Debug)]
struct RealIp(IpAddr);

/// Reads the trusted headers, if there are any.
pub async fn find(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if let Some(address) = told(&app.settings().trusted_proxy, request.headers()) {
        request.extensions_mut().insert(RealIp(address));
    }
    next.run(request).await
}

/// The client's address: what a trusted header says, else where the connection comes from.
pub fn of(extensions: &Extensions) -> Option<IpAddr> {
    let told = extensions.get::<RealIp>().map(|address| address.0);
    told.or_else(|| extensions.get::<ClientAddress>().map(|address| address.0))
}

/// Only the last header of a name counts: a proxy adds its own after what the client made up.
fn told(trusted: &TrustedProxy, headers: &HeaderMap) -> Option<IpAddr> {
    trusted.headers.iter().find_map(|name| {
        let value = headers.get_all(name.as_str()).iter().next_back()?.to_str().ok()?;
        let mut addresses = value.split(',').filter_map(|part| part.trim().parse().ok());
        if trusted.use_leftmost_ip { addresses.next() } else { addresses.next_back() }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn found(leftmost: bool, headers: &[(&'static str, &'static str)]) -> Option<String> {
        let trusted = TrustedProxy { headers: vec!["X-A".into(), "X-Forwarded-For".into()], use_leftmost_ip: leftmost };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        told(&trusted, &map).map(|address| address.to_string())
    }

    #[test]
    fn the_rightmost_address_of_the_first_useful_header_counts() {
        for (headers, expected) in [
            (&[("x-forwarded-for", "1.1.1.1, 2.2.2.2")][..], Some("2.2.2.2")),
            (&[("x-forwarded-for", "1.1.1.1, bad")], Some("1.1.1.1")),
            (&[("x-a", "bad"), ("x-forwarded-for", "1.1.1.1, 2.2.2.2:80")], Some("1.1.1.1")),
            (&[("x-a", " 9.9.9.9 "), ("x-forwarded-for", "1.1.1.1")], Some("9.9.9.9")),
            (&[("x-a", "1.1.1.1"), ("x-a", "3.3.3.3")], Some("3.3.3.3")),
            (&[("x-a", "2001:db8::1")], Some("2001:db8::1")),
            (&[("x-b", "1.1.1.1")], None),
        ] {
            assert_eq!(found(false, headers).as_deref(), expected, "{headers:?}");
        }
        assert_eq!(found(true, &[("x-a", "x, 2.2.2.2,3.3.3.3")]).as_deref(), Some("2.2.2.2"));
    }
}
