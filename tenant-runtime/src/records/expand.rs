//! `expand`: related records fetched with the caller's view rules and written into those that refer to them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::access::{self, Scope};
use super::{Record, delete, export, find};
use crate::error::{Error, Result};
use crate::json;
use crate::rules::{Context, RequestInfo};
use crate::schema::{Collection, Field};

const MOST_LEVELS: usize = 6;
const MOST_BACK_REFERENCES: usize = 1000;

/// Paths that begin alike, merged.
#[derive(Debug, Default, PartialEq)]
struct Paths(BTreeMap<String, Paths>);

/// Expands comma-separated paths such as `author,comments_via_post.user`. Paths that lead nowhere, or where the caller
/// may not look, are left out silently.
pub fn expand(scope: &Scope<'_>, records: &mut [Record], paths: &str) -> Result<()> {
    let paths = Paths::parse(paths);
    if paths.0.is_empty() || records.is_empty() {
        return Ok(());
    }
    let request = RequestInfo { context: Context::Expand, ..scope.request.clone() };
    expand_level(&Scope { request: &request, ..*scope }, records, &paths, 1).map(|_| ())
}

/// Whether any of the paths was one.
fn expand_level(scope: &Scope<'_>, records: &mut [Record], paths: &Paths, level: usize) -> Result<bool> {
    let Some(collection) = records.first().map(|record| Arc::clone(record.collection())) else { return Ok(true) };
    let mut found: Vec<BTreeMap<&str, Vec<u8>>> = vec![BTreeMap::new(); records.len()];
    let mut valid = false;
    for (name, inner) in &paths.0 {
        let Some(relation) = Relation::resolve(scope, &collection, name) else { continue };
        let Some((related, of)) = relation.fetch(scope, records, inner, level)? else { continue };
        valid = true;
        for (at, ids) in of.into_iter().enumerate() {
            let chosen: Vec<&Record> = ids.iter().filter_map(|id| related.get(id)).collect();
            if chosen.is_empty() {
                continue;
            }
            let mut out = Vec::new();
            if relation.is_multiple() {
                out.push(b'[');
                export::write_records(scope, &chosen, &mut out)?;
                out.push(b']');
            } else {
                export::write_records(scope, &chosen[..1], &mut out)?;
            }
            found[at].insert(name, out);
        }
    }
    if valid {
        for (record, found) in records.iter_mut().zip(found) {
            record.set_expanded(object(&found));
        }
    }
    Ok(valid)
}

/// What one segment of a path stands for.
enum Relation {
    /// A relation field of the record.
    Forward { at: usize, multiple: bool, target: Arc<Collection> },
    /// A relation field of other records that points here.
    Back { owner: Arc<Collection>, at: usize, multiple: bool },
}

/// Related records by id, and for each record the ids of its own.
type Fetched = (HashMap<String, Record>, Vec<Vec<String>>);

impl Relation {
    fn resolve(scope: &Scope<'_>, collection: &Collection, name: &str) -> Option<Relation> {
        if let Some(at) = collection.field_index(name) {
            let target = scope.schema.by_id(&collection.fields[at].relation()?.collection_id)?;
            let multiple = collection.fields[at].is_multiple();
            return Some(Relation::Forward { at, multiple, target: Arc::clone(target) });
        }
        let (owner, field) = match name.split_once("_via_") {
            Some(parts) => parts,
            None => name.strip_suffix(')')?.split_once('(')?,
        };
        let owner = Arc::clone(scope.schema.find(owner)?);
        let at = owner.field_index(field)?;
        let points_here = owner.fields[at].relation()?.collection_id == collection.id;
        let multiple = !owner.has_unique_index_on(field);
        points_here.then_some(Relation::Back { owner, at, multiple })
    }

    fn is_multiple(&self) -> bool {
        match self {
            Relation::Forward { multiple, .. } | Relation::Back { multiple, .. } => *multiple,
        }
    }

    fn target(&self) -> &Arc<Collection> {
        match self {
            Relation::Forward { target, .. } => target,
            Relation::Back { owner, .. } => owner,
        }
    }

    /// The related records the caller may see, expanded further; `None` if the path cannot be followed to its end.
    fn fetch(&self, scope: &Scope<'_>, records: &[Record], inner: &Paths, level: usize) -> Result<Option<Fetched>> {
        let rule = match access::applicable(scope.caller, &self.target().rules.view) {
            Ok(rule) => rule,
            Err(Error::Api(_)) => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut of = Vec::with_capacity(records.len());
        let mut related: Vec<Record> = Vec::new();
        match self {
            Relation::Forward { at, target, .. } => {
                let mut wanted: Vec<String> = Vec::new();
                for record in records {
                    let ids = record.values()[*at].items().to_vec();
                    wanted.extend(ids.iter().cloned());
                    of.push(ids);
                }
                wanted.sort_unstable();
                wanted.dedup();
                related = find::by_ids(scope.db, target, &wanted)?;
            }
            Relation::Back { owner, at, .. } => {
                for record in records {
                    let field: &Field = &owner.fields[*at];
                    let referencing = delete::referencing(scope.db, owner, field, record.id(), MOST_BACK_REFERENCES)?;
                    of.push(referencing.iter().map(|record| record.id().to_owned()).collect());
                    related.extend(referencing);
                }
            }
        }
        if let Some(rule) = rule {
            let ids: Vec<&str> = related.iter().map(Record::id).collect();
            let visible = scope.satisfying(self.target(), &ids, rule)?;
            related.retain(|record| visible.contains(record.id()));
        }
        let follows = !inner.0.is_empty() && level < MOST_LEVELS;
        if follows && !can_follow(scope, self.target(), inner) {
            return Ok(None);
        }
        if follows && !expand_level(scope, &mut related, inner, level + 1)? {
            return Ok(None);
        }
        Ok(Some((related.into_iter().map(|record| (record.id().to_owned(), record)).collect(), of)))
    }
}

/// Whether some nested path names a relation, so that a path without records is told from one that leads nowhere.
fn can_follow(scope: &Scope<'_>, collection: &Collection, paths: &Paths) -> bool {
    paths.0.keys().any(|name| Relation::resolve(scope, collection, name).is_some())
}

fn object(found: &BTreeMap<&str, Vec<u8>>) -> Vec<u8> {
    let mut out = vec![b'{'];
    for (at, (name, json)) in found.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        json::write_string(&mut out, name);
        out.push(b':');
        out.extend_from_slice(json);
    }
    out.push(b'}');
    out
}

impl Paths {
    fn parse(text: &str) -> Paths {
        let mut paths = Paths::default();
        for path in text.replace(' ', "").split(',') {
            let mut level = &mut paths;
            for segment in path.trim_matches('.').split('.').filter(|segment| !segment.is_empty()).take(MOST_LEVELS) {
                level = level.0.entry(segment.to_owned()).or_default();
            }
        }
        paths
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_begin_alike_are_merged() {
        let paths = Paths::parse(" a.b , a, .a.c. ,x");
        assert_eq!(paths.0.keys().collect::<Vec<_>>(), ["a", "x"]);
        assert_eq!(paths.0["a"].0.keys().collect::<Vec<_>>(), ["b", "c"]);
    }
}
