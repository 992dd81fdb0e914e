//! Who makes a request: a guest, a record of an auth collection, or a superuser.

use std::sync::Arc;

use crate::records::Record;
use crate::rules::AuthIdentity;

/// The one who makes a request.
#[derive(Clone, Debug, Default)]
pub struct Caller(Option<Arc<Record>>);

impl Caller {
    /// Nobody in particular.
    pub fn guest() -> Caller {
        Caller(None)
    }

    /// A signed-in record.
    pub fn record(record: Arc<Record>) -> Caller {
        Caller(Some(record))
    }

    /// The signed-in record, if there is one.
    pub fn as_record(&self) -> Option<&Arc<Record>> {
        self.0.as_ref()
    }

    /// Whether no rule applies to them.
    pub fn is_superuser(&self) -> bool {
        self.0.as_ref().is_some_and(|record| record.collection().is_superusers())
    }

    /// Whether they are that very record.
    pub fn is(&self, record: &Record) -> bool {
        self.0.as_ref().is_some_and(|own| own.collection().id == record.collection().id && own.id() == record.id())
    }
}

impl AuthIdentity {
    /// What rules know of a signed-in record without asking the database.
    pub fn of(record: &Record) -> AuthIdentity {
        AuthIdentity {
            id: record.id().to_owned(),
            collection_id: record.collection().id.clone(),
            collection_name: record.collection().name.clone(),
            email: record.text("email").to_owned(),
            email_visibility: record.flag("emailVisibility"),
            verified: record.flag("verified"),
        }
    }
}
