//! A small certificate authority: RFC 8555 as far as the order of things goes, with moods.
//!
//! It believes every challenge that is said to be ready, and every signature.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::routing::any;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use chrono::DateTime;
use http::{HeaderMap, Method, Response, StatusCode, Uri};
use proxy::acme::Issuer;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, PublicKeyData, SignatureAlgorithm};
use rustls::pki_types::CertificateDer;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use x509_parser::certification_request::X509CertificationRequest;
use x509_parser::prelude::FromDer;

use super::{Counts, DAY_MS, Time, issuer};
use crate::edge::loopback;

/// How an authority answers.
#[derive(Clone, Debug, PartialEq)]
pub enum Mood {
    /// As it should.
    Well,
    /// 500 to everything.
    Broken,
    /// 503 to everything, with `Retry-After` in seconds.
    Busy(u32),
    /// Not at all.
    Silent,
    /// 429 to new orders, with these words and `Retry-After` in seconds.
    Limiting(String, u32),
    /// Every challenge fails with these words; in the authorization alone, or in the order as well.
    Doubting(String, Tell),
    /// Orders are refused for this type of problem.
    Rejecting(&'static str),
    /// Orders stay in processing.
    Slow,
    /// Every certificate counts as replaced already.
    Replaced,
    /// It does not say that it heard which certificate is replaced.
    Deaf,
}

/// Where a failed order says so, besides in its authorization.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Tell {
    InTheOrder,
    InTheAuthorizationOnly,
}

pub struct Authority {
    base: String,
    root: CertificateDer<'static>,
    office: Arc<Office>,
}

struct Office {
    signer: CertifiedIssuer<'static, KeyPair>,
    time: Time,
    base: String,
    desk: Mutex<Desk>,
}

struct Desk {
    mood: Mood,
    /// How long certificates last.
    days: i64,
    /// What `renewalInfo` says; not listed if there is nothing.
    window: Option<(i64, i64)>,
    profiles: Vec<&'static str>,
    nonces: BTreeSet<String>,
    next_nonce: u64,
    accounts: usize,
    /// The first of them are not known any more.
    forgotten: usize,
    orders: Vec<Order>,
    requests: u64,
    most_open: usize,
}

#[derive(Clone, Debug)]
struct Order {
    name: String,
    replaces: Option<String>,
    profile: Option<String>,
    status: &'static str,
    error: Option<String>,
    chain: Option<String>,
    /// An authority takes its time: others get their turn while this order is open.
    polls: usize,
}

impl Authority {
    /// An authority that is well.
    pub async fn open(time: &Time) -> Authority {
        let listener = TcpListener::bind(loopback()).await.expect("a port");
        let base = format!("http://{}", listener.local_addr().expect("an address"));
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let signer = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a root");
        let root = signer.der().clone();
        let desk = Desk {
            mood: Mood::Well,
            days: 90,
            window: None,
            profiles: Vec::new(),
            nonces: BTreeSet::new(),
            next_nonce: 0,
            accounts: 0,
            forgotten: 0,
            orders: Vec::new(),
            requests: 0,
            most_open: 0,
        };
        let office = Arc::new(Office { signer, time: time.clone(), base: base.clone(), desk: Mutex::new(desk) });
        let router = Router::new().fallback(any(answer)).with_state(office.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Authority { base, root, office }
    }

    pub fn issuer(&self, name: &str) -> Issuer {
        issuer(name, format!("{}/directory", self.base))
    }

    pub fn root(&self) -> CertificateDer<'static> {
        self.root.clone()
    }

    pub fn set(&self, mood: Mood) {
        self.desk().mood = mood;
    }

    /// It has never heard of anybody.
    pub fn forget_accounts(&self) {
        let mut desk = self.desk();
        desk.forgotten = desk.accounts;
    }

    pub fn set_window(&self, start_ms: i64, end_ms: i64) {
        self.desk().window = Some((start_ms, end_ms));
    }

