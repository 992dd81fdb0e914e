//! Handshakes for names that have no certificate yet, and for names that never will.

use std::sync::Arc;

use proxy::acme::{AcmeOptions, Budget};
use tokio::task::JoinSet;

use crate::kit::{Authority, Counts, Memory, Mood, PATIENCE, Site, Time, Visitor, options, table};

#[tokio::test]
async fn the_first_visit_waits_and_the_second_does_not() {
    let time = Time::now();
    let authority = Authority::open(&time).await;
    authority.set_profiles(&["tlsserver"]);
    let mut issuer = authority.issuer("one");
    issuer.profile = Some("tlsserver".into());
    let store = Memory::new();
    let site = Site::open(options(vec![issuer], &store), &time, &["a.example.com"]).await;
    let visitor = Visitor::trusting(authority.root());
    let first = visitor.visit(site.https(), "a.example.com").await.expect("a visit");
    let second = visitor.visit(site.https(), "a.example.com").await.expect("a visit");
    assert_eq!(first, second);
    assert_eq!(authority.last_order(), (None, Some("tlsserver".into())));
    let overview = site.handle.overview();
    assert_eq!((overview.valid, overview.missing), (1, 0));
}

#[tokio::test]
async fn a_crowd_at_one_new_name_makes_one_order() {
    let time = Time::now();
    let authority = Authority::open(&time).await;
    let site = Site::open(options(vec![authority.issuer("one")], &Memory::new()), &time, &["a.example.com"]).await;
    let (visitor, https) = (Visitor::trusting(authority.root()), site.https());
    let mut crowd = JoinSet::new();
    for _ in 0..200 {
        let visitor = visitor.clone();
        crowd.spawn(async move { visitor.visit(https, "a.example.com").await });
    }
    let visits = crowd.join_all().await;
    assert!(visits.iter().all(Result::is_ok), "everybody is answered");
    assert_eq!(authority.orders(), Counts::from([("a.example.com".into(), 1)]));
}

#[tokio::test]
async fn a_crowd_at_many_new_names_never_opens_more_than_five_orders() {
    let time = Time::now();
    let authority = Authority::open(&time).await;
    let names: Vec<String> = (0..50).map(|number| format!("a{number}.example.com")).collect();
    let routes: Vec<&str> = names.iter().map(String::as_str).collect();
    let site = Site::open(options(vec![authority.issuer("one")], &Memory::new()), &time, &routes).await;
    let (visitor, https) = (Visitor::trusting(authority.root()), site.https());
    let mut crowd = JoinSet::new();
    for name in names {
        let visitor = visitor.clone();
        crowd.spawn(async move { visitor.visit(https, &name).await });
    }
    let visits = crowd.join_all().await;
    assert!(visits.iter().all(Result::is_ok), "everybody is answered");
    assert_eq!(authority.orders().len(), 50);
    assert!(authority.orders().values().all(|count| *count == 1));
    assert!(authority.most_open() <= 5, "{} orders were open at once", authority.most_open());
}

#[tokio::test]
async fn names_without_a_route_cause_nothing_at_all() {
    let time = Time::now();
    let authority = Authority::open(&time).await;
    let store = Memory::new();
    let mut acme = options(vec![authority.issuer("one")], &store);
    acme.times.reread = PATIENCE;
    let mut site = Site::open(acme, &time, &["*.example.com"]).await;
    site.issued("*.example.com").await;
    site.settle().await;
    let (orders, calls) = (authority.requests(), store.calls());

    let visitor = Visitor::trusting(authority.root());
    let question = Visitor::speaking(authority.root(), &["acme-tls/1"]);
    for number in 0..500 {
        for name in [format!("x{number}.y.example.com"), format!("x{number}.example.net")] {
            let refused = visitor.hello(site.https(), &name).await.expect_err("no certificate");
            assert!(refused.to_string().contains("alert"), "{refused}");
            question.hello(site.https(), &name).await.expect_err("no certificate");
        }
    }
    assert_eq!((authority.requests(), store.calls()), (orders, calls));
}

#[tokio::test]
async fn who_speaks_anything_else_besides_is_a_visitor_and_no_authority() {
    let time = Time::now();
    let authority = Authority::open(&time).await;
    let acme = options(vec![authority.issuer("one")], &Memory::new());
    let site = Site::open(acme, &time, &["a.example.com"]).await;
    let both = Visitor::speaking(authority.root(), &["acme-tls/1", "http/1.1"]);
    both.visit(site.https(), "a.example.com").await.expect("a visit");
    let question = Visitor::speaking(authority.root(), &["acme-tls/1"]);
    question.hello(site.https(), "a.example.com").await.expect_err("nothing is asked at the moment");
}

