//! New definitions: what a client sent, laid over the blank collection of its type, under an id that is free.

use serde_json::{Map, Value as Json};

use super::index::Index;
use super::overlay::{Malformed, Sent, overlay};
use super::{Collection, CollectionType, Schema, scaffold};

/// A new collection: the blank one of its type with what was sent laid over it.
///
/// # Errors
/// What cannot be read at all.
pub fn draft(schema: &Schema, given: &Map<String, Json>) -> Result<Collection, Malformed> {
    let sent = Sent(given);
    let kind = sent.kind()?.unwrap_or(CollectionType::Base);
    let mut name = String::new();
    sent.text("name", &mut name)?;
    let blank = scaffold::blank(kind, &name);
    let mut collection = overlay(&blank, given)?;
    let brings_id = given.get("id").and_then(Json::as_str).is_some_and(|id| !id.is_empty());
    if !brings_id && !name.is_empty() {
        collection.id = free_id(schema, &blank.id);
        rename_indexes(&mut collection, &blank.id);
    }
    Ok(collection)
}

/// The default id, with a number after it if a collection has it already.
fn free_id(schema: &Schema, wanted: &str) -> String {
    let numbered = (2..1000).map(|number| format!("{wanted}{number}"));
    let mut ids = std::iter::once(wanted.to_owned()).chain(numbered);
    ids.find(|id| schema.by_id(id).is_none()).unwrap_or_else(|| wanted.to_owned())
}

/// Default indexes are named after the id, which may have been taken.
fn rename_indexes(collection: &mut Collection, provisional_id: &str) {
    if collection.id == provisional_id {
        return;
    }
    for text in &mut collection.indexes {
        if let Some(index) = Index::parse(text)
            && index.name.contains(provisional_id)
        {
            let name = index.name.replace(provisional_id, &collection.id);
            *text = Index { name, ..index }.to_sql();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use serde_json::json;

    fn sent(schema: &Schema, given: Json) -> Collection {
        draft(schema, given.as_object().expect("an object")).expect("readable")
    }

    #[test]
    fn a_taken_id_is_numbered_and_default_indexes_follow() {
        let known = scaffold::blank(CollectionType::Auth, "people");
        let schema = Schema::new(vec![Arc::new(Collection { name: "renamed".into(), ..known })]);
        let draft = sent(&schema, json!({"type": "auth", "name": "people"}));
        assert!(draft.id.ends_with('2'), "{}", draft.id);
        assert!(draft.indexes[0].contains(&format!("`idx_tokenKey_{}`", draft.id)), "{}", draft.indexes[0]);
    }

    #[test]
    fn an_id_of_the_clients_stays() {
        let draft = sent(&Schema::default(), json!({"id": "mine", "name": "posts"}));
        assert_eq!((draft.id.as_str(), draft.kind), ("mine", CollectionType::Base));
        let draft = sent(&Schema::default(), json!({"id": "", "name": "posts"}));
        assert_eq!(draft.id, "pbc_1125843985");
    }
}
