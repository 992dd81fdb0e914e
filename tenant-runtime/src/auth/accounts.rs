//! Records of auth collections as accounts: found by what people know of them, given passwords, and what belongs to them.

use std::sync::Arc;

use rusqlite::{Connection, params};

use super::tokens::{self, Claims};
use crate::app::App;
use crate::error::{Error, FieldError, Result};
use crate::records::find::{self, columns, quote};
use crate::records::{Record, Value, pattern, validate};
use crate::schema::{Collection, FieldKind, Schema, TokenType, index};

/// Characters of a password that nobody chose.
pub const RANDOM_PASSWORD: usize = 30;

/// The account whose field has that value. Letter case counts as the field's unique index says.
pub fn by_identity(db: &Connection, collection: &Arc<Collection>, field: &str, value: &str) -> Result<Option<Record>> {
    let index = index::single_column_unique(&collection.indexes, field);
    let ignore_case = index.is_some_and(|index| index.columns[0].collate.eq_ignore_ascii_case("nocase"));
    find::by_column(db, collection, field, value, ignore_case)
}

/// The account with that mail address.
pub fn by_email(db: &Connection, collection: &Arc<Collection>, email: &str) -> Result<Option<Record>> {
    by_identity(db, collection, "email", email)
}

/// The account a token in a mail belongs to, if it is one of that collection.
///
/// # Errors
/// The field error for the token, inside the result, when it is not valid.
pub(super) fn by_mailed_token(
    db: &Connection,
    schema: &Schema,
    collection: &Collection,
    token: &str,
    kind: TokenType,
) -> Result<Result<(Record, Claims), FieldError>> {
    let Some((record, claims)) = tokens::verify(db, schema, token, kind)? else {
        return Ok(Err(FieldError::new("validation_invalid_token", "Invalid or expired token.")));
    };
    if record.collection().id != collection.id {
        let message = "The provided token is for different auth collection.";
        return Ok(Err(FieldError::new("validation_token_collection_mismatch", message)));
    }
    Ok(Ok((record, claims)))
}

/// A new password with its hash, made off the writer.
pub(super) struct NewPassword {
    at: usize,
    /// Absent for a random one, which nobody has to check.
    plain: Option<String>,
    hash: String,
}

impl NewPassword {
    /// The hash of what somebody chose. What validation will refuse is not hashed.
    pub(super) async fn chosen(app: &App, collection: &Collection, plain: String) -> Result<NewPassword> {
        let (at, required, options) = password_field(collection)?;
        let hash = match validate::plain_password_problem(&plain, required, options) {
            Some(_) => String::new(),
            None => app.hasher().hash(plain.clone(), options.cost).await?,
        };
        Ok(NewPassword { at, plain: Some(plain), hash })
    }

    /// One that nobody knows: whoever had a password before has none now.
    pub(super) async fn random(app: &App, collection: &Collection) -> Result<NewPassword> {
        let (at, _, options) = password_field(collection)?;
        let hash = app.hasher().hash(pattern::random_key(RANDOM_PASSWORD), options.cost).await?;
        Ok(NewPassword { at, plain: None, hash })
    }

    pub(super) fn give_to(self, record: &mut Record) {
        match self.plain {
            Some(plain) => record.set_password(self.at, plain, self.hash),
            None => record.set_value(self.at, Value::Text(self.hash)),
        }
    }
}

fn password_field(collection: &Collection) -> Result<(usize, bool, &crate::schema::field::PasswordOptions)> {
    let at = collection.field_index("password");
    let found = at.and_then(|at| match &collection.fields[at].kind {
        FieldKind::Password(options) => Some((at, collection.fields[at].required, options)),
        _ => None,
    });
    found.ok_or_else(|| Error::Internal(anyhow::anyhow!("{} has no password", collection.name)))
}

/// Sets a field that every auth collection, or every one of the supporting collections, has.
pub(super) fn set(record: &mut Record, field: &str, value: Value) {
    if let Some(at) = record.collection().field_index(field) {
        record.set_value(at, value);
    }
}

/// One of the collections that support signing in, such as `_otps`.
pub(super) fn supporting(schema: &Schema, name: &str) -> Result<Arc<Collection>> {
    let found = schema.by_name(name).map(Arc::clone);
    found.ok_or_else(|| Error::Internal(anyhow::anyhow!("there is no {name}")))
}

/// A new record of a supporting collection that belongs to an account.
pub(super) fn belonging(collection: &Arc<Collection>, account: &Record) -> Record {
    let mut record = Record::new(collection);
    set(&mut record, "collectionRef", Value::Text(account.collection().id.clone()));
    set(&mut record, "recordRef", Value::Text(account.id().to_owned()));
    record
}

/// What belongs to an account in a supporting collection, newest first.
pub(super) fn belongings(db: &Connection, collection: &Arc<Collection>, account: &Record) -> Result<Vec<Record>> {
    let sql = format!(
        "SELECT {} FROM {} WHERE `collectionRef` = ?1 AND `recordRef` = ?2 ORDER BY `created` DESC, rowid DESC",
        columns(collection, None),
        quote(&collection.name)
    );
    let mut statement = db.prepare_cached(&sql)?;
    let rows = statement
        .query_map(params![account.collection().id, account.id()], |row| Record::from_row(collection, row, 0))?;
    Ok(rows.collect::<rusqlite::Result<Vec<Record>>>()?)
}