#[tokio::test]
async fn handshakes_that_wait_are_bounded() {
    let time = Time::now();
    let authority = Authority::open(&time).await;
    authority.set(Mood::Slow);
    let acme = options(vec![authority.issuer("one")], &Memory::new());
    let acme = AcmeOptions { budget: Budget { waiters: 3, ..Budget::default() }, ..acme };
    let site = Site::open(acme, &time, &["a.example.com"]).await;
    let (visitor, https) = (Visitor::trusting(authority.root()), site.https());
    let mut crowd = JoinSet::new();
    for _ in 0..10 {
        let visitor = visitor.clone();
        crowd.spawn(async move { visitor.visit(https, "a.example.com").await.is_ok() });
    }
    for _ in 0..7 {
        assert_eq!(crowd.join_next().await.expect("a visit").ok(), Some(false), "there is no place to wait");
    }
    authority.finish().await;
    assert_eq!(crowd.join_all().await, [true; 3]);
}

#[tokio::test]
async fn one_owner_cannot_order_for_everybody() {
    let time = Time::now();
    let authority = Authority::open(&time).await;
    let acme = options(vec![authority.issuer("one")], &Memory::new());
    let budget = Budget { names_per_owner: 2, new_names: 4, ..Budget::default() };
    let mut site = Site::open(AcmeOptions { budget, ..acme }, &time, &[]).await;
    let owned = |owner: &str, count: usize| {
        let owner = owner.to_owned();
        (0..count).map(move |number| (format!("a{number}.{owner}.example.com"), owner.clone()))
    };
    let wanted: Vec<_> = owned("greedy", 5).chain(owned("modest", 1)).collect();
    site.edge.table.send_replace(table(&wanted));
    site.issued("a0.modest.example.com").await;
    site.settle().await;
    let greedy = |authority: &Authority| authority.orders().keys().filter(|name| name.contains("greedy")).count();
    assert_eq!(greedy(&authority), 2);
    assert_eq!(site.handle.overview().budget_left, 1);

    let wanted: Vec<_> = wanted.into_iter().chain(owned("late", 1)).chain(owned("later", 1)).collect();
    site.edge.table.send_replace(table(&wanted));
    site.issued("a0.late.example.com").await;
    site.settle().await;
    let overview = site.handle.overview();
    assert_eq!((overview.budget_left, overview.missing), (0, 4));
    assert_eq!(&*overview.queue.iter().map(AsRef::as_ref).collect::<Vec<&str>>(), ["a0.later.example.com"]);

    time.pass(24 * 60 * 60 * 1000 + 1);
    site.issued("a0.later.example.com").await;
    site.settle().await;
    assert_eq!(greedy(&authority), 4);
}

#[tokio::test]
async fn a_certificate_in_a_file_needs_no_order() {
    let time = Time::now();
    let authority = Authority::open(&time).await;
    let files = tempfile::tempdir().expect("a directory");
    let (chain, key) = authority.certify("a.example.com");
    let files = [("chain", chain), ("key", key)].map(|(name, pem)| {
        let path = files.path().join(name);
        std::fs::write(&path, pem).expect("write");
        path
    });
    let [chain, key] = files;
    let certificates =
        proxy::certificates::Certificates::from_files(vec![proxy::certificates::CertificateFiles { chain, key }])
            .expect("certificates");
    let options_of_proxy = proxy::Options { certificates, ..proxy::Options::default() };
    let acme = options(vec![authority.issuer("one")], &Memory::new());
    let site = Site::with(options_of_proxy, acme, &time, &["a.example.com"]).await;
    site.settle().await;
    Visitor::trusting(authority.root()).visit(site.https(), "a.example.com").await.expect("a visit");
    assert_eq!(authority.requests(), 0);
}

/// A precheck that knows one bad name.
struct Picky;

impl proxy::acme::Precheck for Picky {
    fn check<'a>(&'a self, name: &'a str) -> futures_util::future::BoxFuture<'a, Result<(), String>> {
        let is_bad = name.starts_with("bad");
        Box::pin(async move { if is_bad { Err("it points elsewhere".into()) } else { Ok(()) } })
    }
}

#[tokio::test]
async fn what_cannot_succeed_is_not_ordered() {
    let time = Time::now();
    let authority = Authority::open(&time).await;
    let acme = options(vec![authority.issuer("one")], &Memory::new());
    let acme = AcmeOptions { precheck: Arc::new(Picky), ..acme };
    let mut site = Site::open(acme, &time, &["bad.example.com"]).await;
    assert_eq!(site.failure().await, "it points elsewhere");
    assert_eq!(authority.requests(), 0);
    let refused = Visitor::trusting(authority.root()).visit(site.https(), "bad.example.com").await;
    refused.expect_err("nobody waits for it");
}
