//! Notes every answered request in the backend's log.
//!
//! What is noted is put together after the answer is ready and handed to a queue: see `logs`.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use chrono::{DateTime, Utc};
use http::{HeaderValue, Method, StatusCode, Uri, header};
use percent_encoding::percent_decode_str;
use serde_json::Value as Json;

use super::real_ip;
use crate::app::App;
use crate::auth::Caller;
use crate::client_address::{self, ClientAddress};
use crate::error::Failure;
use crate::json;
use crate::logs::{self, Entry};
use crate::settings::Logs as Wanted;

const LONGEST_URL: usize = 3000;
const LONGEST_AGENT: usize = 2000;
/// Parameters whose values are not noted.
const SECRETS: &[&str] = &["token=", "code=", "id_token="];
/// Requests that are noted only when they fail: reading the log would fill it.
const QUIET: &[&str] = &["/api/logs", "/api/oauth2-redirect"];

/// Marks an answer that is noted only when it is a failure, as those of a site's pages are.
#[derive(Clone, Copy, Debug)]
pub struct Quiet;

/// Where whoever checks a request's token leaves a note of whose it is.
#[derive(Clone, Debug, Default)]
pub struct CallerNote(Option<Arc<OnceLock<(String, String)>>>);

impl CallerNote {
    fn expected() -> CallerNote {
        CallerNote(Some(Arc::default()))
    }

    /// Notes who asks; the first note counts.
    pub fn set(&self, caller: &Caller) {
        if let (Some(note), Some(record)) = (&self.0, caller.as_record()) {
            let _ = note.set((record.collection().name.clone(), record.id().to_owned()));
        }
    }

    /// Name of the collection and id.
    fn get(&self) -> (&str, &str) {
        let note = self.0.as_ref().and_then(|note| note.get());
        note.map_or(("", ""), |(collection, id)| (collection, id))
    }
}

/// The layer that notes requests.
pub async fn note(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if !app.logs().wants(logs::ERROR) {
        return next.run(request).await;
    }
    let (caller, asked) = (CallerNote::expected(), Asked::of(&request));
    request.extensions_mut().insert(caller.clone());
    let started = Instant::now();
    let mut response = next.run(request).await;
    let took = started.elapsed().as_secs_f64() * 1000.0;
    let failure = response.extensions_mut().remove::<Failure>();
    let is_quiet = response.extensions_mut().remove::<Quiet>().is_some() || asked.is_quiet();
    let failed = failure.is_some() || response.status().as_u16() >= 400;
    let level = if failed { logs::ERROR } else { logs::INFO };
    if app.logs().wants(level) && (failed || !is_quiet) {
        let answered = Answered { status: response.status(), took, failure, caller };
        app.logs().note(asked.entry(level, &answered, &app.logs().wanted()));
    }
    response
}

/// What is kept of a request while it is answered.
struct Asked {
    created: DateTime<Utc>,
    method: Method,
    uri: Uri,
    referer: Option<HeaderValue>,
    user_agent: Option<HeaderValue>,
    /// Where the connection comes from.
    remote: Option<IpAddr>,
    /// Who is behind that, as far as a trusted proxy says.
    user: Option<IpAddr>,
}

struct Answered {
    status: StatusCode,
    /// Milliseconds.
    took: f64,
    failure: Option<Failure>,
    caller: CallerNote,
}

impl Asked {
    fn of(request: &Request) -> Asked {
        Asked {
            created: Utc::now(),
            method: request.method().clone(),
            uri: request.uri().clone(),
            referer: request.headers().get(header::REFERER).cloned(),
            user_agent: request.headers().get(header::USER_AGENT).cloned(),
            remote: request.extensions().get::<ClientAddress>().map(|address| address.0),
            user: real_ip::of(request.extensions()),
        }
    }

    fn is_quiet(&self) -> bool {
        let path = self.uri.path();
        let below =
            |prefix: &str| path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        QUIET.iter().any(|prefix| below(prefix)) || (path == "/api/realtime" && self.method == Method::GET)
    }

