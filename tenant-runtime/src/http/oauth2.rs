//! Signing in through other services: the call with a code, and the page services send people back to.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::{IntoResponse as _, Response};
use futures_util::StreamExt as _;
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Map, Value as Json, json};

use super::auth::{Proven, auth_collection, unreadable};
use super::form::invalid;
use super::request::{Head, parse_query};
use super::{body, respond};
use crate::app::App;
use crate::auth::oauth2::{Failure, Link, Profile, Provider, SignIn, Token};
use crate::auth::{self, oauth2};
use crate::error::{ApiError, Error, FieldError, Problems, Result};
use crate::files::{self, Upload};
use crate::http::path::Path;
use crate::realtime::{Client, Message, State as Listening};
use crate::records::actions::{Credentials, Submission};
use crate::records::save;
use crate::records::value::cast_text;
use crate::rules::Context;
use crate::schema::Collection;

const LONGEST_PROVIDER: usize = 100;
const LARGEST_AVATAR: u64 = 32 << 20;
const AVATAR_PATIENCE: Duration = Duration::from_secs(10);
/// The topic on which applications wait for the code.
const TOPIC: &str = "@oauth2";
const SUCCESS: &str = "../_/#/auth/oauth2-redirect-success";
const FAILURE: &str = "../_/#/auth/oauth2-redirect-failure";

struct Form {
    provider: Provider,
    code: String,
    verifier: String,
    redirect_url: String,
    create_data: Map<String, Json>,
}

/// `POST /api/collections/{collection}/auth-with-oauth2`
pub async fn sign_in(State(app): State<App>, Path(name): Path<String>, request: Request) -> Result<Response> {
    let (mut parts, content) = request.into_parts();
    let head = Head::new(&mut parts);
    let (collection, options) = auth_collection(&app, &name)?;
    if !options.oauth2.enabled {
        let message = "The collection is not configured to allow OAuth2 authentication.";
        return Err(ApiError::forbidden(message).into());
    }
    let submitted = body::read(&app, &head, content, body::DEFAULT_LIMIT).await.map_err(unreadable)?;
    let form = Form::parse(&submitted.values, |name| Provider::find(&options, name))?;
    let code = oauth2::Code { code: &form.code, verifier: &form.verifier, redirect_url: &form.redirect_url };
    let talked = oauth2::sign_in(app.outbound(), app.oauth2(), &form.provider, code).await;
    let (profile, token) = talked.map_err(|failure| {
        tracing::info!("sign-in through {}: {failure}", form.provider.name());
        ApiError::bad_request(match failure {
            Failure::Token(_) => "Failed to fetch OAuth2 token.",
            Failure::User(_) => "Failed to fetch OAuth2 user.",
        })
    })?;
    let profile = Arc::new(profile);
    let link = link(&app, &head, &collection, form, &profile).await?;
    let meta = meta(&profile, &token, link.is_new);
    let proven = Proven { meta: Some(meta), ..Proven::by(auth::Method::OAuth2, link.record) };
    proven.answer(&app, head, submitted.values).await
}

