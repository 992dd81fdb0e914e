//! Strangers who guess a password from everywhere, and the account's owner meanwhile: the console's API with its limits
//! on tries, which are off in development.

use axum::Router;
use axum::body::{Body, to_bytes};
use http::{Request, StatusCode, header};
use serde_json::{Value as Json, json};
use tenant_runtime::host::Host;
use tower::ServiceExt as _;

use crate::config::Config;
use crate::state::Platform;
use crate::{http as console, serve};

const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "a quiet place to sit";
/// Where Ann lives.
const HOME: &str = "2001:db8:a:1::7";
/// Where she never was.
const ELSEWHERE: &str = "192.0.2.200";

/// A platform where Ann signed up at home.
struct Stage {
    platform: Platform,
    host: Host,
    console: Router,
    _dir: tempfile::TempDir,
}

impl Stage {
    async fn set() -> Stage {
        let dir = tempfile::tempdir().expect("a directory");
        let mut config = Config::load(None).expect("the defaults");
        config.dir = dir.path().to_owned();
        let (platform, host) = serve::assemble(config, false).await.expect("it is put together");
        let console = console::router(platform.clone());
        let stage = Stage { platform, host, console, _dir: dir };
        let ann = json!({ "email": EMAIL, "password": PASSWORD });
        assert_eq!(stage.post(HOME, "/api/accounts", &ann).await, StatusCode::CREATED);
        stage
    }

    async fn post(&self, from: &str, path: &str, body: &Json) -> StatusCode {
        let request = Request::post(path).header(header::ORIGIN, self.platform.urls.console());
        let request = request.header("x-roost-client-ip", from).body(Body::from(body.to_string()));
        let answer = self.console.clone().oneshot(request.expect("a request")).await.expect("an answer");
        let status = answer.status();
        to_bytes(answer.into_body(), usize::MAX).await.expect("a body");
        status
    }

    async fn sign_in(&self, from: &str, password: &str) -> StatusCode {
        self.post(from, "/api/session", &json!({ "email": EMAIL, "password": password })).await
    }

    /// Tries as often as anybody may, ten times from each place.
    async fn guess_from_everywhere(&self) {
        for n in 0..100 {
            let status = self.sign_in(&format!("198.51.100.{}", n % 10), "some other password").await;
            assert_eq!(status, StatusCode::BAD_REQUEST, "try {n}");
        }
        let status = self.sign_in("198.51.100.10", "some other password").await;
        assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    }

    /// The secret of the link for a new password.
    async fn secret_from_mail(&self) -> String {
        let db = self.platform.database.read();
        let sql = "SELECT input FROM job WHERE kind = 'send_mail' AND input LIKE '%/reset#%'";
        let mail: String = sqlx::query_scalar(sql).fetch_one(db).await.expect("a mail");
        let mail: Json = serde_json::from_str(&mail).expect("JSON");
        let (_, secret) = mail["link"].as_str().and_then(|link| link.split_once('#')).expect("a link");
        secret.to_owned()
    }
}

#[tokio::test]
async fn a_crowd_that_guesses_is_stopped_and_keeps_nobody_out() {
    let stage = Stage::set().await;
    stage.guess_from_everywhere().await;
    assert_eq!(stage.sign_in(ELSEWHERE, PASSWORD).await, StatusCode::TOO_MANY_REQUESTS, "it may be a guess");
    // Where she is signed in, a password is looked at, and only then refused.
    assert_eq!(stage.sign_in(&HOME.replace("::7", "::8"), "mistyped").await, StatusCode::BAD_REQUEST);

    assert_eq!(stage.post(ELSEWHERE, "/api/password-reset", &json!({ "email": EMAIL })).await, StatusCode::NO_CONTENT);
    let password = "another quiet place";
    let chosen = json!({ "token": stage.secret_from_mail().await, "password": password });
    assert_eq!(stage.post(ELSEWHERE, "/api/password-reset/confirm", &chosen).await, StatusCode::NO_CONTENT);
    assert_eq!(stage.sign_in(ELSEWHERE, password).await, StatusCode::OK, "who read her mail");
    stage.host.close().await;
}
