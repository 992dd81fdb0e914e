//! A provider of OpenID Connect where everybody agrees at once: it takes any code and tells the person it was told to be. It
//! describes itself and signs what it says, truly or not.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A running provider.
pub struct IdentityProvider {
    url: String,
    says: Arc<Mutex<Says>>,
}

/// What it says.
struct Says {
    person: Json,
    /// What it calls itself.
    issuer: String,
    /// Whom its identity tokens name, if that is somebody else.
    other_subject: Option<String>,
    /// With this it signs.
    key: Ed25519KeyPair,
    /// These it shows.
    keys: Json,
}

impl IdentityProvider {
    /// Starts on a free port, for as long as the test runs.
    pub async fn start() -> IdentityProvider {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let key = Ed25519KeyPair::generate().expect("a key");
        let x = URL_SAFE_NO_PAD.encode(key.public_key().as_ref());
        let keys = json!({ "keys": [{ "kty": "OKP", "crv": "Ed25519", "kid": "one", "alg": "EdDSA", "x": x }] });
        let says = Says { person: Json::Null, issuer: url.clone(), other_subject: None, key, keys };
        let says = Arc::new(Mutex::new(says));
        let provider = IdentityProvider { url, says: Arc::clone(&says) };
        let url = provider.url.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, url.clone(), Arc::clone(&says)));
            }
        });
        provider
    }

    /// Whoever signs in next is this person.
    pub fn set(&self, subject: &str, email: &str, is_verified: bool) {
        let person = json!({ "sub": subject, "name": "Ann Smith", "email": email, "email_verified": is_verified });
        self.says().person = person;
    }

    /// From now on it calls itself so.
    pub fn call_itself(&self, issuer: &str) {
        issuer.clone_into(&mut self.says().issuer);
    }

    /// From now on its identity tokens name this person, whatever it says when it is asked.
    pub fn vouch_for(&self, subject: &str) {
        self.says().other_subject = Some(subject.to_owned());
    }

    /// From now on it signs with a key that it shows nobody.
    pub fn sign_in_secret(&self) {
        self.says().key = Ed25519KeyPair::generate().expect("a key");
    }

    /// What it is called.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What Roost has to be told of it.
    pub fn settings(&self) -> String {
        let url = &self.url;
        format!(
            "{CLIENT}auth_url = \"{url}/authorize\"\ntoken_url = \"{url}/token\"\nuser_info_url = \"{url}/userinfo\"\n"
        )
    }

    /// The same for whoever lets it describe itself.
    pub fn settings_by_issuer(&self) -> String {
        format!("{CLIENT}issuer = \"{}\"\n", self.url)
    }

    fn says(&self) -> MutexGuard<'_, Says> {
        self.says.lock().expect("nobody panicked")
    }
}

const CLIENT: &str = "[sign_in.oidc]\nname = \"The provider\"\nclient_id = \"client\"\nclient_secret = \"secret\"\n";

impl Says {
    fn of(&self, path: &str, url: &str) -> Json {
        match path {
            "/token" => json!({
                "access_token": "token", "token_type": "Bearer", "expires_in": 60, "id_token": self.identity_token(url),
            }),
            "/.well-known/openid-configuration" => json!({
                "issuer": self.issuer, "authorization_endpoint": format!("{url}/authorize"),
                "token_endpoint": format!("{url}/token"), "userinfo_endpoint": format!("{url}/userinfo"),
                "jwks_uri": format!("{url}/keys"),
            }),
            "/keys" => self.keys.clone(),
            _ => self.person.clone(),
        }
    }

    fn identity_token(&self, url: &str) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs();
        let subject = self.other_subject.as_deref().or(self.person["sub"].as_str());
        let claims = json!({ "iss": url, "aud": "client", "sub": subject, "iat": now, "exp": now + 60 });
        let part = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(&json!({ "alg": "EdDSA", "kid": "one" })), part(&claims));
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(signed.as_bytes()).as_ref());
        format!("{signed}.{signature}")
    }
}

/// One request for a connection: small, and not sent in pieces that matter.
async fn answer(mut stream: TcpStream, url: String, says: Arc<Mutex<Says>>) -> Option<()> {
    let mut request = vec![0; 16 * 1024];
    let length = stream.read(&mut request).await.ok()?;
    let request = String::from_utf8_lossy(&request[..length]).into_owned();
    let body = says.lock().expect("nobody panicked").of(request.split(' ').nth(1)?, &url).to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.ok()
}
