//! `/api/realtime`: the event stream, and setting what it carries.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderValue, header};
use serde_json::{Map, Value as Json};
use tokio::time::Instant;

use super::body;
use super::request::Head;
use super::respond;
use crate::app::App;
use crate::error::{ApiError, FieldError, Problems, Result};
use crate::realtime::{Client, Message, Messages, Topic};

/// A stream on which nothing was sent for so long ends.
const IDLE: Duration = Duration::from_secs(5 * 60);
/// Any stream ends after so long; SDKs reconnect.
const LONGEST: Duration = Duration::from_secs(30 * 60);
/// Messages written in one go when several wait.
const AT_ONCE: usize = 64;
const MOST_ID_BYTES: usize = 255;
const MOST_TOPICS: usize = 1000;
const MOST_TOPIC_BYTES: usize = 2500;

/// `GET /api/realtime`
pub async fn connect(State(app): State<App>, head: Head) -> Response {
    let (client, messages) = app.realtime().connect(head.address);
    let hello = format!("id:{0}\nevent:PB_CONNECT\ndata:{{\"clientId\":\"{0}\"}}\n\n", client.id);
    let leaving = Leaving { app, client: Arc::clone(&client) };
    let connection =
        Connection { hello: Some(Bytes::from(hello)), messages, ends: Instant::now() + LONGEST, idle: IDLE, client };
    let chunks = stream::unfold((connection, leaving), |(mut connection, leaving)| async move {
        let chunk = connection.next().await?;
        Some((Ok::<Bytes, std::convert::Infallible>(chunk), (connection, leaving)))
    });
    let mut response = Response::new(Body::from_stream(chunks));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

/// `POST /api/realtime`
pub async fn subscribe(State(app): State<App>, request: Request) -> Result<Response> {
    let (mut parts, content) = request.into_parts();
    let head = Head::new(&mut parts);
    let submitted = body::read(&app, &head, content, body::DEFAULT_LIMIT).await?;
    let (id, topics) = parse(&submitted.values)?;
    let client = app.realtime().find(&id).ok_or_else(|| ApiError::not_found("Missing or invalid client id."))?;
    if client.address != head.address {
        return Err(ApiError::bad_request("Invalid realtime client.").into());
    }
    let schema = app.schema();
    let caller = app.store().read(move |db| head.caller(db, &schema)).await?;
    let mut state = client.state();
    if state.caller.as_record().is_some_and(|bound| !caller.is(bound)) {
        let message = "The current and the previous request authorization don't match.";
        return Err(ApiError::forbidden(message).into());
    }
    state.topics = topics.iter().map(|topic| Topic::parse(topic)).collect();
    state.caller = caller;
    app.realtime().subscribe(&client, state);
    Ok(respond::no_content())
}

/// One open stream.
struct Connection {
    hello: Option<Bytes>,
    messages: Messages,
    ends: Instant,
    idle: Duration,
    client: Arc<Client>,
}

impl Connection {
    /// What is to be written next: all that waits, up to a bound, in one piece. Nothing when the stream is over.
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(hello) = self.hello.take() {
            return Some(hello);
        }
        let deadline = self.ends.min(Instant::now() + self.idle);
        let mut waiting: Vec<Message> = Vec::new();
        tokio::select! {
            biased;
            () = self.client.gone.cancelled() => return None,
            () = tokio::time::sleep_until(deadline) => return None,
            count = self.messages.recv_many(&mut waiting, AT_ONCE) => if count == 0 { return None },
        }
        let mut chunk = Vec::with_capacity(waiting.iter().map(|message| message.data.len() + 128).sum());
        for message in waiting {
            for part in [&b"id:"[..], self.client.id.as_bytes(), b"\nevent:", message.topic.as_bytes(), b"\ndata:"] {
                chunk.extend_from_slice(part);
            }
            chunk.extend_from_slice(&message.data);
            chunk.extend_from_slice(b"\n\n");
        }
        Some(chunk.into())
    }
}

