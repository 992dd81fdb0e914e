//! From identifiers to SQL: walks paths through fields, relations and back relations, joining what it passes.

use super::ParseError;
use super::join::Joins;
use super::modifiers::{self, Modifier};
use super::operand::{Blank, Every, Operand, Scalar, Side};
use super::request::RequestInfo;
use super::sql::{Param, Sql, quote};
use crate::schema::field::RelationOptions;
use crate::schema::{Collection, Field, FieldKind, Schema};

/// How many relations a path may pass.
const MAX_HOPS: usize = 6;

/// Looks up the identifiers of one filter.
pub(super) trait Resolver {
    /// What the identifier stands for.
    fn resolve(&mut self, identifier: &str, side: Side) -> Result<Operand, ParseError>;

    /// Whether a field bears exactly that name.
    fn has_field(&self, name: &str) -> bool;
}

/// The identifiers of filters about records of one collection.
pub(super) struct Records<'q, 'a> {
    pub(super) view: View<'a>,
    pub(super) joins: &'q mut Joins<'a>,
}

/// What a filter is about and may look at.
#[derive(Clone)]
pub(super) struct View<'a> {
    pub(super) schema: &'a Schema,
    pub(super) request: &'a RequestInfo,
    pub(super) base: &'a Collection,
    /// The quoted name of the base's rows.
    pub(super) alias: String,
    /// Keeps the joins of a list rule apart from those of the query it is part of.
    pub(super) realm: String,
    /// Whether the base's rows are those of a table, whose columns other than JSON are never `NULL`.
    pub(super) solid: bool,
    /// Whether hidden fields and what may not be listed are out of bounds.
    pub(super) guarded: bool,
}

/// Rows a path has reached.
pub(super) struct Rows<'a> {
    pub(super) collection: &'a Collection,
    /// Quoted.
    pub(super) alias: String,
    /// Whether one row of the base may have several of them.
    pub(super) many: bool,
    /// Whether columns other than JSON are never `NULL`.
    pub(super) solid: bool,
    /// Whether unknown fields are `NULL` rather than errors.
    pub(super) lenient: bool,
}

/// Where a path ended.
pub(super) struct Reached {
    scalar: Scalar,
    guard: Option<Sql>,
    many: bool,
}

impl Resolver for Records<'_, '_> {
    fn resolve(&mut self, identifier: &str, side: Side) -> Result<Operand, ParseError> {
        if let Some(special) = identifier.strip_prefix('@') {
            let path: Vec<&str> = special.split('.').collect();
            return match path.as_slice() {
                ["request", path @ ..] => self.request(path, side),
                ["collection", name, path @ ..] if !path.is_empty() => self.collection(name, path, side),
                _ => Err(unresolved(identifier)),
            };
        }
        if identifier.starts_with('#') {
            return Err(unresolved(identifier));
        }
        let path: Vec<&str> = identifier.split('.').collect();
        self.operand(side, |view, joins| view.walk(joins, view.base_rows(), &path))
    }

    fn has_field(&self, name: &str) -> bool {
        self.view.base.field(name).is_some()
    }
}

impl<'a> Records<'_, 'a> {
    /// Walks a path once for the rows the query shares and, if there may be many, once more for all their values.
    pub(super) fn operand(
        &mut self,
        side: Side,
        walk: impl Fn(&View<'a>, &mut Joins<'a>) -> Result<Option<Reached>, ParseError>,
    ) -> Result<Operand, ParseError> {
        let Some(reached) = walk(&self.view, self.joins)? else {
            return Ok(Operand::known(Param::Null));
        };
        let mut operand = Operand { scalar: reached.scalar, guard: reached.guard, every: None };
        if reached.many {
            let mut joins = Joins::of_side(side);
            if let Some(again) = walk(&self.view, &mut joins)? {
                operand.every =
                    Some(Box::new(Every { joins: joins.to_sql(), scalar: again.scalar, guard: again.guard }));
            }
        }
        Ok(operand)
    }

    /// `@collection.<name>[:alias].<path>`: all rows of another collection.
    fn collection(&mut self, name: &str, path: &[&str], side: Side) -> Result<Operand, ParseError> {
        let (name, alias) = match name.split_once(':') {
            Some((name, alias)) if !alias.is_empty() && alias.chars().all(modifiers::is_word) => (name, alias),
            Some(_) => return Err(unresolved(name)),
            None => (name, ""),
        };
        let collection = self.view.schema.find(name).ok_or_else(|| {
            let path = path.join(".");
            ParseError::new(format!("failed to load collection {name:?} from field path \"@collection.{name}.{path}\""))
        })?;
        self.operand(side, |view, joins| {
            let key = format!("{}@collection.{}:{alias}", view.realm, collection.id);
            let table = Sql::raw(quote(&collection.name));
            let rows = view.join(joins, key, collection, true, table, |_| Sql::default())?;
            view.walk(joins, Rows { many: true, ..rows }, path)
        })
    }
}

