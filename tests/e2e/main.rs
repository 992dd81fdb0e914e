//! The platform from outside: what people do with it, and its bad days.

mod access;
mod accounts;
mod backups;
mod command;
mod database;
mod domains;
mod edge;
mod erasing;
mod isolation;
mod killed;
mod logs;
mod mail;
mod operator;
mod people;
mod projects;
mod providers;
mod quotas;
mod recovery;
mod rescue;
mod scripts;
mod second_factor;
mod sleep;
mod support;
mod take_over;
mod teams;
mod upgrade;
