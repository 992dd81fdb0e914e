//! Somebody at the console, and a project of theirs.

use http::Method;
use serde_json::{Value as Json, json};

use crate::{Answer, Http, Roost};

/// The password of everybody in the tests.
pub const PASSWORD: &str = "a quiet place to sit";
const SUPERUSER_PASSWORD: &str = "correct horse";

/// A signed-in account.
pub struct Console {
    http: Http,
    url: String,
    email: String,
    cookie: String,
}

/// A project and a superuser's token for it.
pub struct Project {
    http: Http,
    /// The origin SDKs are given.
    pub url: String,
    /// The id of its tenant.
    pub id: String,
    /// The id of the team that owns it.
    pub team: String,
    token: String,
}

impl Console {
    /// Opens an account.
    pub async fn sign_up(http: &Http, url: &str, email: &str) -> Console {
        let body = json!({ "email": email, "password": PASSWORD });
        let answer = http.post(&format!("{url}/api/accounts"), &body).await;
        assert_eq!(answer.status, 201, "{:?}", answer.json());
        Console { http: http.clone(), url: url.to_owned(), email: email.to_owned(), cookie: cookie(&answer) }
    }

    /// Signs in to an account that is there.
    pub async fn sign_in(http: &Http, url: &str, email: &str) -> Console {
        let mut console =
            Console { http: http.clone(), url: url.to_owned(), email: email.to_owned(), cookie: String::new() };
        console.sign_in_again(http).await;
        console
    }

    /// Somebody whose session was begun elsewhere.
    pub fn signed_in(http: &Http, url: &str, cookie: &str) -> Console {
        Console { http: http.clone(), url: url.to_owned(), email: String::new(), cookie: cookie.to_owned() }
    }

    /// Signs in again, for instance after a restart.
    pub async fn sign_in_again(&mut self, http: &Http) {
        self.http = http.clone();
        let body = json!({ "email": self.email, "password": PASSWORD });
        let answer = self.http.post(&format!("{}/api/session", self.url), &body).await;
        assert_eq!(answer.status, 200, "{:?}", answer.json());
        self.cookie = cookie(&answer);
    }

    /// Calls the console's API as its own pages would.
    ///
    /// # Errors
    /// What the connection ran into.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Json>) -> Result<Answer, String> {
        let headers = [("cookie", self.cookie.as_str()), ("origin", self.url.as_str())];
        self.http.send(method, &format!("{}{path}", self.url), &headers, body).await
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Json {
        self.call(Method::GET, path, None).await.expect("an answer").json()
    }

    /// The session's cookie, to be misused.
    pub fn cookie(&self) -> &str {
        &self.cookie
    }

    /// Asks for a project.
    ///
    /// # Errors
    /// What the connection ran into.
    pub async fn ask_for_project(&self, slug: &str) -> Result<Answer, String> {
        let superuser = json!({ "email": "admin@example.com", "password": SUPERUSER_PASSWORD });
        let body = json!({ "name": slug, "slug": slug, "superuser": superuser });
        self.call(Method::POST, "/api/projects", Some(&body)).await
    }

    /// Creates a project and signs in as its superuser.
    pub async fn create_project(&self, slug: &str) -> Project {
        let answer = self.ask_for_project(slug).await.expect("an answer");
        assert_eq!(answer.status, 201, "{:?}", answer.json());
        self.open_project(&answer.json()["project"]).await
    }

    /// Signs in as the superuser of a project that is there.
    pub async fn open_project(&self, project: &Json) -> Project {
        let text = |key: &str| project[key].as_str().expect("a text").to_owned();
        let (url, id, team) = (text("endpoint"), text("id"), text("teamId"));
        let body = json!({ "identity": "admin@example.com", "password": SUPERUSER_PASSWORD });
        let answer = self.http.post(&format!("{url}/api/collections/_superusers/auth-with-password"), &body).await;
        assert_eq!(answer.status, 200, "{:?}", answer.json());
        let token = answer.json()["token"].as_str().expect("a token").to_owned();
        Project { http: self.http.clone(), url, id, team, token }
    }

    /// Changes something and expects an answer of the kind 2xx; its body.
    pub async fn change(&self, method: Method, path: &str, body: &Json) -> Json {
        let answer = self.call(method, path, Some(body)).await.expect("an answer");
        assert!(answer.status.is_success(), "{path}: {} {:?}", answer.status, answer.json());
        answer.json()
    }

    /// Proves the mail address with the link from the first mail.
    pub async fn prove(&self, roost: &Roost) {
        let secret = roost.secret_from_mail(&self.email, "/verify#").await;
        let url = format!("{}/api/verification/confirm", self.url);
        assert_eq!(self.http.post(&url, &json!({ "token": secret })).await.status, 200);
    }

    /// Invites somebody new into a team, who opens an account with the mail.
    pub async fn invite(&self, roost: &Roost, team: &str, email: &str, role: &str) -> Console {
        let invitation = json!({ "email": email, "role": role });
        self.change(Method::POST, &format!("/api/teams/{team}/invitations"), &invitation).await;
        let secret = roost.secret_from_mail(email, "/join#").await;
        let body = json!({ "email": email, "password": PASSWORD, "invitation": secret });
        let answer = self.http.post(&format!("{}/api/accounts", self.url), &body).await;
        assert_eq!(answer.status, 201, "{:?}", answer.json());
        Console { http: self.http.clone(), url: self.url.clone(), email: email.to_owned(), cookie: cookie(&answer) }
    }

