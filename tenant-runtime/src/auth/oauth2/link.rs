//! From a profile to a record: one it is linked with, one it may be linked with, or a new one.
//!
//! Somebody else may have registered the address before its owner came: a record whose address was never proven loses
//! its password and its other links when the owner signs in.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension as _};
use serde_json::{Map, Value as Json};

use super::Profile;
use crate::app::App;
use crate::auth::{self, Caller};
use crate::error::{ApiError, Error, Result};
use crate::records::actions::{Submission, Writing};
use crate::records::find::quote;
use crate::records::{Record, Value, find, pattern, save};
use crate::rules::RequestInfo;
use crate::schema::field::TextOptions;
use crate::schema::{Collection, FieldKind, Schema, index};
use crate::store::Tx;

const LINKS: &str = "_externalAuths";
const FAILED: &str = "Failed to authenticate.";

/// Somebody who signs in through a service.
pub struct SignIn<'a> {
    /// The backend.
    pub app: &'a App,
    /// Where its users are.
    pub collection: &'a Arc<Collection>,
    /// The service's name.
    pub provider: &'a str,
    /// What it says.
    pub profile: &'a Profile,
    /// Who asks, possibly nobody.
    pub caller: &'a Caller,
}

/// The record, and whether it was made for this.
pub struct Link {
    /// As it is stored now.
    pub record: Record,
    /// Whether it is new.
    pub is_new: bool,
}

