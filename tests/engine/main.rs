//! One backend, driven from outside: data directories shared with a stock server, crowds of writers, hostile queries.

mod attacks;
mod exchange;
mod fresh;
mod garden;
mod migrations;
mod refusals;
mod settings;
mod writers;
