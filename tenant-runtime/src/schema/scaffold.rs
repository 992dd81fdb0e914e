//! Blank collections: what a new definition is laid over, and what admin pages begin with.

use super::settle::settle;
use super::system::{default_collection_id, new_auth_options};
use super::{Collection, CollectionType, Rules};

/// A collection of that type with the fields, options and indexes it has unless told otherwise.
pub fn blank(kind: CollectionType, name: &str) -> Collection {
    let mut collection = Collection {
        id: if name.is_empty() { String::new() } else { default_collection_id(kind, name) },
        name: name.to_owned(),
        kind,
        system: false,
        fields: Vec::new(),
        indexes: Vec::new(),
        rules: Rules::default(),
        view_query: String::new(),
        auth: (kind == CollectionType::Auth).then(|| Box::new(new_auth_options())),
        created: String::new(),
        updated: String::new(),
    };
    settle(&mut collection);
    collection
}

/// The blank collections without a name that admin pages are shown.
pub fn nameless() -> [Collection; 3] {
    [CollectionType::Auth, CollectionType::Base, CollectionType::View].map(|kind| blank(kind, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_begins_with_its_own_fields() {
        let names = |kind| -> Vec<String> { blank(kind, "x").fields.into_iter().map(|field| field.name).collect() };
        assert_eq!(names(CollectionType::Base), ["id"]);
        assert_eq!(names(CollectionType::Auth), ["id", "password", "tokenKey", "email", "emailVisibility", "verified"]);
        assert!(names(CollectionType::View).is_empty());
    }

    #[test]
    fn a_nameless_one_has_no_id_but_distinct_index_names() {
        let [auth, ..] = nameless();
        assert_eq!(auth.id, "");
        assert!(auth.indexes[0].starts_with("CREATE UNIQUE INDEX `idx_tokenKey_"));
        assert!(auth.indexes[0].ends_with("ON `` (`tokenKey`)"), "{}", auth.indexes[0]);
    }
}
