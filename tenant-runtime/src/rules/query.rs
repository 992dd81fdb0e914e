//! One query over a collection: its rule, its caller's filter and sort, and the joins they share.

use chrono::{DateTime, Utc};

use super::ast::is_restricted;
use super::compile::{Condition, compile};
use super::join::Joins;
use super::request::RequestInfo;
use super::resolve::{Records, View};
use super::sql::{Param, Sql, quote};
use super::{Filter, ParseError, parse, sort};
use crate::schema::{Collection, Schema};

/// How many bytes a client's filter may have.
pub(super) const MAX_FILTER: usize = 3500;

/// A query being put together. Conditions add up with `AND`.
#[derive(Clone, Debug)]
pub struct Query<'a> {
    schema: &'a Schema,
    base: &'a Collection,
    request: &'a RequestInfo,
    now: DateTime<Utc>,
    table: String,
    alias: String,
    /// Whether the rows are the base's own.
    own_rows: bool,
    joins: Joins<'a>,
    condition: Condition,
    order_by: String,
}

/// Whose filter or sort it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// May look at everything.
    Superuser,
    /// May look only at what could be listed anyway, and at nothing hidden.
    Everyone,
}

/// Why a client's filter or sort is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClientError {
    /// It names what only superusers may: 403.
    #[error("only superusers can filter by @collection and @request fields")]
    Restricted,
    /// It makes no sense, or reaches for what must stay hidden: 400.
    #[error(transparent)]
    Invalid(#[from] ParseError),
}

/// A finished query. Parameters are bound joins first, then those of the condition.
#[derive(Clone, Debug, PartialEq)]
pub struct Select {
    /// The quoted name under which the base's columns are read.
    pub base_alias: String,
    /// What stands after `FROM`, before the joins.
    pub table: String,
    /// ` LEFT JOIN …`, or nothing.
    pub joins: String,
    /// The parameters of `joins`.
    pub join_params: Vec<Param>,
    /// What stands after `WHERE`; empty if everything matches.
    pub condition: String,
    /// The parameters of `condition`.
    pub params: Vec<Param>,
    /// What stands after `ORDER BY`; empty for no order. It has no parameters.
    pub order_by: String,
    /// Whether a row of the base may come out several times, so that `DISTINCT` is needed.
    pub distinct: bool,
    /// Whether it is already clear that nothing matches, so that there is no need to ask.
    pub never: bool,
}

impl<'a> Query<'a> {
    /// A query over all records of a collection. The request is what its rules see; `now` is what `@now` says.
    pub fn new(schema: &'a Schema, base: &'a Collection, request: &'a RequestInfo, now: DateTime<Utc>) -> Query<'a> {
        let alias = quote(&base.name);
        Query {
            schema,
            base,
            request,
            now,
            table: alias.clone(),
            alias,
            own_rows: true,
            joins: Joins::default(),
            condition: Condition::Always,
            order_by: String::new(),
        }
    }

    /// Lets another table or CTE with the same columns stand in for the base's rows, such as the one row a create
    /// rule is asked about. `@collection` still means the real tables.
    pub fn over(mut self, table: &str) -> Query<'a> {
        self.own_rows = false;
        self.table = format!("{} AS {}", quote(table), self.alias);
        self
    }

    /// Only the record with that id.
    pub fn only(&mut self, id: &str) {
        let mut sql = Sql::raw(format!("{}.`id` = ", self.alias));
        sql.bind(Param::Text(id.to_owned()));
        self.restrict(Condition::Tight(sql));
    }

    /// A condition of the caller's own, written against [`Select::base_alias`].
    pub fn condition(&mut self, sql: &str, params: impl IntoIterator<Item = Param>) {
        let sql = Sql { text: sql.to_owned(), params: params.into_iter().collect() };
        self.restrict(Condition::Loose(sql));
    }

    /// A rule, which may look at everything. The empty rule lets everything pass.
    pub fn rule(&mut self, text: &str) -> Result<(), ParseError> {
        if text.is_empty() {
            return Ok(());
        }
        self.rule_parsed(&parse(text)?)
    }

    /// A rule parsed before.
    pub fn rule_parsed(&mut self, rule: &Filter) -> Result<(), ParseError> {
        let known = self.joins.len();
        let condition = self.compile(rule, false)?;
        if matches!(condition, Condition::Always | Condition::Never) {
            self.joins.truncate(known);
        }
        self.restrict(condition);
        Ok(())
    }

    /// A client's filter. The empty filter lets everything pass.
    pub fn client_filter(&mut self, text: &str, access: Access) -> Result<(), ClientError> {
        if text.is_empty() {
            return Ok(());
        }
        refuse_restricted(is_restricted(text), access)?;
        self.client_filter_parsed(&parse(text)?, access)
    }

