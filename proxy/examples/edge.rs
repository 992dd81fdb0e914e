//! A proxy on its own, for the checks under `tests/edge`: every name under `example.test` leads to one upstream, either
//! the address given or a service in this process that answers `hello`.
//!
//! ```text
//! edge [--upstream HOST:PORT | --unix PATH] [--http ADDRESS] [--https ADDRESS --chain FILE --key FILE] [--no-limits]
//!      [--concurrent REQUESTS] [--body BYTES]
//! ```
//!
//! Prints what it listens on, `http ADDRESS` and `https ADDRESS`, a line each, and serves until it is interrupted.

use std::sync::Arc;

use axum::body::Body;
use http::{HeaderMap, Response};
use proxy::certificates::{CertificateFiles, Certificates};
use proxy::routes::{Limits, Route, RouteId, RouteTable, State, Tls};
use proxy::upstream::{self, Address};
use proxy::{HttpService, Options, PerAddress, Proxy};
use tokio::sync::watch;

/// The names served: any host one label below, or this one.
const NAMES: [&str; 2] = ["example.test", "*.example.test"];

type Failed = Box<dyn std::error::Error>;

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let Asked { options, upstream, limits } = Asked::read()?;
    let upstream = upstream.map_or_else(hello, upstream::at);
    let routes = NAMES.map(|name| (name.parse().expect("a pattern"), route(upstream.clone(), limits.clone())));
    let (_table, table) = watch::channel(Arc::new(RouteTable::new(1, routes)));

    let proxy = Proxy::bind(options, table).await?;
    for address in &proxy.addresses().http {
        println!("http {address}");
    }
    for address in &proxy.addresses().https {
        println!("https {address}");
    }
    tokio::signal::ctrl_c().await?;
    proxy.drain().await;
    Ok(())
}

/// What the command line asks for.
struct Asked {
    options: Options,
    upstream: Option<Address>,
    limits: Limits,
}

impl Asked {
    fn read() -> Result<Asked, Failed> {
        let mut asked = Asked { options: Options::default(), upstream: None, limits: Limits::default() };
        let (mut chain, mut key) = Default::default();
        let mut words = std::env::args().skip(1);
        while let Some(flag) = words.next() {
            let mut value = || words.next().ok_or(format!("{flag} needs a value"));
            match flag.as_str() {
                "--upstream" => asked.upstream = Some(Address::Tcp(value()?.parse()?)),
                "--unix" => asked.upstream = Some(Address::Unix(value()?.into())),
                "--concurrent" => asked.limits.concurrent_requests = value()?.parse()?,
                "--body" => asked.limits.body_bytes = value()?.parse()?,
                "--http" => asked.options.http.push(value()?.parse()?),
                "--https" => asked.options.https.push(value()?.parse()?),
                "--chain" => chain = value()?.into(),
                "--key" => key = value()?.into(),
                "--no-limits" => asked.options.per_address = PerAddress::unlimited(),
                _ => return Err(format!("what is {flag}?").into()),
            }
        }
        if !asked.options.https.is_empty() {
            asked.options.certificates = Certificates::from_files(vec![CertificateFiles { chain, key }])?;
        }
        Ok(asked)
    }
}

fn hello() -> HttpService {
    HttpService::new(tower::service_fn(|_| async { Ok(Response::new(Body::from("hello"))) }))
}

fn route(upstream: HttpService, limits: Limits) -> Route {
    Route {
        id: RouteId("example".to_owned()),
        upstream,
        stamp: HeaderMap::new(),
        limits,
        state: State::Serving,
        // The plain port is served, too, so that HTTP/1 can be sent without anything around it.
        tls: Tls::None,
        hsts: false,
        meter: Arc::default(),
    }
}
