//! Which headers pass, and which the proxy writes itself.
//!
//! What describes one connection ends here. What upstreams trust (`x-roost-*`, `x-forwarded-*`) is removed from
//! whatever a client sent, and only then written: the other way round a `connection` header could remove ours.

use std::hash::{BuildHasher, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::{CONNECTION, COOKIE, HOST, HeaderName, STRICT_TRANSPORT_SECURITY, UPGRADE};
use http::{HeaderMap, HeaderValue};

use crate::client::Client;

pub(crate) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
pub(crate) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
pub(crate) const X_ROOST_CODE: HeaderName = HeaderName::from_static("x-roost-code");
pub(crate) const X_ROOST_QUOTA: HeaderName = HeaderName::from_static("x-roost-quota");
const X_ROOST_WAITED_MS: HeaderName = HeaderName::from_static("x-roost-waited-ms");
const X_REAL_IP: HeaderName = HeaderName::from_static("x-real-ip");
const X_ROOST_CLIENT_IP: HeaderName = HeaderName::from_static("x-roost-client-ip");
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const X_CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-client-request-id");

/// The longest request id of a client that is worth passing on.
const CLIENT_REQUEST_ID: usize = 128;

/// Makes a client's headers ours: nothing of its connection, nothing only we may say, then what we say.
pub(crate) fn stamp_request(
    headers: &mut HeaderMap,
    client: &Client,
    authority: HeaderValue,
    id: HeaderValue,
    route: &HeaderMap,
) {
    let theirs = headers.get(X_REQUEST_ID).filter(|id| id.len() <= CLIENT_REQUEST_ID).cloned();
    remove(headers, |name| is_of_one_connection(name) || is_ours(name));
    join_cookies(headers);

    headers.insert(HOST, authority.clone());
    headers.insert(X_FORWARDED_HOST, authority);
    headers.insert(X_FORWARDED_FOR, client.text.clone());
    headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static(client.scheme()));
    headers.insert(X_REAL_IP, client.text.clone());
    headers.insert(X_ROOST_CLIENT_IP, client.text.clone());
    headers.insert(X_REQUEST_ID, id);
    if let Some(theirs) = theirs {
        headers.insert(X_CLIENT_REQUEST_ID, theirs);
    }
    for (name, value) in route {
        headers.insert(name, value.clone());
    }
}

/// Removes from a response what was meant for the proxy alone.
pub(crate) fn clean_response(headers: &mut HeaderMap) {
    remove(headers, |name| is_of_one_connection(name) || name.starts_with("x-roost-"));
}

/// How long an upstream says that it waited for something else than the request.
pub(crate) fn waited(headers: &HeaderMap) -> Option<Duration> {
    let milliseconds = headers.get(X_ROOST_WAITED_MS)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_millis(milliseconds))
}

/// Asks the client to come back over TLS only, for a year.
pub(crate) fn set_hsts(headers: &mut HeaderMap) {
    headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
}

