//! Who a client is, and how much of everything one may have.

use std::time::Duration;

use proxy::routes::{Route, RouteId, Tls};
use proxy::{Options, PerAddress};

use crate::kit::{Edge, echo, nobody, to};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn allowing(allow: impl FnOnce(&mut PerAddress)) -> Options {
    let mut per_address = PerAddress::unlimited();
    allow(&mut per_address);
    Options { per_address, ..Options::default() }
}

#[tokio::test]
async fn one_address_may_have_so_many_connections() {
    let edge = Edge::strict(allowing(|address| address.connections = 2), [("a", to(echo()))]).await;
    let mut open = Vec::new();
    for _ in 0..2 {
        let mut wire = edge.connect().await;
        wire.send(GET).await;
        assert_eq!(wire.answer().await.status, 200);
        open.push(wire);
    }
    assert_eq!(edge.connect().await.rest().await, "");

    open.pop();
    loop {
        let mut wire = edge.connect().await;
        if wire.offer(GET.as_bytes()).await.is_ok() && wire.rest_or_answer().await.is_some() {
            break;
        }
    }
}

#[tokio::test]
async fn one_address_may_connect_so_often() {
    let edge = Edge::strict(allowing(|address| address.new_connections = 1), [("a", to(echo()))]).await;
    let mut answered = 0;
    for _ in 0..20 {
        let mut wire = edge.connect().await;
        let _ = wire.offer(GET.as_bytes()).await;
        answered += usize::from(wire.rest_or_answer().await.is_some());
    }
    assert!((4..20).contains(&answered), "{answered} of 20");
}

#[tokio::test]
async fn one_address_may_ask_one_route_so_often() {
    let other = Route { id: RouteId("other".into()), ..to(echo()) };
    let edge = Edge::strict(allowing(|address| address.requests = 1), [("a", to(echo())), ("b", other)]).await;
    let mut wire = edge.connect().await;
    let mut refused = None;
    for _ in 0..10 {
        wire.send(GET).await;
        let answer = wire.answer().await;
        if answer.status != 200 {
            refused = Some(answer);
        }
    }
    let refused = refused.expect("the burst is two");
    assert_eq!((refused.status, refused.code().as_str()), (429, "rate_limited"));
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(edge.ask("GET / HTTP/1.1\r\nHost: b\r\n\r\n").await.status, 200);
}

fn balanced() -> Options {
    let mut options = allowing(|address| address.connections = 1);
    options.proxy_protocol_from = vec!["127.0.0.0/8".parse().expect("a network")];
    options.timeouts.preamble = Duration::from_millis(200);
    options
}

#[tokio::test]
async fn a_load_balancer_says_whose_connection_it_is() {
    let edge = Edge::strict(balanced(), [("a", to(echo()))]).await;
    let mut open = Vec::new();
    for address in ["192.0.2.7", "192.0.2.8"] {
        let mut wire = edge.connect().await;
        wire.send(&format!("PROXY TCP4 {address} 192.0.2.1 4000 443\r\n{GET}")).await;
        let answer = wire.answer().await;
        assert_eq!(answer.seen("x-forwarded-for"), Some(address));
        assert_eq!(answer.seen("x-roost-client-ip"), Some(address));
        open.push(wire);
    }
    // The limit is that of the address which was named.
    let mut wire = edge.connect().await;
    let _ = wire.offer(format!("PROXY TCP4 192.0.2.7 192.0.2.1 4001 443\r\n{GET}").as_bytes()).await;
    assert_eq!(wire.rest().await, "");
    // The balancer itself looks whether anybody is there, as often as it likes.
    for _ in 0..2 {
        let mut wire = edge.connect().await;
        wire.send(&format!("PROXY UNKNOWN\r\n{GET}")).await;
        assert_eq!(wire.answer().await.seen("x-forwarded-for"), Some("127.0.0.1"));
        open.push(wire);
    }
}

#[tokio::test]
async fn a_load_balancer_that_says_nothing_is_not_heard() {
    let edge = Edge::strict(balanced(), [("a", to(nobody()))]).await;
    for start in ["", "PROXY TCP4 192.0.2.7", GET, "PROXY TCP4 nonsense 192.0.2.1 4000 443\r\n"] {
        let mut wire = edge.connect().await;
        let _ = wire.offer(start.as_bytes()).await;
        assert_eq!(wire.rest().await, "", "{start:?}");
    }
}

#[tokio::test]
async fn nobody_else_may_say_whose_connection_it_is() {
    let edge = Edge::with([("a", to(nobody()))]).await;
    let answer = edge.ask(&format!("PROXY TCP4 192.0.2.7 192.0.2.1 4000 443\r\n{GET}")).await;
    assert_eq!(answer.status, 400);
}

#[tokio::test]
async fn a_trusted_proxy_says_who_asks_and_how_they_came() {
    let trust_forwarded_from = vec!["127.0.0.0/8".parse().expect("a network")];
    let options = Options { trust_forwarded_from, ..Options::default() };
    let over_tls = Route { tls: Tls::Files, hsts: true, ..to(echo()) };
    let edge = Edge::start(options, [("a", over_tls)]).await;
    let forwarded = "X-Forwarded-For: 6.6.6.6, 192.0.2.7, 127.0.0.9\r\nX-Forwarded-Host: forged\r\n";
    let get = |proto: &str| format!("GET / HTTP/1.1\r\nHost: a\r\n{forwarded}X-Forwarded-Proto: {proto}\r\n\r\n");

    let answer = edge.ask(&get("https")).await;
    for (name, value) in [
        ("x-forwarded-for", "192.0.2.7"),
        ("x-real-ip", "192.0.2.7"),
        ("x-roost-client-ip", "192.0.2.7"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "a"),
    ] {
        assert_eq!(answer.seen(name), Some(value), "{name}");
    }
    assert_eq!(answer.header("strict-transport-security"), Some("max-age=31536000"));
    assert_eq!(edge.ask(&get("http")).await.status, 308);
}
