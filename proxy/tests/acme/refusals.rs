//! Authorities that refuse, are not well, or ask to be left alone.

use std::time::Duration;

use proxy::acme::store::Held;
use proxy::acme::{Event, Reason};

use crate::kit::{Authority, Counts, DAY_MS, MINUTE_MS, Memory, Mood, Site, Tell, Time, Visitor, options};

/// For an authority that does not answer at all.
const SOON: Duration = Duration::from_millis(500);

#[tokio::test]
async fn a_failed_validation_is_told_in_the_authoritys_words_and_tried_ever_later() {
    for tell in [Tell::InTheOrder, Tell::InTheAuthorizationOnly] {
        let time = Time::now();
        let authority = Authority::open(&time).await;
        authority.set(Mood::Doubting("404 at the well-known place".into(), tell));
        let store = Memory::new();
        let acme = options(vec![authority.issuer("one"), authority.issuer("two")], &store);
        let mut site = Site::open(acme, &time, &["a.example.com"]).await;
        assert_eq!(site.failure().await, "404 at the well-known place");
        assert_eq!(store.tries_of("a.example.com").error.as_deref(), Some("404 at the well-known place"));
        assert_eq!(store.answers_left(), 0);

        let visitor = Visitor::trusting(authority.root());
        for _ in 0..100 {
            visitor.visit(site.https(), "a.example.com").await.expect_err("no certificate");
        }
        let orders = |authority: &Authority| authority.orders()["a.example.com"];
        assert_eq!(orders(&authority), 1, "the failure is the answer, and no second authority would know better");
        time.pass(2 * MINUTE_MS);
        site.failure().await;
        assert_eq!(orders(&authority), 2);
        time.pass(7 * MINUTE_MS);
        site.settle().await;
        assert_eq!(orders(&authority), 2, "the third attempt is not made within ten minutes");
        time.pass(6 * MINUTE_MS);
        site.failure().await;
        assert_eq!(orders(&authority), 3);

        authority.set(Mood::Well);
        site.handle.retry("a.example.com");
        site.issued("a.example.com").await;
        visitor.visit(site.https(), "a.example.com").await.expect("a visit");
    }
}

#[tokio::test]
async fn whoever_asks_again_and_again_is_not_heard_each_time() {
    let time = Time::now();
    let authority = Authority::open(&time).await;
    authority.set(Mood::Doubting("404".into(), Tell::InTheOrder));
    let mut site = Site::open(options(vec![authority.issuer("one")], &Memory::new()), &time, &["a.example.com"]).await;
    site.failure().await;
    site.handle.retry("a.example.com");
    site.failure().await;
    for _ in 0..20 {
        site.handle.retry("a.example.com");
    }
    site.settle().await;
    assert_eq!(authority.orders()["a.example.com"], 2);
    time.pass(13 * MINUTE_MS);
    site.failure().await;
    assert_eq!(authority.orders()["a.example.com"], 3);
}

#[tokio::test]
async fn an_authority_that_is_down_is_replaced_by_the_second() {
    for mood in [Mood::Broken, Mood::Silent] {
        let time = Time::now();
        let (first, second) = (Authority::open(&time).await, Authority::open(&time).await);
        first.set(mood);
        let mut acme = options(vec![first.issuer("first"), second.issuer("second")], &Memory::new());
        acme.times.request = SOON;
        let mut site = Site::open(acme, &time, &["a.example.com"]).await;
        for _ in 0..2 {
            let failed = site.event().await;
            assert!(matches!(failed, Event::Failed { reason: Reason::Unavailable, .. }), "{failed:?}");
            time.pass(2 * MINUTE_MS);
        }
        assert_eq!(site.issued("a.example.com").await, "second");
        Visitor::trusting(second.root()).visit(site.https(), "a.example.com").await.expect("a visit");

        // For a while, the first is not even asked.
        let asked = first.requests();
        site.edge.publish([("b.example.com", crate::kit::wanted("b.example.com", ""))]);
        assert_eq!(site.issued("b.example.com").await, "second");
        assert_eq!(first.requests(), asked);
    }
}

#[tokio::test]
async fn an_old_certificate_is_served_while_it_cannot_be_renewed() {
    let time = Time::now();
    let authority = Authority::open(&time).await;
    let store = Memory::new();
    let (chain_pem, key_pem) = authority.certify("a.example.com");
    let now = time.ms();
    store.put(Held {
        name: "a.example.com".into(),
        issuer: "one".into(),
        chain_pem,
        key_pem,
        obtained_ms: now - 80 * DAY_MS,
        expires_ms: now + 10 * DAY_MS,
        renew_ms: now - DAY_MS,
        ask_ms: 0,
    });
    authority.set(Mood::Silent);
    let mut acme = options(vec![authority.issuer("one")], &store);
    acme.times.request = SOON;
    let mut site = Site::open(acme, &time, &["a.example.com"]).await;
    let visitor = Visitor::trusting(authority.root());
    let old = visitor.visit(site.https(), "a.example.com").await.expect("served at once");
    site.failure().await;
    visitor.visit(site.https(), "a.example.com").await.expect("still served");
    let overview = site.handle.overview();
    assert_eq!((overview.valid, overview.due, overview.failing), (1, 1, 1));

    authority.set(Mood::Well);
    time.pass(2 * MINUTE_MS);
    site.issued("a.example.com").await;
    let new = visitor.visit(site.https(), "a.example.com").await.expect("served");
    assert_ne!(old, new);
}