/// Says that the rest of the connection is WebSocket, in a request or its answer.
pub(crate) fn set_websocket(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

/// Removes the unwanted, and whatever any `connection` line names besides.
fn remove(headers: &mut HeaderMap, unwanted: impl Fn(&str) -> bool) {
    let mut doomed: Vec<HeaderName> = headers.keys().filter(|name| unwanted(name.as_str())).cloned().collect();
    for line in headers.get_all(CONNECTION) {
        let names = line.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        doomed.extend(names.filter_map(|name| HeaderName::from_bytes(name).ok()));
    }
    for name in doomed {
        headers.remove(name);
    }
}

fn is_of_one_connection(name: &str) -> bool {
    matches!(
        name,
        "connection"
            | "http2-settings"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// `expect` is among them because hyper has answered it already.
fn is_ours(name: &str) -> bool {
    matches!(name, "expect" | "forwarded" | "x-client-request-id" | "x-real-ip" | "x-request-id")
        || name.starts_with("x-forwarded-")
        || name.starts_with("x-roost-")
}

/// HTTP/2 may send one cookie a line; everything behind the proxy expects them on one (RFC 9113, 8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    let mut lines = headers.get_all(COOKIE).iter();
    let (Some(first), Some(second)) = (lines.next(), lines.next()) else {
        return;
    };
    let mut joined = first.as_bytes().to_vec();
    for line in std::iter::once(second).chain(lines) {
        joined.extend_from_slice(b"; ");
        joined.extend_from_slice(line.as_bytes());
    }
    if let Ok(joined) = HeaderValue::from_bytes(&joined) {
        headers.insert(COOKIE, joined);
    }
}

/// A new request's name: a UUID of version 7, so that names sort by time. Unique, not secret.
pub(crate) fn request_id() -> HeaderValue {
    static SEED: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNT: AtomicU64 = AtomicU64::new(0);

    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let random = SEED.hash_one(COUNT.fetch_add(1, Relaxed));
    let high = (now.as_millis() as u64) << 16 | 0x7000 | random & 0x0fff;
    let low = 0x8000_0000_0000_0000 | random.rotate_left(32) >> 2;
    uuid_text(u128::from(high) << 64 | u128::from(low))
}

fn uuid_text(number: u128) -> HeaderValue {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut text = [b'-'; 36];
    let places = (0..36).filter(|place| !matches!(place, 8 | 13 | 18 | 23));
    for (index, place) in places.enumerate() {
        text[place] = DIGITS[(number >> (124 - 4 * index) & 0xf) as usize];
    }
    HeaderValue::from_bytes(&text).expect("hexadecimal digits are valid in a header")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_in_any_connection_line_are_removed() {
        let mut headers = HeaderMap::new();
        headers.append("connection", HeaderValue::from_static("close, X-One"));
        headers.append("connection", HeaderValue::from_static("x-two"));
        for name in ["x-one", "x-two", "x-three", "te", "x-roost-tenant"] {
            headers.insert(name, HeaderValue::from_static("1"));
        }
        clean_response(&mut headers);
        let left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        assert_eq!(left, ["x-three"]);
    }

    proptest! {
        #[test]
        fn whatever_a_connection_line_names_is_gone(lines in proptest::collection::vec("[ ,;a-zA-Z-]{0,40}", 0..4)) {
            let mut headers = HeaderMap::new();
            for line in &lines {
                headers.append("connection", HeaderValue::from_str(line).expect("a value"));
            }
            let named: Vec<_> = lines.iter().flat_map(|line| line.split(',')).map(str::trim).collect();
            for name in named.iter().filter_map(|name| HeaderName::try_from(*name).ok()) {
                headers.insert(name, HeaderValue::from_static("1"));
            }
            headers.insert("x-stays-1", HeaderValue::from_static("1"));
            clean_response(&mut headers);
            let left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
            prop_assert_eq!(left, ["x-stays-1"]);
        }

        #[test]
        fn no_bytes_in_a_connection_line_are_too_strange(line in proptest::collection::vec(any::<u8>(), 0..100)) {
            let mut headers = HeaderMap::new();
            if let Ok(line) = HeaderValue::from_bytes(&line) {
                headers.append("connection", line);
            }
            clean_response(&mut headers);
            prop_assert!(!headers.contains_key("connection"));
        }
    }

    #[test]
    fn request_ids_are_uuids_of_version_7_and_differ() {
        let (one, two) = (request_id(), request_id());
        assert_ne!(one, two);
        let text = one.to_str().expect("ascii");
        assert_eq!(text.len(), 36);
        assert_eq!(&text[14..15], "7");
        assert!(matches!(&text[19..20], "8" | "9" | "a" | "b"), "{text}");
        let expected = "01234567-89ab-cdef-0123-456789abcdef";
        assert_eq!(uuid_text(0x0123_4567_89ab_cdef_0123_4567_89ab_cdef), expected);
    }
}