    /// Makes a token for a team; the secret.
    pub async fn create_token(&self, team: &str, scope: &str) -> String {
        let body = json!({ "name": format!("{scope} token"), "scope": scope, "team": team, "expiresDays": 7 });
        let made = self.change(Method::POST, "/api/account/tokens", &body).await;
        made["secret"].as_str().expect("a secret").to_owned()
    }

    /// Begins a job, which has to be taken; its id.
    pub async fn begin(&self, path: &str) -> String {
        let answer = self.call(Method::POST, path, Some(&json!({}))).await.expect("an answer");
        assert_eq!(answer.status, 202, "{path}: {:?}", answer.json());
        answer.json()["jobId"].as_str().expect("a job").to_owned()
    }

    /// Waits until a job has come to an end; that state.
    ///
    /// # Panics
    /// After a minute.
    pub async fn end_of(&self, job: &str) -> String {
        for _ in 0..600 {
            let state = self.get(&format!("/api/jobs/{job}")).await["state"].as_str().unwrap_or_default().to_owned();
            if !["queued", "running"].contains(&state.as_str()) {
                return state;
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        panic!("job {job} does not end: {}", self.get(&format!("/api/jobs/{job}")).await);
    }

    /// Has a job done and waits for it.
    pub async fn finish(&self, path: &str) {
        let job = self.begin(path).await;
        let state = self.end_of(&job).await;
        assert_eq!(state, "done", "{}", self.get(&format!("/api/jobs/{job}")).await);
    }

    /// The backups of a project, the newest first.
    pub async fn backups(&self, slug: &str) -> Vec<Json> {
        let list = self.get(&format!("/api/projects/{slug}/backups")).await["items"].take();
        list.as_array().cloned().unwrap_or_default()
    }

    /// Sends bytes as they are.
    pub async fn send_zip(&self, path: &str, bytes: Vec<u8>) -> Result<Answer, String> {
        let headers =
            [("cookie", self.cookie.as_str()), ("origin", self.url.as_str()), ("content-type", "application/zip")];
        let url = format!("{}{path}", self.url);
        self.http.send_bytes(Method::POST, &url, &headers, bytes.into()).await
    }

    /// The state the console shows of a project.
    pub async fn state(&self, slug: &str) -> String {
        self.get(&format!("/api/projects/{slug}")).await["state"].as_str().unwrap_or_default().to_owned()
    }
}

impl Project {
    /// The superuser's token.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Calls the project's API as its superuser.
    ///
    /// # Errors
    /// What the connection ran into.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Json>) -> Result<Answer, String> {
        let headers = [("authorization", self.token.as_str())];
        self.http.send(method, &format!("{}{path}", self.url), &headers, body).await
    }

    /// Makes a collection with one text and everything open.
    pub async fn create_collection(&self, name: &str) {
        let body = json!({
            "name": name, "type": "base", "fields": [{ "name": "text", "type": "text" }],
            "listRule": "", "viewRule": "", "createRule": "", "updateRule": "", "deleteRule": "",
        });
        let answer = self.call(Method::POST, "/api/collections", Some(&body)).await.expect("an answer");
        assert_eq!(answer.status, 200, "{:?}", answer.json());
    }

    /// Creates a record; its id if that was acknowledged.
    pub async fn create(&self, collection: &str, text: &str) -> Option<String> {
        let path = format!("/api/collections/{collection}/records");
        let answer = self.call(Method::POST, &path, Some(&json!({ "text": text }))).await.ok()?;
        answer.json()["id"].as_str().map(str::to_owned)
    }

    /// Creates a record with a file in its field `file`; the file's address.
    pub async fn upload(&self, collection: &str, bytes: &[u8]) -> String {
        let url = format!("{}/api/collections/{collection}/records", self.url);
        let files = [("file", "picture.bin", bytes)];
        let answer = self.http.upload(Method::POST, &url, &self.token, &json!({}), &files).await.expect("an answer");
        assert_eq!(answer.status, 200, "{:?}", answer.json());
        let record = answer.json();
        let text = |key: &str| record[key].as_str().expect("a text").to_owned();
        format!("/api/files/{collection}/{}/{}", text("id"), text("file"))
    }

    /// Removes a record.
    pub async fn delete(&self, collection: &str, id: &str) {
        let path = format!("/api/collections/{collection}/records/{id}");
        let answer = self.call(Method::DELETE, &path, None).await.expect("an answer");
        assert_eq!(answer.status, 204, "{:?}", answer.json());
    }

    /// The ids of all records.
    pub async fn ids(&self, collection: &str) -> Vec<String> {
        let mut ids = Vec::new();
        for page in 1.. {
            let path = format!("/api/collections/{collection}/records?perPage=1000&page={page}&fields=id");
            let items = self.call(Method::GET, &path, None).await.expect("an answer").json()["items"].take();
            let items = items.as_array().cloned().unwrap_or_default();
            ids.extend(items.iter().filter_map(|item| item["id"].as_str().map(str::to_owned)));
            if items.len() < 1000 {
                return ids;
            }
        }
        ids
    }

    /// The same project after a restart, whose connections are gone.
    pub fn reconnect(self, http: &Http) -> Project {
        Project { http: http.clone(), ..self }
    }
}

fn cookie(answer: &Answer) -> String {
    let set = answer.headers.get("set-cookie").and_then(|value| value.to_str().ok()).expect("a cookie");
    set.split(';').next().unwrap_or_default().to_owned()
}