#[tokio::test]
async fn an_authority_that_asks_to_be_left_alone_is() {
    let time = Time::now();
    let (first, second) = (Authority::open(&time).await, Authority::open(&time).await);
    first.set(Mood::Limiting("too many new orders (300) from this account".into(), 2 * 60 * 60));
    let acme = options(vec![first.issuer("first"), second.issuer("second")], &Memory::new());
    let mut site = Site::open(acme, &time, &["a.example.com"]).await;
    assert_eq!(site.issued("a.example.com").await, "second");
    let asked = first.requests();
    time.pass(119 * MINUTE_MS);
    site.edge.publish([("b.example.com", crate::kit::wanted("b.example.com", ""))]);
    // With less than an hour to wait, the name waits.
    site.failure().await;
    assert_eq!(first.requests(), asked, "not one request before the time");
    first.set(Mood::Well);
    time.pass(2 * MINUTE_MS);
    assert_eq!(site.issued("b.example.com").await, "first");
}

#[tokio::test]
async fn a_busy_authority_is_not_asked_before_it_said() {
    let time = Time::now();
    let authority = Authority::open(&time).await;
    authority.set(Mood::Busy(300));
    let acme = options(vec![authority.issuer("one")], &Memory::new());
    let mut site = Site::open(acme, &time, &["a.example.com"]).await;
    assert_eq!(site.failure().await, "the authority answered 503 Service Unavailable");
    let asked = authority.requests();
    time.pass(4 * MINUTE_MS);
    site.handle.retry("a.example.com");
    site.failure().await;
    assert_eq!(authority.requests(), asked);
    authority.set(Mood::Well);
    time.pass(2 * MINUTE_MS);
    site.issued("a.example.com").await;
}

#[tokio::test]
async fn an_order_at_an_authority_that_went_down_holds_nobody_up() {
    let time = Time::now();
    let (first, second) = (Authority::open(&time).await, Authority::open(&time).await);
    first.set(Mood::Rejecting("caa"));
    second.set(Mood::Slow);
    let store = Memory::new();
    let mut acme = options(vec![first.issuer("first"), second.issuer("second")], &store);
    acme.times.later_order = Duration::from_secs(2);
    let mut site = Site::open(acme, &time, &["a.example.com"]).await;
    site.failure().await;
    assert_eq!(store.tries_of("a.example.com").order.expect("an open order").0, "second");
    first.set(Mood::Well);
    second.set(Mood::Broken);
    for _ in 0..2 {
        time.pass(2 * MINUTE_MS);
        site.failure().await;
    }
    time.pass(2 * MINUTE_MS);
    assert_eq!(site.issued("a.example.com").await, "first");
}

#[tokio::test]
async fn a_limit_of_one_name_is_nobody_elses() {
    let time = Time::now();
    let authority = Authority::open(&time).await;
    let words = "too many certificates (50) already issued for \"a.example.com\"";
    authority.set(Mood::Limiting(words.into(), 600));
    let acme = options(vec![authority.issuer("one")], &Memory::new());
    let mut site = Site::open(acme, &time, &["a.example.com"]).await;
    assert_eq!(site.failure().await, words);
    authority.set(Mood::Well);
    site.edge.publish(["a.example.com", "b.example.com"].map(|name| (name, crate::kit::wanted(name, ""))));
    site.issued("b.example.com").await;
    assert_eq!(authority.orders(), Counts::from([("b.example.com".into(), 1)]));
    time.pass(11 * MINUTE_MS);
    site.issued("a.example.com").await;
}

#[tokio::test]
async fn a_name_the_first_authority_may_not_certify_goes_to_the_second() {
    let time = Time::now();
    let (first, second) = (Authority::open(&time).await, Authority::open(&time).await);
    first.set(Mood::Rejecting("caa"));
    let acme = options(vec![first.issuer("first"), second.issuer("second")], &Memory::new());
    let mut site = Site::open(acme, &time, &["a.example.com"]).await;
    assert_eq!(site.issued("a.example.com").await, "second");
}

#[tokio::test]
async fn an_order_that_takes_long_is_come_back_to() {
    let time = Time::now();
    let authority = Authority::open(&time).await;
    authority.set(Mood::Slow);
    let store = Memory::new();
    let mut acme = options(vec![authority.issuer("one")], &store);
    acme.times.order = Duration::from_secs(2);
    let mut site = Site::open(acme, &time, &["a.example.com"]).await;
    site.failure().await;
    assert!(store.tries_of("a.example.com").order.is_some());
    authority.finish().await;
    time.pass(2 * MINUTE_MS);
    site.issued("a.example.com").await;
    assert_eq!(authority.orders(), Counts::from([("a.example.com".into(), 1)]));
}

#[tokio::test]
async fn an_authority_that_does_not_know_our_account_any_more_gets_another() {
    let time = Time::now();
    let authority = Authority::open(&time).await;
    let store = Memory::new();
    let mut site = Site::open(options(vec![authority.issuer("one")], &store), &time, &["a.example.com"]).await;
    site.issued("a.example.com").await;
    authority.forget_accounts();
    let both = [("a.example.com".to_owned(), String::new()), ("b.example.com".to_owned(), String::new())];
    site.edge.table.send_replace(crate::kit::table(&both));
    assert_eq!(site.issued("b.example.com").await, "one");
}
