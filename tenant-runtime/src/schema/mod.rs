//! What a tenant's data may look like: collections, their fields, indexes and options.

pub mod auth_options;
pub mod collection;
pub mod draft;
pub mod field;
pub mod index;
pub mod layout;
pub mod oauth2_providers;
pub mod overlay;
pub mod persist;
pub mod scaffold;
pub mod settle;
mod snapshot;
pub mod sync;
pub mod system;
pub mod validate;
pub mod view;

pub use auth_options::{AuthOptions, TokenType};
pub use collection::{Collection, CollectionType, Rules, SUPERUSERS};
pub use field::{Field, FieldKind};
pub use snapshot::Schema;