/// Forgets the client however its stream ends.
struct Leaving {
    app: App,
    client: Arc<Client>,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.app.realtime().disconnect(&self.client.id);
    }
}

fn parse(values: &Map<String, Json>) -> Result<(String, Vec<String>)> {
    let mut problems = Problems::new();
    let unreadable = || ApiError::bad_request("");
    let id = match values.get("clientId") {
        None | Some(Json::Null) => String::new(),
        Some(id) => id.as_str().ok_or_else(unreadable)?.to_owned(),
    };
    if id.is_empty() {
        problems.add("clientId", FieldError::required());
    } else if id.len() > MOST_ID_BYTES {
        let error = FieldError::new("validation_length_out_of_range", "The length must be between 1 and 255.");
        problems.add("clientId", error.with("max", MOST_ID_BYTES).with("min", 1));
    }
    let topics: Vec<String> = match values.get("subscriptions") {
        None | Some(Json::Null) => Vec::new(),
        Some(topics) => {
            let topics = topics.as_array().ok_or_else(unreadable)?.iter();
            topics.map(|topic| topic.as_str().map(str::to_owned).ok_or_else(unreadable)).collect::<Result<_, _>>()?
        }
    };
    let too_long = |max: usize| {
        let message = format!("The length must be no more than {max}.");
        FieldError::new("validation_length_too_long", &message).with("max", max).with("min", 0)
    };
    if topics.len() > MOST_TOPICS {
        problems.add("subscriptions", too_long(MOST_TOPICS));
    }
    let mut each = Problems::new();
    for (at, topic) in topics.iter().enumerate().filter(|(_, topic)| topic.len() > MOST_TOPIC_BYTES) {
        tracing::debug!("a topic of {} bytes is refused", topic.len());
        each.add(&at.to_string(), too_long(MOST_TOPIC_BYTES));
    }
    problems.nest("subscriptions", each);
    problems.into_result()?;
    Ok((id, topics.into_iter().filter(|topic| !topic.is_empty()).collect()))
}

#[cfg(test)]
mod tests {
    use tokio_util::sync::CancellationToken;

    use super::*;

    fn connection() -> (Connection, Arc<Client>) {
        let (client, messages) = Client::new("c".into(), None, CancellationToken::new());
        let client = Arc::new(client);
        let connection = Connection {
            hello: None,
            messages,
            ends: Instant::now() + LONGEST,
            idle: IDLE,
            client: Arc::clone(&client),
        };
        (connection, client)
    }

    fn message(data: &'static str) -> Message {
        Message { topic: "t".into(), data: Bytes::from_static(data.as_bytes()) }
    }

    #[tokio::test]
    async fn a_stream_without_messages_ends() {
        let (mut connection, _client) = connection();
        assert_eq!((connection.idle, LONGEST), (Duration::from_secs(300), Duration::from_secs(1800)));
        connection.idle = Duration::from_millis(10);
        assert_eq!(connection.next().await, None);
    }

    #[tokio::test]
    async fn a_busy_stream_ends_too() {
        let (mut connection, client) = connection();
        connection.ends = Instant::now() + Duration::from_millis(20);
        let mut read = 0;
        loop {
            client.send(message("{}"));
            match connection.next().await {
                Some(_) => read += 1,
                None => break,
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        assert!(read > 0);
    }

    #[tokio::test]
    async fn waiting_messages_are_written_together() {
        let (mut connection, client) = connection();
        for data in ["1", "2"] {
            client.send(message(data));
        }
        let chunk = connection.next().await.expect("messages");
        assert_eq!(chunk, "id:c\nevent:t\ndata:1\n\nid:c\nevent:t\ndata:2\n\n");
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_is_dropped() {
        let (mut connection, client) = connection();
        for _ in 0..1000 {
            client.send(message("x"));
        }
        assert_eq!(connection.next().await, None);
    }
}
