//! Records: their values, and finding, saving and deleting them with the rules and hooks in between.

pub mod access;
pub mod actions;
pub mod body;
pub mod counts;
pub mod datetime;
pub mod delete;
pub mod expand;
pub mod export;
pub mod find;
pub mod list;
pub mod pattern;
pub mod record;
pub mod save;
pub mod validate;
pub mod value;

pub use record::Record;
pub use value::Value;
