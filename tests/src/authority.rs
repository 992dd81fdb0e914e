//! A certificate authority for tests, with DNS that says what it is told: Let's Encrypt's own, as Debian packages them.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use crate::{Http, Port, eventually};

/// A running authority. Dropping it ends it.
pub struct Authority {
    dir: TempDir,
    ports: Ports,
    _reserved: [Port; 5],
    running: Vec<Child>,
    http: Http,
}

#[derive(Clone, Copy)]
struct Ports {
    acme: u16,
    management: u16,
    dns: u16,
    dns_management: u16,
    /// Where it asks for answers, whatever the name.
    answers: u16,
}

impl Authority {
    /// Starts one that knows no names, or says loudly that there is none to be had. In CI there must be one.
    pub async fn start() -> Option<Authority> {
        let Some((pebble, dns)) = program("PEBBLE", "pebble").zip(program("CHALLTESTSRV", "pebble-challtestsrv"))
        else {
            assert!(std::env::var_os("CI").is_none(), "pebble is not installed");
            eprintln!("SKIPPED: pebble and pebble-challtestsrv are not installed (apt-get install pebble)");
            return None;
        };
        let dir = tempfile::tempdir().expect("a directory");
        let reserved = [(); 5].map(|()| Port::reserve());
        let [acme, management, dns_port, dns_management, answers] = reserved.each_ref().map(Port::number);
        let ports = Ports { acme, management, dns: dns_port, dns_management, answers };
        let root = write_certificate(&dir);
        let mut authority =
            Authority { http: Http::trusting(&root), dir, ports, _reserved: reserved, running: Vec::new() };
        let dns_address = format!("127.0.0.1:{dns_port}");
        let management = format!("127.0.0.1:{dns_management}");
        authority.run(Command::new(dns).args([
            "-management",
            &management,
            "-dns01",
            &dns_address,
            "-defaultIPv4",
            "",
            "-defaultIPv6",
            "",
            "-http01",
            "",
            "-https01",
            "",
            "-tlsalpn01",
            "",
        ]));
        let config = authority.write_config();
        authority.run(Command::new(pebble).arg("-config").arg(config).args(["-strict", "-dnsserver", &dns_address]));
        for port in [acme, ports.management, dns_management] {
            let connect = || async { tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() };
            eventually("the authority", connect).await;
        }
        Some(authority)
    }

    /// The port on which it asks for answers: what stands in for port 80.
    pub fn answers_port(&self) -> u16 {
        self.ports.answers
    }

    /// Settings of a platform that gets its certificates here and asks DNS here.
    pub fn settings(&self, domain: &str) -> String {
        let root = self.dir.path().join("root.pem");
        let Ports { acme, dns, answers, .. } = self.ports;
        format!(
            "domain = \"{domain}\"\n[listen]\nhttps = [\"127.0.0.1:0\"]\n\
             [acme]\nemail = \"ops@example.com\"\ndirectory = \"https://localhost:{acme}/dir\"\nroot = {root:?}\n\
             [domains]\naddresses = [\"127.0.0.1\"]\nresolvers = [\"127.0.0.1:{dns}\"]\nhttp_port = {answers}\n"
        )
    }

    /// In PEM, the root its certificates lead to.
    pub async fn issued_under(&self) -> String {
        let answer = self.http.get(&format!("https://localhost:{}/roots/0", self.ports.management)).await;
        String::from_utf8(answer.body.to_vec()).expect("PEM")
    }

    /// Says something in DNS: a call of the test server's own interface, such as `add-a`.
    pub async fn say(&self, what: &str, body: Json) {
        let answer = self.http.post(&format!("http://127.0.0.1:{}/{what}", self.ports.dns_management), &body).await;
        assert_eq!(answer.status, 200, "{what} {body}");
    }

    /// Lets a name point to an IPv4 address.
    pub async fn point(&self, name: &str, address: &str) {
        self.say("add-a", json!({ "host": format!("{name}."), "addresses": [address] })).await;
    }

    fn write_config(&self) -> PathBuf {
        let path = |name: &str| self.dir.path().join(name);
        let Ports { acme, management, answers, .. } = self.ports;
        let config = json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{acme}"), "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": path("server.pem"), "privateKey": path("server.key"),
            "httpPort": answers, "tlsPort": answers, "ocspResponderURL": "", "externalAccountBindingRequired": false,
            "retryAfter": { "authz": 1, "order": 1 },
            "profiles": { "default": { "description": "the only one", "validityPeriod": 7_776_000 } },
        }});
        std::fs::write(path("pebble.json"), config.to_string()).expect("the configuration can be written");
        path("pebble.json")
    }

    fn run(&mut self, command: &mut Command) {
        let child = command
            .env("PEBBLE_VA_NOSLEEP", "1")
            .env("PEBBLE_AUTHZREUSE", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.running.push(child.expect("it starts"));
    }
}

impl Drop for Authority {
    fn drop(&mut self) {
        for child in &mut self.running {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The certificate of the authority's own address. Answers the root that vouches for it.
fn write_certificate(dir: &TempDir) -> String {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root = CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("a root");
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(["localhost".to_owned()]).expect("parameters");
    let leaf = leaf.signed_by(&key, &root).expect("a certificate");
    for (name, pem) in [("server.pem", leaf.pem()), ("server.key", key.serialize_pem()), ("root.pem", root.pem())] {
        std::fs::write(dir.path().join(name), pem).expect("it can be written");
    }
    root.pem()
}

/// A program by its variable, else by its name on the path.
fn program(variable: &str, name: &str) -> Option<PathBuf> {
    if let Some(named) = std::env::var_os(variable) {
        return Some(named.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(name)).find(|program| program.is_file())
}
