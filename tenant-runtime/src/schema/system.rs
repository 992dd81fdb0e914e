//! The collections every new backend begins with: five of the system, and `users`.

use super::auth_options::{AuthOptions, MappedFields};
use super::field::{AutodateOptions, DomainOptions, FileOptions, PasswordOptions, TextOptions, default_id};
use super::{Collection, CollectionType, Field, FieldKind, Rules, SUPERUSERS};
use crate::records::{datetime, pattern};

const OWNER: &str =
    "@request.auth.id != '' && recordRef = @request.auth.id && collectionRef = @request.auth.collectionId";
const SELF: &str = "id = @request.auth.id";
const SECRET_LENGTH: usize = 50;

/// All of them, in the order in which they are created.
pub fn initial_collections() -> Vec<Collection> {
    vec![
        supporting(
            "_mfas",
            vec![required_text("method")],
            owner_reads(),
            &[("CREATE INDEX `idx_mfas_collectionRef_recordRef` ON `_mfas` (collectionRef,recordRef)")],
        ),
        supporting(
            "_otps",
            vec![otp_password(), hidden_text("sentTo")],
            owner_reads(),
            &[("CREATE INDEX `idx_otps_collectionRef_recordRef` ON `_otps` (collectionRef, recordRef)")],
        ),
        supporting(
            "_externalAuths",
            vec![required_text("provider"), required_text("providerId")],
            owner_deletes(),
            &[
                "CREATE UNIQUE INDEX `idx_externalAuths_record_provider` ON `_externalAuths` (collectionRef, recordRef, provider)",
                "CREATE UNIQUE INDEX `idx_externalAuths_collection_provider` ON `_externalAuths` (collectionRef, provider, providerId)",
            ],
        ),
        supporting(
            "_authOrigins",
            vec![required_text("fingerprint")],
            owner_deletes(),
            &[
                "CREATE UNIQUE INDEX `idx_authOrigins_unique_pairs` ON `_authOrigins` (collectionRef, recordRef, fingerprint)",
            ],
        ),
        superusers(),
        users(),
    ]
}

/// The default id of a collection: its type and name as a CRC-32.
pub fn default_collection_id(kind: CollectionType, name: &str) -> String {
    format!("pbc_{}", crc32fast::hash(format!("{}{name}", kind.name()).as_bytes()))
}

/// `id` as every collection has it unless it says otherwise.
pub fn id_field() -> Field {
    let options = TextOptions {
        min: 15,
        max: 15,
        pattern: "^[a-z0-9]+$".into(),
        autogenerate_pattern: "[a-z0-9]{15}".into(),
        primary_key: true,
    };
    Field { system: true, required: true, ..Field::new("id", FieldKind::Text(options)) }
}

/// The fields beside `id` that every auth collection has, in their order.
pub fn auth_fields() -> Vec<Field> {
    let password = FieldKind::Password(PasswordOptions { min: 8, ..PasswordOptions::default() });
    let token_key = FieldKind::Text(TextOptions {
        min: 30,
        max: 60,
        autogenerate_pattern: "[a-zA-Z0-9]{50}".into(),
        ..TextOptions::default()
    });
    vec![
        Field { hidden: true, required: true, ..system(Field::new("password", password)) },
        Field { hidden: true, required: true, ..system(Field::new("tokenKey", token_key)) },
        Field { required: true, ..system(Field::new("email", FieldKind::Email(DomainOptions::default()))) },
        system(Field::new("emailVisibility", FieldKind::Bool)),
        system(Field::new("verified", FieldKind::Bool)),
    ]
}

/// The two unique indexes of an auth collection.
pub fn auth_indexes(id: &str, name: &str) -> [String; 2] {
    let index_name = |column: &str| {
        let mut name = format!("idx_{column}_{id}");
        name.truncate(64);
        name
    };
    [
        format!("CREATE UNIQUE INDEX `{}` ON `{name}` (`tokenKey`)", index_name("tokenKey")),
        format!("CREATE UNIQUE INDEX `{}` ON `{name}` (`email`) WHERE `email` != ''", index_name("email")),
    ]
}

/// Options of a new auth collection, with secrets of its own.
pub fn new_auth_options() -> AuthOptions {
    let mut options = AuthOptions::default();
    for (_, token) in options.tokens_mut() {
        token.secret = pattern::random_key(SECRET_LENGTH);
    }
    options
}