impl<'a> View<'a> {
    /// The rows the filter is about.
    pub(super) fn base_rows(&self) -> Rows<'a> {
        Rows { collection: self.base, alias: self.alias.clone(), many: false, solid: self.solid, lenient: false }
    }

    /// Follows a path from `rows`. `None` is a missing field where those are `NULL`.
    pub(super) fn walk(
        &self,
        joins: &mut Joins<'a>,
        mut rows: Rows<'a>,
        path: &[&str],
    ) -> Result<Option<Reached>, ParseError> {
        let Some((last, passed)) = path.split_last() else {
            return Err(unresolved(""));
        };
        for (at, segment) in passed.iter().enumerate() {
            let rest = &path[at + 1..];
            let next = match rows.collection.field(segment) {
                Some(field) => {
                    self.check_visible(field)?;
                    match &field.kind {
                        FieldKind::Json(_) | FieldKind::GeoPoint => {
                            let sql = modifiers::json_at(&rows.column(segment), rest)?;
                            let scalar = Scalar::Computed(Sql::raw(sql), Blank::Distinct);
                            return Ok(Some(rows.reached(scalar)));
                        }
                        FieldKind::Relation(_) if !field.is_multiple() && rest == ["id"] => {
                            let column = Sql::raw(rows.column(segment));
                            return Ok(Some(rows.reached(Scalar::Computed(column, rows.blank()))));
                        }
                        FieldKind::Relation(options) => Some(self.follow(joins, &rows, field, options)?),
                        _ => return Err(ParseError::new(format!("field {segment:?} is not a valid relation"))),
                    }
                }
                None => self.follow_back(joins, &rows, segment)?,
            };
            match next {
                Some(_) if at == MAX_HOPS => {
                    return Err(ParseError::new(format!("more than {MAX_HOPS} relations")));
                }
                Some(next) => rows = next,
                None if rows.lenient => {
                    Modifier::split(last)?;
                    return Ok(None);
                }
                None => return Err(unresolved(segment)),
            }
        }
        self.arrive(joins, rows, last)
    }

    /// The last segment of a path: a field with at most one modifier.
    fn arrive(&self, joins: &mut Joins<'a>, mut rows: Rows<'a>, segment: &str) -> Result<Option<Reached>, ParseError> {
        let (name, modifier) = Modifier::split(segment)?;
        let Some(field) = rows.collection.field(name) else {
            return if rows.lenient { Ok(None) } else { Err(unknown(segment)) };
        };
        self.check_visible(field)?;
        let column = rows.column(name);
        let (sql, blank) = match modifier {
            Some(Modifier::Length) if field.is_multiple_capable() => (modifiers::length(&column), Blank::Equal),
            Some(Modifier::Each) if field.is_multiple_capable() => {
                rows.many |= field.is_multiple();
                let key = format!("{}{}.{name}:each", self.realm, rows.alias);
                let table = Sql::raw(format!("json_each({})", modifiers::as_list(&column)));
                let items = joins.add(key, name, field.is_multiple(), table, |_| Sql::default());
                (format!("{}.value", items.alias), Blank::Equal)
            }
            _ if matches!(field.kind, FieldKind::Json(_)) => (modifiers::json_at(&column, &[])?, Blank::Distinct),
            _ => (column, rows.blank()),
        };
        let sql = match modifier {
            Some(Modifier::Lower) => format!("LOWER({sql})"),
            _ => sql,
        };
        let mut reached = rows.reached(Scalar::Computed(Sql::raw(sql), blank));
        if self.guarded && name == "email" && rows.collection.is_auth() {
            let visible = format!("{} = TRUE", rows.column("emailVisibility"));
            reached.guard = Some(Sql::raw(visible));
        }
        Ok(Some(reached))
    }

    /// From records to those a relation field names.
    fn follow(
        &self,
        joins: &mut Joins<'a>,
        rows: &Rows<'a>,
        field: &Field,
        options: &RelationOptions,
    ) -> Result<Rows<'a>, ParseError> {
        let target = self.schema.by_id(&options.collection_id).ok_or_else(|| unresolved(&field.name))?;
        let column = rows.column(&field.name);
        let key = format!("{}{}.{}", self.realm, rows.alias, field.name);
        let value = if field.is_multiple() {
            let ids = Sql::raw(format!("json_each({})", modifiers::as_list(&column)));
            let ids = joins.add(format!("{key}:each"), &field.name, true, ids, |_| Sql::default());
            format!("{}.value", ids.alias)
        } else {
            column
        };
        let table = Sql::raw(quote(&target.name));
        let many = target.is_view();
        let mut next =
            self.join(joins, key, target, many, table, |alias| Sql::raw(format!("{alias}.`id` = {value}")))?;
        next.many = rows.many || field.is_multiple();
        next.lenient = rows.lenient;
        Ok(next)
    }

    /// From records to those that name them: `<collection>_via_<relation field>`.
    fn follow_back(
        &self,
        joins: &mut Joins<'a>,
        rows: &Rows<'a>,
        segment: &str,
    ) -> Result<Option<Rows<'a>>, ParseError> {
        let Some((collection, field)) = segment.split_once("_via_") else {
            return Ok(None);
        };
        let (source, field) = match self.schema.find(collection) {
            Some(source) => match source.field(field) {
                Some(field) => (source, field),
                None if rows.lenient => return Ok(None),
                None => return Err(ParseError::new(format!("missing back relation field {field:?}"))),
            },
            None if rows.lenient => return Ok(None),
            None => {
                return Err(ParseError::new(format!("failed to load back relation field {segment:?} collection")));
            }
        };
        if field.relation().is_none_or(|options| options.collection_id != rows.collection.id) {
            return Err(ParseError::new(format!("invalid back relation field {:?}", field.name)));
        }
        self.check_visible(field)?;
        let key = format!("{}{}.{segment}", self.realm, rows.alias);
        let table = Sql::raw(quote(&source.name));
        let id = rows.column("id");
        let many = field.is_multiple() || !source.has_unique_index_on(&field.name);
        let mut next = self.join(joins, key, source, many, table, |alias| {
            let column = format!("{alias}.{}", quote(&field.name));
            Sql::raw(if field.is_multiple() {
                let ids = modifiers::as_list(&column);
                format!("{id} IN (SELECT value FROM json_each({ids}))")
            } else {
                format!("{column} = {id}")
            })
        })?;
        next.many = rows.many || many;
        next.lenient = rows.lenient;
        Ok(Some(next))
    }

    /// Joins a collection. A client may look only at what it may list.
    pub(super) fn join(
        &self,
        joins: &mut Joins<'a>,
        key: String,
        collection: &'a Collection,
        many: bool,
        table: Sql,
        on: impl FnOnce(&str) -> Sql,
    ) -> Result<Rows<'a>, ParseError> {
        if self.guarded && collection.rules.list.is_none() {
            return Err(ParseError::new(format!("{:?} may be listed by superusers only", collection.name)));
        }
        let join = joins.add(key, &collection.name, many, table, on);
        if self.guarded {
            join.guard_for(collection);
        }
        Ok(Rows { collection, alias: join.alias.clone(), many, solid: false, lenient: false })
    }

    fn check_visible(&self, field: &Field) -> Result<(), ParseError> {
        if self.guarded && field.hidden {
            return Err(unknown(&field.name));
        }
        Ok(())
    }
}

impl Rows<'_> {
    fn column(&self, name: &str) -> String {
        format!("{}.{}", self.alias, quote(name))
    }

    /// How a plain column of theirs treats blanks.
    fn blank(&self) -> Blank {
        if self.solid { Blank::Empty } else { Blank::Equal }
    }

    /// The end of a path at these rows.
    pub(super) fn reached(&self, scalar: Scalar) -> Reached {
        Reached { scalar, guard: None, many: self.many }
    }
}

/// The error for a field a collection does not have, or does not show.
fn unknown(name: &str) -> ParseError {
    ParseError::new(format!("unknown field {name:?}"))
}

/// The error for a name that stands for nothing.
pub(super) fn unresolved(name: &str) -> ParseError {
    ParseError::new(format!("failed to resolve field {name:?}"))
}
