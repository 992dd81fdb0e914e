//! The platform from outside: what people do with it, and its bad days.

mod access;
mod accounts;
mod backups;
mod command;
mod database;
mod domains;
mod edge;
mod isolation;
mod mail;
mod people;
mod projects;
mod providers;
mod recovery;
mod rescue;
mod second_factor;
mod sleep;
mod teams;
mod upgrade;