    /// The entry, its keys in the order of the alphabet.
    fn entry(&self, level: i64, answered: &Answered, wanted: &Wanted) -> Entry {
        let url = without_secrets(self.uri.path_and_query().map_or("/", |url| url.as_str()));
        let (collection, id) = answered.caller.get();
        let mut data = Data::default();
        data.text("auth", collection);
        if wanted.log_auth_id {
            data.text("authId", id);
        }
        if let Some(failure) = &answered.failure {
            data.value("details", &failure.details);
            data.text("error", &failure.error);
        }
        data.value("execTime", &Json::from(answered.took));
        data.text("method", self.method.as_str());
        data.text("referer", cut(readable(self.referer.as_ref()), LONGEST_AGENT).as_ref());
        let address = |address: Option<IpAddr>| address.map(client_address::text).unwrap_or_default();
        if wanted.log_ip {
            data.text("remoteIP", &address(self.remote));
        }
        data.value("status", &Json::from(answered.status.as_u16()));
        data.text("type", "request");
        data.text("url", &cut(&url, LONGEST_URL));
        data.text("userAgent", cut(readable(self.user_agent.as_ref()), LONGEST_AGENT).as_ref());
        if wanted.log_ip {
            data.text("userIP", &address(self.user));
        }
        let unescaped = percent_decode_str(&url).decode_utf8_lossy();
        let message = format!("{} {}", self.method, cut(&unescaped, LONGEST_URL));
        Entry { created: self.created, level, message, data: data.finish() }
    }
}

/// A JSON object being written.
#[derive(Default)]
struct Data(Vec<u8>);

impl Data {
    fn key(&mut self, key: &str) {
        self.0.push(if self.0.is_empty() { b'{' } else { b',' });
        json::write_string(&mut self.0, key);
        self.0.push(b':');
    }

    fn text(&mut self, key: &str, text: &str) {
        self.key(key);
        json::write_string(&mut self.0, text);
    }

    fn value(&mut self, key: &str, value: &Json) {
        self.key(key);
        json::write_value(&mut self.0, value);
    }

    fn finish(mut self) -> String {
        self.0.push(b'}');
        String::from_utf8(self.0).unwrap_or_default()
    }
}

fn readable(value: Option<&HeaderValue>) -> &str {
    value.and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// At most that many bytes, with dots where the rest was.
fn cut(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    Cow::Owned(format!("{}...", &text[..end]))
}

/// File tokens and what identity providers answer travel in the query. A log must not hand them on.
fn without_secrets(url: &str) -> Cow<'_, str> {
    let is_secret = |part: &str| SECRETS.iter().any(|name| part.starts_with(name));
    let Some((path, query)) = url.split_once('?').filter(|(_, query)| query.split('&').any(is_secret)) else {
        return Cow::Borrowed(url);
    };
    let masked = |part| match SECRETS.iter().find(|name| str::starts_with(part, **name)) {
        Some(name) => format!("{name}***"),
        None => str::to_owned(part),
    };
    let query: Vec<String> = query.split('&').map(masked).collect();
    Cow::Owned(format!("{path}?{}", query.join("&")))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn asked(uri: &str) -> Asked {
        Asked::of(&Request::builder().uri(uri).body(Body::empty()).expect("a request"))
    }

    fn answered(status: u16) -> Answered {
        let status = StatusCode::from_u16(status).expect("a status");
        Answered { status, took: 1.5, failure: None, caller: CallerNote::default() }
    }

    #[test]
    fn an_entry_has_stock_servers_keys() {
        let wanted = Wanted { log_auth_id: true, ..Wanted::default() };
        let entry = asked("/api/x?q=%C3%A9").entry(logs::INFO, &answered(200), &wanted);
        assert_eq!(entry.message, "GET /api/x?q=é");
        let expected = r#"{"auth":"","authId":"","execTime":1.5,"method":"GET","referer":"","remoteIP":"","status":200,"type":"request","url":"/api/x?q=%C3%A9","userAgent":"","userIP":""}"#;
        assert_eq!(entry.data, expected);
        let bare = asked("/").entry(logs::INFO, &answered(200), &Wanted { log_ip: false, ..Wanted::default() });
        assert!(!bare.data.contains("IP\"") && !bare.data.contains("authId"));
    }

    #[test]
    fn tokens_are_kept_out() {
        assert_eq!(without_secrets("/a?token=secret&b=1&code=2"), "/a?token=***&b=1&code=***");
        assert_eq!(without_secrets("/a?b=token"), "/a?b=token");
    }

    #[test]
    fn reading_the_log_does_not_fill_it() {
        assert!(asked("/api/logs/stats?x=1").is_quiet() && asked("/api/realtime").is_quiet());
        assert!(!asked("/api/logsomething").is_quiet() && !asked("/api/crons").is_quiet());
    }

    #[test]
    fn long_texts_end_in_dots() {
        assert_eq!(cut("aéb", 2), "a...");
        assert_eq!(cut("aéb", 4), "aéb");
    }
}
