//! Filters and rules run on SQLite: the observed behaviour of a stock server, and properties of any input.

mod filters;
mod properties;
mod protections;
mod rules;

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use serde_json::json;

use super::*;
use crate::schema::{CollectionType, Field, Rules};
use crate::store::functions;

/// A collection's fields in short: `name:type`, with `*` after the type for a list, `>` and a collection's name for a
/// relation, and `!` at the end for a hidden field.
pub(super) fn collection(name: &str, list_rule: Option<&str>, fields: &str) -> Collection {
    let mut collection = Collection {
        id: format!("id_{name}"),
        name: name.to_owned(),
        kind: CollectionType::Base,
        system: false,
        fields: vec![field("id:text")],
        indexes: Vec::new(),
        rules: Rules { list: list_rule.map(str::to_owned), ..Rules::default() },
        view_query: String::new(),
        auth: None,
        created: String::new(),
        updated: String::new(),
    };
    collection.fields.extend(fields.split_whitespace().map(field));
    collection
}

fn auth_collection(name: &str, list_rule: Option<&str>, fields: &str) -> Collection {
    let all = format!("email:email emailVisibility:bool verified:bool tokenKey:text! {fields}");
    Collection { kind: CollectionType::Auth, ..collection(name, list_rule, &all) }
}

fn field(spec: &str) -> Field {
    let (name, rest) = spec.split_once(':').expect("name:type");
    let hidden = rest.ends_with('!');
    let rest = rest.trim_end_matches('!');
    let (rest, target) = rest.split_once('>').unwrap_or((rest, ""));
    let list = rest.ends_with('*');
    let kind = if target.is_empty() { rest.trim_end_matches('*') } else { "relation" };
    let definition = json!({
        "name": name, "type": kind, "hidden": hidden, "maxSelect": if list { 9 } else { 1 },
        "collectionId": format!("id_{target}"),
    });
    Field::from_json(definition.as_object().expect("an object")).expect("a sound definition")
}

/// A schema and a database with its tables.
pub(super) struct Fixture {
    pub(super) schema: Schema,
    pub(super) db: Connection,
}

impl Fixture {
    pub(super) fn new(collections: Vec<Collection>) -> Fixture {
        let db = Connection::open_in_memory().expect("a database");
        functions::register(&db).expect("a function");
        for collection in &collections {
            let columns: Vec<String> =
                collection.fields.iter().map(|field| format!("{} {}", quote(&field.name), field.column())).collect();
            let table = format!("CREATE TABLE {} ({})", quote(&collection.name), columns.join(", "));
            db.execute_batch(&table).expect("a table");
        }
        let schema = Schema::new(collections.into_iter().map(Arc::new).collect());
        Fixture { schema, db }
    }

    /// Inserts a row given as a JSON object; lists and objects are stored as their text, as records store them.
    pub(super) fn insert(&self, table: &str, row: serde_json::Value) {
        let row = row.as_object().expect("an object").clone();
        let columns: Vec<String> = row.keys().map(|name| quote(name)).collect();
        let marks = vec!["?"; row.len()].join(", ");
        let sql = format!("INSERT INTO {} ({}) VALUES ({marks})", quote(table), columns.join(", "));
        let values = row.values().map(|value| to_value(&request::json_param(value)));
        self.db.execute(&sql, params_from_iter(values)).expect("a row");
    }

    pub(super) fn collection(&self, name: &str) -> &Collection {
        self.schema.by_name(name).expect("a collection")
    }

    pub(super) fn query<'a>(&'a self, base: &str, request: &'a RequestInfo) -> Query<'a> {
        Query::new(&self.schema, self.collection(base), request, now())
    }

