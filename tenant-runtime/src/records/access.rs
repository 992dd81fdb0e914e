//! May this caller do this to this record: rules asked of the database.

use std::collections::HashSet;
use std::sync::Arc;

use chrono::Utc;
use rusqlite::types::Value as Sql;
use rusqlite::{Connection, OptionalExtension, params_from_iter};

use super::find::{self, quote};
use super::{Record, Value, pattern};
use crate::auth::Caller;
use crate::error::{ApiError, Error, Result};
use crate::rules::{ClientError, Param, ParseError, Query, RequestInfo};
use crate::schema::{Collection, Schema};

/// The name of the one-row table that stands in for a record which does not exist yet.
const NEW_ROW: &str = "__new_row";

/// Everything a rule is evaluated with.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The database, or the transaction.
    pub db: &'a Connection,
    /// The collections.
    pub schema: &'a Schema,
    /// Who asks.
    pub caller: &'a Caller,
    /// What they ask.
    pub request: &'a RequestInfo,
}

/// The rule that applies: `None` for superusers, who need to satisfy none.
///
/// # Errors
/// 403 when only superusers may.
pub fn applicable<'r>(caller: &Caller, rule: &'r Option<String>) -> Result<Option<&'r str>> {
    match rule {
        _ if caller.is_superuser() => Ok(None),
        Some(rule) => Ok(Some(rule.as_str()).filter(|rule| !rule.is_empty())),
        None => Err(ApiError::forbidden("Only superusers can perform this action.").into()),
    }
}

impl<'a> Scope<'a> {
    /// A query over a collection as this caller.
    pub fn query(&self, collection: &'a Collection) -> Query<'a> {
        Query::new(self.schema, collection, self.request, Utc::now())
    }

    /// The record with that id if it satisfies the rule; no rule lets everybody see it.
    pub fn find(&self, collection: &'a Arc<Collection>, id: &str, rule: Option<&str>) -> Result<Option<Record>> {
        let Some(rule) = rule else { return find::by_id(self.db, collection, id) };
        let mut query = self.query(collection);
        query.only(id);
        query.rule(rule).map_err(broken_rule)?;
        Ok(find::select(self.db, collection, &query.finish(), 1, 0)?.pop())
    }

    /// Those of the records with these ids that satisfy the rule, by id.
    pub fn satisfying(&self, collection: &'a Collection, ids: &[&str], rule: &str) -> Result<HashSet<String>> {
        let mut query = self.query(collection);
        query.rule(rule).map_err(broken_rule)?;
        let list = super::value::list_text(&ids.iter().map(|&id| id.to_owned()).collect::<Vec<_>>());
        let condition = format!("{}.`id` IN (SELECT value FROM json_each(?))", quote(&collection.name));
        query.condition(&condition, [Param::Text(list)]);
        let select = query.finish();
        if select.never {
            return Ok(HashSet::new());
        }
        let mut statement = self.db.prepare_cached(&select.to_sql(&format!("{}.`id`", select.base_alias)))?;
        let rows = statement.query_map(params_from_iter(find::bound(&select)), |row| row.get::<_, String>(0))?;
        Ok(rows.collect::<rusqlite::Result<HashSet<String>>>()?)
    }

    /// Whether a record that is not stored yet satisfies a rule: a one-row table with its values stands in for the
    /// collection.
    pub fn new_record_satisfies(&self, record: &Record, rule: &str) -> Result<bool> {
        let mut query = Query::new(self.schema, record.collection(), self.request, Utc::now()).over(NEW_ROW);
        query.rule(rule).map_err(broken_rule)?;
        let select = query.finish();
        if select.never {
            return Ok(false);
        }
        let columns: Vec<String> =
            record.collection().fields.iter().map(|field| format!("? AS {}", quote(&field.name))).collect();
        let sql = format!("WITH {NEW_ROW} AS (SELECT {}) {} LIMIT 1", columns.join(","), select.to_sql("1"));
        let values =
            record.collection().fields.iter().zip(record.values()).map(|(field, value)| match field.name.as_str() {
                "id" if value.is_empty() => Sql::Text(pattern::random_id(15)),
                "verified" if record.collection().is_auth() => Sql::Integer(0),
                _ => Value::to_sql(value),
            });
        let mut statement = self.db.prepare_cached(&sql)?;
        let params = params_from_iter(values.chain(find::bound(&select)));
        Ok(statement.query_row(params, |_| Ok(())).optional()?.is_some())
    }

    /// Whether the caller manages a stored record of an auth collection: may set what its owner may not.
    pub fn manages(&self, record: &Record) -> Result<bool> {
        match self.manage_rule(record.collection()) {
            None => Ok(self.caller.is_superuser()),
            Some(rule) => Ok(!self.satisfying(record.collection(), &[record.id()], rule)?.is_empty()),
        }
    }

    /// The same for a record that is not stored yet.
    pub fn manages_new(&self, record: &Record) -> Result<bool> {
        match self.manage_rule(record.collection()) {
            None => Ok(self.caller.is_superuser()),
            Some(rule) => self.new_record_satisfies(record, rule),
        }
    }

    /// The rule that decides about managing; none when it cannot make a difference to this caller.
    pub fn manage_rule<'c>(&self, collection: &'c Collection) -> Option<&'c str> {
        if self.caller.is_superuser() || self.caller.as_record().is_none() {
            return None;
        }
        collection.auth.as_ref()?.manage_rule.as_deref().filter(|rule| !rule.is_empty())
    }
}

/// A stored rule that does not compile: the collection changed under it.
pub fn broken_rule(error: ParseError) -> Error {
    tracing::debug!("a rule does not compile: {error}");
    ApiError::bad_request("").into()
}

/// What a client is told about its filter or sort.
pub fn refused_filter(error: &ClientError, text: &str) -> Error {
    match error {
        ClientError::Restricted => {
            let root = if text.contains("@collection.") { "@collection" } else { "@request" };
            ApiError::forbidden(&format!("Only superusers can filter by {root}.")).into()
        }
        ClientError::Invalid(error) => {
            tracing::debug!("a filter or sort is refused: {error}");
            ApiError::bad_request("").into()
        }
    }
}
