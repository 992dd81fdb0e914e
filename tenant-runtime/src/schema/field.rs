//! What one column of a collection may hold: the fourteen field types and their options, as PocketBase names them.
//!
//! A closed set, so an enum: each question ("which column?", "single or many?") is one `match`.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// One field of a collection.
#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// Stable across renames: a field keeps its column as long as its id stays.
    pub id: String,
    /// The key in records and the column's name.
    pub name: String,
    /// May be neither removed nor renamed.
    pub system: bool,
    /// Never shown to, set by or filtered by anyone but superusers.
    pub hidden: bool,
    /// A hint for admin pages only.
    pub presentable: bool,
    /// The value may not be the type's zero. Absent for `autodate`.
    pub required: bool,
    /// Free text for admin pages, up to 300 bytes. Absent for `autodate`.
    pub help: String,
    /// The type with its own options.
    pub kind: FieldKind,
}

/// The fourteen types. On the wire the variant's name stands under `type`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names are the types' names")]
pub enum FieldKind {
    Text(TextOptions),
    Editor(EditorOptions),
    Number(NumberOptions),
    Bool,
    Email(DomainOptions),
    Url(DomainOptions),
    Date(DateOptions),
    Autodate(AutodateOptions),
    Select(SelectOptions),
    File(FileOptions),
    Relation(RelationOptions),
    Json(JsonOptions),
    GeoPoint,
    Password(PasswordOptions),
}

/// Options of `text`. Lengths are code points.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct TextOptions {
    /// Fewest characters; 0 is no limit.
    pub min: i64,
    /// Most characters; 0 means 5000.
    pub max: i64,
    /// A regular expression the value must contain a match of.
    pub pattern: String,
    /// A regular expression from which an empty value is made on create.
    pub autogenerate_pattern: String,
    /// Whether this is the collection's `id`.
    pub primary_key: bool,
}

/// Options of `editor`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct EditorOptions {
    /// Most bytes; 0 means 5 MiB.
    pub max_size: i64,
    /// A hint for editors only.
    #[serde(rename = "convertURLs")]
    pub convert_urls: bool,
}

/// Options of `number`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub struct NumberOptions {
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub only_int: bool,
}

/// Options of `email` and `url`: at most one of the two lists is set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub struct DomainOptions {
    pub only_domains: Option<Vec<String>>,
    pub except_domains: Option<Vec<String>>,
}

/// Options of `date`: bounds as date strings, empty for none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub struct DateOptions {
    pub min: String,
    pub max: String,
}

/// Options of `autodate`; at least one is true.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[expect(missing_docs, reason = "the names say it")]
pub struct AutodateOptions {
    pub on_create: bool,
    pub on_update: bool,
}

/// Options of `select`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct SelectOptions {
    /// The allowed values.
    pub values: Option<Vec<String>>,
    /// 0 and 1 mean a single value, more a list.
    pub max_select: i64,
}

/// Options of `file`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct FileOptions {
    /// 0 and 1 mean a single file, more a list.
    pub max_select: i64,
    /// Most bytes of one file; 0 means 5 MiB.
    pub max_size: i64,
    /// Allowed content types; empty allows all.
    pub mime_types: Option<Vec<String>>,
    /// Sizes in which images may be asked for, such as `100x100` or `0x300f`.
    pub thumbs: Option<Vec<String>>,
    /// Whether a download needs to satisfy the view rule.
    pub protected: bool,
}

/// Options of `relation`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RelationOptions {
    /// The id of the collection pointed to.
    pub collection_id: String,
    /// Whether losing the last related record deletes this one too.
    pub cascade_delete: bool,
    /// Fewest related records.
    pub min_select: i64,
    /// 0 and 1 mean a single record, more a list.
    pub max_select: i64,
}

/// Options of `json`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct JsonOptions {
    /// Most bytes; 0 means 1 MiB.
    pub max_size: i64,
}

/// Options of `password`. Lengths are code points of the plain value.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PasswordOptions {
    /// Fewest characters.
    pub min: i64,
    /// Most characters; 0 means 71.
    pub max: i64,
    /// bcrypt's cost; 0 means 10.
    pub cost: i64,
    /// A regular expression the value must contain a match of.
    pub pattern: String,
}

impl Field {
    /// A field with no flags set and the default id of its type and name.
    pub fn new(name: &str, kind: FieldKind) -> Field {
        Field {
            id: default_id(kind.name(), name),
            name: name.to_owned(),
            system: false,
            hidden: false,
            presentable: false,
            required: false,
            help: String::new(),
            kind,
        }
    }

    /// Reads a complete definition: keys that are absent or null take their defaults, unknown ones are ignored.
    pub fn from_json(definition: &Map<String, Json>) -> Result<Field, serde_json::Error> {
        let given: Map<String, Json> =
            definition.iter().filter(|(_, value)| !value.is_null()).map(|(k, v)| (k.clone(), v.clone())).collect();
        let common: CommonKeys = serde_json::from_value(Json::Object(given.clone()))?;
        let kind: FieldKind = serde_json::from_value(Json::Object(given))?;
        let is_autodate = matches!(kind, FieldKind::Autodate(_));
        Ok(Field {
            id: common.id,
            name: common.name,
            system: common.system,
            hidden: common.hidden,
            presentable: common.presentable,
            required: common.required && !is_autodate,
            help: if is_autodate { String::new() } else { common.help },
            kind,
        })
    }

