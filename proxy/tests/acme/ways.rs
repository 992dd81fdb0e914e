//! Every way to show that a name is ours, at a real authority.

use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use proxy::Options;
use proxy::acme::AcmeOptions;
use proxy::acme::dns::Dns;
use proxy::acme::store::{ChallengeKind, Tries};

use crate::edge::loopback;
use crate::kit::{Memory, Pebble, Site, Time, Visitor, options, table};

/// Which kinds of answers were put down.
type Kinds = Arc<Mutex<Vec<ChallengeKind>>>;

/// A store that tells the authority's DNS what is put down, as our own responder would.
fn store_with_dns(pebble: &Pebble) -> (Arc<Memory>, Kinds) {
    let kinds = Kinds::default();
    let (seen, set_txt) = (kinds.clone(), pebble.set_txt());
    let store = Memory::telling(move |answer| -> BoxFuture<'static, ()> {
        seen.lock().expect("unpoisoned").push(answer.kind);
        match answer.kind {
            ChallengeKind::Dns01 => set_txt(answer.name, answer.value),
            ChallengeKind::Http01 | ChallengeKind::TlsAlpn01 => Box::pin(std::future::ready(())),
        }
    });
    (store, kinds)
}

/// Gets one name a certificate at an authority that may insist on knowing us, visits it, and says how it was proven.
async fn certify(wanted: &str, visited: &str, failures: u32, knows_us: bool) -> Vec<ChallengeKind> {
    let Some(mut pebble) = Pebble::prepare() else { return Vec::new() };
    let (store, kinds) = store_with_dns(&pebble);
    store.put_tries(Tries { name: wanted.into(), failures, ..Tries::default() });
    let mut issuer = pebble.issuer();
    issuer.external_account = knows_us.then(|| pebble.external_account());
    let acme = AcmeOptions { contact: "someone@example.org".into(), ..options(vec![issuer], &store) };
    let time = Time::now();
    let mut site = Site::open(acme, &time, &[]).await;
    pebble.start(site.http(), site.https(), knows_us).await;
    site.edge.table.send_replace(table(&[(wanted.into(), String::new())]));

    assert_eq!(site.issued(wanted).await, "pebble", "{}", pebble.log());
    let visitor = Visitor::trusting(pebble.root().await);
    visitor.visit(site.https(), visited).await.expect("a visit");
    assert_eq!(store.answers_left(), 0, "answers are taken away");
    assert!(!store.has_lease(wanted), "the lease is given back");
    let held = store.held(wanted).expect("stored");
    assert!(time.ms() < held.renew_ms && held.renew_ms < held.expires_ms);
    kinds.lock().expect("unpoisoned").clone()
}

/// Nothing is seen where Pebble is missing.
fn proven_by(kind: ChallengeKind, seen: &[ChallengeKind]) {
    assert!(seen.iter().all(|seen| *seen == kind), "{seen:?}");
}

#[tokio::test]
async fn over_http() {
    proven_by(ChallengeKind::Http01, &certify("a.example.com", "a.example.com", 0, false).await);
}

#[tokio::test]
async fn in_the_handshake_where_http_has_failed() {
    proven_by(ChallengeKind::TlsAlpn01, &certify("a.example.com", "a.example.com", 1, false).await);
}

#[tokio::test]
async fn a_wildcard_by_dns() {
    proven_by(ChallengeKind::Dns01, &certify("*.apps.example.com", "shop.apps.example.com", 0, false).await);
}

/// The authority asks our own responder, and nobody else tells it anything.
#[tokio::test]
async fn a_wildcard_by_our_own_dns() {
    let Some(mut pebble) = Pebble::prepare() else { return };
    let (name, store, time) = ("*.apps.example.com", Memory::new(), Time::now());
    let acme = options(vec![pebble.issuer()], &store);
    let dns = Dns { listen: vec![loopback()], domain: "apps.example.com".parse().expect("a host") };
    let mut site = Site::with(Options { dns: Some(dns), ..Options::default() }, acme, &time, &[]).await;
    pebble.ask(site.edge.proxy.addresses().dns[0]);
    pebble.start(site.http(), site.https(), false).await;
    site.edge.table.send_replace(table(&[(name.into(), String::new())]));

    assert_eq!(site.issued(name).await, "pebble", "{}", pebble.log());
    let visitor = Visitor::trusting(pebble.root().await);
    visitor.visit(site.https(), "shop.apps.example.com").await.expect("a visit");
}

#[tokio::test]
async fn with_an_external_account() {
    proven_by(ChallengeKind::Http01, &certify("a.example.com", "a.example.com", 0, true).await);
}

/// While a new binary takes over, the authority may ask either process.
#[tokio::test]
async fn an_answer_put_down_by_another_process() {
    for failures in [0, 1] {
        let Some(mut pebble) = Pebble::prepare() else { return };
        let store = Memory::new();
        store.put_tries(Tries { name: "a.example.com".into(), failures, ..Tries::default() });
        let time = Time::now();
        let mut orders = Site::open(options(vec![pebble.issuer()], &store), &time, &[]).await;
        let mut answers = Site::open(options(vec![], &store.again()), &time, &[]).await;
        pebble.start(answers.http(), answers.https(), false).await;
        let wanted = table(&[("a.example.com".into(), String::new())]);
        orders.edge.table.send_replace(wanted.clone());
        answers.edge.table.send_replace(wanted);

        assert_eq!(orders.issued("a.example.com").await, "pebble", "{}", pebble.log());
        drop(answers.unseen());
    }
}
