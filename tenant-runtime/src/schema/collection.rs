//! A collection: the name, fields, rules and indexes of one table, or the query of one view.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::auth_options::AuthOptions;
use super::field::{Field, FieldKind};
use super::index;

/// One collection as stored in `_collections`.
#[derive(Clone, Debug, PartialEq)]
pub struct Collection {
    /// Stable across renames; names the folder of the collection's files.
    pub id: String,
    /// The table's or view's name.
    pub name: String,
    /// Base, auth or view.
    pub kind: CollectionType,
    /// Whether it belongs to the system and cannot be renamed or deleted.
    pub system: bool,
    /// In the order the API shows them.
    pub fields: Vec<Field>,
    /// `CREATE INDEX` expressions as the user wrote them.
    pub indexes: Vec<String>,
    /// Who may do what with records.
    pub rules: Rules,
    /// A view's `SELECT`; empty for the others.
    pub view_query: String,
    /// What only auth collections have.
    pub auth: Option<Box<AuthOptions>>,
    /// Date-time strings in the database's form.
    pub created: String,
    /// See `created`.
    pub updated: String,
}

/// The three types of collections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub enum CollectionType {
    #[default]
    Base,
    Auth,
    View,
}

/// The five rules: `None` is superusers only, empty is everybody, else a filter.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Rules {
    #[serde(rename = "listRule")]
    pub list: Option<String>,
    #[serde(rename = "viewRule")]
    pub view: Option<String>,
    #[serde(rename = "createRule")]
    pub create: Option<String>,
    #[serde(rename = "updateRule")]
    pub update: Option<String>,
    #[serde(rename = "deleteRule")]
    pub delete: Option<String>,
}

/// The name of the collection of superusers.
pub const SUPERUSERS: &str = "_superusers";

impl CollectionType {
    /// The name on the wire and in the database.
    pub fn name(self) -> &'static str {
        match self {
            CollectionType::Base => "base",
            CollectionType::Auth => "auth",
            CollectionType::View => "view",
        }
    }

    /// The type of that name.
    pub fn from_name(name: &str) -> Option<CollectionType> {
        [CollectionType::Base, CollectionType::Auth, CollectionType::View].into_iter().find(|kind| kind.name() == name)
    }
}

impl Collection {
    /// Whether its records can sign in.
    pub fn is_auth(&self) -> bool {
        self.kind == CollectionType::Auth
    }

    /// Whether it is a read-only query.
    pub fn is_view(&self) -> bool {
        self.kind == CollectionType::View
    }

    /// Whether it holds the superusers.
    pub fn is_superusers(&self) -> bool {
        self.name == SUPERUSERS
    }

    /// The field of exactly that name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The position of the field of exactly that name.
    pub fn field_index(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|field| field.name == name)
    }

    /// The field with that id.
    pub fn field_by_id(&self, id: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.id == id)
    }

    /// Whether some field holds files.
    pub fn has_files(&self) -> bool {
        self.fields.iter().any(|field| matches!(field.kind, FieldKind::File(_)))
    }

    /// Whether a unique index covers just this column (a partial one counts).
    pub fn has_unique_index_on(&self, column: &str) -> bool {
        index::single_column_unique(&self.indexes, column).is_some()
    }

    /// What the API shows: everything but secrets.
    pub fn to_public_json(&self) -> Json {
        let mut json = self.to_json();
        if let (Some(auth), Some(keys)) = (&self.auth, json.as_object_mut()) {
            keys.extend(auth.to_public_json());
        }
        json
    }

    /// Everything, secrets of an auth collection included: what an update is laid over.
    pub fn to_json(&self) -> Json {
        let mut keys = Map::new();
        keys.insert("id".into(), self.id.clone().into());
        keys.insert("name".into(), self.name.clone().into());
        keys.insert("type".into(), self.kind.name().into());
        keys.insert("system".into(), self.system.into());
        keys.insert("fields".into(), self.fields.iter().map(Field::to_json).collect());
        keys.insert("indexes".into(), self.indexes.clone().into());
        if let Ok(Json::Object(rules)) = serde_json::to_value(&self.rules) {
            keys.extend(rules);
        }
        keys.insert("created".into(), self.created.clone().into());
        keys.insert("updated".into(), self.updated.clone().into());
        if self.is_view() {
            keys.insert("viewQuery".into(), self.view_query.clone().into());
        }
        if let Some(auth) = &self.auth {
            keys.extend(auth.to_json());
        }
        Json::Object(keys)
    }

    /// The `options` column of `_collections`.
    pub fn stored_options(&self) -> Json {
        match (&self.auth, self.kind) {
            (Some(auth), _) => Json::Object(auth.to_json()),
            (None, CollectionType::View) => serde_json::json!({ "viewQuery": self.view_query }),
            (None, _) => Json::Object(Map::new()),
        }
    }
}
