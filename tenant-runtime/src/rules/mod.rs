//! The filter language: text in, SQL and parameters out.
//!
//! Rules, client filters and sorts are the same small language. [`parse`] turns a text into a [`Filter`] that may be
//! kept and shared; a [`Query`] compiles filters over one collection, sharing the joins their paths need; [`Columns`]
//! does the same for plain tables. Nothing here touches a database: the caller runs what comes out.
//!
//! Values never become SQL text. They are bound, in the order of their `?`, and names are always quoted.

mod ast;
mod columns;
mod compile;
mod from_request;
mod functions;
mod join;
mod macros;
mod modifiers;
mod operand;
mod parse;
mod query;
mod request;
mod resolve;
mod sort;
mod sql;

#[cfg(test)]
mod tests;

pub use ast::{Filter, Root};
pub use columns::Columns;
pub use parse::parse;
pub use query::{Access, ClientError, Query, Select};
pub use request::{AuthIdentity, Context, RequestInfo};
pub use sql::{Param, Sql, quote};

use chrono::{DateTime, Utc};

use crate::schema::{Collection, Schema};

/// Why a text is not a sound filter; what `Invalid rule. Raw error: …` shows.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ParseError(String);

impl ParseError {
    pub(crate) fn new(reason: impl Into<String>) -> ParseError {
        ParseError(reason.into())
    }
}

/// Whether a rule may be saved with this collection. The empty rule always may.
pub fn check(schema: &Schema, collection: &Collection, rule: &str) -> Result<(), ParseError> {
    let guest = RequestInfo::guest();
    Query::new(schema, collection, &guest, DateTime::<Utc>::UNIX_EPOCH).rule(rule)
}
