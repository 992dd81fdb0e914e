//! What strangers send before anything is known of them, and what must hold of it whatever the bytes: for the targets in
//! `tests/fuzz`. Only there with the feature `fuzzing`.

use std::net::Ipv4Addr;
use std::sync::LazyLock;

use futures_util::FutureExt;
use http::header::{CONNECTION, HOST};
use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::runtime::{Builder, Runtime};

use crate::acme::dns::{LONGEST, Transport, Zone};
use crate::routes::{Host, Pattern};
use crate::{headers, preamble};

/// A host is written one way only, and that way is read back.
pub fn host(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(host) = text.parse::<Host>() {
        let written = host.to_string();
        assert_eq!(written.parse::<Host>().ok(), Some(host));
        assert!(written.len() <= 253 && !written.starts_with('.') && !written.contains(".."), "{written}");
        assert!(HeaderValue::from_str(&written).is_ok(), "{written}");
    }
    if let Ok(pattern) = text.parse::<Pattern>() {
        assert_eq!(pattern.to_string().parse::<Pattern>().ok(), Some(pattern));
    }
}

/// Whatever a `connection` line names is gone, and nothing that describes one connection stays. One line of data is one
/// line of the header.
pub fn connection(data: &[u8]) {
    let mut map = HeaderMap::new();
    let mut named = Vec::new();
    for line in data.split(|byte| *byte == b'\n') {
        let Ok(value) = HeaderValue::from_bytes(line) else { return };
        map.append(CONNECTION, value);
        for name in line.split(|byte| *byte == b',').filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok()) {
            map.append(name.clone(), HeaderValue::from_static("1"));
            named.push(name);
        }
    }
    map.insert(HOST, HeaderValue::from_static("a.example.com"));
    let is_host_named = named.contains(&HOST);
    headers::clean_response(&mut map);
    assert!(!map.contains_key(CONNECTION));
    assert!(named.iter().all(|name| !map.contains_key(name)), "{named:?}");
    assert_eq!(map.contains_key(HOST), !is_host_named);
}

/// No answer is longer than what passes every network, and answers are never answered.
pub fn dns(data: &[u8]) {
    static ZONE: LazyLock<Zone> = LazyLock::new(|| {
        let values = || async { Ok(vec!["0".repeat(43), "1".repeat(43)]) }.boxed();
        Zone::new(&"apps.example.com".parse().expect("a host"), Box::new(values)).expect("a zone")
    });
    thread_local! {
        static RUNTIME: Runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    }
    for transport in [Transport::Udp, Transport::Tcp] {
        let answer = RUNTIME.with(|runtime| runtime.block_on(ZONE.answer_anybody(data, transport)));
        if let Some(answer) = answer {
            assert!(answer.len() <= LONGEST, "{} bytes", answer.len());
            assert_eq!(answer.get(..2), data.get(..2), "it names the question it answers");
            let again = RUNTIME.with(|runtime| runtime.block_on(ZONE.answer_anybody(&answer, transport)));
            assert_eq!(again, None);
        }
    }
}

/// Not a byte more than the header is taken, and what is one in text reads the same when it is written again.
pub fn proxy_header(data: &[u8]) {
    let mut rest = data;
    let Some(Ok(client)) = preamble::read(&mut rest).now_or_never() else { return };
    let taken = data.len() - rest.len();
    assert!(taken <= 4096, "{taken} bytes");
    if let (true, Some(std::net::IpAddr::V4(client))) = (data.starts_with(b"PROXY "), client) {
        let written = format!("PROXY TCP4 {client} {} 1 2\r\n", Ipv4Addr::LOCALHOST);
        let again = preamble::read(&mut written.as_bytes()).now_or_never().and_then(Result::ok).flatten();
        assert_eq!(again, Some(client.into()));
    }
}