fn supporting(name: &str, own: Vec<Field>, rules: Rules, indexes: &[&str]) -> Collection {
    let mut fields = vec![id_field(), required_text("collectionRef"), required_text("recordRef")];
    fields.extend(own);
    fields.extend(dates().map(system));
    Collection {
        system: true,
        rules,
        indexes: indexes.iter().map(|&index| index.to_owned()).collect(),
        ..stored(name, CollectionType::Base, fields)
    }
}

fn superusers() -> Collection {
    let mut fields = vec![id_field()];
    fields.extend(auth_fields());
    fields.extend(dates().map(system));
    let mut options = new_auth_options();
    options.auth_token.duration = 86_400;
    let collection = stored(SUPERUSERS, CollectionType::Auth, fields);
    Collection {
        system: true,
        indexes: auth_indexes(&collection.id, SUPERUSERS).into(),
        auth: Some(Box::new(options)),
        ..collection
    }
}

fn users() -> Collection {
    let id = "_pb_users_auth_";
    let avatar = FieldKind::File(FileOptions {
        max_select: 1,
        mime_types: Some(
            ["image/jpeg", "image/png", "image/svg+xml", "image/gif", "image/webp"].map(str::to_owned).into(),
        ),
        ..FileOptions::default()
    });
    let name = FieldKind::Text(TextOptions { max: 255, ..TextOptions::default() });
    let mut fields = vec![id_field()];
    fields.extend(auth_fields());
    fields.extend([Field::new("name", name), Field::new("avatar", avatar)]);
    fields.extend(dates());
    let mut options = new_auth_options();
    options.oauth2.mapped_fields =
        MappedFields { name: "name".into(), avatar_url: "avatar".into(), ..MappedFields::default() };
    let own = || Some(SELF.to_owned());
    Collection {
        id: id.to_owned(),
        rules: Rules { list: own(), view: own(), create: Some(String::new()), update: own(), delete: own() },
        indexes: auth_indexes(id, "users").into(),
        auth: Some(Box::new(options)),
        ..stored("users", CollectionType::Auth, fields)
    }
}

fn stored(name: &str, kind: CollectionType, fields: Vec<Field>) -> Collection {
    let now = datetime::now();
    Collection {
        id: default_collection_id(kind, name),
        name: name.to_owned(),
        kind,
        system: false,
        fields,
        indexes: Vec::new(),
        rules: Rules::default(),
        view_query: String::new(),
        auth: None,
        created: now.clone(),
        updated: now,
    }
}

fn owner_reads() -> Rules {
    Rules { list: Some(OWNER.into()), view: Some(OWNER.into()), ..Rules::default() }
}

fn owner_deletes() -> Rules {
    Rules { delete: Some(OWNER.into()), ..owner_reads() }
}

fn system(field: Field) -> Field {
    Field { system: true, ..field }
}

fn required_text(name: &str) -> Field {
    Field { required: true, ..system(Field::new(name, FieldKind::Text(TextOptions::default()))) }
}

fn hidden_text(name: &str) -> Field {
    Field { hidden: true, ..system(Field::new(name, FieldKind::Text(TextOptions::default()))) }
}

fn otp_password() -> Field {
    let kind = FieldKind::Password(PasswordOptions { cost: 8, ..PasswordOptions::default() });
    Field { hidden: true, required: true, ..system(Field::new("password", kind)) }
}

fn dates() -> [Field; 2] {
    let date = |name: &str, on_update| Field {
        id: default_id("autodate", name),
        ..Field::new(name, FieldKind::Autodate(AutodateOptions { on_create: true, on_update }))
    };
    [date("created", false), date("updated", true)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_stock_servers() {
        let ids: Vec<String> = initial_collections().into_iter().map(|collection| collection.id).collect();
        assert_eq!(
            ids,
            [
                "pbc_2279338944",
                "pbc_1638494021",
                "pbc_2281828961",
                "pbc_4275539003",
                "pbc_3142635823",
                "_pb_users_auth_"
            ]
        );
        assert_eq!(default_collection_id(CollectionType::Base, "posts"), "pbc_1125843985");
    }
}
