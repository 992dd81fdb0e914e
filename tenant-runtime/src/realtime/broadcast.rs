//! From a committed change to bytes in queues: who may see it, asked and rendered once per kind of listener.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use rusqlite::Connection;
use serde_json::Map;

use super::client::{Client, Message, State};
use super::topic::Topic;
use crate::app::App;
use crate::auth::Caller;
use crate::error::Result;
use crate::hooks::events::{
    Action, CollectionOutcome, CollectionOutcomes, RecordEvent, RecordEvents, RecordOutcome, RecordOutcomes,
};
use crate::hooks::{Hooks, Next};
use crate::http::pick::Wanted;
use crate::json;
use crate::records::access::{self, Scope};
use crate::records::{Record, expand, export, find};
use crate::rules::{self, Access, AuthIdentity, Context, RequestInfo};
use crate::schema::{Collection, Schema};

/// Registers the handlers.
pub fn bind(hooks: &mut Hooks) {
    hooks.record_after_create_success.bind(&[], after_save);
    hooks.record_after_update_success.bind(&[], after_save);
    hooks.record_delete.bind(&[], around_delete);
    hooks.record_after_delete_success.bind(&[], after_delete);
    hooks.collection_after_update_success.bind(&[], after_collection);
    hooks.collection_after_delete_success.bind(&[], after_collection);
}

/// A created or updated record is judged by what was committed.
fn after_save(event: &mut RecordOutcome<'_>, next: Next<'_, RecordOutcomes>) -> Result<()> {
    next.run(event)?;
    if event.record.collection().is_auth() && event.action == Action::Update {
        refresh_callers(event.app, &event.record);
    }
    if event.app.realtime().has_listeners(event.record.collection()) {
        let (app, record, action) = (event.app.clone(), Arc::clone(&event.record), event.action);
        event.app.realtime().later(event.app.pool(), move || {
            let told = app.store().read_here(|db| deliveries(&app, db, &record, action));
            match told {
                Ok(deliveries) => deliveries.into_iter().for_each(Delivery::send),
                Err(error) => tracing::warn!("failed to tell realtime clients: {error}"),
            }
        });
    }
    Ok(())
}

/// Who may hear of a deletion is asked while the record is still there; they hear once it is committed.
fn around_delete(event: &mut RecordEvent<'_>, next: Next<'_, RecordEvents>) -> Result<()> {
    let listened = event.app.realtime().has_listeners(event.record.collection());
    let deliveries = if listened { deliveries(event.app, event.tx, event.record, Action::Delete)? } else { Vec::new() };
    next.run(event)?;
    if !deliveries.is_empty() {
        let app = event.app.clone();
        event.tx.after_commit(move || {
            let pool = app.pool().clone();
            app.realtime().later(&pool, move || deliveries.into_iter().for_each(Delivery::send));
        });
    }
    Ok(())
}

fn after_delete(event: &mut RecordOutcome<'_>, next: Next<'_, RecordOutcomes>) -> Result<()> {
    next.run(event)?;
    for client in event.app.realtime().all() {
        if client.state().caller.is(&event.record) {
            client.set_caller(Caller::guest());
        }
    }
    Ok(())
}

/// With a collection, or with its secret, all its sign-ins end.
fn after_collection(event: &mut CollectionOutcome<'_>, next: Next<'_, CollectionOutcomes>) -> Result<()> {
    next.run(event)?;
    let secret = |collection: &Collection| collection.auth.as_ref().map(|auth| auth.auth_token.secret.clone());
    let before = event.original.as_deref().and_then(secret);
    if event.action == Action::Delete || before != secret(&event.collection) {
        for client in event.app.realtime().all() {
            let caller = client.state().caller;
            if caller.as_record().is_some_and(|record| record.collection().id == event.collection.id) {
                client.set_caller(Caller::guest());
            }
        }
    }
    Ok(())
}

/// Clients know of their own record's changes; a new key makes them guests.
fn refresh_callers(app: &App, record: &Arc<Record>) {
    for client in app.realtime().all() {
        if client.state().caller.is(record) {
            let ended = record.changed_by_name("tokenKey");
            client.set_caller(if ended { Caller::guest() } else { Caller::record(Arc::clone(record)) });
        }
    }
}

/// One message for one client.
struct Delivery {
    client: Arc<Client>,
    message: Message,
}

impl Delivery {
    fn send(self) {
        self.client.send(self.message);
    }
}