    pub fn set_profiles(&self, profiles: &[&'static str]) {
        self.desk().profiles = profiles.to_vec();
    }

    pub fn requests(&self) -> u64 {
        self.desk().requests
    }

    /// How many orders there were, by name.
    pub fn orders(&self) -> Counts {
        let mut counts = Counts::new();
        for order in &self.desk().orders {
            *counts.entry(order.name.clone()).or_default() += 1;
        }
        counts
    }

    /// What the last order said it replaces, and the profile it asked for.
    pub fn last_order(&self) -> (Option<String>, Option<String>) {
        let desk = self.desk();
        let order = desk.orders.last().expect("an order");
        (order.replaces.clone(), order.profile.clone())
    }

    /// The largest number of orders that were open at once.
    pub fn most_open(&self) -> usize {
        self.desk().most_open
    }

    /// Waits for an order that is in processing, and finishes it.
    pub async fn finish(&self) {
        loop {
            if let Some(order) = self.desk().orders.iter_mut().find(|order| order.status == "processing") {
                order.status = "valid";
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.office.desk.lock().expect("unpoisoned")
    }

    /// A certificate and its key as from this authority, valid from then on, without any order.
    pub fn certify(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().expect("a key");
        let chain = self.office.sign(name, &key, 90);
        (chain, key.serialize_pem())
    }
}

impl Office {
    fn sign(&self, name: &str, key: &impl PublicKeyData, days: i64) -> String {
        let end_ms = self.time.ms() + days * DAY_MS;
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("parameters");
        params.not_after = rcgen::date_time_ymd(1970, 1, 1) + Duration::from_millis(end_ms as u64);
        params.use_authority_key_identifier_extension = true;
        let leaf = params.signed_by(key, &self.signer).expect("a signature");
        format!("{}{}", leaf.pem(), self.signer.pem())
    }
}

/// What a request may be answered with.
type Answer = Result<(StatusCode, Option<String>, Value), (StatusCode, &'static str, String)>;

async fn answer(
    State(office): State<Arc<Office>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    let mood = {
        let mut desk = office.desk.lock().expect("unpoisoned");
        desk.requests += 1;
        desk.mood.clone()
    };
    match mood {
        Mood::Broken => return plain(StatusCode::INTERNAL_SERVER_ERROR, "out of order"),
        Mood::Busy(seconds) => {
            let mut response = plain(StatusCode::SERVICE_UNAVAILABLE, "<html>busy</html>");
            response.headers_mut().insert("retry-after", seconds.into());
            return response;
        }
        Mood::Silent => return std::future::pending().await,
        _ => {}
    }
    let mut desk = office.desk.lock().expect("unpoisoned");
    let path: Vec<&str> = uri.path().trim_matches('/').split('/').collect();
    let mut response = match (&method, &path[..]) {
        (&Method::GET, ["directory"]) => shown(Ok((StatusCode::OK, None, directory(&office, &desk)))),
        (&Method::GET, ["renewal", _]) => {
            let (start_ms, end_ms) = desk.window.expect("it is listed");
            let [start, end] = [start_ms, end_ms].map(|ms| DateTime::from_timestamp_millis(ms).expect("a date"));
            let window = json!({"suggestedWindow": {"start": start.to_rfc3339(), "end": end.to_rfc3339()}});
            let mut response = shown(Ok((StatusCode::OK, None, window)));
            response.headers_mut().insert("retry-after", "21600".parse().expect("a header"));
            response
        }
        (&Method::HEAD, ["nonce"]) => plain(StatusCode::OK, ""),
        (&Method::POST, path) => match request(&mut desk, &headers, &body) {
            Ok(payload) => match (path, &desk.mood) {
                (["certificate", number], _) => chain(&desk, number),
                (["order"], Mood::Limiting(words, seconds)) => {
                    let words = words.clone();
                    let seconds = seconds.to_string();
                    let mut response = shown(Err((StatusCode::TOO_MANY_REQUESTS, "rateLimited", words)));
                    response.headers_mut().insert("retry-after", seconds.parse().expect("a header"));
                    response
                }
                _ => shown(act(&office, &mut desk, path, &payload)),
            },
            Err(refused) => shown(Err(refused)),
        },
        _ => plain(StatusCode::NOT_FOUND, "not here"),
    };
    desk.next_nonce += 1;
    let nonce = format!("nonce{}", desk.next_nonce);
    response.headers_mut().insert("replay-nonce", nonce.parse().expect("a header"));
    desk.nonces.insert(nonce);
    response
}

fn directory(office: &Office, desk: &Desk) -> Value {
    let url = |path: &str| format!("{}/{path}", office.base);
    let profiles: serde_json::Map<String, Value> =
        desk.profiles.iter().map(|name| ((*name).to_owned(), json!("a profile"))).collect();
    let mut directory = json!({
        "newNonce": url("nonce"), "newAccount": url("account"), "newOrder": url("order"),
        "meta": {"profiles": profiles},
    });
    if desk.window.is_some() {
        directory["renewalInfo"] = json!(url("renewal"));
    }
    directory
}

/// Reads a signed request: content type and nonce as they must be, each nonce once.
fn request(desk: &mut Desk, headers: &HeaderMap, body: &[u8]) -> Result<Value, (StatusCode, &'static str, String)> {
    assert_eq!(headers["content-type"], "application/jose+json");
    let signed: Value = serde_json::from_slice(body).expect("JSON");
    let part = |name: &str| BASE64_URL_SAFE_NO_PAD.decode(signed[name].as_str().expect("text")).expect("base64url");
    let protected: Value = serde_json::from_slice(&part("protected")).expect("JSON");
    if !desk.nonces.remove(protected["nonce"].as_str().expect("a nonce")) {
        return Err((StatusCode::BAD_REQUEST, "badNonce", "never heard of that nonce".into()));
    }
    let account = protected["kid"].as_str().and_then(|kid| kid.rsplit('/').next()?.parse::<usize>().ok());
    if account.is_some_and(|account| account <= desk.forgotten) {
        return Err((StatusCode::BAD_REQUEST, "accountDoesNotExist", "never heard of you".into()));
    }
    Ok(serde_json::from_slice(&part("payload")).unwrap_or(Value::Null))
}

fn act(office: &Office, desk: &mut Desk, path: &[&str], payload: &Value) -> Answer {
    let number = path.get(1).and_then(|number| number.parse::<usize>().ok());
    let known = number.filter(|number| *number < desk.orders.len());
    match (path[0], known) {
        ("account", None) => {
            desk.accounts += 1;
            Ok((
                StatusCode::CREATED,
                Some(format!("{}/account/{}", office.base, desk.accounts)),
                json!({"status": "valid"}),
            ))
        }
        ("order", None) if path.len() == 1 => place(office, desk, payload),
        ("order", Some(number)) => {
            let order = &mut desk.orders[number];
            if order.status == "settling" {
                order.polls += 1;
                if order.polls > 1 {
                    order.status = "ready";
                }
            }
            Ok((StatusCode::OK, None, shape(office, &desk.orders[number], number)))
        }
        ("authorization", Some(number)) => {
            Ok((StatusCode::OK, None, authorization(office, &desk.orders[number], number)))
        }
        ("challenge", Some(number)) => {
            let doubt = if let Mood::Doubting(words, tell) = &desk.mood { Some((words.clone(), *tell)) } else { None };
            let order = &mut desk.orders[number];
            match doubt {
                Some((words, tell)) => {
                    order.status = if tell == Tell::InTheOrder { "refused" } else { "invalid" };
                    order.error = Some(words);
                }
                None => order.status = "settling",
            }
            let challenge = json!({"type": "http-01", "url": "", "token": "t", "status": "processing"});
            Ok((StatusCode::OK, None, challenge))
        }
        ("finalize", Some(number)) => finalize(office, desk, number, payload),
        _ => Err((StatusCode::NOT_FOUND, "malformed", "no such thing".into())),
    }
}

fn place(office: &Office, desk: &mut Desk, payload: &Value) -> Answer {
    if let Mood::Rejecting(kind) = desk.mood {
        return Err((StatusCode::FORBIDDEN, kind, format!("rejected for {kind}")));
    }
    let replaces = payload["replaces"].as_str().filter(|_| desk.mood != Mood::Deaf).map(str::to_owned);
    if replaces.is_some() && desk.mood == Mood::Replaced {
        return Err((StatusCode::CONFLICT, "alreadyReplaced", "it was replaced already".into()));
    }
    let name = payload["identifiers"][0]["value"].as_str().expect("a name").to_owned();
    let profile = payload["profile"].as_str().map(str::to_owned);
    desk.orders.push(Order { name, replaces, profile, status: "pending", error: None, chain: None, polls: 0 });
    let open = desk.orders.iter().filter(|order| matches!(order.status, "pending" | "settling" | "ready")).count();
    desk.most_open = desk.most_open.max(open);
    let number = desk.orders.len() - 1;
    let location = format!("{}/order/{number}", office.base);
    Ok((StatusCode::CREATED, Some(location), shape(office, &desk.orders[number], number)))
}

fn finalize(office: &Office, desk: &mut Desk, number: usize, payload: &Value) -> Answer {
    if desk.orders[number].status != "ready" {
        return Err((StatusCode::FORBIDDEN, "orderNotReady", "not yet".into()));
    }
    let request = BASE64_URL_SAFE_NO_PAD.decode(payload["csr"].as_str().expect("a request")).expect("base64url");
    let (_, request) = X509CertificationRequest::from_der(&request).expect("a signing request");
    let key = Key(request.certification_request_info.subject_pki.subject_public_key.data.to_vec());
    let days = desk.days;
    let is_slow = desk.mood == Mood::Slow;
    let order = &mut desk.orders[number];
    order.chain = Some(office.sign(&order.name, &key, days));
    order.status = if is_slow { "processing" } else { "valid" };
    Ok((StatusCode::OK, None, shape(office, order, number)))
}

/// The public key of a signing request, which is always of this kind here.
struct Key(Vec<u8>);

impl PublicKeyData for Key {
    fn der_bytes(&self) -> &[u8] {
        &self.0
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

fn shape(office: &Office, order: &Order, number: usize) -> Value {
    let url = |what: &str| format!("{}/{what}/{number}", office.base);
    let status = match order.status {
        "settling" => "pending",
        "refused" => "invalid",
        status => status,
    };
    let mut shape = json!({
        "status": status,
        "identifiers": [{"type": "dns", "value": order.name}],
        "authorizations": [url("authorization")],
        "finalize": url("finalize"),
    });
    if order.status == "valid" {
        shape["certificate"] = json!(url("certificate"));
    }
    if order.status == "refused" {
        shape["error"] =
            json!({"type": "urn:ietf:params:acme:error:unauthorized", "detail": "an authorization failed"});
    }
    if let Some(replaces) = &order.replaces {
        shape["replaces"] = json!(replaces);
    }
    shape
}

fn authorization(office: &Office, order: &Order, number: usize) -> Value {
    let status = match (order.status, &order.error) {
        (_, Some(_)) => "invalid",
        ("pending" | "settling", None) => "pending",
        _ => "valid",
    };
    let challenges = ["http-01", "tls-alpn-01", "dns-01"].map(|kind| {
        let url = format!("{}/challenge/{number}", office.base);
        let mut challenge = json!({"type": kind, "url": url, "token": format!("token-{number}"), "status": status});
        if let Some(words) = &order.error {
            challenge["error"] = json!({"type": "urn:ietf:params:acme:error:unauthorized", "detail": words});
        }
        challenge
    });
    let (name, wildcard) = match order.name.strip_prefix("*.") {
        Some(name) => (name, true),
        None => (&*order.name, false),
    };
    let identifier = json!({"type": "dns", "value": name});
    json!({"status": status, "identifier": identifier, "challenges": challenges, "wildcard": wildcard})
}

fn chain(desk: &Desk, number: &str) -> Response<Body> {
    let order = number.parse::<usize>().ok().and_then(|number| desk.orders.get(number));
    match order.and_then(|order| order.chain.clone()) {
        Some(chain) => plain(StatusCode::OK, &chain),
        None => plain(StatusCode::NOT_FOUND, "no such certificate"),
    }
}

fn shown(answer: Answer) -> Response<Body> {
    match answer {
        Ok((status, location, body)) => {
            let mut response = plain(status, &body.to_string());
            if let Some(location) = location {
                response.headers_mut().insert("location", location.parse().expect("a header"));
            }
            response
        }
        Err((status, kind, detail)) => {
            let kind = format!("urn:ietf:params:acme:error:{kind}");
            let problem = json!({"type": kind, "detail": detail, "status": status.as_u16()});
            plain(status, &problem.to_string())
        }
    }
}

fn plain(status: StatusCode, text: &str) -> Response<Body> {
    Response::builder().status(status).body(Body::from(text.to_owned())).expect("a response")
}
