//! Let's Encrypt's own test authority, as Debian packages it, with its DNS.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use proxy::acme::{ExternalAccount, Issuer};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::issuer;

/// The key of the one external account it knows.
const EXTERNAL_KEY: &str = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W";

/// A running Pebble; it ends with the test.
pub struct Pebble {
    directory: TempDir,
    acme: u16,
    management: u16,
    dns: u16,
    /// Whom to ask instead of its own DNS.
    resolver: Option<SocketAddr>,
    dns_management: u16,
    root_pem: String,
    running: Vec<Child>,
}

impl Pebble {
    /// Prepares one, or says loudly that there is none. In CI there must be one.
    pub fn prepare() -> Option<Pebble> {
        let found = ["PEBBLE", "CHALLTESTSRV"].into_iter().all(|part| program(part).is_some());
        if !found {
            assert!(std::env::var_os("CI").is_none(), "pebble is not installed");
            eprintln!("SKIPPED: pebble and pebble-challtestsrv are not installed (apt-get install pebble)");
            return None;
        }
        let mut ca = CertificateParams::new(Vec::new()).expect("parameters");
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate().expect("a key")).expect("a root");
        let key = KeyPair::generate().expect("a key");
        let names = vec!["localhost".to_owned()];
        let leaf = CertificateParams::new(names).and_then(|params| params.signed_by(&key, &ca)).expect("a leaf");
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("server.pem"), leaf.pem()).expect("write");
        fs::write(directory.path().join("server.key"), key.serialize_pem()).expect("write");
        let [acme, management, dns, dns_management] = free_ports();
        let running = Vec::new();
        Some(Pebble { directory, acme, management, dns, resolver: None, dns_management, root_pem: ca.pem(), running })
    }

    /// Has it ask this server by DNS.
    pub fn ask(&mut self, resolver: SocketAddr) {
        self.resolver = Some(resolver);
    }

    /// Starts it; it looks for answers on these ports of this machine, whatever the name.
    pub async fn start(&mut self, http: SocketAddr, tls: SocketAddr, external: bool) {
        let directory = self.directory.path().to_owned();
        let path = |name: &str| directory.join(name).to_str().expect("text").to_owned();
        let config = json!({"pebble": {
            "listenAddress": format!("127.0.0.1:{}", self.acme),
            "managementListenAddress": format!("127.0.0.1:{}", self.management),
            "certificate": path("server.pem"), "privateKey": path("server.key"),
            "httpPort": http.port(), "tlsPort": tls.port(), "ocspResponderURL": "",
            "externalAccountBindingRequired": external,
            "externalAccountMACKeys": {"kid-1": EXTERNAL_KEY},
            "retryAfter": {"authz": 1, "order": 1},
            "profiles": {"default": {"description": "d", "validityPeriod": 7_776_000}},
        }});
        fs::write(path("pebble.json"), config.to_string()).expect("write");
        let dns = format!("127.0.0.1:{}", self.dns);
        let dns_management = format!("127.0.0.1:{}", self.dns_management);
        self.run(
            "CHALLTESTSRV",
            &[
                "-management",
                &dns_management,
                "-dns01",
                &dns,
                "-http01",
                "",
                "-https01",
                "",
                "-tlsalpn01",
                "",
                "-defaultIPv4",
                "127.0.0.1",
                "-defaultIPv6",
                "",
            ],
        );
        let resolver = self.resolver.map_or(dns, |resolver| resolver.to_string());
        self.run("PEBBLE", &["-config", &path("pebble.json"), "-dnsserver", &resolver, "-strict"]);
        for port in [self.acme, self.management, self.dns_management] {
            while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                sleep(Duration::from_millis(20)).await;
            }
        }
    }

    fn run(&mut self, part: &str, arguments: &[&str]) {
        let program = program(part).expect("it was found before");
        let log = fs::File::create(self.directory.path().join(part)).expect("a log");
        let child = Command::new(program)
            .args(arguments)
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_AUTHZREUSE", "0")
            .stdout(log.try_clone().expect("the same log"))
            .stderr(log)
            .stdin(Stdio::null())
            .spawn();
        self.running.push(child.expect("it starts"));
    }

    pub fn issuer(&self) -> Issuer {
        let directory = format!("https://localhost:{}/dir", self.acme);
        Issuer { root_pem: Some(self.root_pem.clone()), ..issuer("pebble", directory) }
    }

    pub fn external_account(&self) -> ExternalAccount {
        ExternalAccount { key_id: "kid-1".into(), key: EXTERNAL_KEY.into() }
    }

    /// The root its certificates lead to.
    pub async fn root(&self) -> CertificateDer<'static> {
        let trusted = reqwest::Certificate::from_pem(self.root_pem.as_bytes()).expect("a root");
        let client = reqwest::Client::builder().tls_certs_only([trusted]).build().expect("a client");
        let address = format!("https://localhost:{}/roots/0", self.management);
        let pem = client.get(address).send().await.expect("an answer").text().await.expect("text");
        CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate")
    }

    /// Puts a TXT record into its DNS.
    pub fn set_txt(&self) -> impl Fn(String, String) -> futures_util::future::BoxFuture<'static, ()> + use<> {
        let address = format!("http://127.0.0.1:{}/set-txt", self.dns_management);
        move |name, value| {
            let body = json!({"host": format!("_acme-challenge.{name}."), "value": value}).to_string();
            let sent = reqwest::Client::new().post(&address).body(body).send();
            Box::pin(async { drop(sent.await.expect("an answer").error_for_status().expect("taken")) })
        }
    }

    /// What it logged so far, to be shown when a test fails.
    pub fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("PEBBLE")).unwrap_or_default()
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A program by its variable, else by its Debian name on the path.
fn program(part: &str) -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(part) {
        return Some(named.into());
    }
    let name = if part == "PEBBLE" { "pebble" } else { "pebble-challtestsrv" };
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|program| program.is_file())
}

/// Ports nobody listens on, all different.
fn free_ports<const N: usize>() -> [u16; N] {
    let listeners = [(); N].map(|()| TcpListener::bind("127.0.0.1:0").expect("a port"));
    listeners.map(|listener| listener.local_addr().expect("an address").port())
}
