//! Two processes with one store, and processes that are killed.

use proxy::acme::Event;
use tokio::time::timeout;

use crate::kit::{Authority, Counts, MINUTE_MS, Memory, Mood, PATIENCE, Site, Time, Visitor, options};

#[tokio::test]
async fn two_processes_make_one_order_and_serve_the_same() {
    let time = Time::now();
    let authority = Authority::open(&time).await;
    let store = Memory::new();
    let mut sites = Vec::new();
    for store in [store.clone(), store.again()] {
        sites.push(Site::open(options(vec![authority.issuer("one")], &store), &time, &["a.example.com"]).await);
    }
    let visitor = Visitor::trusting(authority.root());
    let [one, other] = [sites[0].https(), sites[1].https()];
    let (one, other) = tokio::join!(visitor.visit(one, "a.example.com"), visitor.visit(other, "a.example.com"));
    assert_eq!(one.expect("a visit"), other.expect("a visit"));
    assert_eq!(authority.orders(), Counts::from([("a.example.com".into(), 1)]));
}

#[tokio::test]
async fn a_process_that_is_told_to_stop_leaves_its_order_to_the_next_at_once() {
    let time = Time::now();
    let authority = Authority::open(&time).await;
    authority.set(Mood::Slow);
    let store = Memory::new();
    let mut site = Site::open(options(vec![authority.issuer("one")], &store), &time, &["a.example.com"]).await;
    assert!(matches!(site.event().await, Event::Ordered { .. }));
    timeout(PATIENCE, site.edge.proxy.drain()).await.expect("it does not wait for the authority");
    assert!(!store.has_lease("a.example.com"));

    // The clock stands still: a lease that was not given back would not end.
    authority.set(Mood::Well);
    let site = Site::open(options(vec![authority.issuer("one")], &store.again()), &time, &["a.example.com"]).await;
    Visitor::trusting(authority.root()).visit(site.https(), "a.example.com").await.expect("a visit");
    // An order whose key went with the process is placed anew.
    assert!(authority.orders()["a.example.com"] <= 2);
}

/// Kills a process at every single call to the store, one after the other, and lets another take its place.
#[tokio::test]
async fn a_process_killed_anywhere_leaves_no_double_work() {
    let mut calls = 0;
    loop {
        let time = Time::now();
        let authority = Authority::open(&time).await;
        let doomed = Memory::new().doomed(calls);
        let mut site = Site::open(options(vec![authority.issuer("one")], &doomed), &time, &["a.example.com"]).await;
        let visitor = Visitor::trusting(authority.root());
        let survived = tokio::select! {
            issuer = site.issued("a.example.com") => !issuer.is_empty() && !doomed.is_dead(),
            () = death(&doomed) => false,
        };
        drop(site);
        if survived {
            break;
        }
        let was_stored = doomed.held("a.example.com").is_some();
        let before = authority.orders();
        // What was leased to the dead is free again.
        time.pass(2 * MINUTE_MS);
        let store = doomed.again();
        let site = Site::open(options(vec![authority.issuer("one")], &store), &time, &["a.example.com"]).await;
        visitor.visit(site.https(), "a.example.com").await.expect("a visit");
        let after = authority.orders();
        if was_stored {
            assert_eq!(before, after, "killed at call {calls}: ordered what was stored");
        }
        assert!(after["a.example.com"] <= 2, "killed at call {calls}: {after:?}");
        calls += 1;
    }
    assert!(calls > 10, "an order takes more than {calls} calls");
}

async fn death(store: &Memory) {
    while !store.is_dead() {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}
