//! All collections at one moment. Immutable and shared: readers hold it by `Arc`, a change replaces it whole.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Collection, FieldKind};

/// The collections of one tenant.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    collections: Vec<Arc<Collection>>,
    by_id: HashMap<String, usize>,
    by_lower_name: HashMap<String, usize>,
}

impl Schema {
    /// A snapshot of these, in the order given (that of creation).
    pub fn new(collections: Vec<Arc<Collection>>) -> Schema {
        let by_id = collections.iter().enumerate().map(|(at, c)| (c.id.clone(), at)).collect();
        let by_lower_name = collections.iter().enumerate().map(|(at, c)| (c.name.to_lowercase(), at)).collect();
        Schema { collections, by_id, by_lower_name }
    }

    /// By exact id, else by name in any letter case.
    pub fn find(&self, id_or_name: &str) -> Option<&Arc<Collection>> {
        self.by_id(id_or_name).or_else(|| self.by_name(id_or_name))
    }

    /// By exact id.
    pub fn by_id(&self, id: &str) -> Option<&Arc<Collection>> {
        self.by_id.get(id).map(|&at| &self.collections[at])
    }

    /// By name in any letter case.
    pub fn by_name(&self, name: &str) -> Option<&Arc<Collection>> {
        let at = match self.by_lower_name.get(name) {
            Some(at) => at,
            None => self.by_lower_name.get(&name.to_lowercase())?,
        };
        self.collections.get(*at)
    }

    /// The same with one more collection, or with this one in the place of the one with its id.
    pub fn with(&self, collection: Arc<Collection>) -> Schema {
        let mut collections = self.collections.clone();
        match self.by_id.get(&collection.id) {
            Some(&at) => collections[at] = collection,
            None => collections.push(collection),
        }
        Schema::new(collections)
    }

    /// The same without the collection of that id.
    pub fn without(&self, id: &str) -> Schema {
        Schema::new(self.collections.iter().filter(|collection| collection.id != id).map(Arc::clone).collect())
    }

    /// All of them, in order of creation.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Collection>> {
        self.collections.iter()
    }

    /// The relation fields of stored collections that point to this one, collections in the order of their names.
    pub fn references_to(&self, collection: &Collection) -> Vec<(Arc<Collection>, usize)> {
        let mut owners: Vec<&Arc<Collection>> = self.collections.iter().filter(|owner| !owner.is_view()).collect();
        owners.sort_by(|a, b| a.name.cmp(&b.name));
        let mut references = Vec::new();
        for owner in owners {
            for (at, field) in owner.fields.iter().enumerate() {
                if matches!(&field.kind, FieldKind::Relation(relation) if relation.collection_id == collection.id) {
                    references.push((Arc::clone(owner), at));
                }
            }
        }
        references
    }
}