/// Finds or makes the record. What takes long is done before the transaction, for what a look beforehand says.
async fn link(
    app: &App,
    head: &Head,
    collection: &Arc<Collection>,
    form: Form,
    profile: &Arc<Profile>,
) -> Result<Link> {
    let name = form.provider.name().to_owned();
    let (inner, asked, of, known) = (app.clone(), head.clone(), Arc::clone(collection), Arc::clone(profile));
    let (provider, create_data) = (name.clone(), form.create_data);
    let new_values = app
        .store()
        .read(move |db| {
            let caller = asked.caller(db, &inner.schema())?;
            let app = &inner;
            let sign_in = SignIn { app, collection: &of, provider: &provider, profile: &known, caller: &caller };
            match sign_in.find(db)? {
                Some(_) => Ok(None),
                None => {
                    Ok(Some((sign_in.new_values(db, create_data.clone())?, sign_in.avatar_field().map(str::to_owned))))
                }
            }
        })
        .await?;
    let mut submission = Submission::default();
    if let Some((mut given, avatar_field)) = new_values {
        let is_chosen = given.get("password").and_then(Json::as_str).is_some_and(|password| !password.is_empty());
        submission.credentials = match is_chosen {
            true => Credentials::prepare(app, collection, None, &given).await?,
            false => Credentials::random(app, collection, &mut given).await?,
        };
        if let Some(field) = avatar_field.filter(|field| !given.contains_key(field)) {
            submission.uploads.extend(fetch_avatar(app, &profile.avatar_url).await.map(|upload| (field, upload)));
            submission.new_id = place_avatar(app, collection, &submission.uploads).await?;
        }
        submission.values = given;
    }
    let (inner, head, of, known) = (app.clone(), head.clone(), Arc::clone(collection), Arc::clone(profile));
    app.store()
        .write_alone(move |tx| {
            // A new account is refused by `save` all the same.
            tx.must_be_possible();
            let schema = inner.schema();
            let caller = head.caller(tx, &schema)?;
            let sign_in = SignIn { app: &inner, collection: &of, provider: &name, profile: &known, caller: &caller };
            match sign_in.find(tx)? {
                Some(record) => sign_in.adopt(tx, record),
                // Somebody deleted it in between.
                None if submission.values.is_empty() => Err(ApiError::bad_request("Failed to authenticate.").into()),
                None => {
                    let mut info = head.info(&caller, Context::OAuth2, Map::new());
                    info.method = Method::POST.to_string();
                    sign_in.create(tx, &schema, info, submission)
                }
            }
        })
        .await
}

/// The service's picture as an upload. Without it a sign-in is as good.
async fn fetch_avatar(app: &App, url: &str) -> Option<Upload> {
    let fetched = tokio::time::timeout(AVATAR_PATIENCE, try_fetch_avatar(app, url)).await;
    fetched.inspect_err(|_| tracing::debug!("no picture: it takes too long")).ok().flatten()
}

async fn try_fetch_avatar(app: &App, url: &str) -> Option<Upload> {
    let url = reqwest::Url::parse(url).ok()?;
    let name = url.path_segments().and_then(Iterator::last).unwrap_or("avatar").to_owned();
    let answer = app.outbound().send(reqwest::Request::new(Method::GET, url)).await.ok()?;
    if !answer.status().is_success() || answer.content_length().is_some_and(|length| length > LARGEST_AVATAR) {
        return None;
    }
    let mut left = LARGEST_AVATAR;
    let chunks = answer.bytes_stream().map(move |chunk| {
        let chunk = chunk.map_err(|error| Error::Internal(anyhow::Error::new(error.without_url())))?;
        left = left.checked_sub(chunk.len() as u64).ok_or(ApiError::new(StatusCode::PAYLOAD_TOO_LARGE, ""))?;
        Ok(chunk)
    });
    let fetched = files::spool(app, &name, Box::pin(chunks)).await;
    fetched.inspect_err(|error| tracing::debug!("no picture: {error}")).ok()
}

/// Puts the picture in place, outside the transaction. Answers the id the record must have for that.
async fn place_avatar(app: &App, collection: &Collection, uploads: &[(String, Upload)]) -> Result<Option<String>> {
    let id = save::new_id(collection)?;
    if let Some(id) = &id {
        files::place(app, collection, id, uploads).await?;
    }
    Ok(id)
}

fn meta(profile: &Profile, token: &Token, is_new: bool) -> Json {
    json!({
        "id": profile.id, "name": profile.name, "username": profile.username, "email": profile.email,
        "avatarURL": profile.avatar_url, "avatarUrl": profile.avatar_url, "rawUser": profile.raw,
        "accessToken": token.access, "refreshToken": token.refresh, "expiry": token.expiry, "isNew": is_new,
    })
}

