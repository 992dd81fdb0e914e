//! The joins of a query: one for each path, however often the path is used.

use super::operand::Side;
use super::sql::{Sql, quote};
use crate::schema::Collection;

/// Joins in the order they depend on each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Joins<'a> {
    list: Vec<Join<'a>>,
    /// What tells the names of these joins from those of other sets in the same query.
    mark: &'static str,
}

/// One joined table.
#[derive(Clone, Debug)]
pub(super) struct Join<'a> {
    key: String,
    /// The quoted name under which its columns are read.
    pub(super) alias: String,
    /// ` LEFT JOIN … AS … ON …`.
    sql: Sql,
    /// Whether a row may be joined with several.
    many: bool,
    /// The collection a client reads through this join, until its list rule has been applied.
    unguarded: Option<&'a Collection>,
    guarded: bool,
}

impl<'a> Joins<'a> {
    /// A set of its own for the values of one side.
    pub(super) fn of_side(side: Side) -> Joins<'a> {
        let mark = match side {
            Side::Left => "left",
            Side::Right => "right",
        };
        Joins { list: Vec::new(), mark }
    }

    /// The name of the join for that key. A new one is made from `table`, an SQL source, and the condition that `on`
    /// gives for its name; an empty condition joins everything.
    pub(super) fn add(
        &mut self,
        key: String,
        label: &str,
        many: bool,
        table: Sql,
        on: impl FnOnce(&str) -> Sql,
    ) -> &mut Join<'a> {
        if let Some(at) = self.list.iter().position(|join| join.key == key) {
            return &mut self.list[at];
        }
        let at = self.list.len();
        let alias = quote(&format!("{label}#{}{}", self.mark, at + 1));
        let condition = on(&alias);
        let mut sql = table.wrapped(" LEFT JOIN ", " AS ");
        sql.push(&alias);
        if !condition.is_empty() {
            sql.push(" ON ").append(&condition);
        }
        self.list.push(Join { key, alias, sql, many, unguarded: None, guarded: false });
        &mut self.list[at]
    }

    /// All of them as SQL.
    pub(super) fn to_sql(&self) -> Sql {
        let mut sql = Sql::default();
        for join in &self.list {
            sql.append(&join.sql);
        }
        sql
    }

    /// Whether a row of the base may come out several times.
    pub(super) fn multiply(&self) -> bool {
        self.list.iter().any(|join| join.many)
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    /// Forgets all but the first few.
    pub(super) fn truncate(&mut self, length: usize) {
        self.list.truncate(length);
    }

    /// A join through which a client reads and whose collection's list rule is still to be applied.
    pub(super) fn take_unguarded(&mut self) -> Option<(String, &'a Collection)> {
        self.list.iter_mut().find_map(|join| Some((join.alias.clone(), join.unguarded.take()?)))
    }
}

impl<'a> Join<'a> {
    /// Notes that a client reads the collection through this join.
    pub(super) fn guard_for(&mut self, collection: &'a Collection) {
        if !self.guarded {
            self.guarded = true;
            self.unguarded = Some(collection);
        }
    }
}
