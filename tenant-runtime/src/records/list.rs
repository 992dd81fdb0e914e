//! A page of records: rule, filter and sort in one statement, rows written as they come.

use std::sync::Arc;

use rusqlite::params_from_iter;

use super::access::{self, Scope};
use super::{Record, expand, export, find};
use crate::error::{ApiError, Result};
use crate::json;
use crate::rules::{Access, Select};
use crate::schema::{Collection, FieldKind};

/// How a page begins on which there is nothing.
pub const NO_ITEMS: &[u8] = b"{\"items\":[]";

const DEFAULT_PER_PAGE: i64 = 30;
const MOST_PER_PAGE: i64 = 1000;

/// What a client asks of a list.
#[derive(Clone, Debug)]
pub struct Page {
    /// Counted from 1.
    pub page: i64,
    /// 1 to 1000.
    pub per_page: i64,
    /// Whether the totals are wanted.
    pub totals: bool,
    /// Empty for none.
    pub filter: String,
    /// Empty for none.
    pub sort: String,
    /// Empty for none.
    pub expand: String,
}

impl Page {
    /// Reads the parameters, given a way to look one up that skips empty ones.
    ///
    /// # Errors
    /// 400 for numbers that are none.
    pub fn parse<'q>(given: impl Fn(&str) -> Option<&'q str>) -> Result<Page> {
        let number = |name: &str| match given(name) {
            None => Ok(0),
            Some(text) => text.parse::<i64>().map_err(|_| ApiError::bad_request("")),
        };
        let (page, per_page) = (number("page")?, number("perPage")?);
        let skip_total = match given("skipTotal") {
            None => false,
            Some(text) => crate::http::request::parse_bool(text).ok_or_else(|| ApiError::bad_request(""))?,
        };
        let text = |name: &str| given(name).unwrap_or_default().to_owned();
        Ok(Page {
            page: page.max(1),
            per_page: if per_page <= 0 { DEFAULT_PER_PAGE } else { per_page.min(MOST_PER_PAGE) },
            totals: !skip_total,
            filter: text("filter"),
            sort: text("sort"),
            expand: text("expand"),
        })
    }

    /// Rows before the page.
    pub fn offset(&self) -> i64 {
        self.per_page.saturating_mul(self.page - 1)
    }

    /// Appends the keys beside `items`, with the braces of the whole.
    pub fn write(&self, total: Option<i64>, items: impl FnOnce(&mut Vec<u8>) -> Result<()>) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(4096);
        out.extend_from_slice(b"{\"items\":[");
        items(&mut out)?;
        let (total, pages) = match total {
            Some(total) => (total, (total + self.per_page - 1) / self.per_page),
            None => (-1, -1),
        };
        let numbers = format!(
            "],\"page\":{},\"perPage\":{},\"totalItems\":{total},\"totalPages\":{pages}}}",
            self.page, self.per_page
        );
        out.extend_from_slice(numbers.as_bytes());
        Ok(out)
    }
}

/// The page as JSON; `count` says how many records a query selects.
///
/// # Errors
/// 403 when only superusers may list or filter so, 400 for a filter or sort that makes no sense.
pub fn page(
    scope: &Scope<'_>,
    collection: &Arc<Collection>,
    page: &Page,
    count: impl FnOnce(&Select) -> Result<i64>,
) -> Result<Vec<u8>> {
    let rule = access::applicable(scope.caller, &collection.rules.list)?;
    let mut query = scope.query(collection);
    if let Some(rule) = rule {
        query.rule(rule).map_err(access::broken_rule)?;
    }
    let as_whom = if scope.caller.is_superuser() { Access::Superuser } else { Access::Everyone };
    query.client_filter(&page.filter, as_whom).map_err(|error| access::refused_filter(&error, &page.filter))?;
    query.client_sort(&page.sort, as_whom).map_err(|error| access::refused_filter(&error, &page.sort))?;
    let select = query.finish();
    let total = if page.totals { Some(count(&select)?) } else { None };
    page.write(total, |out| write_items(scope, collection, page, &select, out))
}

fn write_items(
    scope: &Scope<'_>,
    collection: &Arc<Collection>,
    page: &Page,
    select: &Select,
    out: &mut Vec<u8>,
) -> Result<()> {
    let limit = usize::try_from(page.per_page).unwrap_or(0);
    let offset = usize::try_from(page.offset()).unwrap_or(usize::MAX >> 1);
    if page.expand.is_empty() && !collection.is_auth() {
        return stream_rows(scope, collection, select, limit, offset, out);
    }
    let mut records = find::select(scope.db, collection, select, limit, offset)?;
    if !page.expand.is_empty() {
        expand::expand(scope, &mut records, &page.expand)?;
    }
    export::write_records(scope, &records.iter().collect::<Vec<&Record>>(), out)
}

/// Writes rows of a collection whose fields look the same to every caller of one kind, without building records.
fn stream_rows(
    scope: &Scope<'_>,
    collection: &Arc<Collection>,
    select: &Select,
    limit: usize,
    offset: usize,
    out: &mut Vec<u8>,
) -> Result<()> {
    if select.never {
        return Ok(());
    }
    let shown: Vec<(usize, Vec<u8>)> = collection
        .fields
        .iter()
        .enumerate()
        .filter(|(_, field)| export::is_shown(collection, field, scope.caller.is_superuser()))
        .map(|(at, field)| {
            let mut key = Vec::new();
            json::write_string(&mut key, &field.name);
            key.push(b':');
            (at, key)
        })
        .collect();
    let mut tail = Vec::new();
    export::write_tail(collection, &mut tail);
    tail.push(b'}');
    let mut statement = scope.db.prepare_cached(&find::page_sql(collection, select, limit, offset))?;
    let mut rows = statement.query(params_from_iter(find::bound(select)))?;
    let mut first = true;
    let mut weight = find::Weight::default();
    while let Some(row) = rows.next()? {
        weight.add_row(row, collection.fields.len())?;
        out.extend_from_slice(if first { b"{" } else { b",{" });
        first = false;
        for (at, key) in &shown {
            let field = &collection.fields[*at];
            out.extend_from_slice(key);
            match field.kind {
                FieldKind::Password(_) => out.extend_from_slice(b"\"\""),
                _ => super::value::write_column(field, row.get_ref(*at)?, out),
            }
            out.push(b',');
        }
        out.extend_from_slice(&tail);
    }
    Ok(())
}