impl Form {
    fn parse(values: &Map<String, Json>, find: impl FnOnce(&str) -> Option<Provider>) -> Result<Form> {
        let text = |key: &str| values.get(key).map(cast_text).unwrap_or_default();
        let mut problems = Problems::new();
        let (name, code) = (text("provider"), text("code"));
        let mut provider = None;
        if name.is_empty() {
            problems.add("provider", FieldError::required());
        } else if name.len() > LONGEST_PROVIDER {
            let error = FieldError::new("validation_length_out_of_range", "The length must be between 0 and 100.");
            problems.add("provider", error.with("max", LONGEST_PROVIDER).with("min", 0));
        } else {
            provider = find(&name);
            if provider.is_none() {
                let message = format!("Provider with name {name} is missing or is not enabled.");
                let error = FieldError::new("validation_invalid_provider", &message);
                problems.add("provider", error.with("name", name));
            }
        }
        if code.is_empty() {
            problems.add("code", FieldError::required());
        }
        let given = [text("redirectURL"), text("redirectUrl")];
        match provider {
            Some(provider) if problems.is_empty() => Ok(Form {
                provider,
                code,
                verifier: text("codeVerifier"),
                redirect_url: given.into_iter().find(|url| !url.is_empty()).unwrap_or_default(),
                create_data: values.get("createData").and_then(Json::as_object).cloned().unwrap_or_default(),
            }),
            _ => Err(invalid(problems.into())),
        }
    }
}

/// `GET` and `POST /api/oauth2-redirect`: hands the code to the application that waits for it on its event stream.
pub async fn redirect(State(app): State<App>, request: Request) -> Response {
    let (mut parts, content) = request.into_parts();
    let head = Head::new(&mut parts);
    let status = if head.method == Method::POST { StatusCode::SEE_OTHER } else { StatusCode::TEMPORARY_REDIRECT };
    let mut values = head.query.clone();
    if head.method == Method::POST {
        match body::collect(content, body::DEFAULT_LIMIT).await {
            Ok(form) => values = parse_query(&String::from_utf8_lossy(&form)),
            Err(error) => return error.into_response(),
        }
    }
    let value = |key: &str| values.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value.as_str());
    let (state, code, error) = (value("state"), value("code"), value("error"));
    let client = app.realtime().find(state).filter(|client| client.address == head.address);
    let waiting = client.filter(|client| client.state().topics.iter().any(|topic| &*topic.text == TOPIC));
    let Some(client) = waiting else { return sent_to(status, FAILURE) };
    let name = apple_name(value("user"));
    if !code.is_empty() && !name.is_empty() {
        app.oauth2().keep_name(code, &name);
    }
    hand_over(&app, &client, state, code, error);
    sent_to(status, if code.is_empty() || !error.is_empty() { FAILURE } else { SUCCESS })
}

fn hand_over(app: &App, client: &Arc<Client>, state: &str, code: &str, error: &str) {
    let mut data = json!({ "state": state, "code": code });
    if !error.is_empty() {
        data["error"] = Json::from(error);
    }
    client.send(Message { topic: TOPIC.into(), data: data.to_string().into() });
    let Listening { topics, caller } = client.state();
    let topics = topics.iter().filter(|topic| &*topic.text != TOPIC).cloned().collect();
    app.realtime().subscribe(client, Listening { topics, caller });
}

/// Apple tells a name once, beside the code.
fn apple_name(user: &str) -> String {
    let user: Json = serde_json::from_str(user).unwrap_or_default();
    let part = |key: &str| user.pointer(key).map(cast_text).unwrap_or_default();
    format!("{} {}", part("/name/firstName"), part("/name/lastName")).trim().to_owned()
}

fn sent_to(status: StatusCode, place: &'static str) -> Response {
    let mut response = respond::no_content();
    *response.status_mut() = status;
    response.headers_mut().insert(header::LOCATION, HeaderValue::from_static(place));
    response
}
