//! A start with thousands of certificates.

use proxy::acme::store::Held;

use crate::kit::{Authority, DAY_MS, Memory, Site, Time, Visitor, options};

#[tokio::test]
async fn thousands_of_certificates_ask_nothing_of_anybody() {
    let time = Time::now();
    let authority = Authority::open(&time).await;
    let store = Memory::new();
    let now = time.ms();
    let names: Vec<String> = (0..5_000).map(|number| format!("a{number}.example.com")).collect();
    for name in &names {
        let (chain_pem, key_pem) = authority.certify(name);
        store.put(Held {
            name: name.clone(),
            issuer: "one".into(),
            chain_pem,
            key_pem,
            obtained_ms: now,
            expires_ms: now + 90 * DAY_MS,
            renew_ms: now + 60 * DAY_MS,
            ask_ms: now + DAY_MS,
        });
    }
    let routes: Vec<&str> = names.iter().map(String::as_str).collect();
    let begun = std::time::Instant::now();
    let site = Site::open(options(vec![authority.issuer("one")], &store), &time, &routes).await;
    let visitor = Visitor::trusting(authority.root());
    visitor.visit(site.https(), "a4999.example.com").await.expect("a visit");
    println!("5,000 certificates: first answer after {:?}", begun.elapsed());
    site.settle().await;
    assert_eq!(site.handle.overview().valid, 5_000);
    assert_eq!(authority.requests(), 0);
}
