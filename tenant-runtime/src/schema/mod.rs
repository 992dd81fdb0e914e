//! What a tenant's data may look like: collections, their fields, indexes and options.

pub mod auth_options;
pub mod collection;
pub mod field;
pub mod index;
pub mod layout;
pub mod persist;
mod snapshot;
pub mod sync;
pub mod system;

pub use auth_options::{AuthOptions, TokenType};
pub use collection::{Collection, CollectionType, Rules, SUPERUSERS};
pub use field::{Field, FieldKind};
pub use snapshot::Schema;
