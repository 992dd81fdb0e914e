//! Filters and rules run on SQLite.
