//! Certificates are renewed when their authority likes, else in time, and forgotten when nobody wants them.

use std::time::Duration;

use proxy::acme::store::Held;

use crate::kit::{Authority, DAY_MS, MINUTE_MS, Memory, Mood, Site, Time, Visitor, options};

const HOUR_MS: i64 = 60 * MINUTE_MS;

#[tokio::test]
async fn with_a_third_of_its_life_left() {
    let time = Time::now();
    let authority = Authority::open(&time).await;
    let mut site = Site::open(options(vec![authority.issuer("one")], &Memory::new()), &time, &["a.example.com"]).await;
    site.issued("a.example.com").await;
    time.pass(59 * DAY_MS);
    site.settle().await;
    assert_eq!(authority.orders()["a.example.com"], 1);
    time.pass(2 * DAY_MS);
    site.issued("a.example.com").await;
    assert_eq!(authority.orders()["a.example.com"], 2);
    assert_eq!(authority.last_order().0, None, "this authority takes no such hint");
}

#[tokio::test]
async fn when_the_authority_likes() {
    let time = Time::now();
    let authority = Authority::open(&time).await;
    let (start_ms, end_ms) = (time.ms() + 20 * DAY_MS, time.ms() + 22 * DAY_MS);
    authority.set_window(start_ms, end_ms);
    let store = Memory::new();
    let mut site = Site::open(options(vec![authority.issuer("one")], &store), &time, &["a.example.com"]).await;
    site.issued("a.example.com").await;
    let visitor = Visitor::trusting(authority.root());
    let old = visitor.visit(site.https(), "a.example.com").await.expect("a visit");
    site.settle().await;
    let held = store.held("a.example.com").expect("held");
    assert!((start_ms..=end_ms).contains(&held.renew_ms));

    // Revocation reaches us by a window in the past.
    authority.set_window(time.ms() - DAY_MS, time.ms() - HOUR_MS);
    time.pass(6 * HOUR_MS + MINUTE_MS);
    site.issued("a.example.com").await;
    let new = visitor.visit(site.https(), "a.example.com").await.expect("a visit");
    assert_ne!(old, new);
    assert!(authority.last_order().0.is_some(), "the order says what it replaces");
    assert_eq!(authority.orders()["a.example.com"], 2);
}

#[tokio::test]
async fn though_the_old_one_counts_as_replaced() {
    let time = Time::now();
    let authority = Authority::open(&time).await;
    authority.set_window(time.ms() + 20 * DAY_MS, time.ms() + 22 * DAY_MS);
    let mut site = Site::open(options(vec![authority.issuer("one")], &Memory::new()), &time, &["a.example.com"]).await;
    site.issued("a.example.com").await;
    authority.set(Mood::Replaced);
    time.pass(23 * DAY_MS);
    site.issued("a.example.com").await;
    assert_eq!(authority.last_order().0, None);
    assert_eq!(authority.orders()["a.example.com"], 2);
}

#[tokio::test]
async fn what_nobody_wants_ends_and_is_forgotten() {
    let time = Time::now();
    let authority = Authority::open(&time).await;
    let store = Memory::new();
    let (chain_pem, key_pem) = authority.certify("a.example.com");
    let (obtained_ms, expires_ms) = (time.ms(), time.ms() + 90 * DAY_MS);
    let (issuer, name) = ("one".to_owned(), "a.example.com".to_owned());
    let renew_ms = time.ms() + 60 * DAY_MS;
    store.put(Held { name, issuer, chain_pem, key_pem, obtained_ms, expires_ms, renew_ms, ask_ms: 0 });
    let mut acme = options(vec![authority.issuer("one")], &store);
    acme.times.reread = Duration::from_millis(20);
    let site = Site::open(acme, &time, &["b.example.com"]).await;
    time.pass(70 * DAY_MS);
    site.settle().await;
    assert!(store.held("a.example.com").is_some(), "it may be wanted again");
    time.pass(30 * DAY_MS);
    while store.held("a.example.com").is_some() {
        site.settle().await;
    }
    assert!(!authority.orders().contains_key("a.example.com"));
}