/// All messages about a change, one for each matching topic of each client that may see the record.
fn deliveries(app: &App, db: &Connection, record: &Record, action: Action) -> Result<Vec<Delivery>> {
    let schema = app.schema();
    let clients = app.realtime().listeners(record.collection());
    let mut told: HashMap<Arc<str>, Told> = HashMap::new();
    let mut deliveries = Vec::with_capacity(clients.len());
    for client in clients {
        let State { topics, caller } = client.state();
        for topic in topics.iter().filter(|topic| concerns(topic, record)) {
            let told = told.entry(Arc::clone(&topic.text)).or_insert_with(|| Told::about(topic, record.collection()));
            let class = told.class_of(&caller);
            let data = match told.data.get(&class) {
                Some(data) => data.clone(),
                None => {
                    let data = render(&schema, db, record, action, topic, &caller)?;
                    told.data.insert(class, data.clone());
                    data
                }
            };
            if let Some(data) = data {
                let message = Message { topic: Arc::clone(&topic.text), data };
                deliveries.push(Delivery { client: Arc::clone(&client), message });
            }
        }
    }
    Ok(deliveries)
}

fn concerns(topic: &Topic, record: &Record) -> bool {
    let collection = record.collection();
    (topic.collection == collection.id || topic.collection == collection.name)
        && topic.record.as_deref().is_none_or(|id| id == record.id())
}

/// What those who listen to one topic are told, by class.
struct Told {
    /// Whether what a caller is told may depend on who it is.
    personal: bool,
    data: HashMap<Class, Option<Bytes>>,
}

/// Callers for whom everything about a topic comes out alike.
#[derive(PartialEq, Eq, Hash)]
enum Class {
    Everybody,
    Superusers,
    /// One record, by collection and id.
    Only(String, String),
}

impl Told {
    fn about(topic: &Topic, collection: &Collection) -> Told {
        let rule = rule_of(topic, collection).as_deref().filter(|rule| !rule.is_empty());
        let asks_who = rule.is_some_and(|rule| rules::parse(rule).map_or(true, |rule| rule.mentions_auth()));
        let has_options = !topic.option("expand").is_empty() || !topic.option("filter").is_empty();
        Told { personal: asks_who || collection.is_auth() || has_options, data: HashMap::new() }
    }

    fn class_of(&self, caller: &Caller) -> Class {
        match caller.as_record() {
            Some(_) if caller.is_superuser() => Class::Superusers,
            Some(record) if self.personal => Class::Only(record.collection().id.clone(), record.id().to_owned()),
            _ => Class::Everybody,
        }
    }
}

/// Who listens to one record is asked for the view rule, who listens to all for the list rule.
fn rule_of<'c>(topic: &Topic, collection: &'c Collection) -> &'c Option<String> {
    if topic.record.is_some() { &collection.rules.view } else { &collection.rules.list }
}

/// The message's data, or nothing if this caller may not see the record or does not want it.
fn render(
    schema: &Schema,
    db: &Connection,
    record: &Record,
    action: Action,
    topic: &Topic,
    caller: &Caller,
) -> Result<Option<Bytes>> {
    let request = request(topic, caller);
    let scope = Scope { db, schema, caller, request: &request };
    if !may_see(&scope, record, topic)? {
        return Ok(None);
    }
    let mut record = record.clone();
    if !topic.option("expand").is_empty() {
        expand::expand(&scope, std::slice::from_mut(&mut record), topic.option("expand"))?;
    }
    let mut shown = export::record_json(&scope, &record)?;
    if !topic.option("fields").is_empty()
        && let (Some(wanted), Ok(mut value)) = (Wanted::parse(topic.option("fields")), serde_json::from_slice(&shown))
    {
        wanted.apply(&mut value);
        shown = json::text(&value).into_bytes();
    }
    let mut data = format!("{{\"action\":\"{}\",\"record\":", action.name()).into_bytes();
    data.extend(shown);
    data.push(b'}');
    Ok(Some(data.into()))
}

fn may_see(scope: &Scope<'_>, record: &Record, topic: &Topic) -> Result<bool> {
    let collection = record.collection();
    let Ok(rule) = access::applicable(scope.caller, rule_of(topic, collection)) else { return Ok(false) };
    let filter = topic.option("filter");
    if rule.is_none() && filter.is_empty() {
        return Ok(true);
    }
    let mut query = scope.query(collection);
    query.only(record.id());
    let as_whom = if scope.caller.is_superuser() { Access::Superuser } else { Access::Everyone };
    let sound = rule.is_none_or(|rule| query.rule(rule).is_ok()) && query.client_filter(filter, as_whom).is_ok();
    Ok(sound && find::any(scope.db, &query.finish())?)
}

fn request(topic: &Topic, caller: &Caller) -> RequestInfo {
    RequestInfo {
        context: Context::Realtime,
        method: "GET".to_owned(),
        headers: topic.headers.clone(),
        query: topic.query.clone(),
        auth: caller.as_record().map(|record| AuthIdentity::of(record)),
        body: Map::new(),
    }
}
