//! The platform from outside: what people do with it, and its bad days.

mod accounts;
mod backups;
mod edge;
mod isolation;
mod mail;
mod projects;
mod recovery;
mod sleep;
mod upgrade;
