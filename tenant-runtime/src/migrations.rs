//! Users' migrations as files: scripts in a folder beside the data directory, and the rows of `_migrations` that say
//! which of them a database has had.
//!
//! The scripts are JavaScript and are not run here. What needs no running - a blank file, a snapshot of the
//! collections, the history - is as a stock server has it, so the folder can be used with either.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use rusqlite::Connection;
use serde_json::Value as Json;

use crate::json;
use crate::schema::persist;

/// The first lines of every script, for editors.
const REFERENCE: &str = "/// <reference path=\"../pb_data/types.d.ts\" />\n";

/// Scripts of the folder that the database has not had, in the order they would be applied.
pub fn pending(db: &Connection, folder: &Path) -> anyhow::Result<Vec<String>> {
    let applied = applied(db)?;
    Ok(scripts(folder)?.into_iter().filter(|name| !applied.contains(name)).collect())
}

/// Scripts the database has had, the latest first.
pub fn applied(db: &Connection) -> anyhow::Result<Vec<String>> {
    let sql = "SELECT `file` FROM `_migrations` WHERE `file` NOT LIKE '%.go' ORDER BY `applied` DESC, `file` DESC";
    let mut statement = db.prepare(sql)?;
    let files = statement.query_map([], |row| row.get(0))?;
    Ok(files.collect::<rusqlite::Result<_>>()?)
}

/// Forgets the scripts that are no longer in the folder.
pub fn forget_missing(db: &Connection, folder: &Path) -> anyhow::Result<()> {
    let scripts = scripts(folder)?;
    for name in applied(db)?.iter().filter(|name| !scripts.contains(name)) {
        db.execute("DELETE FROM `_migrations` WHERE `file` = ?1", [name])?;
    }
    Ok(())
}

/// Where a new script of that name would be, `seconds` since the epoch being its time.
pub fn path_for(folder: &Path, seconds: i64, name: &str) -> PathBuf {
    folder.join(format!("{seconds}_{}.js", snake_case(name)))
}

/// Writes a script with nothing in it yet.
pub fn write_blank(path: &Path) -> anyhow::Result<()> {
    let body = "migrate((app) => {\n  // add up queries...\n}, (app) => {\n  // add down queries...\n})\n";
    write_new(path, &format!("{REFERENCE}{body}"))
}

/// Writes a script that makes any backend's collections those of this database.
pub fn write_snapshot(db: &Connection, path: &Path) -> anyhow::Result<()> {
    let collections: Vec<Json> =
        persist::load(db)?.iter().map(|collection| without_secrets(collection.to_public_json())).collect();
    let indented = serde_json::to_string_pretty(&collections)?.replace('\n', "\n  ");
    let body = format!(
        "migrate((app) => {{\n  const snapshot = {indented};\n\n  return app.importCollections(snapshot, false);\n}}, \
         (app) => {{\n  return null;\n}})\n"
    );
    write_new(path, &format!("{REFERENCE}{body}"))
}

/// A snapshot is kept with code: nothing in it may be a secret, or change from day to day.
fn without_secrets(collection: Json) -> Json {
    let Json::Object(mut keys) = collection else { return collection };
    for key in ["created", "updated"] {
        keys.remove(key);
    }
    if let Some(oauth2) = keys.get_mut("oauth2").and_then(Json::as_object_mut) {
        oauth2.remove("providers");
    }
    Json::Object(keys.into_iter().map(|(key, value)| (key, without_fractions(value))).collect())
}

/// Whole numbers as a stock server writes them.
fn without_fractions(json: Json) -> Json {
    match json {
        Json::Number(number) if number.is_f64() => {
            json::number_text(number.as_f64().unwrap_or_default()).parse().map_or(Json::Number(number), Json::Number)
        }
        Json::Array(items) => items.into_iter().map(without_fractions).collect(),
        Json::Object(keys) => keys.into_iter().map(|(key, value)| (key, without_fractions(value))).collect(),
        other => other,
    }
}

fn write_new(path: &Path, text: &str) -> anyhow::Result<()> {
    let folder = path.parent().context("a script is in a folder")?;
    fs::create_dir_all(folder).with_context(|| format!("create {}", folder.display()))?;
    let file = fs::File::create_new(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.with_context(|| format!("write {}", path.display()))
}

fn scripts(folder: &Path) -> anyhow::Result<Vec<String>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => bail!("read {}: {error}", folder.display()),
    };
    let mut names = Vec::new();
    for entry in entries {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.ends_with(".js") || name.ends_with(".ts") {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// `Add Posts` and `addPosts` are `add_posts`.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len());
    let mut after_small = false;
    for character in name.trim().chars() {
        if character.is_alphanumeric() {
            if character.is_uppercase() && after_small {
                snake.push('_');
            }
            snake.extend(character.to_lowercase());
            after_small = !character.is_uppercase();
        } else {
            if !snake.is_empty() && !snake.ends_with('_') {
                snake.push('_');
            }
            after_small = false;
        }
    }
    snake.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_snakes() {
        for (name, snake) in [("Add Posts", "add_posts"), ("addPosts", "add_posts"), ("../x  y-", "x_y"), ("ID", "id")]
        {
            assert_eq!(snake_case(name), snake);
        }
    }
}