    /// A client's filter parsed before.
    pub fn client_filter_parsed(&mut self, filter: &Filter, access: Access) -> Result<(), ClientError> {
        refuse_restricted(filter.restricted, access)?;
        if filter.length > MAX_FILTER {
            return Err(ParseError::new("the filter is too long").into());
        }
        let condition = self.compile(filter, access == Access::Everyone)?;
        self.restrict(condition);
        Ok(self.apply_list_rules()?)
    }

    /// A client's sort. The empty sort changes nothing.
    pub fn client_sort(&mut self, text: &str, access: Access) -> Result<(), ClientError> {
        if text.is_empty() {
            return Ok(());
        }
        refuse_restricted(is_restricted(text), access)?;
        let alias = self.alias.clone();
        let mut records = self.records(access == Access::Everyone);
        self.order_by = sort::compile(text, &mut records, &alias)?;
        Ok(self.apply_list_rules()?)
    }

    /// The SQL.
    pub fn finish(self) -> Select {
        let joins = self.joins.to_sql();
        let never = self.condition == Condition::Never;
        let condition = match self.condition {
            Condition::Always => Sql::default(),
            condition => condition.into_sql(),
        };
        let repeats = self.joins.multiply() || (self.base.is_view() && self.joins.len() > 0);
        Select {
            base_alias: self.alias,
            table: self.table,
            joins: joins.text,
            join_params: joins.params,
            condition: condition.text,
            params: condition.params,
            order_by: self.order_by,
            distinct: repeats,
            never,
        }
    }

    fn compile(&mut self, filter: &Filter, guarded: bool) -> Result<Condition, ParseError> {
        let now = self.now;
        compile(filter, &mut self.records(guarded), now)
    }

    fn records(&mut self, guarded: bool) -> Records<'_, 'a> {
        let view = View {
            schema: self.schema,
            request: self.request,
            base: self.base,
            alias: self.alias.clone(),
            realm: String::new(),
            solid: self.own_rows && !self.base.is_view(),
            guarded,
        };
        Records { view, joins: &mut self.joins }
    }

    /// Of the collections a client reads through joins, only rows its list rules show may take part: a record with a
    /// related one that may not be listed is left out altogether, lest filters tell what is in it.
    fn apply_list_rules(&mut self) -> Result<(), ParseError> {
        while let Some((alias, collection)) = self.joins.take_unguarded() {
            let rule = match collection.rules.list.as_deref() {
                None | Some("") => continue,
                Some(rule) => parse(rule)?,
            };
            let absent = Sql::raw(format!("{alias}.`id` IS NULL OR {alias}.`id` = ''"));
            let view = View {
                schema: self.schema,
                request: self.request,
                base: collection,
                realm: format!("{alias}/"),
                alias,
                solid: false,
                guarded: false,
            };
            let mut records = Records { view, joins: &mut self.joins };
            let listed = compile(&rule, &mut records, self.now)?;
            self.restrict(Condition::Loose(absent).or(listed));
        }
        Ok(())
    }

    fn restrict(&mut self, condition: Condition) {
        let before = std::mem::replace(&mut self.condition, Condition::Never);
        self.condition = before.and(condition);
    }
}

impl Select {
    /// The whole statement for these columns.
    pub fn to_sql(&self, columns: &str) -> String {
        let distinct = if self.distinct { "DISTINCT " } else { "" };
        let mut sql = format!("SELECT {distinct}{columns} FROM {}{}", self.table, self.joins);
        self.push_condition(&mut sql);
        if !self.order_by.is_empty() {
            sql.push_str(" ORDER BY ");
            sql.push_str(&self.order_by);
        }
        sql
    }

    /// The statement that counts the records.
    pub fn to_count_sql(&self) -> String {
        let counted = if self.distinct { format!("DISTINCT {}.`id`", self.base_alias) } else { "*".to_owned() };
        let mut sql = format!("SELECT COUNT({counted}) FROM {}{}", self.table, self.joins);
        self.push_condition(&mut sql);
        sql
    }

    /// The parameters of either statement in order.
    pub fn all_params(&self) -> impl Iterator<Item = &Param> {
        self.join_params.iter().chain(&self.params)
    }

    fn push_condition(&self, sql: &mut String) {
        if !self.condition.is_empty() {
            sql.push_str(" WHERE ");
            sql.push_str(&self.condition);
        }
    }
}

fn refuse_restricted(restricted: bool, access: Access) -> Result<(), ClientError> {
    if restricted && access == Access::Everyone {
        return Err(ClientError::Restricted);
    }
    Ok(())
}
