//! What every save settles before a definition is judged: fields that must be there, flags that are forced, default
//! ids and indexes.

use super::field::{FieldKind, default_id};
use super::index::{self, Index};
use super::system::{self, auth_fields, id_field};
use super::{Collection, Field};
use crate::records::{datetime, pattern};

/// Makes a definition whole.
pub fn settle(collection: &mut Collection) {
    let given = std::mem::take(&mut collection.fields);
    for field in given {
        add_field(&mut collection.fields, field);
    }
    for field in &mut collection.fields {
        if let FieldKind::Date(bounds) = &mut field.kind {
            bounds.min = datetime::normalise(&bounds.min);
            bounds.max = datetime::normalise(&bounds.max);
        }
    }
    if !collection.is_view() {
        settle_id(&mut collection.fields);
    }
    if collection.is_auth() {
        settle_auth_fields(collection);
        settle_auth_options(collection);
        add_auth_indexes(collection);
    }
    rename_index_tables(collection);
}

/// Adds a field to a list, or puts it in the place of the one it replaces: the one with its id or, when it brings
/// none, the one with its name.
pub fn add_field(fields: &mut Vec<Field>, mut field: Field) {
    let replaced = if field.id.is_empty() {
        let same_name = |known: &Field| !field.name.is_empty() && known.name == field.name;
        fields.iter().position(same_name)
    } else {
        fields.iter().position(|known| known.id == field.id)
    };
    if let Some(at) = replaced {
        field.id.clone_from(&fields[at].id);
        fields[at] = field;
        return;
    }
    if field.id.is_empty() {
        field.id = free_field_id(fields, &default_id(field.kind.name(), &field.name));
    }
    fields.push(field);
}

fn free_field_id(fields: &[Field], wanted: &str) -> String {
    let is_free = |id: &String| fields.iter().all(|field| field.id != *id);
    let numbered = (2..1000).map(|number| format!("{wanted}{number}"));
    std::iter::once(wanted.to_owned()).chain(numbered).find(is_free).unwrap_or_else(|| pattern::random_id(15))
}

/// `id` stands first unless it is there already; it is always the primary key.
fn settle_id(fields: &mut Vec<Field>) {
    let known = fields.iter_mut().find(|field| field.name == "id" && matches!(field.kind, FieldKind::Text(_)));
    if let Some(Field { system, required, hidden, kind: FieldKind::Text(options), .. }) = known {
        (*system, *required, *hidden, options.primary_key) = (true, true, false, true);
        if options.pattern.is_empty() {
            options.pattern = "^[a-z0-9]+$".to_owned();
        }
        return;
    }
    let others = std::mem::replace(fields, vec![id_field()]);
    for field in others {
        add_field(fields, field);
    }
}

fn settle_auth_fields(collection: &mut Collection) {
    for wanted in auth_fields() {
        let same_kind = |field: &&mut Field| field.name == wanted.name && field.kind.name() == wanted.kind.name();
        match collection.fields.iter_mut().find(same_kind) {
            Some(field) => {
                field.system = true;
                match wanted.name.as_str() {
                    "password" | "tokenKey" => (field.hidden, field.required) = (true, true),
                    "email" => field.hidden = false,
                    _ => {}
                }
            }
            None => add_field(&mut collection.fields, Field { id: String::new(), ..wanted }),
        }
    }
}

fn settle_auth_options(collection: &mut Collection) {
    let is_superusers = collection.is_superusers();
    let Some(auth) = &mut collection.auth else { return };
    let mapped = &mut auth.oauth2.mapped_fields;
    for name in [&mut mapped.id, &mut mapped.name, &mut mapped.username, &mut mapped.avatar_url] {
        if collection.fields.iter().all(|field| field.name != *name) {
            name.clear();
        }
    }
    if is_superusers {
        auth.oauth2.enabled = false;
        auth.oauth2.providers = None;
        auth.password_auth.enabled = true;
        auth.mfa.enabled |= auth.otp.enabled;
    }
}

/// `tokenKey` and `email` always have a unique index.
fn add_auth_indexes(collection: &mut Collection) {
    let suffix = if collection.id.is_empty() { pattern::random_id(10) } else { collection.id.clone() };
    let defaults = system::auth_indexes(&suffix, &collection.name);
    for (column, default) in ["tokenKey", "email"].into_iter().zip(defaults) {
        if index::single_column_unique(&collection.indexes, column).is_none() {
            collection.indexes.push(default);
        }
    }
}

/// An index of another table's name is one of this collection all the same. What already names it stays as written.
fn rename_index_tables(collection: &mut Collection) {
    for text in &mut collection.indexes {
        if let Some(index) = Index::parse(text)
            && index.table != collection.name
        {
            *text = Index { table: collection.name.clone(), ..index }.to_sql();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::field::TextOptions;
    use super::super::{CollectionType, scaffold};
    use super::*;

    fn text(id: &str, name: &str) -> Field {
        Field { id: id.to_owned(), ..Field::new(name, FieldKind::Text(TextOptions::default())) }
    }

    #[test]
    fn a_missing_id_comes_first_and_missing_auth_fields_last() {
        let mut collection = scaffold::blank(CollectionType::Auth, "people");
        collection.fields = vec![text("", "nick")];
        settle(&mut collection);
        let names: Vec<&str> = collection.fields.iter().map(|field| field.name.as_str()).collect();
        assert_eq!(names, ["id", "nick", "password", "tokenKey", "email", "emailVisibility", "verified"]);
    }

    #[test]
    fn a_field_of_another_type_gives_its_place_and_id_to_the_one_that_must_be_there() {
        let mut collection = scaffold::blank(CollectionType::Auth, "people");
        collection.fields = vec![text("zz", "email")];
        settle(&mut collection);
        let email = collection.field("email").expect("is there");
        assert_eq!((email.id.as_str(), email.kind.name()), ("zz", "email"));
    }

    #[test]
    fn default_ids_are_numbered_when_taken() {
        let mut fields = vec![text("text3904355907", "other")];
        add_field(&mut fields, text("", "a"));
        assert_eq!(fields[1].id, "text39043559072");
    }

    #[test]
    fn indexes_follow_the_collections_name() {
        let mut collection = scaffold::blank(CollectionType::Base, "posts");
        collection.indexes = vec!["create index i on old (a)".into(), "create  index j on posts (a)".into()];
        settle(&mut collection);
        assert_eq!(collection.indexes, ["CREATE INDEX `i` ON `posts` (`a`)", "create  index j on posts (a)"]);
    }
}