    /// The values of one column of the rows that match, separated by commas, in the order of insertion.
    pub(super) fn run(&self, select: &Select, column: &str) -> Result<String, rusqlite::Error> {
        let column = format!("{}.{}", select.base_alias, quote(column));
        let rowid = format!("{}._rowid_", select.base_alias);
        let mut sql = select.to_sql(&format!("{column}, {rowid}"));
        if select.order_by.is_empty() {
            sql.push_str(&format!(" ORDER BY {rowid}"));
        }
        let mut statement = self.db.prepare(&sql)?;
        let params = params_from_iter(select.all_params().map(to_value));
        let found: Result<Vec<String>, _> = statement.query_map(params, |row| row.get(0))?.collect();
        let found = found?;
        assert!(!select.never || found.is_empty(), "never, but {found:?}");
        let params = params_from_iter(select.all_params().map(to_value));
        let counted: i64 = self.db.query_row(&select.to_count_sql(), params, |row| row.get(0))?;
        assert_eq!(usize::try_from(counted), Ok(found.len()), "{sql}");
        Ok(found.join(","))
    }
}

pub(super) fn to_value(param: &Param) -> Value {
    match param {
        Param::Null => Value::Null,
        Param::Bool(value) => Value::Integer(i64::from(*value)),
        Param::Integer(number) => Value::Integer(*number),
        Param::Number(number) => Value::Real(*number),
        Param::Text(text) => Value::Text(text.clone()),
    }
}

pub(super) fn now() -> DateTime<Utc> {
    "2024-05-15T12:00:00Z".parse().expect("a date")
}

/// The fixture the reference's filters were observed on.
fn posts() -> Fixture {
    let fixture = Fixture::new(vec![
        collection(
            "posts",
            Some(""),
            "title:text n:number d:date b:bool j:json g:geoPoint sel:select* one:select tag:>tags tags:*>tags \
             pv:>priv ow:>owned file:file*",
        ),
        collection("comments", Some(""), "msg:text post:>posts posts:*>posts"),
        collection("tags", Some(""), "name:text secret:text!"),
        collection("priv", None, "name:text"),
        collection("owned", Some("name = 'ok'"), "name:text"),
    ]);
    for name in ["red", "blue", "Green"] {
        fixture.insert("tags", json!({"id": name, "name": name, "secret": format!("s{name}")}));
    }
    fixture.insert("priv", json!({"id": "p", "name": "p"}));
    fixture.insert("owned", json!({"id": "ok", "name": "ok"}));
    fixture.insert("owned", json!({"id": "no", "name": "no"}));
    fixture.insert("posts", json!({"id": "p0", "title": "p0"}));
    fixture.insert(
        "posts",
        json!({"id": "p1", "title": "p1", "n": 1, "d": "2024-05-01 10:00:00.000Z", "b": true,
            "j": {"a": 1, "b": ["x", "y"], "c": {"d": "z"}}, "g": {"lon": 23.32, "lat": 42.69}, "sel": ["a", "b"],
            "tag": "red", "tags": ["red", "blue"], "pv": "p", "ow": "ok"}),
    );
    fixture.insert(
        "posts",
        json!({"id": "p2", "title": "p2", "n": 2, "d": "2024-06-01 10:00:00.000Z", "j": [1, 2],
            "g": {"lon": 24.75, "lat": 42.13}, "sel": ["a"], "tags": ["red"], "ow": "no"}),
    );
    fixture.insert(
        "posts",
        json!({"id": "p3", "title": "p3", "n": -3.5, "j": "\"str\"", "sel": ["c"], "tag": "Green",
            "tags": ["blue", "Green"]}),
    );
    fixture.insert("posts", json!({"id": "X", "title": r"50%_off\x", "n": 10, "j": 5}));
    let comments =
        [("C1", "hi", "p1", json!(["p1", "p2"])), ("C2", "yo", "p1", json!([])), ("C3", "hi", "p2", json!([]))];
    for (id, msg, post, posts) in comments {
        fixture.insert("comments", json!({"id": id, "msg": msg, "post": post, "posts": posts}));
    }
    fixture
}