    /// The definition as the API shows it and the database stores it, keys in alphabetical order.
    pub fn to_json(&self) -> Json {
        let mut keys = match serde_json::to_value(&self.kind) {
            Ok(Json::Object(keys)) => keys,
            _ => Map::new(),
        };
        keys.insert("id".into(), self.id.clone().into());
        keys.insert("name".into(), self.name.clone().into());
        keys.insert("system".into(), self.system.into());
        keys.insert("hidden".into(), self.hidden.into());
        keys.insert("presentable".into(), self.presentable.into());
        if !matches!(self.kind, FieldKind::Autodate(_)) {
            keys.insert("required".into(), self.required.into());
            keys.insert("help".into(), self.help.clone().into());
        }
        Json::Object(keys)
    }

    /// Whether the value is a list.
    pub fn is_multiple(&self) -> bool {
        match &self.kind {
            FieldKind::Select(options) => options.max_select > 1,
            FieldKind::File(options) => options.max_select > 1,
            FieldKind::Relation(options) => options.max_select > 1,
            _ => false,
        }
    }

    /// Whether the type can hold a list at all, whatever this field does.
    pub fn is_multiple_capable(&self) -> bool {
        matches!(self.kind, FieldKind::Select(_) | FieldKind::File(_) | FieldKind::Relation(_))
    }

    /// The options of a relation, if this is one.
    pub fn relation(&self) -> Option<&RelationOptions> {
        match &self.kind {
            FieldKind::Relation(options) => Some(options),
            _ => None,
        }
    }

    /// The options of a file field, if this is one.
    pub fn file(&self) -> Option<&FileOptions> {
        match &self.kind {
            FieldKind::File(options) => Some(options),
            _ => None,
        }
    }

    /// The column's type and constraints, written after its name.
    pub fn column(&self) -> &'static str {
        const LIST: &str = "JSON DEFAULT '[]' NOT NULL";
        const TEXT: &str = "TEXT DEFAULT '' NOT NULL";
        match &self.kind {
            FieldKind::Text(options) if options.primary_key => {
                "TEXT PRIMARY KEY DEFAULT ('r'||lower(hex(randomblob(7)))) NOT NULL"
            }
            FieldKind::Number(_) => "NUMERIC DEFAULT 0 NOT NULL",
            FieldKind::Bool => "BOOLEAN DEFAULT FALSE NOT NULL",
            FieldKind::Json(_) => "JSON DEFAULT NULL",
            FieldKind::GeoPoint => r#"JSON DEFAULT '{"lon":0,"lat":0}' NOT NULL"#,
            FieldKind::Select(_) | FieldKind::File(_) | FieldKind::Relation(_) if self.is_multiple() => LIST,
            _ => TEXT,
        }
    }
}

impl FieldKind {
    /// The type's name on the wire.
    pub fn name(&self) -> &'static str {
        match self {
            FieldKind::Text(_) => "text",
            FieldKind::Editor(_) => "editor",
            FieldKind::Number(_) => "number",
            FieldKind::Bool => "bool",
            FieldKind::Email(_) => "email",
            FieldKind::Url(_) => "url",
            FieldKind::Date(_) => "date",
            FieldKind::Autodate(_) => "autodate",
            FieldKind::Select(_) => "select",
            FieldKind::File(_) => "file",
            FieldKind::Relation(_) => "relation",
            FieldKind::Json(_) => "json",
            FieldKind::GeoPoint => "geoPoint",
            FieldKind::Password(_) => "password",
        }
    }
}

/// The id a field gets when its definition brings none: the type followed by the name's CRC-32.
pub fn default_id(kind: &str, name: &str) -> String {
    format!("{kind}{}", crc32fast::hash(name.as_bytes()))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CommonKeys {
    id: String,
    name: String,
    system: bool,
    hidden: bool,
    presentable: bool,
    required: bool,
    help: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_default_id_is_the_one_stock_servers_make() {
        assert_eq!(default_id("text", "id"), "text3208210256");
        assert_eq!(default_id("autodate", "created"), "autodate2990389176");
    }

    #[test]
    fn a_definition_survives_the_round_trip() {
        let definition = json!({"id": "select1", "name": "s", "type": "select", "values": ["a"], "maxSelect": 2,
            "system": false, "hidden": true, "presentable": false, "required": true, "help": "h"});
        let field = Field::from_json(definition.as_object().expect("an object")).expect("a sound definition");
        assert_eq!(field.to_json(), definition);
    }

    #[test]
    fn an_unknown_type_is_refused() {
        let definition = json!({"name": "x", "type": "vector"});
        assert!(Field::from_json(definition.as_object().expect("an object")).is_err());
    }

    #[test]
    fn null_means_the_default() {
        let definition = json!({"name": "x", "type": "text", "max": null, "help": null});
        let field = Field::from_json(definition.as_object().expect("an object")).expect("a sound definition");
        assert_eq!(field.kind, FieldKind::Text(TextOptions::default()));
    }
}
