//! Creating and updating a record on a client's behalf: the body, the rules and the checks before the save.
//!
//! Runs inside the write transaction, so that what a rule saw and what a modifier added to is what is changed.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::access::{self, Scope};
use super::body::{self, Resolved};
use super::value::cast_text;
use super::{Record, Value, pattern, save, validate};
use crate::app::App;
use crate::auth::{self, Caller};
use crate::error::{ApiError, Error, FieldError, Problems, Result};
use crate::files::Upload;
use crate::rules::RequestInfo;
use crate::schema::{Collection, FieldKind, Schema};
use crate::store::Tx;

/// What a client sent, ready for the transaction.
#[derive(Default)]
pub struct Submission {
    /// Keys of the body.
    pub values: Map<String, Json>,
    /// Files by key.
    pub uploads: Vec<(String, Upload)>,
    /// What was hashed and compared beforehand, off the writer.
    pub credentials: Credentials,
    /// What a new record that brings no id is to be called: its files lie there already.
    pub new_id: Option<String>,
}

/// Password work done before the transaction: it takes too long for the one writer.
#[derive(Default)]
pub struct Credentials {
    /// Hashes by field and plain text.
    hashes: Vec<(usize, String, String)>,
    /// The hash of a password that nobody chose, by field.
    random: Option<(usize, String)>,
    /// The stored hash the submitted old password was found to fit.
    old_fits: Option<String>,
}

/// Who writes, and in whose name rules are asked.
pub struct Writing<'a> {
    /// The backend.
    pub app: &'a App,
    /// The collections.
    pub schema: &'a Schema,
    /// Who asks.
    pub caller: &'a Caller,
    /// What they ask; its body is filled in here.
    pub request: RequestInfo,
}

impl Credentials {
    /// Hashes the passwords a body sets and compares the old one it gives, if it is about a stored record.
    pub async fn prepare(
        app: &App,
        collection: &Arc<Collection>,
        id: Option<&str>,
        values: &Map<String, Json>,
    ) -> Result<Credentials> {
        let mut credentials = Credentials::default();
        for (at, field) in collection.fields.iter().enumerate() {
            let FieldKind::Password(options) = &field.kind else { continue };
            let plain = values.get(&field.name).map(cast_text).unwrap_or_default();
            if plain.is_empty() || validate::plain_password_problem(&plain, field.required, options).is_some() {
                continue;
            }
            let hash = app.hasher().hash(plain.clone(), options.cost).await?;
            credentials.hashes.push((at, plain, hash));
        }
        let old = values.get("oldPassword").map(cast_text).unwrap_or_default();
        if let (Some(id), false, true) = (id, old.is_empty(), collection.is_auth()) {
            let (id, of) = (id.to_owned(), Arc::clone(collection));
            let record = app.store().read(move |db| super::find::by_id(db, &of, &id)).await?;
            if let Some(stored) = record.map(|record| record.text("password").to_owned())
                && app.hasher().verify(old, stored.clone()).await?
            {
                credentials.old_fits = Some(stored);
            }
        }
        Ok(credentials)
    }

    /// Gives the body of a new account a password that nobody knows. As nobody chose it, neither its bounds nor its
    /// pattern are asked.
    pub async fn random(app: &App, collection: &Collection, values: &mut Map<String, Json>) -> Result<Credentials> {
        let plain = pattern::random_key(auth::RANDOM_PASSWORD);
        let mut credentials = Credentials::default();
        if let Some(at) = collection.field_index("password")
            && let FieldKind::Password(options) = &collection.fields[at].kind
        {
            credentials.random = Some((at, app.hasher().hash(plain.clone(), options.cost).await?));
        }
        for key in ["password", "passwordConfirm"] {
            values.insert(key.to_owned(), Json::from(plain.as_str()));
        }
        Ok(credentials)
    }

    /// Puts the hashes into the record. A password that could not be hashed is there for validation to refuse.
    fn apply(&self, record: &mut Record, passwords: Vec<(usize, String)>) {
        for (at, plain) in passwords {
            if let Some((_, hash)) = self.random.as_ref().filter(|(field, _)| *field == at) {
                record.set_value(at, Value::Text(hash.clone()));
                continue;
            }
            let known = self.hashes.iter().find(|(field, text, _)| *field == at && *text == plain);
            match known {
                Some((_, _, hash)) => record.set_password(at, plain, hash.clone()),
                None if plain.is_empty() => record.set_value(at, Value::Text(String::new())),
                None => record.set_password(at, plain, String::new()),
            }
        }
    }
}

