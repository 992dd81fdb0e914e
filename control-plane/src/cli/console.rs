//! The console as programs reach it: over its API, with a token.

use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use futures_util::TryStreamExt as _;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, header};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

const PATIENCE: Duration = Duration::from_secs(30);

/// Where the console is and how to get in.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Login {
    pub(super) url: String,
    pub(super) token: String,
}

/// A console somebody may use.
pub(super) struct Console {
    http: Client,
    url: String,
    /// What a request shows: a token, or a session's cookie beside the console's own origin.
    shows: header::HeaderMap,
}

impl Login {
    /// `ROOST_URL` and `ROOST_TOKEN`, or else what `roost login` kept.
    fn find() -> anyhow::Result<Login> {
        let given = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        if let (Some(url), Some(token)) = (given("ROOST_URL"), given("ROOST_TOKEN")) {
            return Ok(Login { url, token });
        }
        let path = Login::path()?;
        let text = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                bail!("nobody is signed in: run `roost login`, or set ROOST_URL and ROOST_TOKEN")
            }
            text => text.with_context(|| format!("read {}", path.display()))?,
        };
        let kept: Login = serde_json::from_slice(&text).with_context(|| format!("understand {}", path.display()))?;
        Ok(Login { url: given("ROOST_URL").unwrap_or(kept.url), token: given("ROOST_TOKEN").unwrap_or(kept.token) })
    }

    /// Keeps it where only its owner reads it.
    pub(super) fn keep(&self) -> anyhow::Result<PathBuf> {
        let path = Login::path()?;
        let folder = path.parent().context("find the folder for settings")?;
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        let draft = path.with_extension("new");
        let _ = fs::remove_file(&draft);
        let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.sync_all()?;
        fs::rename(&draft, &path)?;
        Ok(path)
    }

    fn path() -> anyhow::Result<PathBuf> {
        let settings = std::env::var_os("XDG_CONFIG_HOME").filter(|path| !path.is_empty()).map(PathBuf::from);
        let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config"));
        let settings = settings.or_else(home).context("HOME is not set: set ROOST_URL and ROOST_TOKEN instead")?;
        Ok(settings.join("roost/login.json"))
    }
}

impl Console {
    /// The console somebody is signed in to.
    pub(super) fn signed_in() -> anyhow::Result<Console> {
        Console::with(&Login::find()?)
    }

    /// The console at a URL, with a token.
    pub(super) fn with(login: &Login) -> anyhow::Result<Console> {
        let mut token = header::HeaderValue::from_str(&format!("Bearer {}", login.token))?;
        token.set_sensitive(true);
        Console::showing(&login.url, [(header::AUTHORIZATION, token)].into_iter().collect())
    }

    /// Signs somebody in, for what no token may do; `None` if that takes a code from their device.
    pub(super) async fn sign_in(
        url: &str,
        email: &str,
        password: &str,
        code: Option<&str>,
    ) -> anyhow::Result<Option<Console>> {
        let mut console = Console::showing(url, header::HeaderMap::new())?;
        let own = header::HeaderValue::from_str(&console.url)?;
        console.shows.insert(header::ORIGIN, own);
        let body = json!({ "email": email, "password": password, "code": code });
        let answer = console.request(Method::POST, "/api/session").json(&body).send().await;
        let answer = match accepted(answer.with_context(|| console.unreachable())?).await {
            Err(refused) if refused.envelope["data"]["code"] == "second_factor_required" => return Ok(None),
            answer => answer?,
        };
        let cookie = answer.headers().get(header::SET_COOKIE).and_then(|cookie| cookie.to_str().ok());
        let cookie = cookie.and_then(|cookie| cookie.split(';').next()).context("the console began no session")?;
        let mut cookie = header::HeaderValue::from_str(cookie)?;
        cookie.set_sensitive(true);
        console.shows.insert(header::COOKIE, cookie);
        Ok(Some(console))
    }

    fn showing(url: &str, shows: header::HeaderMap) -> anyhow::Result<Console> {
        let url = url.trim_end_matches('/').to_owned();
        let http = Client::builder()
            .user_agent(concat!("roost/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(PATIENCE)
            .read_timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Console { http, url, shows })
    }

    /// Where it is.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) async fn get(&self, path: &str) -> anyhow::Result<Json> {
        self.call(Method::GET, path, None).await
    }

