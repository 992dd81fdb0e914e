//! Collections as rows of `_collections`.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, Row, params_from_iter};
use serde_json::{Map, Value as Json};

use super::{AuthOptions, Collection, CollectionType, Field, Rules};
use crate::error::{Error, Result};
use crate::json;

const COLUMNS: &str = "`id`,`system`,`type`,`name`,`fields`,`indexes`,`listRule`,`viewRule`,`createRule`,`updateRule`,\
     `deleteRule`,`options`,`created`,`updated`";

/// All collections in the order of their creation.
pub fn load(db: &Connection) -> Result<Vec<Collection>> {
    let mut statement = db.prepare(&format!("SELECT {COLUMNS} FROM `_collections` ORDER BY `rowid`"))?;
    let mut rows = statement.query([])?;
    let mut collections = Vec::new();
    while let Some(row) = rows.next()? {
        collections.push(from_row(row)?);
    }
    Ok(collections)
}

/// Adds a row.
pub fn insert(db: &Connection, collection: &Collection) -> Result<()> {
    let sql = format!("INSERT INTO `_collections` ({COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
    db.execute(&sql, params_from_iter(values(collection)))?;
    Ok(())
}

/// Replaces the row with the collection's id.
pub fn update(db: &Connection, collection: &Collection) -> Result<()> {
    let assignments: Vec<String> = COLUMNS.split(',').map(|column| format!("{} = ?", column.trim())).collect();
    let sql = format!("UPDATE `_collections` SET {} WHERE `id` = ?", assignments.join(","));
    let id = Sql::Text(collection.id.clone());
    db.execute(&sql, params_from_iter(values(collection).into_iter().chain([id])))?;
    Ok(())
}

/// Removes the row with that id.
pub fn delete(db: &Connection, id: &str) -> Result<()> {
    db.execute("DELETE FROM `_collections` WHERE `id` = ?1", [id])?;
    Ok(())
}

fn from_row(row: &Row<'_>) -> Result<Collection> {
    let name: String = row.get(3)?;
    let unreadable = |what: &str| Error::Internal(anyhow::anyhow!("{what} of the collection {name} cannot be read"));
    let kind: String = row.get(2)?;
    let kind = CollectionType::from_name(&kind).ok_or_else(|| unreadable("the type"))?;
    let fields: Vec<Map<String, Json>> =
        serde_json::from_str(&text(row, 4)?).map_err(|_| unreadable("the list of fields"))?;
    let fields = fields.iter().map(Field::from_json).collect::<Result<_, _>>().map_err(|_| unreadable("a field"))?;
    let options: Json = serde_json::from_str(&text(row, 11)?).map_err(|_| unreadable("the options"))?;
    let auth = match kind {
        CollectionType::Auth => Some(auth_options(options.clone()).ok_or_else(|| unreadable("the options"))?),
        _ => None,
    };
    let id: String = row.get(0)?;
    if id.contains(['/', '\\', '\0']) || matches!(id.as_str(), "" | "." | "..") {
        // Files lie in a folder of this name, and a directory may come from anybody.
        return Err(unreadable("the id"));
    }
    Ok(Collection {
        id,
        system: row.get(1)?,
        kind,
        fields,
        indexes: serde_json::from_str(&text(row, 5)?).map_err(|_| unreadable("the list of indexes"))?,
        rules: Rules {
            list: row.get(6)?,
            view: row.get(7)?,
            create: row.get(8)?,
            update: row.get(9)?,
            delete: row.get(10)?,
        },
        view_query: options.get("viewQuery").and_then(Json::as_str).unwrap_or_default().to_owned(),
        auth,
        created: text(row, 12)?,
        updated: text(row, 13)?,
        name,
    })
}

fn text(row: &Row<'_>, column: usize) -> Result<String> {
    Ok(crate::records::value::column_text(row.get_ref(column)?).into_owned())
}

/// Reads options leniently: what is null or absent takes its default.
fn auth_options(mut options: Json) -> Option<Box<AuthOptions>> {
    let may_be_null = ["authRule", "manageRule"];
    if let Some(keys) = options.as_object_mut() {
        keys.retain(|key, value| !value.is_null() || may_be_null.contains(&key.as_str()));
    }
    serde_json::from_value(options).ok().map(Box::new)
}

fn values(collection: &Collection) -> Vec<Sql> {
    let optional = |rule: &Option<String>| rule.clone().map_or(Sql::Null, Sql::Text);
    let fields: Json = collection.fields.iter().map(Field::to_json).collect();
    vec![
        Sql::Text(collection.id.clone()),
        Sql::Integer(i64::from(collection.system)),
        Sql::Text(collection.kind.name().to_owned()),
        Sql::Text(collection.name.clone()),
        Sql::Text(json::text(&fields)),
        Sql::Text(json::text(&Json::from(collection.indexes.clone()))),
        optional(&collection.rules.list),
        optional(&collection.rules.view),
        optional(&collection.rules.create),
        optional(&collection.rules.update),
        optional(&collection.rules.delete),
        Sql::Text(json::text(&collection.stored_options())),
        Sql::Text(collection.created.clone()),
        Sql::Text(collection.updated.clone()),
    ]
}
