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
mod logs;
mod mail;
mod numbers;
mod operator;
mod people;
mod projects;
mod providers;
mod quotas;
mod recovery;
mod rescue;
mod second_factor;
mod sleep;
mod support;
mod take_over;
mod teams;
mod unverified;
mod upgrade;