impl SignIn<'_> {
    /// The record that is meant, if there is one.
    pub fn find(&self, db: &Connection) -> Result<Option<Record>> {
        let sql = format!(
            "SELECT `recordRef` FROM `{LINKS}` WHERE `collectionRef` = ?1 AND `provider` = ?2 AND `providerId` = ?3"
        );
        let keys = [self.collection.id.as_str(), self.provider, self.profile.id.as_str()];
        let linked: Option<String> = db.prepare_cached(&sql)?.query_row(keys, |row| row.get(0)).optional()?;
        if let Some(id) = linked {
            return find::by_id(db, self.collection, &id);
        }
        if let Some(own) = self.caller.as_record().filter(|record| record.collection().id == self.collection.id) {
            return find::by_id(db, self.collection, own.id());
        }
        if self.profile.email.is_empty() {
            return Ok(None);
        }
        let index = index::single_column_unique(&self.collection.indexes, "email");
        let ignore_case = index.is_some_and(|index| index.columns[0].collate.eq_ignore_ascii_case("nocase"));
        find::by_column(db, self.collection, "email", &self.profile.email, ignore_case)
    }

    /// What a new record begins with: what the client sent, completed by what the service knows. The password is not.
    pub fn new_values(&self, db: &Connection, mut values: Map<String, Json>) -> Result<Map<String, Json>> {
        let profile = self.profile;
        let is_given = |values: &Map<String, Json>, key: &str| values.get(key).and_then(Json::as_str) != Some("");
        if !values.contains_key("email") || !is_given(&values, "email") {
            values.insert("email".to_owned(), Json::from(profile.email.as_str()));
        }
        if let Some(mapped) = self.collection.auth.as_ref().map(|auth| &auth.oauth2.mapped_fields) {
            let mut fill = |field: &str, value: &str| {
                if !field.is_empty() && !value.is_empty() && !values.contains_key(field) {
                    values.insert(field.to_owned(), Json::from(value));
                }
            };
            fill(&mapped.id, &profile.id);
            fill(&mapped.name, &profile.name);
            if self.suits(db, &mapped.username, &profile.username)? {
                fill(&mapped.username, &profile.username);
            }
            if self.avatar_field().is_none() {
                fill(&mapped.avatar_url, &profile.avatar_url);
            }
        }
        Ok(values)
    }

    /// The file field that takes the service's picture, if there is one.
    pub fn avatar_field(&self) -> Option<&str> {
        let mapped = self.collection.auth.as_ref()?.oauth2.mapped_fields.avatar_url.as_str();
        self.collection.field(mapped).filter(|field| field.file().is_some()).map(|field| field.name.as_str())
    }

    /// Whether a short name fits its field and is nobody's.
    fn suits(&self, db: &Connection, field: &str, username: &str) -> Result<bool> {
        let Some(known) = self.collection.field(field).filter(|_| !username.is_empty()) else { return Ok(false) };
        if let FieldKind::Text(TextOptions { pattern, .. }) = &known.kind
            && !pattern.is_empty()
            && !pattern::is_match(pattern, username)
        {
            return Ok(false);
        }
        let sql = format!("SELECT 1 FROM {} WHERE {} = ?1 COLLATE NOCASE", quote(&self.collection.name), quote(field));
        Ok(db.prepare_cached(&sql)?.query_row([username], |_| Ok(())).optional()?.is_none())
    }

    /// Makes a record under the collection's create rule and links it.
    pub fn create(&self, tx: &mut Tx, schema: &Schema, request: RequestInfo, submission: Submission) -> Result<Link> {
        if self.collection.is_superusers() {
            return Err(ApiError::forbidden("").into());
        }
        let mut writing = Writing { app: self.app, schema, caller: self.caller, request };
        let created = writing
            .create(tx, self.collection, submission)
            .map_err(|error| error.or_bad_request("Failed to create record."))?;
        let mut record = Record::clone(&created);
        if record.text("email") == self.profile.email && !record.flag("verified") {
            record.mark_saved();
            set(&mut record, "verified", Value::Bool(true));
            record = Record::clone(&*save::save_unvalidated(self.app, tx, record)?);
        }
        self.link(tx, &record)?;
        Ok(Link { record, is_new: true })
    }

    /// Links a record that was there before.
    pub fn adopt(&self, tx: &mut Tx, mut record: Record) -> Result<Link> {
        let unproven = !record.flag("verified");
        let email = record.text("email").to_owned();
        let mut changed = false;
        if unproven {
            if !self.caller.is(&record) {
                set_random_password(&mut record)?;
                changed = true;
            }
            let sql = format!("DELETE FROM `{LINKS}` WHERE `collectionRef` = ?1 AND `recordRef` = ?2");
            tx.prepare_cached(&sql)?.execute([self.collection.id.as_str(), record.id()])?;
        }
        if email.is_empty() && !self.profile.email.is_empty() {
            set(&mut record, "email", Value::Text(self.profile.email.clone()));
            changed = true;
        }
        if unproven && (email.is_empty() || email == self.profile.email) {
            set(&mut record, "verified", Value::Bool(true));
            changed = true;
        }
        if changed {
            let saved = save::save(self.app, tx, record).map_err(|error| error.or_bad_request(FAILED))?;
            record = Record::clone(&*saved);
        }
        self.link(tx, &record)?;
        Ok(Link { record, is_new: false })
    }

    fn link(&self, tx: &mut Tx, record: &Record) -> Result<()> {
        let sql = format!(
            "SELECT 1 FROM `{LINKS}` WHERE `collectionRef` = ?1 AND `recordRef` = ?2 AND `provider` = ?3
             AND `providerId` = ?4"
        );
        let keys = [self.collection.id.as_str(), record.id(), self.provider, self.profile.id.as_str()];
        if tx.prepare_cached(&sql)?.query_row(keys, |_| Ok(())).optional()?.is_some() {
            return Ok(());
        }
        let links = self.app.schema().by_name(LINKS).map(Arc::clone).ok_or(Error::NotFound)?;
        let mut link = Record::new(&links);
        for (field, value) in ["collectionRef", "recordRef", "provider", "providerId"].into_iter().zip(keys) {
            link.set(field, &Json::from(value));
        }
        save::save(self.app, tx, link).map_err(|error| error.or_bad_request(FAILED))?;
        Ok(())
    }
}

/// A password nobody knows, nor validates. It is hashed in the transaction, where nobody else waits long for it: this happens once in
/// the life of an account.
fn set_random_password(record: &mut Record) -> Result<()> {
    let collection = Arc::clone(record.collection());
    if let Some(at) = collection.field_index("password")
        && let FieldKind::Password(options) = &collection.fields[at].kind
    {
        let cost = u32::try_from(options.cost).ok().filter(|cost| (4..=31).contains(cost)).unwrap_or(10);
        let hash = auth::hash(&pattern::random_key(auth::RANDOM_PASSWORD), cost)?;
        record.set_value(at, Value::Text(hash));
    }
    Ok(())
}

fn set(record: &mut Record, field: &str, value: Value) {
    if let Some(at) = record.collection().field_index(field) {
        record.set_value(at, value);
    }
}