    pub(super) async fn post(&self, path: &str, body: &Json) -> anyhow::Result<Json> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Calls an endpoint; null if it has nothing to say.
    pub(super) async fn call(&self, method: Method, path: &str, body: Option<&Json>) -> anyhow::Result<Json> {
        let mut request = self.request(method, path);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = accepted(request.send().await.with_context(|| self.unreachable())?).await?;
        let text = answer.bytes().await.with_context(|| self.unreachable())?;
        if text.is_empty() { Ok(Json::Null) } else { serde_json::from_slice(&text).context("understand the console") }
    }

    /// Writes what an endpoint answers; how many bytes.
    pub(super) async fn download(&self, path: &str, into: &mut (impl AsyncWrite + Unpin)) -> anyhow::Result<u64> {
        let answer = self.request(Method::GET, path).send().await.with_context(|| self.unreachable())?;
        let answer = accepted(answer).await?;
        let (whole, mut written) = (answer.content_length(), 0);
        let mut content = answer.bytes_stream();
        while let Some(chunk) = content.try_next().await.context("the download broke off")? {
            into.write_all(&chunk).await?;
            written += chunk.len() as u64;
        }
        into.flush().await?;
        if whole.is_some_and(|whole| whole != written) {
            bail!("the download broke off after {written} bytes");
        }
        Ok(written)
    }

    /// Hands over the data of an event stream, one event after another, until the console ends it.
    pub(super) async fn follow(&self, path: &str, mut each: impl FnMut(Json)) -> anyhow::Result<()> {
        let answer = self.request(Method::GET, path).send().await.with_context(|| self.unreachable())?;
        let mut content = accepted(answer).await?.bytes_stream();
        let mut unread = Vec::new();
        while let Some(chunk) = content.try_next().await.context("the stream broke off")? {
            unread.extend_from_slice(&chunk);
            while let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = unread.drain(..=end).collect();
                if let Some(data) = line.strip_prefix(b"data:") {
                    each(serde_json::from_slice(data).context("understand the console")?);
                }
            }
        }
        Ok(())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).headers(self.shows.clone())
    }

    fn unreachable(&self) -> String {
        format!("reach the console at {}", self.url)
    }
}

/// An answer that is no success.
#[derive(Debug, thiserror::Error)]
#[error("{}", refusal(.envelope).unwrap_or_else(|| format!("this is no console of Roost, or none that works: {status}")))]
pub(super) struct Refused {
    status: StatusCode,
    envelope: Json,
}

impl Refused {
    /// The stable word: that of the whole request, or else of the first field.
    pub(super) fn code(&self) -> Option<&str> {
        let data = &self.envelope["data"];
        let of_field = || data.as_object()?.values().find_map(|field| field["code"].as_str());
        data["code"].as_str().or_else(of_field)
    }
}

/// The answer, unless it is a refusal, which then is the error.
async fn accepted(answer: Response) -> Result<Response, Refused> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    Err(Refused { status, envelope: answer.json().await.unwrap_or_default() })
}

/// The sentences of PocketBase's envelope: those of fields say more than the one for all.
fn refusal(envelope: &Json) -> Option<String> {
    let fields = envelope["data"].as_object().into_iter().flatten();
    let fields: Vec<String> =
        fields.filter_map(|(field, error)| Some(format!("{field}: {}", error["message"].as_str()?))).collect();
    if fields.is_empty() { envelope["message"].as_str().map(str::to_owned) } else { Some(fields.join(" ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_in_the_words_of_the_console() {
        let whole = json!({ "data": { "code": "not_found" }, "message": "There is no such project.", "status": 404 });
        assert_eq!(refusal(&whole).as_deref(), Some("There is no such project."));
        let field =
            json!({ "data": { "slug": { "code": "reserved_slug", "message": "Taken." } }, "message": "Please check." });
        assert_eq!(refusal(&field).as_deref(), Some("slug: Taken."));
        assert_eq!(refusal(&Json::Null), None);
    }
}