impl Writing<'_> {
    /// Creates a record.
    ///
    /// # Errors
    /// 403 when only superusers may; an empty 400 when the create rule is not satisfied; `Error::Invalid` for values.
    pub fn create(&mut self, tx: &mut Tx, collection: &Arc<Collection>, sent: Submission) -> Result<Arc<Record>> {
        let rule = access::applicable(self.caller, &collection.rules.create)?;
        let mut record = Record::new(collection);
        let submitted = Submitted::of(&sent.values);
        let Resolved { body, passwords } =
            body::resolve(&mut record, sent.values, sent.uploads, self.caller.is_superuser())?;
        self.request.body = body;
        sent.credentials.apply(&mut record, passwords);
        let scope = self.scope(tx);
        if let Some(rule) = rule
            && !scope.new_record_satisfies(&record, rule)?
        {
            return Err(ApiError::bad_request("Failed to create record.").into());
        }
        if collection.is_auth() {
            let manages = scope.manages_new(&record)?;
            check_new_account(&record, &submitted, manages).into_result()?;
        }
        if let Some(id) = sent.new_id
            && record.id().is_empty()
        {
            record.set("id", &Json::String(id));
        }
        save::save(self.app, tx, record)
    }

    /// Updates a record.
    ///
    /// # Errors
    /// 403 when only superusers may; `Error::NotFound` when it is missing or the update rule is not satisfied;
    /// `Error::Invalid` for values.
    pub fn update(
        &mut self,
        tx: &mut Tx,
        collection: &Arc<Collection>,
        id: &str,
        sent: Submission,
    ) -> Result<Arc<Record>> {
        let rule = access::applicable(self.caller, &collection.rules.update)?;
        let mut record = super::find::by_id(tx, collection, id)?.ok_or(Error::NotFound)?;
        let submitted = Submitted::of(&sent.values);
        let Resolved { body, passwords } =
            body::resolve(&mut record, sent.values, sent.uploads, self.caller.is_superuser())?;
        self.request.body = body;
        let scope = self.scope(tx);
        if rule.is_some() && scope.find(collection, id, rule)?.is_none() {
            return Err(Error::NotFound);
        }
        let manages = collection.is_auth() && scope.manages(&record)?;
        let old_fits = sent.credentials.old_fits.as_deref().is_some_and(|hash| hash == record.text("password"));
        sent.credentials.apply(&mut record, passwords);
        if collection.is_auth() {
            check_account(&record, &submitted, manages, old_fits).into_result()?;
        }
        save::save(self.app, tx, record)
    }

    fn scope<'s>(&'s self, tx: &'s Tx) -> Scope<'s> {
        Scope { db: tx, schema: self.schema, caller: self.caller, request: &self.request }
    }
}

/// The keys of an account's body that are no fields or are checked as they came.
struct Submitted {
    password: Option<String>,
    password_confirm: Option<String>,
    old_password: Option<String>,
}

impl Submitted {
    fn of(values: &Map<String, Json>) -> Submitted {
        let text = |key: &str| values.get(key).map(cast_text);
        Submitted {
            password: text("password"),
            password_confirm: text("passwordConfirm"),
            old_password: text("oldPassword"),
        }
    }
}

fn check_new_account(record: &Record, sent: &Submitted, manages: bool) -> Problems {
    let mut problems = Problems::new();
    let password = sent.password.as_deref().unwrap_or_default();
    if password.is_empty() {
        problems.add("password", FieldError::required());
    }
    check_confirmation(&mut problems, sent, password, true);
    if !manages && record.flag("verified") {
        problems.add("verified", FieldError::mismatch());
    }
    problems
}

fn check_account(record: &Record, sent: &Submitted, manages: bool, old_fits: bool) -> Problems {
    let mut problems = Problems::new();
    let given = |text: &Option<String>| text.as_deref().is_some_and(|text| !text.is_empty());
    let password = sent.password.as_deref().unwrap_or_default();
    if password.is_empty() && (given(&sent.password_confirm) || given(&sent.old_password)) {
        problems.add("password", FieldError::required());
    }
    check_confirmation(&mut problems, sent, password, !password.is_empty() || given(&sent.old_password));
    if !manages {
        if !password.is_empty() {
            if !given(&sent.old_password) {
                problems.add("oldPassword", FieldError::required());
            } else if !old_fits {
                let message = "Missing or invalid old password.";
                problems.add("oldPassword", FieldError::new("validation_invalid_old_password", message));
            }
        }
        for field in ["email", "verified"] {
            if record.changed_by_name(field) {
                problems.add(field, FieldError::mismatch());
            }
        }
    }
    problems
}

fn check_confirmation(problems: &mut Problems, sent: &Submitted, password: &str, required: bool) {
    let confirmation = sent.password_confirm.as_deref().unwrap_or_default();
    if confirmation.is_empty() {
        if required {
            problems.add("passwordConfirm", FieldError::required());
        }
    } else if confirmation != password {
        problems.add("passwordConfirm", FieldError::mismatch());
    }
}
