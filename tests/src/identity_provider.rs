//! A provider of OpenID Connect where everybody agrees at once: it takes any code and tells the person it was told to be.

use std::sync::{Arc, Mutex};

use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A running provider.
pub struct IdentityProvider {
    url: String,
    person: Arc<Mutex<Json>>,
}

impl IdentityProvider {
    /// Starts on a free port, for as long as the test runs.
    pub async fn start() -> IdentityProvider {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let person = Arc::new(Mutex::new(Json::Null));
        let told = Arc::clone(&person);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let person = told.lock().expect("nobody panicked").clone();
                tokio::spawn(answer(stream, person));
            }
        });
        IdentityProvider { url, person }
    }

    /// Whoever signs in next is this person.
    pub fn set(&self, subject: &str, email: &str, is_verified: bool) {
        let person = json!({ "sub": subject, "name": "Ann Smith", "email": email, "email_verified": is_verified });
        *self.person.lock().expect("nobody panicked") = person;
    }

    /// What Roost has to be told of it.
    pub fn settings(&self) -> String {
        let url = &self.url;
        format!(
            "[sign_in.oidc]\nname = \"The provider\"\nclient_id = \"client\"\nclient_secret = \"secret\"\n\
             auth_url = \"{url}/authorize\"\ntoken_url = \"{url}/token\"\nuser_info_url = \"{url}/userinfo\"\n"
        )
    }
}

/// One request for a connection: small, and not sent in pieces that matter.
async fn answer(mut stream: TcpStream, person: Json) -> Option<()> {
    let mut request = vec![0; 16 * 1024];
    let length = stream.read(&mut request).await.ok()?;
    let request = String::from_utf8_lossy(&request[..length]).into_owned();
    let body = match request.split(' ').nth(1)? {
        "/token" => json!({ "access_token": "token", "token_type": "Bearer", "expires_in": 60 }),
        _ => person,
    };
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(format!("{head}{body}").as_bytes()).await.ok()
}
